//! Many regular expressions over one text in one pass, in time linear to the text.
//!
//! All patterns are one automaton that is determinised as texts ask for it (regex-automata's hybrid DFA, in a cache of
//! fixed size). It cannot do word boundaries of Unicode; so such a pattern stands in it without them, which can only
//! match more, and what it finds is checked by the pattern alone.

use std::sync::Arc;

use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::meta::{self, Regex};
use regex_automata::nfa::thompson::{NFA, pikevm};
use regex_automata::util::syntax;
use regex_automata::{Input, MatchKind, PatternID, PatternSet};
use regex_syntax::hir::{Hir, HirKind, Look};

use super::conditions::ConditionError;

/// The most patterns over senders, and the most over texts, of a table or policy.
pub const PATTERNS_MAX: usize = 1_000;
/// The longest pattern.
pub const PATTERN_OCTETS_MAX: usize = 512;

/// Patterns as rules name them, each once, while they are collected.
#[derive(Debug, Default)]
pub(crate) struct PatternList(Vec<String>);

impl PatternList {
    /// The number of a pattern; a new one gets the next.
    pub(crate) fn number(&mut self, pattern: &str) -> PatternID {
        let known = self.0.iter().position(|other| other == pattern);
        let number = known.unwrap_or_else(|| {
            self.0.push(pattern.to_owned());
            self.0.len() - 1
        });
        PatternID::new_unchecked(number)
    }

    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    /// Compiles them.
    pub(crate) fn compile(&self) -> Result<Patterns, ConditionError> {
        let mut loose = Vec::with_capacity(self.0.len());
        let mut checks = Vec::with_capacity(self.0.len());
        for pattern in &self.0 {
            let hir = parse(pattern)?;
            match without_word_boundaries(&hir) {
                None => {
                    loose.push(hir);
                    checks.push(None);
                }
                Some(wider) => {
                    loose.push(wider);
                    checks.push(Some(single(pattern)?));
                }
            }
        }
        let too_large = |reason: String| ConditionError::PatternsTooLarge { reason };
        let automaton = NFA::compiler()
            .configure(NFA::config().utf8(false).nfa_size_limit(Some(AUTOMATON_OCTETS_MAX)))
            .build_many_from_hir(&loose)
            .map_err(|error| too_large(error.to_string()))?;
        // Refused here if the cache could not hold a few states: else every octet would be slow.
        let determinised = DFA::builder()
            .configure(DFA::config().match_kind(MatchKind::All).cache_capacity(CACHE_OCTETS_MAX))
            .build_from_nfa(automaton.clone())
            .map_err(|error| too_large(error.to_string()))?;
        let slow = pikevm::Builder::new()
            .configure(pikevm::Config::new().match_kind(MatchKind::All))
            .build_from_nfa(automaton)
            .map_err(|error| too_large(error.to_string()))?;
        Ok(Patterns { determinised, slow, checks: checks.into() })
    }
}

/// Parses one pattern.
pub(crate) fn parse(pattern: &str) -> Result<Hir, ConditionError> {
    let wrong = |reason: String| ConditionError::Pattern { pattern: pattern.to_owned(), reason };
    if pattern.is_empty() || pattern.len() > PATTERN_OCTETS_MAX {
        return Err(wrong(format!("it is not 1 to {PATTERN_OCTETS_MAX} octets long")));
    }
    syntax::parse_with(pattern, &syntax::Config::new().nest_limit(NESTING_MAX)).map_err(|error| {
        // The message shows the pattern again, over several lines: its last one says what is wrong.
        let text = error.to_string();
        wrong(text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned())
    })
}

/// Compiles one pattern alone.
pub(crate) fn single(pattern: &str) -> Result<Regex, ConditionError> {
    // Not the hybrid DFA: it gives up at word boundaries, and allocates to say so.
    let config = Regex::config().hybrid(false).utf8_empty(false).nfa_size_limit(Some(AUTOMATON_OCTETS_MAX));
    Regex::builder()
        .configure(config)
        .build_from_hir(&parse(pattern)?)
        .map_err(|error| ConditionError::Pattern { pattern: pattern.to_owned(), reason: error.to_string() })
}

/// Compiled patterns.
#[derive(Debug)]
pub(crate) struct Patterns {
    determinised: DFA,
    /// For a text that the former gives up on. None is known.
    slow: pikevm::PikeVM,
    /// By pattern: what its find is checked with, if it must be.
    checks: Box<[Option<Regex>]>,
}

/// What was found in one text, and the room to find it.
#[derive(Debug, Default)]
pub(crate) struct PatternScratch {
    room: Option<Room>,
    ready: bool,
}

#[derive(Debug)]
struct Room {
    patterns: Arc<Patterns>,
    cache: Cache,
    found: PatternSet,
    /// By pattern: the room of its check, once it was needed.
    checks: Box<[Option<meta::Cache>]>,
}

impl PatternScratch {
    /// For the next text.
    pub(crate) const fn clear(&mut self) {
        self.ready = false;
    }

    /// Whether the text matches any of the wanted patterns. The text is the same until the next `clear`.
    pub(crate) fn matches_any(
        &mut self,
        patterns: &Arc<Patterns>,
        text: &[u8],
        wanted: &[PatternID],
    ) -> bool {
        let room = match &mut self.room {
            Some(room) if Arc::ptr_eq(&room.patterns, patterns) => room,
            other => {
                self.ready = false;
                other.insert(Room {
                    patterns: Arc::clone(patterns),
                    cache: patterns.determinised.create_cache(),
                    found: PatternSet::new(patterns.determinised.pattern_len()),
                    checks: patterns.checks.iter().map(|_| None).collect(),
                })
            }
        };
        if !self.ready {
            self.ready = true;
            room.found.clear();
            patterns.find(text, &mut room.cache, &mut room.found);
        }
        !room.found.is_empty() && wanted.iter().any(|&pattern| room.has(pattern, text))
    }
}

impl Room {
    /// Whether the text matches this pattern, where the automaton may have found more.
    fn has(&mut self, pattern: PatternID, text: &[u8]) -> bool {
        if !self.found.contains(pattern) {
            return false;
        }
        let Some(check) = &self.patterns.checks[pattern.as_usize()] else { return true };
        let cache = self.checks[pattern.as_usize()].get_or_insert_with(|| check.create_cache());
        check.search_half_with(cache, &Input::new(text).earliest(true)).is_some()
    }
}

impl Patterns {
    fn find(&self, text: &[u8], cache: &mut Cache, found: &mut PatternSet) {
        let input = Input::new(text);
        if self.determinised.try_which_overlapping_matches(cache, &input, found).is_err() {
            found.clear();
            self.slow.which_overlapping_matches(&mut self.slow.create_cache(), &input, found);
        }
    }
}

/// The pattern with every word boundary of Unicode taken out; `None` when it has none.
fn without_word_boundaries(hir: &Hir) -> Option<Hir> {
    let rebuilt = |hirs: &[Hir]| -> Option<Vec<Hir>> {
        let changed: Vec<_> = hirs.iter().map(without_word_boundaries).collect();
        changed.iter().any(Option::is_some).then(|| {
            changed.into_iter().zip(hirs).map(|(new, old)| new.unwrap_or_else(|| old.clone())).collect()
        })
    };
    match hir.kind() {
        HirKind::Look(
            Look::WordUnicode
            | Look::WordUnicodeNegate
            | Look::WordStartUnicode
            | Look::WordEndUnicode
            | Look::WordStartHalfUnicode
            | Look::WordEndHalfUnicode,
        ) => Some(Hir::empty()),
        HirKind::Repetition(repetition) => {
            let sub = Box::new(without_word_boundaries(&repetition.sub)?);
            Some(Hir::repetition(regex_syntax::hir::Repetition { sub, ..repetition.clone() }))
        }
        HirKind::Capture(capture) => without_word_boundaries(&capture.sub),
        HirKind::Concat(hirs) => rebuilt(hirs).map(Hir::concat),
        HirKind::Alternation(hirs) => rebuilt(hirs).map(Hir::alternation),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => None,
    }
}

const AUTOMATON_OCTETS_MAX: usize = 16 << 20;
const CACHE_OCTETS_MAX: usize = 8 << 20;
const NESTING_MAX: u32 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_find_what_each_finds_alone_also_at_word_boundaries_of_other_scripts() {
        let sources = [r"(?i)\bwin\b", r"(?i)\bприз\b", "bit[.]ly", r"^\s*$", r"\d{4,}", r"(?:\bx|y)+z", "ß"];
        let texts = [
            "WIN now",
            "winner",
            "twin",
            "Ваш ПРИЗ ждёт",
            "призёр",
            "at bit.ly/1",
            " ",
            "",
            "code 1234",
            "xz",
            "axyz",
            "Straße win",
            "win\u{301}",
            "ёwin ",
        ];
        let mut list = PatternList::default();
        let numbers: Vec<_> = sources.iter().map(|source| list.number(source)).collect();
        assert_eq!(list.number(sources[0]), numbers[0]);
        let patterns = Arc::new(list.compile().expect("valid patterns"));
        let mut scratch = PatternScratch::default();
        for text in texts {
            scratch.clear();
            for (source, &number) in sources.iter().zip(&numbers) {
                let alone = regex::Regex::new(source).expect("a pattern").is_match(text);
                let found = scratch.matches_any(&patterns, text.as_bytes(), &[number]);
                assert_eq!(found, alone, "{source} in {text:?}");
            }
        }
    }

    #[test]
    fn a_scratch_of_other_patterns_is_made_anew() {
        let compiled = |source: &str| {
            let mut list = PatternList::default();
            let number = list.number(source);
            (Arc::new(list.compile().expect("a pattern")), number)
        };
        let ((first, one), (second, other)) = (compiled("a"), compiled("b|c"));
        let mut scratch = PatternScratch::default();
        assert!(scratch.matches_any(&first, b"a", &[one]));
        assert!(!scratch.matches_any(&second, b"a", &[other]));
        scratch.clear();
        assert!(scratch.matches_any(&second, b"c", &[other]));
    }

    #[test]
    fn a_pattern_that_is_wrong_long_or_large_is_refused_with_its_reason() {
        for (pattern, reason) in [
            ("(", "unclosed group"),
            ("", "octets"),
            (&*"a".repeat(PATTERN_OCTETS_MAX + 1), "octets"),
            (&*"(".repeat(NESTING_MAX as usize + 9), ""),
        ] {
            let error = parse(pattern).expect_err("must be refused").to_string();
            assert!(error.contains(reason), "{error}");
        }
        let mut list = PatternList::default();
        list.number(r"(?:\pL{100}){1000}");
        assert!(matches!(list.compile(), Err(ConditionError::PatternsTooLarge { .. })));
    }
}
