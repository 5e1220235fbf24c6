//! replace_if_present_flag: a submission that takes the place of one that waits (SMPP 3.4 §5.2.18).
//!
//! The newest message of the account with the same source, destination and service_type that no carrier has gets the whole
//! of the new one: content, times, priority, what is asked of receipts, and the way that rules find for it. It keeps its id,
//! which is the answer, and stands at the end of its queue. Without one it is a new message.

use brivas_smpp::{CommandStatus, ShortMessage};

use super::super::Shard;
use super::super::admission::{Checked, Origin, Takes};
use super::super::messages::{MessageRef, Phase, Review};
use super::super::routing::{Hold, Way};
use super::Times;
use super::waiting::Look;
use crate::facts::part_of;

/// Messages between two addresses that are looked at, from the newest.
const LOOKED_AT_MAX: usize = 1_000;

impl Shard {
    /// Takes a submission over, as a new message or in the place of one.
    pub(in super::super) fn replace_or_admit(
        &mut self,
        account: u32,
        message: &ShortMessage<'_>,
        origin: Origin,
    ) -> Result<(MessageRef, i64), CommandStatus> {
        if message.replace_if_present_flag == 0 {
            return self.admit(account, message, origin);
        }
        match self.find_present(account, message) {
            Some(name) => self.replace_present(account, name, message, &origin),
            None => self.admit(account, message, origin),
        }
    }

    /// The message whose place this one takes. A part takes none, and none takes a part's: the second part of a message
    /// would end the first.
    fn find_present(&mut self, account: u32, message: &ShortMessage<'_>) -> Option<MessageRef> {
        if part_of(message).is_some() {
            return None;
        }
        let mut found = None;
        let addresses = (&message.source, &message.destination);
        self.look_through_waiting(account, addresses, true, LOOKED_AT_MAX, |shard, name, waiting| {
            let is_like = |content: ShortMessage<'_>| {
                content.service_type == message.service_type && part_of(&content).is_none()
            };
            // What came by API is told of by webhook, and by the caller's own name for it.
            let is_meant =
                shard.is_replaceable(name) && !waiting.is_by_api() && waiting.content().is_ok_and(is_like);
            if is_meant {
                found = Some(name);
                return Look::Enough;
            }
            Look::PassOn
        });
        found
    }

    fn replace_present(
        &mut self,
        account: u32,
        name: MessageRef,
        message: &ShortMessage<'_>,
        origin: &Origin,
    ) -> Result<(MessageRef, i64), CommandStatus> {
        let alphabet = self.config.account_alphabet(account);
        let checked = self.check_admission(account, message, alphabet, Takes::Place);
        let Checked { times, way, .. } = checked.inspect_err(|_| self.counters.refused += 1)?;
        if let Some(present) = self.messages.get_mut(name) {
            present.connection = origin.connection;
        }
        Ok(self.put_anew(name, message, times, way))
    }

    /// Gives a message that no carrier has another content and another way, as if it came now, and writes that down. Gives
    /// its name, which may be another from here on, and the record's offset.
    pub(super) fn put_anew(
        &mut self,
        name: MessageRef,
        content: &ShortMessage<'_>,
        times: Times,
        way: Way,
    ) -> (MessageRef, i64) {
        self.take_out(name);
        let is_safe = self.messages.get(name).is_some_and(|message| message.phase != Phase::Accepting);
        // What waits to be safe is in no queue, and its own answer has yet to find it.
        let name = if is_safe { self.rename(name) } else { name };
        let held_by = match way.hold {
            Hold::ForReview(rule) => Some(self.rule_name(rule)),
            Hold::Not | Hold::Until(_) => None,
        };
        let nothing = self.journal.next_offset() - 1;
        let Some(message) = self.messages.get_mut(name) else { return (name, nothing) };
        message.phase = Phase::Accepting;
        message.review = if held_by.is_some() { Review::Held } else { Review::None };
        (message.carrier, message.route, message.table) =
            (way.carrier, way.route, self.config.table_generation);
        (message.schedule_ms, message.expires_ms) = (times.schedule_ms, times.expires_ms);
        (message.throttled, message.has_waited, message.changes) = (0, false, false);
        let id = message.id;
        if held_by.is_none() && times.schedule_ms == 0 {
            self.carriers[way.carrier as usize].queued += 1;
        }
        let rule = held_by.clone();
        if let Some(rule) = held_by {
            self.quarantine.insert(id, name, rule);
        }
        let offset = self.write_content(name, content, rule.as_deref().unwrap_or_default());
        (name, offset)
    }

    /// Takes a message that waits out of whatever counts it.
    fn take_out(&mut self, name: MessageRef) {
        self.count_out(name);
        let Some(message) = self.messages.get_mut(name) else { return };
        if message.phase == Phase::Scheduled {
            self.schedule.waiting = self.schedule.waiting.saturating_sub(1);
        }
        if message.review == Review::Held {
            message.review = Review::None;
            self.quarantine.forget(message.id);
        }
    }
}
