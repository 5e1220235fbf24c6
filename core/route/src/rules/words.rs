//! Words of a text, compared without regard to case: keywords, and hosts of links.

use crate::hash::{FNV_OFFSET, fnv_step, mix};

/// The words of a text: what stands between blanks, punctuation and control characters.
#[inline]
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_separator).filter(|word| !word.is_empty())
}

/// A hash that does not regard case.
pub(crate) fn folded_hash(word: &str) -> u64 {
    let mut octets = [0; 4];
    let hash = folded(word)
        .fold(FNV_OFFSET, |hash, letter| letter.encode_utf8(&mut octets).bytes().fold(hash, fnv_step));
    mix(hash)
}

/// Whether two words are the same but for case.
pub(crate) fn same_word(left: &str, right: &str) -> bool {
    folded(left).eq(folded(right))
}

/// The word in the case it is compared in.
pub(crate) fn fold(word: &str) -> String {
    folded(word).collect()
}

fn folded(word: &str) -> impl Iterator<Item = char> {
    word.chars().flat_map(char::to_lowercase)
}

const fn is_separator(letter: char) -> bool {
    match letter {
        '\0'..='\x7f' => !letter.is_ascii_alphanumeric(),
        // Latin-1's signs, general punctuation with its blanks, and the marks of CJK.
        '\u{80}'..='\u{bf}' | '×' | '÷' => !matches!(letter, 'ª' | 'µ' | 'º'),
        '\u{2000}'..='\u{206f}' | '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ff0f}' => true,
        '\u{ff1a}'..='\u{ff20}' | '\u{61b}' | '\u{61f}' | '\u{60c}' | '\u{feff}' => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_between_blanks_punctuation_and_controls() {
        let all = |text| words(text).collect::<Vec<_>>();
        assert_eq!(all("  «STOP», all!\r\n"), ["STOP", "all"]);
        assert_eq!(all("arrêt…36180"), ["arrêt", "36180"]);
        assert_eq!(all("हाँ जी"), ["हाँ", "जी"]);
        assert_eq!(all(" .,\0"), Vec::<&str>::new());
    }

    #[test]
    fn case_is_not_regarded_in_any_script() {
        for (left, right) in [("ARRÊT", "arrêt"), ("СТОП", "стоп"), ("Stop", "sTOP")] {
            assert!(same_word(left, right));
            assert_eq!(folded_hash(left), folded_hash(right));
            assert_eq!(fold(left), fold(right));
        }
        assert!(!same_word("stop", "stopp"));
    }
}
