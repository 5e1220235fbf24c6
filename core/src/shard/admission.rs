//! Takes messages over from customers: checks, route, journal. What is answered ESME_ROK is answered for.

use std::sync::Arc;

use brivas_route::{Direction, destination_hash};
use brivas_smpp::{CommandStatus, ShortMessage, time};

use super::commit::{Awaiting, Then};
use super::connection::ConnectionRef;
use super::messages::{ApiPart, MessageRef, NewMessage, Phase, digits};
use super::{Shard, inbound};
use crate::event::{self, AcceptedMore};
use crate::id;

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
        match self.admit(account, connection, message, None) {
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

    /// Takes a message over, or says why not. It is open from here on; its record's offset is given.
    pub(super) fn admit(
        &mut self,
        account_number: u32,
        connection: ConnectionRef,
        message: &ShortMessage<'_>,
        api: Option<Box<ApiPart>>,
    ) -> Result<(MessageRef, i64), CommandStatus> {
        let refused = self.check_admission(account_number, message);
        let (expires_ms, carrier, destination_hash) = match refused {
            Ok(checked) => checked,
            Err(status) => {
                self.counters.refused += 1;
                return Err(status);
            }
        };
        let wall_ms = self.clock.wall_ms;
        let id = self.ids.give(wall_ms);
        let more = AcceptedMore {
            expires_at_ms: expires_ms,
            by_api: api.is_some(),
            idempotency_key: api.as_ref().map_or("", |api| &api.idempotency_key),
            idempotency_fingerprint: api.as_ref().map_or(0, |api| api.fingerprint),
            reference: api.as_ref().map_or("", |api| &api.reference),
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
        });
        if let Some(message) = self.messages.get_mut(name) {
            message.journal_offset = offset;
        }
        self.carriers[carrier as usize].queued += 1;
        self.counters.accepted += 1;
        Ok((name, offset))
    }

    /// Everything that may speak against a message: (expires, carrier, hash of the destination).
    fn check_admission(
        &mut self,
        account_number: u32,
        message: &ShortMessage<'_>,
    ) -> Result<(i64, u32, u64), CommandStatus> {
        if self.draining.is_on() || self.journal.failed().is_some() {
            return Err(CommandStatus::RSYSERR);
        }
        let messages_full = self.messages.is_full() || !self.journal.has_room();
        let account = &mut self.accounts[account_number as usize];
        let Some(config) = account.config.as_ref().map(Arc::clone) else {
            return Err(CommandStatus::RBINDFAIL);
        };
        if !message.schedule_delivery_time.is_empty() {
            // Scheduled delivery is not offered; to send at once would be a lie.
            return Err(CommandStatus::RINVSCHED);
        }
        let wall_ms = self.clock.wall_ms;
        let expires_ms = match message.validity_period {
            [] => wall_ms + i64::from(config.spec.validity_default_seconds) * 1_000,
            text => time::parse(text, wall_ms)
                .filter(|&at_ms| at_ms > wall_ms)
                .ok_or(CommandStatus::RINVEXPIRY)?,
        };
        if messages_full || account.open_messages >= u64::from(config.spec.open_messages_max) {
            account.queue_full += 1;
            self.counters.queue_full += 1;
            return Err(CommandStatus::RMSGQFUL);
        }
        // The throttle comes last of what the account can cause: what is refused for other reasons is not counted.
        let destination = digits(&message.destination);
        let hash = destination_hash(destination);
        let carrier = match self.choose_carrier(account_number, destination, hash) {
            Choice::Carrier(carrier) => carrier,
            Choice::NoRoute => return Err(CommandStatus::RINVDSTADR),
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
        Ok((expires_ms, carrier, hash))
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
                let id = id::hex(message.id);
                self.respond(connection, sequence_number, CommandStatus::ROK, &id);
                self.dispatch(awaiting.message);
            }
            Then::AnswerCall { call } => {
                self.calls.count_down(call);
                self.dispatch(awaiting.message);
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

    /// Takes back a message that no carrier has got.
    pub(super) fn is_cancellable(&self, name: MessageRef) -> bool {
        let phase = self.messages.get(name).map(|message| message.phase);
        matches!(phase, Some(Phase::Queued | Phase::Retrying))
    }
}
