//! What incoming messages say about consent: STOP and its relatives take it back, START gives it again.
//!
//! The words are data, [`CONSENT_WORDS`] a list to begin with. They are compared without regard to case, blanks and
//! punctuation. Most count only as the whole message: "stop by my house" is no STOP.

use std::collections::HashMap;

use super::PolicyError;
use crate::content::ContentHash;
use crate::hash::Seeded;
use crate::rules::words::{fold, folded_hash, same_word, words};

/// What a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Consent {
    /// Nothing more.
    Stop,
    /// Again.
    Start,
}

/// A word, or a few.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConsentWord {
    /// As it is written, in any case.
    pub phrase: String,
    /// What it says.
    pub consent: Consent,
    /// Whether it counts only as the whole message; else also as its beginning.
    pub alone: bool,
}

/// The compiled words. `Default` has none.
#[derive(Debug, Default)]
pub struct ConsentWords {
    /// By hash of the first word, the longest first.
    phrases: HashMap<u64, Vec<Phrase>, Seeded>,
    list: Vec<ConsentWord>,
}

#[derive(Debug)]
struct Phrase {
    words: Vec<String>,
    consent: Consent,
    alone: bool,
}

impl ConsentWords {
    /// Compiles the words; the order does not matter.
    ///
    /// # Errors
    /// The first that is no word, or says two things.
    pub fn build(list: impl IntoIterator<Item = ConsentWord>) -> Result<Self, PolicyError> {
        let mut list: Vec<ConsentWord> = list.into_iter().collect();
        for word in &mut list {
            let count = words(&word.phrase).count();
            if count == 0 || count > PHRASE_WORDS_MAX {
                return Err(PolicyError::ConsentWords { phrase: word.phrase.clone() });
            }
            word.phrase = words(&word.phrase).map(fold).collect::<Vec<_>>().join(" ");
        }
        list.sort_unstable();
        list.dedup();
        let twice = list.windows(2).find(|pair| pair[0].phrase == pair[1].phrase);
        if let Some(word) = twice.map(|pair| &pair[0]).or_else(|| list.get(CONSENT_WORDS_MAX)) {
            return Err(PolicyError::ConsentWords { phrase: word.phrase.clone() });
        }
        let mut phrases: HashMap<u64, Vec<Phrase>, Seeded> = HashMap::default();
        for word in &list {
            let split: Vec<String> = words(&word.phrase).map(str::to_owned).collect();
            let first = split.first().map_or(0, |first| folded_hash(first));
            let phrase = Phrase { words: split, consent: word.consent, alone: word.alone };
            phrases.entry(first).or_default().push(phrase);
        }
        for list in phrases.values_mut() {
            list.sort_by_key(|phrase| std::cmp::Reverse(phrase.words.len()));
        }
        Ok(Self { phrases, list })
    }

    /// What this text says about consent; `None` when it says nothing. Allocates nothing.
    #[must_use]
    pub fn recognise(&self, text: &str) -> Option<Consent> {
        let first = words(text).next()?;
        let phrases = self.phrases.get(&folded_hash(first))?;
        let meant = phrases.iter().find(|phrase| {
            let mut said = words(text);
            let begins =
                phrase.words.iter().all(|word| said.next().is_some_and(|said| same_word(word, said)));
            begins && (!phrase.alone || said.next().is_none())
        });
        meant.map(|phrase| phrase.consent)
    }

    pub(crate) fn hash(&self, hash: &mut ContentHash) {
        hash.list(&self.list, |hash, word| {
            hash.octets(word.phrase.as_bytes());
            hash.number(word.consent as u8);
            hash.number(u8::from(word.alone));
        });
    }
}

/// Words in use in Europe and the Americas. Data to begin with: an operator's own list may replace it.
pub const CONSENT_WORDS: [(&str, Consent); 31] = [
    ("stop", Consent::Stop),
    ("stop all", Consent::Stop),
    ("stopall", Consent::Stop),
    ("stop sms", Consent::Stop),
    ("stopp", Consent::Stop),
    ("unsubscribe", Consent::Stop),
    ("cancel", Consent::Stop),
    ("end", Consent::Stop),
    ("quit", Consent::Stop),
    ("opt out", Consent::Stop),
    ("optout", Consent::Stop),
    ("revoke", Consent::Stop),
    ("arret", Consent::Stop),
    ("arrêt", Consent::Stop),
    ("desabo", Consent::Stop),
    ("abmelden", Consent::Stop),
    ("baja", Consent::Stop),
    ("alto", Consent::Stop),
    ("parar", Consent::Stop),
    ("sair", Consent::Stop),
    ("cancella", Consent::Stop),
    ("afmelden", Consent::Stop),
    ("avsluta", Consent::Stop),
    ("стоп", Consent::Stop),
    ("start", Consent::Start),
    ("unstop", Consent::Start),
    ("subscribe", Consent::Start),
    ("opt in", Consent::Start),
    ("optin", Consent::Start),
    ("alta", Consent::Start),
    ("старт", Consent::Start),
];

/// The most words of consent.
pub const CONSENT_WORDS_MAX: usize = 256;
const PHRASE_WORDS_MAX: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> ConsentWords {
        let alone = CONSENT_WORDS.iter().map(|&(phrase, consent)| ConsentWord {
            phrase: phrase.to_owned(),
            consent,
            alone: true,
        });
        let begins = ConsentWord { phrase: "STOP IT".to_owned(), consent: Consent::Stop, alone: false };
        ConsentWords::build(alone.chain([begins])).expect("valid words")
    }

    #[test]
    fn a_stop_is_known_in_any_case_and_punctuation() {
        for text in [
            "STOP",
            "stop.",
            " Stop! ",
            "\"ARRÊT\"",
            "Arret",
            "STOPP",
            "stop  ALL",
            "СТОП",
            "Unsubscribe\r\n",
        ] {
            assert_eq!(known().recognise(text), Some(Consent::Stop), "{text:?}");
        }
        for text in ["START", "unstop", "Opt-In"] {
            assert_eq!(known().recognise(text), Some(Consent::Start), "{text:?}");
        }
    }

    #[test]
    fn a_word_that_counts_alone_is_nothing_at_the_beginning_of_a_sentence() {
        for text in ["stop by my house", "the end", "end of story", "", "...", "stopped", "s t o p"] {
            assert_eq!(known().recognise(text), None, "{text:?}");
        }
        assert_eq!(known().recognise("stop it at once"), Some(Consent::Stop));
    }

    #[test]
    fn words_that_are_none_or_mean_two_things_are_refused() {
        let word = |phrase: &str, consent| ConsentWord { phrase: phrase.to_owned(), consent, alone: true };
        for wrong in [
            vec![word("...", Consent::Stop)],
            vec![word("a b c d e", Consent::Stop)],
            vec![word("Yes", Consent::Stop), word("yes!", Consent::Start)],
            (0..=CONSENT_WORDS_MAX).map(|number| word(&format!("w{number}"), Consent::Stop)).collect(),
        ] {
            assert!(ConsentWords::build(wrong).is_err());
        }
        assert!(ConsentWords::build([word("Yes", Consent::Start), word("yes!", Consent::Start)]).is_ok());
    }
}
