//! A carrier's messages that were sent, not answered and not sent again: found by their numbers, since they have no id.
//!
//! A receipt of an unknown id means the one of them that went from the same number to the same. Those that have ended since
//! are dropped now and then, never for each that comes: thousands are held at once when a carrier falls silent.

use std::collections::HashMap;

use super::messages::{MessageRef, Messages, digits};
use super::receipts::{end_of_number, same_number};

/// Messages of a carrier that are found by their numbers at most; more are held all the same.
const HELD_MAX: usize = 10_000;
/// How many come in vain before those that have ended are dropped once more.
const PRUNE_EVERY: usize = HELD_MAX / 8;

#[derive(Debug, Default)]
pub(crate) struct Held {
    by_numbers: HashMap<u64, Vec<MessageRef>, ahash::RandomState>,
    /// With those that have ended since.
    len: usize,
    /// Messages that found no room since the last pruning.
    in_vain: usize,
}

impl Held {
    /// Whether there is none. There may be none although it says no: see [`Self::prune`].
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Notes a message that is held.
    pub(crate) fn insert(&mut self, name: MessageRef, messages: &Messages) {
        if self.len >= HELD_MAX {
            self.in_vain += 1;
            if self.in_vain % PRUNE_EVERY == 1 {
                self.prune(messages);
            }
        }
        let Some(content) = messages.get(name).and_then(|message| message.content().ok()) else { return };
        if self.len < HELD_MAX {
            self.in_vain = 0;
            let key = self.key(digits(&content.source), digits(&content.destination));
            self.by_numbers.entry(key).or_default().push(name);
            self.len += 1;
        }
    }

    /// The one message from one number to the other. None, where there are more.
    pub(crate) fn only(&self, source: &[u8], destination: &[u8], messages: &Messages) -> Option<MessageRef> {
        let names = self.by_numbers.get(&self.key(source, destination))?;
        let mut found = names.iter().copied().filter(|&name| {
            let message = messages.get(name).filter(|message| message.is_held);
            message.and_then(|message| message.content().ok()).is_some_and(|content| {
                same_number(digits(&content.destination), destination)
                    && same_number(digits(&content.source), source)
            })
        });
        let first = found.next();
        first.filter(|_| found.next().is_none())
    }

    /// Drops those that have ended or were answered.
    pub(crate) fn prune(&mut self, messages: &Messages) {
        self.by_numbers.retain(|_, names| {
            names.retain(|&name| is_held(name, messages));
            !names.is_empty()
        });
        self.len = self.by_numbers.values().map(Vec::len).sum();
    }

    /// How many there are.
    pub(crate) fn count(&self, messages: &Messages) -> u64 {
        self.by_numbers.values().flatten().filter(|&&name| is_held(name, messages)).count() as u64
    }

    /// Two numbers that are the same have the same end.
    fn key(&self, source: &[u8], destination: &[u8]) -> u64 {
        self.by_numbers.hasher().hash_one((end_of_number(source), end_of_number(destination)))
    }
}

fn is_held(name: MessageRef, messages: &Messages) -> bool {
    messages.get(name).is_some_and(|message| message.is_held)
}

#[cfg(test)]
mod tests {
    use brivas_smpp::ShortMessage;
    use brivas_smpp::pdu::Address;

    use super::super::connection::ConnectionRef;
    use super::super::messages::NewMessage;
    use super::*;

    fn hold(held: &mut Held, messages: &mut Messages, number: usize) -> MessageRef {
        let number = format!("4917{number:07}");
        let content = ShortMessage {
            source: Address { ton: 5, npi: 0, digits: b"Brivas" },
            destination: Address { ton: 1, npi: 1, digits: number.as_bytes() },
            ..ShortMessage::default()
        };
        let name = messages.insert(NewMessage {
            content: &content,
            incoming: false,
            account: 0,
            carrier: 0,
            id: 1,
            accepted_ms: 0,
            expires_ms: 0,
            destination_hash: 0,
            connection: ConnectionRef::NONE,
            api: None,
            schedule_ms: 0,
            submission: 0,
            alias: 0,
        });
        messages.get_mut(name).unwrap().is_held = true;
        held.insert(name, messages);
        name
    }

    #[test]
    fn one_is_found_by_its_numbers_however_they_are_written_and_two_are_not_told_apart() {
        let (mut held, mut messages) = (Held::default(), Messages::new(10, usize::MAX));
        let name = hold(&mut held, &mut messages, 5);
        assert_eq!(held.only(b"Brivas", b"49170000005", &messages), Some(name));
        assert_eq!(held.only(b"Brivas", b"00049170000005", &messages), Some(name));
        assert_eq!(held.only(b"Brivas", b"49170000006", &messages), None);
        assert_eq!(held.only(b"brivas", b"49170000005", &messages), None);
        let second = hold(&mut held, &mut messages, 5);
        assert_eq!(held.only(b"Brivas", b"49170000005", &messages), None);
        messages.remove(name);
        assert_eq!(held.only(b"Brivas", b"49170000005", &messages), Some(second));
        assert_eq!(held.count(&messages), 1);
    }

    #[test]
    fn there_is_a_bound_and_what_has_ended_makes_room() {
        let (mut held, mut messages) = (Held::default(), Messages::new(usize::MAX, usize::MAX));
        let names: Vec<_> = (0..2 * HELD_MAX).map(|number| hold(&mut held, &mut messages, number)).collect();
        assert_eq!((held.len, held.count(&messages)), (HELD_MAX, HELD_MAX as u64));
        names.into_iter().for_each(|name| messages.remove(name));
        assert_eq!(held.count(&messages), 0);
        // At the latest after so many more there is room again.
        let last = (0..=PRUNE_EVERY).map(|number| hold(&mut held, &mut messages, number)).last().unwrap();
        let number = format!("4917{PRUNE_EVERY:07}");
        assert_eq!(held.only(b"Brivas", number.as_bytes(), &messages), Some(last));
        assert!(held.len <= PRUNE_EVERY + 1);
        held.prune(&messages);
        assert!(!held.is_empty());
    }
}
