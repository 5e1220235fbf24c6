//! A rate limit as one number: the generic cell rate algorithm (ITU-T I.371), exact over any time longer than its burst.

/// At most `rate` a second, with bursts of a tenth of a second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Throttle {
    /// Nanoseconds between two; 0 lets everything pass.
    interval_ns: u64,
    burst_ns: u64,
    /// When the next one would be due if all came evenly.
    due_ns: u64,
}

const SECOND_NS: u64 = 1_000_000_000;

impl Throttle {
    pub(crate) const fn new(rate_per_second: u32) -> Self {
        let interval_ns = if rate_per_second == 0 { 0 } else { SECOND_NS / rate_per_second as u64 };
        Self { interval_ns, burst_ns: SECOND_NS / 10, due_ns: 0 }
    }

    /// Takes one if there is one.
    pub(crate) fn take(&mut self, now_us: u64) -> bool {
        if !self.has_one(now_us) {
            return false;
        }
        self.due_ns = self.due_ns.max(now_us * 1_000) + self.interval_ns;
        true
    }

    /// Whether there is one to take.
    pub(crate) const fn has_one(&self, now_us: u64) -> bool {
        let now_ns = now_us * 1_000;
        // The first of a burst is always free: slow rates have intervals longer than the burst.
        self.interval_ns == 0
            || self.due_ns <= now_ns
            || self.due_ns + self.interval_ns <= now_ns + self.burst_ns
    }

    /// Changes the rate and keeps what was taken.
    pub(crate) const fn set_rate(&mut self, rate_per_second: u32) {
        self.interval_ns = Self::new(rate_per_second).interval_ns;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_exact_to_one_percent() {
        for rate in [1, 10, 999, 50_000] {
            let mut throttle = Throttle::new(rate);
            let step_us = 10;
            let taken = (0..20_000_000 / step_us).filter(|step| throttle.take(step * step_us)).count();
            let expected = 20.0 * f64::from(rate);
            assert!((taken as f64 - expected).abs() <= expected * 0.01 + 1.0, "{taken} at {rate}/s");
        }
    }

    #[test]
    fn no_rate_is_no_limit() {
        let mut throttle = Throttle::new(0);
        assert!((0..1_000).all(|_| throttle.take(0)));
    }
}
