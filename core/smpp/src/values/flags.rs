//! Octets of bit fields: esm_class and registered_delivery.

/// esm_class (SMPP 3.4 §5.2.12).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct EsmClass(pub u8);

super::octet_newtype!(EsmClass);

/// Messaging mode: bits 1-0 of esm_class in submissions (SMPP 3.4 §5.2.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessagingMode {
    /// The SMSC's own, mostly store and forward.
    Default,
    /// One attempt, no storing, no receipt.
    Datagram,
    /// The outcome is in the response (transaction mode).
    Forward,
    /// Stored, then sent.
    StoreAndForward,
}

/// Message type: bits 5-2 of esm_class (SMPP 3.4 §5.2.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageType {
    /// A message of a person or an application.
    Default,
    /// A delivery receipt of a message centre.
    Receipt,
    /// An acknowledgement by the receiving entity.
    DeliveryAcknowledgement,
    /// An acknowledgement by the receiving person.
    UserAcknowledgement,
    /// The end of a conversation (Korean CDMA).
    ConversationAbort,
    /// A notification before the final state.
    IntermediateNotification,
    /// Reserved: bits 5-2 as they came.
    Other(u8),
}

impl EsmClass {
    /// An MC delivery receipt in the default mode.
    pub const RECEIPT: Self = Self(0x04);

    const TYPE_MASK: u8 = 0b0011_1100;

    /// How the message centre shall treat it.
    pub const fn mode(self) -> MessagingMode {
        match self.0 & 0b11 {
            0 => MessagingMode::Default,
            1 => MessagingMode::Datagram,
            2 => MessagingMode::Forward,
            _ => MessagingMode::StoreAndForward,
        }
    }

    /// What the message is.
    pub const fn message_type(self) -> MessageType {
        match self.0 & Self::TYPE_MASK {
            0x00 => MessageType::Default,
            0x04 => MessageType::Receipt,
            0x08 => MessageType::DeliveryAcknowledgement,
            0x10 => MessageType::UserAcknowledgement,
            0x18 => MessageType::ConversationAbort,
            0x20 => MessageType::IntermediateNotification,
            other => MessageType::Other(other >> 2),
        }
    }

    /// Whether a reply path is set (GSM).
    pub const fn has_reply_path(self) -> bool {
        self.0 & 0x80 != 0
    }

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

super::octet_newtype!(RegisteredDelivery);

impl RegisteredDelivery {
    /// A receipt for every final state.
    pub const ALWAYS: Self = Self(1);

    /// Whether no reserved bit is set.
    pub const fn is_defined(self) -> bool {
        self.0 & 0b1110_0000 == 0
    }

    /// Whether the receiving entity's delivery acknowledgement was asked for.
    pub const fn wants_delivery_acknowledgement(self) -> bool {
        self.0 & 0b0100 != 0
    }

    /// Whether the receiving person's acknowledgement was asked for.
    pub const fn wants_user_acknowledgement(self) -> bool {
        self.0 & 0b1000 != 0
    }

    /// Whether notifications before the final state were asked for. 3.4 calls it bit 5 and draws bit 4;
    /// 5.0 says bit 4.
    pub const fn wants_intermediate_notification(self) -> bool {
        self.0 & 0b1_0000 != 0
    }

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

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn each_bit_field_stands_at_its_place() {
        let kannel = EsmClass(0x43);
        assert_eq!(
            (kannel.mode(), kannel.message_type()),
            (MessagingMode::StoreAndForward, MessageType::Default)
        );
        assert!(kannel.has_udh() && !kannel.has_reply_path());
        assert_eq!(EsmClass(0x24).message_type(), MessageType::Other(9));
        for octet in 0..=u8::MAX {
            let receipt = matches!(EsmClass(octet).message_type(), MessageType::Receipt);
            assert_eq!(receipt, EsmClass(octet).is_receipt());
        }
        let all = RegisteredDelivery(0x1F);
        assert!(all.is_defined() && all.wants_intermediate_notification());
        assert!(all.wants_delivery_acknowledgement() && all.wants_user_acknowledgement());
        assert!(!RegisteredDelivery(0x20).is_defined());
    }
}
