//! Delivery receipts: the text of SMPP 3.4 Appendix B, and the TLVs that say the same.
//!
//! The text is "vendor specific, typical example": it is written in the typical form and read
//! tolerantly, any order, any case, fields missing, more fields than known. [`IdQuirk`] matches the ids of
//! carriers that write them one way in a response and another way in a receipt.

mod fields;
mod message_id;
mod zone;

pub use message_id::{IdForms, IdQuirk, IdText, id_forms};
pub use zone::learn_zone_minutes;

use crate::pdu::ShortMessage;
use crate::segment::Udh;
use crate::time;
use crate::tlv::{self, Tag};
use crate::values::{EsmClass, MessageState};
use fields::Fields;

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
    /// `submit date`, as it came.
    pub submit_date: &'a [u8],
    /// network_error_code, where it came.
    pub network_error: Option<NetworkError>,
}

/// network_error_code (SMPP 3.4 §5.3.2.31).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkError {
    /// Whose code it is: 1 ANSI-136, 2 IS-95, 3 GSM, and more in 5.0.
    pub network: u8,
    /// The network's code.
    pub code: u16,
}

/// How a carrier's receipts differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReceiptQuirks {
    /// Receipts come without the esm_class that says so. Only for carriers that do: a phone may send such a text.
    pub without_class: bool,
    /// Minutes that its dates are ahead of UTC: they name no zone. See [`learn_zone_minutes`].
    pub zone_minutes: i16,
}

impl<'a> Receipt<'a> {
    /// Reads the receipt out of a deliver_sm or data_sm. TLVs are believed before the text.
    /// None: it is none, or has no message id or state.
    pub fn read(message: &ShortMessage<'a>) -> Option<Self> {
        Self::read_from(message, ReceiptQuirks::default())
    }

    /// [`Receipt::read`], for a carrier with quirks.
    pub fn read_from(message: &ShortMessage<'a>, quirks: ReceiptQuirks) -> Option<Self> {
        let class = message.esm_class;
        let has_class = class.is_receipt() || class.is_intermediate_notification();
        let may_be_one = has_class || (quirks.without_class && class.0 & MESSAGE_TYPE == 0);
        if !may_be_one {
            return None;
        }
        let mut text = message.text();
        if class.has_udh() {
            text = Udh::split(text).map_or(text, |(_, content)| content);
        }
        let fields = Fields::read(text);
        let id_tlv = message.tlvs.find(Tag::RECEIPTED_MESSAGE_ID).map(tlv::c_string);
        let id_tlv = id_tlv.filter(|id| !id.is_empty());
        let state_tlv = message.tlvs.find(Tag::MESSAGE_STATE).and_then(|value| value.first().copied());
        let state_tlv = state_tlv.and_then(MessageState::from_octet);
        let is_certain = has_class || (id_tlv.is_some() && state_tlv.is_some()) || fields.are_of_a_receipt();
        let done_local_ms = fields.done.and_then(time::parse_receipt_date);
        is_certain.then_some(())?;
        Some(Self {
            message_id: id_tlv.or(fields.id)?,
            state: state_tlv.or(fields.state)?,
            error: fields.error.unwrap_or_default(),
            done_at_ms: done_local_ms.map(|at_ms| at_ms - i64::from(quirks.zone_minutes) * 60_000),
            submit_date: fields.submitted.unwrap_or_default(),
            network_error: message.tlvs.find(Tag::NETWORK_ERROR_CODE).and_then(|value| match *value {
                [network, high, low] => Some(NetworkError { network, code: u16::from_be_bytes([high, low]) }),
                _ => None,
            }),
        })
    }

    /// `err` as a number; nothing in it says whether it is hexadecimal. Letters, blanks and too much are None.
    pub fn error_number(&self, hexadecimal: bool) -> Option<u32> {
        let digits = std::str::from_utf8(self.error).ok()?;
        let digits = if hexadecimal { digits.strip_prefix("0x").unwrap_or(digits) } else { digits };
        // The library takes a sign, which no code has.
        let radix = if hexadecimal { 16 } else { 10 };
        u32::from_str_radix(digits, radix).ok().filter(|_| !digits.starts_with('+'))
    }
}

/// The bits of esm_class that say what kind of message it is (SMPP 3.4 §5.2.12).
const MESSAGE_TYPE: u8 = 0b0011_1100;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tlv::Tlvs;
    use proptest::prelude::*;

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
        let forms: [&[u8]; 20] = [
            b"id:7 stat:DELIVRD err:000 text:",
            // Any case, any order, blanks before the value.
            b"ID:7 SUB:001 STAT:DELIVRD ERR: 0 Text:id:9",
            b"stat:delivrd vendor:x id:7",
            b"Stat:DELIVRD Err:000 Text:hello Id:7",
            b"id: 7 sub: dlvrd: submit date:2611221200 done date:20261122120001 stat:DELIVRD err:0a",
            // Fields missing, and more than known.
            b"id:7 done date:2611221200 stat:DELIVRD",
            b"id:7 sub:001 dlvrd:001 mcc:262 mnc:01 cost:0.05 stat:DELIVRD imsi:262011234567890 err:000",
            b"id:7 sub: dlvrd: submit date: done date: stat:DELIVRD err: text:",
            // NULs and colons.
            b"id:7\0 stat:DELIVRD",
            b"id:7\0stat:DELIVRD\0err:000\0",
            b"id:7 stat:DELIVRD err:000 text:a:b stat:\0 id:9 12:30",
            b"at 12:30 id:7 stat:DELIVRD text:http://brivas.example/id:9",
            b"text:12:30 stat:later id:7 stat:DELIVRD",
            // Other separators, other words.
            b"id:7;sub:001;stat:DELIVRD;err:000",
            b"id:7, stat:DELIVRD, err:000",
            b"id:7 stat:DELIVERED",
            b"msgid:7 status:delivered error:0",
            b"message_id:7 submit_date:2611221200 done_date:2611221200 stat:2",
            b"\r\n id:7\r\nstat:DELIVRD\r\n",
            b"id:7 id:8 stat:DELIVRD stat:UNDELIV",
        ];
        for form in forms {
            let receipt = Receipt::read(&deliver(form, &[]));
            let receipt = receipt.unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(form)));
            let read = (receipt.message_id, receipt.state);
            assert_eq!(read, (&b"7"[..], MessageState::Delivered), "{}", String::from_utf8_lossy(form));
        }
        let with_colon = Receipt::read(&deliver(b"id:10:22:7 stat:REJECTED", &[])).unwrap();
        assert_eq!((with_colon.message_id, with_colon.state), (&b"10:22:7"[..], MessageState::Rejected));
    }

    #[test]
    fn dates_are_read_in_every_length_and_in_the_zone_of_the_carrier() {
        let noon_ms = 1_795_348_800_000;
        for (date, at_ms) in [
            ("2611221200", Some(noon_ms)),
            ("261122120007", Some(noon_ms + 7_000)),
            ("20261122120007", Some(noon_ms + 7_000)),
            ("yesterday", None),
            ("0000000000", None),
        ] {
            let text = format!("id:7 submit date:{date} done date:{date} stat:DELIVRD");
            let receipt = Receipt::read(&deliver(text.as_bytes(), &[])).unwrap();
            assert_eq!((receipt.submit_date, receipt.done_at_ms), (date.as_bytes(), at_ms), "{date}");
            let local = ReceiptQuirks { zone_minutes: 330, ..ReceiptQuirks::default() };
            let receipt = Receipt::read_from(&deliver(text.as_bytes(), &[]), local).unwrap();
            assert_eq!(receipt.done_at_ms, at_ms.map(|at_ms| at_ms - 330 * 60_000));
        }
    }

    #[test]
    fn errors_are_kept_as_they_came_and_read_as_the_carrier_means_them() {
        for (text, decimal, hexadecimal) in [
            ("045", Some(45), Some(0x45)),
            ("0a", None, Some(10)),
            ("0xFF", None, Some(255)),
            ("-1", None, None),
            ("+1", None, None),
            ("none", None, None),
            ("99999999999", None, None),
        ] {
            let receipt = format!("id:7 stat:UNDELIV err:{text}");
            let receipt = deliver(receipt.as_bytes(), &[]);
            let read = Receipt::read(&receipt).unwrap();
            assert_eq!(read.error, text.as_bytes());
            assert_eq!((read.error_number(false), read.error_number(true)), (decimal, hexadecimal), "{text}");
        }
        // Behind the text stands what the message said.
        let of_text =
            Receipt::read(&deliver(b"id:7 stat:UNDELIV text:err:9 done date:2611221200", &[])).unwrap();
        assert_eq!((of_text.error, of_text.done_at_ms), (&b""[..], None));
        let empty = Receipt::read(&deliver(b"id:7 stat:UNDELIV err: text:", &[])).unwrap();
        assert_eq!((empty.error, empty.error_number(false)), (&b""[..], None));
    }

    #[test]
    fn tlvs_alone_make_a_receipt_and_are_believed_before_the_text() {
        let mut area = Vec::new();
        tlv::append(&mut area, Tag::NETWORK_ERROR_CODE, &[3, 0x01, 0x02]);
        tlv::append(&mut area, Tag::MESSAGE_STATE, &[5]);
        // Without its NUL.
        tlv::append(&mut area, Tag::RECEIPTED_MESSAGE_ID, b"abc");
        let read = Receipt::read(&deliver(b"", &area)).unwrap();
        assert_eq!((read.message_id, read.state), (&b"abc"[..], MessageState::Undeliverable));
        assert_eq!(read.network_error, Some(NetworkError { network: 3, code: 0x0102 }));
        let read = Receipt::read(&deliver(b"id:7 stat:DELIVRD err:001", &area)).unwrap();
        assert_eq!(
            (read.message_id, read.state, read.error),
            (&b"abc"[..], MessageState::Undeliverable, &b"001"[..])
        );
        // What a TLV does not say, or says wrongly, the text may.
        let mut area = Vec::new();
        tlv::append(&mut area, Tag::RECEIPTED_MESSAGE_ID, b"\0");
        tlv::append(&mut area, Tag::MESSAGE_STATE, &[99]);
        tlv::append(&mut area, Tag::NETWORK_ERROR_CODE, &[3]);
        let read = Receipt::read(&deliver(b"id:7 stat:EXPIRED", &area)).unwrap();
        assert_eq!(
            (read.message_id, read.state, read.network_error),
            (&b"7"[..], MessageState::Expired, None)
        );
    }

    #[test]
    fn a_receipt_may_stand_in_message_payload_or_behind_a_header() {
        let mut area = Vec::new();
        tlv::append(&mut area, Tag::MESSAGE_PAYLOAD, b"id:7 stat:ACCEPTD");
        let read = Receipt::read(&deliver(b"", &area)).unwrap();
        assert_eq!((read.message_id, read.state), (&b"7"[..], MessageState::Accepted));
        let mut message = deliver(b"\x05\x00\x03id:id:7 stat:DELIVRD", &[]);
        message.esm_class = EsmClass(0x44);
        assert_eq!(Receipt::read(&message).unwrap().message_id, b"7");
    }

    #[test]
    fn a_message_is_no_receipt() {
        let mut message = deliver(b"id:7 stat:DELIVRD", &[]);
        message.esm_class = EsmClass(0);
        assert_eq!(Receipt::read(&message), None);
        assert_eq!(Receipt::read(&deliver(b"hello", &[])), None);
        assert_eq!(Receipt::read(&deliver(b"id:7 stat:NONSENSE", &[])), None);
        assert_eq!(Receipt::read(&deliver(b"stat:DELIVRD", &[])), None);
    }

    #[test]
    fn without_its_class_a_receipt_is_one_only_for_carriers_that_do_so_and_if_it_is_complete() {
        let quirks = ReceiptQuirks { without_class: true, ..ReceiptQuirks::default() };
        let text =
            b"id:7 sub:001 dlvrd:001 submit date:2611221200 done date:2611221200 stat:DELIVRD err:000 text:";
        let of = |esm_class, text, tlvs| {
            let message = ShortMessage { esm_class: EsmClass(esm_class), ..deliver(text, tlvs) };
            [Receipt::read(&message), Receipt::read_from(&message, quirks)].map(|receipt| receipt.is_some())
        };
        assert_eq!(of(0, text, &[]), [false, true]);
        assert_eq!(of(0x03, text, &[]), [false, true]);
        // A user's own acknowledgement is another type.
        assert_eq!(of(0x10, text, &[]), [false, false]);
        assert_eq!(of(0, b"id:7 stat:DELIVRD", &[]), [false, false]);
        let mut area = Vec::new();
        tlv::append(&mut area, Tag::RECEIPTED_MESSAGE_ID, b"7\0");
        tlv::append(&mut area, Tag::MESSAGE_STATE, &[2]);
        assert_eq!(of(0, b"", &area), [false, true]);
    }

    proptest! {
        #[test]
        fn reading_never_panics(
            text in prop::collection::vec(prop::sample::select(b"id:stat err:text:\0 7;,dateDELIVRD".to_vec()), 0..80),
            octets in prop::collection::vec(any::<u8>(), 0..80),
            esm_class: u8,
        ) {
            for text in [text, octets] {
                let message = ShortMessage { esm_class: EsmClass(esm_class), ..deliver(&text, &[]) };
                let quirks = ReceiptQuirks { without_class: true, zone_minutes: i16::MIN };
                Receipt::read_from(&message, quirks);
            }
        }

        #[test]
        fn fields_in_any_order_are_read(
            order in Just(vec!["id:7a", "sub:001", "dlvrd:001", "submit date:2611221200", "done date:2611221201",
                "stat:EXPIRED", "err:0ff", "vendor:x:y"]).prop_shuffle(),
            separator in prop::sample::select(vec![" ", "  ", "\0", " ;", ", ", "\r\n"]),
        ) {
            let text = order.join(separator);
            let read = Receipt::read(&deliver(text.as_bytes(), &[]));
            let expected = Receipt {
                message_id: b"7a",
                state: MessageState::Expired,
                error: b"0ff",
                done_at_ms: Some(1_795_348_860_000),
                submit_date: b"2611221200",
                network_error: None,
            };
            prop_assert_eq!(read, Some(expected));
        }
    }
}
