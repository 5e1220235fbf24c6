//! Long messages through a real engine: cut for carriers, put together for carriers and customers, one state of many parts, over
//! restarts.

mod support;

use brivas_proto::v1;
use brivas_smpp::segment::Kind;
use brivas_smpp::tlv::Tlvs;
use brivas_smpp::{CommandStatus, EsmClass, MessageState, ShortMessage};
use support::long::{
    TO, accepted, all_is_done, customer, hear_part, payload, receipt, say_part, say_payload, start_with,
};
use support::peer::message;
use support::{Peer, Said, Smsc, World, carrier, request, route, sample, texts};
use v1::LongMessages::{AsSent, Payload, Sar, Udh8, Udh16};

/// One account, one carrier that takes long messages in this form.
fn start(form: v1::LongMessages) -> (World, Smsc, Peer, Peer) {
    start_with(|snapshot| snapshot.carriers[0].long_messages = form.into())
}

fn state(world: &World, id: &str) -> v1::MessageState {
    world.query(id).unwrap().state()
}

#[test]
fn a_payload_goes_in_parts_and_ends_once_when_all_are_delivered() {
    for (form, kind) in [(Udh8, Kind::Udh8), (Udh16, Kind::Udh16), (Sar, Kind::Sar)] {
        let (world, _smsc, mut alpha, mut customer) = start(form);
        let text = [b'a'; 400];
        let id = say_payload(&mut customer, &text);
        let (mut read, mut references) = (Vec::new(), Vec::new());
        for number in 1..=3 {
            let (sequence_number, part) = hear_part(&mut alpha);
            assert_eq!((part.kind, part.place), (kind, (number, 3)));
            references.push(part.reference);
            read.extend_from_slice(&part.content);
            alpha.answer(sequence_number, CommandStatus::ROK, &format!("c{number}"));
        }
        assert_eq!(read, text);
        assert!(references.iter().all(|&reference| reference == references[0]));
        // In any order; the first ones end nothing.
        for number in [3, 1] {
            alpha.say_receipt(&format!("c{number}"), MessageState::Delivered);
            assert!(matches!(alpha.hear(), Said::Answered { status: CommandStatus::ROK, .. }));
        }
        assert_eq!(state(&world, &id), v1::MessageState::Enroute);
        alpha.say_receipt("c2", MessageState::Delivered);
        let said = receipt(&mut customer);
        assert!(said.contains(&id) && said.contains("stat:DELIVRD"), "{said}");
        all_is_done(&world);
        let history = ["accepted", "sent", "sent", "sent", "part_ended", "part_ended", "part_ended", "final"];
        assert_eq!(world.history(&id)[..8], history);
        assert_eq!((world.totals().accepted, world.totals().sent, world.totals().delivered), (1, 3, 1));
    }
}

#[test]
fn messages_of_one_pair_of_addresses_have_references_of_their_own() {
    let (world, _smsc, mut alpha, mut customer) = start(Udh8);
    let mut references = Vec::new();
    for _ in 0..3 {
        say_payload(&mut customer, &[b'a'; 200]);
        for _ in 0..2 {
            let (sequence_number, part) = hear_part(&mut alpha);
            references.push(part.reference);
            alpha.answer(sequence_number, CommandStatus::RINVDSTADR, "");
        }
        receipt(&mut customer);
    }
    all_is_done(&world);
    references.dedup();
    assert_eq!(references.len(), 3);
}

#[test]
fn a_message_of_which_a_part_fails_has_failed() {
    let (world, _smsc, mut alpha, mut customer) = start(Udh8);
    let id = say_payload(&mut customer, &[b'a'; 400]);
    let states = [MessageState::Delivered, MessageState::Undeliverable, MessageState::Delivered];
    for number in 1..=3 {
        let (sequence_number, _) = hear_part(&mut alpha);
        alpha.answer(sequence_number, CommandStatus::ROK, &format!("c{number}"));
    }
    for (number, state) in (1..).zip(states) {
        alpha.say_receipt(&format!("c{number}"), state);
    }
    assert!(receipt(&mut customer).contains("stat:UNDELIV"));
    all_is_done(&world);
    assert_eq!(state(&world, &id), v1::MessageState::Undeliverable);
    assert_eq!((world.totals().delivered, world.totals().undelivered), (0, 1));
}

#[test]
fn when_a_part_is_rejected_those_behind_it_are_not_sent() {
    let (world, _smsc, mut alpha, mut customer) = start_with(|snapshot| {
        snapshot.carriers[0].long_messages = Udh8.into();
        snapshot.carriers[0].window_max = 1;
    });
    let id = say_payload(&mut customer, &[b'a'; 400]);
    let (sequence_number, _) = hear_part(&mut alpha);
    alpha.answer(sequence_number, CommandStatus::RINVDSTADR, "");
    assert!(receipt(&mut customer).contains("stat:REJECTD"));
    all_is_done(&world);
    assert_eq!(world.history(&id)[..4], ["accepted", "attempt_failed", "part_ended", "final"]);
    assert_eq!(world.totals().attempts_failed, 1);
}

#[test]
fn without_a_receipt_asked_for_a_message_is_accepted_when_all_parts_are() {
    let (world, _smsc, mut alpha, mut customer) = start(Sar);
    let area = payload(&[b'a'; 200]);
    customer.say(1, &ShortMessage { tlvs: Tlvs::parse(&area).unwrap(), ..message(TO, b"") });
    let id = accepted(&mut customer);
    for _ in 0..2 {
        let (sequence_number, _) = hear_part(&mut alpha);
        alpha.answer(sequence_number, CommandStatus::ROK, "c");
    }
    all_is_done(&world);
    assert_eq!(state(&world, &id), v1::MessageState::Accepted);
}

#[test]
fn a_crash_between_two_parts_answers_sends_only_the_part_that_was_not_acknowledged() {
    let (mut world, smsc, mut alpha, mut customer) = start(Udh16);
    let id = say_payload(&mut customer, &[b'a'; 400]);
    let (first, part) = hear_part(&mut alpha);
    let reference = part.reference;
    alpha.answer(first, CommandStatus::ROK, "c1");
    world.until("the first is written down", |world| world.history(&id).len() == 2);
    world.crash();
    let mut alpha = smsc.accept();
    for number in 2..=3 {
        let (sequence_number, part) = hear_part(&mut alpha);
        assert_eq!((part.place, part.reference, part.kind), ((number, 3), reference, Kind::Udh16));
        alpha.answer(sequence_number, CommandStatus::ROK, &format!("c{number}"));
    }
    for number in 1..=3 {
        alpha.say_receipt(&format!("c{number}"), MessageState::Delivered);
    }
    let mut customer = self::customer(&world);
    assert!(receipt(&mut customer).contains(&id));
    all_is_done(&world);
    assert_eq!(world.history(&id).iter().filter(|kind| **kind == "final").count(), 1);
}

#[test]
fn a_crash_after_some_receipts_waits_for_the_others_only() {
    let (mut world, smsc, mut alpha, mut customer) = start(Udh8);
    let id = say_payload(&mut customer, &[b'a'; 200]);
    for number in 1..=2 {
        let (sequence_number, _) = hear_part(&mut alpha);
        alpha.answer(sequence_number, CommandStatus::ROK, &format!("c{number}"));
    }
    alpha.say_receipt("c2", MessageState::Delivered);
    world.until("the receipt is written down", |world| world.history(&id).contains(&"part_ended"));
    world.crash();
    let mut alpha = smsc.accept();
    let mut customer = self::customer(&world);
    alpha.say_receipt("c1", MessageState::Expired);
    assert!(receipt(&mut customer).contains("stat:EXPIRED"));
    all_is_done(&world);
    assert_eq!((world.totals().sent, state(&world, &id)), (0, v1::MessageState::Expired));
}

#[test]
fn parts_none_of_which_went_out_go_elsewhere_in_the_form_that_is_taken_there() {
    let (world, alpha_smsc, beta_smsc) = (World::new(), Smsc::new(), Smsc::new());
    let mut snapshot = sample(&alpha_smsc);
    snapshot.carriers[0].long_messages = Udh8.into();
    snapshot.carriers[0].window_max = 1;
    snapshot.carriers.push(v1::Carrier { long_messages: Sar.into(), ..carrier("beta", &beta_smsc) });
    snapshot.routes = vec![route(&["alpha", "beta"])];
    world.apply(&snapshot);
    let (mut alpha, mut beta) = (alpha_smsc.accept(), beta_smsc.accept());
    for name in ["alpha", "beta"] {
        world.until("it is up", |world| world.carrier(name).binds_up == 1);
    }
    let mut customer = customer(&world);
    let id = say_payload(&mut customer, &[b'a'; 200]);
    let (sequence_number, part) = hear_part(&mut alpha);
    assert_eq!((part.kind, part.place), (Kind::Udh8, (1, 2)));
    alpha.answer(sequence_number, CommandStatus::RSYSERR, "");
    let (first, part) = hear_part(&mut beta);
    assert_eq!((part.kind, part.place), (Kind::Sar, (1, 2)));
    let (second, _) = hear_part(&mut beta);
    beta.answer(first, CommandStatus::ROK, "b1");
    // From here on beta gets them all.
    beta.answer(second, CommandStatus::RSYSERR, "");
    let (second, part) = hear_part(&mut beta);
    assert_eq!(part.place, (2, 2));
    beta.answer(second, CommandStatus::ROK, "b2");
    for id in ["b1", "b2"] {
        beta.say_receipt(id, MessageState::Delivered);
    }
    assert!(receipt(&mut customer).contains(&id));
    all_is_done(&world);
    assert_eq!(world.carrier("alpha").sent, 0);
}

#[test]
fn a_carrier_that_goes_down_before_it_took_a_part_loses_them_all_to_another() {
    let (world, alpha_smsc, beta_smsc) = (World::new(), Smsc::new(), Smsc::new());
    let mut snapshot = sample(&alpha_smsc);
    snapshot.carriers[0].long_messages = Udh8.into();
    snapshot.carriers.push(v1::Carrier { long_messages: Payload.into(), ..carrier("beta", &beta_smsc) });
    world.apply(&snapshot);
    let mut alpha = alpha_smsc.accept();
    world.until("alpha is up", |world| world.carrier("alpha").binds_up == 1);
    let mut customer = customer(&world);
    let id = say_payload(&mut customer, &[b'a'; 200]);
    hear_part(&mut alpha);
    drop((alpha, alpha_smsc));
    world.until("the parts wait", |world| world.carrier("alpha").queued == 2);
    snapshot.routes = vec![route(&["alpha", "beta"])];
    world.apply(&snapshot);
    let mut beta = beta_smsc.accept();
    let (sequence_number, part) = hear_part(&mut beta);
    assert_eq!((part.kind, part.content.len()), (Kind::Payload, 200));
    beta.answer(sequence_number, CommandStatus::ROK, "b1");
    beta.say_receipt("b1", MessageState::Delivered);
    assert!(receipt(&mut customer).contains(&id));
    all_is_done(&world);
}

#[test]
fn a_message_in_parts_is_called_back_as_long_as_no_carrier_took_one() {
    let (world, smsc, mut alpha, mut customer) = start_with(|snapshot| {
        let alpha = &mut snapshot.carriers[0];
        alpha.long_messages = Udh8.into();
        (alpha.retry_initial_ms, alpha.retry_max_ms) = (60_000, 60_000);
    });
    let id = say_payload(&mut customer, &[b'a'; 400]);
    let (first, _) = hear_part(&mut alpha);
    assert!(world.cancel(&id).is_err());
    alpha.answer(first, CommandStatus::RSYSERR, "");
    drop((alpha, smsc));
    world.until("all wait", |world| world.carrier("alpha").queued == 3);
    assert_eq!(world.totals().open_messages, 1);
    world.cancel(&id).unwrap();
    assert!(receipt(&mut customer).contains("stat:DELETED"));
    all_is_done(&world);
}

#[test]
fn what_waits_for_a_carrier_that_is_down_waits_as_one_message() {
    let (world, smsc, alpha, mut customer) = start(Udh8);
    drop((alpha, smsc));
    world.until("alpha is down", |world| world.carrier("alpha").binds_up == 0);
    say_payload(&mut customer, &[b'a'; 400]);
    assert_eq!(world.carrier("alpha").queued, 1);
}

#[test]
fn parts_that_came_one_by_one_are_rewritten_without_waiting() {
    let (world, _smsc, mut alpha, mut customer) = start(Sar);
    say_part(&mut customer, 7, 2, 1, b"hello ", false);
    let id = accepted(&mut customer);
    let (sequence_number, part) = hear_part(&mut alpha);
    assert_eq!((part.kind, part.reference, part.place), (Kind::Sar, 7, (1, 2)));
    assert_eq!(part.content, b"hello ");
    alpha.answer(sequence_number, CommandStatus::ROK, "c1");
    alpha.say_receipt("c1", MessageState::Delivered);
    assert!(receipt(&mut customer).contains(&id));
    all_is_done(&world);
    // One PDU, one state: nothing is said of parts.
    assert_eq!(world.history(&id), ["accepted", "sent", "final", "receipt_delivered"]);
}

#[test]
fn parts_become_one_payload_and_share_what_becomes_of_it() {
    for crashes in [false, true] {
        let (mut world, smsc, mut alpha, mut customer) = start(Payload);
        let mut ids = Vec::new();
        for (sequence, text) in [(3, b"c"), (1, b"a"), (2, b"b")] {
            say_part(&mut customer, 7, 3, sequence, text, false);
            ids.push(accepted(&mut customer));
        }
        let (sequence_number, part) = hear_part(&mut alpha);
        assert_eq!((part.kind, part.content), (Kind::Single, b"abc".to_vec()));
        alpha.answer(sequence_number, CommandStatus::ROK, "c1");
        world.until("it is written down", |world| world.history(&ids[1]).contains(&"sent"));
        if crashes {
            world.crash();
            alpha = smsc.accept();
            customer = self::customer(&world);
        }
        assert_eq!(world.totals().open_messages, 3);
        alpha.say_receipt("c1", MessageState::Delivered);
        let receipts: Vec<_> = (0..3).map(|_| receipt(&mut customer)).collect();
        for id in &ids {
            assert!(receipts.iter().any(|said| said.contains(id)), "{receipts:?}");
        }
        all_is_done(&world);
        for id in &ids {
            assert_eq!(world.history(id).iter().filter(|kind| **kind == "final").count(), 1);
        }
        assert_eq!(world.totals().sent, u64::from(!crashes));
    }
}

#[test]
fn parts_that_wait_over_a_crash_are_put_together_after_it() {
    let (mut world, smsc, alpha, mut customer) = start(Payload);
    say_part(&mut customer, 7, 2, 2, &[b'b'; 150], false);
    accepted(&mut customer);
    drop((alpha, customer));
    world.crash();
    let (mut alpha, mut customer) = (smsc.accept(), self::customer(&world));
    say_part(&mut customer, 7, 2, 1, &[b'a'; 150], false);
    accepted(&mut customer);
    let (_, part) = hear_part(&mut alpha);
    assert_eq!((part.kind, part.content.len()), (Kind::Payload, 300));
}

#[test]
fn parts_without_the_rest_go_as_they_came_when_their_time_is_over() {
    let (world, _smsc, mut alpha, mut customer) = start_with(|snapshot| {
        snapshot.carriers[0].long_messages = Payload.into();
        snapshot.accounts[0].reassembly_timeout_seconds = 1;
    });
    say_part(&mut customer, 7, 3, 2, b"b", false);
    let id = accepted(&mut customer);
    let (sequence_number, part) = hear_part(&mut alpha);
    assert_eq!((part.kind, part.place, part.reference), (Kind::Udh8, (2, 3), 7));
    alpha.answer(sequence_number, CommandStatus::RINVDSTADR, "");
    assert!(receipt(&mut customer).contains(&id));
    all_is_done(&world);
}

#[test]
fn more_messages_than_may_wait_push_the_oldest_out_as_it_came() {
    let (world, _smsc, mut alpha, mut customer) = start(Payload);
    for number in 0..=1_000_u32 {
        let [_, _, high, low] = number.to_be_bytes();
        let octets = [6, 8, 4, high, low, 2, 1, b'a'];
        let part = message(TO, &octets);
        customer.say(1, &ShortMessage { esm_class: EsmClass(0x40), ..part });
    }
    customer.flush();
    let (_, part) = hear_part(&mut alpha);
    assert_eq!((part.kind, part.place, part.reference), (Kind::Udh16, (1, 2), 0));
    world.until("all are accepted", |world| world.totals().accepted == 1_001);
    assert_eq!(world.carrier("alpha").in_flight, 1);
}

#[test]
fn parts_of_another_encoding_are_not_put_together() {
    let (world, _smsc, mut alpha, mut customer) = start(Payload);
    say_part(&mut customer, 7, 2, 1, b"a", false);
    accepted(&mut customer);
    let octets = b"\x05\0\x03\x07\x02\x02\0b";
    let part = ShortMessage { esm_class: EsmClass(0x40), data_coding: 8, ..message(TO, octets) };
    customer.say(1, &part);
    accepted(&mut customer);
    for place in [(1, 2), (2, 2)] {
        let (sequence_number, part) = hear_part(&mut alpha);
        assert_eq!((part.kind, part.place), (Kind::Udh8, place));
        alpha.answer(sequence_number, CommandStatus::RINVDSTADR, "");
    }
    receipt(&mut customer);
    all_is_done(&world);
}

#[test]
fn parts_of_one_message_follow_the_first_that_went_out() {
    let (world, alpha_smsc, beta_smsc) = (World::new(), Smsc::new(), Smsc::new());
    let mut snapshot = sample(&alpha_smsc);
    snapshot.carriers.push(carrier("beta", &beta_smsc));
    snapshot.routes = vec![route(&["alpha", "beta"])];
    world.apply(&snapshot);
    let (mut alpha, mut beta) = (alpha_smsc.accept(), beta_smsc.accept());
    for name in ["alpha", "beta"] {
        world.until("it is up", |world| world.carrier(name).binds_up == 1);
    }
    let mut customer = customer(&world);
    say_part(&mut customer, 7, 2, 1, b"a", false);
    accepted(&mut customer);
    let (sequence_number, _) = hear_part(&mut alpha);
    alpha.answer(sequence_number, CommandStatus::ROK, "a1");
    world.until("it is sent", |world| world.carrier("alpha").sent == 1);
    drop(alpha);
    world.until("alpha is down", |world| world.carrier("alpha").binds_up == 0);
    // What belongs to no message that alpha has begun goes to beta, the second part does not.
    say_part(&mut customer, 7, 2, 2, b"b", false);
    accepted(&mut customer);
    customer.submit("491702");
    let (_, part) = hear_part(&mut beta);
    assert_eq!(part.kind, Kind::Single);
    let mut alpha = alpha_smsc.accept();
    let (_, part) = hear_part(&mut alpha);
    assert_eq!((part.place, part.content), ((2, 2), b"b".to_vec()));
}

#[test]
fn a_long_text_by_api_goes_in_parts_unless_the_carrier_takes_payloads() {
    for (form, kinds) in [(AsSent, [Kind::Udh8; 2].as_slice()), (Payload, &[Kind::Payload])] {
        let (world, _smsc, mut alpha, _customer) = start(form);
        let mut messages = texts(1);
        messages[0].body = Some(v1::new_message::Body::Text("a".repeat(161)));
        world.submit(request(messages)).unwrap();
        for &kind in kinds {
            assert_eq!(hear_part(&mut alpha).1.kind, kind);
        }
    }
}

#[test]
fn what_data_coding_0_means_is_said_in_the_carriers_words() {
    let (_world, _smsc, mut alpha, mut customer) = start_with(|snapshot| {
        snapshot.accounts[0].default_alphabet = v1::DefaultAlphabet::Latin1.into();
        snapshot.carriers[0].default_alphabet = v1::DefaultAlphabet::GsmPacked.into();
    });
    for (text, data_coding, octets) in [
        (&b"hello"[..], 0, &b"\xE8\x32\x9B\xFD\x06"[..]),
        (b"\xE1", 3, b"\xE1"),
        (b"[\xE4]", 0, b"\x1B\xDE\x7E\xE3\x03"),
    ] {
        customer.say(1, &message(TO, text));
        accepted(&mut customer);
        let (sequence_number, part) = hear_part(&mut alpha);
        assert_eq!((part.data_coding, part.content.as_slice()), (data_coding, octets), "{text:?}");
        alpha.answer(sequence_number, CommandStatus::ROK, "");
    }
}

/// Incoming messages.
mod incoming {
    use super::*;

    fn account_takes(form: v1::LongMessages) -> (World, Smsc, Peer, Peer) {
        start_with(|snapshot| snapshot.accounts[0].long_messages = form.into())
    }

    #[track_caller]
    fn taken(alpha: &mut Peer) {
        assert!(matches!(alpha.hear(), Said::Answered { status: CommandStatus::ROK, .. }));
    }

    #[test]
    fn parts_become_one_payload_in_any_order_and_over_a_crash() {
        for crashes in [false, true] {
            let (mut world, smsc, mut alpha, mut customer) = account_takes(Payload);
            say_part(&mut alpha, 7, 2, 2, &[b'b'; 150], true);
            taken(&mut alpha);
            if crashes {
                world.crash();
                alpha = smsc.accept();
                customer = self::customer(&world);
            }
            say_part(&mut alpha, 7, 2, 1, &[b'a'; 150], true);
            taken(&mut alpha);
            let (sequence_number, part) = hear_part(&mut customer);
            assert_eq!((part.kind, part.content.len(), part.content[0]), (Kind::Payload, 300, b'a'));
            customer.answer(sequence_number, CommandStatus::ROK, "");
            all_is_done(&world);
            assert_eq!(world.totals().mo_delivered, 2);
        }
    }

    #[test]
    fn a_payload_becomes_parts_and_is_done_when_all_are_taken() {
        let (world, _smsc, mut alpha, mut customer) = account_takes(Sar);
        let area = payload(&[b'a'; 400]);
        alpha.say(1, &ShortMessage { tlvs: Tlvs::parse(&area).unwrap(), ..message(TO, b"") });
        taken(&mut alpha);
        for number in 1..=3 {
            let (sequence_number, part) = hear_part(&mut customer);
            assert_eq!((part.kind, part.place), (Kind::Sar, (number, 3)));
            assert_eq!(world.totals().mo_delivered, 0);
            customer.answer(sequence_number, CommandStatus::ROK, "");
        }
        all_is_done(&world);
        assert_eq!(world.totals().mo_delivered, 1);
    }

    #[test]
    fn parts_without_the_rest_come_as_they_came() {
        let (world, _smsc, mut alpha, mut customer) = start_with(|snapshot| {
            snapshot.accounts[0].long_messages = Payload.into();
            snapshot.accounts[0].reassembly_timeout_seconds = 1;
        });
        say_part(&mut alpha, 7, 3, 2, b"b", true);
        taken(&mut alpha);
        let (sequence_number, part) = hear_part(&mut customer);
        assert_eq!((part.kind, part.place), (Kind::Udh8, (2, 3)));
        customer.answer(sequence_number, CommandStatus::ROK, "");
        all_is_done(&world);
    }

    #[test]
    fn parts_pass_where_nothing_is_asked() {
        let (world, _smsc, mut alpha, mut customer) = account_takes(AsSent);
        say_part(&mut alpha, 7, 2, 1, b"a", true);
        taken(&mut alpha);
        let (sequence_number, part) = hear_part(&mut customer);
        assert_eq!((part.kind, part.place), (Kind::Udh8, (1, 2)));
        customer.answer(sequence_number, CommandStatus::ROK, "");
        all_is_done(&world);
    }
}
