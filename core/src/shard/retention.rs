//! Lets the journal drop its oldest segment: what of it is still open is written again at the tail first.

use brivas_proto::v1;
use brivas_route::OverlayEntry;
use prost::Message as _;

use super::Shard;
use super::idempotency::OldKey;
use super::messages::{Message, MessageRef, Phase, Review};

/// Where the carrying of one segment stands.
#[derive(Debug, Default)]
pub(crate) enum Carrying {
    #[default]
    Idle,
    /// What is open of the segments before `end` is being written again; messages in slots before `next_slot` were, or
    /// came later. Then the keys.
    Messages {
        end: i64,
        next_slot: usize,
    },
    Consents {
        end: i64,
        left: Vec<OverlayEntry>,
    },
    Keys {
        end: i64,
        left: Vec<OldKey>,
    },
    /// All of it was written again before offset `written_at`; when that is durable, the segments can go.
    Written {
        end: i64,
        written_at: i64,
    },
}

/// Slots that a step looks at: more would hold up the messages of the round.
const SLOTS_PER_STEP: usize = 131_072;
/// Octets that a step writes at most: the journal's room is for new messages first.
const OCTETS_PER_STEP: usize = 2 << 20;

impl Shard {
    /// One step, every tick.
    pub(super) fn carry_forward(&mut self) {
        match self.carrying {
            Carrying::Idle => {
                if let Some(span) = self.journal.oldest_segment() {
                    self.carrying = self.carry_messages(span.end, 0);
                }
            }
            Carrying::Messages { end, next_slot } => self.carrying = self.carry_messages(end, next_slot),
            Carrying::Consents { end, ref mut left } => {
                let left = std::mem::take(left);
                self.carrying = self.carry_consents(end, left);
            }
            Carrying::Keys { end, ref mut left } => {
                let left = std::mem::take(left);
                self.carrying = self.carry_keys(end, left);
            }
            Carrying::Written { end, written_at } => {
                if self.journal.progress().durable >= written_at {
                    self.journal.drop_oldest(end);
                    self.carrying = Carrying::Idle;
                } else {
                    self.next_sync_ms = 0;
                }
            }
        }
    }

    /// Where this step's writing has to end, by the journal's pending octets.
    fn step_end(&self) -> usize {
        self.journal.pending_bytes() + OCTETS_PER_STEP
    }

    fn may_carry(&self, step_end: usize) -> bool {
        self.journal.has_room() && self.journal.pending_bytes() < step_end
    }

    fn carry_messages(&mut self, end: i64, first_slot: usize) -> Carrying {
        let step_end = self.step_end();
        let slots = self.messages.slots();
        let last_slot = slots.min(first_slot + SLOTS_PER_STEP);
        for slot in first_slot..last_slot {
            let Some((name, message)) = self.messages.at_slot(slot) else { continue };
            if message.journal_offset >= end {
                continue;
            }
            if !self.may_carry(step_end) {
                return Carrying::Messages { end, next_slot: slot };
            }
            let account = &self.accounts[message.account as usize].name;
            let carrier = &self.carriers[message.carrier as usize].name;
            let event = v1::Event {
                kind: Some(v1::event::Kind::Checkpoint(self.checkpoint(name, message, account, carrier))),
            };
            let id = message.id;
            let offset = self.journal.append(self.clock.wall_ms, id, |out| event.encode_raw(out));
            if let Some(message) = self.messages.get_mut(name) {
                message.journal_offset = offset;
            }
        }
        if last_slot < slots {
            return Carrying::Messages { end, next_slot: last_slot };
        }
        self.carry_learned(end);
        let left = self.consents_before(end);
        self.carry_consents(end, left)
    }

    fn carry_consents(&mut self, end: i64, mut left: Vec<OverlayEntry>) -> Carrying {
        let step_end = self.step_end();
        while let Some(entry) = left.last() {
            if !self.may_carry(step_end) {
                return Carrying::Consents { end, left };
            }
            // One that changed meanwhile was written then.
            if self.is_still(entry) {
                let entry = entry.clone();
                self.carry_consent(&entry);
            }
            left.pop();
        }
        let left = self.idempotency.before(end);
        self.carry_keys(end, left)
    }

    fn carry_keys(&mut self, end: i64, mut left: Vec<OldKey>) -> Carrying {
        let step_end = self.step_end();
        while let Some((account, key, known)) = left.pop() {
            if !self.may_carry(step_end) {
                left.push((account, key, known));
                return Carrying::Keys { end, left };
            }
            let accepted = v1::Accepted {
                account: self.accounts[account as usize].name.to_string(),
                idempotency_key: key.to_string(),
                idempotency_fingerprint: known.fingerprint,
                ..v1::Accepted::default()
            };
            let open = v1::OpenMessage {
                accepted_at_ms: known.at_ms,
                origin: Some(v1::open_message::Origin::Accepted(accepted)),
                key_only: true,
                ..v1::OpenMessage::default()
            };
            let kind = v1::event::Kind::Checkpoint(v1::Checkpoint { open: Some(open), consent: None });
            let event = v1::Event { kind: Some(kind) };
            let offset = self.journal.append(self.clock.wall_ms, known.id, |out| event.encode_raw(out));
            self.idempotency.moved(account, &key, offset);
        }
        Carrying::Written { end, written_at: self.journal.next_offset() }
    }
}

impl Shard {
    /// The whole state of an open message.
    fn checkpoint(
        &self,
        name: MessageRef,
        message: &Message,
        account: &str,
        carrier: &str,
    ) -> v1::Checkpoint {
        let content = message.content().unwrap_or_default();
        let address = |address: &brivas_smpp::pdu::Address<'_>| v1::Address {
            ton: address.ton.into(),
            npi: address.npi.into(),
            digits: address.digits.to_vec(),
        };
        let content = v1::Content {
            service_type: content.service_type.to_vec(),
            source: Some(address(&content.source)),
            destination: Some(address(&content.destination)),
            esm_class: content.esm_class.0.into(),
            protocol_id: content.protocol_id.into(),
            priority: content.priority_flag.into(),
            // What the customer asked for; the body has what is asked of the carrier.
            registered_delivery: message.registered_delivery.0.into(),
            data_coding: content.data_coding.into(),
            default_message_id: content.sm_default_msg_id.into(),
            short_message: content.short_message.to_vec(),
            tlvs: content.tlvs.octets().to_vec(),
            // The configuration knows.
            alphabet: 0,
        };
        let origin = if message.incoming {
            v1::open_message::Origin::MoAccepted(v1::MoAccepted {
                account: account.to_owned(),
                carrier: carrier.to_owned(),
                content: Some(content),
            })
        } else {
            let api = message.api.as_deref();
            v1::open_message::Origin::Accepted(v1::Accepted {
                account: account.to_owned(),
                content: Some(content),
                expires_at_ms: message.expires_ms,
                origin: i32::from(api.is_some()),
                idempotency_key: api.map(|api| api.idempotency_key.clone()).unwrap_or_default(),
                idempotency_fingerprint: api.map_or(0, |api| api.fingerprint),
                reference: api.map(|api| api.reference.clone()).unwrap_or_default(),
                schedule_at_ms: message.schedule_ms,
                submission_id: message.submission,
                alias: message.alias,
                held_by: match message.review {
                    Review::Held => self.quarantine.rule(message.id).unwrap_or_default().to_owned(),
                    Review::None | Review::Passed => String::new(),
                },
            })
        };
        let was_sent = !message.carrier_message_id().is_empty() && message.phase != Phase::InFlight;
        let sent = was_sent.then(|| v1::Sent {
            carrier: carrier.to_owned(),
            carrier_message_id: message.carrier_message_id().to_vec(),
            attempt: message.attempts.into(),
            ..v1::Sent::default()
        });
        let ended = message.outcome.map(|outcome| v1::Final {
            state: outcome.state as i32,
            carrier: carrier.to_owned(),
            error: String::from_utf8_lossy(outcome.error()).into_owned(),
            done_at_ms: outcome.done_ms,
            attempt: message.attempts.into(),
        });
        v1::Checkpoint {
            open: Some(v1::OpenMessage {
                accepted_at_ms: message.accepted_ms,
                origin: Some(origin),
                attempts: message.attempts.into(),
                sent,
                r#final: ended,
                final_at_ms: message.outcome.map_or(0, |_| message.ended_ms),
                key_only: false,
                held: message.is_held,
                parts: self.open_parts(name, carrier),
                carrier: if message.is_held { carrier.to_owned() } else { String::new() },
            }),
            consent: None,
        }
    }
}
