//! Which message a carrier's receipt speaks of: by the carrier and the id that it gave the message.
//!
//! Ids are compared without case and leading zeros, since carriers write theirs in more than one way. A receipt that comes
//! before the response that names its message is parked, unanswered, and matched when that comes.

use std::collections::{HashMap, VecDeque};

use brivas_smpp::MessageState;
use hashbrown::HashTable;

use super::connection::ConnectionRef;
use super::messages::{MessageRef, Messages, Outcome};

/// Messages that wait for their receipt.
pub(crate) struct ReceiptIndex {
    hasher: ahash::RandomState,
    table: HashTable<(u64, MessageRef)>,
    parked: ParkedByKey,
    /// Parked ones in the order of their time.
    parked_order: VecDeque<(u64, u64)>,
}

type ParkedByKey = HashMap<u64, Parked, ahash::RandomState>;

/// A receipt whose message is not known yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parked {
    pub(crate) connection: ConnectionRef,
    pub(crate) sequence_number: u32,
    pub(crate) outcome: Outcome,
    parked_at_ms: u64,
}

/// Receipts that are parked at once. Even all of them on one bind must not keep the responses behind them from being read:
/// those are what they wait for.
const PARKED_MAX: usize = 10_000;
const _: () = assert!(PARKED_MAX < brivas_smpp::session::CARRIER_DELIVERIES_MAX);
/// How long one is parked.
const PARKED_MS: u64 = 5_000;

impl ReceiptIndex {
    pub(crate) fn new() -> Self {
        Self {
            hasher: ahash::RandomState::new(),
            table: HashTable::new(),
            parked: HashMap::default(),
            parked_order: VecDeque::new(),
        }
    }

    fn key(&self, carrier: u32, id: &[u8]) -> u64 {
        let mut buffer = [0; 64];
        let id = &id[id.iter().take_while(|&&octet| octet == b'0').count()..];
        // Longer ids are told apart by their first 64 octets and the comparison in `find`.
        let length = id.len().min(64);
        for (to, from) in buffer.iter_mut().zip(&id[..length]) {
            *to = from.to_ascii_lowercase();
        }
        self.hasher.hash_one((carrier, &buffer[..length]))
    }

    /// Remembers that this message's receipt is to come. Gives a receipt that came before.
    pub(crate) fn expect(&mut self, carrier: u32, id: &[u8], message: MessageRef) -> Option<Parked> {
        let key = self.key(carrier, id);
        if !self.parked.is_empty()
            && let Some(parked) = self.parked.remove(&key)
        {
            return Some(parked);
        }
        self.table.insert_unique(key, (key, message), |entry| entry.0);
        None
    }

    /// Takes out the message that a receipt speaks of.
    pub(crate) fn take(&mut self, carrier: u32, id: &[u8], messages: &Messages) -> Option<MessageRef> {
        let key = self.key(carrier, id);
        let same = |entry: &(u64, MessageRef)| {
            entry.0 == key
                && messages.get(entry.1).is_some_and(|message| {
                    message.carrier == carrier && same_id(message.carrier_message_id(), id)
                })
        };
        let entry = self.table.find_entry(key, same).ok()?;
        Some(entry.remove().0.1)
    }

    /// Finds the message without taking it out: for receipts that are not the last.
    pub(crate) fn contains(&self, carrier: u32, id: &[u8]) -> bool {
        let key = self.key(carrier, id);
        self.table.find(key, |entry| entry.0 == key).is_some()
    }

    /// Forgets a message that ended without its receipt.
    pub(crate) fn forget(&mut self, carrier: u32, id: &[u8], message: MessageRef) {
        let key = self.key(carrier, id);
        if let Ok(entry) = self.table.find_entry(key, |entry| entry.1 == message) {
            entry.remove();
        }
    }

    /// Parks a receipt. False: there is no more room, or one with this id is parked already.
    pub(crate) fn park(
        &mut self,
        now_ms: u64,
        carrier: u32,
        id: &[u8],
        connection: ConnectionRef,
        sequence_number: u32,
        outcome: Outcome,
    ) -> bool {
        let key = self.key(carrier, id);
        if self.parked.len() >= PARKED_MAX || self.parked.contains_key(&key) {
            return false;
        }
        if self.parked_order.len() >= 2 * PARKED_MAX {
            // Most were matched since.
            let parked = &self.parked;
            self.parked_order.retain(|(at_ms, key)| is_parked_since(parked, *key, *at_ms));
        }
        self.parked.insert(key, Parked { connection, sequence_number, outcome, parked_at_ms: now_ms });
        self.parked_order.push_back((now_ms, key));
        true
    }

    /// Takes out one that was parked for too long.
    pub(crate) fn expire(&mut self, now_ms: u64) -> Option<Parked> {
        while let Some(&(parked_at_ms, key)) = self.parked_order.front() {
            if now_ms.saturating_sub(parked_at_ms) < PARKED_MS {
                return None;
            }
            self.parked_order.pop_front();
            if is_parked_since(&self.parked, key, parked_at_ms) {
                return self.parked.remove(&key);
            }
        }
        None
    }
}

fn is_parked_since(parked: &ParkedByKey, key: u64, at_ms: u64) -> bool {
    parked.get(&key).is_some_and(|parked| parked.parked_at_ms == at_ms)
}

fn same_id(left: &[u8], right: &[u8]) -> bool {
    let trim = |id: &[u8]| id.iter().take_while(|&&octet| octet == b'0').count();
    left[trim(left)..].eq_ignore_ascii_case(&right[trim(right)..])
}

/// Whether a state says that the message has got where it should.
pub(crate) const fn is_success(state: MessageState) -> bool {
    matches!(state, MessageState::Delivered | MessageState::Accepted)
}
