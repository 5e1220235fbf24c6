//! Which message an id names, and what became of those that ended lately.
//!
//! Ids grow with time, so the messages that came last stand in a queue in the order of their ids: a message costs one entry
//! at its back and one write when it ends, and an id is found by halving. What is still open when the queue moves on goes
//! to a map; of what ends there, the last are remembered as well. After that, an id is unknown here.

use std::collections::{HashMap, VecDeque};

use brivas_smpp::MessageState;

use super::super::messages::{MessageRef, Outcome};

/// A message, open or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) id: u64,
    pub(crate) account: u32,
    /// A hash of the source address' digits: what ended has no content any more.
    source: u32,
    /// Its place among the recipients of its submission; 0: the first, or the only one.
    pub(crate) recipient: u8,
    pub(crate) stand: Stand,
}

/// Where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stand {
    Open(MessageRef),
    Ended { state: MessageState, error: u8, done_ms: i64 },
}

/// Where a message's entry is: what it gives back when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(u64);

impl Place {
    /// It has no entry: incoming messages have none.
    pub(crate) const NONE: Self = Self(u64::MAX);
    /// In the map.
    const OLDER: Self = Self(u64::MAX - 1);
}

/// What bounds it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Messages in the queue.
    pub(crate) recent: usize,
    /// Messages that ended after they had left the queue.
    pub(crate) ended: usize,
}

impl Bounds {
    pub(crate) const USUAL: Self = Self { recent: 262_144, ended: 262_144 };
}

/// All open messages by their ids, and the last that ended.
#[derive(Debug)]
pub(crate) struct MessageIndex {
    bounds: Bounds,
    hasher: ahash::RandomState,
    recent: VecDeque<Known>,
    /// How many have left the front of `recent`: its entries are numbered from here.
    left: u64,
    older: HashMap<u64, Known, ahash::RandomState>,
    /// Those in `older` that have ended, in the order of their end.
    ended: VecDeque<u64>,
}

impl MessageIndex {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            hasher: ahash::RandomState::new(),
            recent: VecDeque::new(),
            left: 0,
            older: HashMap::default(),
            ended: VecDeque::new(),
        }
    }

    /// Adds a message. Ids that do not grow are found all the same; they cost more.
    pub(crate) fn insert(
        &mut self,
        id: u64,
        account: u32,
        source: &[u8],
        recipient: u8,
        name: MessageRef,
    ) -> Place {
        let known = Known { id, account, source: self.hash(source), recipient, stand: Stand::Open(name) };
        if self.recent.back().is_some_and(|last| last.id >= id) {
            self.put_older(known);
            return Place::OLDER;
        }
        if self.recent.len() >= self.bounds.recent
            && let Some(oldest) = self.recent.pop_front()
        {
            self.left += 1;
            if matches!(oldest.stand, Stand::Open(_)) {
                self.put_older(oldest);
            }
        }
        self.recent.push_back(known);
        Place(self.left + self.recent.len() as u64 - 1)
    }

    /// The message has ended, and its name is about to be stale.
    pub(crate) fn end(&mut self, id: u64, place: Place, outcome: Option<&Outcome>) {
        if place == Place::NONE {
            return;
        }
        let stand =
            outcome.map_or(Stand::Ended { state: MessageState::Unknown, error: 0, done_ms: 0 }, |outcome| {
                Stand::Ended {
                    state: outcome.state,
                    error: error_code(outcome.error()),
                    done_ms: outcome.done_ms,
                }
            });
        let is_older = self.older_at(id, place);
        if let Some(known) = self.at(id, place) {
            known.stand = stand;
            if is_older {
                self.note_ended(id);
            }
        }
    }

    /// The message has another name.
    pub(crate) fn rename(&mut self, id: u64, place: Place, name: MessageRef) {
        if let Some(known) = self.at(id, place) {
            known.stand = Stand::Open(name);
        }
    }

    fn older_at(&self, id: u64, place: Place) -> bool {
        let at = place.0.checked_sub(self.left).and_then(|at| self.recent.get(at as usize));
        at.is_none_or(|known| known.id != id)
    }

    fn at(&mut self, id: u64, place: Place) -> Option<&mut Known> {
        if self.older_at(id, place) {
            return self.older.get_mut(&id);
        }
        self.recent.get_mut((place.0 - self.left) as usize)
    }

    /// The message of an id.
    pub(crate) fn find(&self, id: u64) -> Option<Known> {
        match self.recent.binary_search_by_key(&id, |known| known.id) {
            Ok(at) => self.recent.get(at).copied(),
            Err(_) => self.older.get(&id).copied(),
        }
    }

    /// Whether a source address is the one that the message was submitted with. None given is taken for the right one:
    /// many clients leave it empty, and the account is known.
    pub(crate) fn is_from(&self, known: &Known, source: &[u8]) -> bool {
        source.is_empty() || known.source == self.hash(source)
    }

    fn hash(&self, source: &[u8]) -> u32 {
        self.hasher.hash_one(source) as u32
    }

    fn put_older(&mut self, known: Known) {
        self.older.insert(known.id, known);
        if !matches!(known.stand, Stand::Open(_)) {
            self.note_ended(known.id);
        }
    }

    fn note_ended(&mut self, id: u64) {
        self.ended.push_back(id);
        while self.ended.len() > self.bounds.ended {
            if let Some(oldest) = self.ended.pop_front() {
                self.older.remove(&oldest);
            }
        }
    }
}

/// error_code of query_sm_resp, an octet, from the `err` of a receipt: its number, or 255 where it is none or too large.
pub(super) fn error_code(error: &[u8]) -> u8 {
    if error.is_empty() {
        return 0;
    }
    let text = std::str::from_utf8(error).unwrap_or_default();
    let radix = if error.iter().all(u8::is_ascii_digit) { 10 } else { 16 };
    u8::from_str_radix(text, radix).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn name(token: u64) -> MessageRef {
        MessageRef::from_token(token)
    }

    fn open(token: u64) -> Stand {
        Stand::Open(name(token))
    }

    fn delivered() -> Outcome {
        Outcome::new(MessageState::Delivered, 5, b"000")
    }

    #[test]
    fn what_is_open_is_never_forgotten_and_what_ended_is_in_the_end() {
        let mut index = MessageIndex::new(Bounds { recent: 10, ended: 20 });
        let places: Vec<_> = (0..1_000).map(|id| index.insert(id, 1, b"40404", 0, name(id))).collect();
        assert!((0..1_000).all(|id| index.find(id).is_some_and(|known| known.stand == open(id))));
        for id in 0..990 {
            index.end(id, places[id as usize], Some(&delivered()));
        }
        // The queue's ten are open, and of the others the last twenty that ended are known.
        let known = (0..1_000).filter(|&id| index.find(id).is_some()).collect::<Vec<_>>();
        assert_eq!(known, (970..1_000).collect::<Vec<_>>());
        assert_eq!((index.older.len(), index.ended.len(), index.recent.len()), (20, 20, 10));
        // What ends within the queue leaves with it.
        for id in 990..1_000 {
            index.end(id, places[id as usize], Some(&delivered()));
        }
        for id in 1_000..1_010 {
            index.insert(id, 1, b"40404", 0, name(id));
        }
        assert!((990..1_000).all(|id| index.find(id).is_none()));
    }

    #[test]
    fn errors_become_an_octet() {
        let codes = [&b""[..], b"000", b"045", b"0A1", b"300", b"no idea"].map(error_code);
        assert_eq!(codes, [0, 0, 45, 0xA1, 255, 255]);
    }

    #[test]
    fn a_source_is_compared_by_its_digits_and_an_empty_one_passes() {
        let mut index = MessageIndex::new(Bounds::USUAL);
        index.insert(1, 1, b"40404", 0, name(1));
        let known = index.find(1).unwrap();
        assert!(index.is_from(&known, b"40404") && index.is_from(&known, b""));
        assert!(!index.is_from(&known, b"40405"));
    }

    proptest! {
        #[test]
        fn it_is_a_map_whatever_the_order_of_ids(operations in prop::collection::vec((any::<bool>(), 0u64..60), 0..200)) {
            let mut index = MessageIndex::new(Bounds { recent: 8, ended: 1_000 });
            let mut model: BTreeMap<u64, (Place, Stand)> = BTreeMap::new();
            for (inserts, id) in operations {
                if inserts && !model.contains_key(&id) {
                    let place = index.insert(id, 1, b"1", 0, name(id));
                    model.insert(id, (place, open(id)));
                } else if let Some((place, stand)) = model.get_mut(&id)
                    && *stand == open(id)
                {
                    index.end(id, *place, Some(&delivered()));
                    *stand = Stand::Ended { state: MessageState::Delivered, error: 0, done_ms: 5 };
                }
                for (id, (_, stand)) in &model {
                    let found = index.find(*id).map(|known| known.stand);
                    if *stand == open(*id) {
                        prop_assert_eq!(found, Some(*stand));
                    } else {
                        prop_assert!(found.is_none_or(|found| found == *stand));
                    }
                }
            }
        }
    }
}
