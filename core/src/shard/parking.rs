//! Receipts whose message is not known yet: they wait, unanswered, for the response that names it.
//!
//! One waits only while there is an attempt that was sent before the receipt came and is not answered: no other response
//! can name its message. How that is found out is the caller's, `matching.rs`.

use std::collections::{HashMap, VecDeque};

use brivas_smpp::receipt::IdText;

use super::connection::ConnectionRef;
use super::matching::Arrival;
use super::messages::Outcome;

/// All that are parked.
#[derive(Debug, Default)]
pub(crate) struct Lot {
    parked: ByKey,
    /// In the order of their time.
    order: VecDeque<(u64, u64)>,
    /// Those that the carrier was asked to send again, by their keys, each at its place: when they came first.
    asked: Vec<(u64, u64)>,
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
    /// When it came for the first time, if the carrier was asked to send it again.
    pub(crate) first_ms: u64,
}

impl Parked {
    /// How it came.
    pub(crate) const fn arrival(&self) -> Arrival {
        Arrival { connection: self.connection, carrier: self.carrier, sequence_number: self.sequence_number }
    }
}

/// Receipts that are parked at once. Even all of them on one bind must not keep the responses behind them from being read:
/// those are what they wait for.
const PARKED_MAX: usize = 10_000;
const _: () = assert!(PARKED_MAX < brivas_smpp::session::CARRIER_DELIVERIES_MAX);
/// How long one is parked; what may still be named after that is asked for again, before the carrier runs out of patience.
pub(super) const PARKED_MS: u64 = 5_000;
/// Keys that are remembered as asked for.
const ASKED_MAX: usize = 4_096;
/// For so long: the id may come again for another message.
const ASKED_MS: u64 = 600_000;

impl Lot {
    pub(crate) fn is_empty(&self) -> bool {
        self.parked.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.parked.len() >= PARKED_MAX
    }

    pub(crate) fn get(&self, key: u64) -> Option<&Parked> {
        self.parked.get(&key)
    }

    pub(crate) fn take(&mut self, key: u64) -> Option<Parked> {
        self.parked.remove(&key)
    }

    /// Parks one. False: there is no more room, or one with this key is parked already.
    pub(crate) fn park(&mut self, key: u64, parked: Parked) -> bool {
        if self.is_full() || self.parked.contains_key(&key) {
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

    /// Takes out those that do not stay, with their keys.
    pub(crate) fn take_decided(&mut self, mut stays: impl FnMut(&Parked) -> bool) -> Vec<(u64, Parked)> {
        let mut decided = Vec::new();
        let parked = &mut self.parked;
        self.order.retain(|&(at_ms, key)| {
            let Some(one) = parked.get(&key).filter(|one| one.parked_at_ms == at_ms) else { return false };
            if stays(one) {
                return true;
            }
            decided.extend(parked.remove(&key).map(|one| (key, one)));
            false
        });
        decided
    }

    /// When this one came first: now, unless the carrier was asked to send it again.
    pub(crate) fn first_ms(&self, key: u64, now_ms: u64) -> u64 {
        let asked = self.asked.get(key as usize % ASKED_MAX);
        let asked = asked.filter(|&&(known, at_ms)| known == key && now_ms.saturating_sub(at_ms) < ASKED_MS);
        asked.map_or(now_ms, |&(_, at_ms)| at_ms)
    }

    /// Notes that the carrier is asked to send this one again. False: it was asked before.
    pub(crate) fn note_asked(&mut self, key: u64, first_ms: u64, now_ms: u64) -> bool {
        if self.asked.is_empty() {
            self.asked = vec![(0, 0); ASKED_MAX];
        }
        let place = &mut self.asked[key as usize % ASKED_MAX];
        let is_new = place.0 != key || now_ms.saturating_sub(place.1) >= ASKED_MS;
        if is_new {
            *place = (key, first_ms);
        }
        is_new
    }

    /// What was asked for has come, and is decided.
    pub(crate) fn forget_asked(&mut self, key: u64) {
        if let Some(place) = self.asked.get_mut(key as usize % ASKED_MAX).filter(|place| place.0 == key) {
            *place = (0, 0);
        }
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
            first_ms: at_ms,
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
        assert_eq!(lot.take_decided(|one| one.parked_at_ms >= 3).len(), 299);
        let decided = lot.take_decided(|_| false).len();
        assert_eq!((decided, lot.is_empty(), lot.order.len()), (PARKED_MAX - 299, true, 0));
    }

    #[test]
    fn what_is_asked_for_again_keeps_the_time_when_it_came_first_and_its_place_has_a_bound() {
        let mut lot = Lot::default();
        assert_eq!(lot.first_ms(5, 7), 7);
        assert!(lot.note_asked(5, 7, 20));
        assert!(!lot.note_asked(5, 20, 30));
        assert_eq!(lot.first_ms(5, 40), 7);
        // Later the same id means another message.
        assert_eq!(lot.first_ms(5, 7 + ASKED_MS), 7 + ASKED_MS);
        assert!(lot.note_asked(5 + ASKED_MAX as u64, 50, 60));
        assert_eq!(lot.first_ms(5, 60), 60);
        lot.forget_asked(5 + ASKED_MAX as u64);
        assert_eq!(lot.first_ms(5 + ASKED_MAX as u64, 70), 70);
    }
}
