//! Which message a carrier's receipt speaks of: by the carrier and the id that it gave the message.
//!
//! Ids are compared without case, leading zeros and dashes, since carriers write theirs in more than one way; and as long as
//! a carrier's way is not known, in hexadecimal and decimal as well. Where more than one message could be meant, the
//! numbers decide, and where they do not, none is. A receipt that comes before the response that names its message is
//! parked, unanswered, and matched when that comes.

use std::collections::HashMap;

use brivas_smpp::MessageState;
use brivas_smpp::receipt::{IdQuirk, IdText};
use hashbrown::HashTable;

use super::learning::Learning;
use super::messages::{Message, MessageRef, Messages, digits};
use super::parking::{Lot, Parked};

/// Messages that wait for their receipt.
pub(crate) struct ReceiptIndex {
    hasher: ahash::RandomState,
    /// One message a key.
    table: HashTable<(u64, MessageRef)>,
    /// Further messages with a key that is in the table: carriers that give an id twice.
    shared: HashMap<u64, Vec<MessageRef>, ahash::RandomState>,
    pub(crate) lot: Lot,
    /// Keys of receipts that ended a message lately, each at its place.
    ended: Vec<(u64, u32)>,
}

/// Messages with one key at most: a carrier that calls so many the same says nothing by it.
const SHARED_MAX: usize = 64;
/// Keys with more than one message at most.
const SHARED_KEYS_MAX: usize = 100_000;
/// Ended receipts that are remembered; a power of two.
const ENDED_MAX: usize = 1 << 16;
/// For so many seconds: an id may come again for another message.
const ENDED_SECONDS: u32 = 600;
/// Digits at the end of a number by which two are the same, with and without country code.
const NUMBER_DIGITS: usize = 7;
/// An id this long is no small number that means another message in another notation.
const TELLING_OCTETS: usize = 6;
/// Octets of an id that are looked at.
const KEY_OCTETS_MAX: usize = 128;

/// What a receipt names its message by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Named<'a> {
    pub(crate) carrier: u32,
    pub(crate) id: &'a [u8],
    /// Whom it comes from: the message's destination.
    pub(crate) from: &'a [u8],
}

/// What is known of a carrier where an id of its is looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Of<'a> {
    pub(crate) learning: &'a Learning,
    /// It has given open messages the same id: by itself an id of its proves little.
    pub(crate) repeats: bool,
}

/// Whom a receipt means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Nobody,
    /// This message, which stands under this key.
    One {
        name: MessageRef,
        entry: u64,
    },
    /// More than one, and nothing tells which.
    Many,
}

/// An id without what carriers add and leave out.
struct Key {
    octets: [u8; KEY_OCTETS_MAX],
    length: usize,
}

impl Key {
    fn of(id: &[u8]) -> Self {
        let is_blank = |octet: &u8| *octet == 0 || octet.is_ascii_whitespace();
        let start = id.iter().position(|octet| !is_blank(octet)).unwrap_or(id.len());
        let end = id.iter().rposition(|octet| !is_blank(octet)).map_or(start, |last| last + 1);
        let mut key = Self { octets: [0; KEY_OCTETS_MAX], length: 0 };
        for octet in id[start..end].iter().filter(|octet| **octet != b'-') {
            if key.length == KEY_OCTETS_MAX {
                break;
            }
            if key.length > 0 || *octet != b'0' {
                key.octets[key.length] = octet.to_ascii_lowercase();
                key.length += 1;
            }
        }
        key
    }

    fn octets(&self) -> &[u8] {
        &self.octets[..self.length]
    }

    fn is_of(&self, id: &[u8]) -> bool {
        self.octets() == Self::of(id).octets()
    }
}

/// The same number in another radix. None: it is none.
fn converted(id: &[u8], from: u32) -> Option<Key> {
    let digits = std::str::from_utf8(id).ok()?.trim_matches(|c: char| c == '\0' || c.is_ascii_whitespace());
    // The library takes a sign, which no id has.
    let is_number = digits.chars().all(|digit| digit.is_digit(from));
    let number = u128::from_str_radix(digits, from).ok().filter(|_| is_number)?;
    let text = if from == 10 { format!("{number:x}") } else { format!("{number}") };
    Some(Key::of(text.as_bytes()))
}

/// Whether two numbers are the same, as far as can be told from their ends.
pub(crate) fn same_number(left: &[u8], right: &[u8]) -> bool {
    !left.is_empty() && end_of_number(left) == end_of_number(right)
}

/// The digits by which numbers are compared.
pub(crate) fn end_of_number(number: &[u8]) -> &[u8] {
    &number[number.len().saturating_sub(NUMBER_DIGITS)..]
}

impl ReceiptIndex {
    pub(crate) fn new() -> Self {
        Self {
            hasher: ahash::RandomState::new(),
            table: HashTable::new(),
            shared: HashMap::default(),
            lot: Lot::default(),
            ended: Vec::new(),
        }
    }

    fn hash(&self, carrier: u32, key: &Key) -> u64 {
        self.hasher.hash_one((carrier, key.octets()))
    }

    /// Remembers that this message's receipt is to come. Gives a receipt that came before; true: its id is also another
    /// open message's.
    pub(crate) fn expect(
        &mut self,
        carrier: u32,
        id: &[u8],
        name: MessageRef,
        messages: &Messages,
        of: Of<'_>,
    ) -> (Option<(u64, Parked)>, bool) {
        let key = Key::of(id);
        let hash = self.hash(carrier, &key);
        if !self.lot.is_empty()
            && let Some(parked) = self.take_parked(carrier, id, hash, name, messages, of)
        {
            return (Some(parked), false);
        }
        let is_same = |entry: &(u64, MessageRef)| entry.0 == hash;
        let Some(entry) = self.table.find_mut(hash, is_same) else {
            self.table.insert_unique(hash, (hash, name), |entry| entry.0);
            return (None, false);
        };
        if messages.get(entry.1).is_none() {
            entry.1 = name;
            return (None, false);
        }
        if self.shared.len() < SHARED_KEYS_MAX || self.shared.contains_key(&hash) {
            let shared = self.shared.entry(hash).or_default();
            if shared.len() < SHARED_MAX {
                shared.push(name);
            }
        }
        (None, true)
    }

    fn take_parked(
        &mut self,
        carrier: u32,
        id: &[u8],
        hash: u64,
        name: MessageRef,
        messages: &Messages,
        of: Of<'_>,
    ) -> Option<(u64, Parked)> {
        let ways = of.learning.ways();
        let destination = |from: &[u8]| messages.get(name).is_some_and(|message| is_to(message, from));
        if let Some(parked) = self.lot.get(hash)
            && of.learning.matches(id, parked.id.octets())
            // Where ids repeat it may be another message's, whose response is still to come.
            && (!of.repeats || destination(parked.from.octets()))
        {
            return Some((hash, self.lot.take(hash)?));
        }
        for (is_way, radix) in [(ways.hexadecimal, 16), (ways.decimal, 10)] {
            let Some(key) = is_way.then(|| converted(id, radix)).flatten() else { continue };
            let hash = self.hash(carrier, &key);
            if let Some(parked) = self.lot.get(hash)
                && (parked.id.octets().len() >= TELLING_OCTETS || destination(parked.from.octets()))
            {
                return Some((hash, self.lot.take(hash)?));
            }
        }
        None
    }

    /// Whom a receipt means, and the receipt's own key.
    pub(crate) fn find(&self, named: Named<'_>, messages: &Messages, learning: &Learning) -> (Found, u64) {
        let key = Key::of(named.id);
        let hash = self.hash(named.carrier, &key);
        let (mut found, mut count, mut doubtful) = (Found::Nobody, 0, false);
        self.each(named, &key, hash, messages, learning, |name, entry, message, is_plain| {
            // A small number may be another message's id in another notation: by itself it proves nothing.
            if is_plain || named.id.len() >= TELLING_OCTETS || is_to(message, named.from) {
                count += 1;
                found = Found::One { name, entry };
            } else {
                doubtful = true;
            }
        });
        if count == 0 || (count == 1 && !doubtful) {
            return (found, hash);
        }
        let mut count = 0;
        self.each(named, &key, hash, messages, learning, |name, entry, message, _| {
            if is_to(message, named.from) {
                count += 1;
                found = Found::One { name, entry };
            }
        });
        (if count == 1 { found } else { Found::Many }, hash)
    }

    /// The messages that a receipt may mean, each with its key, and whether it is plainly the same id.
    fn each(
        &self,
        named: Named<'_>,
        key: &Key,
        hash: u64,
        messages: &Messages,
        learning: &Learning,
        mut see: impl FnMut(MessageRef, u64, &Message, bool),
    ) {
        let ways = learning.ways();
        self.each_of(named, key, hash, messages, |name, message| {
            if learning.matches(message.carrier_message_id(), named.id) {
                see(name, hash, message, true);
            }
        });
        for (is_way, radix) in [(ways.hexadecimal, 10), (ways.decimal, 16)] {
            let Some(other) = is_way.then(|| converted(named.id, radix)).flatten() else { continue };
            // "7" is 7 in both.
            if other.octets() != key.octets() {
                let hash = self.hash(named.carrier, &other);
                self.each_of(named, &other, hash, messages, |name, message| see(name, hash, message, false));
            }
        }
    }

    fn each_of(
        &self,
        named: Named<'_>,
        key: &Key,
        hash: u64,
        messages: &Messages,
        mut see: impl FnMut(MessageRef, &Message),
    ) {
        let Some(entry) = self.table.find(hash, |entry| entry.0 == hash) else { return };
        let mut look = |name: MessageRef| {
            if let Some(message) = messages.get(name)
                && message.carrier == named.carrier
                && (message.carrier_message_id() == named.id || key.is_of(message.carrier_message_id()))
            {
                see(name, message);
            }
        };
        messages.fetch(std::iter::once(entry.1));
        look(entry.1);
        if !self.shared.is_empty()
            && let Some(shared) = self.shared.get(&hash)
        {
            shared.iter().copied().for_each(look);
        }
    }

    /// Forgets a message: its receipt came, or never will.
    pub(crate) fn forget(&mut self, carrier: u32, id: &[u8], message: MessageRef) {
        self.forget_entry(self.hash(carrier, &Key::of(id)), message);
    }

    /// The same, by its key.
    pub(crate) fn forget_entry(&mut self, hash: u64, message: MessageRef) {
        if self.shared.is_empty() {
            if let Ok(entry) = self.table.find_entry(hash, |entry| entry.0 == hash && entry.1 == message) {
                entry.remove();
            }
            return;
        }
        let shared = self.shared.get_mut(&hash);
        let at = shared.as_ref().and_then(|shared| shared.iter().position(|name| *name == message));
        let heir = match (shared, at) {
            (Some(shared), Some(at)) => {
                shared.remove(at);
                None
            }
            (Some(shared), None) => shared.first().copied(),
            (None, _) => None,
        };
        if at.is_none()
            && let Ok(mut entry) = self.table.find_entry(hash, |entry| entry.0 == hash && entry.1 == message)
        {
            match heir {
                Some(heir) => {
                    entry.get_mut().1 = heir;
                    if let Some(shared) = self.shared.get_mut(&hash) {
                        shared.remove(0);
                    }
                }
                None => drop(entry.remove()),
            }
        }
        if self.shared.get(&hash).is_some_and(Vec::is_empty) {
            self.shared.remove(&hash);
        }
    }

    /// Notes that a receipt with this key, from this number, has ended its message.
    pub(crate) fn note_ended(&mut self, key: u64, from: &[u8], now_ms: u64) {
        if self.ended.is_empty() {
            self.ended = vec![(0, 0); ENDED_MAX];
        }
        let key = self.with_number(key, from);
        self.ended[key as usize % ENDED_MAX] = (key, (now_ms / 1_000) as u32);
    }

    /// Whether such a receipt has ended its message lately. From another number it is another message's: ids come again.
    pub(crate) fn has_ended(&self, key: u64, from: &[u8], now_ms: u64) -> bool {
        let key = self.with_number(key, from);
        let ended = self.ended.get(key as usize % ENDED_MAX);
        ended.is_some_and(|&(known, at)| known == key && (now_ms / 1_000) as u32 - at < ENDED_SECONDS)
    }

    fn with_number(&self, key: u64, number: &[u8]) -> u64 {
        key ^ self.hasher.hash_one(&number[number.len().saturating_sub(NUMBER_DIGITS)..])
    }
}

pub(crate) fn is_to(message: &Message, number: &[u8]) -> bool {
    message.content().is_ok_and(|content| same_number(digits(&content.destination), number))
}

/// An id, or a number, as long as it is kept.
pub(crate) fn kept(text: &[u8]) -> IdText {
    IdQuirk::Same.receipt_key(text)
}

/// Whether a state says that the message has got where it should.
pub(crate) const fn is_success(state: MessageState) -> bool {
    matches!(state, MessageState::Delivered | MessageState::Accepted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shard::connection::ConnectionRef;
    use crate::shard::messages::NewMessage;
    use brivas_smpp::ShortMessage;
    use brivas_smpp::pdu::Address;

    struct Open {
        messages: Messages,
        index: ReceiptIndex,
        learning: Learning,
    }

    impl Open {
        fn new() -> Self {
            Self {
                messages: Messages::new(1_000_000, usize::MAX),
                index: ReceiptIndex::new(),
                learning: Learning::new(),
            }
        }

        fn expect(&mut self, id: &str, number: &str) -> MessageRef {
            let destination = Address { ton: 1, npi: 1, digits: number.as_bytes() };
            let content = ShortMessage { destination, ..ShortMessage::default() };
            let name = self.messages.insert(NewMessage {
                content: &content,
                incoming: false,
                account: 0,
                carrier: 1,
                id: 0,
                accepted_ms: 0,
                expires_ms: 0,
                destination_hash: 0,
                connection: ConnectionRef::NONE,
                alias: 0,
                schedule_ms: 0,
                submission: 0,
                api: None,
            });
            self.messages.get_mut(name).unwrap().set_carrier_message_id(id.as_bytes());
            let of = Of { learning: &self.learning, repeats: false };
            self.index.expect(1, id.as_bytes(), name, &self.messages, of);
            name
        }

        fn find(&self, id: &str, number: &str) -> Found {
            let named = Named { carrier: 1, id: id.as_bytes(), from: number.as_bytes() };
            self.index.find(named, &self.messages, &self.learning).0
        }

        fn finds(&self, id: &str, number: &str) -> Option<MessageRef> {
            match self.find(id, number) {
                Found::One { name, .. } => Some(name),
                _ => None,
            }
        }
    }

    #[test]
    fn an_id_is_found_in_every_form_and_only_at_its_carrier() {
        let mut open = Open::new();
        let name = open.expect("00ABCDEF", "491701");
        for id in ["00ABCDEF", "abcdef", " ABCDEF\0", "11259375", "0000000011259375"] {
            assert_eq!(open.finds(id, ""), Some(name), "{id}");
        }
        assert_eq!(open.find("abcdee", ""), Found::Nobody);
        let elsewhere = Named { carrier: 2, id: b"abcdef", from: b"" };
        assert_eq!(open.index.find(elsewhere, &open.messages, &open.learning).0, Found::Nobody);
    }

    #[test]
    fn a_small_number_in_another_notation_is_believed_only_with_its_number() {
        let mut open = Open::new();
        let name = open.expect("10", "4917000001");
        assert_eq!(open.find("16", "4917000002"), Found::Nobody);
        assert_eq!(open.finds("16", "+4917000001"), Some(name));
        let other = open.expect("16", "4917000002");
        assert_eq!(open.find("16", "33"), Found::Many);
        assert_eq!(open.finds("16", "17000002"), Some(other));
    }

    #[test]
    fn messages_of_one_id_are_told_by_number_and_each_is_forgotten_by_itself() {
        let mut open = Open::new();
        let names: Vec<_> = (0..10).map(|number| open.expect("7", &format!("491700000{number}"))).collect();
        assert_eq!(open.find("7", ""), Found::Many);
        // The first, which is in the table; one in the middle; the last.
        for gone in [0, 5, 9] {
            open.index.forget(1, b"7", names[gone]);
            open.messages.remove(names[gone]);
        }
        for (number, &name) in names.iter().enumerate() {
            let found = open.finds("7", &format!("491700000{number}"));
            assert_eq!(found, Some(name).filter(|_| ![0, 5, 9].contains(&number)), "{number}");
        }
        for &name in &names {
            open.index.forget(1, b"7", name);
        }
        assert_eq!(open.find("7", "4917000001"), Found::Nobody);
        assert!(open.index.table.is_empty() && open.index.shared.is_empty());
    }

    #[test]
    fn a_carrier_that_calls_everything_the_same_costs_a_bounded_search() {
        let mut open = Open::new();
        for number in 0..10_000 {
            open.expect("same", &format!("49170{number:07}"));
        }
        assert_eq!(open.index.shared.values().map(Vec::len).sum::<usize>(), SHARED_MAX);
        assert!(open.finds("same", "491700000010").is_some());
        assert_eq!(open.find("same", "491700009999"), Found::Many);
    }

    #[test]
    fn more_repeated_ids_than_are_kept_apart_cost_no_more_and_harm_no_other() {
        let mut open = Open::new();
        let ids = || (0..=SHARED_KEYS_MAX).map(|id| format!("m{id}"));
        for number in ["491701", "491702"] {
            for id in ids() {
                open.expect(&id, number);
            }
        }
        assert_eq!(open.index.shared.len(), SHARED_KEYS_MAX);
        // Of the last the first message is known only.
        let last = format!("m{SHARED_KEYS_MAX}");
        assert!(open.finds(&last, "491701").is_some() && open.finds("m5", "491702").is_some());
        let names: Vec<_> = ids().filter_map(|id| Some((open.finds(&id, "491702")?, id))).collect();
        for (name, id) in names {
            open.index.forget(1, id.as_bytes(), name);
        }
        assert!(open.index.shared.is_empty());
        assert!(open.finds("m5", "491701").is_some());
    }

    #[test]
    fn what_has_ended_is_known_for_a_while() {
        let mut open = Open::new();
        open.expect("a", "");
        let named = Named { carrier: 1, id: b"a", from: b"" };
        let key = open.index.find(named, &open.messages, &open.learning).1;
        assert!(!open.index.has_ended(key, b"491701", 5_000));
        open.index.note_ended(key, b"491700000001", 5_000);
        assert!(open.index.has_ended(key, b"+491700000001", 604_999));
        assert!(!open.index.has_ended(key, b"491700000002", 5_001));
        assert!(!open.index.has_ended(key, b"491700000001", 605_000));
    }
}
