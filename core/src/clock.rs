//! The shard's time: read once a round, then handed to everything as numbers.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Monotonic and wall time of the current round.
#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    /// Monotonic microseconds since the shard started; timers run on this.
    pub(crate) now_us: u64,
    /// Milliseconds since 1970 UTC; what is written down is dated by this.
    pub(crate) wall_ms: i64,
}

impl Clock {
    pub(crate) fn start() -> Self {
        let mut clock = Self { started: Instant::now(), now_us: 0, wall_ms: 0 };
        clock.tick();
        clock
    }

    /// Reads the system's clocks.
    pub(crate) fn tick(&mut self) {
        self.now_us = self.started.elapsed().as_micros() as u64;
        self.wall_ms = wall_ms();
    }

    /// Monotonic milliseconds.
    pub(crate) const fn now_ms(&self) -> u64 {
        self.now_us / 1_000
    }
}

/// Milliseconds since 1970 UTC.
pub(crate) fn wall_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}
