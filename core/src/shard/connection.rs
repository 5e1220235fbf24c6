//! Connections: sockets with their sessions, read and written in batches.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;

use brivas_smpp::pdu::MessageResponse;
use brivas_smpp::session::CloseReason;
use brivas_smpp::{CommandId, CommandStatus, Pdu, Role, Session};

use crate::transport::{Prologue, Step, Stream, Taken};

use crate::trace::Tap;

/// Names one connection; stale after it closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ConnectionRef {
    pub(crate) index: u32,
    generation: u32,
}

impl ConnectionRef {
    /// No connection at all.
    pub(crate) const NONE: Self = Self { index: u32::MAX, generation: 0 };

    /// As the poll's token.
    pub(crate) const fn token(self) -> mio::Token {
        mio::Token((self.generation as usize) << 32 | self.index as usize)
    }

    pub(crate) const fn from_token(token: mio::Token) -> Self {
        Self { index: token.0 as u32, generation: (token.0 >> 32) as u32 }
    }
}

/// Whose connection it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// A customer's before its bind.
    Stranger,
    /// An account's.
    Account(u32),
    /// A carrier's, with the number of the bind.
    Carrier(u32, u32),
}

/// A socket and its session.
#[derive(Debug)]
pub(crate) struct Connection {
    /// Names it for people, until it ends; none has it again.
    pub(crate) number: u64,
    pub(crate) stream: Stream,
    /// A PROXY header that is to come before anything else.
    pub(crate) prologue: Option<Box<Prologue>>,
    pub(crate) session: Session,
    pub(crate) owner: Owner,
    /// Who is there: behind a trusted proxy, whom that speaks for.
    pub(crate) peer: SocketAddr,
    pub(crate) system_id: String,
    pub(crate) since_ms: i64,
    /// Octets that were read and not taken yet: part of a PDU, or what a blocked session left.
    pub(crate) leftover: Vec<u8>,
    /// There may be more to read.
    pub(crate) readable: bool,
    /// What is left over waits for us, not for the peer: the session was blocked.
    pub(crate) was_blocked: bool,
    /// Is in the shard's list of those to read.
    pub(crate) is_listed: bool,
    /// The peer sends no more: behind what is left to read stands the end, of which epoll does not tell again.
    pub(crate) is_ending: bool,
    pub(crate) writable: bool,
    /// Is in the shard's list of those to write.
    pub(crate) is_dirty: bool,
    /// Sequence numbers of a carrier's data_sm that are not answered: theirs is another response than deliver_sm's.
    pub(crate) data_messages: Vec<u32>,
    /// Its bind was refused: until then the peer has time to read that and to close.
    pub(crate) lingers_until_ms: Option<u64>,
    /// Since when the peer takes nothing although there is something to take.
    pub(crate) stalled_since_ms: Option<u64>,
    /// Copies what is read and written to the traces that asked for it.
    pub(crate) tap: Option<Box<Tap>>,
}

/// Octets of output at which a peer is not read further: it takes too little of what it asked for.
pub(crate) const OUTPUT_OCTETS_MAX: usize = 1 << 20;

/// How long the connection of a refused bind is kept.
const LINGER_MS: u64 = 1_000;

impl Connection {
    pub(crate) fn new(
        stream: Stream,
        session: Session,
        owner: Owner,
        peer: SocketAddr,
        system_id: String,
        since_ms: i64,
    ) -> Self {
        Self {
            // Given by the connections.
            number: 0,
            stream,
            prologue: None,
            session,
            owner,
            peer,
            system_id,
            since_ms,
            leftover: Vec::new(),
            readable: false,
            was_blocked: false,
            is_listed: false,
            is_ending: false,
            writable: false,
            is_dirty: false,
            data_messages: Vec::new(),
            lingers_until_ms: None,
            stalled_since_ms: None,
            tap: None,
        }
    }

    /// Whether reading now would only pile up.
    pub(crate) fn is_held(&self) -> bool {
        self.session.is_blocked() || self.session.output().len() >= OUTPUT_OCTETS_MAX
    }

    /// Reads once into `buffer`, behind `start`. `Ok(0)`: nothing now. The flag `readable` is kept up:
    /// a read that does not fill the buffer has emptied the socket (epoll(7), edge-triggered), unless the end stands there.
    ///
    /// # Errors
    /// The peer has closed (`UnexpectedEof`), or the socket failed.
    pub(crate) fn read(&mut self, buffer: &mut [u8], start: usize) -> std::io::Result<usize> {
        if self.prologue.is_some() {
            return self.read_prologue();
        }
        let socket = match &mut self.stream {
            Stream::Plain(socket) => socket,
            Stream::Tls(tls) => {
                let Taken { octets, more } = tls.read(&mut buffer[start..])?;
                if octets > 0
                    && let Some(tap) = &mut self.tap
                {
                    tap.saw(false, &buffer[start..start + octets]);
                }
                self.readable = self.is_ending || more;
                return Ok(octets);
            }
        };
        match socket.read(&mut buffer[start..]) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                if let Some(tap) = &mut self.tap {
                    tap.saw(false, &buffer[start..start + count]);
                }
                self.readable = self.is_ending || start + count == buffer.len();
                Ok(count)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.readable = false;
                Ok(0)
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Answers a data_sm. False: this was none.
    pub(crate) fn answer_data(&mut self, sequence_number: u32, status: CommandStatus) -> bool {
        let Some(at) = self.data_messages.iter().position(|&number| number == sequence_number) else {
            return false;
        };
        self.data_messages.swap_remove(at);
        if status.is_ok() {
            let response = Pdu::DataSmResp(MessageResponse::default());
            self.session.answer(sequence_number, response, status);
        } else {
            self.session.refuse(sequence_number, CommandId::DATA_SM, status);
        }
        true
    }

    fn read_prologue(&mut self) -> std::io::Result<usize> {
        let Some(prologue) = &mut self.prologue else { return Ok(0) };
        match prologue.read(self.stream.socket_mut())? {
            Step::Waits => self.readable = self.is_ending,
            Step::Done(client) => {
                self.peer = client.unwrap_or(self.peer);
                self.prologue = None;
            }
        }
        Ok(0)
    }

    /// What of its beginning has not ended, if something has not.
    pub(crate) fn unfinished(&self) -> Option<&'static str> {
        if self.prologue.is_some() {
            Some("PROXY header: it did not end in time")
        } else {
            self.stream.is_handshaking().then_some("the TLS handshake did not end in time")
        }
    }

    /// Whether the connection of a bind that we have refused is kept, until the peer closes it. Clients are seen that never tell their
    /// users of a refused bind where the connection ends with it; and what such a peer has sent behind its bind, if nobody
    /// reads it, makes the system reset the connection, and the answer is lost on its way (RFC 9293 §3.10.7).
    pub(crate) fn lingers(&mut self, now_ms: u64) -> bool {
        let is_refused = matches!(self.session.close_reason(), Some(CloseReason::BindRefused(_)));
        if !is_refused || self.session.config().role == Role::Esme {
            return false;
        }
        now_ms < *self.lingers_until_ms.get_or_insert(now_ms + LINGER_MS)
    }

    /// Whether all that the session had is with the system.
    pub(crate) fn is_written(&self) -> bool {
        self.session.output().is_empty() && !self.stream.has_output()
    }

    /// Writes what the session has, as far as the socket takes it.
    ///
    /// # Errors
    /// The socket failed.
    pub(crate) fn write(&mut self, now_ms: u64) -> std::io::Result<()> {
        match self.stream {
            Stream::Plain(_) => self.write_plain()?,
            Stream::Tls(_) => self.write_tls()?,
        }
        if self.is_written() {
            self.stalled_since_ms = None;
        } else if self.stalled_since_ms.is_none() {
            self.stalled_since_ms = Some(now_ms);
        }
        Ok(())
    }

    fn write_plain(&mut self) -> std::io::Result<()> {
        let Stream::Plain(socket) = &mut self.stream else { return Ok(()) };
        while self.writable && !self.session.output().is_empty() {
            match socket.write(self.session.output()) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => {
                    if let Some(tap) = &mut self.tap {
                        tap.saw(true, &self.session.output()[..count]);
                    }
                    self.session.written(count);
                    self.stalled_since_ms = None;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.writable = false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn write_tls(&mut self) -> std::io::Result<()> {
        let Stream::Tls(tls) = &mut self.stream else { return Ok(()) };
        if !self.writable || self.prologue.is_some() {
            return Ok(());
        }
        let pending = self.session.output().len();
        let Taken { octets, more } = tls.write(self.session.output())?;
        if octets > 0
            && let Some(tap) = &mut self.tap
        {
            tap.saw(true, &self.session.output()[..octets]);
        }
        self.session.written(octets);
        self.writable = more;
        if octets > 0 || (pending == 0 && !tls.has_output()) {
            self.stalled_since_ms = None;
        }
        Ok(())
    }
}

/// The connections of a shard.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    slots: Vec<(u32, Option<Connection>)>,
    free: Vec<u32>,
    /// Connections that there ever were.
    opened: u64,
}

impl Connections {
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// How many slots there are, in use or not: the bound of [`Self::at_slot`].
    pub(crate) fn slots(&self) -> usize {
        self.slots.len()
    }

    /// The connection in a slot.
    pub(crate) fn at_slot(&self, index: usize) -> Option<ConnectionRef> {
        let (generation, connection) = self.slots.get(index)?;
        connection.as_ref().map(|_| ConnectionRef { index: index as u32, generation: *generation })
    }

    /// The name that the next connection will have.
    pub(crate) fn next_name(&self) -> ConnectionRef {
        let index = self.free.last().copied().unwrap_or(self.slots.len() as u32);
        let generation = self.slots.get(index as usize).map_or(0, |slot| slot.0);
        ConnectionRef { index, generation }
    }

    pub(crate) fn insert(&mut self, mut connection: Connection) -> ConnectionRef {
        self.opened += 1;
        connection.number = self.opened;
        let name = self.next_name();
        match self.free.pop() {
            Some(index) => self.slots[index as usize].1 = Some(connection),
            None => self.slots.push((0, Some(connection))),
        }
        name
    }

    pub(crate) fn get(&self, name: ConnectionRef) -> Option<&Connection> {
        let (generation, connection) = self.slots.get(name.index as usize)?;
        connection.as_ref().filter(|_| *generation == name.generation)
    }

    pub(crate) fn get_mut(&mut self, name: ConnectionRef) -> Option<&mut Connection> {
        let (generation, connection) = self.slots.get_mut(name.index as usize)?;
        connection.as_mut().filter(|_| *generation == name.generation)
    }

    pub(crate) fn remove(&mut self, name: ConnectionRef) -> Option<Connection> {
        let (generation, slot) = self.slots.get_mut(name.index as usize)?;
        if *generation != name.generation {
            return None;
        }
        let connection = slot.take()?;
        *generation = generation.wrapping_add(1);
        self.free.push(name.index);
        Some(connection)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = ConnectionRef> {
        let open = self.slots.iter().enumerate().filter(|(_, slot)| slot.1.is_some());
        open.map(|(index, slot)| ConnectionRef { index: index as u32, generation: slot.0 })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (ConnectionRef, &Connection)> {
        self.names().filter_map(|name| Some((name, self.get(name)?)))
    }
}
