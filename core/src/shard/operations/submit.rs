//! submit_multi and data_sm: messages that come in another form than submit_sm (SMPP 3.4 §4.5, §4.7.1; 5.0 §4.2.2, §4.2.3).
//!
//! Each recipient of a submit_multi is a message of its own: its route, its attempts, its state, its receipt. All are
//! known to the customer by one id, the first one's.

use brivas_smpp::pdu::{
    Address, DataSm, Destination, Failure, MessageResponse, SubmitMulti, SubmitMultiResponse, Unsuccessful,
};
use brivas_smpp::tlv::{self, Tag, Tlvs};
use brivas_smpp::{CommandStatus, Pdu, ShortMessage};

use super::super::Shard;
use super::super::admission::Origin;
use super::super::commit::{Awaiting, Then};
use super::super::connection::ConnectionRef;
use super::super::messages::MessageRef;
use super::Asked;

/// Lists of recipients that were refused, while the others' records are on their way. As many as the windows of
/// customers' binds have room for.
#[derive(Debug, Default)]
pub(in super::super) struct RefusedRecipients {
    slots: Vec<Option<(u8, Vec<u8>)>>,
    free: Vec<u32>,
}

impl RefusedRecipients {
    /// No recipient was refused.
    const NONE: u32 = u32::MAX;

    fn keep(&mut self, count: u8, list: Vec<u8>) -> u32 {
        if count == 0 {
            return Self::NONE;
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() as u32 - 1
        });
        self.slots[slot as usize] = Some((count, list));
        slot
    }

    fn take(&mut self, slot: u32) -> (u8, Vec<u8>) {
        let kept = self.slots.get_mut(slot as usize).and_then(Option::take);
        if kept.is_some() {
            self.free.push(slot);
        }
        kept.unwrap_or_default()
    }
}

/// The longest address that can go on (SMPP 3.4 §5.2.8), without its NUL.
const ADDRESS_OCTETS_MAX: usize = 20;

impl Shard {
    pub(super) fn submit_multi(
        &mut self,
        asked: Asked,
        multi: &SubmitMulti<'_>,
    ) -> Result<(), CommandStatus> {
        if multi.destinations.iter().any(|each| matches!(each, Destination::List(_))) {
            // There are no distribution lists here, and half a submission is none.
            return Err(CommandStatus::RCNTSUBDL);
        }
        let mut taken: Option<(u64, u32)> = None;
        let mut accepted: Vec<(MessageRef, i64)> = Vec::with_capacity(multi.destinations.count().into());
        // Recipients that are new messages, and which of all the answer's id is of.
        let (mut new, mut told) = (0, 0);
        let (mut refused, mut list) = (0, Vec::new());
        let mut first_status = CommandStatus::RSUBMITFAIL;
        for each in multi.destinations.iter() {
            let Destination::Address(destination) = each else { continue };
            let mut origin = self.origin_of(asked.connection);
            if let Some((submission, alias)) = taken {
                origin = Origin { submission, alias, recipient: new, ..origin };
            }
            let before = self.counters.accepted;
            match self.replace_or_admit(asked.account, &to_one(multi, destination), origin) {
                Ok((name, offset)) => {
                    // What takes the place of another keeps that one's id.
                    let is_new = self.counters.accepted != before;
                    if is_new && taken.is_none() {
                        taken = self.messages.get(name).map(|message| (message.id, message.alias));
                    }
                    if is_new || new == 0 {
                        told = accepted.len();
                    }
                    new += u8::from(is_new);
                    accepted.push((name, offset));
                }
                Err(status) => {
                    if refused == 0 {
                        first_status = status;
                    }
                    refused += 1;
                    Failure { address: destination, status }.encode(&mut list);
                }
            }
        }
        let Some(&(_, offset)) = accepted.last() else { return Err(first_status) };
        let (told, _) = accepted.remove(told);
        let Asked { connection, account, sequence_number } = asked;
        let on_disk = self.accounts[account as usize].on_disk();
        for (message, offset) in accepted {
            self.commits.push(on_disk, Awaiting { offset, message, then: Then::Forward });
        }
        let refused = self.refused_recipients.keep(refused, list);
        let then = Then::AnswerMulti { connection, sequence_number, refused };
        self.commits.push(on_disk, Awaiting { offset, message: told, then });
        Ok(())
    }

    /// All recipients' records are safe.
    pub(in super::super) fn answer_multi(
        &mut self,
        connection: ConnectionRef,
        sequence_number: u32,
        refused: u32,
        last: MessageRef,
    ) {
        let (count, list) = self.refused_recipients.take(refused);
        let Some(message) = self.messages.get(last) else { return };
        let id = message.told_id();
        if let Some(open) = self.connections.get_mut(connection) {
            let response = SubmitMultiResponse {
                message_id: (&id[..]).into(),
                unsuccessful: Unsuccessful::parse(count, &list).unwrap_or_default(),
                tlvs: Tlvs::EMPTY,
            };
            open.session.answer(sequence_number, Pdu::SubmitMultiResp(Some(response)), CommandStatus::ROK);
            self.mark_dirty(connection);
        }
    }

    pub(super) fn submit_data(&mut self, asked: Asked, data: &DataSm<'_>) -> Result<(), CommandStatus> {
        check_addresses(data)?;
        let mut area = Vec::new();
        let message = as_short_message(data, &mut area);
        let origin = self.origin_of(asked.connection);
        let (name, offset) = self.admit(asked.account, &message, origin)?;
        let Asked { connection, account, sequence_number } = asked;
        let on_disk = self.accounts[account as usize].on_disk();
        let then = Then::AnswerData { connection, sequence_number };
        self.commits.push(on_disk, Awaiting { offset, message: name, then });
        Ok(())
    }

    /// The record of a message that came by data_sm is safe.
    pub(in super::super) fn answer_data(
        &mut self,
        connection: ConnectionRef,
        sequence_number: u32,
        name: MessageRef,
    ) {
        let Some(message) = self.messages.get(name) else { return };
        let id = message.told_id();
        if let Some(open) = self.connections.get_mut(connection) {
            let response = Pdu::DataSmResp(MessageResponse::new(&id));
            open.session.answer(sequence_number, response, CommandStatus::ROK);
            self.mark_dirty(connection);
        }
    }
}

/// The message to one of many.
fn to_one<'a>(multi: &SubmitMulti<'a>, destination: Address<'a>) -> ShortMessage<'a> {
    ShortMessage {
        service_type: multi.service_type,
        source: multi.source,
        destination,
        esm_class: multi.esm_class,
        protocol_id: multi.protocol_id,
        priority_flag: multi.priority_flag,
        schedule_delivery_time: multi.schedule_delivery_time,
        validity_period: multi.validity_period,
        registered_delivery: multi.registered_delivery,
        replace_if_present_flag: multi.replace_if_present_flag,
        data_coding: multi.data_coding,
        sm_default_msg_id: multi.sm_default_msg_id,
        short_message: multi.short_message,
        tlvs: multi.tlvs,
    }
}

/// Whether both addresses fit into another PDU than data_sm.
pub(in super::super) fn check_addresses(data: &DataSm<'_>) -> Result<(), CommandStatus> {
    if data.source.digits.len() > ADDRESS_OCTETS_MAX {
        return Err(CommandStatus::RINVSRCADR);
    }
    if data.destination.digits.len() > ADDRESS_OCTETS_MAX {
        return Err(CommandStatus::RINVDSTADR);
    }
    Ok(())
}

/// The submit_sm (deliver_sm) that says the same. A text that fits goes in short_message: not every peer takes message_payload.
pub(in super::super) fn as_short_message<'a>(data: &DataSm<'a>, area: &'a mut Vec<u8>) -> ShortMessage<'a> {
    let text = data.text();
    let fits = text.len() <= brivas_smpp::pdu::SHORT_MESSAGE_OCTETS_MAX;
    let tlvs = if fits {
        for tlv in data.tlvs.iter().filter(|tlv| tlv.tag != Tag::MESSAGE_PAYLOAD) {
            tlv::append(area, tlv.tag, tlv.value);
        }
        Tlvs::parse(area).unwrap_or_default()
    } else {
        data.tlvs
    };
    ShortMessage {
        service_type: data.service_type,
        source: data.source,
        destination: data.destination,
        esm_class: data.esm_class,
        registered_delivery: data.registered_delivery,
        data_coding: data.data_coding,
        short_message: if fits { text } else { b"" },
        tlvs,
        ..ShortMessage::default()
    }
}
