//! The beginning of a message as it stands in its receipt: "text: (first 20 characters of the message)", SMPP 3.4
//! Appendix B.
//!
//! A receipt has data_coding 0, so the characters are written in what that means to the customer. Receipts are read by
//! programs, octet by octet: they are not packed, whoever's messages are.

use brivas_smpp::ShortMessage;
use brivas_smpp::segment::Segmented;
use brivas_smpp::text::{Charset, DataCoding, DefaultAlphabet, ESCAPE, Encoding, Shift, nearest};

const CHARACTERS: usize = 20;
/// Octets that hold twenty characters of whatever set: four each, and an escape.
const LOOKED_AT_OCTETS: usize = 84;
/// In place of a character that the customer's alphabet lacks.
const UNKNOWN: u8 = b'?';

/// Appends it. A binary message has none.
pub(super) fn append_beginning(content: &ShortMessage<'_>, alphabet: DefaultAlphabet, out: &mut Vec<u8>) {
    let part = Segmented::read(content);
    let (octets, shift) = match &part {
        Ok(part) => (part.content, part.header.shift()),
        Err(_) => (content.text(), Shift::NONE),
    };
    let from = Encoding::of(DataCoding(content.data_coding), alphabet, shift);
    let to = Charset::of(DataCoding(0), alphabet);
    if from.charset == to && shift == Shift::NONE && !matches!(to, Charset::GsmPacked(_)) {
        // As most are: the same octets.
        let first = &octets[..octets.len().min(CHARACTERS)];
        if to != Charset::Utf8 && !(to.is_gsm() && first.contains(&ESCAPE)) {
            out.extend_from_slice(first);
            return;
        }
        let mut rest = octets;
        for _ in 0..CHARACTERS {
            let (first, others) = rest.split_at(to.atom(rest));
            out.extend_from_slice(first);
            rest = others;
        }
        return;
    }
    let mut text = String::new();
    match (from.charset, &part) {
        (Charset::Octets, _) => return,
        (Charset::GsmPacked(_), Ok(part)) => {
            let mut unpacked = Vec::new();
            part.append_unpacked(&from, &mut unpacked);
            unpacked.truncate(LOOKED_AT_OCTETS);
            from.charset.decode(shift, &unpacked, &mut text);
        }
        (charset, _) => charset.decode(shift, &octets[..octets.len().min(LOOKED_AT_OCTETS)], &mut text),
    }
    let mut one = [0; 4];
    for character in text.chars().take(CHARACTERS) {
        let written = out.len();
        let in_it = to.encode(Shift::NONE, character.encode_utf8(&mut one), out);
        let in_it = in_it.or_else(|why| {
            out.truncate(written);
            nearest(character).map_or(Err(why), |near| to.encode(Shift::NONE, near, out))
        });
        if in_it.is_err() {
            out.truncate(written);
            out.push(UNKNOWN);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use brivas_smpp::EsmClass;
    use brivas_smpp::text::Padding;
    use proptest::prelude::*;

    const PACKED: DefaultAlphabet = DefaultAlphabet::GsmPacked(Padding::CarriageReturn);

    fn beginning(alphabet: DefaultAlphabet, data_coding: u8, short_message: &[u8]) -> Vec<u8> {
        let content = ShortMessage { data_coding, short_message, ..ShortMessage::default() };
        let mut out = Vec::new();
        append_beginning(&content, alphabet, &mut out);
        out
    }

    #[test]
    fn the_first_twenty_characters_stand_in_the_customers_alphabet() {
        let ucs2 = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>();
        // In the customer's own, as it came.
        assert_eq!(
            beginning(DefaultAlphabet::Gsm, 0, b"a text of more than twenty"),
            b"a text of more than "
        );
        assert_eq!(beginning(DefaultAlphabet::Latin1, 0, b"d\xe9j\xe0 vu"), b"d\xe9j\xe0 vu");
        // The euro sign takes two octets, which stay together.
        let euros = b"\x1be".repeat(25);
        assert_eq!(beginning(DefaultAlphabet::Gsm, 0, &euros), b"\x1be".repeat(20));
        // By name, and in another alphabet.
        assert_eq!(beginning(DefaultAlphabet::Gsm, 3, b"\xe9@"), b"\x05\x00");
        assert_eq!(beginning(DefaultAlphabet::Latin1, 3, b"\xe9@"), b"\xe9@");
        assert_eq!(
            beginning(DefaultAlphabet::Gsm, 8, &ucs2("Gr\u{fc}\u{df}e an alle, die das lesen")),
            b"Gr\x7e\x1ee an alle, die d"
        );
        assert_eq!(
            beginning(DefaultAlphabet::Utf8, 8, &ucs2("\u{4f60}\u{1f600}")),
            "\u{4f60}\u{1f600}".as_bytes()
        );
        // Its nearest where there is one, else a question mark.
        assert_eq!(beginning(DefaultAlphabet::Gsm, 8, &ucs2("\u{201c}\u{142}\u{201d} \u{4f60}")), b"\"l\" ?");
        assert_eq!(beginning(DefaultAlphabet::Ascii, 8, &ucs2("caf\u{e9}")), b"caf?");
        // Packed text is unpacked, and binary is none.
        assert_eq!(beginning(PACKED, 0, b"\xe8\x32\x9b\xfd\x06"), b"hello");
        assert_eq!(beginning(DefaultAlphabet::Gsm, 4, b"octets"), b"");
    }

    #[test]
    fn a_header_is_no_text_and_a_payload_is() {
        let part = ShortMessage {
            esm_class: EsmClass(0x40),
            short_message: b"\x05\x00\x03\x07\x02\x01Hello",
            ..ShortMessage::default()
        };
        let mut out = Vec::new();
        append_beginning(&part, DefaultAlphabet::Gsm, &mut out);
        assert_eq!(out, b"Hello");
        let mut area = Vec::new();
        brivas_smpp::tlv::append(&mut area, brivas_smpp::tlv::Tag::MESSAGE_PAYLOAD, b"long");
        let tlvs = brivas_smpp::tlv::Tlvs::parse(&area).unwrap();
        out.clear();
        append_beginning(&ShortMessage { tlvs, ..ShortMessage::default() }, DefaultAlphabet::Gsm, &mut out);
        assert_eq!(out, b"long");
    }

    proptest! {
        #[test]
        fn whatever_came_a_receipt_stays_short(octets in prop::collection::vec(any::<u8>(), 0..200), data_coding in any::<u8>(), udh in any::<bool>(), alphabet in 0..5_i32) {
            let alphabet = crate::shard::Manner::new(0, alphabet).alphabet;
            let esm_class = EsmClass(if udh { 0x40 } else { 0 });
            let content = ShortMessage { esm_class, data_coding, short_message: &octets, ..ShortMessage::default() };
            let mut out = Vec::new();
            append_beginning(&content, alphabet, &mut out);
            prop_assert!(out.len() <= LOOKED_AT_OCTETS, "{}", out.len());
        }
    }
}
