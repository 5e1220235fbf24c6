//! Why a message is taken or not, in words.
//!
//! Decides by trying each rule in turn from the words of the configuration, without the index: an independent check of
//! what [`Policy::decide`] does. It counts nothing. For people, not for the way of a message.

use super::builder::Compiled;
use super::velocity::CounterKey;
use super::{Action, Decision, Policy, PolicyState};
use crate::message::Message;
use crate::rules::hours::{shown, week_minute};
use crate::rules::why;

/// A decision and how it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyExplanation {
    /// What was looked at, in order.
    pub steps: Vec<String>,
    /// What [`Policy::decide`] would answer.
    pub decision: Decision,
    /// The name of the rule that decided; `None` when every rule let it pass.
    pub rule: Option<String>,
}

impl Policy {
    /// Explains what [`Policy::decide`] would answer now.
    #[must_use]
    pub fn explain(&self, state: &PolicyState, message: &Message<'_>, now_ms: i64) -> PolicyExplanation {
        let mut steps = Vec::new();
        let mut passed_over = 0;
        let mut delay: Option<(u32, i64)> = None;
        let mut decided = None;
        for (rank, rule) in (0_u32..).zip(&*self.rules) {
            if why::keys(&rule.conditions, message).is_some() {
                passed_over += 1;
                continue;
            }
            let reason = why::mismatch(&rule.conditions, message, now_ms);
            let (fires, words) = match reason {
                Some(reason) => (false, reason),
                None => self.check(rank, state, message, now_ms),
            };
            if fires || steps.len() < TOLD_MAX {
                steps.push(format!("rule {:?} (order {}): {words}", rule.name, rule.order));
            } else {
                passed_over += 1;
            }
            if fires && rule.action == Action::Delay {
                let until_ms = self.quiet_until_ms(rank, message, now_ms);
                if delay.is_none_or(|(_, latest)| until_ms > latest) {
                    delay = Some((rank, until_ms));
                }
            } else if fires {
                decided = Some((rank, rule.action));
                break;
            }
        }
        if passed_over > 0 {
            steps.insert(0, format!("{passed_over} rules are for other messages"));
        }
        let (rule, decision) = match (decided, delay) {
            (Some((rule, Action::Refuse { status })), _) => (Some(rule), Decision::Refuse { rule, status }),
            (Some((rule, Action::Quarantine)), _) => (Some(rule), Decision::Quarantine { rule }),
            (_, Some((rule, until_ms))) => (Some(rule), Decision::Delay { rule, until_ms }),
            (decided, None) => (decided.map(|(rule, _)| rule), Decision::Accept),
        };
        steps.push(outcome(decision));
        let rule = rule.and_then(|rule| self.rule_name(rule)).map(str::to_owned);
        PolicyExplanation { steps, decision, rule }
    }

    /// Whether a rule that holds fires, and why, in words.
    fn check(&self, rank: u32, state: &PolicyState, message: &Message<'_>, now_ms: i64) -> (bool, String) {
        let rule = &self.rules[rank as usize];
        match &rule.check {
            Compiled::Always => (true, format!("holds: {}", then(rule.action))),
            Compiled::Suppressed => match self.suppressions.against(&state.suppressed, message) {
                Some(scope) => {
                    (true, format!("the number wants nothing {}: {}", scope.shown(), then(rule.action)))
                }
                None => (false, "no suppression stands in the way".to_owned()),
            },
            Compiled::Quiet { spans, offset } => {
                let minute = week_minute(now_ms, self.offset(*offset, message));
                let local = shown(minute);
                match spans.minutes_left(minute) {
                    0 => (false, format!("{local} local time is not quiet")),
                    left => (
                        true,
                        format!("{local} local time is quiet for {left} minutes: {}", then(rule.action)),
                    ),
                }
            }
            Compiled::Velocity(counting) => {
                let key = CounterKey::new(counting, message);
                let count = state.velocity.count(&key, counting.span, now_ms);
                let limit = counting.limit;
                if count < limit {
                    return (false, format!("{count} of {limit} messages went there in its window"));
                }
                (true, format!("{count} of {limit} messages went there already: {}", then(rule.action)))
            }
        }
    }
}

fn then(action: Action) -> String {
    match action {
        Action::Allow => "taken, and no later rule is asked".to_owned(),
        Action::Refuse { status } => format!("refused with status {status:#010x}"),
        Action::Quarantine => "held for review".to_owned(),
        Action::Delay => "to be sent later".to_owned(),
    }
}

fn outcome(decision: Decision) -> String {
    match decision {
        Decision::Accept => "the message is taken".to_owned(),
        Decision::Refuse { .. } => "the message is refused".to_owned(),
        Decision::Quarantine { .. } => "the message is taken and held for review".to_owned(),
        Decision::Delay { until_ms, .. } => {
            format!("the message is taken and sent after Unix time {} s", until_ms / 1_000)
        }
    }
}

/// As many rules as are told of one by one.
const TOLD_MAX: usize = 40;
