//! Short ids for binds below 3.4: eight hexadecimal digits (SMPP 3.3 §5.2.23), where others get sixteen.
//!
//! An alias names one submission, and no other while that is open. Those of submissions that have ended are remembered
//! for a while, so that they can still be asked for.

use std::collections::{HashMap, VecDeque};

/// Aliases of ended submissions that are remembered.
const ENDED_MAX: usize = 65_536;

/// All aliases in use, and some that were.
#[derive(Debug, Default)]
pub(crate) struct Aliases {
    by_alias: HashMap<u32, u64, ahash::RandomState>,
    /// In the order in which they were given.
    order: VecDeque<u32>,
    last: u32,
}

impl Aliases {
    /// A new alias, for the submission of this id. 0 is never one.
    pub(crate) fn give(&mut self, id: u64, is_open: impl Fn(u64) -> bool) -> u32 {
        let mut alias = self.last.wrapping_add(1);
        while alias == 0 || self.by_alias.contains_key(&alias) {
            alias = alias.wrapping_add(1);
        }
        self.restore(alias, id, is_open);
        alias
    }

    /// Takes over an alias that was given before.
    pub(crate) fn restore(&mut self, alias: u32, id: u64, is_open: impl Fn(u64) -> bool) {
        self.last = alias;
        if self.by_alias.insert(alias, id).is_some() {
            return;
        }
        self.order.push_back(alias);
        // Two steps for each new one: those that are open go round, and the others get fewer.
        for _ in 0..2 {
            if self.order.len() <= ENDED_MAX {
                return;
            }
            let Some(oldest) = self.order.pop_front() else { return };
            if self.by_alias.get(&oldest).is_some_and(|&id| is_open(id)) {
                self.order.push_back(oldest);
            } else {
                self.by_alias.remove(&oldest);
            }
        }
    }

    /// The submission of an alias.
    pub(crate) fn find(&self, alias: u32) -> Option<u64> {
        self.by_alias.get(&alias).copied()
    }
}

/// As it goes to the wire.
pub(crate) fn hex(alias: u32) -> [u8; 8] {
    let mut text = [0; 8];
    text.copy_from_slice(&crate::id::hex(u64::from(alias))[8..]);
    text
}

/// Reads up to eight hexadecimal digits: some clients drop leading zeros.
pub(crate) fn parse(text: &[u8]) -> Option<u32> {
    let is_alias = (1..=8).contains(&text.len()) && text.iter().all(u8::is_ascii_hexdigit);
    is_alias.then(|| u32::from_str_radix(std::str::from_utf8(text).ok()?, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_is_eight_digits_and_reads_back() {
        assert_eq!(&hex(0x1F), b"0000001f");
        assert_eq!(parse(b"0000001f"), Some(0x1F));
        assert_eq!(parse(b"1F"), Some(0x1F));
        for wrong in [&b""[..], b"0x1f", b"000000001", b"+1"] {
            assert_eq!(parse(wrong), None);
        }
    }

    #[test]
    fn those_of_open_submissions_stay_and_others_go_in_the_end() {
        let mut aliases = Aliases::default();
        // Every hundredth submission stays open.
        let is_open = |id: u64| id.is_multiple_of(100);
        for id in 0..300_000 {
            aliases.give(id, is_open);
        }
        assert!((0..300_000_u64).filter(|&id| is_open(id)).all(|id| aliases.find(id as u32 + 1) == Some(id)));
        assert_eq!(aliases.find(2), None);
        assert!(aliases.by_alias.len() <= ENDED_MAX + 3_000, "{}", aliases.by_alias.len());
    }

    #[test]
    fn an_alias_that_is_in_use_is_not_given_again() {
        let mut aliases = Aliases::default();
        aliases.restore(2, 20, |_| true);
        aliases.restore(u32::MAX, 30, |_| true);
        assert_eq!(aliases.give(40, |_| true), 1);
        assert_eq!(aliases.give(50, |_| true), 3);
    }
}
