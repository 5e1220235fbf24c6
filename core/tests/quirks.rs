//! Carriers that write ids, receipts and responses as they like: what they mean is understood, and never misunderstood.
//!
//! The quirks that carriers of the field are known for, and where each is tested on a real engine:
//!
//! 1. Ids in another radix, padding or case, with or without dashes: here, `ids_of_every_form...`.
//! 2. Receipts early, on another bind, after a rebind, twice, on the way, never: here; `early_receipts.rs`; `forwarding.rs`.
//! 3. Octets too many, NULs too few: `quirks_of_pdus.rs`.
//! 4. Bodies in errors, none in responses, bind responses without a name: here; `quirks_of_pdus.rs`.
//! 5. Ids, names and passwords that are too long; numbers in other forms: `quirks_of_pdus.rs`; `forwarding.rs`.
//! 6. Codings: `quirks_of_pdus.rs`, `long_messages.rs`.
//! 7. Statuses for "too fast", silence, hanging up: `quirks_of_pdus.rs`, `congestion.rs`, `unanswered.rs`, `forwarding.rs`.
//! 8. enquire_link at the wrong time, or unanswered: `quirks_of_pdus.rs`.
//! 9. Few binds, addresses that change: `succession.rs`, `addresses.rs`.
//! 10. Sequence numbers, responses to nothing, of another kind, generic_nack: here; `quirks_of_pdus.rs`.
//! 11. Dates in a zone of their own: here, `the_zone_of...`; `schedule.rs` has validity periods.
//! 12. Parting by unbind or reset: `succession.rs`, `quirks_of_pdus.rs`.

mod support;

use brivas_proto::v1;
use brivas_smpp::pdu::{Address, DataSm};
use brivas_smpp::tlv::{self, Tag, Tlvs};
use brivas_smpp::{CommandStatus, EsmClass, MessageState, Pdu, ShortMessage};
use support::{Peer, Said, Smsc, World, raw, request, sample, texts};

fn start_with(change: impl FnOnce(&mut v1::Snapshot)) -> (World, Smsc, Peer) {
    let (world, smsc) = (World::new(), Smsc::new());
    let mut snapshot = sample(&smsc);
    change(&mut snapshot);
    world.apply(&snapshot);
    let alpha = smsc.accept();
    world.until("alpha is up", |world| world.carrier("alpha").binds_up == 1);
    (world, smsc, alpha)
}

fn start() -> (World, Smsc, Peer) {
    start_with(|_| {})
}

/// Sends so many and answers each with an id; gives their numbers.
fn send(world: &World, alpha: &mut Peer, ids: &[String]) -> Vec<String> {
    world.submit(request(texts(ids.len()))).unwrap();
    let answer = |id: &String| {
        let (sequence_number, to) = alpha.hear_message();
        alpha.answer(sequence_number, CommandStatus::ROK, id);
        to
    };
    ids.iter().map(answer).collect()
}

fn text(id: &str, state: &str) -> String {
    format!(
        "id:{id} sub:001 dlvrd:001 submit date:2611221200 done date:2611221200 stat:{state} err:000 text:"
    )
}

/// A deliver_sm of a carrier, from a number to the sender of `texts`.
fn from<'a>(number: &'a str, esm_class: u8, text: &'a [u8]) -> ShortMessage<'a> {
    ShortMessage {
        source: Address { ton: 1, npi: 1, digits: number.as_bytes() },
        destination: Address { ton: 3, npi: 0, digits: b"40404" },
        esm_class: EsmClass(esm_class),
        short_message: text,
        ..ShortMessage::default()
    }
}

fn say_receipt(alpha: &mut Peer, number: &str, id: &str, state: &str) {
    alpha.say(1, &from(number, 0x04, text(id, state).as_bytes()));
    alpha.flush();
}

#[track_caller]
fn hear_answer(alpha: &mut Peer) -> CommandStatus {
    loop {
        match alpha.hear() {
            Said::Answered { status, .. } => return status,
            Said::Closed => panic!("closed"),
            _ => {}
        }
    }
}

fn receipts(world: &World) -> v1::CarrierReceipts {
    world.carrier("alpha").receipts.unwrap()
}

fn learned(world: &World) -> v1::CarrierLearned {
    world.carrier("alpha").learned.unwrap()
}

#[track_caller]
fn all_is_done(world: &World) {
    world.until("nothing is open", |world| world.totals().open_messages == 0);
    let carrier = world.carrier("alpha");
    assert_eq!((carrier.queued, carrier.in_flight), (0, 0), "{carrier:?}");
}

/// An id in a response, and in its receipt.
type Forms = fn(u64) -> (String, String);

#[test]
fn ids_of_every_form_are_matched_and_the_form_is_learned() {
    let forms: [(v1::MessageIds, Forms); 6] = [
        (v1::MessageIds::Same, |id| (format!("m{id}"), format!("m{id}"))),
        (v1::MessageIds::Case, |id| (format!("{id:X}"), format!("{id:x}"))),
        (v1::MessageIds::Zeros, |id| (format!("{id:010}"), format!("{id}"))),
        (v1::MessageIds::HexadecimalToDecimal, |id| (format!("{id:08X}"), format!("{id}"))),
        (v1::MessageIds::DecimalToHexadecimal, |id| (format!("{id}"), format!("{id:x}"))),
        (v1::MessageIds::Dashes, |id| {
            (format!("6ba7b810-9dad-11d1-80b4-{id:012x}"), format!("6BA7B8109DAD11D180B4{id:012X}"))
        }),
    ];
    for (expected, form) in forms {
        let (world, _smsc, mut alpha) = start();
        let ids: Vec<_> = (0xabcdef..0xabcdef + 20).map(form).collect();
        let responses: Vec<_> = ids.iter().map(|id| id.0.clone()).collect();
        let numbers = send(&world, &mut alpha, &responses);
        for ((_, id), number) in ids.iter().zip(&numbers) {
            say_receipt(&mut alpha, number, id, "DELIVRD");
            assert_eq!(hear_answer(&mut alpha), CommandStatus::ROK);
        }
        all_is_done(&world);
        let learned = learned(&world);
        assert_eq!(learned.message_ids(), expected, "{learned:?}");
        assert!(!learned.message_ids_configured);
        assert_eq!((receipts(&world).matched, receipts(&world).unmatched), (20, 0), "{expected:?}");
        assert_eq!(world.totals().delivered, 20);
    }
}

#[test]
fn what_was_learned_outlives_a_crash_and_the_journals_oldest_segment() {
    let (world, smsc) = (World::with_journal(1 << 20, 2 << 20), Smsc::new());
    let mut world = world;
    world.apply(&sample(&smsc));
    let mut alpha = smsc.accept();
    let ids: Vec<String> = (100..116).map(|id| format!("{id:x}")).collect();
    let numbers = send(&world, &mut alpha, &ids);
    for (id, number) in (100..116).zip(&numbers) {
        say_receipt(&mut alpha, number, &id.to_string(), "DELIVRD");
    }
    all_is_done(&world);
    world
        .until("it is learned", |world| learned(world).message_ids() == v1::MessageIds::HexadecimalToDecimal);
    world.crash();
    let mut alpha = smsc.accept();
    assert_eq!(learned(&world).message_ids(), v1::MessageIds::HexadecimalToDecimal);
    // Enough for the segment of that record to go.
    let first = world.stats().journal.unwrap().start_offset;
    let mut sent = 0;
    while world.stats().journal.unwrap().start_offset == first {
        world.submit(request(texts(1_000))).unwrap();
        for _ in 0..1_000 {
            let (sequence_number, to) = alpha.hear_message();
            sent += 1;
            alpha.answer(sequence_number, CommandStatus::ROK, &format!("{:x}", 1_000_000 + sent));
            say_receipt(&mut alpha, &to, &(1_000_000 + sent).to_string(), "DELIVRD");
        }
        all_is_done(&world);
    }
    world.crash();
    let mut alpha = smsc.accept();
    assert_eq!(learned(&world).message_ids(), v1::MessageIds::HexadecimalToDecimal);
    world.until("alpha is up", |world| world.carrier("alpha").binds_up == 1);
    // Known, "10" is sixteen and nothing else.
    let numbers = send(&world, &mut alpha, &["10".to_owned(), "16".to_owned()]);
    say_receipt(&mut alpha, &numbers[1], "22", "UNDELIV");
    say_receipt(&mut alpha, &numbers[0], "16", "DELIVRD");
    all_is_done(&world);
    assert_eq!((world.totals().delivered, world.totals().undelivered), (1, 1));
}

#[test]
fn a_receipt_that_could_mean_two_messages_ends_the_one_of_its_number_or_none() {
    let (world, _smsc, mut alpha) = start();
    // "16" is the second's id, or the first's in decimal.
    let numbers = send(&world, &mut alpha, &["10".to_owned(), "16".to_owned()]);
    say_receipt(&mut alpha, "4400000", "16", "DELIVRD");
    assert_eq!(hear_answer(&mut alpha), CommandStatus::RX_T_APPN);
    say_receipt(&mut alpha, "4400000", "16", "DELIVRD");
    assert_eq!(hear_answer(&mut alpha), CommandStatus::ROK);
    assert_eq!((world.totals().open_messages, receipts(&world).ambiguous), (2, 2));
    say_receipt(&mut alpha, &numbers[0], "16", "UNDELIV");
    assert_eq!(hear_answer(&mut alpha), CommandStatus::ROK);
    assert_eq!((world.totals().undelivered, world.totals().open_messages), (1, 1));
    say_receipt(&mut alpha, &numbers[1], "16", "DELIVRD");
    all_is_done(&world);
    assert_eq!((world.totals().undelivered, world.totals().delivered), (1, 1));
}

#[test]
fn a_carrier_that_gives_all_messages_one_id_is_told_by_their_numbers() {
    let (world, _smsc, mut alpha) = start();
    let numbers = send(&world, &mut alpha, &vec!["0".to_owned(); 60]);
    for number in numbers.iter().rev() {
        say_receipt(&mut alpha, number, "0", "DELIVRD");
        assert_eq!(hear_answer(&mut alpha), CommandStatus::ROK);
    }
    all_is_done(&world);
    assert_eq!((receipts(&world).matched, receipts(&world).shared_ids), (60, 59));
}

#[test]
fn a_receipt_in_another_notation_that_comes_before_its_response_is_matched() {
    let (world, _smsc, mut alpha) = start();
    world.submit(request(texts(1))).unwrap();
    let (sequence_number, number) = alpha.hear_message();
    say_receipt(&mut alpha, &number, "11259375", "DELIVRD");
    alpha.answer(sequence_number, CommandStatus::ROK, "ABCDEF");
    assert_eq!(hear_answer(&mut alpha), CommandStatus::ROK);
    all_is_done(&world);
    assert_eq!((receipts(&world).early, receipts(&world).matched), (1, 1));
}

#[test]
fn a_receipt_after_a_rebind_is_matched_and_its_duplicate_is_answered_at_once_and_changes_nothing() {
    let (world, smsc, mut alpha) = start();
    let numbers = send(&world, &mut alpha, &["a1".to_owned(), "a2".to_owned()]);
    world.until("both were read", |world| world.totals().sent == 2);
    drop(alpha);
    let mut alpha = smsc.accept();
    for state in ["DELIVRD", "DELIVRD", "UNDELIV"] {
        say_receipt(&mut alpha, &numbers[0], "a1", state);
        assert_eq!(hear_answer(&mut alpha), CommandStatus::ROK);
    }
    assert_eq!((receipts(&world).matched, receipts(&world).duplicate), (1, 2));
    assert_eq!((world.totals().delivered, world.totals().open_messages), (1, 1));
}

#[test]
fn states_on_the_way_end_nothing_and_accepted_ends_only_where_it_is_said_to() {
    for accepted_is_final in [false, true] {
        let (world, _smsc, mut alpha) = start_with(|snapshot| {
            snapshot.carriers[0].quirks =
                Some(v1::CarrierQuirks { accepted_is_final, ..v1::CarrierQuirks::default() });
        });
        let numbers = send(&world, &mut alpha, &["a1".to_owned()]);
        for state in ["ENROUTE", "ENROUTE", "ACCEPTD"] {
            say_receipt(&mut alpha, &numbers[0], "a1", state);
            assert_eq!(hear_answer(&mut alpha), CommandStatus::ROK);
        }
        assert_eq!(world.totals().open_messages, u64::from(!accepted_is_final));
        say_receipt(&mut alpha, &numbers[0], "a1", "DELIVRD");
        assert_eq!(hear_answer(&mut alpha), CommandStatus::ROK);
        all_is_done(&world);
        let seen = receipts(&world);
        let expected = if accepted_is_final { (1, 2, 1) } else { (1, 3, 0) };
        assert_eq!((seen.matched, seen.intermediate, seen.duplicate), expected);
    }
}

#[test]
fn receipts_come_in_text_in_tlvs_alone_in_the_payload_and_in_data_sm() {
    let (world, _smsc, mut alpha) = start();
    let ids: Vec<_> = (0..4).map(|number| format!("form{number}")).collect();
    let numbers = send(&world, &mut alpha, &ids);
    say_receipt(&mut alpha, &numbers[0], "form0", "DELIVRD");
    assert_eq!(hear_answer(&mut alpha), CommandStatus::ROK);
    let mut area = Vec::new();
    // The text lacks its NUL, as some do.
    tlv::append(&mut area, Tag::RECEIPTED_MESSAGE_ID, b"form1");
    tlv::append(&mut area, Tag::MESSAGE_STATE, &[MessageState::Delivered as u8]);
    alpha.say(1, &ShortMessage { tlvs: Tlvs::parse(&area).unwrap(), ..from(&numbers[1], 0x04, b"") });
    assert_eq!(hear_answer(&mut alpha), CommandStatus::ROK);
    let payload = text("form2", "DELIVRD");
    area.clear();
    tlv::append(&mut area, Tag::MESSAGE_PAYLOAD, payload.as_bytes());
    alpha.say(1, &ShortMessage { tlvs: Tlvs::parse(&area).unwrap(), ..from(&numbers[2], 0x04, b"") });
    assert_eq!(hear_answer(&mut alpha), CommandStatus::ROK);
    let payload = text("form3", "DELIVRD");
    area.clear();
    tlv::append(&mut area, Tag::MESSAGE_PAYLOAD, payload.as_bytes());
    let data = DataSm {
        source: Address { ton: 1, npi: 1, digits: numbers[3].as_bytes() },
        destination: Address { ton: 3, npi: 0, digits: b"40404" },
        esm_class: EsmClass::RECEIPT,
        tlvs: Tlvs::parse(&area).unwrap(),
        ..DataSm::default()
    };
    alpha.session.send_request(0, 5, Pdu::DataSm(data)).unwrap();
    while alpha.session.in_flight() > 0 {
        assert_ne!(alpha.hear_within(std::time::Duration::from_millis(10)), Some(Said::Closed));
    }
    assert_eq!(alpha.session.counters().stray_responses, 0);
    all_is_done(&world);
    assert_eq!((receipts(&world).matched, receipts(&world).by_data_sm), (4, 1));
}

#[test]
fn a_receipt_without_its_class_is_one_if_it_names_a_message_and_else_a_message_from_a_phone() {
    use v1::PlainReceipts::{Always, Auto, Never};
    for (policy, matched) in [(Auto, true), (Always, true), (Never, false)] {
        let (world, _smsc, mut alpha) = start_with(|snapshot| {
            let quirks = v1::CarrierQuirks { plain_receipts: policy.into(), ..v1::CarrierQuirks::default() };
            snapshot.carriers[0].quirks = Some(quirks);
        });
        let numbers = send(&world, &mut alpha, &["a1".to_owned()]);
        if policy == Auto {
            // There is no route for messages from phones.
            alpha.say(1, &from(&numbers[0], 0, text("nobody", "DELIVRD").as_bytes()));
            assert_eq!(hear_answer(&mut alpha), CommandStatus::RX_P_APPN);
        }
        alpha.say(1, &from(&numbers[0], 0, text("a1", "DELIVRD").as_bytes()));
        let expected = if matched { CommandStatus::ROK } else { CommandStatus::RX_P_APPN };
        assert_eq!(hear_answer(&mut alpha), expected, "{policy:?}");
        let left = world.totals().open_messages;
        assert_eq!((left == 0, learned(&world).plain_receipts), (matched, matched), "{policy:?}");
    }
}

#[test]
fn the_zone_of_a_carriers_dates_is_learned_or_configured() {
    let (world, _smsc, mut alpha) = start();
    let ids: Vec<_> = (0..17).map(|number| format!("m{number}")).collect();
    let numbers = send(&world, &mut alpha, &ids);
    let local_ms = support::now_ms() + 2 * 3_600_000;
    for (id, number) in ids.iter().zip(&numbers) {
        let mut done = Vec::new();
        brivas_smpp::time::append_receipt_date(&mut done, local_ms);
        let text = format!("id:{id} done date:{} stat:DELIVRD err:000", String::from_utf8_lossy(&done));
        alpha.say(1, &from(number, 0x04, text.as_bytes()));
        assert_eq!(hear_answer(&mut alpha), CommandStatus::ROK);
    }
    all_is_done(&world);
    assert_eq!(learned(&world).receipt_zone_minutes, Some(120));
}

#[test]
fn responses_with_too_much_or_too_little_in_them_are_taken() {
    let (world, _smsc, mut alpha) = start();
    world.submit(request(texts(6))).unwrap();
    let heard: Vec<_> = (0..6).map(|_| alpha.hear_message()).collect();
    const RESPONSE: u32 = 0x8000_0004;
    let mut octets = Vec::new();
    // No NUL; a NUL too much; no body at all; a body in an error; generic_nack; the wrong response, then the right one.
    octets.extend(raw(RESPONSE, 0, heard[0].0, b"r0"));
    octets.extend(raw(RESPONSE, 0, heard[1].0, b"r1\0\0"));
    octets.extend(raw(RESPONSE, 0, heard[2].0, b""));
    octets.extend(raw(RESPONSE, 0x0B, heard[3].0, b"why not\0"));
    octets.extend(raw(0x8000_0000, 0x03, heard[4].0, b""));
    octets.extend(raw(0x8000_0005, 0, heard[5].0, b"\0"));
    octets.extend(raw(RESPONSE, 0, heard[5].0, b"r5\0"));
    // And responses to what was never sent, with numbers that nobody gives.
    for number in [0, 0x7FFF_FFFF, 0x8000_0001, u32::MAX] {
        octets.extend(raw(RESPONSE, 0, number, b"x\0"));
    }
    alpha.write_raw(&octets);
    world.until("all were read", |world| world.carrier("alpha").in_flight == 0);
    for (at, id) in [(0, "r0"), (1, "r1"), (5, "r5")] {
        say_receipt(&mut alpha, &heard[at].1, id, "DELIVRD");
        assert_eq!(hear_answer(&mut alpha), CommandStatus::ROK);
    }
    all_is_done(&world);
    // Without an id no receipt can come: it ends as accepted. Two were refused for good.
    assert_eq!((world.totals().delivered, world.totals().undelivered), (4, 2));
}
