//! data_coding: what its octet says (SMPP 3.4 §5.2.19, 3GPP TS 23.038 §4).
//!
//! SMPP gives 0x00 to 0x0F meanings of its own and takes 0xC0 to 0xFF from GSM. Between them it has only reserved
//! values, which peers use as GSM has them (0x10 and 0x18 for flash messages): they are read so.

/// The octet, as it came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DataCoding(pub u8);

/// What the content is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Alphabet {
    /// 0: whatever the carrier says, see [`DefaultAlphabet`](super::DefaultAlphabet).
    Default,
    /// GSM's 7 bit alphabet, said by one of GSM's groups.
    Gsm,
    /// 1: IA5, ASCII.
    Ascii,
    /// 2, 4 and GSM's 8 bit data.
    Octets,
    /// 3: ISO-8859-1.
    Latin1,
    /// 5: JIS X 0208-1990.
    Jis,
    /// 6: ISO-8859-5.
    Cyrillic,
    /// 7: ISO-8859-8.
    Hebrew,
    /// 8 and GSM's UCS2.
    Ucs2,
    /// 9: pictograms, in Shift_JIS.
    Pictogram,
    /// 10: ISO-2022-JP, music codes.
    Iso2022Jp,
    /// 13: extended Kanji, JIS X 0212-1990.
    ExtendedKanji,
    /// 14: KS C 5601.
    KsC5601,
    /// Nobody says.
    Reserved,
}

/// Where a phone puts a message (3GPP TS 23.038 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum MessageClass {
    /// Class 0: shown at once, not stored ("flash").
    Flash = 0,
    /// Class 1: the phone.
    Phone = 1,
    /// Class 2: the SIM.
    Sim = 2,
    /// Class 3: other equipment.
    Terminal = 3,
}

impl MessageClass {
    const fn from_bits(octet: u8) -> Self {
        match octet & 0b11 {
            0 => Self::Flash,
            1 => Self::Phone,
            2 => Self::Sim,
            _ => Self::Terminal,
        }
    }
}

/// What waits for the subscriber (3GPP TS 23.038 §4, groups 1100 to 1110).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WaitingIndication {
    /// What kind of message.
    pub kind: WaitingKind,
    /// Whether the indicator goes on or off.
    pub active: bool,
    /// Whether the message itself may be thrown away once the indicator is set.
    pub discard: bool,
}

/// What kind of message waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the specification's")]
pub enum WaitingKind {
    Voicemail,
    Fax,
    Email,
    Other,
}

/// The octet, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CodingScheme {
    /// What the content is written in.
    pub alphabet: Alphabet,
    /// Where it goes on the phone, if it says.
    pub class: Option<MessageClass>,
    /// What waits, if it says.
    pub waiting: Option<WaitingIndication>,
    /// Whether the content is compressed (3GPP TS 23.042): nobody does, nobody can read it.
    pub compressed: bool,
    /// Whether the phone shall delete the message once it was read.
    pub deleted_once_read: bool,
}

impl DataCoding {
    /// Reads it.
    pub const fn scheme(self) -> CodingScheme {
        let octet = self.0;
        let mut scheme = CodingScheme {
            alphabet: Alphabet::Reserved,
            class: None,
            waiting: None,
            compressed: false,
            deleted_once_read: false,
        };
        match octet >> 4 {
            0x0 => scheme.alphabet = of_smpp(octet),
            // General data coding: 00xx, and 01xx with deletion.
            group @ 0x1..=0x7 => {
                scheme.alphabet = match octet >> 2 & 0b11 {
                    0 => Alphabet::Gsm,
                    1 => Alphabet::Octets,
                    2 => Alphabet::Ucs2,
                    _ => Alphabet::Reserved,
                };
                scheme.deleted_once_read = group >= 0x4;
                scheme.compressed = group & 0b10 != 0;
                if group & 0b01 != 0 {
                    scheme.class = Some(MessageClass::from_bits(octet));
                }
            }
            group @ 0xC..=0xE => {
                scheme.alphabet = if group == 0xE { Alphabet::Ucs2 } else { Alphabet::Gsm };
                let kind = match octet & 0b11 {
                    0 => WaitingKind::Voicemail,
                    1 => WaitingKind::Fax,
                    2 => WaitingKind::Email,
                    _ => WaitingKind::Other,
                };
                let active = octet & 0b1000 != 0;
                scheme.waiting = Some(WaitingIndication { kind, active, discard: group == 0xC });
            }
            0xF => {
                scheme.alphabet = if octet & 0b100 != 0 { Alphabet::Octets } else { Alphabet::Gsm };
                scheme.class = Some(MessageClass::from_bits(octet));
            }
            _ => {}
        }
        scheme
    }

    /// The octet for an alphabet and a class. None where no octet says both.
    pub const fn new(alphabet: Alphabet, class: Option<MessageClass>) -> Option<Self> {
        let octet = match (alphabet, class) {
            (Alphabet::Default | Alphabet::Gsm, Some(class)) => 0xF0 | class as u8,
            (Alphabet::Octets, Some(class)) => 0xF4 | class as u8,
            (Alphabet::Ucs2, Some(class)) => 0x18 | class as u8,
            (_, Some(_)) | (Alphabet::Reserved, None) => return None,
            (Alphabet::Default | Alphabet::Gsm, None) => 0,
            (Alphabet::Ascii, None) => 1,
            (Alphabet::Latin1, None) => 3,
            (Alphabet::Octets, None) => 4,
            (Alphabet::Jis, None) => 5,
            (Alphabet::Cyrillic, None) => 6,
            (Alphabet::Hebrew, None) => 7,
            (Alphabet::Ucs2, None) => 8,
            (Alphabet::Pictogram, None) => 9,
            (Alphabet::Iso2022Jp, None) => 10,
            (Alphabet::ExtendedKanji, None) => 13,
            (Alphabet::KsC5601, None) => 14,
        };
        Some(Self(octet))
    }
}

/// SMPP 3.4 §5.2.19, table 5-19.
const fn of_smpp(octet: u8) -> Alphabet {
    match octet {
        0 => Alphabet::Default,
        1 => Alphabet::Ascii,
        2 | 4 => Alphabet::Octets,
        3 => Alphabet::Latin1,
        5 => Alphabet::Jis,
        6 => Alphabet::Cyrillic,
        7 => Alphabet::Hebrew,
        8 => Alphabet::Ucs2,
        9 => Alphabet::Pictogram,
        10 => Alphabet::Iso2022Jp,
        13 => Alphabet::ExtendedKanji,
        14 => Alphabet::KsC5601,
        _ => Alphabet::Reserved,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smpp_has_its_own_meaning_for_the_first_sixteen() {
        let alphabets = [0, 1, 2, 3, 4, 8, 14, 15].map(|octet| DataCoding(octet).scheme().alphabet);
        assert_eq!(
            alphabets,
            [
                Alphabet::Default,
                Alphabet::Ascii,
                Alphabet::Octets,
                Alphabet::Latin1,
                Alphabet::Octets,
                Alphabet::Ucs2,
                Alphabet::KsC5601,
                Alphabet::Reserved,
            ]
        );
        assert_eq!(DataCoding(8).scheme().class, None);
    }

    #[test]
    fn flash_and_other_classes_are_read_in_every_group_that_has_them() {
        for (octet, alphabet, class) in [
            (0x10, Alphabet::Gsm, MessageClass::Flash),
            (0x14, Alphabet::Octets, MessageClass::Flash),
            (0x18, Alphabet::Ucs2, MessageClass::Flash),
            (0x1A, Alphabet::Ucs2, MessageClass::Sim),
            (0xF0, Alphabet::Gsm, MessageClass::Flash),
            (0xF1, Alphabet::Gsm, MessageClass::Phone),
            (0xF4, Alphabet::Octets, MessageClass::Flash),
            (0xF5, Alphabet::Octets, MessageClass::Phone),
            (0xF7, Alphabet::Octets, MessageClass::Terminal),
        ] {
            let scheme = DataCoding(octet).scheme();
            assert_eq!((scheme.alphabet, scheme.class), (alphabet, Some(class)), "{octet:#x}");
        }
        assert_eq!(DataCoding(0x48).scheme().alphabet, Alphabet::Ucs2);
        assert!(DataCoding(0x48).scheme().deleted_once_read);
        assert!(DataCoding(0x20).scheme().compressed && DataCoding(0x60).scheme().compressed);
        assert_eq!(DataCoding(0x80).scheme().alphabet, Alphabet::Reserved);
    }

    #[test]
    fn waiting_indications_are_read() {
        let scheme = DataCoding(0xC8).scheme();
        let waiting = WaitingIndication { kind: WaitingKind::Voicemail, active: true, discard: true };
        assert_eq!((scheme.alphabet, scheme.waiting), (Alphabet::Gsm, Some(waiting)));
        let scheme = DataCoding(0xD2).scheme();
        let waiting = WaitingIndication { kind: WaitingKind::Email, active: false, discard: false };
        assert_eq!((scheme.alphabet, scheme.waiting), (Alphabet::Gsm, Some(waiting)));
        assert_eq!(DataCoding(0xE9).scheme().alphabet, Alphabet::Ucs2);
    }

    #[test]
    fn what_is_said_is_what_is_read() {
        for octet in 0..=u8::MAX {
            let scheme = DataCoding(octet).scheme();
            if scheme.waiting.is_some() || scheme.compressed || scheme.deleted_once_read {
                continue;
            }
            let Some(said) = DataCoding::new(scheme.alphabet, scheme.class) else {
                assert_eq!(scheme.alphabet, Alphabet::Reserved);
                continue;
            };
            assert_eq!((said.scheme().alphabet, said.scheme().class), (scheme.alphabet, scheme.class));
        }
    }
}
