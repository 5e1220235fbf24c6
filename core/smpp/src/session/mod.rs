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

mod commands;
mod operations;
mod receive;
mod state;
#[cfg(test)]
mod tests;
mod timers;
mod window;

pub use operations::Operations;
pub use state::{Role, State};

use std::collections::VecDeque;

use crate::frame;
use crate::pdu::{BindRequest, Pdu, ShortMessage};
use crate::status::CommandStatus;
use crate::tlv::Tlvs;
use crate::values::{BindMode, CommandId, InterfaceVersion};
use window::Window;

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
    /// The largest PDU taken; before the bind, as SMSC or where outbind is taken, at most [`UNBOUND_PDU_BYTES_MAX`].
    pub pdu_bytes_max: usize,
    /// Silence after which we ask whether the peer is there; 0 never asks.
    pub enquire_link_ms: u64,
    /// How long a response may take.
    pub response_timeout_ms: u64,
    /// How long a connection may stay without a bind.
    pub bind_timeout_ms: u64,
    /// How long a PDU may take from its first octet to its last.
    pub pdu_timeout_ms: u64,
    /// Messages whose response did not come in time that are remembered, in case it comes late; the newest.
    pub late_max: usize,
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
            late_max: 0,
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
        /// When it was sent, by the `now_ms` of `send`.
        sent_ms: u64,
        /// congestion_state of the response (5.0 §4.8.4.18): percent, 80 to 89 is the optimum.
        congestion_state: Option<u8>,
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
    /// The peer answered a message that was given up as unanswered; only with `late_max`.
    AnsweredLate {
        /// As it was given to `send`.
        token: u64,
        /// How.
        status: CommandStatus,
        /// Of submit_sm_resp.
        message_id: &'a [u8],
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
    /// Sequence numbers and tokens of messages that were given up, oldest first.
    late: VecDeque<(u32, u64)>,
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
            late: VecDeque::new(),
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

    /// Whether the peer has asked to part, and waits for what it sent before to be answered.
    pub const fn is_asked_to_unbind(&self) -> bool {
        self.unbind_asked.is_some()
    }

    /// When the oldest of our requests that is not answered was sent.
    pub fn oldest_sent_ms(&mut self) -> Option<u64> {
        self.window.oldest_sent_ms()
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
            } else if id == CommandId::DELIVER_SM {
                // As in `Pdu::encode`: its message_id is always empty, and not excepted.
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

/// The largest PDU that an SMSC takes before the bind: ten times what a bind's fields may have.
pub const UNBOUND_PDU_BYTES_MAX: usize = 1_024;

/// What the output keeps of its memory when it is empty: 5,000 idle sessions shall not hold their peaks.
const OUTPUT_KEPT_BYTES: usize = 64 * 1024;
