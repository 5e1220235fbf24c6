//! What the specification forbids in a request beyond the forms of its fields, by version; each with its own status.
//!
//! Reading is tolerant and keeps what is reserved. A message centre that takes a request asks here first. What needs more
//! than the PDU itself (times in the past, who may send what) is not looked at.

use super::rules::{self, AddressRule, Rule};
use super::{
    Address, BroadcastSm, DataSm, DecodeError, Destination, Pdu, ReplaceSm, ShortMessage, SubmitMulti,
};
use crate::status::CommandStatus;
use crate::time;
use crate::tlv::{Tag, Tlvs};
use crate::values::{EsmClass, InterfaceVersion, MessageType, Npi, RegisteredDelivery, Ton};

type Checked = Result<(), DecodeError>;

/// Checks a request as a message centre takes it; other PDUs pass.
pub(super) fn request(pdu: &Pdu<'_>, version: InterfaceVersion) -> Checked {
    match pdu {
        Pdu::SubmitSm(message) => submit_sm(message, version),
        Pdu::SubmitMulti(message) => submit_multi(message, version),
        Pdu::DataSm(message) => data_sm(message),
        Pdu::ReplaceSm(message) => replace_sm(message, version),
        Pdu::QuerySm(query) => message_id(query.message_id, version),
        Pdu::BroadcastSm(message) => broadcast_sm(message, version),
        _ => Ok(()),
    }
}

pub(super) fn submit_sm(message: &ShortMessage<'_>, version: InterfaceVersion) -> Checked {
    numbering(message.source, rules::SOURCE)?;
    destination(message.destination, rules::DESTINATION)?;
    esm_class(message.esm_class)?;
    priority(message.priority_flag, version)?;
    moment(message.schedule_delivery_time, rules::SCHEDULE_DELIVERY_TIME)?;
    moment(message.validity_period, rules::VALIDITY_PERIOD)?;
    registered_delivery(message.registered_delivery)?;
    replace_if_present(message.replace_if_present_flag)?;
    text(message.short_message, message.tlvs, version)?;
    tlvs(message.tlvs)
}

fn submit_multi(message: &SubmitMulti<'_>, version: InterfaceVersion) -> Checked {
    numbering(message.source, rules::SOURCE)?;
    let count = usize::from(message.destinations.count());
    if count == 0 || count > version.destinations_max() {
        return refuse(CommandStatus::RINVNUMDESTS, rules::NUMBER_OF_DESTS);
    }
    for each in message.destinations.iter() {
        match each {
            Destination::Address(address) => destination(address, rules::DESTINATION)?,
            Destination::List([]) => return refuse(rules::DL_NAME.status, rules::DL_NAME.name),
            Destination::List(_) => {}
        }
    }
    esm_class(message.esm_class)?;
    priority(message.priority_flag, version)?;
    moment(message.schedule_delivery_time, rules::SCHEDULE_DELIVERY_TIME)?;
    moment(message.validity_period, rules::VALIDITY_PERIOD)?;
    registered_delivery(message.registered_delivery)?;
    replace_if_present(message.replace_if_present_flag)?;
    text(message.short_message, message.tlvs, version)?;
    tlvs(message.tlvs)
}

fn data_sm(message: &DataSm<'_>) -> Checked {
    numbering(message.source, rules::LONG_SOURCE)?;
    destination(message.destination, rules::LONG_DESTINATION)?;
    esm_class(message.esm_class)?;
    registered_delivery(message.registered_delivery)?;
    // It has no other place for a text.
    present(message.tlvs, Tag::MESSAGE_PAYLOAD, "message_payload")?;
    tlvs(message.tlvs)
}

fn replace_sm(message: &ReplaceSm<'_>, version: InterfaceVersion) -> Checked {
    message_id(message.message_id, version)?;
    numbering(message.source, rules::SOURCE)?;
    moment(message.schedule_delivery_time, rules::SCHEDULE_DELIVERY_TIME)?;
    moment(message.validity_period, rules::VALIDITY_PERIOD)?;
    registered_delivery(message.registered_delivery)?;
    // message_payload came with 5.0 (§4.5.3.3); below, it is ignored like every TLV without a use.
    let payload = if version.is_5_0() { message.tlvs } else { Tlvs::EMPTY };
    text(message.short_message, payload, version)?;
    tlvs(payload)
}

fn broadcast_sm(message: &BroadcastSm<'_>, version: InterfaceVersion) -> Checked {
    numbering(message.source, rules::SOURCE)?;
    priority(message.priority_flag, version)?;
    moment(message.schedule_delivery_time, rules::SCHEDULE_DELIVERY_TIME)?;
    moment(message.validity_period, rules::VALIDITY_PERIOD)?;
    replace_if_present(message.replace_if_present_flag)?;
    present(message.tlvs, Tag::BROADCAST_AREA_IDENTIFIER, "broadcast_area_identifier")?;
    present(message.tlvs, Tag::BROADCAST_CONTENT_TYPE, "broadcast_content_type")?;
    // "Immediate broadcast" has no end (SMPP 5.0 §4.4.1.1).
    if message.priority_flag != IMMEDIATE_BROADCAST {
        present(message.tlvs, Tag::BROADCAST_REP_NUM, "broadcast_rep_num")?;
    }
    present(message.tlvs, Tag::BROADCAST_FREQUENCY_INTERVAL, "broadcast_frequency_interval")?;
    tlvs(message.tlvs)
}

const IMMEDIATE_BROADCAST: u8 = 1;

const fn refuse(status: CommandStatus, field: &'static str) -> Checked {
    Err(DecodeError::new(status, field))
}

fn message_id(id: &[u8], version: InterfaceVersion) -> Checked {
    if id.is_empty() || id.len() > version.message_id_octets_max() {
        return refuse(rules::MESSAGE_ID.status, rules::MESSAGE_ID.name);
    }
    Ok(())
}

fn numbering(address: Address<'_>, rule: AddressRule) -> Checked {
    let is_source = rule.ton == rules::SOURCE.ton;
    let (ton, npi) = if is_source {
        (CommandStatus::RINVSRCTON, CommandStatus::RINVSRCNPI)
    } else {
        (CommandStatus::RINVDSTTON, CommandStatus::RINVDSTNPI)
    };
    if !Ton(address.ton).is_defined() {
        return refuse(ton, rule.ton);
    }
    if !Npi(address.npi).is_defined() {
        return refuse(npi, rule.npi);
    }
    Ok(())
}

fn destination(address: Address<'_>, rule: AddressRule) -> Checked {
    numbering(address, rule)?;
    if address.digits.is_empty() { refuse(rule.digits.status, rule.digits.name) } else { Ok(()) }
}

fn esm_class(esm_class: EsmClass) -> Checked {
    match esm_class.message_type() {
        MessageType::Other(_) => refuse(CommandStatus::RINVESMCLASS, rules::ESM_CLASS),
        _ => Ok(()),
    }
}

fn priority(priority: u8, version: InterfaceVersion) -> Checked {
    if priority > version.priority_max() {
        return refuse(CommandStatus::RINVPRTFLG, rules::PRIORITY_FLAG);
    }
    Ok(())
}

fn registered_delivery(asked: RegisteredDelivery) -> Checked {
    if asked.is_defined() { Ok(()) } else { refuse(CommandStatus::RINVREGDLVFLG, rules::REGISTERED_DELIVERY) }
}

fn replace_if_present(flag: u8) -> Checked {
    if flag > 1 { refuse(CommandStatus::RINVREPFLAG, rules::REPLACE_IF_PRESENT_FLAG) } else { Ok(()) }
}

/// A time that is none, absolute, or relative (SMPP 3.4 §7.1.1).
fn moment(text: &[u8], rule: Rule) -> Checked {
    if text.is_empty() || time::parse(text, 0).is_some() { Ok(()) } else { refuse(rule.status, rule.name) }
}

/// Either short_message or message_payload, never both (SMPP 3.4 §4.4.1).
fn text(short_message: &[u8], tlvs: Tlvs<'_>, version: InterfaceVersion) -> Checked {
    if short_message.len() > version.short_message_octets_max() {
        return refuse(CommandStatus::RINVMSGLEN, rules::SM_LENGTH);
    }
    if !short_message.is_empty() && tlvs.find(Tag::MESSAGE_PAYLOAD).is_some() {
        return refuse(CommandStatus::RINVMSGLEN, "short_message and message_payload");
    }
    Ok(())
}

fn present(tlvs: Tlvs<'_>, tag: Tag, name: &'static str) -> Checked {
    if tlvs.find(tag).is_some() { Ok(()) } else { refuse(CommandStatus::RMISSINGTLV, name) }
}

/// Known TLVs of a wrong length, and parts that do not say which part they are.
fn tlvs(tlvs: Tlvs<'_>) -> Checked {
    for tlv in tlvs.iter() {
        if let Some(definition) = tlv.tag.definition()
            && let Err(status) = definition.check(tlv.value)
        {
            return refuse(status, definition.name);
        }
    }
    let sar = [
        tlvs.sar_msg_ref_num().is_some(),
        tlvs.sar_total_segments().is_some(),
        tlvs.sar_segment_seqnum().is_some(),
    ];
    match (sar, tlvs.sar()) {
        ([false, false, false], _) | (_, Some(_)) => Ok(()),
        ([true, true, true], None) => refuse(CommandStatus::RINVTLVVAL, "sar_segment_seqnum"),
        _ => refuse(CommandStatus::RMISSINGTLV, "sar_msg_ref_num, sar_total_segments, sar_segment_seqnum"),
    }
}
