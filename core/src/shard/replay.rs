//! A restart: the journal's events, applied in their order, leave the messages that are still open.

use std::collections::{BTreeMap, HashMap, HashSet};

use brivas_proto::v1;
use brivas_route::destination_hash;
use brivas_smpp::pdu::Address;
use brivas_smpp::tlv::Tlvs;
use brivas_smpp::{EsmClass, MessageState, RegisteredDelivery, ShortMessage};
use prost::Message as _;
use v1::event::Kind;

use super::Shard;
use super::commit::Then;
use super::connection::ConnectionRef;
use super::consents::RestoredConsents;
use super::messages::{ApiPart, MessageRef, NewMessage, Outcome, Phase, Review, digits};
use super::operations::Place;
use super::parts::RestoredParts;
use crate::config::Names;

/// The carrier of messages that have none: every configured one has a name.
const NO_CARRIER: &str = "";

/// What the journal says is open.
#[derive(Debug, Default)]
pub(crate) struct Restored {
    /// By id, so that they go on in the order in which they were accepted.
    open: BTreeMap<u64, Open>,
    keys: Vec<RestoredKey>,
    /// What was learned of each carrier, and where it stands.
    learned: BTreeMap<String, (v1::CarrierLearned, i64)>,
    consents: RestoredConsents,
    /// What ended, by id: query_sm still tells of the last.
    ended: BTreeMap<u64, Ended>,
    /// The highest id ever given.
    pub(crate) last_id: Option<u64>,
    /// Records that could not be read as events; they are counted, and told at start.
    pub(crate) unreadable: u64,
}

#[derive(Debug)]
struct Open {
    accepted_ms: i64,
    offset: i64,
    incoming: bool,
    account: String,
    carrier: String,
    content: v1::Content,
    expires_ms: i64,
    schedule_ms: i64,
    submission: u64,
    alias: u32,
    review: Review,
    held_by: String,
    api: Option<Box<ApiPart>>,
    attempts: u32,
    carrier_message_id: Option<Vec<u8>>,
    is_held: bool,
    outcome: Option<Outcome>,
    ended_ms: i64,
    parts: RestoredParts,
    /// It went out in a message that has ended; its own `final` did not come to be written.
    lacks_final: bool,
}

#[derive(Debug)]
struct Ended {
    account: String,
    source: Vec<u8>,
    submission: u64,
    alias: u32,
    outcome: Outcome,
}

/// Ended messages that are remembered over a restart; those with the lowest ids go first.
const ENDED_MAX: usize = 100_000;

#[derive(Debug)]
struct RestoredKey {
    account: String,
    key: String,
    id: u64,
    fingerprint: u64,
    at_ms: i64,
    offset: i64,
}

impl Restored {
    /// How many messages are open.
    pub(crate) fn open_messages(&self) -> usize {
        self.open.len()
    }

    /// Applies one record.
    pub(crate) fn apply(&mut self, offset: i64, at_ms: i64, id: u64, value: &[u8]) {
        let Ok(v1::Event { kind: Some(kind) }) = v1::Event::decode(value) else {
            self.unreadable += 1;
            return;
        };
        self.last_id = self.last_id.max(Some(id));
        match kind {
            Kind::Accepted(accepted) => {
                self.remember_key(&accepted, id, at_ms, offset);
                self.open.insert(id, Open::accepted(accepted, at_ms, offset));
            }
            Kind::MoAccepted(incoming) => {
                self.open.insert(id, Open::incoming(incoming, at_ms, offset));
            }
            Kind::Sent(sent) => {
                if let Some(open) = self.open.get_mut(&id) {
                    open.sent(sent);
                    open.is_held = false;
                }
            }
            Kind::PartEnded(ended) => {
                if let Some(open) = self.open.get_mut(&id) {
                    open.parts.ended(&ended);
                }
            }
            Kind::AttemptFailed(failed) => {
                if let Some(open) = self.open.get_mut(&id) {
                    open.carrier = failed.carrier;
                    open.attempts = failed.attempt;
                    open.is_held = failed.held;
                }
            }
            Kind::Final(ended) => {
                if let Some(open) = self.open.get_mut(&id) {
                    open.end(&ended, at_ms);
                    open.lacks_final = false;
                    let joined = std::mem::take(&mut open.parts.joined);
                    if !open.wants_delivery() {
                        self.close(id);
                    }
                    for id in joined {
                        if let Some(open) = self.open.get_mut(&id).filter(|open| open.outcome.is_none()) {
                            open.end(&ended, at_ms);
                            open.lacks_final = true;
                        }
                    }
                }
            }
            Kind::ReceiptDelivered(_) | Kind::MoDelivered(_) => self.close(id),
            Kind::Replaced(replaced) => {
                if let Some(open) = self.open.get_mut(&id) {
                    open.content = replaced.content.unwrap_or_default();
                    open.expires_ms = replaced.expires_at_ms;
                    open.schedule_ms = replaced.schedule_at_ms;
                    if replaced.judged {
                        // Another text may have another route.
                        open.carrier.clear();
                        open.review = if replaced.held_by.is_empty() { Review::None } else { Review::Held };
                        open.held_by = replaced.held_by;
                    }
                }
            }
            Kind::Checkpoint(v1::Checkpoint { open: Some(message), .. }) => {
                self.apply_checkpoint(message, id, offset);
            }
            Kind::Released(_) => {
                if let Some(open) = self.open.get_mut(&id) {
                    open.review = Review::Passed;
                }
            }
            Kind::ConsentChanged(consent)
            | Kind::Checkpoint(v1::Checkpoint { consent: Some(consent), .. }) => {
                let key = (consent.account, consent.sender, consent.number);
                self.consents.insert(key, (consent.suppressed, offset));
            }
            Kind::Checkpoint(_) => {}
            Kind::CarrierLearned(learned) => {
                self.learned.insert(learned.carrier.clone(), (learned, offset));
            }
        }
    }

    fn apply_checkpoint(&mut self, message: v1::OpenMessage, id: u64, offset: i64) {
        let at_ms = message.accepted_at_ms;
        let mut open = match message.origin {
            Some(v1::open_message::Origin::Accepted(accepted)) => {
                self.remember_key(&accepted, id, at_ms, offset);
                if message.key_only {
                    return;
                }
                Open::accepted(accepted, at_ms, offset)
            }
            Some(v1::open_message::Origin::MoAccepted(incoming)) => Open::incoming(incoming, at_ms, offset),
            None => return,
        };
        open.attempts = message.attempts;
        open.is_held = message.held;
        if message.held {
            open.carrier = message.carrier;
        }
        if let Some(sent) = message.sent {
            open.sent(v1::Sent { attempt: message.attempts, ..sent });
        }
        for part in message.parts {
            if let Some(sent) = part.sent {
                open.sent(v1::Sent { attempt: message.attempts, ..sent });
            }
            if let Some(ended) = part.ended {
                open.parts.ended(&ended);
            }
        }
        if let Some(ended) = message.r#final {
            open.end(&ended, message.final_at_ms);
        }
        let is_over = open.outcome.is_some() && !open.wants_delivery();
        self.open.insert(id, open);
        if is_over {
            self.close(id);
        }
    }

    /// The message is not open any more.
    fn close(&mut self, id: u64) {
        let Some(open) = self.open.remove(&id) else { return };
        let Some(outcome) = open.outcome.filter(|_| !open.incoming) else { return };
        let source = open.content.source.map(|source| source.digits).unwrap_or_default();
        let (account, submission, alias) = (open.account, open.submission, open.alias);
        self.ended.insert(id, Ended { account, source, submission, alias, outcome });
        if self.ended.len() > ENDED_MAX {
            self.ended.pop_first();
        }
    }

    fn remember_key(&mut self, accepted: &v1::Accepted, id: u64, at_ms: i64, offset: i64) {
        if !accepted.idempotency_key.is_empty() {
            self.keys.push(RestoredKey {
                account: accepted.account.clone(),
                key: accepted.idempotency_key.clone(),
                id,
                fingerprint: accepted.idempotency_fingerprint,
                at_ms,
                offset,
            });
        }
    }

    /// Gives every account and carrier that the journal names a number, configured or not.
    pub(crate) fn number_names(&self, accounts: &mut Names, carriers: &mut Names) {
        for open in self.open.values() {
            accounts.number(&open.account);
            carriers.number(&open.carrier);
        }
        for key in &self.keys {
            accounts.number(&key.account);
        }
        for (account, ..) in self.consents.keys().filter(|(account, ..)| !account.is_empty()) {
            accounts.number(account);
        }
        // A message for which there is no route any more waits in the queue of a carrier that nobody can configure.
        carriers.number(NO_CARRIER);
    }
}

impl Open {
    fn accepted(accepted: v1::Accepted, at_ms: i64, offset: i64) -> Self {
        let by_api = accepted.origin() == v1::Origin::Api;
        let api = by_api.then(|| {
            Box::new(ApiPart {
                reference: accepted.reference.clone(),
                idempotency_key: accepted.idempotency_key.clone(),
                fingerprint: accepted.idempotency_fingerprint,
            })
        });
        Self {
            accepted_ms: at_ms,
            offset,
            incoming: false,
            account: accepted.account,
            carrier: String::new(),
            content: accepted.content.unwrap_or_default(),
            expires_ms: accepted.expires_at_ms,
            schedule_ms: accepted.schedule_at_ms,
            submission: accepted.submission_id,
            alias: accepted.alias,
            review: if accepted.held_by.is_empty() { Review::None } else { Review::Held },
            held_by: accepted.held_by,
            api,
            attempts: 0,
            carrier_message_id: None,
            is_held: false,
            outcome: None,
            ended_ms: at_ms,
            parts: RestoredParts::default(),
            lacks_final: false,
        }
    }

    fn incoming(incoming: v1::MoAccepted, at_ms: i64, offset: i64) -> Self {
        Self {
            accepted_ms: at_ms,
            offset,
            incoming: true,
            account: incoming.account,
            carrier: incoming.carrier,
            content: incoming.content.unwrap_or_default(),
            expires_ms: i64::MAX,
            schedule_ms: 0,
            submission: 0,
            alias: 0,
            review: Review::None,
            held_by: String::new(),
            api: None,
            attempts: 0,
            carrier_message_id: None,
            is_held: false,
            outcome: None,
            ended_ms: at_ms,
            parts: RestoredParts::default(),
            lacks_final: false,
        }
    }

    fn sent(&mut self, sent: v1::Sent) {
        self.attempts = sent.attempt;
        if sent.part.is_some() {
            self.parts.sent(&sent);
        } else {
            self.carrier_message_id = Some(sent.carrier_message_id);
        }
        self.carrier = sent.carrier;
    }

    fn end(&mut self, ended: &v1::Final, at_ms: i64) {
        let state = MessageState::from_octet(ended.state as u8).unwrap_or(MessageState::Unknown);
        self.outcome = Some(Outcome::new(state, ended.done_at_ms, ended.error.as_bytes()));
        self.ended_ms = at_ms;
        self.attempts = ended.attempt;
    }

    /// Whether its final state still has to reach the customer by SMPP.
    fn wants_delivery(&self) -> bool {
        let delivered = self.outcome.is_some_and(|outcome| super::receipts::is_success(outcome.state));
        let asked = RegisteredDelivery(self.content.registered_delivery as u8);
        self.api.is_none() && asked.wants_receipt_for(delivered)
    }
}

impl Shard {
    /// Takes over what was open. Attempts whose answer is not known are made again: this is the one window in
    /// which a carrier may get a message twice.
    pub(super) fn restore(&mut self, restored: Restored) {
        for key in restored.keys {
            if let Some(account) = self.config.account_names.find(&key.account) {
                self.idempotency.insert(account, key.key, key.id, key.fingerprint, key.at_ms, key.offset);
            }
        }
        self.idempotency.expire(self.clock.wall_ms);
        for (carrier, (learned, offset)) in restored.learned {
            if let Some(number) = self.config.carrier_names.find(&carrier) {
                self.carriers[number as usize].learning.restore(&learned, offset);
            }
        }
        self.restore_consents(restored.consents);
        // What went out in another message is not sent by itself; what went out in parts waits until all of them are known.
        let joined: HashSet<u64> =
            restored.open.values().flat_map(|open| open.parts.joined.iter().copied()).collect();
        let (mut names, mut in_parts) = (HashMap::new(), Vec::new());
        // The index wants them by id, open or not.
        let mut ended = restored.ended.into_iter().peekable();
        for (id, open) in restored.open {
            while let Some((id, ended)) = ended.next_if(|(ended_id, _)| *ended_id < id) {
                self.restore_ended(id, &ended);
            }
            let Some(name) = self.restore_message(id, &open) else { continue };
            let is_open = open.outcome.is_none() && !open.incoming;
            if is_open && joined.contains(&id) {
                self.count_in(name);
                names.insert(id, name);
            } else if is_open && !open.parts.is_empty() {
                self.count_in(name);
                in_parts.push((name, open.parts));
            } else {
                self.go_on(name, &open);
            }
        }
        for (name, parts) in in_parts {
            let joined: Vec<_> = parts.joined.iter().filter_map(|id| names.remove(id)).collect();
            let is_whole = joined.len() == parts.joined.len();
            let known = if is_whole { parts } else { RestoredParts::default() };
            self.resume_parts(name, &known, &joined);
        }
        for name in names.into_values() {
            self.dispatch(name);
        }
        for (id, ended) in ended {
            self.restore_ended(id, &ended);
        }
    }

    fn restore_ended(&mut self, id: u64, ended: &Ended) {
        let Some(account) = self.config.account_names.find(&ended.account) else { return };
        let place = self.index_restored(id, account, &ended.source, ended.submission, ended.alias, None);
        self.index.end(id, place, Some(&ended.outcome));
    }

    fn count_in(&mut self, name: MessageRef) {
        if let Some(message) = self.messages.get(name) {
            self.carriers[message.carrier as usize].queued += 1;
        }
    }

    /// Takes a slot for it.
    fn restore_message(&mut self, id: u64, open: &Open) -> Option<MessageRef> {
        let account = self.config.account_names.find(&open.account)?;
        let content = content(&open.content);
        let hash = destination_hash(digits(&content.destination));
        let named = Some(&open.carrier).filter(|name| *name != NO_CARRIER);
        let named = named.and_then(|name| self.config.carrier_names.find(name));
        let carrier = named.or_else(|| self.config.carrier_names.find(NO_CARRIER))?;
        let name = self.messages.insert(NewMessage {
            content: &content,
            incoming: open.incoming,
            account,
            carrier,
            id,
            accepted_ms: open.accepted_ms,
            expires_ms: open.expires_ms,
            destination_hash: hash,
            connection: ConnectionRef::NONE,
            api: open.api.clone(),
            schedule_ms: open.schedule_ms,
            submission: open.submission,
            alias: open.alias,
        });
        self.accounts[account as usize].open_messages += 1;
        let place = if open.incoming {
            Place::NONE
        } else {
            self.index_restored(id, account, content.source.digits, open.submission, open.alias, Some(name))
        };
        if !open.incoming && open.outcome.is_none() {
            let carrier = self.restore_way(name, named).unwrap_or(carrier);
            self.messages.get_mut(name)?.carrier = carrier;
        }
        let message = self.messages.get_mut(name)?;
        message.place = place;
        message.journal_offset = open.offset;
        message.attempts = u16::try_from(open.attempts).unwrap_or(u16::MAX);
        message.outcome = open.outcome;
        message.ended_ms = open.ended_ms;
        if let Some(carrier_message_id) = &open.carrier_message_id {
            message.set_carrier_message_id(carrier_message_id);
        }
        if open.outcome.is_some() {
            // It has gone: parts of it that are to come follow.
            self.keep_together(name);
        }
        Some(name)
    }

    /// Goes on where the journal ends.
    fn go_on(&mut self, name: MessageRef, open: &Open) {
        let Some(message) = self.messages.get_mut(name) else { return };
        if let Some(outcome) = open.outcome.filter(|_| open.lacks_final) {
            self.end_as(name, outcome, Then::Deliver);
        } else if open.incoming || open.outcome.is_some() {
            self.deliver(name);
        } else if open.carrier_message_id.is_some() {
            message.phase = Phase::AwaitingReceipt;
            if message.awaits_receipt() {
                self.expect_receipt(name);
            } else {
                // The crash came between `sent` and `final`.
                self.end(name, MessageState::Accepted, b"");
            }
        } else if open.is_held {
            self.hold_sent(name);
        } else {
            message.review = open.review;
            // What is due by now as well: it goes the way of all that wait.
            if open.review == Review::Held {
                self.quarantine.insert(message.id, name, open.held_by.as_str().into());
            } else if message.schedule_ms == 0 {
                self.count_in(name);
            }
            self.start(name);
        }
    }
}

fn content(stored: &v1::Content) -> ShortMessage<'_> {
    ShortMessage {
        service_type: &stored.service_type,
        source: address(stored.source.as_ref()),
        destination: address(stored.destination.as_ref()),
        esm_class: EsmClass(stored.esm_class as u8),
        protocol_id: stored.protocol_id as u8,
        priority_flag: stored.priority as u8,
        registered_delivery: RegisteredDelivery(stored.registered_delivery as u8),
        data_coding: stored.data_coding as u8,
        sm_default_msg_id: stored.default_message_id as u8,
        short_message: &stored.short_message,
        tlvs: Tlvs::parse(&stored.tlvs).unwrap_or_default(),
        ..ShortMessage::default()
    }
}

fn address(stored: Option<&v1::Address>) -> Address<'_> {
    stored.map_or_else(Address::default, |stored| Address {
        ton: stored.ton as u8,
        npi: stored.npi as u8,
        digits: &stored.digits,
    })
}
