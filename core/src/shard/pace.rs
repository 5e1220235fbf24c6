//! How fast a carrier is sent to: the configured rate, and below it what the carrier itself lets through.
//!
//! A carrier says "slower" by ESME_RTHROTTLED, ESME_RMSGQFUL or congestion_state, never how much slower. From the share of
//! what was sent that it took follows what it takes; a little less is sent, then slowly more until it speaks up again
//! (AIMD, as TCP does it; Chiu and Jain 1989). One pacer a carrier: its rate is over all binds.
//! No clock and no socket here: the shard tells the time.

/// What a carrier may be sent, and what it has said about that.
#[derive(Clone, Debug)]
pub(crate) struct Pacer {
    /// Messages a second by configuration; 0 is no limit.
    configured: u32,
    /// Messages a second that the carrier takes, as far as is known. None: it has not asked for less.
    learned: Option<f64>,
    /// Nanoseconds between two messages; 0 lets everything pass.
    interval_ns: u64,
    burst_ns: u64,
    /// When the next message would be due if all came evenly.
    due_ns: u64,
    /// When the rate was cut: answers to what was sent before say nothing of the new rate.
    cut_ms: u64,
    /// Of what was sent since: taken, and not.
    taken: u32,
    refused: u32,
    /// Share that a round adds; grows while the carrier is content.
    growth: f64,
    /// What it took when last only part was refused: well below that, the rate grows fast.
    known: f64,
    /// When the rate last grew, and when the newest message that was taken was sent: once a round trip is often enough.
    grown_ms: u64,
    newest_taken_ms: u64,
    /// More could have been sent since the last tick.
    is_limiting: bool,
    /// The carrier says that it has as much as it wants.
    holds: bool,
    /// Answers taken since the last tick, and in the busy ticks before.
    taken_in_tick: u32,
    ticks: [Busy; TICKS],
    next_tick: usize,
    ticked_ms: u64,
}

/// A tick in which something was taken.
#[derive(Clone, Copy, Debug, Default)]
struct Busy {
    taken: u32,
    length_ms: u32,
}

const SECOND_NS: u64 = 1_000_000_000;
/// Busy ticks that are remembered: about a second.
const TICKS: usize = 10;
/// Below what was found, so that the carrier's own bucket can recover.
const MARGIN: f64 = 0.97;
/// A cut takes at most so much at once.
const CUT_MAX: f64 = 0.1;
/// Time between cuts: the next shall know what the last did.
const CUT_EVERY_MS: u64 = 50;
/// What a round adds first, how that grows, and where that ends.
const GROWTH_MIN: f64 = 0.005;
const GROWTH_STEP: f64 = 1.15;
const GROWTH_MAX: f64 = 0.25;
/// Messages a second that are tried however often the carrier refuses: how else would it show that it is well again?
const RATE_MIN: f64 = 1.0;
/// Beyond it a limit is none.
const RATE_MAX: f64 = 10_000_000.0;
/// A rate is judged over no less time than this: a bucket that was full tells nothing.
const JUDGED_MS_MIN: u64 = 200;
/// Percent of congestion_state at which the optimum begins, and ends (SMPP 5.0 §4.8.4.18).
const OPTIMUM: std::ops::Range<u8> = 80..90;

impl Pacer {
    pub(crate) fn new(configured: u32) -> Self {
        let mut pacer = Self {
            configured,
            learned: None,
            interval_ns: 0,
            burst_ns: 0,
            due_ns: 0,
            cut_ms: 0,
            taken: 0,
            refused: 0,
            growth: GROWTH_MIN,
            known: f64::INFINITY,
            grown_ms: 0,
            newest_taken_ms: 0,
            is_limiting: false,
            holds: false,
            taken_in_tick: 0,
            ticks: [Busy::default(); TICKS],
            next_tick: 0,
            ticked_ms: 0,
        };
        pacer.set_interval();
        pacer
    }

    /// Changes the configured rate and keeps what was learned.
    pub(crate) fn set_configured(&mut self, per_second: u32) {
        self.configured = per_second;
        self.set_interval();
    }

    /// Messages a second that may be sent now; None is no limit.
    pub(crate) fn per_second(&self) -> Option<f64> {
        let configured = (self.configured > 0).then_some(f64::from(self.configured));
        match (self.learned, configured) {
            (Some(learned), Some(configured)) => Some(learned.min(configured)),
            (learned, configured) => learned.or(configured),
        }
    }

    /// Whether the carrier has asked for less than it may be sent.
    pub(crate) const fn is_slowed(&self) -> bool {
        self.learned.is_some()
    }

    /// Takes leave to send one message, if there is one (generic cell rate algorithm, ITU-T I.371).
    pub(crate) fn take(&mut self, now_us: u64) -> bool {
        if self.interval_ns == 0 {
            return true;
        }
        let now_ns = now_us * 1_000;
        let due_ns = self.due_ns.max(now_ns);
        // The first of a burst is always free: slow rates have intervals longer than the burst.
        if due_ns > now_ns && due_ns + self.interval_ns > now_ns + self.burst_ns {
            self.is_limiting = true;
            return false;
        }
        self.due_ns = due_ns + self.interval_ns;
        true
    }

    /// When the next message may go, microseconds.
    pub(crate) const fn due_us(&self) -> u64 {
        (self.due_ns + self.interval_ns).saturating_sub(self.burst_ns) / 1_000
    }

    /// The carrier took a message that was sent at `sent_ms`.
    pub(crate) fn note_taken(&mut self, sent_ms: u64) {
        self.taken_in_tick += 1;
        if self.learned.is_some() && sent_ms > self.cut_ms {
            self.taken += 1;
            self.newest_taken_ms = sent_ms;
        }
    }

    /// The carrier asked for less speed, about a message that was sent at `sent_ms`.
    pub(crate) fn note_refused(&mut self, now_ms: u64, sent_ms: u64) {
        let Some(rate) = self.learned else {
            return self.cut(now_ms, self.recent(now_ms));
        };
        if sent_ms <= self.cut_ms {
            return;
        }
        self.refused += 1;
        if now_ms < self.cut_ms + CUT_EVERY_MS {
            return;
        }
        // Two that were not sent count as taken: one refusal of one message is no proof of anything.
        let taken = f64::from(self.taken) + 2.0;
        let share = taken / (taken + f64::from(self.refused));
        if share > 0.5 && self.taken > 0 {
            self.known = rate * share;
        }
        self.cut(now_ms, rate * share.max(CUT_MAX) * MARGIN);
    }

    /// The carrier told how busy it is.
    pub(crate) fn note_congestion(&mut self, now_ms: u64, sent_ms: u64, percent: u8) {
        self.holds = percent >= OPTIMUM.start;
        if percent < OPTIMUM.end || (self.learned.is_some() && sent_ms <= self.cut_ms) {
            return;
        }
        if now_ms < self.cut_ms + CUT_EVERY_MS && self.learned.is_some() {
            return;
        }
        let rate = self.learned.unwrap_or_else(|| self.recent(now_ms));
        let excess = f64::from(percent.min(100) - OPTIMUM.end + 1) / 100.0;
        self.cut(now_ms, rate * (1.0 - excess));
    }

    /// Every 100 ms: goes a little faster if the carrier was content.
    pub(crate) fn tick(&mut self, now_ms: u64) {
        let length_ms = now_ms.saturating_sub(self.ticked_ms);
        self.ticked_ms = now_ms;
        let taken = std::mem::take(&mut self.taken_in_tick);
        if taken > 0 {
            self.ticks[self.next_tick] = Busy { taken, length_ms: length_ms.min(1_000) as u32 };
            self.next_tick = (self.next_tick + 1) % TICKS;
        }
        let was_limiting = std::mem::take(&mut self.is_limiting);
        let Some(rate) = self.learned else { return };
        // Before the carrier has said something about this rate, a higher one is not tried.
        if !was_limiting || self.holds || self.newest_taken_ms <= self.grown_ms.max(self.cut_ms) {
            return;
        }
        self.grown_ms = now_ms;
        let growth = if rate < self.known / 2.0 { GROWTH_MAX } else { self.growth };
        let grown = rate * (1.0 + growth);
        self.growth = (self.growth * GROWTH_STEP).min(GROWTH_MAX);
        let is_free = grown > RATE_MAX;
        self.learned = (!is_free).then_some(grown.min(self.ceiling()));
        self.set_interval();
    }

    /// Above the configured rate there is nothing to learn.
    fn ceiling(&self) -> f64 {
        if self.configured > 0 { f64::from(self.configured) } else { RATE_MAX }
    }

    fn cut(&mut self, now_ms: u64, rate: f64) {
        self.learned = Some(rate.clamp(RATE_MIN, self.ceiling().max(RATE_MIN)));
        self.cut_ms = now_ms;
        self.taken = 0;
        self.refused = 0;
        self.growth = GROWTH_MIN;
        self.set_interval();
    }

    /// Messages a second that it took of late, in the time in which it took any.
    fn recent(&self, now_ms: u64) -> f64 {
        let mut taken = u64::from(self.taken_in_tick);
        let mut length_ms = now_ms.saturating_sub(self.ticked_ms).min(1_000);
        for tick in &self.ticks {
            taken += u64::from(tick.taken);
            length_ms += u64::from(tick.length_ms);
        }
        taken as f64 * 1_000.0 / length_ms.max(JUDGED_MS_MIN) as f64
    }

    fn set_interval(&mut self) {
        self.interval_ns = self.per_second().map_or(0, |rate| (SECOND_NS as f64 / rate) as u64);
        // What a carrier refuses is paced evenly: its bucket may hold next to nothing.
        self.burst_ns = if self.learned.is_some() { SECOND_NS / 50 } else { SECOND_NS / 10 };
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// A carrier that takes so many a second, with a bucket, and answers after a while.
    struct Simulated {
        per_second: f64,
        bucket: f64,
        bucket_max: f64,
        round_trip_ms: u64,
        answers: VecDeque<(u64, u64, bool)>,
    }

    #[derive(Debug, Default)]
    struct Outcome {
        taken: u64,
        refused: u64,
    }

    impl Simulated {
        fn new(per_second: f64, bucket_ms: f64, round_trip_ms: u64) -> Self {
            let bucket_max = (per_second * bucket_ms / 1_000.0).max(1.0);
            Self { per_second, bucket: bucket_max, bucket_max, round_trip_ms, answers: VecDeque::new() }
        }

        /// Runs for so long with an endless queue and a window.
        fn run(&mut self, pacer: &mut Pacer, from_ms: u64, for_ms: u64, window: usize) -> Outcome {
            let mut outcome = Outcome::default();
            for now_ms in from_ms..from_ms + for_ms {
                self.bucket = (self.bucket + self.per_second / 1_000.0).min(self.bucket_max);
                while let Some(&(due_ms, sent_ms, taken)) = self.answers.front()
                    && due_ms <= now_ms
                {
                    self.answers.pop_front();
                    if taken {
                        outcome.taken += 1;
                        pacer.note_taken(sent_ms);
                    } else {
                        outcome.refused += 1;
                        pacer.note_refused(now_ms, sent_ms);
                    }
                }
                while self.answers.len() < window && pacer.take(now_ms * 1_000) {
                    let taken = self.bucket >= 1.0;
                    self.bucket -= f64::from(u8::from(taken));
                    self.answers.push_back((now_ms + self.round_trip_ms, now_ms, taken));
                }
                if now_ms % 100 == 0 {
                    pacer.tick(now_ms);
                }
            }
            outcome
        }
    }

    #[test]
    fn a_carrier_that_throttles_gets_nine_tenths_of_its_rate_and_is_seldom_made_to_say_so() {
        for (per_second, bucket_ms, round_trip_ms) in [
            (10.0, 1_000.0, 100),
            (100.0, 100.0, 20),
            (1_000.0, 100.0, 1),
            (1_000.0, 5.0, 50),
            (1_000.0, 1_000.0, 5),
            (1_000.0, 100.0, 500),
            (20_000.0, 50.0, 10),
        ] {
            let mut carrier = Simulated::new(per_second, bucket_ms, round_trip_ms);
            let mut pacer = Pacer::new(0);
            let window = 20_000;
            // From the very first message on; then as it goes on.
            carrier.run(&mut pacer, 1_000, 8_000, window);
            for second in 0..6 {
                let outcome = carrier.run(&mut pacer, 9_000 + second * 5_000, 5_000, window);
                let share = outcome.taken as f64 / 5.0 / per_second;
                assert!(share >= 0.9, "{share:.3} of {per_second}/s, {round_trip_ms} ms, bucket {bucket_ms}");
                let refused = outcome.refused as f64 / outcome.taken as f64;
                assert!(refused < 0.1, "{refused:.3} refused at {per_second}/s, {round_trip_ms} ms");
            }
        }
    }

    #[test]
    fn a_rate_that_falls_and_rises_is_followed() {
        let mut carrier = Simulated::new(1_000.0, 100.0, 10);
        let mut pacer = Pacer::new(0);
        carrier.run(&mut pacer, 0, 10_000, 1_000);
        carrier.per_second = 100.0;
        carrier.run(&mut pacer, 10_000, 3_000, 1_000);
        let low = carrier.run(&mut pacer, 13_000, 5_000, 1_000);
        assert!(low.taken >= 450 && low.refused < 50, "{low:?}");
        carrier.per_second = 1_000.0;
        carrier.run(&mut pacer, 18_000, 8_000, 1_000);
        let high = carrier.run(&mut pacer, 26_000, 5_000, 1_000);
        assert!(high.taken >= 4_500, "{high:?}");
    }

    #[test]
    fn a_carrier_that_takes_nothing_is_asked_now_and_then_and_served_when_it_is_well_again() {
        let mut carrier = Simulated::new(0.0, 0.0, 10);
        carrier.bucket = 0.0;
        let mut pacer = Pacer::new(0);
        carrier.run(&mut pacer, 0, 10_000, 100);
        let asked = carrier.run(&mut pacer, 10_000, 10_000, 100);
        assert!((5..=20).contains(&asked.refused), "{asked:?}");
        carrier.per_second = 1_000.0;
        carrier.run(&mut pacer, 20_000, 12_000, 100);
        let well = carrier.run(&mut pacer, 32_000, 5_000, 100);
        assert!(well.taken >= 4_500, "{well:?}");
    }

    #[test]
    fn a_carrier_that_is_content_is_never_slowed() {
        let mut pacer = Pacer::new(0);
        for now_ms in 0..1_000 {
            assert!((0..100).all(|_| pacer.take(now_ms * 1_000)));
            pacer.note_taken(now_ms);
            pacer.note_congestion(now_ms, now_ms, 30);
        }
        assert_eq!((pacer.per_second(), pacer.is_slowed()), (None, false));
    }

    #[test]
    fn congestion_is_held_at_the_optimum_and_left_above_it() {
        // Congestion is how much of what it could take it gets.
        let mut pacer = Pacer::new(0);
        let capacity = 1_000.0;
        let (mut taken_late, mut level) = (0u32, 0.0);
        let mut sent_lately: VecDeque<u64> = VecDeque::new();
        for now_ms in 1_000..31_000u64 {
            let mut sent = 0;
            while sent < 50 && pacer.take(now_ms * 1_000) {
                sent_lately.push_back(now_ms);
                sent += 1;
            }
            while sent_lately.front().is_some_and(|&at_ms| at_ms + 500 < now_ms) {
                sent_lately.pop_front();
            }
            level = sent_lately.len() as f64 * 2.0 / capacity * 100.0;
            for _ in 0..sent {
                pacer.note_taken(now_ms);
                pacer.note_congestion(now_ms, now_ms, (level as u64).min(100) as u8);
            }
            taken_late += if now_ms >= 21_000 { sent } else { 0 };
            if now_ms % 100 == 0 {
                pacer.tick(now_ms);
            }
        }
        assert!((7_000..=9_200).contains(&taken_late), "{taken_late}, at last {level}");
    }

    #[test]
    fn the_configured_rate_is_kept_to_one_percent_and_is_the_most_that_is_learned() {
        for rate in [1, 10, 999, 50_000] {
            let mut pacer = Pacer::new(rate);
            let step_us = 10;
            let taken = (0..20_000_000 / step_us).filter(|step| pacer.take(step * step_us)).count();
            let expected = 20.0 * f64::from(rate);
            assert!((taken as f64 - expected).abs() <= expected * 0.01 + 1.0, "{taken} at {rate}/s");
        }
        let mut pacer = Pacer::new(100);
        let mut carrier = Simulated::new(1_000.0, 100.0, 1);
        pacer.note_refused(0, 0);
        carrier.run(&mut pacer, 1, 20_000, 100);
        let outcome = carrier.run(&mut pacer, 20_001, 5_000, 100);
        assert!((480..=502).contains(&outcome.taken), "{outcome:?}");
        pacer.set_configured(50);
        assert_eq!(pacer.per_second(), Some(50.0));
    }

    #[test]
    fn a_refusal_of_what_was_sent_before_the_cut_cuts_nothing_more() {
        let mut pacer = Pacer::new(0);
        for now_ms in 0..1_000 {
            pacer.note_taken(now_ms);
        }
        pacer.note_refused(1_000, 990);
        let after = pacer.per_second();
        for sent_ms in 900..=1_000 {
            pacer.note_refused(1_200, sent_ms);
        }
        assert_eq!(pacer.per_second(), after);
    }
}
