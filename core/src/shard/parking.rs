//! Receipts whose message is not known yet: they wait, unanswered, for the response that names it.

use std::collections::{HashMap, VecDeque};

use brivas_smpp::receipt::IdText;

use super::connection::ConnectionRef;
use super::messages::Outcome;

/// All that are parked.
#[derive(Debug, Default)]
pub(crate) struct Lot {
    parked: ByKey,
    /// In the order of their time.
    order: VecDeque<(u64, u64)>,
    /// Keys of those that the carrier was asked to send again, each at its place: nobody is asked twice.
    asked: Vec<u64>,
}

type ByKey = HashMap<u64, Parked, ahash::RandomState>;

/// A receipt whose message is not known yet.
#[derive(Clone, Debug)]
pub(crate) struct Parked {
    pub(crate) connection: ConnectionRef,
    pub(crate) sequence_number: u32,
    pub(crate) carrier: u32,
    pub(crate) outcome: Outcome,
    pub(crate) id: IdText,
    pub(crate) from: IdText,
    pub(crate) to: IdText,
    pub(crate) parked_at_ms: u64,
}

/// Receipts that are parked at once. Even all of them on one bind must not keep the responses behind them from being read:
/// those are what they wait for.
const PARKED_MAX: usize = 10_000;
const _: () = assert!(PARKED_MAX < brivas_smpp::session::CARRIER_DELIVERIES_MAX);
/// How long one is parked.
const PARKED_MS: u64 = 5_000;
/// Keys that are remembered as asked for.
const ASKED_MAX: usize = 4_096;

impl Lot {
    pub(crate) fn is_empty(&self) -> bool {
        self.parked.is_empty()
    }

    pub(crate) fn get(&self, key: u64) -> Option<&Parked> {
        self.parked.get(&key)
    }

    pub(crate) fn take(&mut self, key: u64) -> Option<Parked> {
        self.parked.remove(&key)
    }

    /// Parks one. False: there is no more room, or one with this key is parked already.
    pub(crate) fn park(&mut self, key: u64, parked: Parked) -> bool {
        if self.parked.len() >= PARKED_MAX || self.parked.contains_key(&key) {
            return false;
        }
        if self.order.len() >= 2 * PARKED_MAX {
            // Most were matched since.
            let parked = &self.parked;
            self.order.retain(|(at_ms, key)| is_parked_since(parked, *key, *at_ms));
        }
        self.order.push_back((parked.parked_at_ms, key));
        self.parked.insert(key, parked);
        true
    }

    /// Takes out one that was parked for too long, with its key.
    pub(crate) fn expire(&mut self, now_ms: u64) -> Option<(u64, Parked)> {
        while let Some(&(parked_at_ms, key)) = self.order.front() {
            if now_ms.saturating_sub(parked_at_ms) < PARKED_MS {
                return None;
            }
            self.order.pop_front();
            if is_parked_since(&self.parked, key, parked_at_ms) {
                return Some((key, self.parked.remove(&key)?));
            }
        }
        None
    }

    /// Whether the carrier may be asked for this one once more: the first time.
    pub(crate) fn may_ask_again(&mut self, key: u64) -> bool {
        if self.asked.is_empty() {
            self.asked = vec![0; ASKED_MAX];
        }
        std::mem::replace(&mut self.asked[key as usize % ASKED_MAX], key) != key
    }
}

fn is_parked_since(parked: &ByKey, key: u64, at_ms: u64) -> bool {
    parked.get(&key).is_some_and(|parked| parked.parked_at_ms == at_ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shard::receipts::kept;
    use brivas_smpp::MessageState;

    fn parked(at_ms: u64) -> Parked {
        Parked {
            connection: ConnectionRef::NONE,
            sequence_number: 1,
            carrier: 0,
            outcome: Outcome::new(MessageState::Delivered, 0, b""),
            id: kept(b"7"),
            from: kept(b""),
            to: kept(b""),
            parked_at_ms: at_ms,
        }
    }

    #[test]
    fn a_full_lot_takes_no_more_until_one_has_left() {
        let mut lot = Lot::default();
        assert!((0..PARKED_MAX as u64).all(|key| lot.park(key, parked(key / 100))));
        assert!(!lot.park(77_777, parked(0)));
        assert!(lot.take(5).is_some());
        assert!(lot.park(77_777, parked(200)));
        assert!(!lot.park(77_777, parked(200)));
        // Those that left do not expire, and what is parked and taken all day is not remembered.
        for round in 0..3 * PARKED_MAX as u64 {
            assert!(lot.take(77_777).is_some() && lot.park(77_777, parked(200 + round)));
        }
        assert!(lot.order.len() <= 2 * PARKED_MAX);
        let expired = std::iter::from_fn(|| lot.expire(1_000_000)).count();
        assert_eq!((expired, lot.is_empty()), (PARKED_MAX, true));
    }

    #[test]
    fn one_is_asked_for_again_once() {
        let mut lot = Lot::default();
        assert!(lot.may_ask_again(5));
        assert!(!lot.may_ask_again(5));
        assert!(lot.may_ask_again(5 + ASKED_MAX as u64));
    }
}
