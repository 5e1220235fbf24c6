//! Binds to carriers: connect, bind, and come back with patience.

use std::net::SocketAddr;

use brivas_proto::v1;
use brivas_smpp::pdu::BindRequest;
use brivas_smpp::session::{SessionConfig, State};
use brivas_smpp::{CommandStatus, Role, Session};
use mio::net::TcpStream;

use super::alerts::CARRIER_OPERATIONS;
use super::connection::{Connection, ConnectionRef, Owner};
use super::messages::MessageRef;
use super::parties::{BindState, CarrierBind};
use super::reconnect::{self, Lost};
use super::succession::AFTER_PARTING_MS;
use super::unanswered::Missing;
use super::{CARRIER_ROLE, Shard};
use crate::notice::Level;
use crate::offload::Resolve;
use crate::transport::{Stream, TlsStream};

/// Messages of a bind that are remembered after their time, where they are held.
const LATE_MAX: usize = 10_000;

impl Shard {
    /// Opens what is due.
    pub(super) fn open_due_binds(&mut self) {
        if self.draining.is_on() {
            return;
        }
        let now_ms = self.clock.now_ms();
        for carrier_number in 0..self.carriers.len() as u32 {
            let carrier = &mut self.carriers[carrier_number as usize];
            // Who connects to us is waited for.
            let Some(config) = carrier.config.as_ref().filter(|config| !config.is_inbound()) else {
                continue;
            };
            let is_due = |bind: &CarrierBind| bind.state == BindState::Waiting && bind.retry_at_ms <= now_ms;
            if !carrier.binds.iter().any(is_due) {
                continue;
            }
            // One question for all binds: a name server that is slow for this carrier holds up others as little as can be.
            let is_asked = carrier.binds.iter().any(|bind| bind.state == BindState::Resolving);
            let (host, port) = (config.spec.host.clone(), config.spec.port as u16);
            let asked = Resolve { carrier: carrier_number, host, port };
            let address = asked.host.parse().map(|address| SocketAddr::new(address, port));
            if address.is_err() && !is_asked && !self.offload.resolve(asked.clone()) {
                continue;
            }
            for bind in carrier.binds.iter_mut().filter(|bind| is_due(bind)) {
                bind.state = BindState::Resolving;
            }
            if let Ok(address) = address {
                self.handle_resolved(&asked, &Ok(vec![address]));
            }
        }
    }

    /// The host's address is known, or not.
    pub(super) fn handle_resolved(&mut self, asked: &Resolve, result: &Result<Vec<SocketAddr>, String>) {
        let number = asked.carrier;
        let Some(carrier) = self.carriers.get(number as usize) else { return };
        // A reload may have moved the carrier since: then the answer to the newer question is to come.
        let still_asked = carrier.config.as_ref().is_some_and(|config| {
            config.spec.host == asked.host && config.spec.port == u32::from(asked.port)
        });
        for bind in (0..carrier.binds.len()).filter(|_| still_asked) {
            if self.carriers[number as usize].binds[bind].state != BindState::Resolving {
                continue;
            }
            if self.draining.is_on() {
                self.carriers[number as usize].binds[bind].state = BindState::Waiting;
                continue;
            }
            let address = result.as_ref().map_err(Clone::clone).and_then(|addresses| {
                let address = self.carriers[number as usize].binds[bind].turn.address(bind, addresses);
                address.ok_or_else(|| format!("{} has no address", asked.host))
            });
            match address.and_then(|address| self.connect(number, bind as u32, address)) {
                Ok(name) => self.carriers[number as usize].binds[bind].state = BindState::Opening(name),
                Err(why) => self.bind_failed(number, bind as u32, &why, Lost::Network),
            }
        }
    }

    fn connect(&mut self, carrier: u32, bind: u32, address: SocketAddr) -> Result<ConnectionRef, String> {
        let config = self.carriers[carrier as usize].config.clone().ok_or("the carrier was removed")?;
        let socket = TcpStream::connect(address).map_err(|error| format!("{address}: {error}"))?;
        let window = self.fresh_window(carrier, bind);
        let session_config = SessionConfig {
            window_max: window as usize,
            enquire_link_ms: u64::from(config.spec.enquire_link_ms),
            response_timeout_ms: u64::from(config.spec.response_timeout_ms),
            operations: CARRIER_OPERATIONS,
            late_max: if config.spec.on_timeout() == v1::Unanswered::Hold { LATE_MAX } else { 0 },
            ..SessionConfig::new(CARRIER_ROLE)
        };
        let session = Session::new(session_config, self.clock.now_ms());
        let system_id = config.spec.system_id.clone();
        let stream = match &config.tls {
            None => Stream::Plain(socket),
            Some(tls) => {
                let stream = TlsStream::client(socket, &tls.config, tls.server_name.clone());
                Stream::Tls(Box::new(stream?))
            }
        };
        self.open(stream, session, Owner::Carrier(carrier, bind), address, system_id)
            .ok_or_else(|| "cannot watch the socket".to_owned())
    }

    /// The socket is writable for the first time: it is connected, so bind.
    pub(super) fn note_connected(&mut self, name: ConnectionRef) {
        let Some(connection) = self.connections.get_mut(name) else { return };
        let Owner::Carrier(carrier, _) = connection.owner else { return };
        if connection.session.state() != State::Open {
            return;
        }
        if let Ok(Some(error)) = connection.stream.socket().take_error() {
            let why = format!("{}: {error}", connection.peer);
            self.close(name, &why);
            return;
        }
        if connection.stream.socket().peer_addr().is_err() {
            return;
        }
        let _ = connection.stream.socket().set_nodelay(true);
        self.send_bind(name, carrier);
    }

    /// Asks a carrier to let us in.
    pub(super) fn send_bind(&mut self, name: ConnectionRef, carrier: u32) {
        let Some(config) = self.carriers[carrier as usize].config.clone() else { return };
        let Some(connection) = self.connections.get_mut(name) else { return };
        let request = BindRequest {
            system_id: config.spec.system_id.as_bytes(),
            password: config.spec.password.as_bytes(),
            system_type: config.spec.system_type.as_bytes(),
            interface_version: config.interface_version(),
            ton: config.spec.addr_ton as u8,
            npi: config.spec.addr_npi as u8,
            address_range: config.spec.address_range.as_bytes(),
            trailing: b"",
        };
        connection.session.bind(self.clock.now_ms(), config.bind_mode(), request);
    }

    /// The carrier has decided about our bind.
    pub(super) fn handle_bind_answer(
        &mut self,
        name: ConnectionRef,
        carrier_number: u32,
        bind_number: u32,
        status: CommandStatus,
    ) {
        if !status.is_ok() {
            // The session has ended itself; `carrier_left` tells why.
            self.mark_dirty(name);
            return;
        }
        let transmits = self.connections.get(name).is_some_and(|connection| {
            match (connection.session.state(), connection.session.config().role) {
                (State::Bound(mode), Role::Esme) => mode.transmits(),
                // The carrier has bound to us: it is sent deliver_sm.
                (State::Bound(mode), Role::Smsc) => mode.receives(),
                _ => false,
            }
        });
        let carrier = &mut self.carriers[carrier_number as usize];
        let Some(bind) = carrier.binds.get_mut(bind_number as usize) else { return };
        bind.state = BindState::Bound(name);
        bind.bound_at_ms = self.clock.now_ms();
        bind.failures = 0;
        bind.turn.answered();
        bind.last_error.clear();
        if transmits && !carrier.up.contains(&bind_number) {
            carrier.up.push(bind_number);
            carrier.up.sort_unstable();
        } else if !transmits {
            carrier.up.retain(|&number| number != bind_number);
        }
        let fields = vec![("carrier", carrier.name.to_string()), ("bind", bind_number.to_string())];
        self.notices.tell(Level::Info, "carrier_bound", fields);
        self.note_succeeded(carrier_number, bind_number);
        self.mark_bind(carrier_number, bind_number);
        // What waits for this carrier goes out now, and what waits for others that are down may go here.
        for number in 0..self.carriers.len() as u32 {
            if !self.carriers[number as usize].waiting.is_empty() {
                self.redistribute(number);
            }
        }
    }

    /// A carrier's connection is gone: what it had goes back to the queues, and the bind comes back later.
    pub(super) fn carrier_left(
        &mut self,
        carrier_number: u32,
        bind_number: u32,
        name: ConnectionRef,
        connection: &mut Connection,
        why: &str,
    ) {
        let session = &mut connection.session;
        let reason = session.close_reason();
        let unanswered: Vec<u64> = std::iter::from_fn(|| session.take_unanswered()).collect();
        let bind = self.carriers[carrier_number as usize].binds.get_mut(bind_number as usize);
        if let Some(bind) = bind
            && bind.previous.is_some_and(|previous| previous.connection == name)
        {
            // Its successor comes anyway.
            if matches!(bind.state, BindState::Bound(_)) {
                bind.previous = None;
            } else {
                self.break_first(carrier_number, bind_number);
            }
        } else {
            self.bind_failed(carrier_number, bind_number, why, Lost::of(reason));
        }
        for token in unanswered {
            let carrier = &mut self.carriers[carrier_number as usize];
            carrier.in_flight = carrier.in_flight.saturating_sub(1);
            self.handle_unanswered(MessageRef::from_token(token), Missing::Connection);
        }
        self.redistribute(carrier_number);
    }

    /// A bind is down: its queue goes to the others, and it is tried again by the class of its error.
    pub(super) fn bind_failed(&mut self, carrier_number: u32, bind_number: u32, why: &str, lost: Lost) {
        let random = self.random();
        let now_ms = self.clock.now_ms();
        let carrier = &mut self.carriers[carrier_number as usize];
        let config = carrier.config.clone();
        let Some(bind) = carrier.binds.get_mut(bind_number as usize) else { return };
        let was_bound = matches!(bind.state, BindState::Bound(_));
        let was_opening = matches!(bind.state, BindState::Opening(_) | BindState::Resolving);
        bind.state = BindState::Waiting;
        why.clone_into(&mut bind.last_error);
        // At an address that does not answer the next one may.
        let is_of_address = was_opening && matches!(lost, Lost::Network | Lost::Silent);
        let tries_next = is_of_address && bind.turn.failed();
        if !is_of_address {
            bind.turn.answered();
        }
        bind.failures = bind.failures.saturating_add(u32::from(!tries_next));
        let (initial_ms, max_ms) = config.as_ref().map_or((1_000, 60_000), |config| {
            (u64::from(config.spec.reconnect_initial_ms), u64::from(config.spec.reconnect_max_ms))
        });
        let lived_ms = if was_bound { now_ms.saturating_sub(bind.bound_at_ms) } else { 0 };
        let has_previous = bind.previous.is_some();
        let patience_ms = match lost {
            Lost::Refused(CommandStatus::RALYBND) if has_previous => AFTER_PARTING_MS,
            _ if tries_next => 0,
            _ => reconnect::patience_ms(lost, bind.failures, lived_ms, initial_ms, max_ms, random),
        };
        bind.retry_at_ms = now_ms + patience_ms;
        let mut fields = vec![
            ("carrier", carrier.name.to_string()),
            ("bind", bind_number.to_string()),
            ("why", why.to_owned()),
        ];
        if self.draining.is_on() {
            self.notices.tell(Level::Info, "carrier_parted", fields);
        } else if config.as_ref().is_some_and(|config| config.is_inbound()) {
            // It comes back when it likes.
            self.notices.tell(Level::Warning, "carrier_bind_lost", fields);
        } else {
            fields.push(("retry_in_ms", patience_ms.to_string()));
            fields.push(("hint", lost.hint().to_owned()));
            let level = if lost.needs_somebody() { Level::Error } else { Level::Warning };
            self.notices.tell(level, "carrier_bind_lost", fields);
        }
        if has_previous {
            if lost == Lost::Refused(CommandStatus::RALYBND) {
                self.break_first(carrier_number, bind_number);
            }
            return;
        }
        let carrier = &mut self.carriers[carrier_number as usize];
        carrier.up.retain(|&number| number != bind_number);
        if let Some(bind) = carrier.binds.get_mut(bind_number as usize) {
            carrier.waiting.extend(bind.queue.take_all());
        }
        if !carrier.up.is_empty() {
            self.redistribute(carrier_number);
        }
    }
}
