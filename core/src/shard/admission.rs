//! Takes messages over from customers: checks, route, journal. What is answered ESME_ROK is answered for.

use std::sync::Arc;

use brivas_route::{Direction, destination_hash};
use brivas_smpp::{CommandStatus, ShortMessage};

use super::commit::{Awaiting, Then};
use super::connection::ConnectionRef;
use super::messages::{ApiPart, MessageRef, NewMessage, digits};
use super::operations::{Stand, Times};
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
struct Checked {
    times: Times,
    carrier: u32,
    destination_hash: u64,
}

/// Which carrier a message goes to.
pub(super) enum Choice {
    Carrier(u32),
    NoRoute,
    QueuesFull,
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
        let origin = self.origin_of(connection);
        match self.admit(account, message, origin) {
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
        let checked = match self.check_admission(account_number, message) {
            Ok(checked) => checked,
            Err(status) => {
                self.counters.refused += 1;
                return Err(status);
            }
        };
        let Checked { times: Times { schedule_ms, expires_ms }, carrier, destination_hash } = checked;
        let wall_ms = self.clock.wall_ms;
        let id = self.ids.give(wall_ms);
        let Origin { connection, api, submission, recipient, .. } = origin;
        let alias = if origin.has_short_id && submission == 0 { self.give_alias(id) } else { origin.alias };
        let more = AcceptedMore {
            expires_at_ms: expires_ms,
            by_api: api.is_some(),
            idempotency_key: api.as_ref().map_or("", |api| &api.idempotency_key),
            idempotency_fingerprint: api.as_ref().map_or(0, |api| api.fingerprint),
            reference: api.as_ref().map_or("", |api| &api.reference),
            schedule_at_ms: schedule_ms,
            submission_id: submission,
            alias,
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
            carrier,
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
        let stand = Stand::Open(name);
        let place = self.index.insert(id, account_number, message.source.digits, recipient, stand);
        if let Some(message) = self.messages.get_mut(name) {
            message.journal_offset = offset;
            message.place = place;
        }
        if schedule_ms == 0 {
            self.carriers[carrier as usize].queued += 1;
        }
        self.counters.accepted += 1;
        Ok((name, offset))
    }

    /// Everything that may speak against a message.
    fn check_admission(
        &mut self,
        account_number: u32,
        message: &ShortMessage<'_>,
    ) -> Result<Checked, CommandStatus> {
        if self.draining.is_on() || self.journal.failed().is_some() {
            return Err(CommandStatus::RSYSERR);
        }
        let messages_full = self.messages.is_full() || !self.journal.has_room();
        let account = &mut self.accounts[account_number as usize];
        let Some(config) = account.config.as_ref().map(Arc::clone) else {
            return Err(CommandStatus::RBINDFAIL);
        };
        let times = Times::read(
            &config.spec,
            message.schedule_delivery_time,
            message.validity_period,
            self.clock.wall_ms,
        )?;
        if messages_full || account.open_messages >= u64::from(config.spec.open_messages_max) {
            account.queue_full += 1;
            self.counters.queue_full += 1;
            return Err(CommandStatus::RMSGQFUL);
        }
        // The throttle comes last of what the account can cause: what is refused for other reasons is not counted.
        let destination = digits(&message.destination);
        let destination_hash = destination_hash(destination);
        let carrier = match self.choose_carrier(account_number, destination, destination_hash) {
            Choice::Carrier(carrier) => carrier,
            Choice::NoRoute => return Err(CommandStatus::RINVDSTADR),
            // What is sent later needs no room now; where it goes is decided then.
            Choice::QueuesFull if times.schedule_ms != 0 => self
                .first_carrier(account_number, destination, destination_hash)
                .ok_or(CommandStatus::RINVDSTADR)?,
            Choice::QueuesFull => {
                self.accounts[account_number as usize].queue_full += 1;
                self.counters.queue_full += 1;
                return Err(CommandStatus::RMSGQFUL);
            }
        };
        let account = &mut self.accounts[account_number as usize];
        if !account.throttle.take(self.clock.now_us) {
            account.throttled += 1;
            self.counters.throttled += 1;
            return Err(CommandStatus::RTHROTTLED);
        }
        Ok(Checked { times, carrier, destination_hash })
    }

    /// The first carrier of the route that is up and has room; else the first that has room.
    pub(super) fn choose_carrier(&self, account: u32, destination: &[u8], hash: u64) -> Choice {
        let Some(route) = self.config.table.lookup(Direction::Mt, account, destination) else {
            return Choice::NoRoute;
        };
        let carriers = &self.carriers;
        let has_room = |number: u32| carriers.get(number as usize).is_some_and(|carrier| carrier.has_room());
        let is_up = |number: u32| has_room(number) && !carriers[number as usize].up.is_empty();
        match route.choose(hash, is_up).or_else(|| route.choose(hash, has_room)) {
            Some(carrier) => Choice::Carrier(carrier),
            None => Choice::QueuesFull,
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
            open.session.respond(sequence_number, status, message_id);
            self.mark_dirty(connection);
        }
    }
}
