//! How a text goes out: the encoding with the fewest parts, what else was possible, and what it would cost.

use std::ops::Range;

use super::alphabet::{Languages, Shift};
use super::charset::{Charset, DefaultAlphabet};
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
}

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
/// It has too many parts in every way.
pub fn plan(text: &str, options: &PlanOptions<'_>) -> Result<Plan, SplitError> {
    let mut ways = Vec::new();
    let mut error = None;
    let mut consider = |way: Option<Result<Way, SplitError>>| match way {
        Some(Ok(way)) => ways.push(way),
        Some(Err(why)) => error = error.or(Some(why)),
        None => {}
    };
    let default = default_encoding(options, Shift::NONE);
    consider(Way::new(text, default, options.form));
    for &alphabet in options.alphabets {
        if let Some(data_coding) = DataCoding::new(alphabet, options.class) {
            consider(Way::new(text, Encoding::of(data_coding, options.default, Shift::NONE), options.form));
        }
    }
    let ucs2 = DataCoding::new(Alphabet::Ucs2, options.class).unwrap_or(DataCoding(8));
    consider(Way::new(text, Encoding::of(ucs2, options.default, Shift::NONE), options.form));
    if default.charset.is_gsm() {
        let shift = cheapest_shift(text, options.languages, options.form);
        consider(shift.and_then(|shift| Way::new(text, default_encoding(options, shift), options.form)));
    }
    if options.transliteration != Transliteration::Never {
        consider(transliterated(text, default, options.form));
    }
    // The first of the fewest.
    let allowed =
        |way: &Way| way.replacements.is_empty() || options.transliteration == Transliteration::Apply;
    let chosen = (0..ways.len())
        .filter(|&number| allowed(&ways[number]))
        .min_by_key(|&number| ways[number].cost.parts);
    // UCS-2 writes every text: where no way is left, each had too many parts.
    let Some(chosen) = chosen else { return Err(error.unwrap_or(SplitError::TooManyParts(usize::MAX))) };
    let Way { cost, content, ends, replacements } = ways.remove(chosen);
    let alternatives = ways.iter().map(|way| way.cost).collect();
    Ok(Plan { cost, alternatives, replacements, form: options.form, content, ends })
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
