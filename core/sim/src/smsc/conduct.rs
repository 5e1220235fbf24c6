//! How a carrier behaves towards a message: takes it, refuses it, ignores it, hangs up.

use std::io;

use brivas_smpp::{CommandStatus, MessageState};

use super::options::SmscOptions;
use crate::random::Random;

/// What is done with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Take(Fate),
    Refuse(CommandStatus),
    /// Too fast.
    Throttle(CommandStatus),
    Ignore,
    HangUp,
}

/// What will become of a message that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fate {
    pub(super) state: MessageState,
    pub(super) error: [u8; 3],
}

impl Fate {
    const DELIVERED: Self = Self { state: MessageState::Delivered, error: *b"000" };
}

/// Options made ready for judging.
#[derive(Debug)]
pub(super) struct Conduct {
    /// Nothing but taking and delivering was asked for: no chance, no clock.
    plain: bool,
    random: Random,
    errors: Vec<(f64, CommandStatus)>,
    fates: Vec<(f64, Fate)>,
    silent_ratio: f64,
    disconnect_every: u64,
    messages: u64,
    throttle: Option<Bucket>,
    throttle_status: CommandStatus,
}

impl Conduct {
    pub(super) fn new(options: &SmscOptions) -> io::Result<Self> {
        let mut errors = Vec::new();
        for rate in &options.error_rates {
            errors.push((rate.ratio, rate.command_status.status()?));
        }
        let mut fates = Vec::new();
        for rate in &options.states {
            fates.push((rate.ratio, Fate { state: rate.state()?, error: three(&rate.error) }));
        }
        let throttle = (options.throttle_per_second > 0).then(|| Bucket::new(options.throttle_per_second));
        let plain = errors.is_empty()
            && fates.is_empty()
            && options.silent_ratio == 0.0
            && options.disconnect_every == 0
            && throttle.is_none();
        Ok(Self {
            plain,
            random: Random::new(options.seed),
            errors,
            fates,
            silent_ratio: options.silent_ratio,
            disconnect_every: options.disconnect_every,
            messages: 0,
            throttle,
            throttle_status: options.throttle_status.status()?,
        })
    }

    #[inline]
    pub(super) fn judge(&mut self, now_ns: u64) -> Verdict {
        if self.plain { Verdict::Take(Fate::DELIVERED) } else { self.judge_by_options(now_ns) }
    }

    fn judge_by_options(&mut self, now_ns: u64) -> Verdict {
        self.messages += 1;
        if self.disconnect_every > 0 && self.messages.is_multiple_of(self.disconnect_every) {
            return Verdict::HangUp;
        }
        if self.throttle.as_mut().is_some_and(|bucket| !bucket.take(now_ns)) {
            return Verdict::Throttle(self.throttle_status);
        }
        if self.silent_ratio > 0.0 && self.random.fraction() < self.silent_ratio {
            return Verdict::Ignore;
        }
        if let Some(status) = pick(&self.errors, &mut self.random) {
            return Verdict::Refuse(status);
        }
        Verdict::Take(pick(&self.fates, &mut self.random).unwrap_or(Fate::DELIVERED))
    }
}

/// One of the choices by its share; None for what is left of the whole.
fn pick<T: Copy>(choices: &[(f64, T)], random: &mut Random) -> Option<T> {
    if choices.is_empty() {
        return None;
    }
    let mut fraction = random.fraction();
    for (ratio, choice) in choices {
        if fraction < *ratio {
            return Some(*choice);
        }
        fraction -= ratio;
    }
    None
}

/// `err` has three characters (SMPP 3.4 Appendix B).
fn three(error: &str) -> [u8; 3] {
    let mut text = *b"000";
    let start = 3 - error.len().min(3);
    for (octet, given) in text[start..].iter_mut().zip(error.bytes()) {
        *octet = given;
    }
    text
}

/// A token bucket that holds a tenth of a second.
#[derive(Debug)]
struct Bucket {
    per_second: f64,
    tokens: f64,
    tokens_max: f64,
    filled_ns: u64,
}

impl Bucket {
    fn new(per_second: u64) -> Self {
        let per_second = per_second as f64;
        let tokens_max = (per_second / 10.0).max(1.0);
        Self { per_second, tokens: tokens_max, tokens_max, filled_ns: 0 }
    }

    fn take(&mut self, now_ns: u64) -> bool {
        let earned = (now_ns - self.filled_ns) as f64 / 1e9 * self.per_second;
        self.tokens = (self.tokens + earned).min(self.tokens_max);
        self.filled_ns = now_ns;
        let enough = self.tokens >= 1.0;
        if enough {
            self.tokens -= 1.0;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conduct(json: &str) -> Conduct {
        Conduct::new(&SmscOptions::from_json(json).unwrap()).unwrap()
    }

    #[test]
    fn no_more_than_the_rate_is_taken() {
        let mut conduct = conduct(r#"{"throttle_per_second": 1000}"#);
        let taken =
            (0..100_000u64).filter(|index| matches!(conduct.judge(index * 20_000), Verdict::Take(_))).count();
        // Two seconds, and the bucket that was full at the start.
        assert!((2_050..=2_110).contains(&taken), "{taken}");
    }

    #[test]
    fn shares_are_kept() {
        let mut conduct = conduct(
            r#"{"silent_ratio": 0.1, "error_rates": [{"command_status": 8, "ratio": 0.2}],
                "states": [{"state": "UNDELIV", "ratio": 0.5, "error": "45"}], "disconnect_every": 1000}"#,
        );
        let mut counts = [0; 5];
        for _ in 0..100_000 {
            counts[match conduct.judge(0) {
                Verdict::Take(Fate::DELIVERED) => 0,
                Verdict::Take(fate) => {
                    assert_eq!(fate, Fate { state: MessageState::Undeliverable, error: *b"045" });
                    1
                }
                Verdict::Refuse(status) => {
                    assert_eq!(status, CommandStatus::RSYSERR);
                    2
                }
                Verdict::Ignore => 3,
                Verdict::HangUp => 4,
                Verdict::Throttle(_) => unreachable!(),
            }] += 1;
        }
        for (count, expected) in counts.into_iter().zip([36_000i32, 36_000, 18_000, 10_000, 100]) {
            assert!((count - expected).abs() <= expected / 20, "{counts:?}");
        }
    }
}
