//! Collects the rules of a policy, validates them all, and compiles it.

use std::collections::HashSet;
use std::sync::Arc;

use super::velocity::{Counting, Span};
use super::{
    Action, Check, ConsentWords, Policy, PolicyError, PolicyRule, PolicyRuleSpec, QuietOffset, Suppressions,
    UtcOffsets, Velocity,
};
use crate::content::ContentHash;
use crate::digits::PREFIX_DIGITS_MAX;
use crate::rules::hours::{UTC_OFFSET_MINUTES_MAX, WeekSpans};
use crate::rules::index::RuleIndex;

/// Collects a policy. The order of adding does not matter.
#[derive(Debug, Default)]
pub struct PolicyBuilder {
    rules: Vec<PolicyRuleSpec>,
    suppressions: Arc<Suppressions>,
    offsets: UtcOffsets,
    consent: ConsentWords,
}

/// When a rule fires, compiled.
#[derive(Debug)]
pub(crate) enum Compiled {
    Always,
    Suppressed,
    Quiet { spans: WeekSpans, offset: QuietOffset },
    Velocity(Counting),
}

impl PolicyBuilder {
    /// A builder without rules.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one rule; it is validated by [`PolicyBuilder::build`].
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "the usual word of a builder; nothing is summed")]
    pub fn add(mut self, rule: PolicyRuleSpec) -> Self {
        self.rules.push(rule);
        self
    }

    /// The suppressions that [`Check::Suppressed`] looks at.
    #[must_use]
    pub fn suppressions(self, suppressions: Arc<Suppressions>) -> Self {
        Self { suppressions, ..self }
    }

    /// The local times of destinations.
    #[must_use]
    pub fn offsets(self, offsets: UtcOffsets) -> Self {
        Self { offsets, ..self }
    }

    /// The words of consent.
    #[must_use]
    pub fn consent_words(self, consent: ConsentWords) -> Self {
        Self { consent, ..self }
    }

    /// Validates every rule and compiles the policy.
    ///
    /// # Errors
    /// The first rule that is wrong.
    pub fn build(self) -> Result<Policy, PolicyError> {
        let Self { rules: specs, suppressions, offsets, consent } = self;
        let mut hash = ContentHash::new(b"brivas.policy.1");
        let mut names = HashSet::with_capacity(specs.len());
        let mut pairs: Vec<(PolicyRule, Check)> = Vec::with_capacity(specs.len());
        for spec in specs {
            if !names.insert(spec.name.clone()) {
                return Err(PolicyError::RuleTwice { rule: spec.name });
            }
            pairs.push(rule(spec)?);
        }
        pairs.sort_by(|(left, _), (right, _)| left.rank().cmp(&right.rank()));
        hash.list(&pairs, |hash, (rule, check)| hash_rule(hash, rule, check));
        hash.octets(&suppressions.content_hash());
        offsets.hash(&mut hash);
        consent.hash(&mut hash);
        let rules: Box<[PolicyRule]> = pairs.into_iter().map(|(rule, _)| rule).collect();
        let index =
            RuleIndex::build(rules.iter().map(|rule| &rule.conditions)).map_err(|(rank, error)| {
                PolicyError::Conditions { rule: rank.map(|rank| rules[rank].name.to_string()), error }
            })?;
        Ok(Policy { rules, index, suppressions, offsets, consent, content_hash: hash.finish() })
    }
}

impl PolicyRule {
    /// What the rules are sorted by.
    fn rank(&self) -> (u32, (std::cmp::Reverse<usize>, bool), &str) {
        (self.order, self.conditions.precedence(), &self.name)
    }
}

/// Validates one rule; its check as it was said is for the hash.
fn rule(spec: PolicyRuleSpec) -> Result<(PolicyRule, Check), PolicyError> {
    let PolicyRuleSpec { name, order, when: mut conditions, mut check, then: action } = spec;
    if let Err(error) = conditions.normalise() {
        return Err(PolicyError::Conditions { rule: Some(name), error });
    }
    if action == Action::Delay && !matches!(check, Check::Quiet { .. }) {
        return Err(PolicyError::Delay { rule: name });
    }
    let compiled = match &mut check {
        Check::Always => Compiled::Always,
        Check::Suppressed => Compiled::Suppressed,
        Check::Quiet { windows, offset } => {
            let far = matches!(*offset, QuietOffset::Minutes(minutes)
                if minutes.unsigned_abs() > UTC_OFFSET_MINUTES_MAX.unsigned_abs());
            let Some(spans) = WeekSpans::new(windows).filter(|_| !far) else {
                return Err(PolicyError::Quiet { rule: name });
            };
            if spans.is_whole_week() && action == Action::Delay {
                return Err(PolicyError::Endless { rule: name });
            }
            windows.sort_unstable();
            Compiled::Quiet { spans, offset: *offset }
        }
        Check::Velocity(Velocity { limit, window_seconds, per }) => {
            let (limit, window_seconds) = (*limit, *window_seconds);
            let Some(span) = Span::new(window_seconds).filter(|_| limit > 0) else {
                return Err(PolicyError::Velocity { rule: name, limit, window_seconds });
            };
            if usize::from(per.digits) > PREFIX_DIGITS_MAX {
                return Err(PolicyError::Digits { rule: name, digits: per.digits });
            }
            if action == Action::Allow {
                return Err(PolicyError::AllowBeyond { rule: name });
            }
            Compiled::Velocity(Counting::new(&name, limit, span, *per))
        }
    };
    Ok((PolicyRule { name: name.into(), order, conditions, check: compiled, action }, check))
}

fn hash_rule(hash: &mut ContentHash, rule: &PolicyRule, check: &Check) {
    hash.octets(rule.name.as_bytes());
    hash.number(rule.order);
    rule.conditions.hash(hash);
    match check {
        Check::Always => hash.number(0_u8),
        Check::Suppressed => hash.number(1_u8),
        Check::Quiet { windows, offset } => {
            hash.number(2_u8);
            hash.list(windows, |hash, window| {
                hash.number(window.from);
                hash.number(window.to);
            });
            match offset {
                QuietOffset::Minutes(minutes) => hash.octets(&minutes.to_be_bytes()),
                QuietOffset::ByDestination => hash.octets(b""),
            }
        }
        Check::Velocity(Velocity { limit, window_seconds, per }) => {
            hash.number(3_u8);
            hash.number(*limit);
            hash.number(*window_seconds);
            hash.number(u8::from(per.account) | u8::from(per.sender) << 1);
            hash.number(per.digits);
        }
    }
    match rule.action {
        Action::Allow => hash.number(0_u8),
        Action::Refuse { status } => {
            hash.number(1_u8);
            hash.number(status);
        }
        Action::Quarantine => hash.number(2_u8),
        Action::Delay => hash.number(3_u8),
    }
}
