//! Takes messages over from customers: checks, route, journal. What is answered ESME_ROK is answered for.

use std::sync::Arc;

use brivas_route::destination_hash;
use brivas_smpp::text::DefaultAlphabet;
use brivas_smpp::{CommandStatus, ShortMessage};

use super::commit::{Awaiting, Then};
use super::connection::ConnectionRef;
use super::messages::{ApiPart, MessageRef, NewMessage, Review, digits};
use super::operations::Times;
use super::routing::{Asked, Hold, NoWay, Way};
use super::{Shard, inbound};
use crate::event::{self, AcceptedMore};

/// Where a message comes from, and what is known of it beside its content.
pub(super) struct Origin {
    pub(super) connection: ConnectionRef,
    pub(super) api: Option<Box<ApiPart>>,
    /// The customer's version wants ids of eight digits.
    pub(super) has_short_id: bool,
    /// Of the second and later recipients of a submission, the first one's id and alias.
    pub(super) submission: u64,
    pub(super) alias: u32,
    /// The place among the recipients, from 0.
    pub(super) recipient: u8,
}

impl Origin {
    pub(super) const NONE: Self = Self {
        connection: ConnectionRef::NONE,
        api: None,
        has_short_id: false,
        submission: 0,
        alias: 0,
        recipient: 0,
    };
}

/// What is known of a message that nothing speaks against.
pub(super) struct Checked {
    pub(super) times: Times,
    pub(super) way: Way,
    destination_hash: u64,
}

/// What a message needs room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// It is one more.
    Slot,
    /// It takes the place of one that is there.
    Place,
}

impl Shard {
    /// A submit_sm on an account's bind.
    pub(super) fn handle_submit(
        &mut self,
        connection: ConnectionRef,
        account: u32,
        sequence_number: u32,
        message: &ShortMessage<'_>,
    ) {
        match self.replace_or_admit(account, message, self.origin_of(connection)) {
            Ok((name, offset)) => {
                let on_disk = self.accounts[account as usize].on_disk();
                let then = Then::Answer { connection, sequence_number };
                self.commits.push(on_disk, Awaiting { offset, message: name, then });
            }
            Err(status) => {
                if let Some(connection) = self.connections.get_mut(connection) {
                    connection.session.respond(sequence_number, status, &[]);
                }
            }
        }
    }

    /// What a message on this bind starts with.
    pub(super) fn origin_of(&self, connection: ConnectionRef) -> Origin {
        let open = self.connections.get(connection);
        let has_short_id = open.is_some_and(|open| !open.session.version().has_tlvs());
        Origin { connection, has_short_id, ..Origin::NONE }
    }

    /// Takes a message over, or says why not. It is open from here on; its record's offset is given.
    pub(super) fn admit(
        &mut self,
        account_number: u32,
        message: &ShortMessage<'_>,
        origin: Origin,
    ) -> Result<(MessageRef, i64), CommandStatus> {
        let alphabet = match &origin.api {
            Some(_) => DefaultAlphabet::Gsm,
            None => self.config.account_alphabet(account_number),
        };
        let checked = self.check_admission(account_number, message, alphabet, Takes::Slot);
        let checked = checked.inspect_err(|_| self.counters.refused += 1)?;
        let Checked { times: Times { schedule_ms, expires_ms }, way, destination_hash } = checked;
        let wall_ms = self.clock.wall_ms;
        let id = self.ids.give(wall_ms);
        let Origin { connection, api, submission, recipient, .. } = origin;
        let alias = if origin.has_short_id && submission == 0 { self.give_alias(id) } else { origin.alias };
        let held_by = match way.hold {
            Hold::ForReview(rule) => Some(self.rule_name(rule)),
            Hold::Not | Hold::Until(_) => None,
        };
        let more = AcceptedMore {
            expires_at_ms: expires_ms,
            by_api: api.is_some(),
            idempotency_key: api.as_ref().map_or("", |api| &api.idempotency_key),
            idempotency_fingerprint: api.as_ref().map_or(0, |api| api.fingerprint),
            reference: api.as_ref().map_or("", |api| &api.reference),
            schedule_at_ms: schedule_ms,
            submission_id: submission,
            alias,
            held_by: held_by.as_deref().unwrap_or_default(),
        };
        let account = &mut self.accounts[account_number as usize];
        account.accepted += 1;
        account.open_messages += 1;
        let account_name = &account.name;
        let offset =
            self.journal.append(wall_ms, id, |out| event::accepted(out, account_name, message, &more));
        let name = self.messages.insert(NewMessage {
            content: message,
            incoming: false,
            account: account_number,
            carrier: way.carrier,
            id,
            accepted_ms: wall_ms,
            expires_ms,
            destination_hash,
            connection,
            api,
            schedule_ms,
            submission,
            alias,
        });
        let place = self.index.insert(id, account_number, message.source.digits, recipient, name);
        if let Some(message) = self.messages.get_mut(name) {
            message.journal_offset = offset;
            message.place = place;
            (message.route, message.table) = (way.route, self.config.table_generation);
        }
        if let Some(rule) = held_by {
            if let Some(message) = self.messages.get_mut(name) {
                message.review = Review::Held;
            }
            self.quarantine.insert(id, name, rule);
        } else if schedule_ms == 0 {
            self.carriers[way.carrier as usize].queued += 1;
        }
        self.keep_together(name);
        self.note_waiting(account_number, &message.source, &message.destination, name);
        self.counters.accepted += 1;
        Ok((name, offset))
    }

    /// Everything that may speak against a message.
    pub(super) fn check_admission(
        &mut self,
        account_number: u32,
        message: &ShortMessage<'_>,
        alphabet: DefaultAlphabet,
        takes: Takes,
    ) -> Result<Checked, CommandStatus> {
        if self.draining.is_on() || self.journal.failed().is_some() {
            return Err(CommandStatus::RSYSERR);
        }
        let is_new = takes == Takes::Slot;
        let no_slot = if is_new { self.messages.is_full() } else { !self.messages.has_memory() };
        let messages_full = no_slot || !self.journal.has_room();
        let account = &mut self.accounts[account_number as usize];
        let Some(config) = account.config.as_ref().map(Arc::clone) else {
            return Err(CommandStatus::RBINDFAIL);
        };
        if config.senders.as_ref().is_some_and(|senders| !senders.allow(&message.source)) {
            return Err(CommandStatus::RINVSRCADR);
        }
        let times = Times::read(
            &config.spec,
            message.schedule_delivery_time,
            message.validity_period,
            self.clock.wall_ms,
        )?;
        let account_full = is_new && account.open_messages >= u64::from(config.spec.open_messages_max);
        if messages_full || account_full {
            account.queue_full += 1;
            self.counters.queue_full += 1;
            return Err(CommandStatus::RMSGQFUL);
        }
        // The throttle comes last of what the account can cause: what is refused for other reasons is not counted.
        let may_take = account.throttle.has_one(self.clock.now_us);
        let destination_hash = destination_hash(digits(&message.destination));
        // What is sent later needs no room now; where it goes is decided then. What takes another's place has it.
        let waits = times.schedule_ms != 0 || !is_new;
        let way =
            self.find_way(account_number, message, destination_hash, Asked { may_take, waits, alphabet });
        let account = &mut self.accounts[account_number as usize];
        match way {
            Ok(Way { hold: Hold::ForReview(_), .. }) if self.quarantine.is_full() => {
                account.queue_full += 1;
                self.counters.queue_full += 1;
                Err(CommandStatus::RMSGQFUL)
            }
            Ok(way) => {
                account.throttle.take(self.clock.now_us);
                let mut times = times;
                if let Hold::Until(until_ms) = way.hold {
                    times.schedule_ms = times.schedule_ms.max(until_ms);
                }
                Ok(Checked { times, way, destination_hash })
            }
            Err(NoWay::NoRoute) => Err(CommandStatus::RINVDSTADR),
            Err(NoWay::QueuesFull) => {
                account.queue_full += 1;
                self.counters.queue_full += 1;
                Err(CommandStatus::RMSGQFUL)
            }
            Err(NoWay::Throttled) => {
                account.throttled += 1;
                self.counters.throttled += 1;
                Err(CommandStatus::RTHROTTLED)
            }
            Err(NoWay::Refused(status)) => Err(status),
        }
    }

    /// The record is as durable as asked: answer, and go on.
    pub(super) fn proceed(&mut self, awaiting: Awaiting) {
        match awaiting.then {
            Then::Answer { connection, sequence_number } => {
                let Some(message) = self.messages.get(awaiting.message) else { return };
                let id = message.told_id();
                self.respond(connection, sequence_number, CommandStatus::ROK, &id);
                self.start(awaiting.message);
            }
            Then::AnswerData { connection, sequence_number } => {
                self.answer_data(connection, sequence_number, awaiting.message);
                self.start(awaiting.message);
            }
            Then::Forward => self.start(awaiting.message),
            Then::AnswerMulti { connection, sequence_number, refused } => {
                self.answer_multi(connection, sequence_number, refused, awaiting.message);
                self.start(awaiting.message);
            }
            Then::Confirm { connection, sequence_number, request } => {
                self.confirm(connection, sequence_number, request);
            }
            Then::AnswerCall { call } => {
                self.calls.count_down(call);
                self.start(awaiting.message);
            }
            Then::AnswerCallAgain { call } => self.calls.count_down(call),
            Then::AnswerCarrier { connection, sequence_number } => {
                self.answer_carrier(connection, sequence_number, awaiting.message);
                self.deliver(awaiting.message);
            }
            Then::Deliver => self.deliver(awaiting.message),
        }
    }

    /// Answers a peer's message, if the peer is still there.
    pub(super) fn respond(
        &mut self,
        connection: ConnectionRef,
        sequence_number: u32,
        status: CommandStatus,
        message_id: &[u8],
    ) {
        if let Some(open) = self.connections.get_mut(connection) {
            let status = inbound::status_for(open.session.config().role, status);
            if !open.answer_data(sequence_number, status) {
                open.session.respond(sequence_number, status, message_id);
            }
            self.mark_dirty(connection);
        }
    }
}
