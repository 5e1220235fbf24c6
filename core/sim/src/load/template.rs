//! A submit_sm that is written once; then only its sequence number and destination change.

use brivas_smpp::pdu::Address;
use brivas_smpp::{CommandId, RegisteredDelivery, ShortMessage, frame};

use super::options::LoadOptions;
use crate::numbers::Numbering;

/// The PDU, and where what changes stands in it.
#[derive(Debug)]
pub(super) struct Template {
    pdu: Vec<u8>,
    destination_at: usize,
    numbering: Numbering,
}

impl Template {
    pub(super) fn new(options: &LoadOptions, numbering: Numbering) -> Self {
        let numeric = options.source.bytes().all(|octet| octet.is_ascii_digit());
        // TON alphanumeric has NPI unknown (SMPP 3.4 §5.2.5, §5.2.6).
        let (ton, npi) = if numeric { (1, 1) } else { (5, 0) };
        let text: Vec<u8> = TEXT.bytes().cycle().take(options.text_octets).collect();
        let mut destination = vec![b'0'; numbering.digits()];
        numbering.write(0, &mut destination);
        let message = ShortMessage {
            source: Address { ton, npi, digits: options.source.as_bytes() },
            destination: Address { ton: 1, npi: 1, digits: &destination },
            registered_delivery: RegisteredDelivery(options.registered_delivery),
            short_message: &text,
            ..ShortMessage::default()
        };
        let mut pdu = Vec::new();
        frame::append(&mut pdu, CommandId::SUBMIT_SM, 0, 0, |out| message.encode(out));
        // service_type is one NUL; each address has TON, NPI, its digits and a NUL.
        let destination_at = frame::HEADER_BYTES + 1 + 2 + options.source.len() + 1 + 2;
        Self { pdu, destination_at, numbering }
    }

    #[inline]
    pub(super) fn append(&mut self, out: &mut Vec<u8>, sequence_number: u32, number: u64) {
        self.pdu[12..16].copy_from_slice(&sequence_number.to_be_bytes());
        let destination = self.destination_at..self.destination_at + self.numbering.digits();
        self.numbering.write(number, &mut self.pdu[destination]);
        out.extend_from_slice(&self.pdu);
    }

    /// The number of a receipt's source; None where it is not ours.
    #[inline]
    pub(super) fn number(&self, address: &[u8]) -> Option<u64> {
        self.numbering.read(address)
    }
}

const TEXT: &str = "Your parcel is on its way and arrives today between two and four. ";

#[cfg(test)]
mod tests {
    use super::*;
    use brivas_smpp::Pdu;

    #[test]
    fn what_changes_stands_where_the_codec_reads_it() {
        let options = LoadOptions::from_json(r#"{"messages": 1, "source": "4915000"}"#).unwrap();
        let mut template = Template::new(&options, options.numbering().unwrap());
        let mut out = Vec::new();
        template.append(&mut out, 77, 12_345);
        let frame::Check::Complete(frame) = frame::check(&out, 1_000) else { panic!("no frame") };
        assert_eq!(frame.header.sequence_number, 77);
        let Ok(Pdu::SubmitSm(message)) = Pdu::decode(frame) else { panic!("no submit_sm") };
        assert_eq!(message.destination.digits, b"491500000012345");
        assert_eq!(message.source, Address { ton: 1, npi: 1, digits: b"4915000" });
        assert_eq!((message.short_message.len(), message.registered_delivery.0), (140, 1));
        assert_eq!(template.number(message.destination.digits), Some(12_345));
    }
}
