//! What became of a message.

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
}
