//! What a data_coding says, in classes that rules can name (SMPP 5.0 §4.7.7, 3GPP TS 23.038 §4).

/// A set of classes of data_coding. Empty in a rule: any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DataCodings(u16);

impl DataCodings {
    /// The SMSC's default alphabet: 0, and GSM's codings with the default alphabet.
    pub const DEFAULT: Self = Self(1);
    /// IA5: 1.
    pub const ASCII: Self = Self(1 << 1);
    /// Octets without a text: 2 and 4, and GSM's 8-bit data.
    pub const BINARY: Self = Self(1 << 2);
    /// Latin-1: 3.
    pub const LATIN1: Self = Self(1 << 3);
    /// UCS-2 or UTF-16: 8, and GSM's codings with UCS-2.
    pub const UCS2: Self = Self(1 << 4);
    /// Another alphabet: JIS, Cyrillic, Hebrew, pictograms, KS C 5601.
    pub const OTHER_ALPHABET: Self = Self(1 << 5);
    /// Class 0: shown at once, not stored. Comes with its alphabet.
    pub const FLASH: Self = Self(1 << 6);
    /// Sets or clears a message waiting indication. Comes with its alphabet.
    pub const MESSAGE_WAITING: Self = Self(1 << 7);
    /// What no specification gives a meaning to.
    pub const RESERVED: Self = Self(1 << 8);

    /// Every class with its name.
    pub const NAMED: [(&'static str, Self); 9] = [
        ("default", Self::DEFAULT),
        ("ascii", Self::ASCII),
        ("binary", Self::BINARY),
        ("latin1", Self::LATIN1),
        ("ucs2", Self::UCS2),
        ("other_alphabet", Self::OTHER_ALPHABET),
        ("flash", Self::FLASH),
        ("message_waiting", Self::MESSAGE_WAITING),
        ("reserved", Self::RESERVED),
    ];

    /// The classes of a data_coding.
    #[must_use]
    pub const fn of(data_coding: u8) -> Self {
        match data_coding {
            0x00 => Self::DEFAULT,
            0x01 => Self::ASCII,
            0x02 | 0x04 => Self::BINARY,
            0x03 => Self::LATIN1,
            0x08 => Self::UCS2,
            0x05..=0x07 | 0x09 | 0x0a | 0x0d | 0x0e => Self::OTHER_ALPHABET,
            // GSM's general groups: alphabet in bits 3 and 2, class in bits 1 and 0 where bit 4 says so.
            0x10..=0x7f => {
                let alphabet = match data_coding >> 2 & 3 {
                    0 => Self::DEFAULT,
                    1 => Self::BINARY,
                    2 => Self::UCS2,
                    _ => return Self::RESERVED,
                };
                if data_coding & 0x13 == 0x10 { alphabet.union(Self::FLASH) } else { alphabet }
            }
            0xc0..=0xdf => Self::MESSAGE_WAITING.union(Self::DEFAULT),
            0xe0..=0xef => Self::MESSAGE_WAITING.union(Self::UCS2),
            0xf0..=0xff => {
                let alphabet = if data_coding & 4 == 0 { Self::DEFAULT } else { Self::BINARY };
                if data_coding & 3 == 0 { alphabet.union(Self::FLASH) } else { alphabet }
            }
            _ => Self::RESERVED,
        }
    }

    /// The classes of both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the two have a class in common.
    #[must_use]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether there is no class.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) const fn bits(self) -> u16 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_data_coding_has_a_class_and_flash_keeps_its_alphabet() {
        assert!((0..=255).all(|octet| !DataCodings::of(octet).is_empty()));
        for (octet, expected) in [
            (0x10, DataCodings::DEFAULT.union(DataCodings::FLASH)),
            (0x18, DataCodings::UCS2.union(DataCodings::FLASH)),
            (0xf0, DataCodings::DEFAULT.union(DataCodings::FLASH)),
            (0xf1, DataCodings::DEFAULT),
            (0xf4, DataCodings::BINARY.union(DataCodings::FLASH)),
            (0xf5, DataCodings::BINARY),
            (0xc8, DataCodings::DEFAULT.union(DataCodings::MESSAGE_WAITING)),
            (0x0b, DataCodings::RESERVED),
            (0x8f, DataCodings::RESERVED),
        ] {
            assert_eq!(DataCodings::of(octet), expected, "{octet:#04x}");
        }
    }
}
