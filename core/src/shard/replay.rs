//! A restart: the journal's events, applied in their order, leave the messages that are still open.

use std::collections::BTreeMap;

use brivas_proto::v1;
use brivas_route::destination_hash;
use brivas_smpp::pdu::Address;
use brivas_smpp::tlv::Tlvs;
use brivas_smpp::{EsmClass, MessageState, RegisteredDelivery, ShortMessage};
use prost::Message as _;
use v1::event::Kind;

use super::Shard;
use super::connection::ConnectionRef;
use super::messages::{ApiPart, NewMessage, Outcome, Phase, digits};
use super::operations::Place;
use crate::config::Names;

/// The carrier of messages that have none: every configured one has a name.
const NO_CARRIER: &str = "";

/// What the journal says is open.
#[derive(Debug, Default)]
pub(crate) struct Restored {
    /// By id, so that they go on in the order in which they were accepted.
    open: BTreeMap<u64, Open>,
    keys: Vec<RestoredKey>,
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
    api: Option<Box<ApiPart>>,
    attempts: u32,
    carrier_message_id: Option<Vec<u8>>,
    outcome: Option<Outcome>,
    ended_ms: i64,
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
                    open.carrier = sent.carrier;
                    open.attempts = sent.attempt;
                    open.carrier_message_id = Some(sent.carrier_message_id);
                }
            }
            Kind::AttemptFailed(failed) => {
                if let Some(open) = self.open.get_mut(&id) {
                    open.carrier = failed.carrier;
                    open.attempts = failed.attempt;
                }
            }
            Kind::Final(ended) => {
                if let Some(open) = self.open.get_mut(&id) {
                    open.end(&ended, at_ms);
                    if !open.wants_delivery() {
                        self.close(id);
                    }
                }
            }
            Kind::ReceiptDelivered(_) | Kind::MoDelivered(_) => self.close(id),
            Kind::Replaced(replaced) => {
                if let Some(open) = self.open.get_mut(&id) {
                    open.content = replaced.content.unwrap_or_default();
                    open.expires_ms = replaced.expires_at_ms;
                    open.schedule_ms = replaced.schedule_at_ms;
                }
            }
            Kind::Checkpoint(v1::Checkpoint { open: Some(message) }) => {
                self.apply_checkpoint(message, id, offset);
            }
            Kind::Checkpoint(_) => {}
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
        if let Some(sent) = message.sent {
            open.carrier = sent.carrier;
            open.carrier_message_id = Some(sent.carrier_message_id);
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
            api,
            attempts: 0,
            carrier_message_id: None,
            outcome: None,
            ended_ms: at_ms,
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
            api: None,
            attempts: 0,
            carrier_message_id: None,
            outcome: None,
            ended_ms: at_ms,
        }
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
        // The index wants them by id, open or not.
        let mut ended = restored.ended.into_iter().peekable();
        for (id, open) in restored.open {
            while let Some((id, ended)) = ended.next_if(|(ended_id, _)| *ended_id < id) {
                self.restore_ended(id, &ended);
            }
            self.restore_message(id, open);
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

    fn restore_message(&mut self, id: u64, open: Open) {
        let Some(account) = self.config.account_names.find(&open.account) else { return };
        let content = content(&open.content);
        let destination = digits(&content.destination);
        let hash = destination_hash(destination);
        let named = Some(&open.carrier).filter(|name| *name != NO_CARRIER);
        let carrier = named
            .and_then(|name| self.config.carrier_names.find(name))
            .or_else(|| self.first_carrier(account, destination, hash))
            .or_else(|| self.config.carrier_names.find(NO_CARRIER));
        let Some(carrier) = carrier else { return };
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
            api: open.api,
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
        let Some(message) = self.messages.get_mut(name) else { return };
        message.place = place;
        message.journal_offset = open.offset;
        message.attempts = u16::try_from(open.attempts).unwrap_or(u16::MAX);
        message.outcome = open.outcome;
        message.ended_ms = open.ended_ms;
        if let Some(carrier_message_id) = &open.carrier_message_id {
            message.set_carrier_message_id(carrier_message_id);
        }
        if open.incoming || open.outcome.is_some() {
            self.deliver(name);
        } else if let Some(carrier_message_id) = open.carrier_message_id {
            message.phase = Phase::AwaitingReceipt;
            if message.awaits_receipt() {
                self.receipts.expect(carrier, &carrier_message_id, name);
            } else {
                // The crash came between `sent` and `final`.
                self.end(name, MessageState::Accepted, b"");
            }
        } else {
            // What is due by now as well: it goes the way of all that wait.
            if message.schedule_ms == 0 {
                self.carriers[carrier as usize].queued += 1;
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
