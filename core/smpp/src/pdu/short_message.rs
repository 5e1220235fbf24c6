//! submit_sm and deliver_sm, which have the same fields (SMPP 3.4 §4.4.1, §4.6.1; 5.0 §4.2.1.1, §4.3.1.1).

use super::DecodeError;
use super::layout::layout;
use super::rules;
use crate::tlv::Tlvs;
use crate::values::{EsmClass, InterfaceVersion, RegisteredDelivery};

/// The longest short_message that every version takes (SMPP 3.4 §5.2.21); longer text goes in message_payload.
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

layout! {
    /// A short message on its way, in either direction.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    #[expect(missing_docs, reason = "the names are the specification's")]
    ShortMessage {
        service_type: &'a [u8] = text(rules::SERVICE_TYPE),
        source: Address<'a> = address(rules::SOURCE),
        destination: Address<'a> = address(rules::DESTINATION),
        esm_class: EsmClass = octet(rules::ESM_CLASS),
        protocol_id: u8 = octet(rules::PROTOCOL_ID),
        priority_flag: u8 = octet(rules::PRIORITY_FLAG),
        schedule_delivery_time: &'a [u8] = time(rules::SCHEDULE_DELIVERY_TIME),
        validity_period: &'a [u8] = time(rules::VALIDITY_PERIOD),
        registered_delivery: RegisteredDelivery = octet(rules::REGISTERED_DELIVERY),
        replace_if_present_flag: u8 = octet(rules::REPLACE_IF_PRESENT_FLAG),
        data_coding: u8 = octet(rules::DATA_CODING),
        sm_default_msg_id: u8 = octet(rules::SM_DEFAULT_MSG_ID),
        short_message: &'a [u8] = short_message(rules::SHORT_MESSAGE),
    } then {
        tlvs: Tlvs<'a> = tlvs(rules::TLVS),
    }
}

impl<'a> ShortMessage<'a> {
    /// The text, wherever it stands: short_message, or the TLV message_payload.
    pub fn text(&self) -> &'a [u8] {
        if self.short_message.is_empty() {
            self.tlvs.message_payload().unwrap_or_default()
        } else {
            self.short_message
        }
    }

    /// Checks what every version forbids in a submit_sm beyond the fields' own forms; [`super::Pdu::check`] does so for one.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn check_submit(&self) -> Result<(), DecodeError> {
        super::check::submit_sm(self, InterfaceVersion::V5_0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::CommandStatus;

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
