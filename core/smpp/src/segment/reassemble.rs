//! Parts put together, whatever their order; no clock, no lock, and bounds for everything a peer may send.
//!
//! Call [`Reassembler::offer`] with each part and [`Reassembler::expire`] now and then, until it gives None. A part
//! belongs to others with the same addresses, kind of reference, reference and total: parts that disagree on the total
//! never meet, and time out apart. Nothing is lost silently: what is dropped for room or by time is given back, part by part, with
//! the caller's token.

use std::collections::BTreeMap;

use super::{Position, Segmented, Udh, Whole};
use crate::text::Encoding;

/// Bounds of a [`Reassembler`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReassemblerConfig {
    /// Messages that are held, complete ones that are only remembered included.
    pub messages_max: usize,
    /// Parts that a message may have; those of longer ones are refused.
    pub parts_max: u8,
    /// Octets held, with what each message and part costs beside its content.
    pub octets_max: usize,
    /// How long a message waits for its last part, from its first.
    pub timeout_ms: u64,
    /// How long a complete message is remembered, so that a part that comes again starts none.
    pub duplicates_ms: u64,
}

impl Default for ReassemblerConfig {
    fn default() -> Self {
        Self {
            messages_max: 10_000,
            parts_max: 255,
            octets_max: 16 << 20,
            timeout_ms: 1_800_000,
            duplicates_ms: 120_000,
        }
    }
}

/// What became of a part. `T` is the caller's token: what it wants to know of the part later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offer<T> {
    /// It belongs to no others: handle it as it is.
    Alone(T),
    /// Others are still missing.
    Held,
    /// It was the last: here is the whole.
    Complete(Assembled<T>),
    /// It was there before, with the same content.
    Duplicate(T),
    /// It is beyond the bounds: handle it as it is.
    Refused(T),
}

/// All parts of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assembled<T> {
    /// The message.
    pub whole: Whole,
    /// How it is written, with the tables that its header names.
    pub encoding: Encoding,
    /// The parts' tokens, by sequence.
    pub tokens: Vec<T>,
}

/// What there was of a message, by sequence, when it was dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incomplete<T> {
    /// How it is written.
    pub encoding: Encoding,
    /// The parts that came.
    pub parts: Vec<HeldPart<T>>,
}

/// One part that is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldPart<T> {
    /// Its place.
    pub position: Position,
    /// The caller's.
    pub token: T,
    header_octets: usize,
    /// The header's elements, then the content.
    octets: Box<[u8]>,
    elements_octets: usize,
}

impl<T> HeldPart<T> {
    /// The part as it came.
    pub fn segmented(&self) -> Segmented<'_> {
        let Position { kind, reference, total, sequence } = self.position;
        let (elements, content) = self.octets.split_at(self.elements_octets);
        let header = Udh::parse(elements).unwrap_or_default();
        Segmented { kind, reference, total, sequence, header, header_octets: self.header_octets, content }
    }

    fn new(part: &Segmented<'_>, token: T) -> Self {
        let elements = part.header.octets();
        Self {
            position: part.position(),
            token,
            header_octets: part.header_octets,
            octets: [elements, part.content].concat().into(),
            elements_octets: elements.len(),
        }
    }

    fn cost(&self) -> usize {
        size_of::<Self>() + self.octets.len()
    }
}

/// Puts parts together.
#[derive(Debug)]
pub struct Reassembler<T> {
    config: ReassemblerConfig,
    messages: BTreeMap<Vec<u8>, Message<T>>,
    /// Those that wait for parts, oldest first, by serial number.
    waiting: BTreeMap<u64, Vec<u8>>,
    /// Those that are complete, likewise.
    complete: BTreeMap<u64, Vec<u8>>,
    octets: usize,
    next_serial: u64,
    /// The key of the part at hand.
    key: Vec<u8>,
}

#[derive(Debug)]
struct Message<T> {
    serial: u64,
    deadline_ms: u64,
    octets: usize,
    encoding: Encoding,
    /// By sequence; empty once it is complete.
    parts: Vec<HeldPart<T>>,
    /// Of each part, once it is complete.
    fingerprints: Vec<u64>,
}

impl<T> Reassembler<T> {
    /// With nothing held.
    pub const fn new(config: ReassemblerConfig) -> Self {
        Self {
            config,
            messages: BTreeMap::new(),
            waiting: BTreeMap::new(),
            complete: BTreeMap::new(),
            octets: 0,
            next_serial: 0,
            key: Vec::new(),
        }
    }

    /// Messages that wait for parts.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// What is held, as `octets_max` counts it.
    pub const fn octets(&self) -> usize {
        self.octets
    }

    /// When [`Reassembler::expire`] next has something to do.
    pub fn next_timeout_ms(&self) -> Option<u64> {
        let oldest = |by_age: &BTreeMap<u64, Vec<u8>>| {
            let (_, key) = by_age.first_key_value()?;
            self.messages.get(key).map(|message| message.deadline_ms)
        };
        oldest(&self.waiting).into_iter().chain(oldest(&self.complete)).min()
    }

    /// Takes a part. What had to go to make room, or is another message with the same reference, goes to `dropped`.
    pub fn offer(
        &mut self,
        now_ms: u64,
        addresses: (&[u8], &[u8]),
        part: &Segmented<'_>,
        encoding: &Encoding,
        token: T,
        dropped: &mut Vec<Incomplete<T>>,
    ) -> Offer<T> {
        if !part.is_part() {
            return Offer::Alone(token);
        }
        // `Segmented::read` gives no such sequence; who makes one by hand is refused.
        if part.total > self.config.parts_max || !(1..=part.total).contains(&part.sequence) {
            return Offer::Refused(token);
        }
        self.write_key(addresses, part);
        match self.messages.get(self.key.as_slice()).map(|message| message.seen(part)) {
            Some(Seen::Same) => return Offer::Duplicate(token),
            // Another message with the same reference: the one that was there gets no more.
            Some(Seen::Other) => self.drop_message(None, dropped),
            Some(Seen::Missing) | None => {}
        }
        let held = HeldPart::new(part, token);
        let is_new = !self.messages.contains_key(self.key.as_slice());
        let cost = held.cost() + if is_new { message_cost::<T>(&self.key) } else { 0 };
        if !self.make_room(cost, is_new, dropped) {
            return Offer::Refused(held.token);
        }
        self.octets += cost;
        let message = self.messages.entry(self.key.clone()).or_insert_with(|| {
            self.next_serial += 1;
            self.waiting.insert(self.next_serial, self.key.clone());
            Message {
                serial: self.next_serial,
                deadline_ms: now_ms.saturating_add(self.config.timeout_ms),
                octets: 0,
                encoding: *encoding,
                parts: Vec::new(),
                fingerprints: Vec::new(),
            }
        });
        message.octets += cost;
        let place = message.parts.partition_point(|other| other.position.sequence < part.sequence);
        message.parts.insert(place, held);
        if message.parts.len() < usize::from(part.total) {
            return Offer::Held;
        }
        self.complete(now_ms).map_or(Offer::Held, Offer::Complete)
    }

    /// Gives back what waited too long, one message a call, and forgets what was complete for long enough.
    pub fn expire(&mut self, now_ms: u64) -> Option<Incomplete<T>> {
        while let Some((_, key)) = self.complete.first_key_value() {
            if self.messages.get(key).is_some_and(|message| message.deadline_ms > now_ms) {
                break;
            }
            self.remove(Age::Complete);
        }
        let (_, key) = self.waiting.first_key_value()?;
        if self.messages.get(key).is_some_and(|message| message.deadline_ms > now_ms) {
            return None;
        }
        self.remove(Age::Waiting)
    }

    fn write_key(&mut self, (source, destination): (&[u8], &[u8]), part: &Segmented<'_>) {
        self.key.clear();
        let [high, low] = part.reference.to_be_bytes();
        self.key.extend_from_slice(&[part.kind as u8, part.total, high, low]);
        self.key.extend_from_slice(&(source.len() as u64).to_be_bytes());
        self.key.extend_from_slice(source);
        self.key.extend_from_slice(destination);
    }

    /// Takes the message of the key apart: all its parts are there.
    fn complete(&mut self, now_ms: u64) -> Option<Assembled<T>> {
        let message = self.messages.get_mut(self.key.as_slice())?;
        let parts = std::mem::take(&mut message.parts);
        let whole = Whole::join(parts.iter().map(HeldPart::segmented), &message.encoding);
        let encoding = Encoding { shift: whole.udh().shift(), ..message.encoding };
        message.fingerprints = parts.iter().map(|part| fingerprint(&part.octets)).collect();
        let octets = message_cost::<T>(&self.key) + message.fingerprints.len() * size_of::<u64>();
        self.octets = self.octets - message.octets + octets;
        message.octets = octets;
        message.deadline_ms = now_ms.saturating_add(self.config.duplicates_ms);
        if let Some(key) = self.waiting.remove(&message.serial) {
            self.next_serial += 1;
            message.serial = self.next_serial;
            self.complete.insert(message.serial, key);
        }
        Some(Assembled { whole, encoding, tokens: parts.into_iter().map(|part| part.token).collect() })
    }

    /// Drops the oldest, complete ones first, never the one of the key, until so many octets fit.
    fn make_room(&mut self, octets: usize, is_new: bool, dropped: &mut Vec<Incomplete<T>>) -> bool {
        let own = self.messages.get(self.key.as_slice()).map_or(0, |message| message.octets);
        if own + octets > self.config.octets_max || self.config.messages_max == 0 {
            return false;
        }
        while self.octets + octets > self.config.octets_max
            || (is_new && self.messages.len() >= self.config.messages_max)
        {
            let age = if self.complete.is_empty() { Age::Waiting } else { Age::Complete };
            let own_serial = self.messages.get(self.key.as_slice()).map(|message| message.serial);
            let oldest = match age {
                Age::Waiting => self.waiting.keys().find(|&&serial| Some(serial) != own_serial),
                Age::Complete => self.complete.keys().next(),
            };
            let Some(&oldest) = oldest else { return false };
            self.drop_message(Some((age, oldest)), dropped);
        }
        true
    }

    fn remove(&mut self, age: Age) -> Option<Incomplete<T>> {
        let by_age = match age {
            Age::Waiting => &mut self.waiting,
            Age::Complete => &mut self.complete,
        };
        let (_, key) = by_age.pop_first()?;
        let message = self.messages.remove(&key)?;
        self.octets -= message.octets;
        Some(Incomplete { encoding: message.encoding, parts: message.parts })
    }

    /// Drops the message of the key, or the one that is named.
    fn drop_message(&mut self, named: Option<(Age, u64)>, dropped: &mut Vec<Incomplete<T>>) {
        let key = match named {
            Some((Age::Waiting, serial)) => self.waiting.remove(&serial),
            Some((Age::Complete, serial)) => self.complete.remove(&serial),
            None => Some(self.key.clone()),
        };
        let Some(message) = key.and_then(|key| self.messages.remove(&key)) else { return };
        self.waiting.remove(&message.serial);
        self.complete.remove(&message.serial);
        self.octets -= message.octets;
        if !message.parts.is_empty() {
            dropped.push(Incomplete { encoding: message.encoding, parts: message.parts });
        }
    }
}

#[derive(Clone, Copy)]
enum Age {
    Waiting,
    Complete,
}

enum Seen {
    Same,
    Other,
    Missing,
}

impl<T> Message<T> {
    /// Whether a part was there before.
    fn seen(&self, part: &Segmented<'_>) -> Seen {
        let (elements, content) = (part.header.octets(), part.content);
        let is_same = if self.fingerprints.is_empty() {
            let place = self.parts.binary_search_by_key(&part.sequence, |held| held.position.sequence);
            let Ok(place) = place else { return Seen::Missing };
            let held = self.parts[place].segmented();
            held.header.octets() == elements && held.content == content
        } else {
            let place = usize::from(part.sequence) - 1;
            self.fingerprints.get(place) == Some(&fingerprint(&[elements, content].concat()))
        };
        if is_same { Seen::Same } else { Seen::Other }
    }
}

/// What a message costs beside its parts: its key is held twice.
fn message_cost<T>(key: &[u8]) -> usize {
    size_of::<Message<T>>() + 2 * (key.len() + size_of::<Vec<u8>>() + size_of::<u64>())
}

/// FNV-1a: to tell a part that came again from another one, not to keep anybody out.
fn fingerprint(octets: &[u8]) -> u64 {
    let step = |hash: u64, &octet: &u8| (hash ^ u64::from(octet)).wrapping_mul(0x0100_0000_01B3);
    octets.iter().fold(0xCBF2_9CE4_8422_2325, step)
}
