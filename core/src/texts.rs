//! Texts for people and for callers: what a text costs in each encoding, and what a stored message says.
//!
//! The API plans with it, and so does `brivas text plan`; tools and webhooks read with it: one decoder for all.

use brivas_smpp::segment::{Form, Udh};
use brivas_smpp::text::{
    Alphabet, Charset, Cost, DataCoding, Encoding, Language, Languages, MessageClass, Plan, PlanError,
    PlanOptions, Shift, Transliteration, Unit,
};

use crate::shard::Manner;

/// What a text costs, written in one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextCost {
    /// `gsm`, `gsm-turkish`, `ucs2`, ...
    pub encoding: String,
    /// As in the PDU.
    pub data_coding: u8,
    /// `septets` or `octets`.
    pub unit: &'static str,
    /// How many it takes, without headers.
    pub units: usize,
    /// How many fit into each of its parts.
    pub units_per_part: usize,
    /// What is paid.
    pub parts: usize,
    /// Characters that are replaced by their nearest.
    pub replaced: usize,
}

impl From<&Cost> for TextCost {
    fn from(cost: &Cost) -> Self {
        Self {
            encoding: name(&cost.encoding),
            data_coding: cost.encoding.data_coding.0,
            unit: if cost.unit == Unit::Septets { "septets" } else { "octets" },
            units: cost.units,
            units_per_part: cost.units_per_part,
            parts: cost.parts,
            replaced: cost.replaced,
        }
    }
}

/// The way that is chosen for a text, then the others.
///
/// # Errors
/// It has too many parts in every way.
pub fn plan_text(text: &str, languages: &[u32], transliterate: bool) -> Result<Vec<TextCost>, String> {
    let planned = plan(text, languages, transliterate, None, None).map_err(|error| error.to_string())?;
    Ok(std::iter::once(&planned.cost).chain(&planned.alternatives).map(TextCost::from).collect())
}

/// Plans a text. What replacing would save stands among the alternatives where it is not allowed.
pub(crate) fn plan(
    text: &str,
    languages: &[u32],
    transliterate: bool,
    class: Option<MessageClass>,
    only: Option<Alphabet>,
) -> Result<Plan, PlanError> {
    let language = |&number: &u32| Language::from_identifier(u8::try_from(number).ok()?);
    let options = PlanOptions {
        languages: languages.iter().filter_map(language).collect::<Languages>(),
        // Whole: what a carrier takes is known when it goes out. It is counted like parts with 8 bits.
        form: Form::Payload,
        class,
        only,
        // Tried where it is asked for, and only there: carriers seldom say that they take it.
        alphabets: if only == Some(Alphabet::Latin1) { &[Alphabet::Latin1] } else { &[] },
        transliteration: if transliterate { Transliteration::Apply } else { Transliteration::Show },
        ..PlanOptions::default()
    };
    brivas_smpp::text::plan(text, &options)
}

/// What a message says, without its header. None: it is no text, or not valid in its alphabet. `alphabet` is a
/// number of `v1::DefaultAlphabet`.
#[must_use]
pub fn decode_text(has_udh: bool, data_coding: u8, user_data: &[u8], alphabet: i32) -> Option<String> {
    let (header, content) = if has_udh { Udh::split(user_data)? } else { (Udh::default(), user_data) };
    let alphabet = Manner::new(0, alphabet).alphabet;
    let encoding = Encoding::of(DataCoding(data_coding), alphabet, header.shift());
    if encoding.charset == Charset::Octets {
        return None;
    }
    let mut unpacked = Vec::new();
    let content = match encoding.charset {
        Charset::GsmPacked(padding) => {
            let fill = brivas_smpp::text::fill_bits(user_data.len() - content.len());
            brivas_smpp::text::unpack(content, fill, padding, &mut unpacked);
            &unpacked
        }
        _ => content,
    };
    let text = encoding.decode(content);
    (!text.contains(char::REPLACEMENT_CHARACTER)).then_some(text)
}

fn name(encoding: &Encoding) -> String {
    let base = match encoding.charset {
        Charset::Gsm | Charset::GsmPacked(_) => "gsm",
        Charset::Ascii => "ascii",
        Charset::Latin1 => "latin1",
        Charset::Utf8 => "utf8",
        Charset::Ucs2 | Charset::Ucs2LittleEndian => "ucs2",
        _ => "other",
    };
    if encoding.shift == Shift::NONE {
        return base.to_owned();
    }
    let Shift { locking, single } = encoding.shift;
    let language = if locking == Language::Default { single } else { locking };
    format!("{base}-{}", format!("{language:?}").to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_is_told_the_chosen_one_first() {
        let text = format!("“{}”", "a".repeat(150));
        let ways = plan_text(&text, &[], false).unwrap();
        assert_eq!((ways[0].encoding.as_str(), ways[0].parts), ("ucs2", 3));
        assert!(ways.iter().any(|way| way.parts == 1 && way.replaced == 2));
        let ways = plan_text(&text, &[], true).unwrap();
        assert_eq!((ways[0].encoding.as_str(), ways[0].parts, ways[0].replaced), ("gsm", 1, 2));
        let turkish = plan_text(&"ığdır şğı İstanbul ".repeat(8), &[1], false).unwrap();
        assert_eq!((turkish[0].encoding.as_str(), turkish[0].parts), ("gsm-turkish", 1));
        assert!(plan_text(&"a".repeat(40_000), &[], false).unwrap_err().contains("255"));
    }

    #[test]
    fn a_message_is_read_by_its_alphabet_and_its_tables() {
        assert_eq!(decode_text(false, 0, b"\x00{", 0).as_deref(), Some("@ä"));
        assert_eq!(decode_text(false, 0, b"\xE8\x32\x9B\xFD\x06", 1).as_deref(), Some("hello"));
        assert_eq!(decode_text(false, 0, b"\xE4", 2).as_deref(), Some("ä"));
        assert_eq!(decode_text(true, 0, b"\x03\x25\x01\x01\x07", 0).as_deref(), Some("ı"));
        assert_eq!(decode_text(false, 0x18, b"\x04\x16", 0).as_deref(), Some("Ж"));
        for (has_udh, data_coding, octets) in
            [(false, 4, &b"a"[..]), (true, 0, b"\x09a"), (false, 0, b"\xFF"), (false, 8, b"\0")]
        {
            assert_eq!(decode_text(has_udh, data_coding, octets, 0), None);
        }
    }
}
