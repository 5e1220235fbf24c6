//! replace_sm: another text for messages that no carrier has (SMPP 3.4 §4.10, 5.0 §4.5.3).
//!
//! A message keeps its id, its place in the queue, its destination and its data_coding. Of a submission to several, all
//! are changed or none.

use std::sync::Arc;

use brivas_smpp::pdu::ReplaceSm;
use brivas_smpp::tlv::{self, Tag, Tlvs};
use brivas_smpp::{CommandId, CommandStatus, ShortMessage};

use super::super::Shard;
use super::super::messages::MessageRef;
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
        let mut changes = Vec::with_capacity(names.len());
        for &name in &names {
            let message = self.messages.get(name).ok_or(CommandStatus::RREPLACEFAIL)?;
            let kept = Times { schedule_ms: message.schedule_ms, expires_ms: message.expires_ms };
            changes.push(new_times(&config.spec, replace, kept, self.clock.wall_ms)?);
        }
        let mut last = None;
        for (name, times) in names.into_iter().zip(changes) {
            let name = self.set_times(name, times);
            last = Some((name, self.write_replacement(name, replace)));
        }
        let (name, offset) = last.ok_or(CommandStatus::RREPLACEFAIL)?;
        self.confirm_later(asked, CommandId::REPLACE_SM, name, offset);
        Ok(())
    }

    /// Changes the text, and writes that down.
    fn write_replacement(&mut self, name: MessageRef, replace: &ReplaceSm<'_>) -> i64 {
        let Some(message) = self.messages.get(name) else { return self.journal.next_offset() - 1 };
        let body = [message.mandatory(), message.tlvs()].concat();
        // It was decoded when it came.
        let old = ShortMessage::decode(&body).unwrap_or_default();
        let mut area = Vec::new();
        for tlv in old.tlvs.iter().filter(|tlv| tlv.tag != Tag::MESSAGE_PAYLOAD) {
            tlv::append(&mut area, tlv.tag, tlv.value);
        }
        if let Some(payload) = replace.tlvs.message_payload() {
            tlv::append(&mut area, Tag::MESSAGE_PAYLOAD, payload);
        }
        let new = ShortMessage {
            registered_delivery: replace.registered_delivery,
            sm_default_msg_id: replace.sm_default_msg_id,
            short_message: replace.short_message,
            validity_period: if replace.validity_period.is_empty() {
                old.validity_period
            } else {
                replace.validity_period
            },
            tlvs: Tlvs::parse(&area).unwrap_or_default(),
            ..old
        };
        self.write_content(name, &new)
    }

    /// Gives a message that no carrier has this content, and writes that down.
    pub(super) fn write_content(&mut self, name: MessageRef, content: &ShortMessage<'_>) -> i64 {
        let Some(message) = self.messages.get_mut(name) else { return self.journal.next_offset() - 1 };
        message.replace_content(content);
        let (id, expires_ms, schedule_ms) = (message.id, message.expires_ms, message.schedule_ms);
        self.counters.replaced += 1;
        self.journal.append(self.clock.wall_ms, id, |out| {
            event::replaced(out, content, expires_ms, schedule_ms);
        })
    }
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
