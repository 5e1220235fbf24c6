//! Messages that a rule of the policy holds for review: taken, journaled, in no carrier's queue, until somebody lets them
//! go or ends them, or their validity does.
//!
//! Bounded: what would be one too many is answered with ESME_RMSGQFUL. A restart finds them in the journal
//! (`Accepted.held_by`, `Released`).

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use brivas_proto::v1;
use brivas_smpp::{CommandStatus, MessageState, ShortMessage};
use tokio::sync::oneshot;

use super::Shard;
use super::commands::Answer;
use super::commit::{Awaiting, Then};
use super::messages::{MessageRef, Phase, Review};
use super::routing::Hold;
use crate::facts::read_text;
use crate::{event, id};

/// Messages that are held at most.
const HELD_MAX: usize = 100_000;
/// Messages of one answer, where the request names no limit, and at most.
const LISTED: u32 = 1_000;
const LISTED_MAX: u32 = 10_000;

/// All that are held, by id: the oldest first.
#[derive(Debug, Default)]
pub(super) struct Quarantine {
    held: BTreeMap<u64, Held>,
}

#[derive(Debug)]
struct Held {
    name: MessageRef,
    /// The rule that holds it.
    rule: Arc<str>,
}

impl Quarantine {
    pub(super) fn is_full(&self) -> bool {
        self.held.len() >= HELD_MAX
    }

    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    pub(super) fn insert(&mut self, id: u64, name: MessageRef, rule: Arc<str>) {
        self.held.insert(id, Held { name, rule });
    }

    pub(super) fn forget(&mut self, id: u64) {
        self.held.remove(&id);
    }

    /// The rule that holds a message.
    pub(super) fn rule(&self, id: u64) -> Option<&str> {
        self.held.get(&id).map(|held| &*held.rule)
    }
}

impl Shard {
    /// Lists what is held, lets it go, or ends it.
    pub(super) fn review(&mut self, request: &v1::ReviewRequest, reply: oneshot::Sender<v1::ReviewResponse>) {
        let limit = if request.limit == 0 { LISTED } else { request.limit.min(LISTED_MAX) } as usize;
        let (mut chosen, mut unknown) = (Vec::new(), Vec::new());
        if request.ids.is_empty() {
            let after = id::parse(&request.after).map_or(Bound::Unbounded, Bound::Excluded);
            let behind = self.quarantine.held.range((after, Bound::Unbounded));
            let listed = behind.filter(|(_, held)| self.is_asked(held, request));
            chosen.extend(listed.map(|(&id, _)| id).take(limit));
        }
        for text in &request.ids {
            match id::parse(text).filter(|id| self.quarantine.held.contains_key(id)) {
                Some(id) => chosen.push(id),
                None => unknown.push(text.clone()),
            }
        }
        let messages = chosen.iter().filter_map(|&id| self.shown(id)).collect();
        let mut last = None;
        for id in chosen {
            // Each is a record, and the journal's room has an end: the rest is still there for the next request.
            if !self.journal.has_room() {
                break;
            }
            match request.action() {
                v1::ReviewAction::List => {}
                v1::ReviewAction::Release => last = self.release_held(id).or(last),
                v1::ReviewAction::Reject => last = self.reject_held(id).or(last),
            }
        }
        let response = v1::ReviewResponse { messages, unknown, held: self.quarantine.len() as u64 };
        match last {
            None => drop(reply.send(response)),
            // Told when it is safe.
            Some(offset) => self.answer_when_safe(offset, Answer::Reviewed(response, reply)),
        }
    }

    /// Answers a call once the record is on the disk.
    pub(super) fn answer_when_safe(&mut self, offset: i64, answer: Answer) {
        let call = self.calls.open(1, answer);
        let message = MessageRef::from_token(u64::MAX);
        self.commits.push(true, Awaiting { offset, message, then: Then::AnswerCallAgain { call } });
    }

    fn is_asked(&self, held: &Held, request: &v1::ReviewRequest) -> bool {
        let account =
            self.messages.get(held.name).map(|message| &self.accounts[message.account as usize].name);
        (request.rule.is_empty() || request.rule == *held.rule)
            && (request.account.is_empty() || account.is_some_and(|name| **name == *request.account))
    }

    fn shown(&self, id: u64) -> Option<v1::HeldMessage> {
        let held = self.quarantine.held.get(&id)?;
        let message = self.messages.get(held.name)?;
        let content = message.content().ok()?;
        let address = |address: brivas_smpp::pdu::Address<'_>| v1::Address {
            ton: address.ton.into(),
            npi: address.npi.into(),
            digits: address.digits.to_vec(),
        };
        let mut text = String::new();
        read_text(&content, message.alphabet(&self.config), &mut text);
        Some(v1::HeldMessage {
            id: id::text(id),
            account: self.accounts[message.account as usize].name.to_string(),
            rule: held.rule.to_string(),
            accepted_at_ms: message.accepted_ms,
            expires_at_ms: message.expires_ms,
            source: Some(address(content.source)),
            destination: Some(address(content.destination)),
            text,
        })
    }

    /// It goes on, by the way of all that wait for a time: the policy is asked again, except for the review.
    fn release_held(&mut self, id: u64) -> Option<i64> {
        let held = self.quarantine.held.remove(&id)?;
        let wall_ms = self.clock.wall_ms;
        let message = self.messages.get_mut(held.name)?;
        message.review = Review::Passed;
        message.schedule_ms = message.schedule_ms.max(wall_ms);
        let offset = self.journal.append(wall_ms, id, event::released);
        if message.phase == Phase::InReview {
            message.phase = Phase::Accepting;
            self.start(held.name);
        }
        Some(offset)
    }

    fn reject_held(&mut self, id: u64) -> Option<i64> {
        let name = self.quarantine.held.get(&id)?.name;
        let error = format!("{:03X}", CommandStatus::RX_R_APPN.0);
        Some(self.end(name, MessageState::Rejected, error.as_bytes()))
    }

    /// What the policy says of a message that was taken before and is due now.
    pub(super) fn judge_again(&mut self, name: MessageRef) -> Result<Hold, CommandStatus> {
        let Some(message) = self.messages.get(name) else { return Ok(Hold::Not) };
        let was_passed = message.review == Review::Passed;
        let Ok(content) = message.content() else { return Ok(Hold::Not) };
        let from = (message.account, message.alphabet(&self.config));
        match self.routing.judging.recheck(&self.config, from, &content, self.clock.wall_ms) {
            // Somebody has looked at it.
            Ok(Hold::ForReview(_)) if was_passed => Ok(Hold::Not),
            verdict => verdict,
        }
    }

    /// What the policy says of another content for a message.
    pub(super) fn judge(
        &mut self,
        name: MessageRef,
        content: &ShortMessage<'_>,
    ) -> Result<Hold, CommandStatus> {
        let Some(message) = self.messages.get(name) else { return Ok(Hold::Not) };
        let from = (message.account, message.alphabet(&self.config));
        self.routing.judging.recheck(&self.config, from, content, self.clock.wall_ms)
    }

    /// Holds a message that is due and in no queue; false where there is no room. Its rule says so again after a restart.
    pub(super) fn hold_for_review(&mut self, name: MessageRef, rule: u32) -> bool {
        if self.quarantine.is_full() {
            return false;
        }
        let rule = self.rule_name(rule);
        let Some(message) = self.messages.get_mut(name) else { return true };
        message.review = Review::Held;
        message.phase = Phase::InReview;
        self.quarantine.insert(message.id, name, rule);
        true
    }

    pub(super) fn rule_name(&self, rule: u32) -> Arc<str> {
        self.config.policy.rule_name(rule).unwrap_or_default().into()
    }
}
