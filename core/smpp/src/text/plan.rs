//! How a text goes out: the encoding with the fewest parts, what else was possible, and what it would cost.

use std::ops::Range;

use super::alphabet::{Languages, Shift};
use super::charset::{Charset, DefaultAlphabet, Unencodable};
use super::coding::{Alphabet, DataCoding, MessageClass};
use super::encoding::{Encoding, Unit};
use super::national::cheapest_shift;
use super::transliterate::{Replacement, Transliterated, transliterate};
use crate::segment::{Form, PartBody, SplitError, Whole, parts_of, split, udh};

/// Whether characters may be replaced by their nearest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Transliteration {
    /// No, and nobody wants to know.
    #[default]
    Never,
    /// No, but what it would save shall stand among the alternatives.
    Show,
    /// Where it saves parts.
    Apply,
}

/// What the carrier and the account allow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlanOptions<'a> {
    /// What data_coding 0 means at the carrier.
    pub default: DefaultAlphabet,
    /// Languages whose shift tables phones there know. Most carriers do not say, so that this is empty.
    pub languages: Languages,
    /// Other sets that the carrier takes, to be tried before UCS-2.
    pub alphabets: &'a [Alphabet],
    /// How a text of several parts travels.
    pub form: Form,
    /// Where phones put it.
    pub class: Option<MessageClass>,
    /// Whether characters may be replaced.
    pub transliteration: Transliteration,
    /// In this alphabet and no other, even if another took fewer parts.
    pub only: Option<Alphabet>,
}

/// Why a text cannot go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanError {
    /// It has too many parts in every way.
    Split(SplitError),
    /// The alphabet that is asked for lacks a character.
    Unencodable(Unencodable),
    /// The alphabet that is asked for cannot be said together with the class.
    Class,
}

impl std::fmt::Display for PlanError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Split(error) => error.fmt(formatter),
            Self::Unencodable(error) => error.fmt(formatter),
            Self::Class => formatter.write_str("no data_coding says this alphabet and a class"),
        }
    }
}

impl std::error::Error for PlanError {}

/// A way to write a text, and its cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// How it is written.
    pub encoding: Encoding,
    /// What it is measured in.
    pub unit: Unit,
    /// How many of them it takes, without headers.
    pub units: usize,
    /// How many fit into each of its parts.
    pub units_per_part: usize,
    /// How many parts go over the air: what is paid.
    pub parts: usize,
    /// How many characters are replaced.
    pub replaced: usize,
}

/// How a text goes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The way that was chosen.
    pub cost: Cost,
    /// The ways that were not, as they were tried.
    pub alternatives: Vec<Cost>,
    /// What was replaced.
    pub replacements: Vec<Replacement>,
    form: Form,
    content: Vec<u8>,
    ends: Vec<usize>,
}

impl Plan {
    /// The octets of each part, without header, and not packed.
    pub fn parts(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        (0..self.ends.len()).map(|number| &self.content[self.range(number)])
    }

    /// What is written into PDUs: a part each, or all in one as [`Form::Payload`].
    ///
    /// # Errors
    /// It does not fit into message_payload.
    pub fn bodies(&self, reference: u16) -> Result<Vec<PartBody>, SplitError> {
        let mut header = Vec::new();
        udh::append_shift(&mut header, self.cost.encoding.shift);
        // As a payload it may still go alone.
        let form = if self.ends.len() == 1 && self.form == Form::Payload { Form::Udh8 } else { self.form };
        let whole = Whole { header, headers_differ: false, content: self.content.clone() };
        split(&whole, &self.cost.encoding, form, reference)
    }

    fn range(&self, number: usize) -> Range<usize> {
        let start =
            number.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default();
        start..self.ends.get(number).copied().unwrap_or(start)
    }
}

/// Finds the way with the fewest parts. Of ways with as many: the default alphabet before the others that the options
/// name, these before UCS-2, that before shift tables, which not every phone knows, and replaced characters last.
///
/// # Errors
/// It has too many parts in every way, or cannot be written in the one alphabet that is allowed.
pub fn plan(text: &str, options: &PlanOptions<'_>) -> Result<Plan, PlanError> {
    let takes = |alphabet: Alphabet| options.only.is_none_or(|only| only == alphabet);
    let mut ways = Vec::new();
    let mut error = None;
    let mut consider = |way: Option<Result<Way, SplitError>>| match way {
        Some(Ok(way)) => ways.push(way),
        Some(Err(why)) => error = error.or(Some(why)),
        None => {}
    };
    let default = default_encoding(options, Shift::NONE);
    if takes(Alphabet::Default) {
        consider(Way::new(text, default, options.form));
    }
    for &alphabet in options.alphabets.iter().filter(|&&alphabet| takes(alphabet)) {
        if let Some(data_coding) = DataCoding::new(alphabet, options.class) {
            consider(Way::new(text, Encoding::of(data_coding, options.default, Shift::NONE), options.form));
        }
    }
    let ucs2 = DataCoding::new(Alphabet::Ucs2, options.class).unwrap_or(DataCoding(8));
    if takes(Alphabet::Ucs2) {
        consider(Way::new(text, Encoding::of(ucs2, options.default, Shift::NONE), options.form));
    }
    if takes(Alphabet::Default) && default.charset.is_gsm() {
        let shift = cheapest_shift(text, options.languages, options.form);
        consider(shift.and_then(|shift| Way::new(text, default_encoding(options, shift), options.form)));
    }
    if takes(Alphabet::Default) && options.transliteration != Transliteration::Never {
        consider(transliterated(text, default, options.form));
    }
    // The first of the fewest.
    let allowed =
        |way: &Way| way.replacements.is_empty() || options.transliteration == Transliteration::Apply;
    let chosen = (0..ways.len())
        .filter(|&number| allowed(&ways[number]))
        .min_by_key(|&number| ways[number].cost.parts);
    let Some(chosen) = chosen else { return Err(no_way(text, options, error)) };
    let Way { cost, content, ends, replacements } = ways.remove(chosen);
    let alternatives = ways.iter().map(|way| way.cost).collect();
    Ok(Plan { cost, alternatives, replacements, form: options.form, content, ends })
}

/// Why there is none. UCS-2 writes every text: without an alphabet that is asked for, each way had too many parts.
fn no_way(text: &str, options: &PlanOptions<'_>, error: Option<SplitError>) -> PlanError {
    if let (Some(only), None) = (options.only, error) {
        let Some(data_coding) = DataCoding::new(only, options.class) else { return PlanError::Class };
        let charset = Charset::of(data_coding, options.default);
        let lacks = charset.encode(Shift::NONE, text, &mut Vec::new()).err();
        let lacks = lacks.or_else(|| {
            let lacking = |&(_, character): &(usize, char)| Shift::NONE.septets(character).is_none();
            text.char_indices().find(lacking).map(|(at, character)| Unencodable { at, character })
        });
        if let Some(lacks) = lacks {
            return PlanError::Unencodable(lacks);
        }
    }
    PlanError::Split(error.unwrap_or(SplitError::TooManyParts(usize::MAX)))
}

/// One way, tried.
struct Way {
    cost: Cost,
    content: Vec<u8>,
    ends: Vec<usize>,
    replacements: Vec<Replacement>,
}

impl Way {
    /// None: a character has no place in it.
    fn new(text: &str, encoding: Encoding, form: Form) -> Option<Result<Self, SplitError>> {
        let Encoding { charset, shift, .. } = encoding;
        let of_carrier = !charset.is_gsm() && encoding.unit() == Unit::Septets;
        if of_carrier && !text.chars().all(|character| shift.septets(character).is_some()) {
            // The carrier takes the character, and has no septet for it.
            return None;
        }
        let mut content = Vec::new();
        charset.encode(shift, text, &mut content).ok()?;
        let others_octets = shift.header_octets();
        let ends = match parts_of(&content, &encoding, form, others_octets) {
            Ok(ends) => ends,
            Err(error) => return Some(Err(error)),
        };
        let header_octets = match (ends.len(), others_octets) {
            (1, 0) => 0,
            (1, octets) => 1 + octets,
            (_, octets) => form.header_octets(octets),
        };
        let cost = Cost {
            encoding,
            unit: encoding.unit(),
            units: encoding.units(&content),
            units_per_part: encoding.capacity(header_octets),
            parts: ends.len(),
            replaced: 0,
        };
        Some(Ok(Self { cost, content, ends, replacements: Vec::new() }))
    }
}

/// The text with everything replaced that the default alphabet lacks. None: nothing is, or not everything can be.
fn transliterated(text: &str, default: Encoding, form: Form) -> Option<Result<Way, SplitError>> {
    let fits = |character: char| {
        let on_air = Shift::NONE.septets(character).is_some();
        on_air
            && (default.charset.is_gsm()
                || default.charset == Charset::Utf8
                || fits_octet(default.charset, character))
    };
    let Transliterated { text, replacements, misfit } = transliterate(text, fits);
    if misfit.is_some() || replacements.is_empty() {
        return None;
    }
    let way = Way::new(&text, default, form)?;
    Some(way.map(|mut way| {
        way.cost.replaced = replacements.len();
        way.replacements = replacements;
        way
    }))
}

fn fits_octet(charset: Charset, character: char) -> bool {
    let last = if charset == Charset::Latin1 { '\u{FF}' } else { '\u{7F}' };
    character <= last
}

/// The default alphabet. With a class it is GSM's by name, whatever 0 means.
fn default_encoding(options: &PlanOptions<'_>, shift: Shift) -> Encoding {
    let data_coding = DataCoding::new(Alphabet::Default, options.class).unwrap_or_default();
    Encoding::of(data_coding, options.default, shift)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::{Kind, Segmented};
    use crate::text::{Language, Padding};
    use crate::{EsmClass, ShortMessage};
    use proptest::prelude::*;

    fn parts(text: &str, options: &PlanOptions<'_>) -> (usize, usize, usize) {
        let cost = plan(text, options).unwrap().cost;
        (cost.parts, cost.units, cost.units_per_part)
    }

    #[test]
    fn one_alphabet_is_taken_where_it_is_asked_for_or_the_text_is_refused_by_its_character() {
        let planned = |text: &str, only, class, transliteration| {
            let alphabets = &[Alphabet::Latin1][..];
            plan(
                text,
                &PlanOptions {
                    only: Some(only),
                    class,
                    transliteration,
                    alphabets,
                    ..PlanOptions::default()
                },
            )
        };
        let data_coding = |text: &str, only| {
            planned(text, only, None, Transliteration::Never).map(|plan| plan.cost.encoding.data_coding.0)
        };
        for (only, expected) in [(Alphabet::Default, 0), (Alphabet::Latin1, 3), (Alphabet::Ucs2, 8)] {
            assert_eq!(data_coding("hello", only), Ok(expected));
        }
        let lacks = |at, character| Err(PlanError::Unencodable(Unencodable { at, character }));
        assert_eq!(data_coding("za\u{17c}\u{f3}\u{142}\u{107}", Alphabet::Default), lacks(2, '\u{17c}'));
        assert_eq!(data_coding("5 \u{20ac}", Alphabet::Latin1), lacks(2, '\u{20ac}'));
        assert_eq!(data_coding("5 \u{20ac}", Alphabet::Default), Ok(0));
        // Replaced where that is allowed; a class where one can be said.
        let replaced =
            planned("\u{201c}hi\u{201d}", Alphabet::Default, None, Transliteration::Apply).unwrap();
        assert_eq!(replaced.cost.replaced, 2);
        let flash = |only| planned("hi", only, Some(MessageClass::Flash), Transliteration::Never);
        assert_eq!(flash(Alphabet::Default).unwrap().cost.encoding.data_coding.0, 0xF0);
        assert_eq!(flash(Alphabet::Ucs2).unwrap().cost.encoding.data_coding.0, 0x18);
        assert_eq!(flash(Alphabet::Latin1).unwrap_err(), PlanError::Class);
        let long = "x".repeat(100_000);
        assert!(matches!(data_coding(&long, Alphabet::Default), Err(PlanError::Split(_))));
    }

    #[test]
    fn parts_are_counted_as_the_specification_counts_them() {
        let usual = PlanOptions::default();
        assert_eq!(parts(&"a".repeat(160), &usual), (1, 160, 160));
        assert_eq!(parts(&"a".repeat(161), &usual), (2, 161, 153));
        assert_eq!(parts(&"a".repeat(306), &usual), (2, 306, 153));
        assert_eq!(parts(&"a".repeat(307), &usual), (3, 307, 153));
        assert_eq!(parts(&"ж".repeat(70), &usual), (1, 140, 140));
        assert_eq!(parts(&"ж".repeat(71), &usual), (2, 142, 134));
        let wide = PlanOptions { form: Form::Udh16, ..usual };
        assert_eq!(parts(&"a".repeat(306), &wide), (3, 306, 152));
        assert_eq!(parts(&"ж".repeat(133), &wide), (3, 266, 133));
        for form in [Form::Sar, Form::Payload] {
            assert_eq!(parts(&"a".repeat(306), &PlanOptions { form, ..usual }), (2, 306, 153));
        }
        assert_eq!(parts("", &usual), (1, 0, 160));
    }

    #[test]
    fn neither_an_escape_nor_a_surrogate_pair_is_cut() {
        let usual = PlanOptions::default();
        // 152 letters, then "€", which takes two septets: the first part has one to spare.
        let text = format!("{}€{}", "a".repeat(152), "b".repeat(152));
        let planned = plan(&text, &usual).unwrap();
        assert_eq!(planned.parts().map(<[u8]>::len).collect::<Vec<_>>(), [152, 153, 1]);
        let text = format!("{}😀{}", "ж".repeat(66), "ж".repeat(10));
        let planned = plan(&text, &usual).unwrap();
        assert_eq!(planned.parts().map(<[u8]>::len).collect::<Vec<_>>(), [132, 24]);
    }

    #[test]
    fn shift_tables_are_used_where_they_save_parts_and_are_allowed() {
        let text = "ığdır şğı İstanbul ".repeat(8);
        let forbidden = PlanOptions::default();
        assert_eq!(plan(&text, &forbidden).unwrap().cost.encoding.charset, Charset::Ucs2);
        let allowed = PlanOptions { languages: Languages::NONE.with(Language::Turkish), ..forbidden };
        let planned = plan(&text, &allowed).unwrap();
        let turkish = Shift { locking: Language::Turkish, single: Language::Default };
        assert_eq!((planned.cost.encoding.shift, planned.cost.parts), (turkish, 1));
        assert_eq!(planned.cost.units_per_part, 155);
        let body = planned.bodies(0).unwrap().remove(0);
        assert_eq!(body.short_message[..4], [3, 0x25, 1, 1]);
        // A short one goes as UCS-2 in one part as well: every phone reads that.
        assert_eq!(plan("ığ", &allowed).unwrap().cost.encoding.charset, Charset::Ucs2);
    }

    #[test]
    fn a_class_is_said_whatever_is_chosen() {
        let flash = PlanOptions { class: Some(MessageClass::Flash), ..PlanOptions::default() };
        assert_eq!(plan("hello", &flash).unwrap().cost.encoding.data_coding, DataCoding(0xF0));
        assert_eq!(plan("привет", &flash).unwrap().cost.encoding.data_coding, DataCoding(0x18));
    }

    #[test]
    fn transliteration_is_shown_or_applied_and_never_unasked() {
        let text = format!("“{}”", "a".repeat(150));
        let show = PlanOptions { transliteration: Transliteration::Show, ..PlanOptions::default() };
        let shown = plan(&text, &show).unwrap();
        assert_eq!((shown.cost.parts, shown.replacements.len()), (3, 0));
        let saving = shown.alternatives.last().unwrap();
        assert_eq!((saving.parts, saving.replaced), (1, 2));
        let apply = PlanOptions { transliteration: Transliteration::Apply, ..show };
        let applied = plan(&text, &apply).unwrap();
        assert_eq!((applied.cost.parts, applied.cost.replaced, applied.replacements.len()), (1, 2, 2));
        assert_eq!(applied.alternatives.len(), 1);
        // Nothing to save: nothing is replaced.
        assert_eq!(plan("“a”", &apply).unwrap().cost.replaced, 0);
        assert_eq!(plan(&text, &PlanOptions::default()).unwrap().alternatives, []);
    }

    #[test]
    fn what_zero_means_decides_what_is_written_and_not_what_is_paid() {
        for (default, octets) in [
            (DefaultAlphabet::Latin1, &b"[\xE4]"[..]),
            (DefaultAlphabet::Utf8, "[ä]".as_bytes()),
            (DefaultAlphabet::Gsm, b"\x1B<\x7B\x1B>"),
        ] {
            let planned = plan("[ä]", &PlanOptions { default, ..PlanOptions::default() }).unwrap();
            assert_eq!(planned.cost.encoding.data_coding, DataCoding(0));
            assert_eq!((planned.cost.units, planned.parts().next()), (5, Some(octets)), "{default:?}");
        }
        // In Latin-1, but in no septet: the carrier could only replace it.
        let latin1 = PlanOptions { default: DefaultAlphabet::Latin1, ..PlanOptions::default() };
        assert_eq!(plan("á", &latin1).unwrap().cost.encoding.charset, Charset::Ucs2);
        let ascii = PlanOptions { default: DefaultAlphabet::Ascii, ..PlanOptions::default() };
        assert_eq!(plan("ä", &ascii).unwrap().cost.encoding.charset, Charset::Ucs2);
    }

    #[test]
    fn other_alphabets_are_tried_before_ucs2() {
        let text = "привет ".repeat(15);
        let cyrillic = PlanOptions { alphabets: &[Alphabet::Cyrillic], ..PlanOptions::default() };
        let planned = plan(&text, &cyrillic).unwrap();
        assert_eq!((planned.cost.encoding.data_coding, planned.cost.parts), (DataCoding(6), 1));
        assert_eq!(planned.alternatives.iter().map(|cost| cost.parts).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn what_has_too_many_parts_is_refused() {
        let most = "a".repeat(255 * 153);
        assert_eq!(plan(&most, &PlanOptions::default()).unwrap().cost.parts, 255);
        let refused = plan(&format!("{most}a"), &PlanOptions::default());
        assert_eq!(refused, Err(PlanError::Split(SplitError::TooManyParts(256))));
        let everything = PlanOptions { languages: Languages::ALL, ..PlanOptions::default() };
        assert!(plan(&"ж".repeat(100_000), &everything).is_err());
    }

    fn texts() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            4 => "[ -~]{0,60}",
            2 => "[€{}\\[\\]ä]{0,40}",
            1 => "[ığşİçŞĞ]{0,60}",
            1 => "[नमस्तेहिन्दी]{0,60}",
            1 => "[жя😀\u{10FFFF}]{0,40}",
            1 => "[“”–á]{0,4}",
        ];
        prop::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
    }

    fn options() -> impl Strategy<Value = PlanOptions<'static>> {
        let default = prop_oneof![
            Just(DefaultAlphabet::Gsm),
            Just(DefaultAlphabet::GsmPacked(Padding::CarriageReturn)),
            Just(DefaultAlphabet::Latin1),
            Just(DefaultAlphabet::Utf8),
        ];
        let form = prop_oneof![Just(Form::Udh8), Just(Form::Udh16), Just(Form::Sar), Just(Form::Payload)];
        let languages = prop_oneof![Just(Languages::NONE), Just(Languages::ALL)];
        let transliteration = prop_oneof![Just(Transliteration::Never), Just(Transliteration::Apply)];
        (default, form, languages, transliteration).prop_map(|(default, form, languages, transliteration)| {
            PlanOptions { default, form, languages, transliteration, ..PlanOptions::default() }
        })
    }

    proptest! {
        #[test]
        fn parts_fit_and_join_to_the_text(text in texts(), options in options()) {
            let planned = plan(&text, &options).unwrap();
            let Cost { encoding, units_per_part, .. } = planned.cost;
            prop_assert_eq!(planned.parts().len(), planned.cost.parts);
            let mut read = String::new();
            for part in planned.parts() {
                prop_assert!(encoding.units(part) <= units_per_part);
                // Each part is read alone: nothing that belongs together was cut.
                read.push_str(&encoding.decode(part));
            }
            prop_assert_eq!(planned.parts().map(|part| encoding.units(part)).sum::<usize>(), planned.cost.units);
            let undone = Transliterated { text: read, replacements: planned.replacements.clone(), misfit: None };
            prop_assert_eq!(undone.original(), text);
            for cost in &planned.alternatives {
                prop_assert!(cost.parts >= planned.cost.parts || cost.replaced > 0);
            }
        }

        #[test]
        fn bodies_are_read_back_as_the_parts(text in texts(), options in options()) {
            let planned = plan(&text, &options).unwrap();
            let bodies = planned.bodies(0x1234).unwrap();
            let encoding = planned.cost.encoding;
            if options.form != Form::Payload {
                prop_assert_eq!(bodies.len(), planned.cost.parts);
            }
            let mut joined = Vec::new();
            for (number, body) in bodies.iter().enumerate() {
                let mut area = Vec::new();
                let message = body.message(&ShortMessage::default(), &mut area);
                let part = Segmented::read(&message).unwrap();
                prop_assert_eq!(usize::from(part.sequence), number + 1);
                prop_assert_eq!(usize::from(part.total), bodies.len());
                prop_assert_eq!(part.header.shift(), encoding.shift);
                prop_assert!(part.kind != Kind::Single || bodies.len() == 1);
                if encoding.charset.is_gsm() && matches!(options.default, DefaultAlphabet::GsmPacked(_)) {
                    prop_assert!(options.form == Form::Payload || message.short_message.len() <= 140);
                }
                part.append_unpacked(&encoding, &mut joined);
            }
            prop_assert_eq!(joined, planned.parts().collect::<Vec<_>>().concat());
            prop_assert!(bodies.iter().all(|body| body.esm_class(EsmClass(0x43)).0 & 0x3F == 0x03));
        }
    }
}
