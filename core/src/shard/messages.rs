//! The open messages: a slab whose slots keep their buffers, so that a message in steady state allocates nothing.

use brivas_route::NO_ROUTE;
use brivas_smpp::pdu::{Address, DecodeError};
use brivas_smpp::text::DefaultAlphabet;
use brivas_smpp::{MessageState, RegisteredDelivery, ShortMessage, time};

use super::connection::ConnectionRef;
use super::operations::{Place, alias};
use super::parts::Link;
use crate::config::Config;
use crate::id;

/// Names one open message; stale after it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct MessageRef {
    slot: u32,
    generation: u32,
}

impl MessageRef {
    /// As a session's token.
    pub(crate) const fn token(self) -> u64 {
        (self.generation as u64) << 32 | self.slot as u64
    }

    pub(crate) const fn from_token(token: u64) -> Self {
        Self { slot: token as u32, generation: (token >> 32) as u32 }
    }
}

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The slot is empty.
    Free,
    /// Its `accepted` is not yet as durable as asked.
    Accepting,
    /// Waits for the time that it is scheduled for; in no carrier's queue.
    Scheduled,
    /// Held for review, by a rule of the policy; in no carrier's queue.
    InReview,
    /// In a carrier's queue.
    Queued,
    /// Waits for its next attempt.
    Retrying,
    /// Sent, not answered.
    InFlight,
    /// Answered by the carrier; its receipt is to come.
    AwaitingReceipt,
    /// Its `final` is not yet as durable as asked.
    Ending,
    /// Its receipt (or, incoming, itself) waits for the customer.
    Delivering,
    /// Sent to the customer, not answered.
    DeliveryInFlight,
    /// The customer was not able to take it; waits for the next attempt.
    DeliveryRetrying,
    /// A part that waits for the rest of its message.
    Held,
    /// Goes out in PDUs of its own, or in another message: see [`super::parts`].
    InParts,
}

impl Phase {
    /// Whether no carrier has it, so that it can still be taken back or changed.
    pub(crate) const fn is_unsent(self) -> bool {
        matches!(self, Self::Accepting | Self::Scheduled | Self::InReview | Self::Queued | Self::Retrying)
    }
}

/// Whether somebody has to look at a message before it goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Review {
    /// Nobody.
    #[default]
    None,
    /// It waits for that.
    Held,
    /// It was let go.
    Passed,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) state: MessageState,
    pub(crate) done_ms: i64,
    error: [u8; 8],
    error_length: u8,
}

impl Outcome {
    /// `error` beyond 8 octets is cut: receipts carry three.
    pub(crate) fn new(state: MessageState, done_ms: i64, error: &[u8]) -> Self {
        let length = error.len().min(8);
        let mut kept = [0; 8];
        kept[..length].copy_from_slice(&error[..length]);
        Self { state, done_ms, error: kept, error_length: length as u8 }
    }

    pub(crate) fn error(&self) -> &[u8] {
        &self.error[..usize::from(self.error_length)]
    }
}

/// What only messages submitted by API have.
#[derive(Clone, Debug, Default)]
pub(crate) struct ApiPart {
    pub(crate) reference: String,
    pub(crate) idempotency_key: String,
    pub(crate) fingerprint: u64,
}

/// One open message.
#[derive(Debug)]
pub(crate) struct Message {
    generation: u32,
    pub(crate) phase: Phase,
    /// Comes from a carrier.
    pub(crate) incoming: bool,
    /// Sent, not answered in time, and not sent again: waits for a late response or a receipt.
    pub(crate) is_held: bool,
    /// A receipt said ACCEPTD, which is what it ends as if nothing better comes.
    pub(crate) was_accepted: bool,
    pub(crate) review: Review,
    /// It may have to go out in other PDUs than it came in: whoever sends it looks closer.
    pub(crate) may_change: bool,
    /// It does: its PDUs are made when its turn to go out comes.
    pub(crate) changes: bool,
    /// It has waited for the rest of its message in vain: it does not again.
    pub(crate) has_waited: bool,
    pub(crate) registered_delivery: RegisteredDelivery,
    /// priority_flag, as it came.
    pub(crate) priority: u8,
    pub(crate) attempts: u16,
    /// How often in a row the carrier has asked to have it later.
    pub(crate) throttled: u8,
    pub(crate) account: u32,
    pub(crate) carrier: u32,
    /// Its route, by number in the table of this generation.
    pub(crate) route: u32,
    pub(crate) table: u32,
    /// The short id that the customer was told; 0: none.
    pub(crate) alias: u32,
    pub(crate) id: u64,
    /// Of the second and later recipients of a submission, the first one's id; else 0.
    pub(crate) submission: u64,
    /// Where the index of ids has it.
    pub(crate) place: Place,
    pub(crate) accepted_ms: i64,
    /// By the wall clock, when it may go out; 0: at once.
    pub(crate) schedule_ms: i64,
    pub(crate) expires_ms: i64,
    /// By our clock, when its final state was written down: its receipt waits from there on. The carrier's own date
    /// stands in `outcome`, and is the carrier's affair.
    pub(crate) ended_ms: i64,
    pub(crate) destination_hash: u64,
    /// The newest record that holds all of it.
    pub(crate) journal_offset: i64,
    /// The connection that submitted it: its receipt goes there first.
    pub(crate) connection: ConnectionRef,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) api: Option<Box<ApiPart>>,
    pub(crate) link: Option<Box<Link>>,
    /// The body of its submit_sm or deliver_sm, and behind it the carrier's id.
    octets: Vec<u8>,
    mandatory_end: u32,
    body_end: u32,
    /// Of its buffer, as it was counted.
    counted: u32,
}

impl Message {
    /// The mandatory fields of its body.
    pub(crate) fn mandatory(&self) -> &[u8] {
        &self.octets[..self.mandatory_end as usize]
    }

    pub(crate) fn tlvs(&self) -> &[u8] {
        &self.octets[self.mandatory_end as usize..self.body_end as usize]
    }

    /// The id that the customer was told, as its receipts name it.
    pub(crate) fn told_id(&self) -> ToldId {
        if self.alias != 0 {
            let mut text = [0; 16];
            text[..8].copy_from_slice(&alias::hex(self.alias));
            return ToldId { text, length: 8 };
        }
        let id = if self.submission == 0 { self.id } else { self.submission };
        ToldId { text: id::hex(id), length: 16 }
    }

    /// Changes its content, before it was sent.
    fn replace_content(&mut self, message: &ShortMessage<'_>) {
        self.registered_delivery = message.registered_delivery;
        self.priority = message.priority_flag;
        self.may_change = may_change(message);
        self.set_body(message);
    }

    /// The carrier's id; empty until it is known.
    pub(crate) fn carrier_message_id(&self) -> &[u8] {
        &self.octets[self.body_end as usize..]
    }

    pub(crate) fn set_carrier_message_id(&mut self, id: &[u8]) {
        self.octets.truncate(self.body_end as usize);
        self.octets.extend_from_slice(&id[..id.len().min(CARRIER_MESSAGE_ID_OCTETS_MAX)]);
    }

    /// Its fields.
    pub(crate) fn content(&self) -> Result<ShortMessage<'_>, DecodeError> {
        ShortMessage::decode(&self.octets[..self.body_end as usize])
    }

    /// The whole body.
    pub(crate) fn body(&self) -> &[u8] {
        &self.octets[..self.body_end as usize]
    }

    /// The message that this is a part of, with its number.
    pub(crate) fn part_of(&self) -> Option<(MessageRef, u8)> {
        match self.link.as_deref() {
            Some(&Link::Part { of, number }) => Some((of, number)),
            _ => None,
        }
    }

    /// Whether the carrier, which has it, will tell what became of it.
    pub(crate) fn awaits_receipt(&self) -> bool {
        self.registered_delivery.wants_receipt() && !self.carrier_message_id().is_empty()
    }

    /// What data_coding 0 means in it: texts by API are written in GSM's alphabet.
    pub(crate) fn alphabet(&self, config: &Config) -> DefaultAlphabet {
        match (self.incoming, self.is_by_api()) {
            (true, _) => config.carrier_alphabet(self.carrier),
            (false, true) => DefaultAlphabet::Gsm,
            (false, false) => config.account_alphabet(self.account),
        }
    }

    pub(crate) fn is_by_api(&self) -> bool {
        self.api.is_some()
    }

    /// Keeps the body as it goes out. A customer that wants to hear of some outcomes only needs a carrier that tells
    /// of all: how else would the message end?
    fn set_body(&mut self, message: &ShortMessage<'_>) {
        self.octets.clear();
        let asked = message.registered_delivery;
        if self.incoming {
            message.encode_mandatory(&mut self.octets);
        } else {
            // What is held here, the carrier need not hold; what is replaced, is replaced here.
            let (mut outgoing, registered_delivery) = (*message, asked.for_every_outcome());
            (outgoing.registered_delivery, outgoing.replace_if_present_flag) = (registered_delivery, 0);
            outgoing.schedule_delivery_time = b"";
            let expires;
            if self.schedule_ms != 0 && !outgoing.validity_period.is_empty() {
                // Counted from the acceptance: said again later, a relative one would count from there.
                expires = time::absolute(self.expires_ms);
                outgoing.validity_period = &expires;
            }
            outgoing.encode_mandatory(&mut self.octets);
        }
        self.mandatory_end = self.octets.len() as u32;
        self.octets.extend_from_slice(message.tlvs.octets());
        self.body_end = self.octets.len() as u32;
    }
}

/// Whether a message is of a kind that not every peer takes: in parts, or too long for one short message.
pub(crate) fn may_change(message: &ShortMessage<'_>) -> bool {
    message.esm_class.has_udh()
        || message.short_message.len() > SHORT_OCTETS_MAX
        || message.tlvs.octets().len() > TLVS_OCTETS_OF_ONE
}

/// What fits into one short message, however it is written (3GPP TS 23.040 §9.2.3.24).
const SHORT_OCTETS_MAX: usize = 140;
/// Three TLVs make a part: with fewer octets it is none.
const TLVS_OCTETS_OF_ONE: usize = 4;
/// Octets of a carrier's id that are kept: 65 are allowed, more are seen.
pub(super) const CARRIER_MESSAGE_ID_OCTETS_MAX: usize = 255;
/// What an empty slot keeps of its buffer.
const BUFFER_KEPT_OCTETS: usize = 1_024;

/// What a new message starts with.
pub(crate) struct NewMessage<'a> {
    pub(crate) content: &'a ShortMessage<'a>,
    pub(crate) incoming: bool,
    pub(crate) account: u32,
    pub(crate) carrier: u32,
    pub(crate) id: u64,
    pub(crate) accepted_ms: i64,
    pub(crate) expires_ms: i64,
    pub(crate) destination_hash: u64,
    pub(crate) connection: ConnectionRef,
    pub(crate) api: Option<Box<ApiPart>>,
    pub(crate) schedule_ms: i64,
    pub(crate) submission: u64,
    pub(crate) alias: u32,
}

/// An id as text: sixteen digits, or eight for binds below 3.4.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ToldId {
    text: [u8; 16],
    length: u8,
}

impl std::ops::Deref for ToldId {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.text[..usize::from(self.length)]
    }
}

/// All open messages of a shard, at most `max`.
#[derive(Debug)]
pub(crate) struct Messages {
    slots: Vec<Message>,
    free: Vec<u32>,
    max: usize,
    /// Octets of the slots and of their buffers, also of those that are kept for the next message.
    octets: usize,
    octets_max: usize,
    /// Slots that hold parts of messages.
    parts: usize,
}

impl Messages {
    pub(crate) const fn new(max: usize, octets_max: usize) -> Self {
        Self { slots: Vec::new(), free: Vec::new(), max, octets: 0, octets_max, parts: 0 }
    }

    /// Messages, without the parts that some of them go out in.
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len() - self.parts
    }

    /// Whether there is no slot left, or no memory. Parts take slots too.
    pub(crate) fn is_full(&self) -> bool {
        self.slots.len() - self.free.len() >= self.max || !self.has_memory()
    }

    /// Makes a message a part of another.
    pub(crate) fn link_part(&mut self, name: MessageRef, of: MessageRef, number: u8) {
        if let Some(message) = self.get_mut(name) {
            message.link = Some(Box::new(Link::Part { of, number }));
            // The journal knows it by the whole.
            message.journal_offset = i64::MAX;
            self.parts += 1;
        }
    }

    /// How many slots there are, in use or not: the bound of [`Self::at_slot`].
    pub(crate) fn slots(&self) -> usize {
        self.slots.len()
    }

    /// Takes a slot. The caller has seen to [`Self::is_full`].
    pub(crate) fn insert(&mut self, new: NewMessage<'_>) -> MessageRef {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(EMPTY);
            self.octets += size_of::<Message>();
            self.slots.len() as u32 - 1
        });
        let message = &mut self.slots[slot as usize];
        message.phase = Phase::Accepting;
        message.incoming = new.incoming;
        message.may_change = may_change(new.content);
        message.changes = false;
        message.has_waited = false;
        message.registered_delivery = new.content.registered_delivery;
        message.priority = new.content.priority_flag;
        message.review = Review::None;
        message.attempts = 0;
        message.throttled = 0;
        message.was_accepted = false;
        message.is_held = false;
        message.account = new.account;
        message.carrier = new.carrier;
        message.route = NO_ROUTE;
        // Of no table: it is found when it is asked for.
        message.table = 0;
        message.alias = new.alias;
        message.id = new.id;
        message.submission = new.submission;
        message.place = Place::NONE;
        message.schedule_ms = new.schedule_ms;
        message.accepted_ms = new.accepted_ms;
        message.expires_ms = new.expires_ms;
        message.ended_ms = new.accepted_ms;
        message.destination_hash = new.destination_hash;
        message.connection = new.connection;
        message.outcome = None;
        message.api = new.api;
        message.link = None;
        message.set_body(new.content);
        let name = MessageRef { slot, generation: message.generation };
        self.recount(name);
        name
    }

    /// Changes a message's content, before it was sent.
    pub(crate) fn replace_content(&mut self, name: MessageRef, content: &ShortMessage<'_>) {
        if let Some(message) = self.get_mut(name) {
            message.replace_content(content);
            self.recount(name);
        }
    }

    /// Counts the memory of a message that has another content.
    fn recount(&mut self, name: MessageRef) {
        let message = &mut self.slots[name.slot as usize];
        self.octets = self.octets - message.counted as usize + message.octets.capacity();
        message.counted = message.octets.capacity() as u32;
    }

    /// Whether there is memory for a longer content.
    pub(crate) const fn has_memory(&self) -> bool {
        self.octets < self.octets_max
    }

    pub(crate) fn get(&self, name: MessageRef) -> Option<&Message> {
        self.slots.get(name.slot as usize).filter(|message| message.is_named(name))
    }

    pub(crate) fn get_mut(&mut self, name: MessageRef) -> Option<&mut Message> {
        self.slots.get_mut(name.slot as usize).filter(|message| message.is_named(name))
    }

    /// Has the processor fetch messages that will be needed in a moment, all at once: one after the other, each would be
    /// waited for. What stands still in a busy gateway is not its instructions, it is memory.
    pub(crate) fn fetch(&self, names: impl Iterator<Item = MessageRef>) {
        // Loads that depend on nothing run beside each other; that they are used makes them happen.
        let mut seen = 0;
        for message in names.filter_map(|name| self.slots.get(name.slot as usize)) {
            seen ^= message.each_line();
        }
        std::hint::black_box(seen);
    }

    /// The message in a slot, if there is one.
    pub(crate) fn at_slot(&self, slot: usize) -> Option<(MessageRef, &Message)> {
        let message = self.slots.get(slot).filter(|message| message.phase != Phase::Free)?;
        Some((MessageRef { slot: slot as u32, generation: message.generation }, message))
    }

    /// Gives a message another name; every other is stale from here on.
    pub(crate) fn rename(&mut self, name: MessageRef) -> MessageRef {
        let Some(message) = self.get_mut(name) else { return name };
        message.generation = message.generation.wrapping_add(1);
        MessageRef { slot: name.slot, generation: message.generation }
    }

    /// Ends a message: its name is stale from here on.
    pub(crate) fn remove(&mut self, name: MessageRef) {
        let Some(message) = self.get_mut(name) else { return };
        message.phase = Phase::Free;
        message.generation = message.generation.wrapping_add(1);
        message.api = None;
        if message.link.take().is_some_and(|link| matches!(*link, Link::Part { .. })) {
            self.parts -= 1;
        }
        let message = &mut self.slots[name.slot as usize];
        message.octets.clear();
        // What is kept for the next message must leave room for it.
        let is_scarce = self.octets > self.octets_max / 4 * 3;
        message.octets.shrink_to(if is_scarce { 0 } else { BUFFER_KEPT_OCTETS });
        self.octets = self.octets - message.counted as usize + message.octets.capacity();
        message.counted = message.octets.capacity() as u32;
        message.mandatory_end = 0;
        message.body_end = 0;
        self.free.push(name.slot);
    }
}

impl Message {
    /// Something of each cache line that it covers, and of its octets' first and last.
    fn each_line(&self) -> u64 {
        let ends = self.octets.first().copied().unwrap_or(0) ^ self.octets.last().copied().unwrap_or(0);
        let outcome = self.outcome.as_ref().map_or(0, |outcome| outcome.done_ms);
        let times = self.accepted_ms ^ self.expires_ms ^ self.ended_ms ^ self.journal_offset ^ outcome;
        self.id
            ^ self.destination_hash
            ^ u64::from(self.generation ^ self.account)
            ^ times as u64
            ^ u64::from(ends)
    }

    fn is_named(&self, name: MessageRef) -> bool {
        self.generation == name.generation && self.phase != Phase::Free
    }
}

const EMPTY: Message = Message {
    generation: 0,
    phase: Phase::Free,
    incoming: false,
    is_held: false,
    was_accepted: false,
    review: Review::None,
    may_change: false,
    changes: false,
    has_waited: false,
    registered_delivery: RegisteredDelivery(0),
    priority: 0,
    attempts: 0,
    throttled: 0,
    account: 0,
    carrier: 0,
    route: NO_ROUTE,
    table: 0,
    alias: 0,
    id: 0,
    submission: 0,
    place: Place::NONE,
    accepted_ms: 0,
    schedule_ms: 0,
    expires_ms: 0,
    ended_ms: 0,
    destination_hash: 0,
    journal_offset: 0,
    connection: ConnectionRef::NONE,
    outcome: None,
    api: None,
    link: None,
    octets: Vec::new(),
    mandatory_end: 0,
    body_end: 0,
    counted: 0,
};

/// Issue: a waiting message shall cost at most 400 octets and its text.
const _: () = assert!(size_of::<Message>() <= 200);

/// Digits of a number, without the '+' that some write.
pub(crate) fn digits<'a>(address: &Address<'a>) -> &'a [u8] {
    address.digits.strip_prefix(b"+").unwrap_or(address.digits)
}

#[cfg(test)]
mod tests {
    use brivas_smpp::tlv::{self, Tag, Tlvs};

    use super::*;

    fn insert(messages: &mut Messages, text: &[u8]) -> MessageRef {
        let content = ShortMessage { short_message: text, ..ShortMessage::default() };
        insert_content(messages, &content)
    }

    fn insert_content(messages: &mut Messages, content: &ShortMessage<'_>) -> MessageRef {
        messages.insert(NewMessage {
            content,
            incoming: false,
            account: 1,
            carrier: 2,
            id: 3,
            accepted_ms: 4,
            expires_ms: 5,
            destination_hash: 6,
            connection: ConnectionRef::NONE,
            api: None,
            schedule_ms: 0,
            submission: 0,
            alias: 0,
        })
    }

    #[test]
    fn a_name_is_stale_once_its_message_ended() {
        let mut messages = Messages::new(2, usize::MAX);
        let first = insert(&mut messages, b"one");
        messages.remove(first);
        let second = insert(&mut messages, b"two");
        assert_eq!(messages.slots(), 1);
        assert!(messages.get(first).is_none());
        messages.remove(first);
        assert_eq!(
            messages.get(MessageRef::from_token(second.token())).unwrap().content().unwrap().short_message,
            b"two"
        );
        assert!(!messages.is_full());
        insert(&mut messages, b"three");
        assert!(messages.is_full());
    }

    #[test]
    fn memory_is_bounded_and_comes_back_as_messages_end() {
        const MAX: usize = 1 << 20;
        let mut messages = Messages::new(usize::MAX, MAX);
        for (length, expected) in [(60_000, 15..20), (100, 2_000..4_000), (60_000, 3..20)] {
            let mut area = Vec::new();
            tlv::append(&mut area, Tag::MESSAGE_PAYLOAD, &vec![b'x'; length]);
            let content = ShortMessage { tlvs: Tlvs::parse(&area).unwrap(), ..ShortMessage::default() };
            let mut names = Vec::new();
            while !messages.is_full() {
                names.push(insert_content(&mut messages, &content));
            }
            assert!(expected.contains(&names.len()), "{} of {length} octets", names.len());
            assert!(messages.octets < MAX + 70_000);
            names.into_iter().for_each(|name| messages.remove(name));
            // What is kept for the next ones is never all that there is.
            assert!(messages.octets <= MAX / 4 * 3 + 70_000, "{} octets kept", messages.octets);
            assert_eq!(messages.len(), 0);
        }
        let counted: usize = messages.slots.iter().map(|message| message.octets.capacity()).sum();
        assert_eq!(messages.octets, counted + messages.slots() * size_of::<Message>());
    }

    #[test]
    fn a_content_that_takes_anothers_place_counts_as_well() {
        let mut messages = Messages::new(usize::MAX, 100_000);
        let name = insert(&mut messages, b"short");
        let mut area = Vec::new();
        tlv::append(&mut area, Tag::MESSAGE_PAYLOAD, &vec![b'x'; 60_000]);
        let long = ShortMessage { tlvs: Tlvs::parse(&area).unwrap(), ..ShortMessage::default() };
        messages.replace_content(name, &long);
        assert!(messages.has_memory() && messages.octets > 60_000);
        let other = insert(&mut messages, b"short");
        messages.replace_content(other, &long);
        assert!(!messages.has_memory() && messages.is_full());
        messages.remove(other);
        assert!(messages.has_memory());
    }

    #[test]
    fn the_carriers_id_stands_apart_from_the_body() {
        let mut messages = Messages::new(2, usize::MAX);
        let name = insert(&mut messages, b"text");
        let message = messages.get_mut(name).unwrap();
        message.set_carrier_message_id(b"first");
        message.set_carrier_message_id(b"7");
        assert_eq!(message.carrier_message_id(), b"7");
        assert_eq!(message.content().unwrap().short_message, b"text");
    }
}
