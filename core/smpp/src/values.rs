//! Wire values as types. Each keeps every octet it was read from, so that what came can be sent on.

/// A command_id (SMPP 3.4 §5.1.2.1, 5.0 §4.7.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub u32);

macro_rules! command_ids {
    ($($name:ident = $id:literal, $text:literal;)*) => {
        impl CommandId {
            $(#[doc = concat!("`", $text, "`")] pub const $name: Self = Self($id);)*

            /// The name in the specification, where there is one.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($id => Some($text),)*
                    _ => None,
                }
            }
        }
    };
}

command_ids! {
    GENERIC_NACK = 0x8000_0000, "generic_nack";
    BIND_RECEIVER = 0x01, "bind_receiver";
    BIND_RECEIVER_RESP = 0x8000_0001, "bind_receiver_resp";
    BIND_TRANSMITTER = 0x02, "bind_transmitter";
    BIND_TRANSMITTER_RESP = 0x8000_0002, "bind_transmitter_resp";
    QUERY_SM = 0x03, "query_sm";
    QUERY_SM_RESP = 0x8000_0003, "query_sm_resp";
    SUBMIT_SM = 0x04, "submit_sm";
    SUBMIT_SM_RESP = 0x8000_0004, "submit_sm_resp";
    DELIVER_SM = 0x05, "deliver_sm";
    DELIVER_SM_RESP = 0x8000_0005, "deliver_sm_resp";
    UNBIND = 0x06, "unbind";
    UNBIND_RESP = 0x8000_0006, "unbind_resp";
    REPLACE_SM = 0x07, "replace_sm";
    REPLACE_SM_RESP = 0x8000_0007, "replace_sm_resp";
    CANCEL_SM = 0x08, "cancel_sm";
    CANCEL_SM_RESP = 0x8000_0008, "cancel_sm_resp";
    BIND_TRANSCEIVER = 0x09, "bind_transceiver";
    BIND_TRANSCEIVER_RESP = 0x8000_0009, "bind_transceiver_resp";
    OUTBIND = 0x0B, "outbind";
    ENQUIRE_LINK = 0x15, "enquire_link";
    ENQUIRE_LINK_RESP = 0x8000_0015, "enquire_link_resp";
    SUBMIT_MULTI = 0x21, "submit_multi";
    SUBMIT_MULTI_RESP = 0x8000_0021, "submit_multi_resp";
    ALERT_NOTIFICATION = 0x102, "alert_notification";
    DATA_SM = 0x103, "data_sm";
    DATA_SM_RESP = 0x8000_0103, "data_sm_resp";
    BROADCAST_SM = 0x111, "broadcast_sm";
    BROADCAST_SM_RESP = 0x8000_0111, "broadcast_sm_resp";
    QUERY_BROADCAST_SM = 0x112, "query_broadcast_sm";
    QUERY_BROADCAST_SM_RESP = 0x8000_0112, "query_broadcast_sm_resp";
    CANCEL_BROADCAST_SM = 0x113, "cancel_broadcast_sm";
    CANCEL_BROADCAST_SM_RESP = 0x8000_0113, "cancel_broadcast_sm_resp";
}

impl CommandId {
    const RESPONSE_BIT: u32 = 0x8000_0000;

    /// Whether it answers a request (`generic_nack` does).
    pub const fn is_response(self) -> bool {
        self.0 & Self::RESPONSE_BIT != 0
    }

    /// The response to this request.
    pub const fn response(self) -> Self {
        Self(self.0 | Self::RESPONSE_BIT)
    }
}

/// Which way messages may flow on a bind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BindMode {
    /// ESME to SMSC only.
    Transmitter,
    /// SMSC to ESME only.
    Receiver,
    /// Both.
    Transceiver,
}

impl BindMode {
    /// The request that asks for this mode.
    pub const fn command_id(self) -> CommandId {
        match self {
            Self::Transmitter => CommandId::BIND_TRANSMITTER,
            Self::Receiver => CommandId::BIND_RECEIVER,
            Self::Transceiver => CommandId::BIND_TRANSCEIVER,
        }
    }

    /// The mode that a bind request asks for.
    pub const fn from_command_id(id: CommandId) -> Option<Self> {
        match id {
            CommandId::BIND_TRANSMITTER => Some(Self::Transmitter),
            CommandId::BIND_RECEIVER => Some(Self::Receiver),
            CommandId::BIND_TRANSCEIVER => Some(Self::Transceiver),
            _ => None,
        }
    }

    /// Whether `submit_sm` is allowed.
    pub const fn transmits(self) -> bool {
        !matches!(self, Self::Receiver)
    }

    /// Whether `deliver_sm` is allowed.
    pub const fn receives(self) -> bool {
        !matches!(self, Self::Transmitter)
    }
}

/// interface_version (SMPP 3.4 §5.2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterfaceVersion(pub u8);

impl InterfaceVersion {
    /// SMPP 3.3; peers send any value up to 0x33.
    pub const V3_3: Self = Self(0x33);
    /// SMPP 3.4.
    pub const V3_4: Self = Self(0x34);
    /// SMPP 5.0.
    pub const V5_0: Self = Self(0x50);

    /// Whether the peer understands TLVs (SMPP 3.4 §3.4: not below 3.4).
    pub const fn has_tlvs(self) -> bool {
        self.0 >= Self::V3_4.0
    }
}

/// esm_class (SMPP 3.4 §5.2.12).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct EsmClass(pub u8);

impl EsmClass {
    /// An MC delivery receipt in the default mode.
    pub const RECEIPT: Self = Self(0x04);

    const TYPE_MASK: u8 = 0b0011_1100;

    /// Whether deliver_sm carries an MC delivery receipt.
    pub const fn is_receipt(self) -> bool {
        self.0 & Self::TYPE_MASK == 0x04
    }

    /// Whether deliver_sm carries an intermediate notification.
    pub const fn is_intermediate_notification(self) -> bool {
        self.0 & Self::TYPE_MASK == 0x20
    }

    /// Whether the short message starts with a user data header.
    pub const fn has_udh(self) -> bool {
        self.0 & 0x40 != 0
    }
}

/// registered_delivery (SMPP 3.4 §5.2.17).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RegisteredDelivery(pub u8);

impl RegisteredDelivery {
    /// A receipt for every final state.
    pub const ALWAYS: Self = Self(1);

    /// Whether any MC receipt was asked for.
    pub const fn wants_receipt(self) -> bool {
        self.0 & 0b11 != 0
    }

    /// The same, but where some receipts are asked for, all are.
    pub const fn for_every_outcome(self) -> Self {
        if self.wants_receipt() { Self(self.0 & !0b11 | 1) } else { self }
    }

    /// Whether a receipt was asked for this outcome.
    pub const fn wants_receipt_for(self, delivered: bool) -> bool {
        match self.0 & 0b11 {
            1 => true,
            2 => !delivered,
            // Success only: of 5.0, reserved in 3.4.
            3 => delivered,
            _ => false,
        }
    }
}

/// message_state (SMPP 3.4 §5.2.28, 5.0 §4.7.15).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names are the specification's")]
pub enum MessageState {
    Scheduled = 0,
    Enroute = 1,
    Delivered = 2,
    Expired = 3,
    Deleted = 4,
    Undeliverable = 5,
    Accepted = 6,
    Unknown = 7,
    Rejected = 8,
    Skipped = 9,
}

impl MessageState {
    const TABLE: [(Self, &'static str); 10] = [
        (Self::Scheduled, "SCHEDULED"),
        (Self::Enroute, "ENROUTE"),
        (Self::Delivered, "DELIVRD"),
        (Self::Expired, "EXPIRED"),
        (Self::Deleted, "DELETED"),
        (Self::Undeliverable, "UNDELIV"),
        (Self::Accepted, "ACCEPTD"),
        (Self::Unknown, "UNKNOWN"),
        (Self::Rejected, "REJECTD"),
        (Self::Skipped, "SKIPPED"),
    ];

    /// From the TLV's octet.
    pub fn from_octet(octet: u8) -> Option<Self> {
        Self::TABLE.get(usize::from(octet)).map(|row| row.0)
    }

    /// From a receipt's `stat`, in any case; only the first seven letters count (SMPP 3.4 Appendix B).
    pub fn from_receipt_text(text: &[u8]) -> Option<Self> {
        let text = &text[..text.len().min(7)];
        let row = Self::TABLE
            .iter()
            .find(|row| row.1.as_bytes()[..row.1.len().min(7)].eq_ignore_ascii_case(text))?;
        Some(row.0)
    }

    /// As a receipt spells it.
    pub const fn receipt_text(self) -> &'static str {
        Self::TABLE[self as usize].1
    }

    /// Whether no other state can follow.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Scheduled | Self::Enroute | Self::Accepted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_states_survive_octet_and_text() {
        for octet in 0..10 {
            let state = MessageState::from_octet(octet).unwrap();
            assert_eq!(state as u8, octet);
            assert_eq!(MessageState::from_receipt_text(state.receipt_text().as_bytes()), Some(state));
        }
        assert_eq!(MessageState::from_octet(10), None);
        assert_eq!(MessageState::from_receipt_text(b"delivrd"), Some(MessageState::Delivered));
        assert_eq!(MessageState::from_receipt_text(b"NONSENSE"), None);
    }

    #[test]
    fn receipts_are_wanted_as_registered() {
        let wants = |octet| {
            let asked = RegisteredDelivery(octet);
            (asked.wants_receipt_for(true), asked.wants_receipt_for(false))
        };
        assert_eq!([0, 1, 2, 3].map(wants), [(false, false), (true, true), (false, true), (true, false)]);
        assert_eq!(wants(0x10), (false, false));
        let all = [0, 1, 2, 3, 0x12].map(|octet| RegisteredDelivery(octet).for_every_outcome().0);
        assert_eq!(all, [0, 1, 1, 1, 0x11]);
    }
}
