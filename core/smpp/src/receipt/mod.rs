//! Delivery receipts: the text of SMPP 3.4 Appendix B, and the TLVs that say the same.
//!
//! The text is "vendor specific, typical example": it is written in the typical form and read
//! tolerantly, any order, any case, fields missing, more fields than known.

use crate::pdu::ShortMessage;
use crate::time;
use crate::tlv::{self, Tag};
use crate::values::{EsmClass, MessageState};

/// What a receipt says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt<'a> {
    /// The id that the message had at the sender of the receipt.
    pub message_id: &'a [u8],
    /// What became of it.
    pub state: MessageState,
    /// `err`, as it came.
    pub error: &'a [u8],
    /// `done date`, milliseconds UTC, where it was readable.
    pub done_at_ms: Option<i64>,
}

impl<'a> Receipt<'a> {
    /// Reads the receipt out of a deliver_sm. TLVs are believed before the text.
    /// None: it is none, or has no message id or state.
    pub fn read(message: &ShortMessage<'a>) -> Option<Self> {
        if !message.esm_class.is_receipt() && !message.esm_class.is_intermediate_notification() {
            return None;
        }
        let text = Fields::read(message.text());
        let id_tlv = message.tlvs.find(Tag::RECEIPTED_MESSAGE_ID).map(tlv::c_string);
        let state_tlv = message.tlvs.find(Tag::MESSAGE_STATE).and_then(|value| value.first().copied());
        Some(Self {
            message_id: id_tlv.filter(|id| !id.is_empty()).or(text.id)?,
            state: state_tlv
                .and_then(MessageState::from_octet)
                .or_else(|| text.state.and_then(MessageState::from_receipt_text))?,
            error: text.error.unwrap_or_default(),
            done_at_ms: text.done.and_then(time::parse_receipt_date),
        })
    }
}

/// What is written into a receipt.
#[derive(Clone, Copy, Debug)]
pub struct NewReceipt<'a> {
    /// The id that the customer got in submit_sm_resp.
    pub message_id: &'a [u8],
    /// What became of the message.
    pub state: MessageState,
    /// Up to three characters are typical.
    pub error: &'a [u8],
    /// When the message was accepted, milliseconds UTC.
    pub submitted_at_ms: i64,
    /// When it reached its state, milliseconds UTC.
    pub done_at_ms: i64,
    /// The message's own text; the first 20 octets go into the receipt.
    pub text: &'a [u8],
}

impl NewReceipt<'_> {
    /// Appends the text form.
    pub fn append_text(&self, out: &mut Vec<u8>) {
        let delivered: &[u8] =
            if self.state == MessageState::Delivered { b" sub:001 dlvrd:001" } else { b" sub:001 dlvrd:000" };
        out.extend_from_slice(b"id:");
        out.extend_from_slice(self.message_id);
        out.extend_from_slice(delivered);
        out.extend_from_slice(b" submit date:");
        time::append_receipt_date(out, self.submitted_at_ms);
        out.extend_from_slice(b" done date:");
        time::append_receipt_date(out, self.done_at_ms);
        out.extend_from_slice(b" stat:");
        out.extend_from_slice(self.state.receipt_text().as_bytes());
        out.extend_from_slice(b" err:");
        out.extend_from_slice(if self.error.is_empty() { b"000" } else { self.error });
        out.extend_from_slice(b" text:");
        out.extend_from_slice(&self.text[..self.text.len().min(RECEIPT_TEXT_OCTETS)]);
    }

    /// Appends receipted_message_id and message_state.
    pub fn append_tlvs(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&Tag::RECEIPTED_MESSAGE_ID.0.to_be_bytes());
        out.extend_from_slice(&(self.message_id.len() as u16 + 1).to_be_bytes());
        out.extend_from_slice(self.message_id);
        out.push(0);
        tlv::append(out, Tag::MESSAGE_STATE, &[self.state as u8]);
    }

    /// The esm_class of the deliver_sm that carries it.
    pub const fn esm_class(&self) -> EsmClass {
        EsmClass::RECEIPT
    }
}

/// "text:(first 20 characters of the message)", Appendix B.
const RECEIPT_TEXT_OCTETS: usize = 20;

#[derive(Default)]
struct Fields<'a> {
    id: Option<&'a [u8]>,
    state: Option<&'a [u8]>,
    error: Option<&'a [u8]>,
    done: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    /// Reads `key:value` pairs up to `text:`, behind which anything may stand.
    fn read(text: &'a [u8]) -> Self {
        let mut fields = Self::default();
        let mut rest = text;
        while let Some(colon) = rest.iter().position(|&octet| octet == b':') {
            let key = last_word(&rest[..colon]);
            rest = &rest[colon + 1..];
            if key.eq_ignore_ascii_case(b"text") {
                break;
            }
            // "err: 0": a space may stand before the value.
            let value = rest.trim_ascii_start();
            let end = value
                .iter()
                .position(|octet| octet.is_ascii_whitespace() || *octet == 0)
                .unwrap_or(value.len());
            // An empty value is followed by the next key: leave that for the next round.
            let (value, behind) = value.split_at(end);
            if value.contains(&b':') {
                continue;
            }
            rest = behind;
            if let Some(slot) = fields.slot(key).filter(|_| !value.is_empty()) {
                *slot = Some(value);
            }
        }
        fields
    }
}

impl<'a> Fields<'a> {
    fn slot(&mut self, key: &[u8]) -> Option<&mut Option<&'a [u8]>> {
        let is = |name: &[u8]| key.eq_ignore_ascii_case(name);
        match () {
            () if is(b"id") => Some(&mut self.id),
            () if is(b"stat") => Some(&mut self.state),
            () if is(b"err") => Some(&mut self.error),
            // "done date": the last word decides, and submit date comes first.
            () if is(b"date") => Some(&mut self.done),
            () => None,
        }
    }
}

fn last_word(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii_end();
    let start = text.iter().rposition(u8::is_ascii_whitespace).map_or(0, |space| space + 1);
    &text[start..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tlv::Tlvs;

    fn deliver<'a>(text: &'a [u8], tlvs: &'a [u8]) -> ShortMessage<'a> {
        ShortMessage {
            esm_class: EsmClass::RECEIPT,
            short_message: text,
            tlvs: Tlvs::parse(tlvs).unwrap(),
            ..ShortMessage::default()
        }
    }

    #[test]
    fn what_is_written_is_read_by_text_and_by_tlvs() {
        let receipt = NewReceipt {
            message_id: b"0123456789abcdef",
            state: MessageState::Undeliverable,
            error: b"045",
            submitted_at_ms: 1_795_348_800_000,
            done_at_ms: 1_795_348_860_000,
            text: b"a text of more than twenty octets, id:no stat:no",
        };
        let (mut text, mut tlvs) = (Vec::new(), Vec::new());
        receipt.append_text(&mut text);
        receipt.append_tlvs(&mut tlvs);
        assert_eq!(
            String::from_utf8_lossy(&text),
            "id:0123456789abcdef sub:001 dlvrd:000 submit date:2611221200 done date:2611221201 stat:UNDELIV err:045 text:a text of more than "
        );
        let read = Receipt::read(&deliver(&text, &[])).unwrap();
        assert_eq!(read.message_id, b"0123456789abcdef");
        assert_eq!((read.state, read.error), (MessageState::Undeliverable, &b"045"[..]));
        assert_eq!(read.done_at_ms, Some(1_795_348_860_000));
        let by_tlvs = Receipt::read(&deliver(b"", &tlvs)).unwrap();
        assert_eq!((by_tlvs.message_id, by_tlvs.state), (read.message_id, read.state));
    }

    #[test]
    fn receipts_of_the_field_are_read() {
        let forms: [&[u8]; 5] = [
            b"id:7 stat:DELIVRD err:000 text:",
            b"ID:7 SUB:001 STAT:DELIVRD ERR: 0 Text:id:9",
            b"stat:delivrd vendor:x id:7",
            b"id: 7 sub: dlvrd: submit date:2611221200 done date:20261122120001 stat:DELIVRD err:0a",
            b"id:7\0 stat:DELIVRD",
        ];
        for form in forms {
            let receipt = Receipt::read(&deliver(form, &[]));
            let receipt = receipt.unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(form)));
            assert_eq!((receipt.message_id, receipt.state), (&b"7"[..], MessageState::Delivered));
        }
    }

    #[test]
    fn a_message_is_no_receipt() {
        let mut message = deliver(b"id:7 stat:DELIVRD", &[]);
        message.esm_class = EsmClass(0);
        assert_eq!(Receipt::read(&message), None);
        assert_eq!(Receipt::read(&deliver(b"hello", &[])), None);
    }
}
