//! Message ids and delivery receipts as a simulated carrier writes them (SMPP 3.4 Appendix B).

use brivas_smpp::frame::HEADER_BYTES;
use brivas_smpp::pdu::Address;
use brivas_smpp::tlv::Tag;
use brivas_smpp::{CommandId, CommandStatus, MessageState, time};

use super::conduct::Fate;
use super::options::{MessageIdForm, ReceiptForm, SmscOptions};
use crate::numbers::{hexadecimal, write_decimal};
use crate::wire;

/// A receipt that is still to be taken by its customer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Receipt {
    pub(super) id: u64,
    pub(super) attempts: u8,
    pub(super) fate: Fate,
    /// The token of its message's connection.
    pub(super) came_on: u32,
    /// The message's source.
    to: Number,
    /// The message's destination.
    from: Number,
    submitted_at_ms: i64,
}

/// An address that is its own owner.
#[derive(Clone, Copy, Debug)]
struct Number {
    ton: u8,
    npi: u8,
    length: u8,
    digits: [u8; 20],
}

impl Number {
    fn of(address: &Address<'_>) -> Self {
        let mut digits = [0; 20];
        let length = address.digits.len().min(20);
        digits[..length].copy_from_slice(&address.digits[..length]);
        Self { ton: address.ton, npi: address.npi, length: length as u8, digits }
    }

    fn append(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[self.ton, self.npi]);
        out.extend_from_slice(&self.digits[..usize::from(self.length)]);
        out.push(0);
    }
}

impl Receipt {
    pub(super) fn new(id: u64, fate: Fate, message: &wire::Message<'_>, submitted_at_ms: i64) -> Self {
        let (to, from) = (Number::of(&message.source), Number::of(&message.destination));
        Self { id, attempts: 0, fate, came_on: u32::MAX, to, from, submitted_at_ms }
    }
}

/// A message id as text.
#[derive(Clone, Copy, Debug)]
pub(super) struct IdText {
    octets: [u8; ID_OCTETS_MAX],
    length: usize,
}

/// A UUID's.
const ID_OCTETS_MAX: usize = 36;
/// Where a UUID has its dashes.
const DASHES: [usize; 4] = [8, 13, 18, 23];

impl IdText {
    #[inline]
    pub(super) fn octets(&self) -> &[u8] {
        &self.octets[..self.length]
    }

    fn hexadecimal(id: u64) -> Self {
        let mut octets = [0; ID_OCTETS_MAX];
        octets[..16].copy_from_slice(&hexadecimal(id));
        Self { octets, length: 16 }
    }

    fn decimal(id: u64, length: usize) -> Self {
        let mut octets = [0; ID_OCTETS_MAX];
        write_decimal(id, &mut octets[..length]);
        Self { octets, length }
    }

    /// The last 8 digits.
    fn short(id: u64) -> Self {
        let mut text = Self::hexadecimal(id);
        text.octets.copy_within(8..16, 0);
        Self { length: 8, ..text }
    }

    /// The digits twice, with dashes or without.
    fn uuid(id: u64, has_dashes: bool) -> Self {
        let digits = hexadecimal(id);
        let mut text = Self { octets: [0; ID_OCTETS_MAX], length: 0 };
        for &digit in digits.iter().chain(&digits) {
            if has_dashes && DASHES.contains(&text.length) {
                text.octets[text.length] = b'-';
                text.length += 1;
            }
            text.octets[text.length] = digit;
            text.length += 1;
        }
        text
    }

    #[inline]
    pub(super) fn of_response(id: u64, form: MessageIdForm) -> Self {
        match form {
            MessageIdForm::Hexadecimal | MessageIdForm::Mixed => Self::hexadecimal(id),
            MessageIdForm::Case => {
                let mut text = Self::hexadecimal(id);
                text.octets.make_ascii_uppercase();
                text
            }
            MessageIdForm::Decimal | MessageIdForm::Reversed => Self::decimal(id, decimal_length(id)),
            MessageIdForm::Padded | MessageIdForm::Zeros => Self::decimal(id, 20),
            MessageIdForm::Dashes => Self::uuid(id, true),
            MessageIdForm::Short => Self::short(id),
        }
    }

    #[inline]
    fn of_receipt(id: u64, form: MessageIdForm) -> Self {
        match form {
            MessageIdForm::Mixed | MessageIdForm::Zeros => Self::decimal(id, decimal_length(id)),
            MessageIdForm::Reversed | MessageIdForm::Case => Self::hexadecimal(id),
            MessageIdForm::Dashes => Self::uuid(id, false),
            other => Self::of_response(id, other),
        }
    }
}

fn decimal_length(id: u64) -> usize {
    id.checked_ilog10().unwrap_or(0) as usize + 1
}

/// Writes receipts; keeps the date of the minute, which is costly to reckon.
#[derive(Debug)]
pub(super) struct ReceiptWriter {
    ids: MessageIdForm,
    form: ReceiptForm,
    zone_ms: i64,
    extra_nul: bool,
    minute: i64,
    date: [u8; 10],
}

impl ReceiptWriter {
    pub(super) const fn new(options: &SmscOptions) -> Self {
        Self {
            ids: options.message_id,
            form: options.receipt_form,
            zone_ms: options.receipt_zone_minutes * 60_000,
            extra_nul: options.extra_nul,
            minute: i64::MIN,
            date: [b'0'; 10],
        }
    }

    /// Appends the PDU.
    pub(super) fn append(
        &mut self,
        out: &mut Vec<u8>,
        sequence_number: u32,
        receipt: &Receipt,
        now_ms: i64,
        tlvs: bool,
    ) {
        let start = out.len();
        let is_data = self.form == ReceiptForm::DataSm;
        let command = if is_data { CommandId::DATA_SM } else { CommandId::DELIVER_SM };
        wire::header(out, 0, command, CommandStatus::ROK, sequence_number);
        out.push(0);
        receipt.from.append(out);
        receipt.to.append(out);
        // "MC delivery receipt".
        out.push(if self.form == ReceiptForm::Plain { 0 } else { 0x04 });
        // All that has no meaning in a receipt.
        out.extend_from_slice(&[0; 8][..if is_data { 2 } else { 8 }]);
        let id = IdText::of_receipt(receipt.id, self.ids);
        let length_octets = if is_data {
            // The tag of message_payload, and its length.
            out.extend_from_slice(&Tag::MESSAGE_PAYLOAD.0.to_be_bytes());
            2
        } else {
            1
        };
        out.extend_from_slice(&[0; 2][..length_octets]);
        let text_start = out.len();
        if self.form != ReceiptForm::Tlvs {
            self.append_text(out, &id, receipt, now_ms);
        }
        // The longest text has 139 octets.
        out[text_start - 1] = (out.len() - text_start) as u8;
        if (tlvs && self.form == ReceiptForm::Text) || self.form == ReceiptForm::Tlvs {
            out.extend_from_slice(&Tag::RECEIPTED_MESSAGE_ID.0.to_be_bytes());
            out.extend_from_slice(&(id.length as u16 + 1).to_be_bytes());
            out.extend_from_slice(id.octets());
            let [high, low] = Tag::MESSAGE_STATE.0.to_be_bytes();
            out.extend_from_slice(&[0, high, low, 0, 1, receipt.fate.state as u8]);
        }
        let length = (out.len() - start) as u32;
        out[start..start + 4].copy_from_slice(&length.to_be_bytes());
        debug_assert!(length as usize > HEADER_BYTES);
    }

    fn append_text(&mut self, out: &mut Vec<u8>, id: &IdText, receipt: &Receipt, now_ms: i64) {
        out.extend_from_slice(b"id:");
        out.extend_from_slice(id.octets());
        let delivered = receipt.fate.state == MessageState::Delivered;
        out.extend_from_slice(if delivered {
            b" sub:001 dlvrd:001 submit date:"
        } else {
            b" sub:001 dlvrd:000 submit date:"
        });
        self.append_date(out, receipt.submitted_at_ms + self.zone_ms);
        out.extend_from_slice(b" done date:");
        self.append_date(out, now_ms + self.zone_ms);
        out.extend_from_slice(b" stat:");
        out.extend_from_slice(receipt.fate.state.receipt_text().as_bytes());
        out.extend_from_slice(b" err:");
        out.extend_from_slice(&receipt.fate.error);
        out.extend_from_slice(b" text:");
        if self.extra_nul {
            out.push(0);
        }
    }

    fn append_date(&mut self, out: &mut Vec<u8>, at_ms: i64) {
        let minute = at_ms.div_euclid(60_000);
        if minute != self.minute {
            let mut date = Vec::with_capacity(10);
            time::append_receipt_date(&mut date, at_ms);
            if let Ok(date) = <[u8; 10]>::try_from(date.as_slice()) {
                self.date = date;
            }
            self.minute = minute;
        }
        out.extend_from_slice(&self.date);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use brivas_smpp::{Pdu, ShortMessage, frame, receipt};

    #[test]
    fn a_receipt_is_read_by_the_codec() {
        let from = Address { ton: 1, npi: 1, digits: b"491500000000042" };
        let to = Address { ton: 5, npi: 0, digits: b"Brivas" };
        let message = wire::Message { source: to, destination: from, esm_class: 0, registered_delivery: 1 };
        let fate = Fate { state: MessageState::Undeliverable, error: *b"045" };
        let receipt = Receipt::new(0xABC, fate, &message, 1_795_348_800_000);
        for (form, id) in [
            ("hexadecimal", &b"0000000000000abc"[..]),
            ("decimal", b"2748"),
            ("padded", b"00000000000000002748"),
            ("mixed", b"2748"),
            ("reversed", b"0000000000000abc"),
            ("case", b"0000000000000abc"),
            ("zeros", b"2748"),
            ("dashes", b"0000000000000abc0000000000000abc"),
            ("short", b"00000abc"),
        ] {
            for (shape, tlvs) in
                [("text", false), ("text", true), ("plain", true), ("tlvs", true), ("data_sm", true)]
            {
                let options =
                    format!(r#"{{"message_id": "{form}", "receipt_form": "{shape}", "extra_nul": {tlvs}}}"#);
                let options = SmscOptions::from_json(&options).unwrap();
                let mut out = Vec::new();
                ReceiptWriter::new(&options).append(&mut out, 9, &receipt, 1_795_348_860_000, tlvs);
                let frame::Check::Complete(frame) = frame::check(&out, 1_000) else { panic!("no frame") };
                assert_eq!(frame.header.command_length as usize, out.len());
                let message = match Pdu::decode(frame) {
                    Ok(Pdu::DeliverSm(message)) => message,
                    Ok(Pdu::DataSm(data)) => ShortMessage {
                        source: data.source,
                        destination: data.destination,
                        esm_class: data.esm_class,
                        tlvs: data.tlvs,
                        ..ShortMessage::default()
                    },
                    other => panic!("{other:?}"),
                };
                assert_eq!((message.source, message.destination), (from, to));
                assert_eq!(message.esm_class.is_receipt(), shape != "plain");
                let quirks = receipt::ReceiptQuirks { without_class: true, ..Default::default() };
                let read = receipt::Receipt::read_from(&message, quirks).unwrap();
                assert_eq!((read.message_id, read.state), (id, fate.state), "{shape}");
                if shape != "tlvs" {
                    assert_eq!((read.error, read.done_at_ms), (&b"045"[..], Some(1_795_348_860_000)));
                }
            }
        }
        let response = |form| IdText::of_response(0xABC, form).octets().to_vec();
        assert_eq!(response(MessageIdForm::Mixed), b"0000000000000abc");
        assert_eq!(response(MessageIdForm::Case), b"0000000000000ABC");
        assert_eq!(response(MessageIdForm::Dashes), b"00000000-0000-0abc-0000-000000000abc");
        assert_eq!(IdText::of_response(0, MessageIdForm::Decimal).octets(), b"0");
    }

    #[test]
    fn dates_are_in_the_carriers_zone() {
        let options = SmscOptions::from_json(r#"{"receipt_zone_minutes": 120}"#).unwrap();
        let address = Address { ton: 1, npi: 1, digits: b"491701" };
        let message =
            wire::Message { source: address, destination: address, esm_class: 0, registered_delivery: 1 };
        let fate = Fate { state: MessageState::Delivered, error: *b"000" };
        let mut out = Vec::new();
        let receipt = Receipt::new(1, fate, &message, 0);
        ReceiptWriter::new(&options).append(&mut out, 1, &receipt, 60_000, false);
        let text = String::from_utf8_lossy(&out);
        assert!(text.contains("submit date:7001010200 done date:7001010201"), "{text}");
    }
}
