//! replace_if_present_flag, cancel_sm by addresses, and what the policy says of other texts: by what carriers get in the
//! end, over crashes and dropped segments as well.

mod support;

use std::time::Duration;

use brivas_proto::v1;
use brivas_smpp::pdu::{Address, CancelSm, Destination, Destinations, ReplaceSm, SubmitMulti};
use brivas_smpp::pdu::{QuerySm, QuerySmResponse, SubmitMultiResponse};
use brivas_smpp::{BindMode, CommandStatus, EsmClass, MessageState, Pdu, RegisteredDelivery, ShortMessage};
use support::peer::message;
use support::{Peer, Said, Smsc, World, incoming_route, sample};

const SOURCE: Address<'static> = Address { ton: 3, npi: 0, digits: b"40404" };

/// An engine whose carrier is not there: everything waits.
fn waiting_in(world: World, change: impl FnOnce(&mut v1::Snapshot)) -> (World, Smsc, Peer) {
    let smsc = Smsc::new();
    let mut snapshot = sample(&smsc);
    snapshot.accounts[0].schedule_max_seconds = 86_400;
    change(&mut snapshot);
    world.apply(&snapshot);
    let peer = customer(&world);
    (world, smsc, peer)
}

fn waiting() -> (World, Smsc, Peer) {
    waiting_in(World::new(), |_| {})
}

fn customer(world: &World) -> Peer {
    Peer::customer(world.engine().addresses().smpp, "sample", BindMode::Transceiver)
}

fn asking<'a>(to: &'a str, text: &'a [u8]) -> ShortMessage<'a> {
    ShortMessage { registered_delivery: RegisteredDelivery::ALWAYS, ..message(to, text) }
}

fn instead<'a>(to: &'a str, text: &'a [u8]) -> ShortMessage<'a> {
    ShortMessage { replace_if_present_flag: 1, ..asking(to, text) }
}

#[track_caller]
fn take(peer: &mut Peer, message: &ShortMessage<'_>) -> String {
    let (status, id) = peer.submit_as(message);
    assert_eq!(status, CommandStatus::ROK);
    id
}

/// The texts that a carrier gets, in their order, and no more.
#[track_caller]
fn texts(alpha: &mut Peer, count: usize) -> Vec<String> {
    let mut texts = Vec::new();
    for _ in 0..count {
        let Said::Message { sequence_number, text, .. } = alpha.hear() else { panic!() };
        alpha.answer(sequence_number, CommandStatus::ROK, &format!("c{}", texts.len()));
        texts.push(String::from_utf8(text).unwrap());
    }
    alpha.flush();
    assert_eq!(alpha.hear_within(Duration::from_millis(100)), None);
    texts
}

fn between<'a>(to: &'a str, service_type: &'a [u8]) -> Pdu<'a> {
    let destination = Address { ton: 1, npi: 1, digits: to.as_bytes() };
    Pdu::CancelSm(CancelSm { service_type, source: SOURCE, destination, ..CancelSm::default() })
}

fn other_text<'a>(id: &'a str, text: &'a [u8]) -> Pdu<'a> {
    Pdu::ReplaceSm(ReplaceSm {
        message_id: id.as_bytes(),
        source: SOURCE,
        registered_delivery: RegisteredDelivery::ALWAYS,
        short_message: text,
        ..ReplaceSm::default()
    })
}

#[test]
fn a_submission_takes_the_place_of_the_one_that_waits_also_over_a_crash() {
    let (mut world, smsc, mut peer) = waiting();
    let first = take(&mut peer, &asking("491701", b"old"));
    let other = take(&mut peer, &asking("491702", b"other"));
    // A plus and another type of number name the same phone.
    let plus = Address { ton: 0, npi: 0, digits: b"+491701" };
    let new = ShortMessage { destination: plus, data_coding: 3, priority_flag: 2, ..instead("", b"n\xe9w") };
    assert_eq!(take(&mut peer, &new), first);
    assert_eq!(world.history(&first), ["accepted", "replaced"]);
    let totals = world.totals();
    assert_eq!((totals.accepted, totals.replaced, totals.open_messages), (2, 1, 2));
    assert_eq!(world.carrier("alpha").queued, 2);
    let content = world.query(&first).unwrap().content.unwrap();
    assert_eq!((content.data_coding, content.priority, &content.short_message[..]), (3, 2, &b"n\xe9w"[..]));
    world.crash();
    // The index of what waits is made again when it is asked for.
    let mut peer = customer(&world);
    assert_eq!(take(&mut peer, &instead("491702", b"again")), other);
    assert_eq!(world.carrier("alpha").queued, 2);
    world.crash();
    let mut alpha = smsc.accept();
    let mut sent = Vec::new();
    for number in ["c1", "c2"] {
        let Said::Message { sequence_number, text, body, .. } = alpha.hear() else { panic!() };
        // What is replaced, is replaced here.
        assert_eq!(ShortMessage::decode(&body).unwrap().replace_if_present_flag, 0);
        alpha.answer(sequence_number, CommandStatus::ROK, number);
        alpha.say_receipt(number, MessageState::Delivered);
        sent.push(text);
    }
    sent.sort();
    assert_eq!(sent, [&b"again"[..], b"n\xe9w"]);
    let mut peer = customer(&world);
    let mut told = [peer.hear_receipt().0, peer.hear_receipt().0];
    told.sort();
    assert_eq!(told, [first, other]);
    world.until("all have ended", |world| world.totals().open_messages == 0);
}

#[test]
fn only_the_same_addresses_and_service_type_are_the_same() {
    let (world, smsc, mut peer) = waiting();
    take(&mut peer, &asking("491701", b"1"));
    take(&mut peer, &ShortMessage { service_type: b"OTP", ..asking("491701", b"2") });
    for new in [
        instead("491702", b"3"),
        ShortMessage { source: Address { digits: b"40405", ..SOURCE }, ..instead("491701", b"4") },
        ShortMessage { service_type: b"WAP", ..instead("491701", b"5") },
    ] {
        take(&mut peer, &new);
    }
    assert_eq!((world.totals().accepted, world.totals().replaced), (5, 0));
    // The newest of several.
    let newest = take(&mut peer, &asking("491701", b"6"));
    assert_eq!(take(&mut peer, &instead("491701", b"7")), newest);
    take(&mut peer, &ShortMessage { service_type: b"OTP", ..instead("491701", b"8") });
    let mut all = texts(&mut smsc.accept(), 6);
    all.sort();
    assert_eq!(all, ["1", "3", "4", "5", "7", "8"]);
}

#[test]
fn what_a_carrier_has_is_not_replaced_and_neither_is_another_accounts() {
    let (world, smsc, mut peer) = waiting_in(World::new(), |snapshot| {
        snapshot.accounts.push(support::account("other"));
    });
    let waits = take(&mut peer, &asking("491702", b"mine"));
    let engine = world.engine().addresses().smpp;
    let mut other = Peer::customer(engine, "other", BindMode::Transceiver);
    assert_ne!(take(&mut other, &instead("491702", b"yours")), waits);
    assert_eq!(other.ask(between("491703", b"")).0, CommandStatus::RCANCELFAIL);
    let mut alpha = smsc.accept();
    assert_eq!(texts(&mut alpha, 2), ["mine", "yours"]);
    let sent = take(&mut peer, &instead("491702", b"too late"));
    assert_ne!(sent, waits);
    assert_eq!(texts(&mut alpha, 1), ["too late"]);
    assert_eq!(peer.ask(between("491702", b"")).0, CommandStatus::RCANCELFAIL);
    assert_eq!(world.totals().replaced, 0);
}

#[test]
fn what_is_scheduled_gets_the_time_of_the_new_one() {
    let (world, smsc, mut peer) = waiting();
    let later = ShortMessage { schedule_delivery_time: b"000000010000000R", ..asking("491701", b"later") };
    let first = take(&mut peer, &later);
    assert_eq!((world.carrier("alpha").queued, world.totals().scheduled_messages), (0, 1));
    let moved = ShortMessage { schedule_delivery_time: b"000000020000000R", ..instead("491701", b"moved") };
    assert_eq!(take(&mut peer, &moved), first);
    assert_eq!((world.carrier("alpha").queued, world.totals().scheduled_messages), (0, 1));
    let wrong = ShortMessage { schedule_delivery_time: b"never", ..instead("491701", b"wrong") };
    assert_eq!(peer.submit_as(&wrong).0, CommandStatus::RINVSCHED);
    assert_eq!(take(&mut peer, &instead("491701", b"now")), first);
    assert_eq!((world.carrier("alpha").queued, world.totals().scheduled_messages), (1, 0));
    assert_eq!(take(&mut peer, &ShortMessage { replace_if_present_flag: 1, ..later }), first);
    assert_eq!((world.carrier("alpha").queued, world.totals().scheduled_messages), (0, 1));
    assert_eq!(take(&mut peer, &instead("491701", b"at last")), first);
    assert_eq!(texts(&mut smsc.accept(), 1), ["at last"]);
}

#[test]
fn a_part_takes_no_place_and_gives_none() {
    let (world, smsc, mut peer) = waiting();
    let part = |text: &'static [u8]| ShortMessage { esm_class: EsmClass(0x40), ..instead("491701", text) };
    take(&mut peer, &part(b"\x05\0\x03\x07\x02\x01first "));
    take(&mut peer, &part(b"\x05\0\x03\x07\x02\x02second"));
    take(&mut peer, &instead("491701", b"whole"));
    assert_eq!(world.totals().accepted, 3);
    assert_eq!(texts(&mut smsc.accept(), 3).len(), 3);
}

#[test]
fn submissions_that_follow_at_once_are_all_answered_and_one_goes_out() {
    let (world, smsc, mut peer) = waiting();
    for number in 0..200 {
        peer.say(number, &instead("491701", format!("{number}").as_bytes()));
    }
    peer.flush();
    let mut ids = Vec::new();
    for _ in 0..200 {
        let Said::Answered { status: CommandStatus::ROK, id, .. } = peer.hear() else { panic!() };
        ids.push(id);
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert_eq!((world.carrier("alpha").queued, world.totals().open_messages), (1, 1));
    assert_eq!(texts(&mut smsc.accept(), 1), ["199"]);
}

#[test]
fn each_recipient_of_a_submit_multi_takes_the_place_of_its_own() {
    let (_world, smsc, mut peer) = waiting();
    let first = take(&mut peer, &asking("491702", b"old"));
    let mut list = Vec::new();
    for number in ["491701", "491702", "491703"] {
        Destination::Address(Address { ton: 1, npi: 1, digits: number.as_bytes() }).encode(&mut list);
    }
    let multi = SubmitMulti {
        source: SOURCE,
        destinations: Destinations::parse(3, &list).unwrap(),
        registered_delivery: RegisteredDelivery::ALWAYS,
        replace_if_present_flag: 1,
        short_message: b"new",
        ..SubmitMulti::default()
    };
    let (status, body) = peer.ask(Pdu::SubmitMulti(multi));
    assert_eq!(status, CommandStatus::ROK);
    let id = String::from_utf8(SubmitMultiResponse::decode(&body).unwrap().message_id.to_vec()).unwrap();
    assert_ne!(id, first);
    let mut alpha = smsc.accept();
    for number in ["c1", "c2", "c3"] {
        let Said::Message { sequence_number, to, text, .. } = alpha.hear() else { panic!() };
        assert_eq!(text, b"new");
        alpha.answer(sequence_number, CommandStatus::ROK, number);
        alpha.say_receipt(number, MessageState::Delivered);
        let (told, _, from) = peer.hear_receipt();
        assert_eq!(&told, if to == "491702" { &first } else { &id });
        assert_eq!(from, to);
    }
    drop(alpha);
    // Without a new one the answer names the one that waits.
    let waits = take(&mut peer, &asking("491701", b"old"));
    let mut list = Vec::new();
    Destination::Address(Address { ton: 1, npi: 1, digits: b"491701" }).encode(&mut list);
    let one = SubmitMulti { destinations: Destinations::parse(1, &list).unwrap(), ..multi };
    let (_, body) = peer.ask(Pdu::SubmitMulti(one));
    assert_eq!(SubmitMultiResponse::decode(&body).unwrap().message_id.to_vec(), waits.as_bytes());
}

#[test]
fn cancel_by_addresses_takes_back_all_that_waits_between_them() {
    let (mut world, smsc, mut peer) = waiting();
    let mut ids = Vec::new();
    for service_type in [&b""[..], b"OTP", b"OTP"] {
        ids.push(take(&mut peer, &ShortMessage { service_type, ..asking("491701", b"x") }));
    }
    let later = ShortMessage { schedule_delivery_time: b"000000010000000R", ..asking("491701", b"later") };
    ids.push(take(&mut peer, &later));
    take(&mut peer, &asking("491702", b"stays"));
    assert_eq!(peer.ask(between("", b"")).0, CommandStatus::RINVDSTADR);
    assert_eq!(peer.ask(between("491703", b"")).0, CommandStatus::RCANCELFAIL);
    assert_eq!(peer.ask(between("491701", b"WAP")).0, CommandStatus::RCANCELFAIL);
    // Receipts go before the answers.
    let ask = |peer: &mut Peer, service_type: &[u8], receipts: usize| {
        assert_eq!(peer.ask(between("491701", service_type)).0, CommandStatus::ROK);
        (0..receipts).map(|_| peer.hear_receipt()).collect::<Vec<_>>()
    };
    let told = ask(&mut peer, b"OTP", 2);
    assert_eq!(told.iter().map(|told| told.0.clone()).collect::<Vec<_>>(), ids[1..3]);
    assert!(told.iter().all(|told| told.1 == MessageState::Deleted));
    world.crash();
    let mut peer = customer(&world);
    assert_eq!(ask(&mut peer, b"", 2).len(), 2);
    assert_eq!(peer.ask(between("491701", b"")).0, CommandStatus::RCANCELFAIL);
    let query = QuerySm { message_id: ids[3].as_bytes(), source: SOURCE, trailing: b"" };
    let (_, body) = peer.ask(Pdu::QuerySm(query));
    assert_eq!(QuerySmResponse::decode(&body).unwrap().state(), Some(MessageState::Deleted));
    world.crash();
    assert_eq!(texts(&mut smsc.accept(), 1), ["stays"]);
}

#[test]
fn more_than_one_cancel_may_take_is_left_for_the_next() {
    let (world, _smsc, mut peer) = waiting();
    for number in 0..1_001 {
        peer.say(number, &message("491701", b"x"));
    }
    peer.flush();
    for _ in 0..1_001 {
        let Said::Answered { status: CommandStatus::ROK, .. } = peer.hear() else { panic!() };
    }
    assert_eq!(peer.ask(between("491701", b"")).0, CommandStatus::RSYSERR);
    world.until("a thousand have ended", |world| world.totals().open_messages == 1);
    assert_eq!(peer.ask(between("491701", b"")).0, CommandStatus::ROK);
    world.until("all have ended", |world| world.totals().open_messages == 0);
    assert_eq!(world.carrier("alpha").queued, 0);
}

fn prizes() -> v1::PolicyRule {
    let when = v1::Conditions { text_patterns: vec!["(?i)prize".to_owned()], ..v1::Conditions::default() };
    v1::PolicyRule {
        name: "prizes".to_owned(),
        when: Some(when),
        then: v1::PolicyAction::Quarantine.into(),
        ..v1::PolicyRule::default()
    }
}

fn refuses_casinos() -> v1::PolicyRule {
    let when = v1::Conditions { text_patterns: vec!["casino".to_owned()], ..v1::Conditions::default() };
    v1::PolicyRule {
        name: "casinos".to_owned(),
        when: Some(when),
        then: v1::PolicyAction::Refuse.into(),
        status: "ESME_RSUBMITFAIL".to_owned(),
        ..v1::PolicyRule::default()
    }
}

fn held(world: &World) -> Vec<(String, String)> {
    let request = v1::ReviewRequest { action: v1::ReviewAction::List.into(), ..v1::ReviewRequest::default() };
    let listed = world.control(async |mut client| client.review(request).await).unwrap();
    listed.messages.into_iter().map(|message| (message.id, message.rule)).collect()
}

#[test]
fn another_text_is_judged_like_the_first_one_and_a_crash_changes_nothing() {
    let (mut world, smsc, mut peer) = waiting_in(World::new(), |snapshot| {
        snapshot.policy_rules = vec![prizes(), refuses_casinos()];
    });
    let by_flag = take(&mut peer, &asking("491701", b"hello"));
    let by_id = take(&mut peer, &asking("491702", b"hello"));
    assert_eq!(peer.submit_as(&instead("491701", b"casino")).0, CommandStatus::RSUBMITFAIL);
    assert_eq!(peer.ask(other_text(&by_id, b"casino")).0, CommandStatus::RSUBMITFAIL);
    assert_eq!(world.history(&by_id), ["accepted"]);
    assert_eq!(take(&mut peer, &instead("491701", b"a prize")), by_flag);
    assert_eq!(peer.ask(other_text(&by_id, b"a prize")).0, CommandStatus::ROK);
    let both = [(by_flag.clone(), "prizes".to_owned()), (by_id.clone(), "prizes".to_owned())];
    assert_eq!(held(&world), both);
    assert_eq!(world.carrier("alpha").queued, 0);
    world.crash();
    assert_eq!(held(&world), both);
    let mut alpha = smsc.accept();
    world.until("alpha is up", |world| world.carrier("alpha").binds_up == 1);
    assert_eq!(alpha.hear_within(Duration::from_millis(100)), None);
    // What says nothing wrong any more goes on.
    let mut peer = customer(&world);
    assert_eq!(take(&mut peer, &instead("491701", b"sorry")), by_flag);
    assert_eq!(peer.ask(other_text(&by_id, b"sorry")).0, CommandStatus::ROK);
    assert_eq!(texts(&mut alpha, 2), ["sorry", "sorry"]);
    assert_eq!(held(&world), []);
    world.crash();
    assert_eq!(held(&world), []);
}

#[test]
fn a_suppressed_number_gets_no_other_text() {
    let (world, smsc, mut peer) = waiting_in(World::new(), |snapshot| {
        let check = v1::policy_rule::Check::Suppressed(v1::Suppressed {});
        snapshot.routes.push(incoming_route("sample"));
        snapshot.policy_rules = vec![v1::PolicyRule {
            name: "stop".to_owned(),
            then: v1::PolicyAction::Refuse.into(),
            check: Some(check),
            status: "ESME_RSUBMITFAIL".to_owned(),
            ..v1::PolicyRule::default()
        }];
    });
    let later = ShortMessage { schedule_delivery_time: b"000000010000000R", ..asking("491701", b"later") };
    let id = take(&mut peer, &later);
    let mut alpha = smsc.accept();
    world.until("alpha is up", |world| world.carrier("alpha").binds_up == 1);
    alpha.say(
        1,
        &ShortMessage { source: Address { ton: 1, npi: 1, digits: b"491701" }, ..message("40404", b"STOP") },
    );
    alpha.flush();
    let Said::Message { sequence_number, .. } = peer.hear() else { panic!() };
    peer.answer(sequence_number, CommandStatus::ROK, "");
    assert_eq!(peer.ask(other_text(&id, b"news")).0, CommandStatus::RSUBMITFAIL);
    assert_eq!(peer.submit_as(&instead("491701", b"news")).0, CommandStatus::RSUBMITFAIL);
}

#[test]
fn what_was_replaced_is_carried_forward_when_its_segment_is_dropped() {
    let world = World::with_journal(1 << 20, 4 << 20);
    let (mut world, smsc, mut peer) = waiting_in(world, |snapshot| snapshot.policy_rules = vec![prizes()]);
    let held_id = take(&mut peer, &asking("491701", b"hello"));
    assert_eq!(take(&mut peer, &instead("491701", b"prize")), held_id);
    let later = ShortMessage { schedule_delivery_time: b"000000010000000R", ..asking("491702", b"later") };
    let id = take(&mut peer, &later);
    let new = ShortMessage { schedule_delivery_time: b"000000020000000R", ..instead("491702", b"moved") };
    assert_eq!(take(&mut peer, &new), id);
    let due_ms = world.query(&id).unwrap().schedule_at_ms;
    let mut alpha = smsc.accept();
    let start = |world: &World| world.stats().journal.unwrap().start_offset;
    let text = vec![b'x'; 254];
    let (mut turn, mut heard) = (0_u64, 0_u64);
    while start(&world) < 100 {
        for _ in 0..500 {
            turn += 1;
            peer.say(turn, &message(&format!("44780{turn}"), &text));
        }
        peer.flush();
        while heard < turn {
            let Said::Message { sequence_number, .. } = alpha.hear() else { panic!() };
            heard += 1;
            alpha.answer(sequence_number, CommandStatus::ROK, "");
        }
        for _ in 0..500 {
            while !matches!(peer.hear(), Said::Answered { .. }) {}
        }
    }
    drop((peer, alpha));
    world.crash();
    assert_eq!(held(&world), [(held_id.clone(), "prizes".to_owned())]);
    let known = world.query(&id).unwrap();
    assert_eq!((known.schedule_at_ms, &known.content.unwrap().short_message[..]), (due_ms, &b"moved"[..]));
    let mut peer = customer(&world);
    assert_eq!(take(&mut peer, &instead("491702", b"again")), id);
    assert_eq!(take(&mut peer, &instead("491701", b"fine")), held_id);
}
