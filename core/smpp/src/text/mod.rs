//! Text to octets and back: alphabets, encodings, and the plan with the fewest parts.
//!
//! - [`Shift`], [`Language`]: GSM's alphabet with its extension and the national tables (3GPP TS 23.038);
//! - [`pack`], [`unpack`]: septets in octets;
//! - [`DataCoding`]: what the octet of the PDU says; [`Charset`]: how octets are read as text;
//! - [`Encoding`]: all of that for one message, what fits into a part and where it may be cut;
//! - [`transliterate`]: nearest characters, as a list that can be undone;
//! - [`plan`]: the way with the fewest parts, and what the others cost.
//!
//! [`encode`] and [`decode`] are the short way for a carrier of the usual kind.

mod alphabet;
mod charset;
mod coding;
mod encoding;
mod locking;
mod national;
mod plan;
mod septet;
mod single;
mod transliterate;

pub use alphabet::{ESCAPE, Language, Languages, Septets, Shift};
pub use charset::{Charset, DefaultAlphabet, Unencodable};
pub use coding::{Alphabet, CodingScheme, DataCoding, MessageClass, WaitingIndication, WaitingKind};
pub use encoding::{Atom, Encoding, USER_DATA_OCTETS_MAX, Unit};
pub use plan::{Cost, Plan, PlanError, PlanOptions, Transliteration, plan};
pub use septet::{Padding, capacity, fill_bits, pack, packed_octets, unpack};
pub use transliterate::{Replacement, Transliterated, nearest, transliterate};

/// data_coding of the SMSC's default alphabet.
pub const DATA_CODING_DEFAULT: u8 = 0;
/// data_coding of UCS2.
pub const DATA_CODING_UCS2: u8 = 8;

/// A text as octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// How to read them.
    pub data_coding: u8,
    /// The octets.
    pub octets: Vec<u8>,
}

/// Encodes with the default alphabet if every character is in it, else as UCS2.
pub fn encode(text: &str) -> Encoded {
    let mut octets = Vec::new();
    if Charset::Gsm.encode(Shift::NONE, text, &mut octets).is_ok() {
        return Encoded { data_coding: DATA_CODING_DEFAULT, octets };
    }
    octets.clear();
    octets.extend(text.encode_utf16().flat_map(u16::to_be_bytes));
    Encoded { data_coding: DATA_CODING_UCS2, octets }
}

/// Reads octets by their data_coding, for people, as a carrier of the usual kind means it; what cannot be read
/// becomes U+FFFD.
pub fn decode(data_coding: u8, octets: &[u8]) -> String {
    Encoding::of(DataCoding(data_coding), DefaultAlphabet::Gsm, Shift::NONE).decode(octets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_smallest_encoding_is_chosen() {
        assert_eq!(encode("@{€").octets, [0x00, 0x1B, 0x28, 0x1B, 0x65]);
        assert_eq!(encode("Grüße").data_coding, DATA_CODING_DEFAULT);
        let polish = encode("ł");
        assert_eq!((polish.data_coding, polish.octets), (DATA_CODING_UCS2, vec![0x01, 0x42]));
        assert_eq!(encode("\u{1B}").data_coding, DATA_CODING_UCS2);
    }

    proptest! {
        #[test]
        fn every_text_survives(text in any::<String>()) {
            let encoded = encode(&text);
            prop_assert_eq!(decode(encoded.data_coding, &encoded.octets), text);
        }

        #[test]
        fn decoding_never_panics(data_coding in any::<u8>(), octets in prop::collection::vec(any::<u8>(), 0..50)) {
            decode(data_coding, &octets);
        }
    }
}
