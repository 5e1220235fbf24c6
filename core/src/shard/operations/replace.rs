//! replace_sm: another text for messages that no carrier has (SMPP 3.4 §4.10, 5.0 §4.5.3).
//!
//! A message keeps its id, its destination and its data_coding, and its place in the queue unless the policy holds it or it
//! goes out in another form. Of a submission to several, all are changed or none.

use std::sync::Arc;

use brivas_smpp::pdu::ReplaceSm;
use brivas_smpp::tlv::{self, Tag, Tlvs};
use brivas_smpp::{CommandId, CommandStatus, ShortMessage};

use super::super::Shard;
use super::super::commit::{Awaiting, Then};
use super::super::messages::{Message, MessageRef, Review, may_change};
use super::super::routing::{Hold, Way};
use super::{Asked, Stand, Times};
use crate::event;

impl Shard {
    pub(super) fn replace_message(
        &mut self,
        asked: Asked,
        replace: &ReplaceSm<'_>,
    ) -> Result<(), CommandStatus> {
        let first = self.find_told(asked.account, replace.message_id).ok_or(CommandStatus::RINVMSGID)?;
        if !self.index.is_from(&first, replace.source.digits) {
            return Err(CommandStatus::RREPLACEFAIL);
        }
        let mut names = Vec::new();
        for known in self.recipients(first) {
            match known.stand {
                Stand::Open(name) if self.is_replaceable(name) => names.push(name),
                // Sent, or ended.
                _ => return Err(CommandStatus::RREPLACEFAIL),
            }
        }
        let config = self.accounts[asked.account as usize].config.as_ref().map(Arc::clone);
        let config = config.ok_or(CommandStatus::RREPLACEFAIL)?;
        self.refuse_while_choked()?;
        if !self.messages.has_memory() {
            return Err(CommandStatus::RMSGQFUL);
        }
        let mut changes = Vec::with_capacity(names.len());
        for name in names {
            changes.push(self.plan_replacement(&config.spec, name, replace)?);
        }
        // Each may take a place there.
        if changes.iter().any(|change| matches!(change.hold, Hold::ForReview(_))) && self.quarantine.is_full()
        {
            return Err(CommandStatus::RMSGQFUL);
        }
        let mut last = None;
        for change in changes {
            last = Some(self.write_replacement(change));
        }
        let (name, offset) = last.ok_or(CommandStatus::RREPLACEFAIL)?;
        self.confirm_later(asked, CommandId::REPLACE_SM, name, offset);
        Ok(())
    }

    /// What becomes of one message, or why it cannot: the policy judges the new text as it judged the old one.
    fn plan_replacement(
        &mut self,
        account: &brivas_proto::v1::Account,
        name: MessageRef,
        replace: &ReplaceSm<'_>,
    ) -> Result<Replacement, CommandStatus> {
        let message = self.messages.get(name).ok_or(CommandStatus::RREPLACEFAIL)?;
        let kept = Times { schedule_ms: message.schedule_ms, expires_ms: message.expires_ms };
        let mut times = new_times(account, replace, kept, self.clock.wall_ms)?;
        let mut body = Vec::new();
        new_content(message, replace, &mut body);
        let content = ShortMessage::decode(&body).map_err(|error| error.status)?;
        let changes_form = self.has_alphabets || message.may_change || may_change(&content);
        let is_reviewed = message.review != Review::None;
        let hold = self.judge(name, &content)?;
        if let Hold::Until(until_ms) = hold {
            times.schedule_ms = times.schedule_ms.max(until_ms);
        }
        let keeps_place = !changes_form && !is_reviewed && !matches!(hold, Hold::ForReview(_));
        Ok(Replacement { name, body, times, hold, keeps_place })
    }

    /// Changes the text, and writes that down.
    fn write_replacement(&mut self, change: Replacement) -> (MessageRef, i64) {
        let Replacement { name, body, times, hold, keeps_place } = change;
        // It was decoded when it was planned.
        let content = ShortMessage::decode(&body).unwrap_or_default();
        if keeps_place {
            let name = self.set_times(name, times);
            return (name, self.write_content(name, &content, ""));
        }
        let Some(message) = self.messages.get(name) else { return (name, self.journal.next_offset() - 1) };
        let way = Way { route: message.route, carrier: message.carrier, hold };
        let table = message.table;
        let on_disk = self.accounts[message.account as usize].on_disk();
        let (name, offset) = self.put_anew(name, &content, times, way);
        if let Some(message) = self.messages.get_mut(name) {
            message.table = table;
        }
        // It goes on when that is safe.
        self.commits.push(on_disk, Awaiting { offset, message: name, then: Then::Forward });
        (name, offset)
    }

    /// Gives a message that no carrier has this content, and writes that down with the rule that holds it from here on.
    pub(super) fn write_content(
        &mut self,
        name: MessageRef,
        content: &ShortMessage<'_>,
        held_by: &str,
    ) -> i64 {
        self.messages.replace_content(name, content);
        let Some(message) = self.messages.get(name) else { return self.journal.next_offset() - 1 };
        let (id, expires_ms, schedule_ms) = (message.id, message.expires_ms, message.schedule_ms);
        self.counters.replaced += 1;
        self.journal.append(self.clock.wall_ms, id, |out| {
            event::replaced(out, content, expires_ms, schedule_ms, held_by);
        })
    }
}

/// A change that nothing speaks against.
struct Replacement {
    name: MessageRef,
    /// The new content.
    body: Vec<u8>,
    times: Times,
    hold: Hold,
    /// It stays where it is in its queue.
    keeps_place: bool,
}

/// The content as it is from now on: another text, and what else replace_sm names; the rest stays.
fn new_content(message: &Message, replace: &ReplaceSm<'_>, body: &mut Vec<u8>) {
    // It was decoded when it came.
    let old = message.content().unwrap_or_default();
    let mut area = Vec::new();
    for tlv in old.tlvs.iter().filter(|tlv| tlv.tag != Tag::MESSAGE_PAYLOAD) {
        tlv::append(&mut area, tlv.tag, tlv.value);
    }
    if let Some(payload) = replace.tlvs.message_payload() {
        tlv::append(&mut area, Tag::MESSAGE_PAYLOAD, payload);
    }
    let validity_period =
        if replace.validity_period.is_empty() { old.validity_period } else { replace.validity_period };
    let new = ShortMessage {
        registered_delivery: replace.registered_delivery,
        sm_default_msg_id: replace.sm_default_msg_id,
        short_message: replace.short_message,
        validity_period,
        tlvs: Tlvs::parse(&area).unwrap_or_default(),
        ..old
    };
    new.encode(body);
}

/// Both times as they are from now on: an empty field leaves its own as it was.
fn new_times(
    account: &brivas_proto::v1::Account,
    replace: &ReplaceSm<'_>,
    kept: Times,
    now_ms: i64,
) -> Result<Times, CommandStatus> {
    let (schedule, validity) = (replace.schedule_delivery_time, replace.validity_period);
    let new = match (schedule.is_empty(), validity.is_empty()) {
        (true, true) => return Ok(kept),
        (false, _) => Times::read(account, schedule, validity, now_ms)?,
        (true, false) => Times::within(account, kept.schedule_ms, validity, now_ms)?,
    };
    if !validity.is_empty() {
        return Ok(new);
    }
    if kept.expires_ms <= new.schedule_ms {
        return Err(CommandStatus::RINVEXPIRY);
    }
    Ok(Times { expires_ms: kept.expires_ms, ..new })
}
