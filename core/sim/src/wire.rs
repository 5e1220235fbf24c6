//! The PDUs of the hot way, written and read with as little work as they need.
//!
//! Everything else goes through the codec of `brivas-smpp`. A message in the usual form is scanned here
//! in one pass; what is unusual gives None, and the codec decides about it.

use brivas_smpp::frame::{self, HEADER_BYTES};
use brivas_smpp::pdu::Address;
use brivas_smpp::{CommandId, CommandStatus};

/// A submit_sm or deliver_sm, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Message<'a> {
    pub(crate) source: Address<'a>,
    pub(crate) destination: Address<'a>,
    pub(crate) esm_class: u8,
    pub(crate) registered_delivery: u8,
}

/// Scans a body without a TLV area that has every field's length right (SMPP 3.4 §4.4.1). With
/// `tlvs` an area behind the text is let through unread.
#[inline]
pub(crate) fn scan(body: &[u8], tlvs: bool) -> Option<Message<'_>> {
    let mut rest = body;
    c_string(&mut rest, 6)?;
    let source = address(&mut rest)?;
    let destination = address(&mut rest)?;
    let (&[esm_class, _protocol_id, _priority], behind) = rest.split_first_chunk()?;
    rest = behind;
    c_string(&mut rest, 17)?;
    c_string(&mut rest, 17)?;
    let (&[registered_delivery, _replace, _data_coding, _default_id, length], text) =
        rest.split_first_chunk()?;
    let length = usize::from(length);
    let whole = if tlvs { text.len() >= length } else { text.len() == length };
    whole.then_some(Message { source, destination, esm_class, registered_delivery })
}

#[inline]
fn address<'a>(rest: &mut &'a [u8]) -> Option<Address<'a>> {
    let (&[ton, npi], behind) = rest.split_first_chunk()?;
    *rest = behind;
    Some(Address { ton, npi, digits: c_string(rest, 21)? })
}

#[inline]
fn c_string<'a>(rest: &mut &'a [u8], octets_max: usize) -> Option<&'a [u8]> {
    let end = rest.iter().take(octets_max).position(|&octet| octet == 0)?;
    let (text, behind) = rest.split_at(end);
    *rest = behind.get(1..)?;
    Some(text)
}

/// Appends a header.
#[inline]
pub(crate) fn header(
    out: &mut Vec<u8>,
    length: usize,
    id: CommandId,
    status: CommandStatus,
    sequence_number: u32,
) {
    let header = frame::Header {
        command_length: length as u32,
        command_id: id,
        command_status: status.0,
        sequence_number,
    };
    out.extend_from_slice(&header.octets());
}

/// Appends a submit_sm_resp; errors have no body.
#[inline]
pub(crate) fn submit_response(
    out: &mut Vec<u8>,
    status: CommandStatus,
    sequence_number: u32,
    message_id: &[u8],
) {
    if status.is_ok() {
        header(out, HEADER_BYTES + message_id.len() + 1, CommandId::SUBMIT_SM_RESP, status, sequence_number);
        out.extend_from_slice(message_id);
        out.push(0);
    } else {
        header(out, HEADER_BYTES, CommandId::SUBMIT_SM_RESP, status, sequence_number);
    }
}

/// Appends a deliver_sm_resp that takes the message.
#[inline]
pub(crate) fn deliver_response(out: &mut Vec<u8>, sequence_number: u32) {
    let mut pdu = DELIVER_RESPONSE;
    pdu[12..16].copy_from_slice(&sequence_number.to_be_bytes());
    out.extend_from_slice(&pdu);
}

/// Appends a PDU that is only a header.
pub(crate) fn bare(out: &mut Vec<u8>, id: CommandId, status: CommandStatus, sequence_number: u32) {
    header(out, HEADER_BYTES, id, status, sequence_number);
}

/// message_id is one NUL (SMPP 3.4 §4.6.2).
const DELIVER_RESPONSE: [u8; 17] = [0, 0, 0, 17, 0x80, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0];

#[cfg(test)]
mod tests {
    use super::*;
    use brivas_smpp::ShortMessage;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_scanned_the_codec_reads_alike(body in prop::collection::vec(prop_oneof![3 => Just(0u8), 1 => any::<u8>()], 0..60)) {
            if let Some(scanned) = scan(&body, false) {
                let message = ShortMessage::decode(&body);
                // The codec looks closer at times and at the text's length.
                if let Ok(message) = message {
                    prop_assert_eq!(scanned.source, message.source);
                    prop_assert_eq!(scanned.destination, message.destination);
                    prop_assert_eq!(scanned.esm_class, message.esm_class.0);
                    prop_assert_eq!(scanned.registered_delivery, message.registered_delivery.0);
                }
            }
        }
    }

    #[test]
    fn responses_are_what_the_codec_writes() {
        use brivas_smpp::Pdu;
        use brivas_smpp::pdu::MessageResponse;
        let mut codec = Vec::new();
        Pdu::SubmitSmResp(MessageResponse::new(b"0123")).encode(&mut codec, CommandStatus::ROK, 7);
        Pdu::SubmitSmResp(MessageResponse::default()).encode(&mut codec, CommandStatus::RTHROTTLED, 8);
        Pdu::DeliverSmResp(MessageResponse::default()).encode(&mut codec, CommandStatus::ROK, 9);
        let mut ours = Vec::new();
        submit_response(&mut ours, CommandStatus::ROK, 7, b"0123");
        submit_response(&mut ours, CommandStatus::RTHROTTLED, 8, b"unused");
        deliver_response(&mut ours, 9);
        assert_eq!(ours, codec);
    }
}
