//! Message ids and delivery receipts as a simulated carrier writes them (SMPP 3.4 Appendix B).

use brivas_smpp::frame::HEADER_BYTES;
use brivas_smpp::pdu::Address;
use brivas_smpp::tlv::Tag;
use brivas_smpp::{CommandId, CommandStatus, MessageState, time};

use super::conduct::Fate;
use super::options::MessageIdForm;
use crate::numbers::{hexadecimal, write_decimal};
use crate::wire;

/// A receipt that is still to be taken by its customer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Receipt {
    pub(super) id: u64,
    pub(super) attempts: u8,
    pub(super) fate: Fate,
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
        Self { id, attempts: 0, fate, to, from, submitted_at_ms }
    }
}

/// A message id as text.
#[derive(Clone, Copy, Debug)]
pub(super) struct IdText {
    octets: [u8; 20],
    length: usize,
}

impl IdText {
    #[inline]
    pub(super) fn octets(&self) -> &[u8] {
        &self.octets[..self.length]
    }

    fn hexadecimal(id: u64) -> Self {
        let mut octets = [0; 20];
        octets[..16].copy_from_slice(&hexadecimal(id));
        Self { octets, length: 16 }
    }

    fn decimal(id: u64, length: usize) -> Self {
        let mut octets = [0; 20];
        write_decimal(id, &mut octets[..length]);
        Self { octets, length }
    }

    #[inline]
    pub(super) fn of_response(id: u64, form: MessageIdForm) -> Self {
        match form {
            MessageIdForm::Hexadecimal | MessageIdForm::Mixed => Self::hexadecimal(id),
            MessageIdForm::Decimal => Self::decimal(id, decimal_length(id)),
            MessageIdForm::Padded => Self::decimal(id, 20),
        }
    }

    #[inline]
    fn of_receipt(id: u64, form: MessageIdForm) -> Self {
        match form {
            MessageIdForm::Mixed => Self::decimal(id, decimal_length(id)),
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
    form: MessageIdForm,
    minute: i64,
    date: [u8; 10],
}

impl ReceiptWriter {
    pub(super) const fn new(form: MessageIdForm) -> Self {
        Self { form, minute: i64::MIN, date: [b'0'; 10] }
    }

    /// Appends the deliver_sm.
    pub(super) fn append(
        &mut self,
        out: &mut Vec<u8>,
        sequence_number: u32,
        receipt: &Receipt,
        now_ms: i64,
        tlvs: bool,
    ) {
        let start = out.len();
        wire::header(out, 0, CommandId::DELIVER_SM, CommandStatus::ROK, sequence_number);
        out.push(0);
        receipt.from.append(out);
        receipt.to.append(out);
        // esm_class "MC delivery receipt"; then all that has no meaning in a receipt, and sm_length.
        out.extend_from_slice(&[0x04, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        let text_start = out.len();
        let id = IdText::of_receipt(receipt.id, self.form);
        out.extend_from_slice(b"id:");
        out.extend_from_slice(id.octets());
        let delivered = receipt.fate.state == MessageState::Delivered;
        out.extend_from_slice(if delivered {
            b" sub:001 dlvrd:001 submit date:"
        } else {
            b" sub:001 dlvrd:000 submit date:"
        });
        self.append_date(out, receipt.submitted_at_ms);
        out.extend_from_slice(b" done date:");
        self.append_date(out, now_ms);
        out.extend_from_slice(b" stat:");
        out.extend_from_slice(receipt.fate.state.receipt_text().as_bytes());
        out.extend_from_slice(b" err:");
        out.extend_from_slice(&receipt.fate.error);
        out.extend_from_slice(b" text:");
        // The longest text has 118 octets.
        out[text_start - 1] = (out.len() - text_start) as u8;
        if tlvs {
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
    use brivas_smpp::{Pdu, frame, receipt};

    #[test]
    fn a_receipt_is_read_by_the_codec() {
        let from = Address { ton: 1, npi: 1, digits: b"491500000000042" };
        let to = Address { ton: 5, npi: 0, digits: b"Brivas" };
        let message = wire::Message { source: to, destination: from, esm_class: 0, registered_delivery: 1 };
        let fate = Fate { state: MessageState::Undeliverable, error: *b"045" };
        let receipt = Receipt::new(0xABC, fate, &message, 1_795_348_800_000);
        for (form, id) in [
            (MessageIdForm::Hexadecimal, &b"0000000000000abc"[..]),
            (MessageIdForm::Decimal, b"2748"),
            (MessageIdForm::Padded, b"00000000000000002748"),
            (MessageIdForm::Mixed, b"2748"),
        ] {
            for tlvs in [false, true] {
                let mut out = Vec::new();
                ReceiptWriter::new(form).append(&mut out, 9, &receipt, 1_795_348_860_000, tlvs);
                let frame::Check::Complete(frame) = frame::check(&out, 1_000) else { panic!("no frame") };
                assert_eq!(frame.header.command_length as usize, out.len());
                let Ok(Pdu::DeliverSm(message)) = Pdu::decode(frame) else { panic!("no deliver_sm") };
                assert_eq!((message.source, message.destination), (from, to));
                let read = receipt::Receipt::read(&message).unwrap();
                assert_eq!((read.message_id, read.state, read.error), (id, fate.state, &b"045"[..]));
                assert_eq!(read.done_at_ms, Some(1_795_348_860_000));
            }
        }
        assert_eq!(IdText::of_response(0xABC, MessageIdForm::Mixed).octets(), b"0000000000000abc");
        assert_eq!(IdText::of_response(0, MessageIdForm::Decimal).octets(), b"0");
    }
}
