//! The session machine of both roles: states, windows, timers. No socket, no clock.
//!
//! Call it in this order, as often as it goes:
//! 1. [`Session::receive`] with what was read, until it gives `None`; answer its events with the
//!    commands (`accept_bind`, `respond`, ...), at once or later;
//! 2. the commands that start something (`bind`, `send`, `unbind`);
//! 3. [`Session::handle_timeout`] when [`Session::next_timeout_ms`] has come, until it gives `None`;
//! 4. write [`Session::output`], and say how much with [`Session::written`];
//! 5. when [`Session::state`] is [`State::Closed`] and the output is empty, close the socket.
//!
//! A request is registered before its bytes are in the output: a response can never find it missing.

mod operations;
mod state;
#[cfg(test)]
mod tests;
mod window;

pub use operations::Operations;
pub use state::{Role, State};

use crate::frame::{self, Check, Frame};
use crate::pdu::{BindRequest, BindResponse, DecodeError, Pdu, ShortMessage};
use crate::status::CommandStatus;
use crate::tlv::Tlvs;
use crate::values::{BindMode, CommandId, InterfaceVersion};
use window::{Pending, Window};

/// Bounds and timers of a session. Times are milliseconds.
#[derive(Clone, Debug)]
pub struct SessionConfig {
    /// Which end we are.
    pub role: Role,
    /// Unanswered messages that we send at most.
    pub window_max: usize,
    /// Unanswered messages that the peer may have with us; beyond it we stop reading. As ESME it is far above what a
    /// carrier sends: the responses that we wait for come on the same connection.
    pub peer_window_max: usize,
    /// The version that we speak. As ESME it is the bind's own.
    pub interface_version: InterfaceVersion,
    /// Requests of the peer that the owner takes beyond messages; others are refused as unknown.
    pub operations: Operations,
    /// The largest PDU taken.
    pub pdu_bytes_max: usize,
    /// Silence after which we ask whether the peer is there; 0 never asks.
    pub enquire_link_ms: u64,
    /// How long a response may take.
    pub response_timeout_ms: u64,
    /// How long a connection may stay without a bind.
    pub bind_timeout_ms: u64,
    /// How long a PDU may take from its first octet to its last.
    pub pdu_timeout_ms: u64,
}

impl SessionConfig {
    /// Usual bounds for a role.
    pub const fn new(role: Role) -> Self {
        Self {
            role,
            window_max: 10,
            peer_window_max: match role {
                Role::Smsc => 1_000,
                Role::Esme => CARRIER_DELIVERIES_MAX,
            },
            interface_version: InterfaceVersion::V3_4,
            operations: Operations::NONE,
            pdu_bytes_max: frame::PDU_BYTES_MAX,
            enquire_link_ms: 30_000,
            response_timeout_ms: 30_000,
            bind_timeout_ms: 10_000,
            pdu_timeout_ms: 10_000,
        }
    }
}

/// What arrived, or what did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// SMSC: somebody wants to bind. Nothing more is read until `accept_bind` or `refuse_bind`.
    Bind {
        /// What `accept_bind` and `refuse_bind` want back.
        sequence_number: u32,
        /// Which way messages shall flow.
        mode: BindMode,
        /// Who it is.
        request: BindRequest<'a>,
    },
    /// ESME: the bind was decided.
    BindAnswered(CommandStatus),
    /// SMSC: a submit_sm; ESME: a deliver_sm. To be answered with `respond`.
    Message {
        /// What `respond` wants back.
        sequence_number: u32,
        /// The message.
        message: ShortMessage<'a>,
    },
    /// The peer answered one of our messages.
    Answered {
        /// As it was given to `send`.
        token: u64,
        /// How.
        status: CommandStatus,
        /// Of submit_sm_resp.
        message_id: &'a [u8],
    },
    /// Another request, of those that the configuration lets through. To be answered with `answer` or `refuse`, but for
    /// outbind and alert_notification, which have no response.
    Request {
        /// What `answer` wants back.
        sequence_number: u32,
        /// The request.
        pdu: Pdu<'a>,
    },
    /// The peer answered a request that `send_request` sent.
    Response {
        /// As it was given to `send_request`.
        token: u64,
        /// How.
        status: CommandStatus,
        /// Its response; generic_nack, or one that cannot be read, as [`Pdu::Other`].
        pdu: Pdu<'a>,
    },
    /// One of our messages was not answered in time. What became of it is unknown.
    Unanswered {
        /// As it was given to `send`.
        token: u64,
    },
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// Unbind, by either side.
    Unbound,
    /// A command_length that no PDU has.
    BadLength(u32),
    /// No bind in time.
    BindTimeout,
    /// The peer began a PDU and did not end it.
    PduTimeout,
    /// The peer does not answer.
    Silent,
    /// The bind was refused, by either side.
    BindRefused(CommandStatus),
    /// We have other reasons.
    Local,
}

impl std::fmt::Display for CloseReason {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unbound => formatter.write_str("unbound"),
            Self::BadLength(length) => write!(formatter, "command_length {length} is impossible"),
            Self::BindTimeout => formatter.write_str("no bind in time"),
            Self::PduTimeout => formatter.write_str("a PDU was begun and not ended in time"),
            Self::Silent => formatter.write_str("the peer does not answer"),
            Self::BindRefused(status) => write!(formatter, "bind refused: {status}, {}", status.text()),
            Self::Local => formatter.write_str("closed by us"),
        }
    }
}

/// Why a message was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// Not bound, or not for this direction.
    NotBound,
    /// `window_max` messages are unanswered.
    WindowFull,
}

/// One end of an SMPP session.
#[derive(Debug)]
pub struct Session {
    config: SessionConfig,
    state: State,
    close_reason: Option<CloseReason>,
    peer_version: InterfaceVersion,
    window: Window,
    /// Of the window, the messages: enquire_link and its like do not count (else a full window
    /// would end the session).
    messages_in_flight: usize,
    peer_in_flight: usize,
    output: Vec<u8>,
    output_written: usize,
    last_heard_ms: u64,
    opened_ms: u64,
    partial_since_ms: Option<u64>,
    link_pending: bool,
    /// The peer's unbind, not answered yet.
    unbind_asked: Option<u32>,
    counters: Counters,
}

/// What a session has seen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counters {
    /// PDUs read.
    pub pdus_in: u64,
    /// PDUs written to the output.
    pub pdus_out: u64,
    /// The last request's sequence number from the peer.
    pub last_sequence_in: u32,
    /// PDUs that were refused as such: unknown, broken, not allowed now.
    pub protocol_errors: u64,
    /// Responses to nothing that waits.
    pub stray_responses: u64,
}

/// Tokens of requests that are the session's own.
const LINK_TOKEN: u64 = u64::MAX;

impl Session {
    /// A session on a connection that was just opened.
    pub fn new(config: SessionConfig, now_ms: u64) -> Self {
        Self {
            config,
            state: State::Open,
            close_reason: None,
            peer_version: InterfaceVersion::V3_4,
            window: Window::new(),
            messages_in_flight: 0,
            peer_in_flight: 0,
            output: Vec::new(),
            output_written: 0,
            last_heard_ms: now_ms,
            opened_ms: now_ms,
            partial_since_ms: None,
            link_pending: false,
            unbind_asked: None,
            counters: Counters::default(),
        }
    }

    // Getters.

    /// Where it stands.
    pub const fn state(&self) -> State {
        self.state
    }

    /// Whether messages flow.
    pub const fn is_bound(&self) -> bool {
        matches!(self.state, State::Bound(_))
    }

    /// Why it ended; set with [`State::Closed`].
    pub const fn close_reason(&self) -> Option<CloseReason> {
        self.close_reason
    }

    /// What the peer said it speaks.
    pub const fn peer_version(&self) -> InterfaceVersion {
        self.peer_version
    }

    /// Our unanswered messages.
    pub const fn in_flight(&self) -> usize {
        self.messages_in_flight
    }

    /// How many messages more may be sent now.
    pub const fn room(&self) -> usize {
        match self.state {
            State::Bound(_) => self.config.window_max.saturating_sub(self.messages_in_flight),
            _ => 0,
        }
    }

    /// The peer's messages that wait for our answer.
    pub const fn peer_in_flight(&self) -> usize {
        self.peer_in_flight
    }

    /// What it has seen.
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// The last sequence number that we gave.
    pub const fn last_sequence_out(&self) -> u32 {
        self.window.last_sequence_number()
    }

    /// The bounds it was made with.
    pub const fn config(&self) -> &SessionConfig {
        &self.config
    }

    /// Whether `receive` would wait for us rather than for the peer: a bind is undecided, or the peer's
    /// window is full. There is no use in reading from the socket meanwhile.
    pub const fn is_blocked(&self) -> bool {
        match (self.config.role, self.state) {
            (Role::Smsc, State::Binding(_)) => true,
            _ => self.peer_in_flight >= self.config.peer_window_max,
        }
    }

    // What arrives.

    /// Takes PDUs off the front of `input[*consumed..]`, moving `consumed`, until one concerns the owner.
    /// None: more octets are needed, or [`Self::is_blocked`], or the session has ended.
    pub fn receive<'a>(&mut self, now_ms: u64, input: &'a [u8], consumed: &mut usize) -> Option<Event<'a>> {
        loop {
            if self.state == State::Closed || self.is_blocked() {
                return None;
            }
            let rest = &input[*consumed..];
            match frame::check(rest, self.config.pdu_bytes_max) {
                Check::Incomplete => {
                    if rest.is_empty() {
                        self.partial_since_ms = None;
                    } else if self.partial_since_ms.is_none() {
                        self.partial_since_ms = Some(now_ms);
                    }
                    return None;
                }
                Check::Complete(frame) => {
                    *consumed += frame.header.command_length as usize;
                    self.counters.pdus_in += 1;
                    self.last_heard_ms = now_ms;
                    self.partial_since_ms = None;
                    if let Some(event) = self.handle_frame(now_ms, frame) {
                        return Some(event);
                    }
                }
                Check::BadLength(length, header) => {
                    *consumed = input.len();
                    self.counters.protocol_errors += 1;
                    let sequence_number = header.map_or(0, |header| header.sequence_number);
                    self.write(Pdu::GenericNack(Tlvs::EMPTY), CommandStatus::RINVCMDLEN, sequence_number);
                    self.close(CloseReason::BadLength(length));
                    return None;
                }
            }
        }
    }

    fn handle_frame<'a>(&mut self, now_ms: u64, frame: Frame<'a>) -> Option<Event<'a>> {
        if frame.header.command_id.is_response() {
            self.handle_response(now_ms, frame)
        } else {
            self.handle_request(frame)
        }
    }

    fn handle_request<'a>(&mut self, frame: Frame<'a>) -> Option<Event<'a>> {
        let id = frame.header.command_id;
        let sequence_number = frame.header.sequence_number;
        self.counters.last_sequence_in = sequence_number;
        let version = self.version();
        if !self.takes(id) || !self.state.allows_request(self.config.role, id, version) {
            self.refuse_request(id, sequence_number);
            return None;
        }
        let decoded = if version.has_tlvs() {
            Pdu::decode(frame)
        } else {
            // What stands behind the fields of a 3.3 peer's PDU is no TLV, and has no meaning.
            Pdu::decode_leniently(frame).map(Pdu::without_tlvs)
        };
        let refusal = match &decoded {
            Ok(pdu) if self.config.role == Role::Smsc => pdu.check(version).err(),
            Ok(_) => None,
            Err(error) => Some(*error),
        };
        if let Some(DecodeError { status, .. }) = refusal {
            self.counters.protocol_errors += 1;
            if id.has_response() {
                self.respond_to(id, sequence_number, status, &[]);
            }
            if BindMode::from_command_id(id).is_some() {
                self.close(CloseReason::BindRefused(status));
            }
            return None;
        }
        let Ok(pdu) = decoded else { return None };
        match pdu {
            Pdu::SubmitSm(message) | Pdu::DeliverSm(message) => {
                self.peer_in_flight += 1;
                Some(Event::Message { sequence_number, message })
            }
            Pdu::EnquireLink(_) => {
                self.write(Pdu::EnquireLinkResp(Tlvs::EMPTY), CommandStatus::ROK, sequence_number);
                None
            }
            Pdu::Unbind(_) => {
                self.state = State::Unbinding;
                self.unbind_asked = Some(sequence_number);
                self.answer_unbind_when_done();
                None
            }
            Pdu::Bind(mode, request) => {
                self.state = State::Binding(mode);
                self.peer_version = request.interface_version;
                Some(Event::Bind { sequence_number, mode, request })
            }
            pdu => {
                if id.has_response() {
                    self.peer_in_flight += 1;
                } else if id == CommandId::OUTBIND {
                    self.state = State::Outbound;
                }
                Some(Event::Request { sequence_number, pdu })
            }
        }
    }

    fn handle_response<'a>(&mut self, now_ms: u64, frame: Frame<'a>) -> Option<Event<'a>> {
        let header = frame.header;
        let nack = header.command_id == CommandId::GENERIC_NACK;
        let kind = (!nack).then_some(header.command_id.0);
        let Some(pending) = self.window.resolve(header.sequence_number, kind) else {
            self.counters.stray_responses += 1;
            return None;
        };
        // A generic_nack that says "no error" is an error all the same.
        let status = match (nack, header.command_status) {
            (true, 0) => CommandStatus::RUNKNOWNERR,
            (_, code) => CommandStatus(code),
        };
        match CommandId(pending.response_id) {
            CommandId::SUBMIT_SM_RESP | CommandId::DELIVER_SM_RESP => {
                self.messages_in_flight -= 1;
                let message_id = match Pdu::decode(frame) {
                    Ok(Pdu::SubmitSmResp(response)) => response.message_id.octets,
                    _ => &[],
                };
                Some(Event::Answered { token: pending.token, status, message_id })
            }
            CommandId::ENQUIRE_LINK_RESP => {
                self.link_pending = false;
                None
            }
            CommandId::UNBIND_RESP => {
                self.close(CloseReason::Unbound);
                None
            }
            id if BindMode::from_command_id(id.request()).is_none() => {
                self.messages_in_flight -= 1;
                let pdu = Pdu::decode(frame).unwrap_or(Pdu::Other(header.command_id, frame.body));
                Some(Event::Response { token: pending.token, status, pdu })
            }
            _ => {
                if let Ok(Pdu::BindResp(_, response)) = Pdu::decode(frame)
                    && let Some(version) = response.interface_version()
                {
                    self.peer_version = version;
                }
                match self.state {
                    State::Binding(mode) if status.is_ok() => {
                        self.state = State::Bound(mode);
                        self.opened_ms = now_ms;
                    }
                    _ => self.close(CloseReason::BindRefused(status)),
                }
                Some(Event::BindAnswered(status))
            }
        }
    }

    // Timers.

    /// When [`Self::handle_timeout`] has something to do; a little early does no harm.
    pub fn next_timeout_ms(&mut self) -> Option<u64> {
        if self.state == State::Closed {
            return None;
        }
        let response = self.window.oldest_sent_ms().map(|sent| sent + self.config.response_timeout_ms);
        let pdu = self.partial_since_ms.map(|since| since + self.config.pdu_timeout_ms);
        let bind = matches!(self.state, State::Open | State::Outbound | State::Binding(_))
            .then(|| self.opened_ms + self.config.bind_timeout_ms);
        let link = (self.is_bound() && !self.link_pending && self.config.enquire_link_ms > 0)
            .then(|| self.last_heard_ms + self.config.enquire_link_ms);
        [response, pdu, bind, link].into_iter().flatten().min()
    }

    /// Does what is due. Gives one unanswered message at a time; call until None.
    pub fn handle_timeout(&mut self, now_ms: u64) -> Option<Event<'static>> {
        if self.state == State::Closed {
            return None;
        }
        if let Some(due) = now_ms.checked_sub(self.config.response_timeout_ms) {
            while let Some(pending) = self.window.expire(due) {
                if is_message(&pending) {
                    self.messages_in_flight -= 1;
                    return Some(Event::Unanswered { token: pending.token });
                }
                self.close(CloseReason::Silent);
            }
        }
        let since = |start: u64| now_ms.saturating_sub(start);
        if self.partial_since_ms.is_some_and(|start| since(start) >= self.config.pdu_timeout_ms) {
            self.close(CloseReason::PduTimeout);
        } else if matches!(self.state, State::Open | State::Outbound | State::Binding(_))
            && since(self.opened_ms) >= self.config.bind_timeout_ms
        {
            self.close(CloseReason::BindTimeout);
        } else if self.is_bound()
            && !self.link_pending
            && self.config.enquire_link_ms > 0
            && since(self.last_heard_ms) >= self.config.enquire_link_ms
        {
            self.link_pending = true;
            self.request(now_ms, Pdu::EnquireLink(Tlvs::EMPTY), LINK_TOKEN);
        }
        None
    }

    /// Takes out a message that is still unanswered, oldest first: for requeueing when the connection is gone.
    pub fn take_unanswered(&mut self) -> Option<u64> {
        while let Some(pending) = self.window.expire(u64::MAX) {
            if is_message(&pending) {
                self.messages_in_flight -= 1;
                return Some(pending.token);
            }
        }
        None
    }

    // Commands.

    /// ESME: asks to bind.
    pub fn bind(&mut self, now_ms: u64, mode: BindMode, request: BindRequest<'_>) {
        if matches!(self.state, State::Open | State::Outbound) {
            self.state = State::Binding(mode);
            self.config.interface_version = request.interface_version;
            self.request(now_ms, Pdu::Bind(mode, request), LINK_TOKEN);
        }
    }

    /// SMSC: lets the peer in, with the window of its account.
    pub fn accept_bind(&mut self, sequence_number: u32, system_id: &[u8], window_max: usize) {
        let State::Binding(mode) = self.state else { return };
        self.state = State::Bound(mode);
        self.set_window_max(window_max);
        // sc_interface_version goes only to peers that know TLVs.
        let interface_version = self.peer_version.has_tlvs().then_some(self.config.interface_version);
        let response = BindResponse::new(system_id, interface_version);
        self.write(Pdu::BindResp(mode, response), CommandStatus::ROK, sequence_number);
    }

    /// SMSC: keeps the peer out, and ends the session once it has been told.
    pub fn refuse_bind(&mut self, sequence_number: u32, status: CommandStatus) {
        let State::Binding(mode) = self.state else { return };
        self.write(Pdu::BindResp(mode, BindResponse::default()), status, sequence_number);
        self.close(CloseReason::BindRefused(status));
    }

    /// Changes how many messages may be unanswered, also on a live session: as SMSC in both directions.
    pub fn set_window_max(&mut self, window_max: usize) {
        self.config.window_max = window_max;
        if self.config.role == Role::Smsc {
            self.config.peer_window_max = window_max;
        }
    }

    /// Sends a message: submit_sm as ESME, deliver_sm as SMSC. `mandatory` and `tlvs` are the parts of its
    /// body; TLVs stay behind where the peer's version knows none. The token comes back with the outcome.
    ///
    /// # Errors
    /// When it may not be sent now; nothing was written.
    pub fn send(&mut self, now_ms: u64, token: u64, mandatory: &[u8], tlvs: &[u8]) -> Result<u32, SendError> {
        let State::Bound(mode) = self.state else { return Err(SendError::NotBound) };
        let (allowed, id) = match self.config.role {
            Role::Esme => (mode.transmits(), CommandId::SUBMIT_SM),
            Role::Smsc => (mode.receives(), CommandId::DELIVER_SM),
        };
        if !allowed {
            return Err(SendError::NotBound);
        }
        if self.messages_in_flight >= self.config.window_max {
            return Err(SendError::WindowFull);
        }
        let sequence_number = self.window.register(id.response().0, token, now_ms);
        self.messages_in_flight += 1;
        self.counters.pdus_out += 1;
        let with_tlvs = self.version().has_tlvs();
        frame::append(&mut self.output, id, 0, sequence_number, |out| {
            out.extend_from_slice(mandatory);
            if with_tlvs {
                out.extend_from_slice(tlvs);
            }
        });
        Ok(sequence_number)
    }

    /// Answers a message of the peer's. `message_id` is for submit_sm_resp.
    pub fn respond(&mut self, sequence_number: u32, status: CommandStatus, message_id: &[u8]) {
        self.peer_in_flight = self.peer_in_flight.saturating_sub(1);
        let id = match self.config.role {
            Role::Smsc => CommandId::SUBMIT_SM,
            Role::Esme => CommandId::DELIVER_SM,
        };
        self.respond_to(id, sequence_number, status, message_id);
        self.answer_unbind_when_done();
    }

    /// Asks to part in order.
    pub fn unbind(&mut self, now_ms: u64) {
        match self.state {
            State::Bound(_) => {
                self.state = State::Unbinding;
                self.request(now_ms, Pdu::Unbind(Tlvs::EMPTY), LINK_TOKEN);
            }
            State::Unbinding | State::Closed => {}
            State::Open | State::Outbound | State::Binding(_) => self.close(CloseReason::Local),
        }
    }

    /// Ends the session; what stands in the output may still be written.
    pub fn close(&mut self, reason: CloseReason) {
        if self.state != State::Closed {
            self.state = State::Closed;
            self.close_reason = Some(reason);
        }
    }

    // What leaves.

    /// Octets to write.
    pub fn output(&self) -> &[u8] {
        &self.output[self.output_written..]
    }

    /// Says that the first `count` octets of the output were written.
    pub fn written(&mut self, count: usize) {
        self.output_written += count;
        if self.output_written >= self.output.len() {
            self.output.clear();
            self.output_written = 0;
            if self.output.capacity() > OUTPUT_KEPT_BYTES {
                self.output.shrink_to(OUTPUT_KEPT_BYTES);
            }
        } else if self.output_written > OUTPUT_KEPT_BYTES {
            self.output.drain(..self.output_written);
            self.output_written = 0;
        }
    }

    /// What the peer sent before its unbind is answered before its unbind is.
    fn answer_unbind_when_done(&mut self) {
        if self.peer_in_flight == 0
            && let Some(sequence_number) = self.unbind_asked.take()
        {
            self.write(Pdu::UnbindResp(Tlvs::EMPTY), CommandStatus::ROK, sequence_number);
            self.close(CloseReason::Unbound);
        }
    }

    fn respond_to(&mut self, id: CommandId, sequence_number: u32, status: CommandStatus, message_id: &[u8]) {
        self.counters.pdus_out += 1;
        let status = status.for_version(self.version());
        frame::append(&mut self.output, id.response(), status.0, sequence_number, |out| {
            if status.is_ok() {
                out.extend_from_slice(message_id);
                out.push(0);
            }
        });
    }

    fn request(&mut self, now_ms: u64, pdu: Pdu<'_>, token: u64) {
        let response_id = pdu.command_id().response().0;
        let sequence_number = self.window.register(response_id, token, now_ms);
        self.write(pdu, CommandStatus::ROK, sequence_number);
    }

    fn write(&mut self, pdu: Pdu<'_>, status: CommandStatus, sequence_number: u32) {
        self.counters.pdus_out += 1;
        let version = self.version();
        pdu.encode_for(version, &mut self.output, status, sequence_number);
    }
}

/// Deliveries of a carrier that may be unanswered on one bind.
pub const CARRIER_DELIVERIES_MAX: usize = 20_000;

/// What the output keeps of its memory when it is empty: 5,000 idle sessions shall not hold their peaks.
const OUTPUT_KEPT_BYTES: usize = 64 * 1024;

fn is_message(pending: &Pending) -> bool {
    let request = CommandId(pending.response_id).request();
    !matches!(request, CommandId::ENQUIRE_LINK | CommandId::UNBIND)
        && BindMode::from_command_id(request).is_none()
}
