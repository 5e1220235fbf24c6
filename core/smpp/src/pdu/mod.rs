//! PDUs as borrowed views over a frame, and their encoders.
//!
//! Decoding copies nothing. A field that breaks its rule is refused with the field's own
//! command_status, so that the answer tells the peer what to mend.

mod bind;
mod cursor;
mod short_message;

pub use bind::{BindRequest, BindResponse};
pub use short_message::{Address, ShortMessage};

use crate::frame::Frame;
use crate::status::CommandStatus;
use crate::values::{BindMode, CommandId};
use cursor::Cursor;

/// Why a PDU was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// What the response says.
    pub status: CommandStatus,
    /// The field of the specification that was wrong.
    pub field: &'static str,
}

impl DecodeError {
    const fn new(status: CommandStatus, field: &'static str) -> Self {
        Self { status, field }
    }
}

impl std::fmt::Display for DecodeError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {} ({})", self.status, self.status.text(), self.field)
    }
}

impl std::error::Error for DecodeError {}

/// A decoded PDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pdu<'a> {
    /// bind_transmitter, bind_receiver, bind_transceiver.
    Bind(BindMode, BindRequest<'a>),
    /// Their responses.
    BindResp(BindMode, BindResponse<'a>),
    /// Submit_sm.
    SubmitSm(ShortMessage<'a>),
    /// submit_sm_resp: the message id, empty in errors.
    SubmitSmResp(&'a [u8]),
    /// Deliver_sm.
    DeliverSm(ShortMessage<'a>),
    /// deliver_sm_resp; its message id is unused (SMPP 3.4 §4.6.2).
    DeliverSmResp,
    /// Ends the session.
    Unbind,
    /// Its response.
    UnbindResp,
    /// Are you there?
    EnquireLink,
    /// I am.
    EnquireLinkResp,
    /// A PDU was not understood.
    GenericNack,
    /// A command_id of no PDU that is decoded here, with its body.
    Other(CommandId, &'a [u8]),
}

impl<'a> Pdu<'a> {
    /// Reads a frame.
    ///
    /// Responses are read tolerantly: a body in an error response, a missing one, or a missing NUL are
    /// all seen in the field (SMPP 3.4 §4.4.2 and §5.0 disagree about them).
    ///
    /// # Errors
    /// The field that is wrong, with the status to answer.
    pub fn decode(frame: Frame<'a>) -> Result<Self, DecodeError> {
        let id = frame.header.command_id;
        if let Some(mode) = BindMode::from_command_id(id) {
            return BindRequest::decode(frame.body).map(|bind| Pdu::Bind(mode, bind));
        }
        if id.is_response()
            && let Some(mode) = BindMode::from_command_id(CommandId(id.0 & 0x7FFF_FFFF))
        {
            return Ok(Pdu::BindResp(mode, BindResponse::decode(frame.body)));
        }
        Ok(match id {
            CommandId::SUBMIT_SM => Pdu::SubmitSm(ShortMessage::decode(frame.body)?),
            CommandId::SUBMIT_SM_RESP => Pdu::SubmitSmResp(Cursor::new(frame.body).tolerant_c_string()),
            CommandId::DELIVER_SM => Pdu::DeliverSm(ShortMessage::decode(frame.body)?),
            CommandId::DELIVER_SM_RESP => Pdu::DeliverSmResp,
            CommandId::UNBIND => Pdu::Unbind,
            CommandId::UNBIND_RESP => Pdu::UnbindResp,
            CommandId::ENQUIRE_LINK => Pdu::EnquireLink,
            CommandId::ENQUIRE_LINK_RESP => Pdu::EnquireLinkResp,
            CommandId::GENERIC_NACK => Pdu::GenericNack,
            other => Pdu::Other(other, frame.body),
        })
    }

    /// What it is on the wire.
    pub const fn command_id(&self) -> CommandId {
        match self {
            Pdu::Bind(mode, _) => mode.command_id(),
            Pdu::BindResp(mode, _) => mode.command_id().response(),
            Pdu::SubmitSm(_) => CommandId::SUBMIT_SM,
            Pdu::SubmitSmResp(_) => CommandId::SUBMIT_SM_RESP,
            Pdu::DeliverSm(_) => CommandId::DELIVER_SM,
            Pdu::DeliverSmResp => CommandId::DELIVER_SM_RESP,
            Pdu::Unbind => CommandId::UNBIND,
            Pdu::UnbindResp => CommandId::UNBIND_RESP,
            Pdu::EnquireLink => CommandId::ENQUIRE_LINK,
            Pdu::EnquireLinkResp => CommandId::ENQUIRE_LINK_RESP,
            Pdu::GenericNack => CommandId::GENERIC_NACK,
            Pdu::Other(id, _) => *id,
        }
    }

    /// Appends the body to `out`.
    pub fn encode_body(&self, out: &mut Vec<u8>) {
        match self {
            Pdu::Bind(_, bind) => bind.encode(out),
            Pdu::BindResp(_, response) => response.encode(out),
            Pdu::SubmitSm(message) | Pdu::DeliverSm(message) => message.encode(out),
            Pdu::SubmitSmResp(message_id) => {
                out.extend_from_slice(message_id);
                out.push(0);
            }
            Pdu::DeliverSmResp => out.push(0),
            Pdu::Other(_, body) => out.extend_from_slice(body),
            Pdu::Unbind | Pdu::UnbindResp | Pdu::EnquireLink | Pdu::EnquireLinkResp | Pdu::GenericNack => {}
        }
    }

    /// Appends the whole PDU to `out`. Error responses are sent without a body (SMPP 5.0 §3.2.1).
    pub fn encode(&self, out: &mut Vec<u8>, status: CommandStatus, sequence_number: u32) {
        let id = self.command_id();
        crate::frame::append(out, id, status.0, sequence_number, |body| {
            if status.is_ok() || !id.is_response() {
                self.encode_body(body);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{self, Check};
    use proptest::prelude::*;

    fn decode(bytes: &[u8]) -> Result<Pdu<'_>, DecodeError> {
        match frame::check(bytes, frame::PDU_BYTES_MAX) {
            Check::Complete(frame) => Pdu::decode(frame),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_error_response_has_no_body() {
        let mut out = Vec::new();
        Pdu::SubmitSmResp(b"id").encode(&mut out, CommandStatus::RTHROTTLED, 9);
        assert_eq!(out.len(), 16);
        out.clear();
        Pdu::DeliverSmResp.encode(&mut out, CommandStatus::RMSGQFUL, 9);
        assert_eq!(out, [0, 0, 0, 16, 0x80, 0, 0, 5, 0, 0, 0, 0x14, 0, 0, 0, 9]);
    }

    #[test]
    fn a_submit_resp_is_read_with_or_without_its_nul_or_body() {
        for (body, id) in [(&b"abc\0"[..], &b"abc"[..]), (b"abc", b"abc"), (b"", b""), (b"abc\0\0", b"abc")] {
            let mut out = Vec::new();
            frame::append(&mut out, CommandId::SUBMIT_SM_RESP, 0, 1, |out| out.extend_from_slice(body));
            assert_eq!(decode(&out), Ok(Pdu::SubmitSmResp(id)));
        }
    }

    proptest! {
        #[test]
        fn decoding_never_panics(id in prop_oneof![0u32..0x22, 0x8000_0000u32..0x8000_0022], body in prop::collection::vec(any::<u8>(), 0..400)) {
            let mut out = Vec::new();
            frame::append(&mut out, CommandId(id), 0, 1, |out| out.extend_from_slice(&body));
            let _ = decode(&out);
        }

        #[test]
        fn what_is_decoded_encodes_to_the_same_octets(body in prop::collection::vec(prop_oneof![Just(0u8), any::<u8>()], 0..60)) {
            for id in [CommandId::SUBMIT_SM, CommandId::BIND_TRANSCEIVER] {
                let mut out = Vec::new();
                frame::append(&mut out, id, 0, 1, |out| out.extend_from_slice(&body));
                if let Ok(pdu) = decode(&out) {
                    let mut again = Vec::new();
                    pdu.encode(&mut again, CommandStatus::ROK, 1);
                    prop_assert_eq!(again, out);
                }
            }
        }
    }
}
