//! The admission policy: whether a message is taken, refused, held for review, or sent later.
//!
//! A policy is rules in order. The first rule that holds and whose check fires decides; if none does, the message is
//! taken. Only a delay does not end the search: what is taken in spite of it is sent after the quiet hours. The compiled
//! [`Policy`] is immutable and swapped whole; what changes with the messages (counters, consents that were taken back)
//! is [`PolicyState`], which outlives the policies.

mod builder;
mod consent;
mod error;
mod explain;
mod offsets;
mod overlay;
mod spec;
mod suppression;
mod velocity;

use crate::message::Message;
use crate::rules::conditions::Conditions;
use crate::rules::hours::{MINUTE_MS, week_minute};
use crate::rules::index::RuleIndex;
use crate::rules::scratch::RuleScratch;
use builder::Compiled;
use velocity::CounterKey;

pub use builder::PolicyBuilder;
pub use consent::{CONSENT_WORDS, CONSENT_WORDS_MAX, Consent, ConsentWord, ConsentWords};
pub use error::PolicyError;
pub use explain::PolicyExplanation;
pub use offsets::{OFFSETS_MAX, UtcOffsets};
pub use overlay::{OverlayEntry, SuppressionOverlay};
pub use spec::{Action, Check, Per, PolicyRuleSpec, QuietOffset, VELOCITY_SECONDS_MAX, Velocity};
pub use suppression::{SUPPRESSED_MAX, SuppressionError, Suppressions, SuppressionsBuilder};
pub use velocity::{VelocityLimits, VelocityState};

/// What is done with a message. Rules are named by number: [`Policy::rule_name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is taken.
    Accept,
    /// It is not taken.
    Refuse {
        /// The rule that decided.
        rule: u32,
        /// The command_status to answer with, as the rule says.
        status: u32,
    },
    /// It is taken, and sent only when somebody has looked at it.
    Quarantine {
        /// The rule that decided.
        rule: u32,
    },
    /// It is taken, and sent later.
    Delay {
        /// The rule with the latest end.
        rule: u32,
        /// When it may be sent, in Unix time.
        until_ms: i64,
    },
}

/// A compiled policy. Made by [`PolicyBuilder`]; deciding cannot fail.
#[derive(Debug)]
pub struct Policy {
    pub(crate) rules: Box<[PolicyRule]>,
    pub(crate) index: RuleIndex,
    pub(crate) suppressions: std::sync::Arc<Suppressions>,
    pub(crate) offsets: UtcOffsets,
    pub(crate) consent: ConsentWords,
    pub(crate) content_hash: [u8; 32],
}

/// One rule of a policy, validated.
#[derive(Debug)]
pub(crate) struct PolicyRule {
    pub(crate) name: Box<str>,
    pub(crate) order: u32,
    pub(crate) conditions: Conditions,
    pub(crate) check: Compiled,
    pub(crate) action: Action,
}

/// What changes with the messages and outlives a policy. One for each shard.
#[derive(Debug)]
pub struct PolicyState {
    /// How many messages went where.
    pub velocity: VelocityState,
    /// Suppressions that are newer than the policy's.
    pub suppressed: SuppressionOverlay,
    scratch: RuleScratch,
    /// Rules that held and let the message pass: those that count it or delay it.
    passed: Vec<u32>,
}

impl PolicyState {
    /// An empty state. `overlay_max` is how many suppressions may be newer than the policy's. `seed` is anything that
    /// peers cannot know: they choose what is counted.
    #[must_use]
    pub fn new(limits: VelocityLimits, overlay_max: usize, seed: u64) -> Self {
        Self {
            velocity: VelocityState::new(limits, seed),
            suppressed: SuppressionOverlay::new(overlay_max, seed),
            scratch: RuleScratch::default(),
            passed: Vec::new(),
        }
    }
}

impl Policy {
    /// What of a state counts for this message: enough for [`Policy::explain`] to answer as with the whole, elsewhere.
    #[must_use]
    pub fn state_about(&self, state: &PolicyState, message: &Message<'_>) -> PolicyState {
        let mut about = PolicyState {
            velocity: VelocityState::new(state.velocity.limits(), 0),
            suppressed: state.suppressed.about(message),
            scratch: RuleScratch::default(),
            passed: Vec::new(),
        };
        for rule in &*self.rules {
            if let Compiled::Velocity(counting) = &rule.check {
                let key = CounterKey::new(counting, message);
                if about.velocity.count(&key, counting.span, 0) == 0 {
                    about.velocity.take_over(&state.velocity, &key, counting.span);
                }
            }
        }
        about
    }

    /// Decides about a message, and counts it if it is taken. `now_ms` is Unix time.
    ///
    /// A message that is taken, held or delayed counts for each velocity rule that stands before the deciding one and
    /// holds for it; one that is refused does not.
    pub fn decide(&self, state: &mut PolicyState, message: &Message<'_>, now_ms: i64) -> Decision {
        self.judge(state, message, now_ms, true)
    }

    /// Decides anew about a message that was taken before, when it is about to be sent: velocity rules do not hold for
    /// it, and nothing is counted. For what was delayed, scheduled or released from review (there the caller knows
    /// which quarantine is meant to be passed over).
    pub fn recheck(&self, state: &mut PolicyState, message: &Message<'_>, now_ms: i64) -> Decision {
        self.judge(state, message, now_ms, false)
    }

    fn judge(
        &self,
        state: &mut PolicyState,
        message: &Message<'_>,
        now_ms: i64,
        with_velocity: bool,
    ) -> Decision {
        let PolicyState { velocity, suppressed, scratch, passed } = state;
        passed.clear();
        let fired = self.index.first(message, now_ms, scratch, |rank| {
            let rule = &self.rules[rank as usize];
            match &rule.check {
                Compiled::Always => true,
                Compiled::Suppressed => self.suppressions.holds(suppressed, message),
                Compiled::Quiet { spans, offset } => {
                    let quiet = spans.contains(week_minute(now_ms, self.offset(*offset, message)));
                    if quiet && rule.action == Action::Delay {
                        passed.push(rank);
                        return false;
                    }
                    quiet
                }
                Compiled::Velocity(_) if !with_velocity => false,
                Compiled::Velocity(counting) => {
                    let key = CounterKey::new(counting, message);
                    if velocity.count(&key, counting.span, now_ms) >= counting.limit {
                        return true;
                    }
                    passed.push(rank);
                    false
                }
            }
        });
        let action = fired.map_or(Action::Allow, |rank| self.rules[rank as usize].action);
        let rule = fired.unwrap_or(u32::MAX);
        if let Action::Refuse { status } = action {
            return Decision::Refuse { rule, status };
        }
        // A rule may have been met by more than one of its keys.
        passed.sort_unstable();
        passed.dedup();
        let mut delay: Option<(u32, i64)> = None;
        for &rank in passed.iter().take_while(|&&rank| rank < rule) {
            match &self.rules[rank as usize].check {
                Compiled::Velocity(counting) => {
                    velocity.add(&CounterKey::new(counting, message), counting.span, now_ms);
                }
                Compiled::Quiet { .. } => {
                    let until_ms = self.quiet_until_ms(rank, message, now_ms);
                    if delay.is_none_or(|(_, latest)| until_ms > latest) {
                        delay = Some((rank, until_ms));
                    }
                }
                Compiled::Always | Compiled::Suppressed => {}
            }
        }
        match (action, delay) {
            (Action::Quarantine, _) => Decision::Quarantine { rule },
            (_, Some((rule, until_ms))) => Decision::Delay { rule, until_ms },
            _ => Decision::Accept,
        }
    }

    /// When the quiet hours of this rule end for this message; now, if they are not.
    pub(crate) fn quiet_until_ms(&self, rank: u32, message: &Message<'_>, now_ms: i64) -> i64 {
        let Compiled::Quiet { spans, offset } = &self.rules[rank as usize].check else { return now_ms };
        match spans.minutes_left(week_minute(now_ms, self.offset(*offset, message))) {
            0 => now_ms,
            left => (now_ms.div_euclid(MINUTE_MS) + i64::from(left)) * MINUTE_MS,
        }
    }

    pub(crate) fn offset(&self, offset: QuietOffset, message: &Message<'_>) -> i16 {
        match offset {
            QuietOffset::Minutes(minutes) => minutes,
            QuietOffset::ByDestination => self.offsets.minutes(message.destination),
        }
    }

    /// Whether a suppression stands in the way of this message, whatever the rules say of it.
    #[must_use]
    pub fn is_suppressed(&self, state: &PolicyState, message: &Message<'_>) -> bool {
        self.suppressions.holds(&state.suppressed, message)
    }

    /// The suppressions that the policy was built with.
    #[must_use]
    pub const fn suppressions(&self) -> &std::sync::Arc<Suppressions> {
        &self.suppressions
    }

    /// What incoming messages say about consent.
    #[must_use]
    pub const fn consent_words(&self) -> &ConsentWords {
        &self.consent
    }

    /// The name of a rule that decided.
    #[must_use]
    pub fn rule_name(&self, rule: u32) -> Option<&str> {
        self.rules.get(rule as usize).map(|rule| &*rule.name)
    }

    /// How many rules there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there is no rule: every message is taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether a rule looks at the text: if none does, [`Message::text`] may be left empty.
    #[must_use]
    pub const fn reads_text(&self) -> bool {
        self.index.reads_text()
    }

    /// SHA-256 over rules, suppressions, offsets and words, whatever the order they were added in.
    #[must_use]
    pub const fn content_hash(&self) -> [u8; 32] {
        self.content_hash
    }
}
