use super::*;
use crate::text::{DataCoding, DefaultAlphabet, Encoding, Shift};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const ADDRESSES: (&[u8], &[u8]) = (b"491701234567", b"40404");

fn gsm() -> Encoding {
    Encoding::of(DataCoding(0), DefaultAlphabet::Gsm, Shift::NONE)
}

fn part(reference: u16, total: u8, sequence: u8, content: &[u8]) -> Segmented<'_> {
    let header = Udh::default();
    Segmented { kind: Kind::Udh8, reference, total, sequence, header, header_octets: 6, content }
}

/// A reassembler whose tokens are the sequences.
struct Bench {
    parts: Reassembler<u8>,
    dropped: Vec<Incomplete<u8>>,
}

impl Bench {
    fn new(config: ReassemblerConfig) -> Self {
        Self { parts: Reassembler::new(config), dropped: Vec::new() }
    }

    fn offer(&mut self, now_ms: u64, part: Segmented<'_>) -> Offer<u8> {
        self.parts.offer(now_ms, ADDRESSES, &part, &gsm(), part.sequence, &mut self.dropped)
    }
}

fn config() -> ReassemblerConfig {
    ReassemblerConfig { messages_max: 4, octets_max: 100_000, ..ReassemblerConfig::default() }
}

#[test]
fn parts_in_any_order_become_the_whole() {
    let mut bench = Bench::new(config());
    assert_eq!(bench.offer(0, part(1, 3, 3, b"c")), Offer::Held);
    assert_eq!(bench.offer(1, part(1, 3, 1, b"a")), Offer::Held);
    assert_eq!(bench.offer(2, part(1, 3, 3, b"c")), Offer::Duplicate(3));
    let Offer::Complete(assembled) = bench.offer(3, part(1, 3, 2, b"b")) else { panic!("not complete") };
    assert_eq!((assembled.whole.content.as_slice(), assembled.tokens), (&b"abc"[..], vec![1, 2, 3]));
    assert_eq!(bench.parts.waiting(), 0);
    // The carrier did not hear our answer.
    assert_eq!(bench.offer(4, part(1, 3, 2, b"b")), Offer::Duplicate(2));
    // The next message with this reference.
    assert_eq!(bench.offer(5, part(1, 3, 2, b"x")), Offer::Held);
    assert_eq!(bench.dropped, []);
}

#[test]
fn a_message_alone_is_given_back() {
    let mut bench = Bench::new(config());
    assert_eq!(bench.offer(0, part(1, 1, 1, b"a")), Offer::Alone(1));
    assert_eq!(bench.parts.octets(), 0);
}

#[test]
fn parts_of_other_addresses_kinds_references_and_totals_do_not_meet() {
    let mut bench = Bench::new(ReassemblerConfig { messages_max: 10, ..config() });
    assert_eq!(bench.offer(0, part(1, 2, 1, b"a")), Offer::Held);
    assert_eq!(bench.offer(0, part(2, 2, 2, b"b")), Offer::Held);
    assert_eq!(bench.offer(0, part(1, 3, 2, b"b")), Offer::Held);
    assert_eq!(bench.offer(0, Segmented { kind: Kind::Sar, ..part(1, 2, 2, b"b") }), Offer::Held);
    let mut to =
        |addresses| bench.parts.offer(0, addresses, &part(1, 2, 2, b"b"), &gsm(), 2, &mut bench.dropped);
    assert_eq!(to((b"491701234567", b"50505")), Offer::Held);
    // The same octets, cut elsewhere.
    assert_eq!(to((b"49170123456", b"740404")), Offer::Held);
    assert_eq!(bench.parts.waiting(), 6);
    assert!(matches!(bench.offer(0, part(1, 2, 2, b"b")), Offer::Complete(_)));
}

#[test]
fn what_waits_too_long_is_given_back_with_its_tokens() {
    let mut bench = Bench::new(ReassemblerConfig { timeout_ms: 100, ..config() });
    bench.offer(0, part(1, 3, 2, b"b"));
    bench.offer(50, part(1, 3, 1, b"a"));
    bench.offer(60, part(2, 2, 1, b"z"));
    assert_eq!(bench.parts.next_timeout_ms(), Some(100));
    assert_eq!(bench.parts.expire(99), None);
    let incomplete = bench.parts.expire(100).unwrap();
    assert_eq!(incomplete.parts.iter().map(|part| part.token).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(incomplete.parts[0].segmented(), part(1, 3, 1, b"a"));
    assert_eq!(bench.parts.expire(100), None);
    assert!(bench.parts.expire(160).is_some());
    assert_eq!((bench.parts.waiting(), bench.parts.octets(), bench.parts.next_timeout_ms()), (0, 0, None));
}

#[test]
fn another_message_with_a_reference_that_waits_takes_its_place() {
    let mut bench = Bench::new(config());
    bench.offer(0, part(1, 2, 1, b"old"));
    assert_eq!(bench.offer(1, part(1, 2, 1, b"new")), Offer::Held);
    assert_eq!(bench.dropped.len(), 1);
    assert_eq!(bench.dropped[0].parts[0].segmented().content, b"old");
    let Offer::Complete(assembled) = bench.offer(2, part(1, 2, 2, b"er")) else { panic!("not complete") };
    assert_eq!(assembled.whole.content, b"newer");
}

#[test]
fn the_oldest_goes_when_there_are_too_many_and_complete_ones_before_it() {
    let mut bench = Bench::new(config());
    bench.offer(0, part(1, 2, 1, b"first"));
    bench.offer(1, part(2, 2, 1, b"a"));
    bench.offer(1, part(2, 2, 2, b"b"));
    for reference in 3..5 {
        bench.offer(2, part(reference, 2, 1, b"more"));
    }
    assert_eq!((bench.parts.waiting(), bench.dropped.len()), (3, 0));
    bench.offer(3, part(5, 2, 1, b"more"));
    assert_eq!((bench.parts.waiting(), bench.dropped.len()), (4, 0));
    bench.offer(3, part(6, 2, 1, b"more"));
    assert_eq!((bench.parts.waiting(), bench.dropped.len()), (4, 1));
    assert_eq!(bench.dropped[0].parts[0].position.reference, 1);
}

#[test]
fn hostile_parts_stay_within_the_bounds() {
    let mut bench = Bench::new(ReassemblerConfig { parts_max: 100, octets_max: 20_000, ..config() });
    assert_eq!(bench.offer(0, part(1, 101, 1, b"a")), Offer::Refused(1));
    assert_eq!(bench.offer(0, part(1, 5, 0, b"a")), Offer::Refused(0));
    assert_eq!(bench.offer(0, part(1, 5, 6, b"a")), Offer::Refused(6));
    assert_eq!(bench.offer(0, part(1, 2, 1, &[0; 20_000])), Offer::Refused(1));
    // Empty parts cost something as well.
    for reference in 0..3_000 {
        for sequence in 1..100 {
            bench.offer(0, part(reference, 100, sequence, b""));
            assert!(bench.parts.octets() <= 20_000 && bench.parts.waiting() <= 4);
        }
        bench.dropped.clear();
    }
    let nothing = ReassemblerConfig { messages_max: 0, ..config() };
    assert_eq!(Bench::new(nothing).offer(0, part(1, 2, 1, b"a")), Offer::Refused(1));
    let mut most = Bench::new(config());
    for sequence in 1..255 {
        assert_eq!(most.offer(0, part(1, 255, sequence, b"")), Offer::Held);
    }
    assert!(matches!(most.offer(0, part(1, 255, 255, b"")), Offer::Complete(_)));
}

proptest! {
    #[test]
    fn it_does_what_a_naive_model_does(
        totals in prop::collection::vec(1..6u8, 1..5),
        steps in prop::collection::vec((any::<prop::sample::Index>(), 1..6u8, 0..30u64), 0..120),
    ) {
        const TIMEOUT_MS: u64 = 200;
        let bounds = ReassemblerConfig {
            messages_max: 100,
            octets_max: 1 << 20,
            timeout_ms: TIMEOUT_MS,
            duplicates_ms: TIMEOUT_MS,
            ..ReassemblerConfig::default()
        };
        let mut bench = Bench::new(bounds);
        // reference -> sequences that came, when the first came; and when it was complete.
        let mut waiting: BTreeMap<u16, (BTreeSet<u8>, u64)> = BTreeMap::new();
        let mut complete: BTreeMap<u16, u64> = BTreeMap::new();
        let mut now_ms = 0;
        for (which, sequence, wait_ms) in steps {
            now_ms += wait_ms;
            let mut expired = BTreeSet::new();
            while let Some(incomplete) = bench.parts.expire(now_ms) {
                expired.insert(incomplete.parts[0].position.reference);
            }
            let due = |at_ms: u64| at_ms + TIMEOUT_MS <= now_ms;
            let expected: BTreeSet<_> =
                waiting.iter().filter(|entry| due(entry.1.1)).map(|entry| *entry.0).collect();
            prop_assert_eq!(&expired, &expected);
            waiting.retain(|reference, _| !expired.contains(reference));
            complete.retain(|_, at_ms| !due(*at_ms));

            let reference = which.index(totals.len()) as u16;
            let total = totals[usize::from(reference)];
            let sequence = (sequence - 1) % total + 1;
            let content = |sequence: u8| vec![b'a' + reference as u8, b'0' + sequence];
            let offer = bench.offer(now_ms, part(reference, total, sequence, &content(sequence)));
            if total == 1 {
                prop_assert_eq!(offer, Offer::Alone(1));
                continue;
            }
            let entry = waiting.entry(reference).or_insert_with(|| (BTreeSet::new(), now_ms));
            if complete.contains_key(&reference) || !entry.0.insert(sequence) {
                prop_assert_eq!(offer, Offer::Duplicate(sequence));
                if complete.contains_key(&reference) {
                    waiting.remove(&reference);
                }
            } else if entry.0.len() < usize::from(total) {
                prop_assert_eq!(offer, Offer::Held);
            } else {
                waiting.remove(&reference);
                complete.insert(reference, now_ms);
                let Offer::Complete(assembled) = offer else { panic!("not complete") };
                prop_assert_eq!(assembled.tokens, (1..=total).collect::<Vec<_>>());
                let joined: Vec<u8> = (1..=total).flat_map(content).collect();
                prop_assert_eq!(assembled.whole.content, joined);
            }
            prop_assert_eq!(bench.parts.waiting(), waiting.len());
            prop_assert!(bench.dropped.is_empty());
        }
        while bench.parts.expire(u64::MAX).is_some() {}
        prop_assert_eq!((bench.parts.octets(), bench.parts.next_timeout_ms()), (0, None));
    }
}
