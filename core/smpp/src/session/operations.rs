//! Requests beyond submit_sm and deliver_sm: which of the peer's the owner takes, how they are answered, and how ours are
//! sent. They share windows, timers and states with messages.

use super::state;
use super::{Role, SendError, Session, State};
use crate::pdu::{Outbind, Pdu};
use crate::status::CommandStatus;
use crate::values::{BindMode, CommandId, InterfaceVersion};

/// A set of requests. submit_sm, deliver_sm, binds, unbind and enquire_link need not be in it: every session takes them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Operations(u16);

impl Operations {
    /// None but those that every session takes.
    pub const NONE: Self = Self(0);

    /// All that the specifications have.
    pub const ALL: Self = {
        let mut all = Self::NONE;
        let mut index = 0;
        while index < Self::ORDER.len() {
            all = all.with(Self::ORDER[index]);
            index += 1;
        }
        all
    };

    const ORDER: [CommandId; 10] = [
        CommandId::SUBMIT_MULTI,
        CommandId::DATA_SM,
        CommandId::QUERY_SM,
        CommandId::CANCEL_SM,
        CommandId::REPLACE_SM,
        CommandId::OUTBIND,
        CommandId::ALERT_NOTIFICATION,
        CommandId::BROADCAST_SM,
        CommandId::QUERY_BROADCAST_SM,
        CommandId::CANCEL_BROADCAST_SM,
    ];

    /// With one more.
    #[must_use]
    pub const fn with(self, id: CommandId) -> Self {
        Self(self.0 | Self::bit(id))
    }

    /// Whether it is in the set.
    pub const fn contains(self, id: CommandId) -> bool {
        self.0 & Self::bit(id) != 0
    }

    const fn bit(id: CommandId) -> u16 {
        let mut index = 0;
        while index < Self::ORDER.len() {
            if Self::ORDER[index].0 == id.0 {
                return 1 << index;
            }
            index += 1;
        }
        0
    }
}

impl Session {
    /// What both ends speak: the lower of the two versions.
    pub fn version(&self) -> InterfaceVersion {
        self.peer_version.min(self.config.interface_version)
    }

    /// Answers a request that came as [`super::Event::Request`]. The response must be the request's own.
    pub fn answer(&mut self, sequence_number: u32, response: Pdu<'_>, status: CommandStatus) {
        self.peer_in_flight = self.peer_in_flight.saturating_sub(1);
        self.write(response, status, sequence_number);
        self.answer_unbind_when_done();
    }

    /// Refuses a request that came as [`super::Event::Request`]: its response without a body. No refusal says "no error":
    /// that becomes `ESME_RSYSERR`.
    pub fn refuse(&mut self, sequence_number: u32, request: CommandId, status: CommandStatus) {
        self.peer_in_flight = self.peer_in_flight.saturating_sub(1);
        let status = if status.is_ok() { CommandStatus::RSYSERR } else { status };
        self.respond_to(request, sequence_number, status, &[]);
        self.answer_unbind_when_done();
    }

    /// Sends a request that is no submit_sm, deliver_sm, bind, unbind or enquire_link, those having commands of their own.
    /// The outcome comes back as [`super::Event::Response`] or [`super::Event::Unanswered`] with the token; of
    /// alert_notification, which is not answered, nothing does.
    ///
    /// # Errors
    /// When it may not be sent now: nothing was written.
    pub fn send_request(&mut self, now_ms: u64, token: u64, pdu: Pdu<'_>) -> Result<u32, SendError> {
        let id = pdu.command_id();
        let is_ours = Operations::ALL.contains(id) && id != CommandId::OUTBIND;
        if !is_ours || !self.state.allows(self.config.role, id, self.version()) {
            return Err(SendError::NotBound);
        }
        if self.messages_in_flight >= self.config.window_max {
            return Err(SendError::WindowFull);
        }
        let sequence_number = if id.has_response() {
            self.messages_in_flight += 1;
            self.window.register(id.response().0, token, now_ms)
        } else {
            self.window.spend()
        };
        self.write(pdu, CommandStatus::ROK, sequence_number);
        Ok(sequence_number)
    }

    /// SMSC, on a connection that it opened: asks the ESME to bind (SMPP 3.4 §2.2.1, 5.0 §4.1.1.7).
    pub fn outbind(&mut self, outbind: Outbind<'_>) {
        if self.config.role == Role::Smsc && self.state == State::Open {
            self.state = State::Outbound;
            let sequence_number = self.window.spend();
            self.write(Pdu::Outbind(outbind), CommandStatus::ROK, sequence_number);
        }
    }

    /// A request that is unknown, or known and not allowed now (SMPP 3.4 §4.3, Table 2-1).
    pub(super) fn refuse_request(&mut self, id: CommandId, sequence_number: u32) {
        self.counters.protocol_errors += 1;
        if id.name().is_none() {
            return self.write(
                Pdu::GenericNack(crate::tlv::Tlvs::EMPTY),
                CommandStatus::RINVCMDID,
                sequence_number,
            );
        }
        if !id.has_response() {
            return;
        }
        let is_bind = BindMode::from_command_id(id).is_some();
        let is_taken = state::is_known(id, self.version()) && self.takes(id);
        let status = match self.state {
            State::Bound(_) if is_bind => CommandStatus::RALYBND,
            State::Bound(_) if !is_taken => CommandStatus::RINVCMDID,
            _ => CommandStatus::RINVBNDSTS,
        };
        self.respond_to(id, sequence_number, status, &[]);
    }

    /// Whether the owner does anything with this request.
    pub(super) const fn takes(&self, id: CommandId) -> bool {
        let always = matches!(
            id,
            CommandId::SUBMIT_SM
                | CommandId::DELIVER_SM
                | CommandId::UNBIND
                | CommandId::ENQUIRE_LINK
                | CommandId::BIND_RECEIVER
                | CommandId::BIND_TRANSMITTER
                | CommandId::BIND_TRANSCEIVER
        );
        always || self.config.operations.contains(id)
    }
}
