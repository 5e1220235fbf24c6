//! Messages in parts after a restart: what the journal knows of their parts is not done again, the rest goes on.

use std::collections::BTreeMap;

use brivas_proto::v1;
use brivas_smpp::MessageState;

use super::link::{Link, Part, PartRecord};
use super::prepare::Prepared;
use crate::notice::Level;
use crate::shard::Shard;
use crate::shard::messages::{MessageRef, Outcome, Phase};
use crate::shard::receipts::is_success;

/// What the journal says of a message's parts.
#[derive(Clone, Debug, Default)]
pub(crate) struct RestoredParts {
    record: Option<PartRecord>,
    parts: BTreeMap<u8, RestoredPart>,
    /// The ids of the messages that went out with it.
    pub(crate) joined: Vec<u64>,
}

#[derive(Clone, Debug, Default)]
struct RestoredPart {
    carrier_message_id: Option<Vec<u8>>,
    outcome: Option<Outcome>,
    attempts: u32,
}

impl RestoredParts {
    /// No carrier has any of it.
    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// A carrier has taken a part.
    pub(crate) fn sent(&mut self, sent: &v1::Sent) {
        let Some(record) = sent.part.as_ref().and_then(PartRecord::from_proto) else { return };
        self.record = Some(record);
        if !sent.joined.is_empty() {
            self.joined.clone_from(&sent.joined);
        }
        let part = self.parts.entry(record.number).or_default();
        part.carrier_message_id = Some(sent.carrier_message_id.clone());
        part.attempts = sent.attempt;
    }

    /// A part has ended.
    pub(crate) fn ended(&mut self, ended: &v1::PartEnded) {
        let Ok(number) = u8::try_from(ended.number) else { return };
        let state = MessageState::from_octet(ended.state as u8).unwrap_or(MessageState::Unknown);
        let part = self.parts.entry(number).or_default();
        part.outcome = Some(Outcome::new(state, ended.done_at_ms, ended.error.as_bytes()));
        part.attempts = ended.attempt;
    }
}

impl Shard {
    /// Goes on with a message of which a carrier has parts. `joined`: what went out with it. All of them are counted as queued.
    pub(in crate::shard) fn resume_parts(
        &mut self,
        name: MessageRef,
        restored: &RestoredParts,
        joined: &[MessageRef],
    ) {
        let is_remade = restored.record.is_some_and(|record| self.remake(name, record, joined));
        if !is_remade {
            // None was taken; or what makes the parts has changed in a way that the journal does not tell. Sent again,
            // it is a duplicate; not sent again, it is lost.
            if restored.parts.values().any(|part| part.carrier_message_id.is_some()) {
                self.notices.tell(
                    Level::Warning,
                    "parts_sent_again",
                    vec![("parts", restored.parts.len().to_string())],
                );
            }
            let all: Vec<_> = std::iter::once(name).chain(joined.iter().copied()).collect();
            self.unlink(all.iter().copied());
            for message in all {
                self.dispatch(message);
            }
            return;
        }
        for &other in joined {
            // Counted as the first one is; it goes out in that.
            let carrier = self.messages.get(other).map_or(0, |message| message.carrier);
            let carrier = &mut self.carriers[carrier as usize];
            carrier.queued = carrier.queued.saturating_sub(1);
        }
        let mut failure = None;
        for (&number, part) in &restored.parts {
            let Some(part_name) = self.part_named(name, number) else { continue };
            if part.outcome.is_none() && part.carrier_message_id.is_none() {
                continue;
            }
            self.count_out(part_name);
            if let Some(outcome) = part.outcome {
                self.messages.remove(part_name);
                if let Some(Link::Whole(link)) =
                    self.messages.get_mut(name).and_then(|it| it.link.as_deref_mut())
                {
                    link.parts[usize::from(number) - 1] = Part { name: None, outcome: Some(outcome) };
                }
                failure = failure.or(Some(outcome).filter(|outcome| !is_success(outcome.state)));
                continue;
            }
            let Some(message) = self.messages.get_mut(part_name) else { continue };
            let id = part.carrier_message_id.as_deref().unwrap_or_default();
            message.phase = Phase::AwaitingReceipt;
            message.attempts = u16::try_from(part.attempts).unwrap_or(u16::MAX);
            message.set_carrier_message_id(id);
            if message.awaits_receipt() {
                self.expect_receipt(part_name);
            } else {
                self.end(part_name, MessageState::Accepted, b"");
            }
        }
        if let Some(outcome) = failure {
            self.abandon_unsent(name, outcome);
        }
        self.end_if_all_have(name);
        for part in self.parts_of(name) {
            if self.messages.get(part).is_some_and(|part| part.phase == Phase::Queued) {
                self.dispatch(part);
            }
        }
    }

    /// Makes the same parts again. False: they are not the same.
    fn remake(&mut self, name: MessageRef, record: PartRecord, joined: &[MessageRef]) -> bool {
        if !joined.is_empty() && !self.rejoin(name, joined) {
            return false;
        }
        if let Some(message) = self.messages.get_mut(name) {
            message.has_waited = true;
        }
        let (prepared, reference) = self.prepared(name, record.manner, Some(record.reference));
        match prepared {
            Prepared::Pdus(pdus) if pdus.len() == usize::from(record.total) => {
                self.spread(name, &pdus, record.manner, reference);
                true
            }
            _ => false,
        }
    }

    fn part_named(&self, whole: MessageRef, number: u8) -> Option<MessageRef> {
        match self.messages.get(whole)?.link.as_deref()? {
            Link::Whole(link) => link.parts.get(usize::from(number) - 1)?.name,
            _ => None,
        }
    }
}
