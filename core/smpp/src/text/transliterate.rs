//! Characters without a place in the alphabet, replaced by their nearest: quotes, dashes, spaces, accents.
//!
//! One such character makes a text twice as long, as it then goes as UCS-2. Replacing is never done unasked, and
//! what was replaced is listed, so that it can be shown and undone.

use std::sync::LazyLock;

/// One character that was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// Where the replacement stands in the new text, in octets.
    pub at: usize,
    /// What stood there.
    pub from: char,
    /// What stands there now; may be empty, for characters that nobody sees.
    pub to: &'static str,
}

/// A text, and how it differs from the one that came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transliterated {
    /// The new text.
    pub text: String,
    /// What was replaced, in order.
    pub replacements: Vec<Replacement>,
    /// The first character that neither fits nor has a replacement that fits; it is kept.
    pub misfit: Option<char>,
}

impl Transliterated {
    /// The text that came.
    pub fn original(&self) -> String {
        let mut original = String::with_capacity(self.text.len() + self.replacements.len() * 2);
        let mut at = 0;
        for replacement in &self.replacements {
            original.push_str(self.text.get(at..replacement.at).unwrap_or_default());
            original.push(replacement.from);
            at = replacement.at + replacement.to.len();
        }
        original.push_str(self.text.get(at..).unwrap_or_default());
        original
    }
}

/// Replaces what does not fit.
pub fn transliterate(text: &str, fits: impl Fn(char) -> bool) -> Transliterated {
    let mut done = Transliterated { text: String::with_capacity(text.len()), ..Transliterated::default() };
    for from in text.chars() {
        if fits(from) {
            done.text.push(from);
            continue;
        }
        match nearest(from).filter(|to| to.chars().all(&fits)) {
            Some(to) => {
                done.replacements.push(Replacement { at: done.text.len(), from, to });
                done.text.push_str(to);
            }
            None => {
                done.misfit = done.misfit.or(Some(from));
                done.text.push(from);
            }
        }
    }
    done
}

/// What comes nearest to a character, in GSM's default alphabet.
pub fn nearest(character: char) -> Option<&'static str> {
    static BY_CHARACTER: LazyLock<Vec<(char, &'static str)>> = LazyLock::new(|| {
        let pairs = NEAREST.iter().flat_map(|&(to, from)| from.chars().map(move |from| (from, to)));
        let mut pairs: Vec<_> = pairs.collect();
        pairs.sort_unstable_by_key(|pair| pair.0);
        pairs
    });
    let place = BY_CHARACTER.binary_search_by_key(&character, |pair| pair.0).ok()?;
    BY_CHARACTER.get(place).map(|pair| pair.1)
}

/// A replacement, and what it replaces. Accented Latin letters are those of Unicode's canonical decompositions.
const NEAREST: &[(&str, &str)] = &[
    ("\"", "“”„‟«»″"),
    ("'", "‘’‚‛‹›′´`ʼʻ"),
    ("-", "‐‑‒–—―−⁃"),
    (
        " ",
        "\u{A0}\u{2000}\u{2001}\u{2002}\u{2003}\u{2004}\u{2005}\u{2006}\u{2007}\u{2008}\u{2009}\u{200A}\u{202F}\u{205F}\u{3000}\t",
    ),
    ("", "\u{AD}\u{200B}\u{200C}\u{200D}\u{200E}\u{200F}\u{2060}\u{FE0E}\u{FE0F}\u{FEFF}"),
    ("\n", "\u{2028}\u{2029}\u{85}"),
    ("...", "…"),
    ("*", "•‣▪●·∙"),
    ("/", "⁄∕÷"),
    ("x", "×"),
    ("~", "∼˜"),
    ("^", "ˆ"),
    ("|", "¦"),
    (",", ""),
    ("(C)", "©"),
    ("(R)", "®"),
    ("TM", "™"),
    ("1/4", "¼"),
    ("1/2", "½"),
    ("3/4", "¾"),
    ("<=", "≤"),
    (">=", "≥"),
    ("!=", "≠"),
    ("+-", "±"),
    ("->", "→"),
    ("<-", "←"),
    ("1", "¹"),
    ("2", "²"),
    ("3", "³"),
    ("a", "ª"),
    ("o", "º°"),
    ("u", "µ"),
    ("c", "¢"),
    ("Rs", "₹"),
    ("No", "№"),
    ("ö", "ő"),
    ("ü", "ű"),
    ("Ö", "Ő"),
    ("Ü", "Ű"),
    ("D", "ÐĐ"),
    ("d", "ðđ"),
    ("Th", "Þ"),
    ("th", "þ"),
    ("L", "Ł"),
    ("l", "ł"),
    ("H", "Ħ"),
    ("h", "ħ"),
    ("T", "Ŧ"),
    ("t", "ŧ"),
    ("i", "ı"),
    ("OE", "Œ"),
    ("oe", "œ"),
    ("IJ", "Ĳ"),
    ("ij", "ĳ"),
    ("k", "ĸ"),
    ("NG", "Ŋ"),
    ("ng", "ŋ"),
    ("s", "ſ"),
    ("SS", "ẞ"),
    ("A", "ΑάαΆ"),
    ("B", "Ββ"),
    ("E", "ΕεέΈ"),
    ("Z", "Ζζ"),
    ("H", "ΗηήΉ"),
    ("I", "ΙιίΊϊΐΪ"),
    ("K", "Κκ"),
    ("M", "Μμ"),
    ("N", "Νν"),
    ("O", "ΟοόΌ"),
    ("P", "Ρρ"),
    ("T", "Ττ"),
    ("Y", "ΥυύΎϋΰΫ"),
    ("X", "Χχ"),
    ("Γ", "γ"),
    ("Δ", "δ"),
    ("Θ", "θ"),
    ("Λ", "λ"),
    ("Ξ", "ξ"),
    ("Π", "π"),
    ("Σ", "σς"),
    ("Φ", "φ"),
    ("Ψ", "ψ"),
    ("Ω", "ωώΏ"),
    ("A", "ÀÁÂÃĀĂĄǍǞǠǺȀȂȦḀẠẢẤẦẨẪẬẮẰẲẴẶ"),
    ("B", "ḂḄḆ"),
    ("C", "ĆĈĊČḈ"),
    ("D", "ĎḊḌḎḐḒ"),
    ("E", "ÈÊËĒĔĖĘĚȄȆȨḔḖḘḚḜẸẺẼẾỀỂỄỆ"),
    ("F", "Ḟ"),
    ("G", "ĜĞĠĢǦǴḠ"),
    ("H", "ĤȞḢḤḦḨḪ"),
    ("I", "ÌÍÎÏĨĪĬĮİǏȈȊḬḮỈỊ"),
    ("J", "Ĵ"),
    ("K", "ĶǨḰḲḴ"),
    ("L", "ĹĻĽḶḸḺḼ"),
    ("M", "ḾṀṂ"),
    ("N", "ŃŅŇǸṄṆṈṊ"),
    ("O", "ÒÓÔÕŌŎƠǑǪǬȌȎȪȬȮȰṌṎṐṒỌỎỐỒỔỖỘỚỜỞỠỢ"),
    ("P", "ṔṖ"),
    ("R", "ŔŖŘȐȒṘṚṜṞ"),
    ("S", "ŚŜŞŠȘṠṢṤṦṨ"),
    ("T", "ŢŤȚṪṬṮṰ"),
    ("U", "ÙÚÛŨŪŬŮŲƯǓǕǗǙǛȔȖṲṴṶṸṺỤỦỨỪỬỮỰ"),
    ("V", "ṼṾ"),
    ("W", "ŴẀẂẄẆẈ"),
    ("X", "ẊẌ"),
    ("Y", "ÝŶŸȲẎỲỴỶỸ"),
    ("Z", "ŹŻŽẐẒẔ"),
    ("a", "áâãāăąǎǟǡǻȁȃȧḁạảấầẩẫậắằẳẵặ"),
    ("b", "ḃḅḇ"),
    ("c", "çćĉċčḉ"),
    ("d", "ďḋḍḏḑḓ"),
    ("e", "êëēĕėęěȅȇȩḕḗḙḛḝẹẻẽếềểễệ"),
    ("f", "ḟ"),
    ("g", "ĝğġģǧǵḡ"),
    ("h", "ĥȟḣḥḧḩḫẖ"),
    ("i", "íîïĩīĭįǐȉȋḭḯỉị"),
    ("j", "ĵǰ"),
    ("k", "ķǩḱḳḵ"),
    ("l", "ĺļľḷḹḻḽ"),
    ("m", "ḿṁṃ"),
    ("n", "ńņňǹṅṇṉṋ"),
    ("o", "óôõōŏơǒǫǭȍȏȫȭȯȱṍṏṑṓọỏốồổỗộớờởỡợ"),
    ("p", "ṕṗ"),
    ("r", "ŕŗřȑȓṙṛṝṟ"),
    ("s", "śŝşšșṡṣṥṧṩ"),
    ("t", "ţťțṫṭṯṱẗ"),
    ("u", "úûũūŭůųưǔǖǘǚǜȕȗṳṵṷṹṻụủứừửữự"),
    ("v", "ṽṿ"),
    ("w", "ŵẁẃẅẇẉẘ"),
    ("x", "ẋẍ"),
    ("y", "ýÿŷȳẏẙỳỵỷỹ"),
    ("z", "źżžẑẓẕ"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Shift;
    use proptest::prelude::*;

    fn fits(character: char) -> bool {
        Shift::NONE.septets(character).is_some()
    }

    #[test]
    fn the_table_names_each_character_once_and_ends_in_the_default_alphabet() {
        let mut seen = std::collections::BTreeSet::new();
        for (to, from) in NEAREST {
            assert!(to.chars().all(fits), "{to:?}");
            for character in from.chars() {
                assert!(!fits(character), "{character:?} needs no replacement");
                assert!(seen.insert(character), "{character:?} stands twice");
                assert_eq!(nearest(character), Some(*to));
            }
        }
    }

    #[test]
    fn typographic_signs_and_accents_are_replaced_and_listed() {
        let done = transliterate("“Dvořák” – l’été…\u{A0}à\u{200B} €5", fits);
        assert_eq!(done.text, "\"Dvorak\" - l'été... à €5");
        assert_eq!(done.misfit, None);
        assert_eq!(done.replacements.len(), 9);
        assert_eq!(done.replacements[0], Replacement { at: 0, from: '“', to: "\"" });
        assert_eq!(done.original(), "“Dvořák” – l’été…\u{A0}à\u{200B} €5");
    }

    #[test]
    fn what_has_no_nearest_is_kept_and_named() {
        let done = transliterate("ок “я”", fits);
        assert_eq!((done.text.as_str(), done.misfit), ("ок \"я\"", Some('о')));
    }

    proptest! {
        #[test]
        fn replacing_can_be_undone(text in "[a-z “”…éőſαя😀\u{A0}\u{200B}]{0,40}|.{0,40}") {
            let done = transliterate(&text, fits);
            prop_assert_eq!(done.original(), text);
            prop_assert!(done.misfit.is_some() || done.text.chars().all(fits));
        }
    }
}
