//! What the owner asks for: binds, messages and their answers, the end.

use super::{CloseReason, LINK_TOKEN, Role, SendError, Session, State};
use crate::frame;
use crate::pdu::{BindRequest, BindResponse, Pdu};
use crate::status::CommandStatus;
use crate::tlv::Tlvs;
use crate::values::{BindMode, CommandId};

impl Session {
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
        self.config.window_max = window_max;
        self.config.peer_window_max = window_max;
        // sc_interface_version goes only to peers that know TLVs. It says what both speak: clients of 3.4 are seen that know
        // no other number.
        let interface_version = self.peer_version.has_tlvs().then_some(self.version());
        let response = BindResponse::new(system_id, interface_version);
        self.write(Pdu::BindResp(mode, response), CommandStatus::ROK, sequence_number);
    }

    /// SMSC: keeps the peer out, and ends the session once it has been told.
    ///
    /// To a transceiver the response has a body all the same, as SMPP 3.4 §4.1.6 does not except errors as §4.1.2 and §4.1.4 do: clients
    /// are seen that take a refusal without one for a broken connection, and then do not tell their users of the status.
    pub fn refuse_bind(&mut self, sequence_number: u32, system_id: &[u8], status: CommandStatus) {
        let State::Binding(mode) = self.state else { return };
        let response = Pdu::BindResp(mode, BindResponse::new(system_id, None));
        let status = status.for_version(self.version());
        self.counters.pdus_out += 1;
        match mode {
            BindMode::Transceiver => response.encode_with_body(&mut self.output, status, sequence_number),
            BindMode::Transmitter | BindMode::Receiver => {
                response.encode(&mut self.output, status, sequence_number)
            }
        }
        self.close(CloseReason::BindRefused(status));
    }

    /// Changes how many of our messages may be unanswered, also on a live session.
    pub fn set_window_max(&mut self, window_max: usize) {
        self.config.window_max = window_max;
    }

    /// Changes how many of the peer's messages may be unanswered, also on a live session.
    pub fn set_peer_window_max(&mut self, peer_window_max: usize) {
        self.config.peer_window_max = peer_window_max;
    }

    /// Changes how long silence and an answer may take, also on a live session.
    pub fn set_timers(&mut self, enquire_link_ms: u64, response_timeout_ms: u64) {
        self.config.enquire_link_ms = enquire_link_ms;
        self.config.response_timeout_ms = response_timeout_ms;
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
}
