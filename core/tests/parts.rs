//! Parts that come one by one, and what becomes of them over time: kept together, over restarts and dropped segments, over
//! several binds, and in a flood.

mod support;

use brivas_proto::v1;
use brivas_smpp::segment::Kind;
use brivas_smpp::tlv::{self, Tag, Tlvs};
use brivas_smpp::{BindMode, CommandStatus, EsmClass, MessageState, ShortMessage};
use support::long::{
    TO, accepted, all_is_done, customer, hear_part, receipt, say_part, say_payload, start_in, start_with,
};
use support::peer::message;
use support::{Peer, Said, Smsc, World, account, carrier, incoming_route, request, route, sample, texts};
use v1::LongMessages::{Payload, Udh8};

/// Two carriers, the first of which is preferred, both up; and a customer.
fn two_carriers() -> (World, [Smsc; 2], [Peer; 2], Peer) {
    let (world, smscs) = (World::new(), [Smsc::new(), Smsc::new()]);
    let mut snapshot = sample(&smscs[0]);
    snapshot.carriers.push(carrier("beta", &smscs[1]));
    snapshot.routes = vec![route(&["alpha", "beta"])];
    world.apply(&snapshot);
    let peers = [smscs[0].accept(), smscs[1].accept()];
    for name in ["alpha", "beta"] {
        world.until("it is up", |world| world.carrier(name).binds_up == 1);
    }
    let customer = customer(&world);
    (world, smscs, peers, customer)
}

/// The peer takes a part, and its id is on its way to the journal.
#[track_caller]
fn take_part(peer: &mut Peer, place: (u8, u8), id: &str) {
    let (sequence_number, part) = hear_part(peer);
    assert_eq!(part.place, place);
    peer.answer(sequence_number, CommandStatus::ROK, id);
}

#[test]
fn parts_follow_the_first_over_a_crash() {
    let (mut world, smscs, [mut alpha, beta], mut customer) = two_carriers();
    say_part(&mut customer, 7, 3, 1, b"a", false);
    let id = accepted(&mut customer);
    take_part(&mut alpha, (1, 3), "a1");
    world.until("it is written down", |world| world.history(&id).contains(&"sent"));
    drop((alpha, beta, customer));
    let [alpha_smsc, beta_smsc] = smscs;
    world.crash();
    let mut beta = beta_smsc.accept();
    world.until("beta alone is up", |world| world.carrier("beta").binds_up == 1);
    let mut customer = support::long::customer(&world);
    say_part(&mut customer, 7, 3, 2, b"b", false);
    accepted(&mut customer);
    // Beta has room, and gets what belongs to nothing else.
    customer.submit("491702");
    assert_eq!(hear_part(&mut beta).1.kind, Kind::Single);
    let mut alpha = alpha_smsc.accept();
    take_part(&mut alpha, (2, 3), "a2");
}

#[test]
fn a_reference_that_comes_again_after_a_whole_message_is_of_another_one() {
    let (world, _smscs, [mut alpha, mut beta], mut customer) = two_carriers();
    for sequence in [1, 2] {
        say_part(&mut customer, 7, 2, sequence, b"a", false);
        accepted(&mut customer);
        take_part(&mut alpha, (sequence, 2), &format!("a{sequence}"));
    }
    world.until("both are sent", |world| world.carrier("alpha").sent == 2);
    drop(alpha);
    world.until("alpha is down", |world| world.carrier("alpha").binds_up == 0);
    for sequence in [1, 2] {
        say_part(&mut customer, 7, 2, sequence, b"b", false);
        accepted(&mut customer);
        take_part(&mut beta, (sequence, 2), &format!("b{sequence}"));
    }
}

#[test]
fn a_part_whose_carrier_is_full_is_not_taken_rather_than_sent_elsewhere() {
    let (world, alpha_smsc, beta_smsc) = (World::new(), Smsc::new(), Smsc::new());
    let mut snapshot = sample(&alpha_smsc);
    snapshot.carriers[0].queue_max = 1;
    snapshot.carriers.push(carrier("beta", &beta_smsc));
    snapshot.routes = vec![route(&["alpha", "beta"])];
    world.apply(&snapshot);
    let (mut alpha, mut beta) = (alpha_smsc.accept(), beta_smsc.accept());
    for name in ["alpha", "beta"] {
        world.until("it is up", |world| world.carrier(name).binds_up == 1);
    }
    let mut customer = customer(&world);
    say_part(&mut customer, 7, 3, 1, b"a", false);
    accepted(&mut customer);
    take_part(&mut alpha, (1, 3), "a1");
    world.until("it is sent", |world| world.carrier("alpha").sent == 1);
    drop((alpha, alpha_smsc));
    world.until("alpha is down", |world| world.carrier("alpha").binds_up == 0);
    say_part(&mut customer, 7, 3, 2, b"b", false);
    accepted(&mut customer);
    say_part(&mut customer, 7, 3, 3, b"c", false);
    assert!(matches!(customer.hear(), Said::Answered { status: CommandStatus::RMSGQFUL, .. }));
    customer.submit("491702");
    assert_eq!(hear_part(&mut beta).1.kind, Kind::Single);
}

/// Lets messages pass until all that has been written so far is dropped.
#[track_caller]
fn drop_segments(world: &World, alpha: &mut Peer) {
    let old = world.stats().journal.unwrap().written_offset;
    let mut last = String::new();
    world.until("dropped", |world| {
        let other = v1::NewMessage { to: "4917000".to_owned(), ..texts(1).remove(0) };
        last = world.submit(request(vec![other])).unwrap().results.remove(0).id;
        let (sequence_number, to) = alpha.hear_message();
        assert_eq!(to, "4917000");
        alpha.answer(sequence_number, CommandStatus::ROK, "");
        world.stats().journal.unwrap().start_offset > old
    });
    // None of them is sent again after a crash.
    world.until("the last has ended", |world| world.history(&last).contains(&"final"));
}

#[test]
fn a_message_of_which_some_parts_are_sent_survives_that_its_segments_are_dropped() {
    let world = World::with_journal(4_096, 16_384);
    let (mut world, smsc, mut alpha, mut customer) = start_in(world, |snapshot| {
        let alpha = &mut snapshot.carriers[0];
        alpha.long_messages = Udh8.into();
        alpha.window_max = 2;
    });
    // Of four parts one is delivered, one taken, two are not answered.
    let id = say_payload(&mut customer, &[b'a'; 600]);
    let (first, part) = hear_part(&mut alpha);
    let reference = part.reference;
    alpha.answer(first, CommandStatus::ROK, "c1");
    take_part(&mut alpha, (2, 4), "c2");
    alpha.say_receipt("c1", MessageState::Delivered);
    world.until("both are written down", |world| {
        let history = world.history(&id);
        history.contains(&"part_ended") && history.iter().filter(|kind| **kind == "sent").count() == 2
    });
    // Two that are not answered would fill its window: the rest of the traffic goes by another carrier.
    let beta_smsc = Smsc::new();
    let mut snapshot = sample(&smsc);
    snapshot.routes.push(incoming_route("sample"));
    (snapshot.carriers[0].long_messages, snapshot.carriers[0].window_max) = (Udh8.into(), 2);
    snapshot.carriers.push(carrier("beta", &beta_smsc));
    snapshot.routes.push(v1::Route {
        name: "other".to_owned(),
        prefix: "4917000".to_owned(),
        ..route(&["beta"])
    });
    world.apply(&snapshot);
    let mut beta = beta_smsc.accept();
    drop_segments(&world, &mut beta);
    assert_eq!(world.history(&id).first(), Some(&"checkpoint"));

    world.crash();
    let mut alpha = smsc.accept();
    for number in 3..=4 {
        let (sequence_number, part) = hear_part(&mut alpha);
        assert_eq!((part.place, part.reference, part.kind), ((number, 4), reference, Kind::Udh8));
        alpha.answer(sequence_number, CommandStatus::ROK, &format!("c{number}"));
    }
    // And once more, now that all are sent.
    world.until("all are sent", |world| world.carrier("alpha").sent == 2);
    let mut beta = beta_smsc.accept();
    drop_segments(&world, &mut beta);
    world.crash();
    let mut alpha = smsc.accept();
    let mut customer = support::long::customer(&world);
    for number in 2..=4 {
        alpha.say_receipt(&format!("c{number}"), MessageState::Delivered);
    }
    let said = receipt(&mut customer);
    assert!(said.contains(&id) && said.contains("stat:DELIVRD"), "{said}");
    all_is_done(&world);
    assert_eq!(world.history(&id).iter().filter(|kind| **kind == "final").count(), 1);
}

#[test]
fn what_was_put_together_and_what_waits_for_it_survive_that_their_segments_are_dropped() {
    let world = World::with_journal(4_096, 16_384);
    let (mut world, smsc, mut alpha, mut customer) =
        start_in(world, |snapshot| snapshot.carriers[0].long_messages = Payload.into());
    let mut ids = Vec::new();
    for sequence in [2, 1] {
        say_part(&mut customer, 7, 2, sequence, &[b'a' + sequence; 100], false);
        ids.push(accepted(&mut customer));
    }
    let (sequence_number, part) = hear_part(&mut alpha);
    assert_eq!((part.kind, part.content.len()), (Kind::Payload, 200));
    alpha.answer(sequence_number, CommandStatus::ROK, "c1");
    world.until("it is written down", |world| world.history(&ids[1]).contains(&"sent"));
    // The second message lacks a part.
    say_part(&mut customer, 8, 2, 2, b"second", false);
    ids.push(accepted(&mut customer));
    drop_segments(&world, &mut alpha);
    assert!(ids.iter().all(|id| world.history(id).first() == Some(&"checkpoint")));

    world.crash();
    let (mut alpha, mut customer) = (smsc.accept(), support::long::customer(&world));
    say_part(&mut customer, 8, 2, 1, b"the ", false);
    ids.push(accepted(&mut customer));
    let (sequence_number, part) = hear_part(&mut alpha);
    assert_eq!(part.content, b"the second");
    alpha.answer(sequence_number, CommandStatus::ROK, "c2");
    for id in ["c1", "c2"] {
        alpha.say_receipt(id, MessageState::Delivered);
    }
    let receipts: Vec<_> = (0..4).map(|_| receipt(&mut customer)).collect();
    assert!(ids.iter().all(|id| receipts.iter().any(|said| said.contains(id))), "{receipts:?}");
    all_is_done(&world);
}

/// Incoming messages.
mod incoming {
    use super::*;

    #[track_caller]
    fn taken(alpha: &mut Peer) {
        assert!(matches!(alpha.hear(), Said::Answered { status: CommandStatus::ROK, .. }));
    }

    #[test]
    fn parts_that_come_on_several_binds_of_a_carrier_are_put_together() {
        let (world, smsc, alpha, mut customer) = start_with(|snapshot| {
            snapshot.carriers[0].binds = 3;
            snapshot.accounts[0].long_messages = Payload.into();
        });
        let mut binds = [alpha, smsc.accept(), smsc.accept()];
        world.until("all are up", |world| world.carrier("alpha").binds_up == 3);
        for (bind, (sequence, text)) in binds.iter_mut().zip([(3, b"c"), (1, b"a"), (2, b"b")]) {
            say_part(bind, 7, 3, sequence, text, true);
            taken(bind);
        }
        let (sequence_number, part) = hear_part(&mut customer);
        assert_eq!((part.kind, part.content.as_slice()), (Kind::Single, &b"abc"[..]));
        customer.answer(sequence_number, CommandStatus::ROK, "");
        all_is_done(&world);
        assert_eq!(world.totals().mo_delivered, 3);
    }

    #[test]
    fn parts_that_wait_survive_that_their_segments_are_dropped() {
        let world = World::with_journal(4_096, 16_384);
        let (mut world, smsc, mut alpha, customer) = start_in(world, |snapshot| {
            snapshot.accounts[0].long_messages = Payload.into();
            snapshot.accounts[0].reassembly_timeout_seconds = 3_600;
        });
        drop(customer);
        say_part(&mut alpha, 7, 3, 2, &[b'b'; 100], true);
        taken(&mut alpha);
        drop_segments(&world, &mut alpha);
        say_part(&mut alpha, 7, 3, 1, &[b'a'; 100], true);
        taken(&mut alpha);
        world.crash();
        let (mut alpha, mut customer) = (smsc.accept(), support::long::customer(&world));
        say_part(&mut alpha, 7, 3, 3, &[b'c'; 100], true);
        taken(&mut alpha);
        let (sequence_number, part) = hear_part(&mut customer);
        assert_eq!(
            (part.kind, part.content),
            (Kind::Payload, [[b'a'; 100], [b'b'; 100], [b'c'; 100]].concat())
        );
        customer.answer(sequence_number, CommandStatus::ROK, "");
        all_is_done(&world);
    }
}

/// Ever new references, and never the rest.
mod flood {
    use super::*;

    /// Says first parts of messages that never get a second one; each octet of the content stands for itself.
    fn say_first_parts(peer: &mut Peer, references: std::ops::Range<u16>, octets: usize) {
        for reference in references {
            let [high, low] = reference.to_be_bytes();
            let content = vec![b'x'; octets];
            let mut area = Vec::new();
            tlv::append(&mut area, Tag(0x020C), &[high, low]);
            tlv::append(&mut area, Tag(0x020E), &[2]);
            tlv::append(&mut area, Tag(0x020F), &[1]);
            tlv::append(&mut area, Tag::MESSAGE_PAYLOAD, &content);
            let tlvs = Tlvs::parse(&area).unwrap();
            peer.say(1, &ShortMessage { tlvs, esm_class: EsmClass(0), ..message(TO, b"") });
        }
        peer.flush();
    }

    /// Waits until what may wait does, and all else has gone: at most so many messages.
    #[track_caller]
    fn settles_at(world: &World, alpha: &mut Peer, count: u64, most: u64) {
        for _ in 0..count - most {
            let (sequence_number, part) = hear_part(alpha);
            assert_eq!(part.place, (1, 2));
            alpha.answer(sequence_number, CommandStatus::ROK, "");
        }
        world.until("the rest waits", |world| {
            let account = world.account("sample");
            account.accepted == count && account.open_messages <= most
        });
    }

    #[test]
    fn first_parts_of_ever_new_messages_wait_within_bounds_and_the_oldest_go_as_they_came() {
        for (octets, count, most) in [(100, 8_000, 1_000), (60_000, 300, 69)] {
            let (world, _smsc, mut alpha, mut customer) = start_with(|snapshot| {
                snapshot.carriers[0].long_messages = Payload.into();
                snapshot.accounts.push(account("bystander"));
            });
            let mut bystander =
                Peer::customer(world.engine().addresses().smpp, "bystander", BindMode::Transceiver);
            // A message that a bystander has begun is not pushed out by anybody else's.
            say_part(&mut bystander, 7, 2, 1, b"all ", false);
            accepted(&mut bystander);
            let half = count / 2;
            for references in [0..half, half..count] {
                say_first_parts(&mut customer, references, octets);
                while customer.hear_within(std::time::Duration::ZERO).is_some() {}
            }
            settles_at(&world, &mut alpha, count.into(), most);
            say_part(&mut bystander, 7, 2, 2, b"of it", false);
            accepted(&mut bystander);
            let (sequence_number, part) = hear_part(&mut alpha);
            assert_eq!(part.content, b"all of it");
            alpha.answer(sequence_number, CommandStatus::ROK, "b1");
            alpha.say_receipt("b1", MessageState::Delivered);
            receipt(&mut bystander);
        }
    }
}
