//! Text to octets: the smallest encoding of a short message.
//!
//! GSM 03.38's default alphabet and its extension table, one septet an octet as SMPP carries it
//! (3GPP TS 23.038 §6.2.1), else UTF-16BE, which SMPP calls UCS2 (data_coding 8).

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
    match gsm(text) {
        Some(octets) => Encoded { data_coding: DATA_CODING_DEFAULT, octets },
        None => {
            let octets = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
            Encoded { data_coding: DATA_CODING_UCS2, octets }
        }
    }
}

/// Reads octets by their data_coding, for people; what cannot be read becomes U+FFFD.
pub fn decode(data_coding: u8, octets: &[u8]) -> String {
    match data_coding {
        DATA_CODING_UCS2 => {
            let units = octets.chunks(2).map(|pair| match pair {
                [high, low] => u16::from_be_bytes([*high, *low]),
                _ => 0xFFFD,
            });
            char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        3 => octets.iter().map(|&octet| char::from(octet)).collect(),
        DATA_CODING_DEFAULT => decode_gsm(octets),
        _ => octets
            .iter()
            .map(|&octet| if octet.is_ascii() { char::from(octet) } else { char::REPLACEMENT_CHARACTER })
            .collect(),
    }
}

const ESCAPE: u8 = 0x1B;

/// 3GPP TS 23.038 §6.2.1; 0x1B is the escape to the extension table.
const ALPHABET: [char; 128] = [
    '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å', 'Δ', '_', 'Φ', 'Γ',
    'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', '\u{1B}', 'Æ', 'æ', 'ß', 'É', ' ', '!', '"', '#', '¤', '%', '&', '\'',
    '(', ')', '*', '+', ',', '-', '.', '/', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<',
    '=', '>', '?', '¡', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', 'P', 'Q',
    'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§', '¿', 'a', 'b', 'c', 'd', 'e', 'f',
    'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä',
    'ö', 'ñ', 'ü', 'à',
];

/// 3GPP TS 23.038 §6.2.1.1.
const EXTENSION: [(u8, char); 10] = [
    (0x0A, '\u{0C}'),
    (0x14, '^'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2F, '\\'),
    (0x3C, '['),
    (0x3D, '~'),
    (0x3E, ']'),
    (0x40, '|'),
    (0x65, '€'),
];

fn gsm(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(text.len());
    for character in text.chars() {
        let code = ALPHABET.iter().position(|&entry| entry == character);
        if let Some(code) = code.filter(|&code| code != usize::from(ESCAPE)) {
            octets.push(code as u8);
        } else {
            let row = EXTENSION.iter().find(|row| row.1 == character)?;
            octets.extend_from_slice(&[ESCAPE, row.0]);
        }
    }
    Some(octets)
}

fn decode_gsm(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len());
    let mut rest = octets.iter();
    while let Some(&octet) = rest.next() {
        if octet == ESCAPE {
            let code = rest.next();
            let row = EXTENSION.iter().find(|row| Some(&row.0) == code);
            text.push(row.map_or(' ', |row| row.1));
        } else {
            text.push(ALPHABET.get(usize::from(octet)).copied().unwrap_or(char::REPLACEMENT_CHARACTER));
        }
    }
    text
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
