//! Suppressions that are newer than the base: a STOP takes effect with the next message.
//!
//! Bounded. Every change has a number that grows; a change that was merged into a base is forgotten by that number, so
//! that those which came in the meantime stay.

use std::collections::HashMap;

use super::suppression::{Scope, SuppressionError, Suppressions, checked};
use crate::hash::Seeded;
use crate::message::Message;
use crate::slots::integer;

/// What has changed since the base was built.
#[derive(Debug)]
pub struct SuppressionOverlay {
    changes: HashMap<(Scope, u64), Change, Seeded>,
    max: usize,
    last: u64,
}

#[derive(Clone, Copy, Debug)]
struct Change {
    suppressed: bool,
    sequence: u64,
}

/// One change, for whoever keeps them elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OverlayEntry {
    /// `None` is every account.
    pub account: Option<u32>,
    /// In lower case; `None` is every sender.
    pub sender: Option<Vec<u8>>,
    /// The number as digits.
    pub number: String,
    /// Whether it wants nothing more, or wants it again.
    pub suppressed: bool,
}

impl SuppressionOverlay {
    pub(crate) fn new(max: usize, seed: u64) -> Self {
        Self { changes: HashMap::with_hasher(Seeded(seed)), max, last: 0 }
    }

    /// A number wants nothing more (`suppressed`), or wants it again, from this sender of this account; `None` is all of
    /// them. In force with the next message. Answers the number of the change.
    ///
    /// # Errors
    /// What is wrong with it; or that there is no room, and a merge is due.
    pub fn set(
        &mut self,
        account: Option<u32>,
        sender: Option<&[u8]>,
        number: &[u8],
        suppressed: bool,
    ) -> Result<u64, SuppressionError> {
        self.set_at(account, sender, number, suppressed, 0)
    }

    /// The same, with a number for the change that the caller has, such as its place in a journal; used if it is above
    /// all before it.
    ///
    /// # Errors
    /// As [`SuppressionOverlay::set`].
    pub fn set_at(
        &mut self,
        account: Option<u32>,
        sender: Option<&[u8]>,
        number: &[u8],
        suppressed: bool,
        sequence: u64,
    ) -> Result<u64, SuppressionError> {
        let key = checked(account, sender, number)?;
        if self.changes.len() >= self.max && !self.changes.contains_key(&key) {
            return Err(SuppressionError::Full { max: self.max });
        }
        self.last = sequence.max(self.last + 1);
        self.changes.insert(key, Change { suppressed, sequence: self.last });
        Ok(self.last)
    }

    /// The number of the last change: read it before a merge, and retire up to it when the merged base is in force.
    #[must_use]
    pub const fn last(&self) -> u64 {
        self.last
    }

    /// Forgets the changes up to this number: they are in the base that is in force now.
    pub fn retire(&mut self, last: u64) {
        self.changes.retain(|_, change| change.sequence > last);
    }

    /// Forgets the changes that say what the base says.
    pub fn retire_known(&mut self, base: &Suppressions) {
        self.changes.retain(|(scope, number), change| base.has(scope, *number) != change.suppressed);
    }

    /// What was changed last of this number, if anything was.
    #[must_use]
    pub fn says(&self, account: Option<u32>, sender: Option<&[u8]>, number: &[u8]) -> Option<bool> {
        let key = checked(account, sender, number).ok()?;
        self.changes.get(&key).map(|change| change.suppressed)
    }

    /// Every change, in no order.
    pub fn entries(&self) -> impl Iterator<Item = OverlayEntry> {
        self.changes.iter().map(entry)
    }

    /// The changes with a number below this, in no order.
    pub fn older_than(&self, sequence: u64) -> impl Iterator<Item = OverlayEntry> {
        self.changes.iter().filter(move |(_, change)| change.sequence < sequence).map(entry)
    }

    /// The changes that may stand in the way of this message alone.
    pub(crate) fn about(&self, message: &Message<'_>) -> Self {
        let mut about = Self { changes: HashMap::default(), max: self.max, last: self.last };
        let number = integer(message.destination);
        for (scope, number) in
            number.into_iter().flat_map(|number| Scope::of(message).map(move |scope| (scope, number)))
        {
            if let Some(&change) = self.changes.get(&(scope, number)) {
                about.changes.insert((scope, number), change);
            }
        }
        about
    }

    /// How many changes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Whether nothing has changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Whether one more change finds room; one of a number that has changed already always does.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.changes.len() < self.max
    }

    /// What it says of a number, if it says anything.
    #[inline]
    pub(crate) fn find(&self, scope: &Scope, number: u64) -> Option<bool> {
        if self.changes.is_empty() {
            return None;
        }
        self.changes.get(&(*scope, number)).map(|change| change.suppressed)
    }

    /// Those that want nothing more.
    pub(crate) fn suppressed(&self) -> impl Iterator<Item = (Scope, u64)> {
        self.changes.iter().filter(|(_, change)| change.suppressed).map(|(key, _)| *key)
    }
}

fn entry(((scope, number), change): (&(Scope, u64), &Change)) -> OverlayEntry {
    OverlayEntry {
        account: scope.account,
        sender: scope.sender.map(|sender| sender.octets().to_vec()),
        number: number.to_string(),
        suppressed: change.suppressed,
    }
}
