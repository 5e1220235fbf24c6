//! Networks by MCC-MNC (ITU-T E.212), and which number belongs to which by its prefix.
//!
//! Prefix ranges say what a number's network was when it was given out; the number-level table of
//! [`crate::PortedNumbers`] says where it has gone since, and goes first.

use crate::content::ContentHash;
use crate::digits::Digits;
use crate::ported::PortedNumbers;
use crate::trie::{NONE, Trie};

/// A mobile network: its country code of three digits and its code of two or three, which are not the same network
/// when they differ by a leading zero only (310-26 is not 310-026).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network(u32);

impl Network {
    /// Reads "234-15" or "23415"; `None` when it is neither.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let octets = text.as_bytes();
        let (country, code) = octets.split_at_checked(3)?;
        let code = code.strip_prefix(b"-").unwrap_or(code);
        if !(2..=3).contains(&code.len()) {
            return None;
        }
        let number = |digits: &[u8]| {
            digits.iter().try_fold(0_u32, |value, digit| {
                digit.is_ascii_digit().then(|| value * 10 + u32::from(digit - b'0'))
            })
        };
        let long = if code.len() == 3 { LONG_CODE } else { 0 };
        Some(Self(number(country)? * COUNTRY + long + number(code)?))
    }

    /// The mobile country code.
    #[must_use]
    pub const fn country(self) -> u32 {
        self.0 / COUNTRY
    }

    /// A number below 2,000,000 that no other network has.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 % COUNTRY {
            code if code < LONG_CODE => write!(formatter, "{:03}-{code:02}", self.country()),
            code => write!(formatter, "{:03}-{:03}", self.country(), code - LONG_CODE),
        }
    }
}

impl std::fmt::Debug for Network {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Network({self})")
    }
}

/// Which prefix was given to which network. Immutable; the longest prefix wins.
#[derive(Debug)]
pub struct NetworkRanges {
    trie: Trie,
    count: usize,
    content_hash: [u8; 32],
}

impl NetworkRanges {
    /// Compiles the ranges; the order does not matter.
    ///
    /// # Errors
    /// The first range that is wrong, or that stands twice.
    pub fn build<'range>(
        ranges: impl IntoIterator<Item = (&'range str, Network)>,
    ) -> Result<Self, NetworkRangeError> {
        let mut entries = Vec::new();
        for (prefix, network) in ranges {
            let digits = Digits::of_prefix(prefix)
                .ok_or_else(|| NetworkRangeError::Prefix { prefix: prefix.to_owned() })?;
            if entries.len() == NETWORK_RANGES_MAX {
                return Err(NetworkRangeError::TooMany);
            }
            entries.push((digits, network.number()));
        }
        entries.sort_unstable();
        if let Some(pair) = entries.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(NetworkRangeError::Twice { prefix: pair[0].0.to_string() });
        }
        let mut hash = ContentHash::new(b"brivas.ranges.1");
        hash.list(&entries, |hash, (prefix, network)| {
            hash.number(prefix.word());
            hash.number(*network);
        });
        Ok(Self { trie: Trie::build(&entries), count: entries.len(), content_hash: hash.finish() })
    }

    /// The network that the number's longest prefix was given to.
    #[inline]
    #[must_use]
    pub fn network(&self, number: &[u8]) -> Option<Network> {
        match self.trie.longest(Digits::of_destination(number)) {
            NONE => None,
            network => Some(Network(network)),
        }
    }

    /// The network that the number is in: where it was ported to, else the one of its prefix.
    #[inline]
    #[must_use]
    pub fn resolve(&self, ported: Option<&PortedNumbers>, number: &[u8]) -> Option<Network> {
        ported.and_then(|ported| ported.network(number)).or_else(|| self.network(number))
    }

    /// SHA-256 over all ranges, whatever the order they came in.
    #[must_use]
    pub const fn content_hash(&self) -> [u8; 32] {
        self.content_hash
    }

    /// How many ranges there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// Prefix ranges that cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the field is named by the sentence of its variant")]
pub enum NetworkRangeError {
    /// A prefix with anything but digits, or too many.
    Prefix { prefix: String },
    /// The same prefix twice.
    Twice { prefix: String },
    /// More than [`NETWORK_RANGES_MAX`].
    TooMany,
}

impl std::fmt::Display for NetworkRangeError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Prefix { prefix } => write!(
                formatter,
                "network range {prefix:?} is not 0 to 15 digits; hint: write the country code first, without '+'"
            ),
            Self::Twice { prefix } => {
                write!(formatter, "network range {prefix:?} stands twice; hint: remove one")
            }
            Self::TooMany => write!(formatter, "too many network ranges; hint: at most {NETWORK_RANGES_MAX}"),
        }
    }
}

impl std::error::Error for NetworkRangeError {}

/// The most prefix ranges.
pub const NETWORK_RANGES_MAX: usize = 2_000_000;
const COUNTRY: u32 = 2_000;
const LONG_CODE: u32 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_that_differ_by_a_leading_zero_are_different() {
        let shown = |text| Network::parse(text).map(|network| network.to_string());
        assert_eq!(shown("31026").as_deref(), Some("310-26"));
        assert_eq!(shown("310026").as_deref(), Some("310-026"));
        assert_eq!(shown("001-01").as_deref(), Some("001-01"));
        assert_eq!(shown("999-999").as_deref(), Some("999-999"));
        for wrong in ["", "234", "234-", "234-1", "234-1234", "2341", "23a15", "234--15", "٢٣٤15"] {
            assert_eq!(Network::parse(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn the_longest_range_gives_the_network() {
        let network = |text| Network::parse(text).expect("a network");
        let ranges =
            NetworkRanges::build([("44", network("234-10")), ("447700", network("234-15"))]).expect("valid");
        assert_eq!(ranges.network(b"447700900123"), Some(network("234-15")));
        assert_eq!(ranges.network(b"447800900123"), Some(network("234-10")));
        assert_eq!(ranges.network(b"337800900123"), None);
        assert_eq!(ranges.network(b"ACME"), None);
        let turned = NetworkRanges::build([("447700", network("234-15")), ("44", network("234-10"))]);
        assert_eq!(turned.map(|turned| turned.content_hash()), Ok(ranges.content_hash()));
        let other = NetworkRanges::build([("447700", network("234-15"))]).expect("valid");
        assert_ne!(other.content_hash(), ranges.content_hash());
        let twice = NetworkRanges::build([("44", network("234-10")), ("44", network("234-15"))]);
        assert!(matches!(twice, Err(NetworkRangeError::Twice { .. })));
        assert!(matches!(
            NetworkRanges::build([("+44", network("234-10"))]),
            Err(NetworkRangeError::Prefix { .. })
        ));
    }
}
