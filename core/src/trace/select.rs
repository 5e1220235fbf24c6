//! Which PDUs concern the numbers and messages that a trace asked for, and the responses to them.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::Hash;

use brivas_proto::v1;
use brivas_smpp::frame::Frame;
use brivas_smpp::pdu::{Address, Destination};
use brivas_smpp::receipt::{Receipt, ReceiptQuirks, id_forms};
use brivas_smpp::tlv::Tag;
use brivas_smpp::{Pdu, ShortMessage};

/// Requests whose responses are waited for.
const REQUESTS_MAX: usize = 65_536;
/// Requests that are kept in case their response names one of the messages.
const HELD_MAX: usize = 4_096;
/// Ids that were learned from responses.
const LEARNED_MAX: usize = 4_096;

/// A request: its connection, whether we sent it, its sequence number.
type Key = (u64, bool, u32);

/// What a trace asked for of PDUs; nothing: all.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    numbers: HashSet<Vec<u8>>,
    ids: HashSet<Vec<u8>>,
    /// Sources and destinations of the messages.
    pairs: Vec<(Vec<u8>, Vec<u8>)>,
    learned: Bounded<Vec<u8>, ()>,
    requests: Bounded<Key, ()>,
    held: Bounded<Key, v1::TracedPdu>,
}

impl Selection {
    pub(crate) fn new(numbers: &[String], ids: Vec<Vec<u8>>, pairs: Vec<(Vec<u8>, Vec<u8>)>) -> Self {
        let numbers = numbers.iter().map(|number| digits(number.as_bytes()).to_vec()).collect();
        let pairs = pairs.iter().map(|pair| (digits(&pair.0).to_vec(), digits(&pair.1).to_vec())).collect();
        Self { numbers, ids: ids.into_iter().collect(), pairs, ..Self::default() }
    }

    fn is_everything(&self) -> bool {
        self.numbers.is_empty() && self.ids.is_empty()
    }

    /// Appends the PDU to `out` if it was asked for, behind the request that it answers if only now that is known.
    pub(super) fn pick(&mut self, frame: Frame<'_>, pdu: v1::TracedPdu, out: &mut Vec<v1::TracedPdu>) {
        if self.is_everything() {
            out.push(pdu);
            return;
        }
        let id = frame.header.command_id;
        let sequence_number = frame.header.sequence_number;
        let decoded = Pdu::decode_leniently(frame).ok();
        if id.is_response() {
            let key = (pdu.connection, !pdu.outgoing, sequence_number);
            let request = self.held.remove(&key);
            let named = decoded.as_ref().and_then(answered_id);
            if self.requests.remove(&key).is_some() {
                if let Some(named) = named.filter(|named| !named.is_empty()) {
                    self.learned.insert(named.to_vec(), (), LEARNED_MAX);
                }
                out.push(pdu);
            } else if named.is_some_and(|named| self.knows(named)) {
                out.extend(request);
                out.push(pdu);
            }
            return;
        }
        let key = (pdu.connection, pdu.outgoing, sequence_number);
        if decoded.is_some_and(|decoded| self.concerns(&decoded)) {
            if id.has_response() {
                self.requests.insert(key, (), REQUESTS_MAX);
            }
            out.push(pdu);
        } else if id.has_response() && !self.ids.is_empty() {
            self.held.insert(key, pdu, HELD_MAX);
        }
    }

    fn concerns(&self, pdu: &Pdu<'_>) -> bool {
        match pdu {
            Pdu::SubmitSm(message) | Pdu::DeliverSm(message) => {
                self.is_between(message.source, message.destination) || self.is_receipt(message)
            }
            Pdu::DataSm(message) => {
                let receipted = message.tlvs.find(Tag::RECEIPTED_MESSAGE_ID).map(c_string);
                self.is_between(message.source, message.destination)
                    || receipted.is_some_and(|id| self.knows(id))
            }
            Pdu::SubmitMulti(message) => message.destinations.iter().any(|destination| match destination {
                Destination::Address(address) => self.is_between(message.source, address),
                Destination::List(_) => self.is_number(message.source),
            }),
            Pdu::QuerySm(query) => self.knows(query.message_id) || self.is_number(query.source),
            Pdu::ReplaceSm(replace) => self.knows(replace.message_id) || self.is_number(replace.source),
            Pdu::CancelSm(cancel) => {
                self.knows(cancel.message_id) || self.is_between(cancel.source, cancel.destination)
            }
            Pdu::BroadcastSm(message) => self.knows(message.message_id) || self.is_number(message.source),
            Pdu::QueryBroadcastSm(query) => self.knows(query.message_id) || self.is_number(query.source),
            Pdu::CancelBroadcastSm(cancel) => self.knows(cancel.message_id) || self.is_number(cancel.source),
            Pdu::AlertNotification(alert) => self.is_number(alert.source) || self.is_number(alert.esme),
            _ => false,
        }
    }

    fn is_receipt(&self, message: &ShortMessage<'_>) -> bool {
        let quirks = ReceiptQuirks { without_class: true, ..ReceiptQuirks::default() };
        Receipt::read_from(message, quirks).is_some_and(|receipt| self.knows(receipt.message_id))
    }

    /// One of the numbers, or both of a message's.
    fn is_between(&self, source: Address<'_>, destination: Address<'_>) -> bool {
        let (from, to) = (digits(source.digits), digits(destination.digits));
        self.is_number(source)
            || self.is_number(destination)
            || self
                .pairs
                .iter()
                .any(|(one, other)| (from == one && to == other) || (from == other && to == one))
    }

    fn is_number(&self, address: Address<'_>) -> bool {
        !address.digits.is_empty() && self.numbers.contains(digits(address.digits))
    }

    fn knows(&self, id: &[u8]) -> bool {
        id_forms(id).iter().any(|form| self.ids.contains(form) || self.learned.contains(form))
    }
}

/// The message that a response names.
fn answered_id<'a>(pdu: &Pdu<'a>) -> Option<&'a [u8]> {
    match pdu {
        Pdu::SubmitSmResp(response) | Pdu::DataSmResp(response) | Pdu::BroadcastSmResp(response) => {
            Some(response.message_id.octets)
        }
        Pdu::SubmitMultiResp(Some(response)) => Some(response.message_id.octets),
        Pdu::QuerySmResp(Some(response)) => Some(response.message_id),
        _ => None,
    }
}

/// A number without what peers put before it.
fn digits(number: &[u8]) -> &[u8] {
    number.strip_prefix(b"+").unwrap_or(number)
}

fn c_string(value: &[u8]) -> &[u8] {
    value.strip_suffix(&[0]).unwrap_or(value)
}

/// A map that forgets its oldest entry when it is full.
#[derive(Debug)]
pub(super) struct Bounded<K, V> {
    entries: HashMap<K, (u64, V)>,
    order: VecDeque<(u64, K)>,
    count: u64,
}

impl<K, V> Default for Bounded<K, V> {
    fn default() -> Self {
        Self { entries: HashMap::new(), order: VecDeque::new(), count: 0 }
    }
}

impl<K: Hash + Eq + Clone, V> Bounded<K, V> {
    pub(super) fn insert(&mut self, key: K, value: V, entries_max: usize) {
        self.count += 1;
        self.entries.insert(key.clone(), (self.count, value));
        self.order.push_back((self.count, key));
        while self.order.len() > entries_max {
            let Some((count, oldest)) = self.order.pop_front() else { return };
            // It may have been removed, and put in anew since.
            if self.entries.get(&oldest).is_some_and(|entry| entry.0 == count) {
                self.entries.remove(&oldest);
            }
        }
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        self.entries.remove(key).map(|entry| entry.1)
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.entries.get_mut(key).map(|entry| &mut entry.1)
    }

    fn contains<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> bool
    where
        K: std::borrow::Borrow<Q>,
    {
        self.entries.contains_key(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use brivas_smpp::frame::{self, Check};
    use brivas_smpp::pdu::{CancelSm, MessageResponse};
    use brivas_smpp::receipt::NewReceipt;
    use brivas_smpp::{CommandStatus, EsmClass, MessageState};

    /// Feeds PDUs and tells which came out, by their sequence numbers.
    struct Line {
        selection: Selection,
        picked: Vec<(bool, u32)>,
    }

    impl Line {
        fn new(numbers: &[&str], ids: &[&[u8]], pairs: &[(&[u8], &[u8])]) -> Self {
            let numbers: Vec<_> = numbers.iter().map(|&number| number.to_owned()).collect();
            let ids = ids.iter().map(|id| id.to_vec()).collect();
            let pairs = pairs.iter().map(|pair| (pair.0.to_vec(), pair.1.to_vec())).collect();
            Self { selection: Selection::new(&numbers, ids, pairs), picked: Vec::new() }
        }

        fn say(&mut self, outgoing: bool, sequence_number: u32, pdu: &Pdu<'_>) {
            let mut octets = Vec::new();
            pdu.encode(&mut octets, CommandStatus::ROK, sequence_number);
            let Check::Complete(frame) = frame::check(&octets, 1_000) else { panic!() };
            let traced =
                v1::TracedPdu { connection: 1, outgoing, octets: octets.clone(), ..Default::default() };
            let mut out = Vec::new();
            self.selection.pick(frame, traced, &mut out);
            for each in out {
                let number = u32::from_be_bytes(each.octets[12..16].try_into().unwrap());
                self.picked.push((each.outgoing, number));
            }
        }
    }

    fn message<'a>(from: &'a [u8], to: &'a [u8]) -> ShortMessage<'a> {
        ShortMessage {
            source: Address { digits: from, ..Address::default() },
            destination: Address { digits: to, ..Address::default() },
            ..ShortMessage::default()
        }
    }

    fn answer(id: &[u8]) -> Pdu<'_> {
        Pdu::SubmitSmResp(MessageResponse::new(id))
    }

    #[test]
    fn without_numbers_and_messages_everything_is_picked() {
        let mut line = Line::new(&[], &[], &[]);
        line.say(false, 1, &Pdu::EnquireLink(Default::default()));
        line.say(true, 1, &Pdu::EnquireLinkResp(Default::default()));
        assert_eq!(line.picked, [(false, 1), (true, 1)]);
    }

    #[test]
    fn a_number_is_picked_on_both_sides_with_its_responses() {
        let mut line = Line::new(&["+4917"], &[], &[]);
        line.say(false, 1, &Pdu::SubmitSm(message(b"Brivas", b"4917")));
        line.say(false, 2, &Pdu::SubmitSm(message(b"Brivas", b"4918")));
        line.say(true, 2, &answer(b"b"));
        line.say(true, 1, &answer(b"a"));
        // The same number in the other direction is another request.
        line.say(false, 1, &answer(b"c"));
        line.say(true, 9, &Pdu::DeliverSm(message(b"+4917", b"Brivas")));
        line.say(false, 3, &Pdu::EnquireLink(Default::default()));
        line.say(false, 4, &Pdu::CancelSm(CancelSm { message_id: b"a", ..CancelSm::default() }));
        line.say(false, 5, &Pdu::CancelSm(CancelSm { message_id: b"b", ..CancelSm::default() }));
        assert_eq!(line.picked, [(false, 1), (true, 1), (true, 9), (false, 4)]);
    }

    #[test]
    fn a_message_is_picked_with_the_request_whose_response_names_it() {
        let mut line = Line::new(&[], &[b"00000abc"], &[]);
        line.say(false, 1, &Pdu::SubmitSm(message(b"Brivas", b"4917")));
        line.say(false, 2, &Pdu::SubmitSm(message(b"Brivas", b"4917")));
        line.say(true, 1, &answer(b"00000abb"));
        line.say(true, 2, &answer(b"00000abc"));
        assert_eq!(line.picked, [(false, 2), (true, 2)]);
    }

    #[test]
    fn a_message_is_picked_by_its_pair_and_by_ids_that_its_carrier_gave() {
        let mut line = Line::new(&[], &[b"7"], &[(b"Brivas", b"4917")]);
        line.say(true, 1, &Pdu::SubmitSm(message(b"Brivas", b"4917")));
        line.say(false, 1, &answer(b"ABC"));
        let receipt = |id: &'static [u8]| {
            let mut text = Vec::new();
            NewReceipt {
                message_id: id,
                state: MessageState::Delivered,
                error: b"",
                submitted_at_ms: 0,
                done_at_ms: 0,
                text: b"",
            }
            .append_text(&mut text);
            text
        };
        // In decimal, as carriers do.
        let (ours, other) = (receipt(b"2748"), receipt(b"2749"));
        let of = |short_message| {
            Pdu::DeliverSm(ShortMessage {
                esm_class: EsmClass::RECEIPT,
                short_message,
                ..message(b"4", b"5")
            })
        };
        line.say(false, 8, &of(&other));
        line.say(false, 9, &of(&ours));
        assert_eq!(line.picked, [(true, 1), (false, 1), (false, 9)]);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut map = Bounded::default();
        for number in 0..100u32 {
            map.insert(number, number, 10);
            if number % 2 == 0 {
                map.remove(&number);
            }
        }
        map.insert(99, 0, 10);
        assert!(map.entries.len() <= 10 && map.order.len() <= 10);
        assert!(map.contains(&99) && !map.contains(&89));
        assert_eq!(map.get_mut(&97), Some(&mut 97));
    }
}
