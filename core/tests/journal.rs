//! What a restart, a crash and the dropping of old segments leave: nothing that was answered is lost.

mod support;

use brivas_proto::v1;
use brivas_smpp::{BindMode, CommandStatus, MessageState};
use support::peer::message;
use support::{
    Peer, Said, Smsc, World, account, carrier, carrier_at, incoming_route, request, route, sample, texts,
};

fn customer(world: &World) -> Peer {
    Peer::customer(world.engine().addresses().smpp, "sample", BindMode::Transceiver)
}

/// A port on which nobody answers.
fn dead_port() -> u16 {
    Smsc::new().port()
}

#[test]
fn what_was_accepted_is_sent_after_a_crash() {
    let (mut world, smsc) = (World::new(), Smsc::new());
    let mut snapshot = sample(&smsc);
    snapshot.carriers[0].port = dead_port().into();
    world.apply(&snapshot);
    let id = customer(&world).submit("491701");
    world.crash();
    world.apply(&sample(&smsc));
    let mut carrier = smsc.accept();
    assert_eq!(carrier.hear_message().1, "491701");
    assert_eq!(world.history(&id)[0], "accepted");
    assert_eq!(world.account("sample").open_messages, 1);
}

#[test]
fn a_receipt_is_matched_after_a_crash_and_not_delivered_twice() {
    let (mut world, smsc) = (World::new(), Smsc::new());
    world.apply(&sample(&smsc));
    let mut carrier = smsc.accept();
    let id = customer(&world).submit("491701");
    let (sequence_number, _) = carrier.hear_message();
    carrier.answer(sequence_number, CommandStatus::ROK, "abc");
    world.until("sent", |world| world.totals().sent == 1);
    world.until("journaled", |world| world.history(&id).contains(&"sent"));

    world.crash();
    let mut carrier = smsc.accept();
    carrier.say_receipt("ABC", MessageState::Delivered);
    assert!(matches!(carrier.hear(), Said::Answered { status: CommandStatus::ROK, .. }));

    // The final state is safe, its receipt not delivered: it is after the next crash.
    world.crash();
    let mut bound = customer(&world);
    let Said::Message { sequence_number, is_receipt: true, .. } = bound.hear() else { panic!() };
    bound.answer(sequence_number, CommandStatus::ROK, "");
    world.until("delivered", |world| world.totals().receipts_delivered == 1);
    world.until("journaled", |world| world.history(&id).contains(&"receipt_delivered"));

    world.crash();
    assert_eq!(world.totals().open_messages, 0);
    assert_eq!(world.history(&id), ["accepted", "sent", "final", "receipt_delivered"]);
}

#[test]
fn an_incoming_message_waits_for_its_customer_across_a_crash() {
    let (mut world, smsc) = (World::new(), Smsc::new());
    let mut snapshot = sample(&smsc);
    snapshot.routes.push(incoming_route("sample"));
    world.apply(&snapshot);
    let mut carrier = smsc.accept();
    carrier.say(7, &message("40404", b"from a phone"));
    assert!(matches!(carrier.hear(), Said::Answered { status: CommandStatus::ROK, .. }));
    world.crash();
    let mut bound = customer(&world);
    let Said::Message { sequence_number, text, is_receipt: false, .. } = bound.hear() else { panic!() };
    assert_eq!(text, b"from a phone");
    bound.answer(sequence_number, CommandStatus::ROK, "");
    world.until("nothing is open", |world| world.totals().open_messages == 0);
    world.restart();
    assert_eq!(world.totals().open_messages, 0);
}

#[test]
fn a_message_whose_route_has_gone_goes_to_no_other_carrier_after_a_restart() {
    let (mut world, first, second) = (World::new(), Smsc::new(), Smsc::new());
    let mut snapshot = sample(&first);
    snapshot.carriers[0].port = dead_port().into();
    snapshot.carriers.push(carrier("beta", &second));
    let other = v1::Route { name: "other".to_owned(), prefix: "4930".to_owned(), ..route(&["beta"]) };
    snapshot.routes.push(other);
    world.apply(&snapshot);
    // Beta has one, so that the journal names beta, and beta only.
    let mut beta = second.accept();
    let mut bound = customer(&world);
    bound.submit("493001");
    let (sequence_number, _) = beta.hear_message();
    beta.answer(sequence_number, CommandStatus::ROK, "1");
    world.until("sent", |world| world.totals().sent == 1);
    bound.submit("491701");
    // Alpha, which the message waits for, is gone; beta is there, and no route leads to it.
    world.apply(&v1::Snapshot {
        carriers: vec![carrier("beta", &second)],
        routes: vec![],
        ..snapshot.clone()
    });
    world.restart();
    let mut beta = second.accept();
    world.until("beta is up", |world| world.carrier("beta").binds_up == 1);
    assert_eq!(beta.hear_within(std::time::Duration::from_millis(300)), None);
    // A route brings it on its way again.
    world.apply(&v1::Snapshot {
        routes: vec![route(&["beta"])],
        carriers: vec![carrier("beta", &second)],
        ..snapshot
    });
    assert_eq!(beta.hear_message().1, "491701");
}

#[test]
fn more_than_a_queue_holds_stays_with_its_own_carrier_after_a_restart() {
    let (mut world, other) = (World::new(), Smsc::new());
    // The first carrier in the configuration is in nobody's route.
    let mut alpha = carrier_at("alpha", dead_port());
    alpha.queue_max = 10;
    let snapshot = |queue_max| v1::Snapshot {
        accounts: vec![account("sample")],
        carriers: vec![carrier("aaa", &other), v1::Carrier { queue_max, ..alpha.clone() }],
        routes: vec![route(&["alpha"])],
        ..v1::Snapshot::default()
    };
    world.apply(&snapshot(10));
    let response = world.submit(request(texts(12))).unwrap();
    let refused = response.results.iter().filter(|result| result.command_status == CommandStatus::RMSGQFUL.0);
    assert_eq!(refused.count(), 2);
    world.apply(&snapshot(5));
    world.restart();
    let mut aaa = other.accept();
    world.until("aaa is up", |world| world.carrier("aaa").binds_up == 1);
    assert_eq!(world.carrier("alpha").queued, 10);
    assert_eq!(aaa.hear_within(std::time::Duration::from_millis(100)), None);
}

#[test]
fn without_a_configuration_what_is_open_waits_for_one() {
    let (mut world, smsc) = (World::new(), Smsc::new());
    world.apply(&sample(&smsc));
    let mut carrier = smsc.accept();
    customer(&world).submit("491701");
    let (sequence_number, _) = carrier.hear_message();
    carrier.answer(sequence_number, CommandStatus::ROK, "1");
    carrier.say_receipt("1", MessageState::Delivered);
    assert!(matches!(carrier.hear(), Said::Answered { status: CommandStatus::ROK, .. }));
    world.restart_without_configuration();
    // Ten ticks: time enough for a sweep to throw the receipt away.
    world.until("a second has passed", |world| {
        let stats = world.stats();
        support::now_ms() - stats.started_at_ms > 1_000
    });
    assert_eq!(world.totals().open_messages, 1);
    world.apply(&sample(&smsc));
    assert!(matches!(customer(&world).hear(), Said::Message { is_receipt: true, .. }));
}

#[test]
fn segments_are_dropped_and_what_is_open_stays() {
    let (mut world, smsc) = (World::with_journal(4_096, 16_384), Smsc::new());
    let mut snapshot = sample(&smsc);
    snapshot.routes.push(incoming_route("sample"));
    snapshot.accounts.push(account("other"));
    world.apply(&snapshot);
    let mut alpha = smsc.accept();
    // Of every kind one: incoming; sent; ended, its receipt not delivered; not sent yet.
    alpha.say(7, &message("40404", b"from a phone"));
    assert!(matches!(alpha.hear(), Said::Answered { status: CommandStatus::ROK, .. }));
    let mut bound = Peer::customer(world.engine().addresses().smpp, "other", BindMode::Transceiver);
    let mut hear_and_answer = |alpha: &mut Peer, to: &str, id: &str| {
        bound.submit(to);
        let (sequence_number, heard) = alpha.hear_message();
        assert_eq!(heard, to);
        alpha.answer(sequence_number, CommandStatus::ROK, id);
    };
    hear_and_answer(&mut alpha, "491701", "sent");
    hear_and_answer(&mut alpha, "491702", "ended");
    drop(bound);
    world.until("parted", |world| world.account("other").binds == 0);
    alpha.say_receipt("ended", MessageState::Undeliverable);
    assert!(matches!(alpha.hear(), Said::Answered { status: CommandStatus::ROK, .. }));
    let key = v1::SubmitRequest { messages: texts(1), idempotency_key: "k".to_owned() };
    let first = world.submit(key.clone()).unwrap();
    alpha.hear_message();

    // Until all that was written so far has been dropped.
    let old = world.stats().journal.unwrap().written_offset;
    world.until("dropped", |world| {
        world
            .submit(request(vec![v1::NewMessage { to: "4917000".to_owned(), ..texts(1).remove(0) }]))
            .unwrap();
        let (sequence_number, _) = alpha.hear_message();
        alpha.answer(sequence_number, CommandStatus::ROK, "");
        world.stats().journal.unwrap().start_offset > old
    });

    world.crash();
    assert!(world.submit(key).unwrap().replayed);
    let mut alpha = smsc.accept();
    // Not answered before the crash: sent again.
    let (_, to) = alpha.hear_message();
    assert_eq!(to, texts(1)[0].to);
    assert_eq!(world.history(&first.results[0].id).first(), Some(&"checkpoint"));
    alpha.say_receipt("SENT", MessageState::Delivered);
    let mut bound = Peer::customer(world.engine().addresses().smpp, "other", BindMode::Transceiver);
    let mut texts = Vec::new();
    for _ in 0..2 {
        let Said::Message { text, from, sequence_number, .. } = bound.hear() else { panic!() };
        bound.answer(sequence_number, CommandStatus::ROK, "");
        texts.push((from, String::from_utf8_lossy(&text).contains("stat:UNDELIV")));
    }
    texts.sort();
    assert_eq!(texts, [("491701".to_owned(), false), ("491702".to_owned(), true)]);
    let mut bound = customer(&world);
    let Said::Message { text, .. } = bound.hear() else { panic!() };
    assert_eq!(text, b"from a phone");
}

#[test]
fn a_segment_full_of_open_messages_is_carried_forward_without_overrunning_the_journal() {
    let world = World::with_journal(48 << 20, 48 << 20);
    let mut snapshot = sample(&Smsc::new());
    snapshot.carriers[0].port = dead_port().into();
    world.apply(&snapshot);
    let long: Vec<_> = texts(1_000)
        .into_iter()
        .map(|message| v1::NewMessage { body: Some(v1::new_message::Body::Text("x".repeat(900))), ..message })
        .collect();
    // 40 MB of them in the first segment, and enough in the second that the first has to go.
    for _ in 0..60 {
        let response = world.submit(request(long.clone())).unwrap();
        assert!(response.results.iter().all(|result| result.command_status == 0));
    }
    world.until("the first segment is dropped", |world| {
        let stats = world.stats();
        assert_eq!(stats.acceptance_stopped, "");
        stats.journal.unwrap().start_offset > 0
    });
    assert_eq!(world.totals().open_messages, 60_000);
}

#[test]
fn a_queue_full_of_messages_that_are_too_old_ends_each_once() {
    let (mut world, smsc) = (World::new(), Smsc::new());
    let mut snapshot = sample(&smsc);
    snapshot.accounts[0].validity_default_seconds = 1;
    snapshot.carriers[0].port = dead_port().into();
    world.apply(&snapshot);
    for _ in 0..20 {
        world.submit(request(texts(1_000))).unwrap();
    }
    world.stop();
    let deadline = support::now_ms() + 1_000;
    while support::now_ms() <= deadline {
        std::thread::yield_now();
    }
    world.restart();
    world.apply(&sample(&smsc));
    let _alpha = smsc.accept();
    world.until("all have ended", |world| world.totals().open_messages == 0);
    assert_eq!(world.totals().undelivered, 20_000);
    let alpha = world.carrier("alpha");
    assert_eq!((alpha.queued, alpha.in_flight, alpha.sent), (0, 0, 0));
    assert_eq!(world.account("sample").open_messages, 0);
}
