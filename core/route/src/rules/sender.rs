//! Senders as rules name them, compared without regard to ASCII case: to a subscriber "Acme" and "ACME" are one.

use crate::hash::{FNV_OFFSET, fnv_step, mix};
use crate::rewrite::SENDER_OCTETS_MAX;

/// Which senders a rule is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SenderMatch {
    /// This one.
    Exact(String),
    /// Those that begin so.
    Prefix(String),
}

impl SenderMatch {
    /// The octets that are compared.
    pub(crate) fn octets(&self) -> &[u8] {
        match self {
            Self::Exact(text) | Self::Prefix(text) => text.as_bytes(),
        }
    }

    /// Whether a message with this sender is meant.
    pub(crate) fn matches(&self, sender: &[u8]) -> bool {
        match self {
            Self::Exact(text) => sender.eq_ignore_ascii_case(text.as_bytes()),
            Self::Prefix(text) => {
                sender.get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text.as_bytes()))
            }
        }
    }
}

/// A sender in the form it is compared in, without an allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SenderKey {
    length: u8,
    octets: [u8; SENDER_OCTETS_MAX],
}

impl SenderKey {
    /// `None` when it is longer than a source address can be.
    #[inline]
    pub(crate) fn of(sender: &[u8]) -> Option<Self> {
        let mut octets = [0; SENDER_OCTETS_MAX];
        octets.get_mut(..sender.len())?.copy_from_slice(sender);
        octets.make_ascii_lowercase();
        Some(Self { length: sender.len() as u8, octets })
    }

    /// In lower case.
    pub(crate) fn octets(&self) -> &[u8] {
        self.octets.get(..usize::from(self.length)).unwrap_or_default()
    }
}

impl std::fmt::Display for SenderKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&String::from_utf8_lossy(self.octets()))
    }
}

/// A hash that does not regard case.
#[inline]
pub(crate) fn sender_hash(sender: &[u8]) -> u64 {
    mix(sender.iter().fold(FNV_OFFSET, |hash, octet| fnv_step(hash, octet.to_ascii_lowercase())))
}
