//! Which message is next, and when it is to be sent.

use super::options::LoadOptions;

/// Gives out message numbers.
#[derive(Debug)]
pub(super) struct Schedule {
    first: u64,
    next: u64,
    end: u64,
    /// Messages a second, where the loop is open.
    rate: Option<f64>,
    start_ns: u64,
    duration_ns: u64,
}

/// A message that is to be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) number: u64,
    /// From when its latency counts.
    pub(super) at_ns: u64,
}

impl Schedule {
    /// `number_end` is the first number that cannot be written as a destination.
    pub(super) fn new(options: &LoadOptions, number_end: u64) -> Self {
        let end = if options.messages == 0 { number_end } else { options.first + options.messages };
        let duration_ns = if options.seconds > 0.0 { (options.seconds * 1e9) as u64 } else { u64::MAX };
        Self {
            first: options.first,
            next: options.first,
            end: end.min(number_end),
            rate: (options.rate > 0.0).then_some(options.rate),
            start_ns: 0,
            duration_ns,
        }
    }

    /// Time begins to count.
    pub(super) fn start(&mut self, now_ns: u64) {
        self.start_ns = now_ns;
    }

    /// The next message, if it is due.
    #[inline]
    pub(super) fn take(&mut self, now_ns: u64) -> Option<Due> {
        if self.is_over(now_ns) {
            return None;
        }
        let at_ns = match self.rate {
            None => now_ns,
            Some(rate) => self.intended_ns(rate),
        };
        if at_ns > now_ns {
            return None;
        }
        let number = self.next;
        self.next += 1;
        Some(Due { number, at_ns })
    }

    /// Whether `take` would give one.
    pub(super) fn is_due(&self, now_ns: u64) -> bool {
        !self.is_over(now_ns) && self.rate.is_none_or(|rate| self.intended_ns(rate) <= now_ns)
    }

    /// With a rate, messages are intended at whole ticks, those of one tick together.
    fn intended_ns(&self, rate: f64) -> u64 {
        let given = (self.next - self.first) as f64;
        self.start_ns + (given * 1e9 / TICK_NS as f64 / rate).ceil() as u64 * TICK_NS
    }

    /// Whether nothing more will be due.
    pub(super) const fn is_over(&self, now_ns: u64) -> bool {
        self.next >= self.end || now_ns >= self.deadline_ns()
    }

    /// Whether a number was given out.
    #[inline]
    pub(super) const fn was_given(&self, number: u64) -> bool {
        number >= self.first && number < self.next
    }

    pub(super) const fn deadline_ns(&self) -> u64 {
        self.start_ns.saturating_add(self.duration_ns)
    }
}

/// What a rate is cut into.
pub(super) const TICK_NS: u64 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(json: &str) -> Schedule {
        let mut schedule = Schedule::new(&LoadOptions::from_json(json).unwrap(), 1_000_000);
        schedule.start(5 * TICK_NS);
        schedule
    }

    #[test]
    fn a_rate_is_kept_to_the_tick_and_lateness_counts_from_the_intended_time() {
        let mut schedule = schedule(r#"{"rate": 2500, "seconds": 1}"#);
        assert_eq!(schedule.take(5 * TICK_NS - 1), None);
        // Late by 100 ms: all that was due comes, each with its own time.
        let mut due = Vec::new();
        while let Some(message) = schedule.take(105 * TICK_NS) {
            due.push(message);
        }
        assert_eq!(due.len(), 251);
        assert_eq!(due[0], Due { number: 0, at_ns: 5 * TICK_NS });
        assert_eq!(due[5], Due { number: 5, at_ns: 7 * TICK_NS });
        assert!(!schedule.is_due(105 * TICK_NS) && schedule.is_due(106 * TICK_NS));
        assert_eq!(schedule.take(1_005 * TICK_NS), None);
    }

    #[test]
    fn a_closed_loop_ends_with_its_messages() {
        let mut schedule = schedule(r#"{"messages": 3, "first": 7}"#);
        let numbers: Vec<u64> =
            std::iter::from_fn(|| schedule.take(5 * TICK_NS)).map(|due| due.number).collect();
        assert_eq!(numbers, [7, 8, 9]);
        assert!(
            schedule.is_over(5 * TICK_NS)
                && schedule.was_given(9)
                && !schedule.was_given(10)
                && !schedule.was_given(6)
        );
    }
}
