//! PDUs as borrowed views over a frame, and their encoders.
//!
//! Decoding copies nothing. A field that breaks its rule is refused with the field's own
//! command_status, so that the answer tells the peer what to mend. What was decoded encodes to the same octets.

mod bind;
mod broadcast;
mod check;
mod cursor;
mod data;
mod describe;
mod layout;
mod manage;
mod multi;
mod response;
mod rules;
mod short_message;

pub use bind::{BindRequest, BindResponse, Outbind};
pub use broadcast::{BroadcastSm, CancelBroadcastSm, QueryBroadcastSm};
pub use data::{AlertNotification, DataSm};
pub use describe::{Value, describe, describe_json};
pub use manage::{CancelSm, QuerySm, QuerySmResponse, ReplaceSm};
pub use multi::{Destination, Destinations, Failure, SubmitMulti, SubmitMultiResponse, Unsuccessful};
pub use response::{CText, MessageResponse};
pub use short_message::{Address, SHORT_MESSAGE_OCTETS_MAX, ShortMessage};

use crate::frame::{self, Frame};
use crate::status::CommandStatus;
use crate::tlv::Tlvs;
use crate::values::{BindMode, CommandId, InterfaceVersion};
use cursor::Cursor;
use layout::{Body, Visitor, see};

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

macro_rules! pdus {
    ($($(#[$meta:meta])* $name:ident($body:ty) = $id:ident;)*) => {
        /// A decoded PDU. Those without fields hold what stands behind the header all the same: congestion_state in
        /// a response (5.0), or octets that do not belong there.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[expect(missing_docs, reason = "the names are the specification's")]
        pub enum Pdu<'a> {
            /// bind_transmitter, bind_receiver, bind_transceiver.
            Bind(BindMode, BindRequest<'a>),
            /// Their responses.
            BindResp(BindMode, BindResponse<'a>),
            $($(#[$meta])* $name($body),)*
            /// A command_id that no specification names, with its body.
            Other(CommandId, &'a [u8]),
        }

        impl<'a> Pdu<'a> {
            fn read(id: CommandId, cursor: &mut Cursor<'a>) -> Result<Self, DecodeError> {
                Ok(match id {
                    $(CommandId::$id => Pdu::$name(Body::read(cursor)?),)*
                    _ => match (BindMode::from_command_id(id.request()), id.is_response()) {
                        (Some(mode), false) => Pdu::Bind(mode, Body::read(cursor)?),
                        (Some(mode), true) => Pdu::BindResp(mode, Body::read(cursor)?),
                        (None, _) => Pdu::Other(id, cursor.trailing(rules::TRAILING)?),
                    },
                })
            }

            /// What it is on the wire.
            pub const fn command_id(&self) -> CommandId {
                match self {
                    Pdu::Bind(mode, _) => mode.command_id(),
                    Pdu::BindResp(mode, _) => mode.command_id().response(),
                    $(Pdu::$name(_) => CommandId::$id,)*
                    Pdu::Other(id, _) => *id,
                }
            }

            /// Appends the body to `out`.
            pub fn encode_body(&self, out: &mut Vec<u8>) {
                match self {
                    Pdu::Bind(_, body) => body.write(out),
                    Pdu::BindResp(_, body) => body.write(out),
                    $(Pdu::$name(body) => body.write(out),)*
                    Pdu::Other(_, body) => out.extend_from_slice(body),
                }
            }

            fn describe(&self, visitor: &mut impl Visitor) {
                match self {
                    Pdu::Bind(_, body) => body.describe(visitor),
                    Pdu::BindResp(_, body) => body.describe(visitor),
                    $(Pdu::$name(body) => body.describe(visitor),)*
                    Pdu::Other(_, body) => see::trailing(visitor, "body", body),
                }
            }

            fn tlvs_mut(&mut self) -> Option<&mut Tlvs<'a>> {
                match self {
                    Pdu::Bind(_, body) => body.tlvs_mut(),
                    Pdu::BindResp(_, body) => body.tlvs_mut(),
                    $(Pdu::$name(body) => body.tlvs_mut(),)*
                    Pdu::Other(..) => None,
                }
            }
        }
    };
}

pdus! {
    SubmitSm(ShortMessage<'a>) = SUBMIT_SM;
    SubmitSmResp(MessageResponse<'a>) = SUBMIT_SM_RESP;
    DeliverSm(ShortMessage<'a>) = DELIVER_SM;
    /// Its message id is unused (SMPP 3.4 §4.6.2).
    DeliverSmResp(MessageResponse<'a>) = DELIVER_SM_RESP;
    EnquireLink(Tlvs<'a>) = ENQUIRE_LINK;
    EnquireLinkResp(Tlvs<'a>) = ENQUIRE_LINK_RESP;
    DataSm(DataSm<'a>) = DATA_SM;
    DataSmResp(MessageResponse<'a>) = DATA_SM_RESP;
    SubmitMulti(SubmitMulti<'a>) = SUBMIT_MULTI;
    /// None: an error response, which has no body.
    SubmitMultiResp(Option<SubmitMultiResponse<'a>>) = SUBMIT_MULTI_RESP;
    QuerySm(QuerySm<'a>) = QUERY_SM;
    /// None: an error response, which has no body.
    QuerySmResp(Option<QuerySmResponse<'a>>) = QUERY_SM_RESP;
    CancelSm(CancelSm<'a>) = CANCEL_SM;
    CancelSmResp(Tlvs<'a>) = CANCEL_SM_RESP;
    ReplaceSm(ReplaceSm<'a>) = REPLACE_SM;
    ReplaceSmResp(Tlvs<'a>) = REPLACE_SM_RESP;
    Outbind(Outbind<'a>) = OUTBIND;
    Unbind(Tlvs<'a>) = UNBIND;
    UnbindResp(Tlvs<'a>) = UNBIND_RESP;
    GenericNack(Tlvs<'a>) = GENERIC_NACK;
    AlertNotification(AlertNotification<'a>) = ALERT_NOTIFICATION;
    BroadcastSm(BroadcastSm<'a>) = BROADCAST_SM;
    BroadcastSmResp(MessageResponse<'a>) = BROADCAST_SM_RESP;
    QueryBroadcastSm(QueryBroadcastSm<'a>) = QUERY_BROADCAST_SM;
    QueryBroadcastSmResp(MessageResponse<'a>) = QUERY_BROADCAST_SM_RESP;
    CancelBroadcastSm(CancelBroadcastSm<'a>) = CANCEL_BROADCAST_SM;
    CancelBroadcastSmResp(Tlvs<'a>) = CANCEL_BROADCAST_SM_RESP;
}

impl<'a> Pdu<'a> {
    /// Reads a frame.
    ///
    /// Requests are read by their rules. Responses are read tolerantly: a body in an error response, a missing one, or
    /// a missing NUL are all seen in the field (SMPP 3.4 §4.4.2 and §5.0 disagree about them).
    ///
    /// # Errors
    /// The field that is wrong, with the status to answer.
    pub fn decode(frame: Frame<'a>) -> Result<Self, DecodeError> {
        Self::read(frame.header.command_id, &mut Cursor::new(frame.body))
    }

    /// Reads a frame, and takes whatever stands in the place of TLVs: [`Tlvs::well_formed`] gives those that are some.
    /// For peers below 3.4, who know no TLVs, and for carriers who add a NUL to their PDUs.
    ///
    /// # Errors
    /// As [`Self::decode`], but for a broken TLV area.
    pub fn decode_leniently(frame: Frame<'a>) -> Result<Self, DecodeError> {
        Self::read(frame.header.command_id, &mut Cursor::lenient(frame.body))
    }

    /// Checks what the specification forbids in a request to a message centre beyond the fields' own forms.
    ///
    /// # Errors
    /// The rule that is broken, with the status to answer.
    pub fn check(&self, version: InterfaceVersion) -> Result<(), DecodeError> {
        check::request(self, version)
    }

    /// Its TLVs; none where the specification has no place for them.
    pub fn tlvs(&self) -> Tlvs<'a> {
        let mut pdu = *self;
        pdu.tlvs_mut().copied().unwrap_or_default()
    }

    /// The same without TLVs, for peers below 3.4.
    #[must_use]
    pub fn without_tlvs(mut self) -> Self {
        if let Some(tlvs) = self.tlvs_mut() {
            *tlvs = Tlvs::EMPTY;
        }
        self
    }

    /// The same with those of its TLVs that are some: without what a lenient reading has taken in their place.
    #[must_use]
    pub fn with_well_formed_tlvs(mut self) -> Self {
        if let Some(tlvs) = self.tlvs_mut() {
            *tlvs = tlvs.well_formed();
        }
        self
    }

    /// Appends the whole PDU to `out`. Error responses are sent without a body (SMPP 5.0 §3.2.1), but for deliver_sm_resp: its message_id,
    /// which is always empty, is not excepted (SMPP 3.4 §4.6.2), and message centres are seen that end their session without it.
    pub fn encode(&self, out: &mut Vec<u8>, status: CommandStatus, sequence_number: u32) {
        let id = self.command_id();
        frame::append(out, id, status.0, sequence_number, |body| {
            if status.is_ok() || !id.is_response() || id == CommandId::DELIVER_SM.response() {
                self.encode_body(body);
            }
        });
    }

    /// Appends the whole PDU as a peer of this version understands it: no TLVs below 3.4, no status of 5.0 below 5.0.
    pub fn encode_for(
        &self,
        version: InterfaceVersion,
        out: &mut Vec<u8>,
        status: CommandStatus,
        sequence_number: u32,
    ) {
        let status = status.for_version(version);
        if version.has_tlvs() {
            self.encode(out, status, sequence_number);
        } else {
            self.without_tlvs().encode(out, status, sequence_number);
        }
    }

    /// Appends the whole PDU to `out`, an error response with its body too: what was decoded, octet by octet.
    pub fn encode_with_body(&self, out: &mut Vec<u8>, status: CommandStatus, sequence_number: u32) {
        frame::append(out, self.command_id(), status.0, sequence_number, |body| self.encode_body(body));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_response_has_no_body_but_that_to_deliver_sm() {
        let mut out = Vec::new();
        Pdu::SubmitSmResp(MessageResponse::new(b"id")).encode(&mut out, CommandStatus::RTHROTTLED, 9);
        assert_eq!(out.len(), 16);
        out.clear();
        Pdu::DeliverSmResp(MessageResponse::default()).encode(&mut out, CommandStatus::RMSGQFUL, 9);
        assert_eq!(out, [0, 0, 0, 17, 0x80, 0, 0, 5, 0, 0, 0, 0x14, 0, 0, 0, 9, 0]);
    }

    #[test]
    fn a_peer_of_3_3_gets_no_tlvs_and_no_status_of_5_0() {
        let tlvs = crate::tlv::sc_interface_version(InterfaceVersion::V5_0);
        let response = Pdu::SubmitSmResp(MessageResponse { message_id: b"0a1b2c3d".into(), tlvs });
        let octets = |version, status| {
            let mut out = Vec::new();
            response.encode_for(version, &mut out, status, 1);
            out
        };
        assert_eq!(octets(InterfaceVersion::V3_4, CommandStatus::ROK).len(), 16 + 9 + 5);
        assert_eq!(octets(InterfaceVersion::V3_3, CommandStatus::ROK).len(), 16 + 9);
        assert_eq!(octets(InterfaceVersion::V3_4, CommandStatus::RPROHIBITED)[8..12], [0, 0, 0, 0x45]);
        assert_eq!(octets(InterfaceVersion::V5_0, CommandStatus::RPROHIBITED)[8..12], [0, 0, 1, 1]);
    }

    #[test]
    fn every_command_of_the_specification_is_decoded_as_itself() {
        for id in CommandId::ALL {
            // Room for every field, and none of them of a forbidden form.
            let mut octets = Vec::new();
            frame::append(&mut octets, *id, 0, 1, |out| out.resize(out.len() + 40, 0));
            let frame::Check::Complete(frame) = frame::check(&octets, 100) else { panic!("not complete") };
            match Pdu::decode_leniently(frame) {
                Ok(Pdu::Other(..)) => panic!("{id:?} is not decoded"),
                Ok(pdu) => assert_eq!(pdu.command_id(), *id),
                Err(error) => panic!("{id:?}: {error}"),
            }
        }
    }
}
