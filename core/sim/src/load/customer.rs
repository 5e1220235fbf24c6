//! One bind of the simulated customers.

use std::io;
use std::net::SocketAddr;

use brivas_smpp::pdu::BindRequest;
use brivas_smpp::{
    BindMode, CommandId, CommandStatus, Frame, InterfaceVersion, Pdu, ShortMessage, receipt, status,
};
use mio::net::TcpStream;

use super::work::{Retry, Work};
use crate::link::{self, Link};
use crate::outstanding::Outstanding;
use crate::reactor::Reactor;
use crate::wire;

/// A bind, over all its connections.
pub(super) struct Customer {
    pub(super) link: Option<Link>,
    pub(super) state: State,
    pub(super) flights: Outstanding<Flight>,
    /// The peer is busy: nothing is sent before.
    pub(super) paused: bool,
    /// When to connect again.
    pub(super) connect_at_ns: Option<u64>,
    backoff_ns: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Connecting,
    Binding,
    Bound,
    Unbinding,
    Closed,
}

/// A message that was sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flight {
    pub(super) number: u64,
    pub(super) at_ns: u64,
    pub(super) attempts: u8,
}

/// Why a connection ended.
#[derive(Debug)]
pub(super) enum End {
    Io(io::Error),
    BindRefused(CommandStatus),
    BadLength(u32),
    Unbound,
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl std::fmt::Display for End {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                formatter.write_str("the peer closed the connection")
            }
            Self::Io(error) => write!(formatter, "{error}"),
            Self::BindRefused(status) => write!(formatter, "bind refused: {status} ({})", status.text()),
            Self::BadLength(length) => write!(formatter, "command_length {length} is impossible"),
            Self::Unbound => formatter.write_str("unbound by the peer"),
        }
    }
}

impl End {
    /// Whether another attempt may do better.
    pub(super) fn may_pass_later(&self) -> bool {
        match self {
            Self::BindRefused(status) => status.retry() != status::Retry::Never,
            _ => true,
        }
    }
}

impl Customer {
    pub(super) fn new() -> Self {
        Self {
            link: None,
            state: State::Closed,
            flights: Outstanding::new(),
            paused: false,
            connect_at_ns: Some(0),
            backoff_ns: BACKOFF_MIN_NS,
        }
    }

    pub(super) fn connect(&mut self, reactor: &Reactor, target: SocketAddr, token: usize) -> Result<(), End> {
        self.connect_at_ns = None;
        let mut link = Link::new(TcpStream::connect(target)?);
        reactor.register(&mut link.stream, token)?;
        self.link = Some(link);
        self.state = State::Connecting;
        Ok(())
    }

    /// Takes note of the connection's end.
    pub(super) fn closed(&mut self, work: &mut Work) {
        self.link = None;
        if matches!(self.state, State::Bound | State::Unbinding) {
            work.ledger.stats.binds -= 1;
        }
        self.state = State::Closed;
        for flight in self.flights.take_where(|_| true) {
            work.ledger.unknown(flight.number);
            work.ledger.stats.in_flight -= 1;
        }
    }

    /// Plans another connection.
    pub(super) fn come_back(&mut self, now_ns: u64) {
        self.connect_at_ns = Some(now_ns + self.backoff_ns);
        self.backoff_ns = (self.backoff_ns * 2).min(BACKOFF_MAX_NS);
    }

    /// Does what the connection is ready for.
    pub(super) fn serve(&mut self, work: &mut Work, buffer: &mut [u8]) -> Result<(), End> {
        if self.state == State::Connecting && !self.connected(work)? {
            return Ok(());
        }
        while self.link.as_ref().is_some_and(|link| link.readable) {
            self.read(work, buffer)?;
            self.refill(work);
            self.flush()?;
        }
        self.flush()
    }

    pub(super) fn flush(&mut self) -> Result<(), End> {
        self.link.as_mut().map_or(Ok(()), |link| Ok(link.flush()?))
    }

    /// Sends the bind once the connection stands.
    fn connected(&mut self, work: &mut Work) -> Result<bool, End> {
        let Some(link) = &mut self.link else { return Ok(false) };
        if let Some(error) = link.stream.take_error()? {
            return Err(error.into());
        }
        match link.stream.peer_addr() {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotConnected => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        work.ledger.stats.connects += 1;
        self.flights = Outstanding::new();
        let request = BindRequest {
            system_id: work.options.system_id.as_bytes(),
            password: work.options.password.as_bytes(),
            system_type: b"",
            interface_version: InterfaceVersion::V3_4,
            ton: 0,
            npi: 0,
            address_range: b"",
            trailing: b"",
        };
        Pdu::Bind(BindMode::Transceiver, request).encode(
            &mut link.out,
            CommandStatus::ROK,
            self.flights.skip(),
        );
        self.state = State::Binding;
        Ok(true)
    }

    fn read(&mut self, work: &mut Work, buffer: &mut [u8]) -> Result<(), End> {
        let Some(link) = &mut self.link else { return Ok(()) };
        let filled = link.fill(buffer)?;
        let (input, mut at) = (&buffer[..filled], 0);
        while let Some(frame) = link::next(input, &mut at).map_err(End::BadLength)? {
            self.handle(work, frame)?;
        }
        if let Some(link) = &mut self.link {
            link.keep(&input[at..]);
        }
        Ok(())
    }

    #[inline]
    fn handle(&mut self, work: &mut Work, frame: Frame<'_>) -> Result<(), End> {
        match frame.header.command_id {
            CommandId::SUBMIT_SM_RESP | CommandId::GENERIC_NACK => {
                self.answered(work, frame);
                Ok(())
            }
            CommandId::DELIVER_SM => {
                self.deliver(work, frame);
                Ok(())
            }
            _ => self.handle_rare(work, frame),
        }
    }

    #[inline]
    fn answered(&mut self, work: &mut Work, frame: Frame<'_>) {
        let Some(flight) = self.flights.take(frame.header.sequence_number) else {
            work.ledger.stats.protocol_errors += 1;
            return;
        };
        work.ledger.stats.in_flight -= 1;
        if frame.header.command_status == 0 && frame.header.command_id == CommandId::SUBMIT_SM_RESP {
            let id = frame.body.strip_suffix(b"\0").unwrap_or(frame.body);
            work.ledger.accepted(flight.number, flight.at_ns, id, work.now_ns);
        } else {
            self.refused(work, flight, CommandStatus(frame.header.command_status));
        }
    }

    fn refused(&mut self, work: &mut Work, flight: Flight, status: CommandStatus) {
        if status.retry() == status::Retry::Slower && flight.attempts < work.options.retries {
            work.ledger.stats.retried += 1;
            work.retries.push_back(Retry { flight, status });
            self.paused = true;
            work.something_paused = true;
        } else {
            work.ledger.refused(status, work.now_ns);
        }
    }

    #[inline]
    fn deliver(&mut self, work: &mut Work, frame: Frame<'_>) {
        let Some(link) = &mut self.link else { return };
        let Some(message) = wire::scan(frame.body, true) else {
            work.ledger.stats.protocol_errors += 1;
            let status =
                ShortMessage::decode(frame.body).err().map_or(CommandStatus::RSYSERR, |error| error.status);
            wire::bare(&mut link.out, CommandId::DELIVER_SM_RESP, status, frame.header.sequence_number);
            return;
        };
        wire::deliver_response(&mut link.out, frame.header.sequence_number);
        if message.esm_class & RECEIPT_MASK == 0 {
            work.ledger.stats.mobile_originated += 1;
            return;
        }
        match work.template.number(message.source.digits) {
            Some(number) if work.schedule.was_given(number) => {
                if work.ledger.receipt(number, work.now_ns) {
                    let message = ShortMessage::decode(frame.body).ok();
                    let receipt = message.as_ref().and_then(receipt::Receipt::read);
                    work.ledger.compare_id(number, receipt.map(|receipt| receipt.message_id));
                }
            }
            _ => work.ledger.stats.receipts_unnumbered += 1,
        }
    }

    fn handle_rare(&mut self, work: &mut Work, frame: Frame<'_>) -> Result<(), End> {
        let Some(link) = &mut self.link else { return Ok(()) };
        let (id, sequence_number) = (frame.header.command_id, frame.header.sequence_number);
        match id {
            CommandId::BIND_TRANSCEIVER_RESP => {
                let status = CommandStatus(frame.header.command_status);
                if !status.is_ok() {
                    return Err(End::BindRefused(status));
                }
                self.state = State::Bound;
                self.backoff_ns = BACKOFF_MIN_NS;
                work.ledger.stats.binds += 1;
            }
            CommandId::ENQUIRE_LINK => {
                wire::bare(&mut link.out, CommandId::ENQUIRE_LINK_RESP, CommandStatus::ROK, sequence_number);
            }
            CommandId::UNBIND => {
                wire::bare(&mut link.out, CommandId::UNBIND_RESP, CommandStatus::ROK, sequence_number);
                // What the socket does not take now is lost with it.
                link.flush()?;
                return Err(End::Unbound);
            }
            CommandId::UNBIND_RESP => return Err(End::Unbound),
            _ => {
                work.ledger.stats.protocol_errors += 1;
                if !id.is_response() {
                    wire::bare(&mut link.out, id.response(), CommandStatus::RINVCMDID, sequence_number);
                }
            }
        }
        Ok(())
    }

    /// Sends messages that are due, as far as the window goes.
    #[inline]
    pub(super) fn refill(&mut self, work: &mut Work) {
        self.send(work, usize::MAX);
    }

    /// Sends up to `count` messages that are due; tells how many.
    #[inline]
    pub(super) fn send(&mut self, work: &mut Work, count: usize) -> usize {
        let Some(link) = &mut self.link else { return 0 };
        if self.state != State::Bound || self.paused || !work.sending {
            return 0;
        }
        let room = work.options.window.saturating_sub(self.flights.len()).min(count);
        for sent in 0..room {
            let Some(flight) = work.next() else { return sent };
            let sequence_number = self.flights.insert(flight);
            work.template.append(&mut link.out, sequence_number, flight.number);
            work.ledger.stats.in_flight += 1;
        }
        room
    }

    pub(super) fn unbind(&mut self) -> Result<(), End> {
        if let (State::Bound, Some(link)) = (self.state, &mut self.link) {
            wire::bare(&mut link.out, CommandId::UNBIND, CommandStatus::ROK, self.flights.skip());
            self.state = State::Unbinding;
            link.flush()?;
        }
        Ok(())
    }
}

/// esm_class of every kind of receipt, acknowledgement and notification (SMPP 3.4 §5.2.12).
const RECEIPT_MASK: u8 = 0b0011_1100;
const BACKOFF_MIN_NS: u64 = 50_000_000;
const BACKOFF_MAX_NS: u64 = 1_000_000_000;
