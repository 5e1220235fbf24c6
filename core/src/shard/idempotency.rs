//! Idempotency keys of API calls: a key names the message that it made, for a day.
//!
//! Nothing is stored beside the journal: the keys stand in the `accepted` events, and a restart reads them there.

use std::collections::{HashMap, VecDeque};

/// How long a key is remembered.
pub(crate) const KEY_TTL_MS: i64 = 24 * 3_600 * 1_000;
/// Keys that are remembered at most; beyond it the oldest go first.
const KEYS_MAX: usize = 1_000_000;

/// What a key stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) id: u64,
    pub(crate) fingerprint: u64,
    /// Of the newest record that holds the key.
    pub(crate) offset: i64,
    pub(crate) at_ms: i64,
}

type Key = (u32, Box<str>);
/// A key whose record is about to be dropped.
pub(crate) type OldKey = (u32, Box<str>, Known);

/// The keys of a shard.
#[derive(Debug, Default)]
pub(crate) struct Idempotency {
    known: HashMap<Key, Known>,
    /// By age.
    order: VecDeque<(i64, Key)>,
}

impl Idempotency {
    pub(crate) fn find(&self, account: u32, key: &str) -> Option<Known> {
        self.known.get(&(account, key.into())).copied()
    }

    pub(crate) fn insert(
        &mut self,
        account: u32,
        key: String,
        id: u64,
        fingerprint: u64,
        at_ms: i64,
        offset: i64,
    ) {
        let key: Key = (account, key.into());
        self.known.insert(key.clone(), Known { id, fingerprint, offset, at_ms });
        self.order.push_back((at_ms, key));
        while self.order.len() > KEYS_MAX {
            self.forget_oldest();
        }
    }

    /// Forgets what is too old.
    pub(crate) fn expire(&mut self, now_ms: i64) {
        while self.order.front().is_some_and(|(at_ms, _)| at_ms + KEY_TTL_MS < now_ms) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((at_ms, key)) = self.order.pop_front()
            && self.known.get(&key).is_some_and(|known| known.at_ms == at_ms)
        {
            self.known.remove(&key);
        }
    }

    /// The keys whose record stands before `offset`.
    pub(crate) fn before(&self, offset: i64) -> Vec<OldKey> {
        let old = self.known.iter().filter(|(_, known)| known.offset < offset);
        old.map(|((account, key), known)| (*account, key.clone(), *known)).collect()
    }

    /// The key's record was written again.
    pub(crate) fn moved(&mut self, account: u32, key: &str, offset: i64) {
        if let Some(known) = self.known.get_mut(&(account, key.into())) {
            known.offset = offset;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_its_accounts_own_and_ends_after_a_day() {
        let mut keys = Idempotency::default();
        keys.insert(1, "k/0".into(), 7, 9, 1_000, 5);
        assert_eq!(keys.find(1, "k/0").map(|known| known.id), Some(7));
        assert_eq!(keys.find(2, "k/0"), None);
        assert_eq!(keys.before(5).len(), 0);
        assert_eq!(keys.before(6).len(), 1);
        keys.moved(1, "k/0", 10);
        assert_eq!(keys.before(6).len(), 0);
        keys.expire(1_000 + KEY_TTL_MS);
        assert!(keys.find(1, "k/0").is_some());
        keys.expire(1_001 + KEY_TTL_MS);
        assert_eq!(keys.find(1, "k/0"), None);
    }
}
