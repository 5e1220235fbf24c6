//! Counts what a journal holds, and whether its messages' lives add up: for proofs, benchmarks and suspicious operators.
//!
//! Reads the journal itself, event by event; the engine's counters have no part in it. The journal must not be in use.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use brivas_journal::{Journal, JournalConfig, RealFs};
use brivas_proto::v1;
use prost::Message as _;
use v1::event::Kind;

use crate::engine::journal_dir;
use crate::error::EngineError;

/// What was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Events by kind.
    pub accepted: u64,
    /// Carriers' ESME_ROK.
    pub sent: u64,
    /// Attempts without ESME_ROK.
    pub attempts_failed: u64,
    /// Final states.
    pub ended: u64,
    /// Of these: delivered, or accepted by the carrier where no receipt was asked for.
    pub delivered: u64,
    /// Receipts that customers took, or that waited too long.
    pub receipts_delivered: u64,
    /// Incoming messages.
    pub mo_accepted: u64,
    /// Incoming messages that reached their customer.
    pub mo_delivered: u64,
    /// Open messages written again before their segment was dropped.
    pub checkpoints: u64,
    /// Messages without a final state.
    pub unended: u64,
    /// Final states of messages that had one already, or were never accepted. A journal whose oldest segments were
    /// dropped counts those here whose `accepted` went with them.
    pub ended_again: u64,
    /// Records that are no events.
    pub unreadable: u64,
}

impl Census {
    /// Reads the journal of the engine whose folder this is.
    ///
    /// # Errors
    /// It is in use, damaged, or not there.
    pub fn take(data_dir: &Path) -> Result<Self, EngineError> {
        let config = JournalConfig::new(journal_dir(data_dir), 0);
        let (mut journal, _) = Journal::open(config, Arc::new(RealFs))?;
        let mut census = Self::default();
        let mut open = HashSet::new();
        journal.replay(|record| census.count(record.key_u64(), record.value, &mut open))?;
        census.unended = open.len() as u64;
        Ok(census)
    }

    fn count(&mut self, id: u64, value: &[u8], open: &mut HashSet<u64>) {
        let Ok(v1::Event { kind: Some(kind) }) = v1::Event::decode(value) else {
            self.unreadable += 1;
            return;
        };
        match kind {
            Kind::Accepted(_) => {
                self.accepted += 1;
                open.insert(id);
            }
            Kind::Sent(_) => self.sent += 1,
            Kind::AttemptFailed(_) => self.attempts_failed += 1,
            Kind::Final(ended) => {
                self.ended += 1;
                let state = ended.state();
                let is_success = matches!(state, v1::MessageState::Delivered | v1::MessageState::Accepted);
                self.delivered += u64::from(is_success);
                self.ended_again += u64::from(!open.remove(&id));
            }
            Kind::ReceiptDelivered(_) => self.receipts_delivered += 1,
            Kind::MoAccepted(_) => self.mo_accepted += 1,
            Kind::MoDelivered(_) => self.mo_delivered += 1,
            Kind::Checkpoint(_) => self.checkpoints += 1,
            Kind::CarrierLearned(_) => {}
            Kind::PartEnded(_) | Kind::Released(_) | Kind::ConsentChanged(_) => {}
            // It changes what a message says, not where it stands.
            Kind::Replaced(_) => {}
        }
    }

    /// Every count by its name.
    pub fn fields(&self) -> [(&'static str, u64); 12] {
        [
            ("accepted", self.accepted),
            ("sent", self.sent),
            ("attempts_failed", self.attempts_failed),
            ("ended", self.ended),
            ("delivered", self.delivered),
            ("receipts_delivered", self.receipts_delivered),
            ("mo_accepted", self.mo_accepted),
            ("mo_delivered", self.mo_delivered),
            ("checkpoints", self.checkpoints),
            ("unended", self.unended),
            ("ended_again", self.ended_again),
            ("unreadable", self.unreadable),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{self, AcceptedMore};
    use brivas_smpp::{MessageState, ShortMessage};

    #[test]
    fn a_second_final_and_a_missing_one_are_seen() {
        let (mut census, mut open) = (Census::default(), HashSet::new());
        let mut accepted = Vec::new();
        event::accepted(&mut accepted, "sample", &ShortMessage::default(), &AcceptedMore::default());
        let mut ended = Vec::new();
        event::ended(&mut ended, MessageState::Delivered, "alpha", b"", 1, 1);
        for (id, value) in [(1, &accepted), (2, &accepted), (1, &ended), (1, &ended)] {
            census.count(id, value, &mut open);
        }
        census.count(3, b"\xff", &mut open);
        assert_eq!((census.accepted, census.ended, census.ended_again, census.unreadable), (2, 2, 1, 1));
        assert_eq!(open.len(), 1);
    }
}
