//! The floor: a program that only moves the bytes that a gateway moves.
//!
//! The same binds, windows, PDUs and receipts, the same discipline of input and output; of each PDU it reads
//! length, command_id and sequence number, and nothing else: no codec, no routing, no journal. It answers
//! every submit_sm itself, at once. What a gateway costs beyond it is the gateway's own.

mod options;
mod peer;

pub use options::MoverOptions;

use std::io;
use std::net::SocketAddr;

use brivas_smpp::pdu::{BindRequest, BindResponse};
use brivas_smpp::{BindMode, CommandId, CommandStatus, Frame, InterfaceVersion, Pdu};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, event::Event};
use serde_json::{Value, json};

use crate::counters::counters;
use crate::handle::{Handle, Shared};
use crate::link::{self, READ_BYTES};
use crate::numbers::hexadecimal;
use crate::os;
use crate::reactor::{EVENTS_MAX, LISTENER, Reactor, resolve};
use crate::wire;
use peer::Peer;

counters! {
    /// Counters of the mover.
    Stats {
        binds,
        carrier_binds,
        submits,
        submits_answered,
        delivers,
        delivers_answered,
        delivers_dropped,
        disconnects,
        protocol_errors,
    }
}

/// The mover of bytes.
#[derive(Debug)]
pub struct Mover;

impl Mover {
    /// Listens, binds to the carrier, and moves until it is stopped.
    ///
    /// # Errors
    /// Options that are wrong, an address that cannot be listened on, a carrier without address.
    pub fn start(options: MoverOptions) -> io::Result<Handle> {
        options.check()?;
        let carrier = resolve(&options.carrier)?;
        let reactor = Reactor::new()?;
        let (listener, address) = reactor.listen(&options.listen)?;
        let waker = reactor.waker()?;
        Handle::spawn("mover", Some(address), Stats::NAMES, waker, move |shared| {
            let mut between = Between {
                reactor,
                listener,
                carriers: Vec::new(),
                clients: Vec::new(),
                bound: Vec::new(),
                turn: 0,
                dirty: Vec::new(),
                held_back: false,
                last_id: 0,
                stats: Stats::default(),
            };
            let error = between.run(shared, &options, carrier).err();
            between.stats.publish(&shared.live);
            let (user, system) = os::thread_cpu_seconds();
            let mut result = json!(between.stats);
            result["cpu_seconds"] = json!({"user": user, "system": system});
            result["error"] = error.map_or(Value::Null, Into::into);
            result
        })
    }
}

/// Tokens: the carrier's connections first, then the clients'.
struct Between {
    reactor: Reactor,
    listener: TcpListener,
    carriers: Vec<Peer>,
    clients: Vec<Option<Box<Peer>>>,
    /// Clients that take receipts.
    bound: Vec<usize>,
    /// Whose turn it is.
    turn: usize,
    /// Tokens of those that have something to write.
    dirty: Vec<usize>,
    /// Somebody was not read because somebody else had no room.
    held_back: bool,
    last_id: u64,
    stats: Stats,
}

impl Between {
    fn run(&mut self, shared: &Shared, options: &MoverOptions, carrier: SocketAddr) -> Result<(), String> {
        let mut events = Events::with_capacity(EVENTS_MAX);
        let mut buffer = vec![0; READ_BYTES];
        self.connect(options, carrier).map_err(|error| format!("{}: {error}", options.carrier))?;
        shared.enter("running");
        while !shared.stopped() {
            self.reactor.wait(&mut events, None).map_err(|error| format!("epoll: {error}"))?;
            for event in &events {
                match event.token() {
                    LISTENER => self.accept(),
                    token => self.note(token.0, event),
                }
            }
            for event in &events {
                self.serve(event.token().0, &mut buffer)
                    .map_err(|end| format!("{}: {end}", options.carrier))?;
            }
            if std::mem::take(&mut self.held_back) {
                for token in 0..self.carriers.len() + self.clients.len() {
                    self.serve(token, &mut buffer).map_err(|end| format!("{}: {end}", options.carrier))?;
                }
            }
            self.flush().map_err(|error| format!("{}: {error}", options.carrier))?;
            self.stats.publish(&shared.live);
        }
        Ok(())
    }

    fn connect(&mut self, options: &MoverOptions, carrier: SocketAddr) -> io::Result<()> {
        for token in 0..options.carrier_binds {
            let mut peer = Peer::new(TcpStream::connect(carrier)?);
            let request = BindRequest {
                system_id: options.system_id.as_bytes(),
                password: options.password.as_bytes(),
                system_type: b"",
                interface_version: InterfaceVersion::V3_4,
                ton: 0,
                npi: 0,
                address_range: b"",
                trailing: b"",
            };
            let sequence_number = peer.next_sequence_number();
            Pdu::Bind(BindMode::Transceiver, request).encode(
                &mut peer.link.out,
                CommandStatus::ROK,
                sequence_number,
            );
            self.reactor.register(&mut peer.link.stream, token)?;
            self.carriers.push(peer);
        }
        Ok(())
    }

    fn accept(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            let index = self.clients.iter().position(Option::is_none).unwrap_or(self.clients.len());
            let mut peer = Box::new(Peer::new(stream));
            let token = self.carriers.len() + index;
            if index >= CLIENTS_MAX || self.reactor.register(&mut peer.link.stream, token).is_err() {
                continue;
            }
            if index == self.clients.len() {
                self.clients.push(None);
            }
            self.clients[index] = Some(peer);
        }
    }

    fn note(&mut self, token: usize, event: &Event) {
        let peer = match token.checked_sub(self.carriers.len()) {
            None => self.carriers.get_mut(token),
            Some(index) => self.clients.get_mut(index).and_then(Option::as_deref_mut),
        };
        if let Some(peer) = peer {
            peer.link.note(event);
            if peer.link.pending() > 0 {
                mark(peer, token, &mut self.dirty);
            }
        }
    }

    /// # Errors
    /// The carrier's connection ended: there is nothing to measure any more.
    fn serve(&mut self, token: usize, buffer: &mut [u8]) -> Result<(), String> {
        match token.checked_sub(self.carriers.len()) {
            None => self.serve_carrier(token, buffer).map_err(|error| error.to_string()),
            Some(index) => {
                if self.serve_client(index, buffer).is_err() {
                    self.close_client(index);
                }
                Ok(())
            }
        }
    }

    fn serve_client(&mut self, index: usize, buffer: &mut [u8]) -> io::Result<()> {
        let (carrier_token, client_token) = (index % self.carriers.len(), index + self.carriers.len());
        let Some(client) = self.clients.get_mut(index).and_then(Option::as_mut) else { return Ok(()) };
        let carrier = &mut self.carriers[carrier_token];
        while client.link.readable && !client.closing {
            if !carrier.has_room() || !client.has_room() {
                self.held_back = true;
                return Ok(());
            }
            let filled = client.link.fill(buffer)?;
            let (input, mut at, mut start) = (&buffer[..filled], 0, 0);
            while let Some(frame) = link::next(input, &mut at).map_err(bad_length)? {
                match frame.header.command_id {
                    CommandId::SUBMIT_SM => {
                        self.stats.submits += 1;
                        self.last_id += 1;
                        carrier.forward(&input[start..at]);
                        let id = hexadecimal(self.last_id);
                        let sequence_number = frame.header.sequence_number;
                        wire::submit_response(&mut client.link.out, CommandStatus::ROK, sequence_number, &id);
                    }
                    CommandId::DELIVER_SM_RESP => self.stats.delivers_answered += 1,
                    _ if handle_rare(client, frame) => {
                        self.stats.binds += 1;
                        self.bound.push(index);
                    }
                    _ => {}
                }
                start = at;
            }
            client.link.keep(&input[at..]);
            mark(client, client_token, &mut self.dirty);
            mark(carrier, carrier_token, &mut self.dirty);
        }
        Ok(())
    }

    /// # Errors
    /// How the carrier's connection ended.
    fn serve_carrier(&mut self, token: usize, buffer: &mut [u8]) -> io::Result<()> {
        let carriers_count = self.carriers.len();
        let carrier = &mut self.carriers[token];
        while carrier.link.readable {
            let somebody_has_no_room =
                self.clients.iter().flatten().any(|client| client.bound && !client.has_room());
            if somebody_has_no_room || !carrier.has_room() {
                self.held_back = true;
                return Ok(());
            }
            let filled = carrier.link.fill(buffer)?;
            let (input, mut at, mut start) = (&buffer[..filled], 0, 0);
            let mut turn_ends = 0;
            while let Some(frame) = link::next(input, &mut at).map_err(bad_length)? {
                match frame.header.command_id {
                    CommandId::SUBMIT_SM_RESP => self.stats.submits_answered += 1,
                    CommandId::DELIVER_SM => {
                        self.stats.delivers += 1;
                        wire::deliver_response(&mut carrier.link.out, frame.header.sequence_number);
                        if self.stats.delivers >= turn_ends {
                            turn_ends = self.stats.delivers + TURN_MESSAGES;
                            self.turn = (self.turn + 1) % self.bound.len().max(1);
                        }
                        let index = self.bound.get(self.turn).copied();
                        match index.and_then(|index| Some((index, self.clients.get_mut(index)?.as_mut()?))) {
                            Some((index, client)) => {
                                client.forward(&input[start..at]);
                                mark(client, index + carriers_count, &mut self.dirty);
                            }
                            None => self.stats.delivers_dropped += 1,
                        }
                    }
                    CommandId::BIND_TRANSCEIVER_RESP => {
                        let status = CommandStatus(frame.header.command_status);
                        if !status.is_ok() {
                            return Err(io::Error::other(format!(
                                "bind refused: {status} ({})",
                                status.text()
                            )));
                        }
                        self.stats.carrier_binds += 1;
                    }
                    CommandId::ENQUIRE_LINK => {
                        carrier.answer(CommandId::ENQUIRE_LINK_RESP, frame.header.sequence_number);
                    }
                    _ => self.stats.protocol_errors += 1,
                }
                start = at;
            }
            carrier.link.keep(&input[at..]);
            mark(carrier, token, &mut self.dirty);
        }
        Ok(())
    }

    /// Writes once for everybody who has something to write.
    ///
    /// # Errors
    /// How a carrier's connection ended.
    fn flush(&mut self) -> io::Result<()> {
        let mut dirty = std::mem::take(&mut self.dirty);
        for token in dirty.drain(..) {
            match token.checked_sub(self.carriers.len()) {
                None => {
                    self.carriers[token].dirty = false;
                    self.carriers[token].link.flush()?;
                }
                Some(index) => {
                    let Some(client) = self.clients.get_mut(index).and_then(Option::as_mut) else { continue };
                    client.dirty = false;
                    if client.link.flush().is_err() || client.closing && client.link.pending() == 0 {
                        self.close_client(index);
                    }
                }
            }
        }
        self.dirty = dirty;
        Ok(())
    }

    fn close_client(&mut self, index: usize) {
        if let Some(client) = self.clients.get_mut(index).and_then(Option::take) {
            self.stats.disconnects += 1;
            if client.bound {
                self.stats.binds -= 1;
                self.bound.retain(|bound| *bound != index);
            }
        }
    }
}

/// Answers what is no message; true when it was a bind.
fn handle_rare(client: &mut Peer, frame: Frame<'_>) -> bool {
    let (id, sequence_number) = (frame.header.command_id, frame.header.sequence_number);
    match id {
        CommandId::ENQUIRE_LINK => client.answer(CommandId::ENQUIRE_LINK_RESP, sequence_number),
        CommandId::UNBIND => {
            client.answer(CommandId::UNBIND_RESP, sequence_number);
            client.closing = true;
        }
        _ => {
            if let (Some(mode), false) = (BindMode::from_command_id(id), client.bound) {
                let response = BindResponse::new(b"mover", Some(InterfaceVersion::V3_4));
                Pdu::BindResp(mode, response).encode(
                    &mut client.link.out,
                    CommandStatus::ROK,
                    sequence_number,
                );
                client.bound = true;
                return true;
            }
            if !id.is_response() {
                wire::bare(&mut client.link.out, id.response(), CommandStatus::RINVCMDID, sequence_number);
            }
        }
    }
    false
}

/// Remembers, once, that there is something to write.
#[inline]
fn mark(peer: &mut Peer, token: usize, dirty: &mut Vec<usize>) {
    if !peer.dirty {
        peer.dirty = true;
        dirty.push(token);
    }
}

fn bad_length(length: u32) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("command_length {length} is impossible"))
}

const CLIENTS_MAX: usize = 16_384;
/// Receipts that one client gets in its turn.
const TURN_MESSAGES: u64 = 32;
