//! The GSM 7 bit alphabets: which septets a character has (3GPP TS 23.038 §6.2.1, annex A).
//!
//! A text is read with one main table (the default alphabet or a national locking shift) and one table behind
//! the escape (the default extension or a national single shift). Which ones stands in the user data header
//! (3GPP TS 23.040 §9.2.3.24.15, .16). Septets stand one an octet here; [`super::septet`] packs them.

use super::{locking, single};

/// The escape to the table behind it.
pub const ESCAPE: u8 = 0x1B;

/// Octets that one shift takes in a user data header: identifier, length, language.
const SHIFT_ELEMENT_OCTETS: usize = 3;

/// A National Language Identifier (3GPP TS 23.038 §6.2.1.2.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names are the specification's")]
pub enum Language {
    /// No national table.
    #[default]
    Default = 0,
    Turkish = 1,
    Spanish = 2,
    Portuguese = 3,
    Bengali = 4,
    Gujarati = 5,
    Hindi = 6,
    Kannada = 7,
    Malayalam = 8,
    Oriya = 9,
    Punjabi = 10,
    Tamil = 11,
    Telugu = 12,
    Urdu = 13,
}

impl Language {
    /// All, by identifier.
    pub const ALL: [Self; 14] = [
        Self::Default,
        Self::Turkish,
        Self::Spanish,
        Self::Portuguese,
        Self::Bengali,
        Self::Gujarati,
        Self::Hindi,
        Self::Kannada,
        Self::Malayalam,
        Self::Oriya,
        Self::Punjabi,
        Self::Tamil,
        Self::Telugu,
        Self::Urdu,
    ];

    /// From the header's octet; None for those that are reserved, which a receiver ignores.
    pub fn from_identifier(identifier: u8) -> Option<Self> {
        Self::ALL.get(usize::from(identifier)).copied()
    }

    /// Whether it has a locking shift table of its own. Spanish has a single shift only.
    pub const fn has_locking(self) -> bool {
        !matches!(self, Self::Default | Self::Spanish)
    }
}

/// Several languages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Languages(u16);

impl Languages {
    /// None: only the default alphabet and its extension.
    pub const NONE: Self = Self(0);
    /// All that the specification has.
    pub const ALL: Self = Self(0x3FFE);

    /// With one more.
    pub const fn with(self, language: Language) -> Self {
        Self((self.0 | 1 << language as u16) & Self::ALL.0)
    }

    /// Whether it is one of them.
    pub const fn contains(self, language: Language) -> bool {
        self.0 & 1 << language as u16 != 0
    }

    /// Each, by identifier; never the default, which needs no permission.
    pub fn iter(self) -> impl Iterator<Item = Language> {
        Language::ALL.into_iter().filter(move |&language| self.contains(language))
    }
}

impl FromIterator<Language> for Languages {
    fn from_iter<I: IntoIterator<Item = Language>>(languages: I) -> Self {
        languages.into_iter().fold(Self::NONE, Self::with)
    }
}

/// The two tables that a text is read with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shift {
    /// The main table.
    pub locking: Language,
    /// The table behind the escape.
    pub single: Language,
}

impl Shift {
    /// The default alphabet and its extension.
    pub const NONE: Self = Self { locking: Language::Default, single: Language::Default };

    /// Octets that the tables' names take in a user data header, without its length octet.
    pub const fn header_octets(self) -> usize {
        let mut octets = 0;
        if !matches!(self.locking, Language::Default) {
            octets += SHIFT_ELEMENT_OCTETS;
        }
        if !matches!(self.single, Language::Default) {
            octets += SHIFT_ELEMENT_OCTETS;
        }
        octets
    }

    /// How a character is written: one septet, or two with the escape. None: not at all.
    pub fn septets(self, character: char) -> Option<Septets> {
        let code = u16::try_from(u32::from(character)).ok().filter(|&code| code != 0)?;
        if let Some(septet) = LOCKING[self.locking as usize].septet(code) {
            return Some(Septets::Plain(septet));
        }
        SINGLE[self.single as usize].septet(code).map(Septets::Escaped)
    }

    /// Reads septets, one an octet. A septet that the main table lacks, or an octet that is none, becomes U+FFFD.
    /// Behind an escape a septet that the table lacks is read by the main table, a second escape is a space
    /// (3GPP TS 23.038 §6.2.1.1), and so is an escape at the end.
    pub fn decode(self, septets: &[u8], out: &mut String) {
        let (main, behind) = (&LOCKING[self.locking as usize], &SINGLE[self.single as usize]);
        out.reserve(septets.len());
        let mut rest = septets.iter().copied();
        while let Some(septet) = rest.next() {
            let character = if septet != ESCAPE {
                main.character(septet)
            } else {
                match rest.next() {
                    None | Some(ESCAPE) => Some(' '),
                    Some(septet) => behind.character(septet).or_else(|| main.character(septet)),
                }
            };
            out.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
        }
    }
}

/// How a character is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Septets {
    /// In the main table.
    Plain(u8),
    /// Behind the escape.
    Escaped(u8),
}

impl Septets {
    /// How many.
    pub const fn count(self) -> usize {
        match self {
            Self::Plain(_) => 1,
            Self::Escaped(_) => 2,
        }
    }

    /// Appends them, one an octet.
    pub fn append(self, out: &mut Vec<u8>) {
        match self {
            Self::Plain(septet) => out.push(septet),
            Self::Escaped(septet) => out.extend_from_slice(&[ESCAPE, septet]),
        }
    }
}

static LOCKING: [Table; 14] = [
    Table::new(&locking::DEFAULT),
    Table::new(&locking::TURKISH),
    // "Void": whoever names it means the default alphabet.
    Table::new(&locking::DEFAULT),
    Table::new(&locking::PORTUGUESE),
    Table::new(&locking::BENGALI),
    Table::new(&locking::GUJARATI),
    Table::new(&locking::HINDI),
    Table::new(&locking::KANNADA),
    Table::new(&locking::MALAYALAM),
    Table::new(&locking::ORIYA),
    Table::new(&locking::PUNJABI),
    Table::new(&locking::TAMIL),
    Table::new(&locking::TELUGU),
    Table::new(&locking::URDU),
];

static SINGLE: [Table; 14] = [
    Table::new(&single::DEFAULT),
    Table::new(&single::TURKISH),
    Table::new(&single::SPANISH),
    Table::new(&single::PORTUGUESE),
    Table::new(&single::BENGALI),
    Table::new(&single::GUJARATI),
    Table::new(&single::HINDI),
    Table::new(&single::KANNADA),
    Table::new(&single::MALAYALAM),
    Table::new(&single::ORIYA),
    Table::new(&single::PUNJABI),
    Table::new(&single::TAMIL),
    Table::new(&single::TELUGU),
    Table::new(&single::URDU),
];

/// One table, readable both ways.
struct Table {
    characters: &'static [u16; 128],
    /// Septets in the order of their characters; those without one come first.
    by_character: [u8; 128],
    /// The septet of each ASCII character; [`NONE`] where there is none.
    of_ascii: [u8; 128],
}

/// No septet.
const NONE: u8 = 0xFF;

impl Table {
    const fn new(characters: &'static [u16; 128]) -> Self {
        let (mut by_character, mut of_ascii) = ([0; 128], [NONE; 128]);
        let mut taken = 0;
        // Insertion keeps septets of one character in their order, so that the lowest is found.
        while taken < 128 {
            let mut place = taken;
            while place > 0 && characters[by_character[place - 1] as usize] > characters[taken] {
                by_character[place] = by_character[place - 1];
                place -= 1;
            }
            by_character[place] = taken as u8;
            let code = characters[taken];
            if code != 0 && code < 128 && of_ascii[code as usize] == NONE {
                of_ascii[code as usize] = taken as u8;
            }
            taken += 1;
        }
        Self { characters, by_character, of_ascii }
    }

    fn character(&self, septet: u8) -> Option<char> {
        let code = self.characters.get(usize::from(septet)).copied().filter(|&code| code != 0)?;
        char::from_u32(u32::from(code))
    }

    fn septet(&self, code: u16) -> Option<u8> {
        if let Some(&septet) = self.of_ascii.get(usize::from(code)) {
            return (septet != NONE).then_some(septet);
        }
        let of = |septet: &u8| self.characters[usize::from(*septet)];
        let place = self.by_character.partition_point(|septet| of(septet) < code);
        self.by_character.get(place).copied().filter(|septet| of(septet) == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encode(shift: Shift, text: &str) -> Option<Vec<u8>> {
        let mut octets = Vec::new();
        for character in text.chars() {
            shift.septets(character)?.append(&mut octets);
        }
        Some(octets)
    }

    fn decode(shift: Shift, septets: &[u8]) -> String {
        let mut text = String::new();
        shift.decode(septets, &mut text);
        text
    }

    /// Both tables of a language: a text, and the septets that the printed tables give it.
    fn check(locking: Language, single: Language, vectors: &[(&str, &[u8])]) {
        let shift = Shift { locking, single };
        for (text, septets) in vectors {
            assert_eq!(encode(shift, text).as_deref(), Some(*septets), "{shift:?} {text:?}");
            assert_eq!(decode(shift, septets), *text, "{shift:?}");
        }
        for table in [&LOCKING[locking as usize], &SINGLE[single as usize]] {
            for septet in 0..128 {
                let character = table.character(septet);
                let back = character.and_then(|character| table.septet(character as u16));
                // Some tables have a character twice: the lower septet is written.
                assert_eq!(back.and_then(|back| table.character(back)), character);
                assert!(back <= Some(septet) || character.is_none());
            }
        }
    }

    #[test]
    fn the_default_alphabet_and_its_extension_are_those_of_6_2_1() {
        use Language::Default;
        check(
            Default,
            Default,
            &[
                ("@£$¥èéùìòÇ\nØø\rÅå", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]),
                ("Δ_ΦΓΛΩΠΨΣΘΞ", &[16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26]),
                (
                    "ÆæßÉ ¤¡ÄÖÑÜ§¿äöñüà",
                    &[28, 29, 30, 31, 32, 36, 64, 91, 92, 93, 94, 95, 96, 123, 124, 125, 126, 127],
                ),
                ("\u{C}^{}", &[27, 10, 27, 20, 27, 40, 27, 41]),
                ("\\[~]|€", &[27, 47, 27, 60, 27, 61, 27, 62, 27, 64, 27, 101]),
            ],
        );
        assert_eq!(Shift::NONE.septets('\u{1B}'), None);
        assert_eq!(Shift::NONE.septets('\0'), None);
    }

    #[test]
    fn turkish() {
        use Language::{Default, Turkish};
        check(Turkish, Default, &[("€ıĞğŞşİç", &[4, 7, 11, 12, 28, 29, 64, 96])]);
        check(
            Default,
            Turkish,
            &[("ĞİŞçğış", &[27, 0x47, 27, 0x49, 27, 0x53, 27, 0x63, 27, 0x67, 27, 0x69, 27, 0x73])],
        );
    }

    #[test]
    fn spanish() {
        assert!(!Language::Spanish.has_locking());
        check(
            Language::Default,
            Language::Spanish,
            &[
                ("çÁÍÓÚ", &[27, 9, 27, 0x41, 27, 0x49, 27, 0x4F, 27, 0x55]),
                ("áíóú€", &[27, 0x61, 27, 0x69, 27, 0x6F, 27, 0x75, 27, 0x65]),
            ],
        );
        // Void: the default alphabet.
        check(Language::Spanish, Language::Default, &[("èÇ", &[4, 9])]);
    }

    #[test]
    fn portuguese() {
        use Language::{Default, Portuguese};
        check(
            Portuguese,
            Default,
            &[
                ("êúíóçÔôÁá", &[4, 6, 7, 8, 9, 11, 12, 14, 15]),
                ("ªÇÀ∞^\\€Ó|ÂâÊ", &[18, 19, 20, 21, 22, 23, 24, 25, 26, 28, 29, 30]),
                ("ºÍÃÕÚ~ãõ`", &[36, 64, 91, 92, 93, 96, 123, 124, 125]),
            ],
        );
        check(
            Default,
            Portuguese,
            &[
                ("êçÔôÁá", &[27, 5, 27, 9, 27, 11, 27, 12, 27, 14, 27, 15]),
                (
                    "ÊÀÂÃÕãõâ",
                    &[27, 0x1F, 27, 0x41, 27, 0x61, 27, 0x5B, 27, 0x5C, 27, 0x7B, 27, 0x7C, 27, 0x7F],
                ),
            ],
        );
    }

    #[test]
    fn bengali() {
        use Language::{Bengali, Default};
        check(Bengali, Default, &[("\u{981}\u{99F}\u{9CD}p\u{9F1}", &[0, 0x22, 0x5F, 0x70, 0x7F])]);
        check(Default, Bengali, &[("\u{9E6}\u{9EC}\u{9FA}", &[27, 0x19, 27, 0x20, 27, 0x34])]);
    }

    #[test]
    fn gujarati() {
        use Language::{Default, Gujarati};
        check(Gujarati, Default, &[("\u{A81}\u{A8D}\u{AB3}\u{AF1}", &[0, 0x0C, 0x47, 0x7F])]);
        check(Default, Gujarati, &[("\u{964}\u{AE6}\u{AEF}", &[27, 0x19, 27, 0x1C, 27, 0x25])]);
    }

    #[test]
    fn hindi() {
        use Language::{Default, Hindi};
        // "नमस्ते"
        let hello = "\u{928}\u{92E}\u{938}\u{94D}\u{924}\u{947}";
        check(Hindi, Default, &[(hello, &[0x2F, 0x42, 0x4C, 0x5F, 0x27, 0x59])]);
        check(Default, Hindi, &[("\u{966}\u{951}\u{95B}\u{971}", &[27, 0x1C, 27, 0x26, 27, 0x30, 27, 0x3A])]);
    }

    #[test]
    fn kannada() {
        use Language::{Default, Kannada};
        // 0x24 is U+0CA1: printed as U+0CAA, which is 0x3D.
        check(
            Kannada,
            Default,
            &[("\u{C82}\u{CA0}\u{CA1}\u{CA2}\u{CAA}\u{CE3}", &[1, 0x23, 0x24, 0x25, 0x3D, 0x7F])],
        );
        check(Default, Kannada, &[("\u{CE6}\u{CDE}\u{CF2}", &[27, 0x1C, 27, 0x26, 27, 0x2A])]);
    }

    #[test]
    fn malayalam() {
        use Language::{Default, Malayalam};
        check(Malayalam, Default, &[("\u{D02}\u{D34}\u{D4D}\u{D79}", &[1, 0x48, 0x5F, 0x7F])]);
        check(Default, Malayalam, &[("\u{D66}\u{D7A}\u{D7F}", &[27, 0x1C, 27, 0x2E, 27, 0x34])]);
    }

    #[test]
    fn oriya() {
        use Language::{Default, Oriya};
        check(Oriya, Default, &[("\u{B01}\u{B33}\u{B35}\u{B63}", &[0, 0x47, 0x49, 0x7F])]);
        check(Default, Oriya, &[("\u{B66}\u{B6A}\u{B5F}\u{B71}", &[27, 0x1C, 27, 0x20, 27, 0x2A, 27, 0x2C])]);
    }

    #[test]
    fn punjabi() {
        use Language::{Default, Punjabi};
        check(Punjabi, Default, &[("\u{A01}\u{A33}\u{A36}\u{A74}", &[0, 0x47, 0x4A, 0x7F])]);
        check(
            Default,
            Punjabi,
            &[("\u{A66}\u{A6D}\u{A5E}\u{A75}", &[27, 0x1C, 27, 0x23, 27, 0x2C, 27, 0x2D])],
        );
    }

    #[test]
    fn tamil() {
        use Language::{Default, Tamil};
        check(Tamil, Default, &[("\u{B82}\u{BA9}\u{BAA}\u{BF9}", &[1, 0x3C, 0x3D, 0x7F])]);
        // 0x24 is U+0BEE: printed as U+0BEF, which is 0x25.
        check(Default, Tamil, &[("\u{BEE}\u{BEF}\u{BFA}", &[27, 0x24, 27, 0x25, 27, 0x2E])]);
    }

    #[test]
    fn telugu() {
        use Language::{Default, Telugu};
        check(Telugu, Default, &[("\u{C01}\u{C31}\u{C4D}\u{C63}", &[0, 0x45, 0x5F, 0x7F])]);
        check(
            Default,
            Telugu,
            &[("\u{C66}\u{C6C}\u{C58}\u{C7F}€", &[27, 0x1C, 27, 0x22, 27, 0x26, 27, 0x32, 27, 0x65])],
        );
    }

    #[test]
    fn urdu() {
        use Language::{Default, Urdu};
        check(Urdu, Default, &[("\u{627}\u{622}\u{6A9}\u{6CC}\u{670}", &[0, 1, 0x47, 0x59, 0x7F])]);
        check(Default, Urdu, &[("\u{6F0}\u{60C}\u{61F}\u{6D4}", &[27, 0x1C, 27, 0x26, 27, 0x33, 27, 0x3F])]);
    }

    #[test]
    fn what_a_table_lacks_is_read_as_the_specification_says() {
        // Behind the escape: the main table's character; a second escape: a space.
        assert_eq!(decode(Shift::NONE, &[27, b'x', 27, 27, b'a', 27]), "x a ");
        assert_eq!(decode(Shift::NONE, &[0x80, b'a']), "\u{FFFD}a");
        let bengali = Shift { locking: Language::Bengali, single: Language::Default };
        assert_eq!(decode(bengali, &[0x0C, b'a']), "\u{FFFD}a");
    }

    fn shifts() -> impl Strategy<Value = Shift> {
        (0..14u8, 0..14u8).prop_map(|(locking, single)| Shift {
            locking: Language::from_identifier(locking).unwrap(),
            single: Language::from_identifier(single).unwrap(),
        })
    }

    proptest! {
        #[test]
        fn what_a_pair_of_tables_can_write_it_reads_back(
            shift in shifts(),
            septets in prop::collection::vec(0..128u8, 0..200),
        ) {
            let text: String =
                decode(shift, &septets).chars().filter(|&character| character != '\u{FFFD}').collect();
            let written = encode(shift, &text).unwrap();
            prop_assert_eq!(decode(shift, &written), text);
        }
    }
}
