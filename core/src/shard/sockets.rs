//! Sockets: what is read goes through the sessions to whom it concerns, what the sessions say is written.

use brivas_smpp::session::{CloseReason, State};
use brivas_smpp::{CommandStatus, Event, Pdu, Role};

use super::congestion::Pace;
use super::connection::{ConnectionRef, OUTPUT_OCTETS_MAX, Owner};
use super::messages::MessageRef;
use super::round::FETCHED_AT_ONCE;
use super::{Shard, inbound};
use crate::transport::{BEGUN_OCTETS_MAX, Stream};

/// Handshakes that take a step in one round: each costs some tenths of a millisecond.
const HANDSHAKES_PER_ROUND: usize = 4;

/// What one read takes from a connection that is not bound.
const STRANGER_OCTETS_MAX: usize = 4 << 10;
const _: () = assert!(STRANGER_OCTETS_MAX > brivas_smpp::session::UNBOUND_PDU_BYTES_MAX);

impl Shard {
    pub(super) fn note_readiness(&mut self, name: ConnectionRef, event: &mio::event::Event) {
        let Some(connection) = self.connections.get_mut(name) else { return };
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            connection.readable = true;
            connection.is_ending |= event.is_read_closed() || event.is_error();
            self.list_readable(name);
        }
        let Some(connection) = self.connections.get_mut(name) else { return };
        if event.is_writable() {
            connection.writable = true;
            self.note_connected(name);
            self.mark_dirty(name);
        }
    }

    /// Every readable connection gets one read a round.
    pub(super) fn read_all(&mut self, buffer: &mut [u8]) {
        let mut handshakes = 0;
        for _ in 0..self.readable.len() {
            let Some(name) = self.readable.pop_front() else { return };
            if let Some(connection) = self.connections.get_mut(name) {
                if connection.stream.is_handshaking() {
                    handshakes += 1;
                    if handshakes > HANDSHAKES_PER_ROUND {
                        // Its turn comes: a flood of handshakes holds no bind up.
                        self.readable.push_back(name);
                        continue;
                    }
                }
                connection.is_listed = false;
                self.read_one(name, buffer);
                self.commit_early();
                self.list_readable(name);
            }
        }
    }

    /// Notes that a connection has something to read, unless it is held: then `resume` does.
    pub(super) fn list_readable(&mut self, name: ConnectionRef) {
        if let Some(connection) = self.connections.get_mut(name)
            && connection.readable
            && !connection.is_listed
            && !connection.is_held()
            && !(self.holds_carriers && matches!(connection.owner, Owner::Carrier(..)))
        {
            connection.is_listed = true;
            self.readable.push_back(name);
        }
    }

    pub(super) fn read_one(&mut self, name: ConnectionRef, buffer: &mut [u8]) {
        let Some(connection) = self.connections.get_mut(name) else { return };
        if connection.is_held() {
            return;
        }
        let start = connection.leftover.len();
        // What a stranger sends behind its bind is kept until that is decided: anybody may make us keep it.
        let limit = match (connection.owner, &connection.stream) {
            (Owner::Stranger, Stream::Plain(_)) => STRANGER_OCTETS_MAX,
            // A record is decrypted whole.
            (Owner::Stranger, Stream::Tls(_)) => STRANGER_OCTETS_MAX + BEGUN_OCTETS_MAX,
            (Owner::Account(_) | Owner::Carrier(..), _) => buffer.len(),
        };
        let buffer = &mut buffer[..limit];
        buffer[..start].copy_from_slice(&connection.leftover);
        connection.leftover.clear();
        match connection.read(buffer, start) {
            Ok(count) => self.handle_octets(name, &buffer[..start + count]),
            Err(error) => {
                self.handle_octets(name, &buffer[..start]);
                let why = if error.kind() == std::io::ErrorKind::UnexpectedEof {
                    "the peer closed the connection".to_owned()
                } else {
                    error.to_string()
                };
                self.close(name, &why);
            }
        }
    }

    /// Takes the PDUs that stand in `octets`; keeps the rest.
    pub(super) fn handle_octets(&mut self, name: ConnectionRef, octets: &[u8]) {
        let now_ms = self.clock.now_ms();
        let mut consumed = 0;
        if inbound::is_outbind(octets)
            && self.connections.get(name).is_some_and(|connection| {
                connection.owner == Owner::Stranger
                    && connection.session.config().role == Role::Smsc
                    && connection.session.counters().pdus_in == 0
            })
        {
            self.become_esme(name);
        }
        let mut taken = 0;
        while let Some(connection) = self.connections.get_mut(name) {
            let owner = connection.owner;
            if taken % FETCHED_AT_ONCE == 0 {
                let tokens = connection.session.answered_ahead(&octets[consumed..], FETCHED_AT_ONCE);
                self.messages.fetch(tokens.map(MessageRef::from_token));
            }
            taken += 1;
            let Some(event) = connection.session.receive(now_ms, octets, &mut consumed) else { break };
            match (owner, event) {
                (Owner::Account(account), Event::Message { sequence_number, message }) => {
                    self.handle_submit(name, account, sequence_number, &message);
                }
                (
                    Owner::Carrier(carrier, bind),
                    Event::Answered { token, status, message_id, sent_ms, congestion_state },
                ) => {
                    let pace = Pace { sent_ms, congestion_state };
                    self.handle_carrier_answer(carrier, bind, token, status, message_id, pace);
                }
                (Owner::Carrier(carrier, _), Event::Message { sequence_number, message }) => {
                    self.handle_carrier_message(name, carrier, sequence_number, &message);
                }
                (Owner::Carrier(..), Event::AnsweredLate { token, status, message_id }) => {
                    self.handle_late_answer(token, status, message_id);
                }
                (Owner::Carrier(carrier, _), Event::Request { pdu: Pdu::AlertNotification(alert), .. }) => {
                    self.handle_alert(carrier, &alert);
                }
                (
                    Owner::Carrier(carrier, _),
                    Event::Request { sequence_number, pdu: pdu @ Pdu::DataSm(_) },
                ) => {
                    self.handle_carrier_request(name, carrier, sequence_number, &pdu);
                }
                (Owner::Account(account), Event::Answered { token, status, .. }) => {
                    self.handle_delivery_answer(account, token, status);
                }
                (Owner::Account(account), Event::Response { token, status, .. }) => {
                    self.handle_delivery_answer(account, token, status);
                }
                (Owner::Account(account), Event::Request { sequence_number, pdu }) => {
                    self.handle_request(name, account, sequence_number, &pdu);
                }
                // Of a carrier messages are taken, and nothing else.
                (Owner::Carrier(..), Event::Request { sequence_number, pdu })
                    if pdu.command_id().has_response() =>
                {
                    connection.session.refuse(sequence_number, pdu.command_id(), CommandStatus::RINVCMDID);
                }
                (_, Event::Bind { sequence_number, request, .. }) => {
                    self.handle_bind(name, sequence_number, &request);
                }
                (Owner::Carrier(carrier, bind), Event::BindAnswered(status)) => {
                    self.handle_bind_answer(name, carrier, bind, status);
                }
                (Owner::Stranger, Event::Request { pdu: Pdu::Outbind(outbind), .. }) => {
                    self.handle_outbind(name, &outbind);
                }
                // A stranger's session gives nothing but binds and outbinds, and nothing here times out.
                _ => {}
            }
        }
        if let Some(connection) = self.connections.get_mut(name) {
            let is_closed = connection.session.state() == State::Closed;
            if !is_closed {
                connection.leftover.extend_from_slice(&octets[consumed..]);
            }
            connection.was_blocked = connection.session.is_blocked();
            if connection.leftover.is_empty() {
                connection.leftover.shrink_to(4_096);
            }
            self.mark_dirty(name);
            if is_closed {
                self.tell_of_foreign(name, octets);
            }
        }
    }

    /// A session that was held may go on: with what it left, then with the socket.
    pub(super) fn resume(&mut self, name: ConnectionRef) {
        let Some(connection) = self.connections.get_mut(name) else { return };
        if connection.is_held() {
            return;
        }
        if connection.was_blocked && !connection.leftover.is_empty() {
            let leftover = std::mem::take(&mut connection.leftover);
            self.handle_octets(name, &leftover);
        }
        self.list_readable(name);
    }

    pub(super) fn write_all(&mut self) {
        let now_ms = self.clock.now_ms();
        let mut dirty = std::mem::take(&mut self.dirty);
        for name in dirty.drain(..) {
            let Some(connection) = self.connections.get_mut(name) else { continue };
            connection.is_dirty = false;
            let owner = connection.owner;
            let was_full = connection.session.output().len() >= OUTPUT_OCTETS_MAX;
            let written = connection.write(now_ms);
            let has_room = connection.session.output().len() < OUTPUT_OCTETS_MAX;
            match written {
                Err(error) => self.close(name, &error.to_string()),
                Ok(()) if connection.session.state() == State::Closed => {
                    if connection.is_written() && !connection.lingers(now_ms) {
                        let reason = connection.session.close_reason();
                        let why = reason.map_or_else(String::new, |reason| reason.to_string());
                        self.close(name, &why);
                    }
                }
                Ok(()) => {
                    self.resume(name);
                    if was_full && has_room {
                        // Its queue stood still for the output's sake.
                        match owner {
                            Owner::Stranger => {}
                            Owner::Account(account) => self.mark_account(account),
                            Owner::Carrier(carrier, bind) => self.mark_bind(carrier, bind),
                        }
                    }
                }
            }
        }
        if self.dirty.is_empty() {
            self.dirty = dirty;
        }
    }

    pub(super) fn mark_dirty(&mut self, name: ConnectionRef) {
        if let Some(connection) = self.connections.get_mut(name)
            && !connection.is_dirty
        {
            connection.is_dirty = true;
            self.dirty.push(name);
        }
    }

    /// Ends a connection and gives what was under way on it back to its queues.
    pub(super) fn close(&mut self, name: ConnectionRef, why: &str) {
        let Some(mut connection) = self.connections.remove(name) else { return };
        if let Some(tap) = connection.tap.take() {
            tap.end();
        }
        connection.stream.say_goodbye();
        let _ = self.poll.registry().deregister(connection.stream.socket_mut());
        self.counters.protocol_errors += connection.session.counters().protocol_errors;
        let timed_out = connection.session.close_reason() == Some(CloseReason::BindTimeout);
        let why = connection.unfinished().filter(|_| timed_out).unwrap_or(why);
        // Why it was refused tells more than how its connection ended then.
        let refusal =
            connection.session.close_reason().filter(|reason| matches!(reason, CloseReason::BindRefused(_)));
        let refusal = refusal.map(|reason| reason.to_string());
        let why = refusal.as_deref().unwrap_or(why);
        match connection.owner {
            Owner::Stranger => self.tell_of_stranger(&connection, why),
            Owner::Account(account) => self.customer_left(account, name, &mut connection, why),
            Owner::Carrier(carrier, bind) => {
                self.counters.tls_handshakes_failed += u64::from(connection.stream.is_handshaking());
                self.carrier_left(carrier, bind, name, &mut connection, why);
            }
        }
    }
}
