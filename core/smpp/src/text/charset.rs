//! Character sets of short messages: text to octets and back, and where octets may be cut.
//!
//! The sets of the specification that only Asia and old systems use come from `encoding_rs`. A GSM text is held
//! with one septet an octet, even where it travels packed: packing depends on the header before it, so that it
//! is the last step of writing a part and the first of reading one.

use encoding_rs::{EUC_JP, EUC_KR, Encoding as Library, ISO_2022_JP, ISO_8859_5, ISO_8859_8, SHIFT_JIS};

use super::alphabet::{ESCAPE, Shift};
use super::coding::{Alphabet, DataCoding};
use super::septet::Padding;

/// What data_coding 0 means at a carrier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DefaultAlphabet {
    /// GSM's alphabet, one septet an octet: nearly everywhere.
    #[default]
    Gsm,
    /// GSM's alphabet, packed.
    GsmPacked(Padding),
    /// ISO-8859-1.
    Latin1,
    /// ASCII.
    Ascii,
    /// UTF-8.
    Utf8,
}

/// How octets are read as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Charset {
    /// GSM's alphabet, one septet an octet.
    Gsm,
    /// GSM's alphabet, packed on the wire.
    GsmPacked(Padding),
    /// ASCII.
    Ascii,
    /// ISO-8859-1.
    Latin1,
    /// UTF-8.
    Utf8,
    /// What SMPP calls UCS2: UTF-16, high octet first, with surrogates.
    Ucs2,
    /// UTF-16, low octet first: some peers.
    Ucs2LittleEndian,
    /// JIS X 0208 and pictograms.
    ShiftJis,
    /// ISO-2022-JP: escapes say which set follows.
    Iso2022Jp,
    /// JIS X 0212, read from EUC-JP.
    EucJp,
    /// ISO-8859-5.
    Cyrillic,
    /// ISO-8859-8.
    Hebrew,
    /// KS C 5601, as EUC-KR.
    KsC5601,
    /// No text.
    Octets,
}

/// A character that a set does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unencodable {
    /// Its place in the text, in octets.
    pub at: usize,
    /// The character.
    pub character: char,
}

impl std::fmt::Display for Unencodable {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:?} at octet {} has no place in this character set", self.character, self.at)
    }
}

impl std::error::Error for Unencodable {}

impl Charset {
    /// The set that a data_coding names. A reserved one is [`Charset::Octets`]: nobody knows how to read it.
    pub const fn of(data_coding: DataCoding, default: DefaultAlphabet) -> Self {
        let scheme = data_coding.scheme();
        if scheme.compressed {
            return Self::Octets;
        }
        match scheme.alphabet {
            Alphabet::Default => match default {
                DefaultAlphabet::Gsm => Self::Gsm,
                DefaultAlphabet::GsmPacked(padding) => Self::GsmPacked(padding),
                DefaultAlphabet::Latin1 => Self::Latin1,
                DefaultAlphabet::Ascii => Self::Ascii,
                DefaultAlphabet::Utf8 => Self::Utf8,
            },
            // Who packs one packs the other.
            Alphabet::Gsm => match default {
                DefaultAlphabet::GsmPacked(padding) => Self::GsmPacked(padding),
                _ => Self::Gsm,
            },
            Alphabet::Ascii => Self::Ascii,
            Alphabet::Latin1 => Self::Latin1,
            Alphabet::Jis | Alphabet::Pictogram => Self::ShiftJis,
            Alphabet::Cyrillic => Self::Cyrillic,
            Alphabet::Hebrew => Self::Hebrew,
            Alphabet::Ucs2 => Self::Ucs2,
            Alphabet::Iso2022Jp => Self::Iso2022Jp,
            Alphabet::ExtendedKanji => Self::EucJp,
            Alphabet::KsC5601 => Self::KsC5601,
            Alphabet::Octets | Alphabet::Reserved => Self::Octets,
        }
    }

    /// Whether it is GSM's alphabet.
    pub const fn is_gsm(self) -> bool {
        matches!(self, Self::Gsm | Self::GsmPacked(_))
    }

    /// Appends a text.
    ///
    /// # Errors
    /// The first character that the set does not have; `out` then holds what stands before it, or less.
    pub fn encode(self, shift: Shift, text: &str, out: &mut Vec<u8>) -> Result<(), Unencodable> {
        match self {
            Self::Utf8 => out.extend_from_slice(text.as_bytes()),
            Self::Ucs2 => out.extend(text.encode_utf16().flat_map(u16::to_be_bytes)),
            Self::Ucs2LittleEndian => out.extend(text.encode_utf16().flat_map(u16::to_le_bytes)),
            Self::Gsm | Self::GsmPacked(_) => {
                out.reserve(text.len());
                for (at, character) in text.char_indices() {
                    shift.septets(character).ok_or(Unencodable { at, character })?.append(out);
                }
            }
            Self::Ascii | Self::Latin1 | Self::Octets => {
                let last = if self == Self::Latin1 { 0xFF } else { 0x7F };
                for (at, character) in text.char_indices() {
                    let octet = u8::try_from(character).ok().filter(|&octet| octet <= last);
                    out.push(octet.ok_or(Unencodable { at, character })?);
                }
            }
            Self::Iso2022Jp => {
                // Each run goes back to ASCII, so that a cut between runs leaves both sides readable.
                let mut rest = text;
                while !rest.is_empty() {
                    let run = rest.char_indices().nth(ISO_2022_JP_RUN).map_or(rest.len(), |(end, _)| end);
                    by_library(ISO_2022_JP, &rest[..run], text.len() - rest.len(), out)?;
                    rest = &rest[run..];
                }
            }
            Self::ShiftJis => by_library(SHIFT_JIS, text, 0, out)?,
            Self::EucJp => by_library(EUC_JP, text, 0, out)?,
            Self::Cyrillic => by_library(ISO_8859_5, text, 0, out)?,
            Self::Hebrew => by_library(ISO_8859_8, text, 0, out)?,
            Self::KsC5601 => by_library(EUC_KR, text, 0, out)?,
        }
        Ok(())
    }

    /// Reads octets, unpacked. What cannot be read becomes U+FFFD.
    pub fn decode(self, shift: Shift, octets: &[u8], out: &mut String) {
        match self {
            Self::Gsm | Self::GsmPacked(_) => shift.decode(octets, out),
            Self::Utf8 => out.push_str(&String::from_utf8_lossy(octets)),
            Self::Ucs2 => decode_utf16(octets, u16::from_be_bytes, out),
            Self::Ucs2LittleEndian => decode_utf16(octets, u16::from_le_bytes, out),
            Self::Latin1 => out.extend(octets.iter().map(|&octet| char::from(octet))),
            Self::Ascii | Self::Octets => out.extend(octets.iter().map(|&octet| {
                if octet.is_ascii() { char::from(octet) } else { char::REPLACEMENT_CHARACTER }
            })),
            Self::ShiftJis => out.push_str(&SHIFT_JIS.decode_without_bom_handling(octets).0),
            Self::Iso2022Jp => out.push_str(&ISO_2022_JP.decode_without_bom_handling(octets).0),
            Self::EucJp => out.push_str(&EUC_JP.decode_without_bom_handling(octets).0),
            Self::Cyrillic => out.push_str(&ISO_8859_5.decode_without_bom_handling(octets).0),
            Self::Hebrew => out.push_str(&ISO_8859_8.decode_without_bom_handling(octets).0),
            Self::KsC5601 => out.push_str(&EUC_KR.decode_without_bom_handling(octets).0),
        }
    }

    /// How many octets at the front of `rest` belong together: no cut may fall between them. At least 1 unless
    /// `rest` is empty, never more than it has.
    pub fn atom(self, rest: &[u8]) -> usize {
        let first = rest.first().copied().unwrap_or_default();
        let octets = match self {
            Self::Gsm | Self::GsmPacked(_) if first == ESCAPE => 2,
            Self::Gsm | Self::GsmPacked(_) => 1,
            Self::Ascii | Self::Latin1 | Self::Octets | Self::Cyrillic | Self::Hebrew => 1,
            Self::Utf8 => match first {
                0xC0..=0xDF => 2,
                0xE0..=0xEF => 3,
                0xF0..=0xF7 => 4,
                _ => 1,
            },
            Self::Ucs2 => utf16_atom(rest, 0),
            Self::Ucs2LittleEndian => utf16_atom(rest, 1),
            Self::ShiftJis => match first {
                0x81..=0x9F | 0xE0..=0xFC => 2,
                _ => 1,
            },
            Self::EucJp => match first {
                0x8F => 3,
                0x8E | 0xA1..=0xFE => 2,
                _ => 1,
            },
            Self::KsC5601 => 1 + usize::from(first >= 0x81),
            Self::Iso2022Jp => iso_2022_jp_atom(rest),
        };
        octets.min(rest.len())
    }
}

/// Characters of ISO-2022-JP between two returns to ASCII: 24 of two octets and both escapes are far from a part's end.
const ISO_2022_JP_RUN: usize = 24;
/// The return to ASCII.
const ISO_2022_JP_ASCII: &[u8] = b"\x1B(B";
/// A longer run than this, by a peer, may be cut inside.
const ISO_2022_JP_ATOM_MAX: usize = 66;

/// A run from its escape to the return to ASCII.
fn iso_2022_jp_atom(rest: &[u8]) -> usize {
    if rest.first() != Some(&ESCAPE) {
        return 1;
    }
    let window = &rest[..rest.len().min(ISO_2022_JP_ATOM_MAX)];
    let end = window.windows(3).skip(1).position(|octets| octets == ISO_2022_JP_ASCII);
    // An escape and the character that follows it stay together in any case.
    end.map_or(5, |end| end + 1 + ISO_2022_JP_ASCII.len())
}

/// One unit, or both of a surrogate pair. `high` is the place of the high octet in a unit.
fn utf16_atom(rest: &[u8], high: usize) -> usize {
    let is = |at: usize, surrogate: u8| rest.get(at).is_some_and(|octet| octet & 0xFC == surrogate);
    if is(high, 0xD8) && is(high + 2, 0xDC) { 4 } else { 2 }
}

fn decode_utf16(octets: &[u8], unit: fn([u8; 2]) -> u16, out: &mut String) {
    let units = octets.chunks(2).map(|pair| match pair {
        [first, second] => unit([*first, *second]),
        _ => 0xFFFD,
    });
    out.extend(char::decode_utf16(units).map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER)));
}

/// `before` octets of the whole text stand before `text`.
fn by_library(
    library: &'static Library,
    text: &str,
    before: usize,
    out: &mut Vec<u8>,
) -> Result<(), Unencodable> {
    let mut encoder = library.new_encoder();
    let bound = encoder.max_buffer_length_from_utf8_without_replacement(text.len());
    let start = out.len();
    // The bound is a small multiple of the text's length.
    out.resize(start + bound.unwrap_or(text.len() * 4 + 16), 0);
    let (result, read, written) = encoder.encode_from_utf8_without_replacement(text, &mut out[start..], true);
    out.truncate(start + written);
    match result {
        encoding_rs::EncoderResult::InputEmpty => Ok(()),
        encoding_rs::EncoderResult::Unmappable(character) => {
            let at = before + read - character.len_utf8().min(read);
            Err(Unencodable { at, character })
        }
        encoding_rs::EncoderResult::OutputFull => {
            Err(Unencodable { at: before + read, character: text[read..].chars().next().unwrap_or_default() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EVERY: [Charset; 14] = [
        Charset::Gsm,
        Charset::GsmPacked(Padding::CarriageReturn),
        Charset::Ascii,
        Charset::Latin1,
        Charset::Utf8,
        Charset::Ucs2,
        Charset::Ucs2LittleEndian,
        Charset::ShiftJis,
        Charset::Iso2022Jp,
        Charset::EucJp,
        Charset::Cyrillic,
        Charset::Hebrew,
        Charset::KsC5601,
        Charset::Octets,
    ];

    fn encode(charset: Charset, text: &str) -> Result<Vec<u8>, Unencodable> {
        let mut octets = Vec::new();
        charset.encode(Shift::NONE, text, &mut octets).map(|()| octets)
    }

    fn decode(charset: Charset, octets: &[u8]) -> String {
        let mut text = String::new();
        charset.decode(Shift::NONE, octets, &mut text);
        text
    }

    #[test]
    fn known_texts_have_their_octets() {
        let vectors: [(Charset, &str, &[u8]); 9] = [
            (Charset::Gsm, "@{€", &[0x00, 0x1B, 0x28, 0x1B, 0x65]),
            (Charset::Latin1, "Grüße", b"Gr\xFC\xDFe"),
            (Charset::Ucs2, "ł😀", &[0x01, 0x42, 0xD8, 0x3D, 0xDE, 0x00]),
            (Charset::Ucs2LittleEndian, "ł😀", &[0x42, 0x01, 0x3D, 0xD8, 0x00, 0xDE]),
            (Charset::ShiftJis, "日本", &[0x93, 0xFA, 0x96, 0x7B]),
            (Charset::Iso2022Jp, "日本", b"\x1B$BF|K\\\x1B(B"),
            (Charset::Cyrillic, "Привет", &[0xBF, 0xE0, 0xD8, 0xD2, 0xD5, 0xE2]),
            (Charset::Hebrew, "שלום", &[0xF9, 0xEC, 0xE5, 0xED]),
            (Charset::KsC5601, "한국", &[0xC7, 0xD1, 0xB1, 0xB9]),
        ];
        for (charset, text, octets) in vectors {
            assert_eq!(encode(charset, text).as_deref(), Ok(octets), "{charset:?}");
            assert_eq!(decode(charset, octets), text, "{charset:?}");
        }
        // JIS X 0212 is read (EUC-JP, three octets).
        assert_eq!(decode(Charset::EucJp, &[0x8F, 0xB0, 0xA1]), "丂");
    }

    #[test]
    fn the_first_character_without_a_place_is_named() {
        for charset in
            [Charset::Gsm, Charset::Ascii, Charset::ShiftJis, Charset::Iso2022Jp, Charset::Cyrillic]
        {
            let expected = Unencodable { at: 2, character: '\u{0E01}' };
            assert_eq!(encode(charset, "ab\u{0E01}c\u{0E02}"), Err(expected), "{charset:?}");
        }
    }

    #[test]
    fn zero_means_what_the_carrier_says() {
        let of = |octet, default| Charset::of(DataCoding(octet), default);
        assert_eq!(of(0, DefaultAlphabet::Gsm), Charset::Gsm);
        assert_eq!(of(0, DefaultAlphabet::Latin1), Charset::Latin1);
        assert_eq!(of(0, DefaultAlphabet::Ascii), Charset::Ascii);
        assert_eq!(of(0, DefaultAlphabet::Utf8), Charset::Utf8);
        let packed = DefaultAlphabet::GsmPacked(Padding::Zero);
        assert_eq!(of(0, packed), Charset::GsmPacked(Padding::Zero));
        assert_eq!(of(0xF0, packed), Charset::GsmPacked(Padding::Zero));
        assert_eq!(of(0xF0, DefaultAlphabet::Latin1), Charset::Gsm);
        assert_eq!(of(0x18, packed), Charset::Ucs2);
        assert_eq!([0xF5, 0x2C, 0x80].map(|octet| of(octet, packed)), [Charset::Octets; 3]);
    }

    #[test]
    fn escapes_pairs_and_sequences_are_atoms() {
        assert_eq!([&b"\x1Be"[..], b"e", b"\x1B", b""].map(|rest| Charset::Gsm.atom(rest)), [2, 1, 1, 0]);
        assert_eq!(Charset::Ucs2.atom(&[0xD8, 0x3D, 0xDE, 0x00]), 4);
        assert_eq!(Charset::Ucs2.atom(&[0xD8, 0x3D, 0x00, 0x41]), 2);
        assert_eq!(Charset::Ucs2.atom(&[0xD8]), 1);
        assert_eq!(Charset::Ucs2LittleEndian.atom(&[0x3D, 0xD8, 0x00, 0xDE]), 4);
        assert_eq!(Charset::Iso2022Jp.atom(b"\x1B$BF|K\\\x1B(Bab"), 10);
    }

    fn texts() -> impl Strategy<Value = String> {
        let alphabets = "[ -~£àß€日本国あЖшאת한글丂😀\\n]{0,90}";
        prop_oneof![alphabets, any::<String>()]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(text in texts(), number in 0..EVERY.len()) {
            let charset = EVERY[number];
            if let Ok(octets) = encode(charset, &text) {
                // The library writes U+00A5 and U+203E as Shift_JIS has them: as '\\' and '~'.
                let doubtful = matches!(charset, Charset::ShiftJis | Charset::EucJp | Charset::Iso2022Jp);
                if !(doubtful && text.contains(['\u{A5}', '\u{203E}', '\u{2212}'])) {
                    prop_assert_eq!(decode(charset, &octets), text);
                }
            }
        }

        #[test]
        fn what_is_cut_between_atoms_is_read_as_the_whole(text in texts(), number in 0..EVERY.len()) {
            let charset = EVERY[number];
            if let Ok(octets) = encode(charset, &text) {
                let (mut rest, mut joined) = (octets.as_slice(), String::new());
                while !rest.is_empty() {
                    let (atom, behind) = rest.split_at(charset.atom(rest));
                    prop_assert!(!atom.is_empty());
                    joined.push_str(&decode(charset, atom));
                    rest = behind;
                }
                prop_assert_eq!(joined, decode(charset, &octets));
            }
        }

        #[test]
        fn reading_and_cutting_never_panic(
            octets in prop::collection::vec(any::<u8>(), 0..90),
            number in 0..EVERY.len(),
        ) {
            let charset = EVERY[number];
            decode(charset, &octets);
            let mut rest = octets.as_slice();
            while !rest.is_empty() {
                let atom = charset.atom(rest);
                prop_assert!(atom >= 1);
                rest = &rest[atom..];
            }
        }
    }
}
