//! Time that this thread had on a processor, so that others on the machine do not count.

use std::time::{Duration, Instant};

/// Running since it was made.
pub struct Stopwatch {
    began: Instant,
    on_processor: Option<u64>,
}

impl Stopwatch {
    pub fn start() -> Self {
        Self { began: Instant::now(), on_processor: on_processor() }
    }

    /// How long so far; where the system does not tell what a thread had, by the clock on the wall.
    pub fn elapsed(&self) -> Duration {
        match (self.on_processor, on_processor()) {
            (Some(began), Some(now)) => Duration::from_nanos(now - began),
            _ => self.began.elapsed(),
        }
    }

    /// Nanoseconds for each of so many.
    pub fn each(&self, count: usize) -> f64 {
        self.elapsed().as_nanos() as f64 / count as f64
    }
}

fn on_processor() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok()
}
