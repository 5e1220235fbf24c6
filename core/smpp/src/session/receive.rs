//! What arrives: requests and responses, each checked against what the state allows.

use super::{CloseReason, Event, Role, Session, State, UNBOUND_PDU_BYTES_MAX};
use crate::frame::{self, Check, Frame};
use crate::pdu::{DecodeError, Pdu};
use crate::status::CommandStatus;
use crate::tlv::{Tag, Tlvs};
use crate::values::{BindMode, CommandId};

impl Session {
    /// Takes PDUs off the front of `input[*consumed..]`, moving `consumed`, until one concerns the owner.
    /// None: more octets are needed, or [`Self::is_blocked`], or the session has ended.
    pub fn receive<'a>(&mut self, now_ms: u64, input: &'a [u8], consumed: &mut usize) -> Option<Event<'a>> {
        loop {
            if self.state == State::Closed || self.is_blocked() {
                return None;
            }
            let rest = &input[*consumed..];
            match frame::check(rest, self.pdu_bytes_max()) {
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

    /// The tokens of requests that responses at the front of `input` answer, as far as the next `pdus` whole PDUs hold
    /// some: for an owner that wants to have at hand what it will be told of. Nothing is taken or decided by it.
    pub fn answered_ahead<'a>(&'a self, input: &'a [u8], pdus: usize) -> impl Iterator<Item = u64> + 'a {
        frame::headers(input)
            .take(pdus)
            .filter(|header| header.command_id.is_response())
            .filter_map(|header| self.window.token(header.sequence_number))
    }

    /// Who has not bound yet has nothing long to say, and whoever likes may connect: 15,000 strangers that each begin a PDU
    /// of the largest size would hold a gigabyte.
    const fn pdu_bytes_max(&self) -> usize {
        // A message centre that has connected to us is a stranger too until its outbind is believed.
        let is_called =
            matches!(self.config.role, Role::Smsc) || self.config.operations.contains(CommandId::OUTBIND);
        if is_called
            && matches!(self.state, State::Open | State::Outbound)
            && self.config.pdu_bytes_max > UNBOUND_PDU_BYTES_MAX
        {
            return UNBOUND_PDU_BYTES_MAX;
        }
        self.config.pdu_bytes_max
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
        let decoded = if !version.has_tlvs() {
            // What stands behind the fields of a 3.3 peer's PDU is no TLV, and has no meaning.
            Pdu::decode_leniently(frame).map(Pdu::without_tlvs)
        } else if self.config.role == Role::Esme {
            // Message centres are seen that end their PDUs with a NUL more: their receipts count all the same.
            Pdu::decode_leniently(frame).map(Pdu::with_well_formed_tlvs)
        } else {
            Pdu::decode(frame)
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
            Pdu::Unbind(_) if self.unbind_asked.is_some() => {
                // The first one is the one that will be answered.
                self.refuse_request(id, sequence_number);
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
            return self.handle_stray(frame);
        };
        let status = status_of(frame);
        match CommandId(pending.response_id) {
            CommandId::SUBMIT_SM_RESP | CommandId::DELIVER_SM_RESP => {
                self.messages_in_flight -= 1;
                let (message_id, tlvs): (&[u8], _) = match Pdu::decode(frame) {
                    // A carrier that binds to us gives its ids in deliver_sm_resp, where 3.4 has an unused field.
                    Ok(Pdu::SubmitSmResp(response) | Pdu::DeliverSmResp(response)) => {
                        (response.message_id.octets, response.tlvs)
                    }
                    _ => (&[], Tlvs::EMPTY),
                };
                let congestion_state =
                    tlvs.find(Tag::CONGESTION_STATE).and_then(|value| value.first().copied());
                let (token, sent_ms) = (pending.token, pending.sent_ms);
                Some(Event::Answered { token, status, message_id, sent_ms, congestion_state })
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

    /// A response to nothing that waits: too late, or to nothing at all.
    fn handle_stray<'a>(&mut self, frame: Frame<'a>) -> Option<Event<'a>> {
        let number = frame.header.sequence_number;
        let is_answer = matches!(
            frame.header.command_id,
            CommandId::SUBMIT_SM_RESP | CommandId::DELIVER_SM_RESP | CommandId::GENERIC_NACK
        );
        let late = self.late.iter().position(|late| late.0 == number).filter(|_| is_answer);
        let Some((_, token)) = late.and_then(|at| self.late.remove(at)) else {
            self.counters.stray_responses += 1;
            return None;
        };
        let message_id: &[u8] = match Pdu::decode(frame) {
            Ok(Pdu::SubmitSmResp(response)) => response.message_id.octets,
            _ => &[],
        };
        Some(Event::AnsweredLate { token, status: status_of(frame), message_id })
    }
}

/// A generic_nack that says "no error" is an error all the same.
fn status_of(frame: Frame<'_>) -> CommandStatus {
    match (frame.header.command_id == CommandId::GENERIC_NACK, frame.header.command_status) {
        (true, 0) => CommandStatus::RUNKNOWNERR,
        (_, code) => CommandStatus(code),
    }
}
