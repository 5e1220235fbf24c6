//! submit_sm and deliver_sm, which have the same fields (SMPP 3.4 §4.4.1, §4.6.1).

use super::{Cursor, DecodeError};
use crate::status::CommandStatus;
use crate::tlv::{Tag, Tlvs};
use crate::values::{EsmClass, RegisteredDelivery};

/// Octets of an address with its NUL.
const ADDRESS_OCTETS_MAX: usize = 21;
/// The longest short_message (SMPP 3.4 §5.2.21); longer text goes in message_payload.
pub const SHORT_MESSAGE_OCTETS_MAX: usize = 254;

/// An SMPP address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Address<'a> {
    /// Type of number (SMPP 3.4 §5.2.5).
    pub ton: u8,
    /// Numbering plan indicator (SMPP 3.4 §5.2.6).
    pub npi: u8,
    /// Digits or letters, up to 20 octets.
    pub digits: &'a [u8],
}

/// A short message on its way, in either direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the specification's")]
pub struct ShortMessage<'a> {
    pub service_type: &'a [u8],
    pub source: Address<'a>,
    pub destination: Address<'a>,
    pub esm_class: EsmClass,
    pub protocol_id: u8,
    pub priority_flag: u8,
    pub schedule_delivery_time: &'a [u8],
    pub validity_period: &'a [u8],
    pub registered_delivery: RegisteredDelivery,
    pub replace_if_present_flag: u8,
    pub data_coding: u8,
    pub sm_default_msg_id: u8,
    pub short_message: &'a [u8],
    pub tlvs: Tlvs<'a>,
}

impl<'a> ShortMessage<'a> {
    /// Reads the body of a submit_sm or deliver_sm.
    ///
    /// # Errors
    /// The first field that breaks its rule.
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(body);
        let service_type = cursor.c_string(6, "service_type", CommandStatus::RINVSERTYP)?;
        let source = address(&mut cursor, "source_addr", CommandStatus::RINVSRCADR)?;
        let destination = address(&mut cursor, "destination_addr", CommandStatus::RINVDSTADR)?;
        let esm_class = EsmClass(cursor.octet("esm_class")?);
        let protocol_id = cursor.octet("protocol_id")?;
        let priority_flag = cursor.octet("priority_flag")?;
        let schedule_delivery_time = time(&mut cursor, "schedule_delivery_time", CommandStatus::RINVSCHED)?;
        let validity_period = time(&mut cursor, "validity_period", CommandStatus::RINVEXPIRY)?;
        let registered_delivery = RegisteredDelivery(cursor.octet("registered_delivery")?);
        let replace_if_present_flag = cursor.octet("replace_if_present_flag")?;
        let data_coding = cursor.octet("data_coding")?;
        let sm_default_msg_id = cursor.octet("sm_default_msg_id")?;
        let sm_length = cursor.octet("sm_length")?;
        if usize::from(sm_length) > SHORT_MESSAGE_OCTETS_MAX {
            return Err(DecodeError::new(CommandStatus::RINVMSGLEN, "sm_length"));
        }
        let short_message =
            cursor.octets(usize::from(sm_length), "short_message", CommandStatus::RINVMSGLEN)?;
        let tlvs = Tlvs::parse(cursor.rest())
            .ok_or(DecodeError::new(CommandStatus::RINVTLVSTREAM, "optional parameters"))?;
        Ok(Self {
            service_type,
            source,
            destination,
            esm_class,
            protocol_id,
            priority_flag,
            schedule_delivery_time,
            validity_period,
            registered_delivery,
            replace_if_present_flag,
            data_coding,
            sm_default_msg_id,
            short_message,
            tlvs,
        })
    }

    /// Appends the body.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.encode_mandatory(out);
        out.extend_from_slice(self.tlvs.octets());
    }

    /// Appends the mandatory fields only.
    pub fn encode_mandatory(&self, out: &mut Vec<u8>) {
        debug_assert!(self.short_message.len() <= SHORT_MESSAGE_OCTETS_MAX);
        c_string(out, self.service_type);
        for address in [&self.source, &self.destination] {
            out.extend_from_slice(&[address.ton, address.npi]);
            c_string(out, address.digits);
        }
        out.extend_from_slice(&[self.esm_class.0, self.protocol_id, self.priority_flag]);
        c_string(out, self.schedule_delivery_time);
        c_string(out, self.validity_period);
        out.extend_from_slice(&[
            self.registered_delivery.0,
            self.replace_if_present_flag,
            self.data_coding,
            self.sm_default_msg_id,
            self.short_message.len() as u8,
        ]);
        out.extend_from_slice(self.short_message);
    }

    /// The text, wherever it stands: short_message, or the TLV message_payload.
    pub fn text(&self) -> &'a [u8] {
        if self.short_message.is_empty() {
            self.tlvs.find(Tag::MESSAGE_PAYLOAD).unwrap_or_default()
        } else {
            self.short_message
        }
    }

    /// Checks what the specification forbids in a submit_sm beyond the fields' own forms.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn check_submit(&self) -> Result<(), DecodeError> {
        if self.priority_flag > 4 {
            return Err(DecodeError::new(CommandStatus::RINVPRTFLG, "priority_flag"));
        }
        if self.replace_if_present_flag > 1 {
            return Err(DecodeError::new(CommandStatus::RINVREPFLAG, "replace_if_present_flag"));
        }
        if self.destination.digits.is_empty() {
            return Err(DecodeError::new(CommandStatus::RINVDSTADR, "destination_addr"));
        }
        // Either short_message or message_payload, never both (SMPP 3.4 §4.4.1).
        if !self.short_message.is_empty() && self.tlvs.find(Tag::MESSAGE_PAYLOAD).is_some() {
            return Err(DecodeError::new(CommandStatus::RINVMSGLEN, "short_message and message_payload"));
        }
        Ok(())
    }
}

fn address<'a>(
    cursor: &mut Cursor<'a>,
    field: &'static str,
    too_long: CommandStatus,
) -> Result<Address<'a>, DecodeError> {
    let ton = cursor.octet(field)?;
    let npi = cursor.octet(field)?;
    let digits = cursor.c_string(ADDRESS_OCTETS_MAX, field, too_long)?;
    Ok(Address { ton, npi, digits })
}

/// A time: empty, or 16 octets (SMPP 3.4 §7.1.1).
fn time<'a>(
    cursor: &mut Cursor<'a>,
    field: &'static str,
    wrong: CommandStatus,
) -> Result<&'a [u8], DecodeError> {
    let text = cursor.c_string(17, field, wrong)?;
    if text.is_empty() || text.len() == 16 { Ok(text) } else { Err(DecodeError::new(wrong, field)) }
}

fn c_string(out: &mut Vec<u8>, text: &[u8]) {
    out.extend_from_slice(text);
    out.push(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> ShortMessage<'static> {
        ShortMessage {
            source: Address { ton: 5, npi: 0, digits: b"Brivas" },
            destination: Address { ton: 1, npi: 1, digits: b"491701234567" },
            registered_delivery: RegisteredDelivery::ALWAYS,
            short_message: b"hello",
            ..ShortMessage::default()
        }
    }

    #[test]
    fn each_cut_is_refused_by_the_field_it_hits() {
        let mut body = Vec::new();
        message().encode(&mut body);
        assert_eq!(ShortMessage::decode(&body), Ok(message()));
        for end in 0..body.len() {
            let status = ShortMessage::decode(&body[..end]).unwrap_err().status;
            let text_starts = body.len() - 5;
            let expected =
                if end >= text_starts { CommandStatus::RINVMSGLEN } else { CommandStatus::RINVCMDLEN };
            assert_eq!(status, expected, "cut at {end}");
        }
    }

    #[test]
    fn fields_that_are_too_long_are_refused_with_their_own_status() {
        let refused = |message: ShortMessage<'_>| {
            let mut body = Vec::new();
            message.encode(&mut body);
            ShortMessage::decode(&body).and_then(|message| message.check_submit()).unwrap_err().status
        };
        let long = Address { digits: b"123456789012345678901", ..Address::default() };
        assert_eq!(refused(ShortMessage { source: long, ..message() }), CommandStatus::RINVSRCADR);
        assert_eq!(refused(ShortMessage { destination: long, ..message() }), CommandStatus::RINVDSTADR);
        assert_eq!(refused(ShortMessage { service_type: b"123456", ..message() }), CommandStatus::RINVSERTYP);
        assert_eq!(
            refused(ShortMessage { validity_period: b"tomorrow", ..message() }),
            CommandStatus::RINVEXPIRY
        );
        assert_eq!(refused(ShortMessage { priority_flag: 5, ..message() }), CommandStatus::RINVPRTFLG);
        let both = [0x04, 0x24, 0, 1, b'x'];
        let tlvs = Tlvs::parse(&both).unwrap();
        assert_eq!(refused(ShortMessage { tlvs, ..message() }), CommandStatus::RINVMSGLEN);
    }
}
