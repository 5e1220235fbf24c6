//! How one message is written: data_coding, character set and shift tables, and what of it fits into a part.

use super::alphabet::Shift;
use super::charset::{Charset, DefaultAlphabet};
use super::coding::DataCoding;
use super::septet;

/// Octets of user data that a phone gets in one short message (3GPP TS 23.040 §9.2.3.24).
pub const USER_DATA_OCTETS_MAX: usize = 140;

/// What a part is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// 160 of them in a part without a header.
    Septets,
    /// 140 of them.
    Octets,
}

/// How a message is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Encoding {
    /// What the PDU says.
    pub data_coding: DataCoding,
    /// What that means.
    pub charset: Charset,
    /// The tables of a GSM text.
    pub shift: Shift,
}

impl Encoding {
    /// By the PDU's octet, the carrier's meaning of 0, and the tables that the header names.
    pub const fn of(data_coding: DataCoding, default: DefaultAlphabet, shift: Shift) -> Self {
        Self { data_coding, charset: Charset::of(data_coding, default), shift }
    }

    /// What counts on the air. Whatever data_coding 0 and 1 mean between carrier and us, the phone gets septets.
    pub const fn unit(&self) -> Unit {
        if self.data_coding.0 == 0 || self.charset.is_gsm() || matches!(self.charset, Charset::Ascii) {
            Unit::Septets
        } else {
            Unit::Octets
        }
    }

    /// Units that fit into one part behind a header of so many octets, its length octet included; 0 is none.
    pub const fn capacity(&self, header_octets: usize) -> usize {
        match self.unit() {
            Unit::Septets => septet::capacity(USER_DATA_OCTETS_MAX, header_octets),
            Unit::Octets => USER_DATA_OCTETS_MAX.saturating_sub(header_octets),
        }
    }

    /// What stands at the front of `rest` and may not be cut: its octets, and its units on the air.
    pub fn atom(&self, rest: &[u8]) -> Atom {
        let octets = self.charset.atom(rest);
        let units = match (self.unit(), self.charset) {
            (Unit::Octets, _) | (_, Charset::Gsm | Charset::GsmPacked(_)) => octets,
            // The carrier writes it in septets: some take two.
            (Unit::Septets, charset) => {
                let mut text = String::new();
                charset.decode(self.shift, &rest[..octets], &mut text);
                text.chars().map(|character| self.shift.septets(character).map_or(1, |it| it.count())).sum()
            }
        };
        Atom { octets, units }
    }

    /// Units of a whole content.
    pub fn units(&self, content: &[u8]) -> usize {
        match (self.unit(), self.charset) {
            (Unit::Octets, _) | (_, Charset::Gsm | Charset::GsmPacked(_)) => content.len(),
            _ => {
                let (mut rest, mut units) = (content, 0);
                while !rest.is_empty() {
                    let atom = self.atom(rest);
                    units += atom.units;
                    rest = &rest[atom.octets..];
                }
                units
            }
        }
    }

    /// Whether a whole content fits into one part behind a header of so many octets, its length octet included.
    pub fn fits(&self, content: &[u8], header_octets: usize) -> bool {
        if self.units(content) > self.capacity(header_octets) {
            return false;
        }
        match self.charset {
            // A carriage return at the very end may be doubled.
            Charset::GsmPacked(padding) => {
                let octets = septet::packed_octets(content, septet::fill_bits(header_octets), padding);
                header_octets + octets <= USER_DATA_OCTETS_MAX
            }
            _ => header_octets <= USER_DATA_OCTETS_MAX,
        }
    }

    /// The end of the longest piece of `content`, from its front, that has at most `units_max` units. Never inside
    /// an atom, unless a single one is longer than that; never 0 unless `content` is empty.
    pub fn cut(&self, content: &[u8], units_max: usize) -> usize {
        let (mut end, mut units) = (0, 0);
        while end < content.len() {
            let atom = self.atom(&content[end..]);
            if units + atom.units > units_max && end > 0 {
                break;
            }
            if atom.units > units_max {
                return atom.octets.min(units_max.max(1));
            }
            end += atom.octets;
            units += atom.units;
        }
        end
    }

    /// Text of octets that are not packed, for people; what cannot be read becomes U+FFFD.
    pub fn decode(&self, content: &[u8]) -> String {
        let mut text = String::new();
        self.charset.decode(self.shift, content, &mut text);
        text
    }
}

/// What may not be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Atom {
    /// On the wire, unpacked.
    pub octets: usize,
    /// On the air.
    pub units: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Language;

    fn encoding(data_coding: u8, default: DefaultAlphabet) -> Encoding {
        Encoding::of(DataCoding(data_coding), default, Shift::NONE)
    }

    #[test]
    fn parts_hold_what_the_specification_says() {
        let gsm = encoding(0, DefaultAlphabet::Gsm);
        assert_eq!([0, 6, 7].map(|header| gsm.capacity(header)), [160, 153, 152]);
        let ucs2 = encoding(8, DefaultAlphabet::Gsm);
        assert_eq!([0, 6, 7].map(|header| ucs2.capacity(header)), [140, 134, 133]);
        assert_eq!(encoding(0, DefaultAlphabet::Latin1).capacity(0), 160);
        assert_eq!(encoding(3, DefaultAlphabet::Gsm).capacity(0), 140);
        let turkish = Shift { locking: Language::Turkish, single: Language::Turkish };
        assert_eq!(1 + turkish.header_octets(), 7);
    }

    #[test]
    fn a_cut_falls_before_what_it_would_break() {
        let gsm = encoding(0, DefaultAlphabet::Gsm);
        assert_eq!(gsm.cut(b"ab\x1Be", 3), 2);
        assert_eq!(gsm.cut(b"ab\x1Be", 4), 4);
        let ucs2 = encoding(8, DefaultAlphabet::Gsm);
        let text = [0x00, 0x41, 0xD8, 0x3D, 0xDE, 0x00];
        assert_eq!([2, 3, 5, 6].map(|units| ucs2.cut(&text, units)), [2, 2, 2, 6]);
        assert_eq!(ucs2.cut(&[], 10), 0);
        // No room for an atom: a cut inside is better than none at all.
        assert_eq!(gsm.cut(b"\x1Be", 1), 1);
    }

    #[test]
    fn septets_are_counted_where_the_carrier_makes_them() {
        let latin1 = encoding(0, DefaultAlphabet::Latin1);
        assert_eq!(latin1.units(b"a[\xE4"), 4);
        let utf8 = encoding(0, DefaultAlphabet::Utf8);
        assert_eq!(utf8.units("a€ä".as_bytes()), 4);
        assert_eq!(utf8.cut("a€ä".as_bytes(), 2), 1);
    }
}
