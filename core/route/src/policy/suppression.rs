//! Suppressions: numbers that want nothing more, from a sender of an account, from an account, from a sender, or at all.
//!
//! The base is immutable: one table of numbers for each pair of account and sender, at eleven octets a number. What has
//! changed since it was built is a [`SuppressionOverlay`], which goes first; [`Suppressions::merged`] makes a new base of
//! both.

use std::collections::HashMap;

use super::overlay::SuppressionOverlay;
use crate::content::ContentHash;
use crate::hash::Seeded;
use crate::message::Message;
use crate::rules::sender::SenderKey;
use crate::slots::{Slots, integer};

/// The most suppressions of a base.
pub const SUPPRESSED_MAX: usize = 100_000_000;

/// Whom a suppression is against. `None` is every account, every sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Scope {
    pub(crate) account: Option<u32>,
    pub(crate) sender: Option<SenderKey>,
}

/// The immutable base. `Default` is empty.
#[derive(Debug)]
pub struct Suppressions {
    lists: HashMap<Scope, Slots, Seeded>,
    count: usize,
    content_hash: [u8; 32],
}

/// Collects the base. The order does not matter, and what stands twice counts once.
#[derive(Debug)]
pub struct SuppressionsBuilder {
    lists: HashMap<Scope, Vec<u64>, Seeded>,
    count: usize,
    max: usize,
}

/// A suppression that cannot be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the field is named by the sentence of its variant")]
pub enum SuppressionError {
    /// Not an E.164 number.
    Number { number: String },
    /// A sender that no message can have.
    Sender { sender: String },
    /// No room for one more.
    Full { max: usize },
}

impl Default for SuppressionsBuilder {
    fn default() -> Self {
        Self { lists: HashMap::default(), count: 0, max: SUPPRESSED_MAX }
    }
}

impl SuppressionsBuilder {
    /// Adds a number that wants nothing from this sender of this account; `None` is all of them.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn add(
        &mut self,
        account: Option<u32>,
        sender: Option<&[u8]>,
        number: &[u8],
    ) -> Result<(), SuppressionError> {
        if self.count == self.max {
            return Err(SuppressionError::Full { max: self.max });
        }
        let (scope, number) = checked(account, sender, number)?;
        self.lists.entry(scope).or_default().push(number);
        self.count += 1;
        Ok(())
    }

    /// Compiles the base.
    #[must_use]
    pub fn build(self) -> Suppressions {
        let mut lists: Vec<(Scope, Vec<u64>)> = self.lists.into_iter().collect();
        lists.sort_unstable_by_key(|(scope, _)| *scope);
        let mut hash = ContentHash::new(b"brivas.suppressions.1");
        let mut compiled = HashMap::with_capacity_and_hasher(lists.len(), Seeded::default());
        let mut count = 0;
        for (scope, mut numbers) in lists {
            numbers.sort_unstable();
            numbers.dedup();
            if numbers.is_empty() {
                continue;
            }
            hash.optional(scope.account);
            hash.octets(scope.sender.as_ref().map_or(b"", SenderKey::octets));
            hash.list(&numbers, |hash, &number| hash.number(number));
            let mut slots = Slots::with_capacity(numbers.len());
            for &number in &numbers {
                slots.insert(number, 0);
            }
            count += slots.len();
            compiled.insert(scope, slots);
        }
        Suppressions { lists: compiled, count, content_hash: hash.finish() }
    }
}

impl Default for Suppressions {
    fn default() -> Self {
        SuppressionsBuilder::default().build()
    }
}

impl Suppressions {
    /// Whether the recipient of this message has a suppression in its way: in the overlay, or here where the overlay
    /// says nothing.
    #[inline]
    pub(crate) fn holds(&self, overlay: &SuppressionOverlay, message: &Message<'_>) -> bool {
        self.against(overlay, message).is_some()
    }

    /// The widest suppression in its way.
    pub(crate) fn against(&self, overlay: &SuppressionOverlay, message: &Message<'_>) -> Option<Scope> {
        if self.lists.is_empty() && overlay.is_empty() {
            return None;
        }
        let number = integer(message.destination)?;
        Scope::of(message)
            .find(|scope| overlay.find(scope, number).unwrap_or_else(|| self.has(scope, number)))
    }

    /// Whether it stands here.
    #[inline]
    pub(crate) fn has(&self, scope: &Scope, number: u64) -> bool {
        self.lists.get(scope).is_some_and(|slots| slots.find(number).is_some())
    }

    /// A new base of this one and what has changed since. Costs time and room for all numbers: not for the way of a
    /// message. Afterwards [`SuppressionOverlay::retire`] what was merged.
    #[must_use]
    pub fn merged(&self, overlay: &SuppressionOverlay) -> Self {
        let mut builder = SuppressionsBuilder::default();
        for (scope, slots) in &self.lists {
            let kept = slots.numbers().filter(|&number| overlay.find(scope, number).is_none());
            builder.lists.insert(*scope, kept.collect());
        }
        for (scope, number) in overlay.suppressed() {
            builder.lists.entry(scope).or_default().push(number);
        }
        builder.build()
    }

    /// How many suppressions there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// SHA-256 over all of them, whatever the order they were added in.
    #[must_use]
    pub const fn content_hash(&self) -> [u8; 32] {
        self.content_hash
    }

    /// Octets on the heap.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let lists = self.lists.capacity() * (size_of::<(Scope, Slots)>() + 1);
        lists + self.lists.values().map(Slots::heap_bytes).sum::<usize>()
    }
}

impl Scope {
    /// The scopes that count for a message, the widest first.
    #[inline]
    pub(crate) fn of(message: &Message<'_>) -> impl Iterator<Item = Self> + use<> {
        let account = Some(message.account);
        let sender = SenderKey::of(message.sender).filter(|_| !message.sender.is_empty());
        let wide = [Self { account: None, sender: None }, Self { account, sender: None }];
        let narrow = [None, account].map(|account| Self { account, sender });
        wide.into_iter().chain(narrow.into_iter().filter(|scope| scope.sender.is_some()))
    }

    /// Whom it is against, in words.
    pub(crate) fn shown(&self) -> String {
        match (self.account, self.sender) {
            (None, None) => "from all".to_owned(),
            (Some(_), None) => "from this account".to_owned(),
            (None, Some(sender)) => format!("from sender {:?} of any account", sender.to_string()),
            (Some(_), Some(sender)) => format!("from sender {:?} of this account", sender.to_string()),
        }
    }
}

/// A suppression in the form it is kept in.
pub(crate) fn checked(
    account: Option<u32>,
    sender: Option<&[u8]>,
    number: &[u8],
) -> Result<(Scope, u64), SuppressionError> {
    let shown = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    let integer = integer(number).ok_or_else(|| SuppressionError::Number { number: shown(number) })?;
    let sender = sender.map(|sender| {
        let key = SenderKey::of(sender).filter(|_| !sender.is_empty());
        key.ok_or_else(|| SuppressionError::Sender { sender: shown(sender) })
    });
    Ok((Scope { account, sender: sender.transpose()? }, integer))
}

impl std::fmt::Display for SuppressionError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number { number } => write!(
                formatter,
                "suppression of {number:?}; hint: up to 15 digits with the country code first, without '+'"
            ),
            Self::Sender { sender } => {
                write!(formatter, "suppression of sender {sender:?}; hint: 1 to 20 octets")
            }
            Self::Full { max } => {
                write!(
                    formatter,
                    "no room for one more suppression beside {max}; hint: merge or raise the limit"
                )
            }
        }
    }
}

impl std::error::Error for SuppressionError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_takes_as_many_as_it_may_and_no_more() {
        let mut builder = SuppressionsBuilder { max: 2, ..SuppressionsBuilder::default() };
        assert_eq!(builder.add(None, None, b"441"), Ok(()));
        assert_eq!(builder.add(None, Some(b"ACME"), b"441"), Ok(()));
        assert_eq!(builder.add(None, None, b"442"), Err(SuppressionError::Full { max: 2 }));
        assert_eq!(builder.build().len(), 2);
    }
}
