//! How many unanswered messages a bind holds: as many as are on the way, not as many as the carrier lets queue up.
//!
//! While even the quickest answer of a stretch takes much longer than an unhindered one, messages stand in the carrier's
//! queue: a wider window would only make that longer (Vegas' measure, with the standing queue of CoDel, RFC 8289). Single
//! slow answers do not narrow it. `windowMin` and `windowMax` bound it; the same for both keeps it as it is.

/// The window of a bind and what it is reckoned from.
#[derive(Clone, Debug)]
pub(crate) struct RoundTrip {
    window_min: u32,
    window_max: u32,
    window: u32,
    /// The quickest answers of this half-minute's halves: what the way itself takes.
    quickest_ms: [u32; 2],
    half_since_ms: u64,
    /// Of this stretch.
    stretch_since_ms: u64,
    stretch_quickest_ms: u32,
    answers: u32,
    was_full: bool,
    /// What was sent before the last change tells nothing of it.
    changed_ms: u64,
    /// In 1/8 ms, as TCP smooths it (RFC 6298).
    smoothed: u64,
}

const UNKNOWN_MS: u32 = u32::MAX;
/// How long a half of the memory is.
const HALF_MS: u64 = 15_000;
/// A stretch has at least this length and so many answers.
const STRETCH_MS: u64 = 100;
const STRETCH_ANSWERS: u32 = 8;
/// What may stand in the carrier's queue, beyond twice the way: less is noise.
const QUEUE_MS: u32 = 100;

impl RoundTrip {
    /// A `window_min` of 0, as one above the most, keeps the window at its most.
    pub(crate) fn new(window_min: u32, window_max: u32) -> Self {
        let window_max = window_max.max(1);
        Self {
            window_min: if window_min == 0 { window_max } else { window_min.min(window_max) },
            window_max,
            window: window_max,
            quickest_ms: [UNKNOWN_MS; 2],
            half_since_ms: 0,
            stretch_since_ms: 0,
            stretch_quickest_ms: UNKNOWN_MS,
            answers: 0,
            was_full: false,
            changed_ms: 0,
            smoothed: 0,
        }
    }

    /// Changes the bounds and keeps what is known.
    pub(crate) fn set_bounds(&mut self, window_min: u32, window_max: u32) {
        let new = Self::new(window_min, window_max);
        if (new.window_min, new.window_max) != (self.window_min, self.window_max) {
            let window = if self.window == self.window_max { new.window_max } else { self.window };
            self.window = window.clamp(new.window_min, new.window_max);
            (self.window_min, self.window_max) = (new.window_min, new.window_max);
        }
    }

    /// The window now.
    pub(crate) const fn window(&self) -> u32 {
        self.window
    }

    /// The usual time from a message to its answer; 0 before the first.
    pub(crate) const fn smoothed_ms(&self) -> u64 {
        self.smoothed / 8
    }

    /// More would have been sent, had the window been wider.
    pub(crate) const fn note_full(&mut self) {
        self.was_full = true;
    }

    /// A message was answered. True: the window has changed.
    pub(crate) fn note(&mut self, now_ms: u64, sent_ms: u64) -> bool {
        let took_ms = now_ms.saturating_sub(sent_ms).min(u64::from(UNKNOWN_MS - 1)) as u32;
        let sample = u64::from(took_ms) * 8;
        self.smoothed = if self.answers == 0 && self.quickest_ms == [UNKNOWN_MS; 2] {
            sample
        } else {
            self.smoothed - self.smoothed / 8 + sample / 8
        };
        self.quickest_ms[0] = self.quickest_ms[0].min(took_ms);
        if sent_ms > self.changed_ms || self.changed_ms == 0 {
            self.stretch_quickest_ms = self.stretch_quickest_ms.min(took_ms);
            self.answers += 1;
        }
        if self.answers < STRETCH_ANSWERS || now_ms < self.stretch_since_ms + STRETCH_MS {
            return false;
        }
        self.end_stretch(now_ms)
    }

    fn end_stretch(&mut self, now_ms: u64) -> bool {
        let way_ms = self.quickest_ms[0].min(self.quickest_ms[1]);
        let quickest_ms = std::mem::replace(&mut self.stretch_quickest_ms, UNKNOWN_MS);
        let was_full = std::mem::take(&mut self.was_full);
        self.answers = 0;
        self.stretch_since_ms = now_ms;
        if now_ms >= self.half_since_ms + HALF_MS {
            self.half_since_ms = now_ms;
            self.quickest_ms = [quickest_ms, self.quickest_ms[0]];
        }
        let allowed_ms = way_ms.saturating_mul(2).saturating_add(QUEUE_MS);
        let window = if quickest_ms > allowed_ms {
            let narrowed = u64::from(self.window) * u64::from(allowed_ms) / u64::from(quickest_ms);
            let (least, most) = (self.window / 2, self.window - self.window.div_ceil(10));
            (narrowed as u32).clamp(least, most)
        } else if was_full && quickest_ms <= allowed_ms - allowed_ms / 4 {
            self.window + (self.window / 8).max(1)
        } else {
            self.window
        };
        let window = window.clamp(self.window_min, self.window_max);
        if window == self.window {
            return false;
        }
        self.window = window;
        self.changed_ms = now_ms;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;
    use std::collections::BinaryHeap;

    use super::*;

    /// A carrier that works off a queue at its rate; gives answers in 10 s, and the last round trip.
    fn run(trip: &mut RoundTrip, from_ms: u64, way_ms: u64, per_second: u64, jitter_ms: u64) -> (u64, u64) {
        let (mut in_flight, mut answers, mut last_ms) = (BinaryHeap::new(), 0, 0);
        let mut served_us = from_ms * 1_000;
        let mut odd = 1_u64;
        for now_ms in from_ms..from_ms + 10_000 {
            while let Some(&Reverse((due_ms, sent_ms))) = in_flight.peek()
                && due_ms <= now_ms
            {
                in_flight.pop();
                answers += 1;
                last_ms = now_ms - sent_ms;
                trip.note(now_ms, sent_ms);
            }
            while in_flight.len() < trip.window() as usize {
                odd = odd.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let extra_ms = if jitter_ms == 0 { 0 } else { (odd >> 33) % jitter_ms };
                served_us = served_us.max(now_ms * 1_000) + 1_000_000 / per_second;
                in_flight.push(Reverse((served_us / 1_000 + way_ms + extra_ms, now_ms)));
            }
            trip.note_full();
        }
        (answers, last_ms)
    }

    #[test]
    fn a_window_that_only_fills_the_carriers_queue_is_narrowed_and_costs_no_throughput() {
        for (way_ms, per_second) in [(20, 100), (5, 1_000), (200, 500)] {
            let mut trip = RoundTrip::new(1, 1_000);
            for second in 0..3 {
                run(&mut trip, 1_000 + second * 10_000, way_ms, per_second, 0);
            }
            let (answers, last_ms) = run(&mut trip, 31_000, way_ms, per_second, 0);
            assert!(answers >= per_second * 10 * 95 / 100, "{answers} of {per_second}/s; {trip:?}");
            assert!(last_ms <= (2 * way_ms + 100) * 3 / 2, "{last_ms} ms of {way_ms}; {trip:?}");
        }
    }

    #[test]
    fn a_carrier_that_keeps_up_keeps_the_whole_window() {
        let mut trip = RoundTrip::new(1, 1_000);
        run(&mut trip, 1_000, 50, 1_000_000, 0);
        assert_eq!(trip.window(), 1_000);
        // Slow answers among quick ones are no queue.
        run(&mut trip, 11_000, 50, 1_000_000, 600);
        assert_eq!(trip.window(), 1_000);
    }

    #[test]
    fn a_way_that_becomes_longer_is_learned_and_the_window_comes_back() {
        let mut trip = RoundTrip::new(1, 100);
        run(&mut trip, 1_000, 5, 1_000_000, 0);
        for second in 0..8 {
            run(&mut trip, 11_000 + second * 10_000, 400, 1_000_000, 0);
        }
        assert_eq!(trip.window(), 100, "{trip:?}");
    }

    #[test]
    fn a_window_of_one_bound_stays() {
        for (least, most) in [(0, 10), (10, 10), (20, 10)] {
            let mut trip = RoundTrip::new(least, most);
            run(&mut trip, 1_000, 5, 1, 0);
            assert_eq!(trip.window(), 10);
        }
        let mut trip = RoundTrip::new(1, 10);
        trip.set_bounds(1, 50);
        assert_eq!(trip.window(), 50);
        trip.set_bounds(1, 4);
        assert_eq!(trip.window(), 4);
    }
}
