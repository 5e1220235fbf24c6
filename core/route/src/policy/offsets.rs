//! Local time by destination prefix, at a fixed distance from UTC. Summer time comes as a new table.

use super::PolicyError;
use crate::content::ContentHash;
use crate::digits::Digits;
use crate::rules::hours::UTC_OFFSET_MINUTES_MAX;
use crate::trie::{NONE, Trie};

/// The most prefixes.
pub const OFFSETS_MAX: usize = 100_000;

/// Minutes from UTC by the longest prefix of a number.
#[derive(Debug)]
pub struct UtcOffsets {
    trie: Trie,
    entries: Vec<(Digits, u32)>,
}

impl UtcOffsets {
    /// Compiles the table; the order does not matter.
    ///
    /// # Errors
    /// The first entry that is wrong, or that stands twice.
    pub fn build<'entry>(entries: impl IntoIterator<Item = (&'entry str, i16)>) -> Result<Self, PolicyError> {
        let mut sorted = Vec::new();
        for (prefix, minutes) in entries {
            let wrong = || prefix.to_owned();
            let digits =
                Digits::of_prefix(prefix).ok_or_else(|| PolicyError::OffsetPrefix { prefix: wrong() })?;
            if minutes.unsigned_abs() > UTC_OFFSET_MINUTES_MAX.unsigned_abs() {
                return Err(PolicyError::Offset { prefix: wrong(), minutes });
            }
            sorted.push((digits, (minutes + UTC_OFFSET_MINUTES_MAX) as u32));
        }
        if sorted.len() > OFFSETS_MAX {
            return Err(PolicyError::TooManyOffsets { count: sorted.len() });
        }
        sorted.sort_unstable();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(PolicyError::OffsetPrefix { prefix: pair[0].0.to_string() });
        }
        Ok(Self { trie: Trie::build(&sorted), entries: sorted })
    }

    /// The number's local time less UTC; that of UTC where no prefix is known.
    #[inline]
    #[must_use]
    pub fn minutes(&self, number: &[u8]) -> i16 {
        match self.trie.longest(Digits::of_destination(number)) {
            NONE => 0,
            stored => stored as i16 - UTC_OFFSET_MINUTES_MAX,
        }
    }

    pub(crate) fn hash(&self, hash: &mut ContentHash) {
        hash.list(&self.entries, |hash, (prefix, minutes)| {
            hash.number(prefix.word());
            hash.number(*minutes);
        });
    }
}

impl Default for UtcOffsets {
    fn default() -> Self {
        Self { trie: Trie::build(&[]), entries: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_gives_the_local_time_and_none_gives_utc() {
        let offsets =
            UtcOffsets::build([("1", -300), ("1808", -600), ("91", 330), ("64", 900)]).expect("valid");
        for (number, minutes) in [
            (&b"12125550100"[..], -300),
            (b"18085550100", -600),
            (b"919876543210", 330),
            (b"64", 900),
            (b"44", 0),
            (b"x", 0),
        ] {
            assert_eq!(offsets.minutes(number), minutes);
        }
    }

    #[test]
    fn an_offset_twice_or_too_far_or_of_no_prefix_is_refused() {
        for wrong in [vec![("1", 0), ("1", 60)], vec![("1", 901)], vec![("1", i16::MIN)], vec![("+1", 0)]] {
            assert!(UtcOffsets::build(wrong).is_err());
        }
    }
}
