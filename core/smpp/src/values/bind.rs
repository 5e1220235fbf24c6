//! What a bind asks for: which way messages flow, and which version is spoken.

use super::CommandId;

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

super::octet_newtype!(InterfaceVersion);

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

    /// Whether what 5.0 added may be used: broadcasts, congestion_state, its command_status values.
    pub const fn is_5_0(self) -> bool {
        self.0 >= Self::V5_0.0
    }

    /// Octets of a message_id without its NUL: 8 hexadecimal digits in 3.3, 64 characters since 3.4
    /// (SMPP 3.4 §5.2.23).
    pub const fn message_id_octets_max(self) -> usize {
        if self.has_tlvs() { 64 } else { 8 }
    }

    /// The longest short_message: 254 octets up to 3.4 (§5.2.21), 255 since 5.0 (§4.7.28).
    pub const fn short_message_octets_max(self) -> usize {
        if self.is_5_0() { 255 } else { 254 }
    }

    /// The highest priority_flag: 3 up to 3.4 (§5.2.14), 4 since 5.0 (§4.7.16).
    pub const fn priority_max(self) -> u8 {
        if self.is_5_0() { 4 } else { 3 }
    }

    /// The most destinations of a submit_multi: 254 up to 3.4 (§4.5.1), 255 since 5.0 (§4.2.3.1).
    pub const fn destinations_max(self) -> usize {
        if self.is_5_0() { 255 } else { 254 }
    }
}
