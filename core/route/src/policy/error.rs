//! Why a policy could not be built. Each variant names the rule, the value and what to do.

use super::VELOCITY_SECONDS_MAX;
use crate::digits::PREFIX_DIGITS_MAX;
use crate::rules::conditions::ConditionError;

/// A rule, or a set of rules, that cannot be a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are named by the sentence of their variant")]
pub enum PolicyError {
    /// Two rules of one name.
    RuleTwice { rule: String },
    /// A rule's conditions; no rule's name when they are all rules' together.
    Conditions { rule: Option<String>, error: ConditionError },
    /// Quiet hours that are no windows in a week, or too far from UTC.
    Quiet { rule: String },
    /// Quiet hours that never end, with a delay until they do.
    Endless { rule: String },
    /// A delay without quiet hours to wait for.
    Delay { rule: String },
    /// A velocity of no messages, no time, or too much time.
    Velocity { rule: String, limit: u32, window_seconds: u32 },
    /// More digits than a number has.
    Digits { rule: String, digits: u8 },
    /// A velocity rule that allows what goes beyond its limit.
    AllowBeyond { rule: String },
    /// A prefix of an offset with anything but digits, or one that stands twice.
    OffsetPrefix { prefix: String },
    /// An offset too far from UTC.
    Offset { prefix: String, minutes: i16 },
    /// More offsets than a policy may have.
    TooManyOffsets { count: usize },
    /// Words of consent that are none, that mean two things, or too many of them.
    ConsentWords { phrase: String },
}

impl std::fmt::Display for PolicyError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::RuleTwice { rule } => {
                write!(formatter, "rule {rule:?} stands twice; hint: give each rule a name of its own")
            }
            Self::Conditions { rule: Some(rule), error } => write!(formatter, "rule {rule:?}: {error}"),
            Self::Conditions { rule: None, error } => write!(formatter, "rules: {error}"),
            Self::Quiet { rule } => {
                write!(formatter, "rule {rule:?}: quiet hours: {}", ConditionError::Hours)
            }
            Self::Endless { rule } => write!(
                formatter,
                "rule {rule:?}: its quiet hours never end; hint: leave some time to send in, or refuse"
            ),
            Self::Delay { rule } => {
                write!(formatter, "rule {rule:?}: only quiet hours can delay; hint: refuse or quarantine")
            }
            Self::Velocity { rule, limit, window_seconds } => write!(
                formatter,
                "rule {rule:?}: {limit} messages in {window_seconds} seconds; hint: at least one message, \
                 1 to 3600 seconds, or whole minutes up to {VELOCITY_SECONDS_MAX} seconds"
            ),
            Self::Digits { rule, digits } => write!(
                formatter,
                "rule {rule:?}: counts by {digits} digits; hint: at most {PREFIX_DIGITS_MAX}"
            ),
            Self::AllowBeyond { rule } => write!(
                formatter,
                "rule {rule:?}: allows what is beyond its limit; hint: refuse or quarantine it"
            ),
            Self::OffsetPrefix { prefix } => write!(
                formatter,
                "UTC offset of prefix {prefix:?}; hint: 0 to {PREFIX_DIGITS_MAX} digits, each prefix once"
            ),
            Self::Offset { prefix, minutes } => write!(
                formatter,
                "UTC offset of prefix {prefix:?}: {minutes} minutes; hint: at most 900 either way"
            ),
            Self::TooManyOffsets { count } => {
                write!(formatter, "{count} UTC offsets; hint: at most {}", super::OFFSETS_MAX)
            }
            Self::ConsentWords { phrase } => write!(
                formatter,
                "words of consent {phrase:?}; hint: 1 to 4 words that mean one thing, at most {} of them",
                super::CONSENT_WORDS_MAX
            ),
        }
    }
}

impl std::error::Error for PolicyError {}
