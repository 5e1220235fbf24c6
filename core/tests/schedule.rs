//! Times: scheduled delivery, validity, priority, by SMPP and by the API, and what a restart keeps of them.

mod support;

use std::time::Duration;

use brivas_proto::v1;
use brivas_smpp::pdu::{Address, CancelSm, QuerySm, QuerySmResponse, ReplaceSm};
use brivas_smpp::{
    BindMode, CommandStatus, InterfaceVersion, MessageState, Pdu, RegisteredDelivery, ShortMessage, time,
};
use support::peer::message;
use support::{Peer, Said, Smsc, World, now_ms, request, sample, texts};

const SOURCE: Address<'static> = Address { ton: 3, npi: 0, digits: b"40404" };
const DAY: u32 = 86_400;

fn snapshot(smsc: &Smsc) -> v1::Snapshot {
    let mut snapshot = sample(smsc);
    snapshot.accounts[0].schedule_max_seconds = DAY;
    snapshot.accounts[0].validity_max_seconds = DAY;
    snapshot
}

fn start() -> (World, Smsc, Peer) {
    let (world, smsc) = (World::new(), Smsc::new());
    world.apply(&snapshot(&smsc));
    let peer = customer(&world, InterfaceVersion::V5_0);
    (world, smsc, peer)
}

fn customer(world: &World, version: InterfaceVersion) -> Peer {
    Peer::customer_of(world.engine().addresses().smpp, "sample", BindMode::Transceiver, version)
}

fn scheduled<'a>(to: &'a str, schedule: &'a [u8], validity: &'a [u8]) -> ShortMessage<'a> {
    ShortMessage {
        schedule_delivery_time: schedule,
        validity_period: validity,
        registered_delivery: RegisteredDelivery::ALWAYS,
        ..message(to, b"later")
    }
}

#[track_caller]
fn state(peer: &mut Peer, id: &str) -> MessageState {
    let query = QuerySm { message_id: id.as_bytes(), source: SOURCE, trailing: b"" };
    let (status, body) = peer.ask(Pdu::QuerySm(query));
    assert_eq!(status, CommandStatus::ROK);
    QuerySmResponse::decode(&body).unwrap().state().unwrap()
}

#[test]
fn a_scheduled_message_waits_for_its_time_and_survives_a_crash_until_then() {
    let (mut world, smsc, mut peer) = start();
    let soon = time::absolute(now_ms() + 2_000);
    let (status, id) = peer.submit_as(&scheduled("491701", &soon, b""));
    assert_eq!(status, CommandStatus::ROK);
    let (_, late) = peer.submit_as(&scheduled("491702", b"000000230000000R", b""));
    assert_eq!(state(&mut peer, &late), MessageState::Scheduled);
    assert_eq!(state(&mut customer(&world, InterfaceVersion::V3_4), &late), MessageState::Enroute);
    assert_eq!(world.totals().scheduled_messages, 2);
    assert_eq!(world.carrier("alpha").queued, 0);
    assert_eq!(world.query(&late).unwrap().state(), v1::MessageState::Scheduled);
    world.crash();
    let mut alpha = smsc.accept();
    let (sequence_number, to) = alpha.hear_message();
    assert!(now_ms() >= time::parse(&soon, 0).unwrap());
    assert_eq!(to, "491701");
    alpha.answer(sequence_number, CommandStatus::ROK, "c1");
    alpha.say_receipt("c1", MessageState::Delivered);
    let mut peer = customer(&world, InterfaceVersion::V5_0);
    assert_eq!(peer.hear_receipt().0, id);
    assert_eq!(
        alpha.hear_within(Duration::from_millis(300)).map(|said| matches!(said, Said::Message { .. })),
        Some(false)
    );
    // What still waits can be taken back.
    let cancel = CancelSm { message_id: late.as_bytes(), source: SOURCE, ..CancelSm::default() };
    assert_eq!(peer.ask(Pdu::CancelSm(cancel)).0, CommandStatus::ROK);
    assert_eq!(peer.hear_receipt().1, MessageState::Deleted);
    world.until("nothing waits", |world| world.totals().open_messages == 0);
    assert_eq!(world.totals().scheduled_messages, 0);
    assert_eq!((world.carrier("alpha").queued, world.carrier("alpha").in_flight), (0, 0));
}

#[test]
fn schedules_and_validities_that_cannot_be_kept_are_refused_by_status() {
    let (world, _smsc, mut peer) = start();
    let past = time::absolute(now_ms() - 60_000);
    let mut status =
        |schedule: &[u8], validity: &[u8]| peer.submit_as(&scheduled("491701", schedule, validity)).0;
    assert_eq!(status(&past, b""), CommandStatus::RINVSCHED);
    assert_eq!(status(b"000002000000000R", b""), CommandStatus::RINVSCHED);
    assert_eq!(status(b"never", b""), CommandStatus::RINVSCHED);
    assert_eq!(status(b"", &past), CommandStatus::RINVEXPIRY);
    assert_eq!(status(b"000000020000000R", b"000000010000000R"), CommandStatus::RINVEXPIRY);
    assert_eq!(world.totals().accepted, 0);
    // A validity above the account's maximum is shortened to it.
    let (status, id) = peer.submit_as(&scheduled("491701", b"", b"000030000000000R"));
    assert_eq!(status, CommandStatus::ROK);
    let known = world.query(&id).unwrap();
    assert_eq!(known.expires_at_ms - known.accepted_at_ms, i64::from(DAY) * 1_000);
}

#[test]
fn a_message_whose_validity_ends_before_it_can_be_sent_expires() {
    let (_world, _smsc, mut peer) = start();
    let (status, id) = peer.submit_as(&scheduled("491701", b"", b"000000000001000R"));
    assert_eq!(status, CommandStatus::ROK);
    let (receipt, state, _) = peer.hear_receipt();
    assert_eq!((receipt, state), (id, MessageState::Expired));
}

#[test]
fn replace_moves_a_message_into_the_schedule_and_out_of_it() {
    let (world, smsc, mut peer) = start();
    let (_, id) = peer.submit_as(&scheduled("491701", b"", b""));
    let at = |schedule: &'static [u8]| ReplaceSm {
        source: SOURCE,
        schedule_delivery_time: schedule,
        registered_delivery: RegisteredDelivery::ALWAYS,
        short_message: b"moved",
        ..ReplaceSm::default()
    };
    for (schedule, queued, waiting) in
        [(&b"000000001000000R"[..], 0, 1), (b"000000002000000R", 0, 1), (b"000000000000000R", 1, 0)]
    {
        let replace = ReplaceSm { message_id: id.as_bytes(), ..at(schedule) };
        assert_eq!(peer.ask(Pdu::ReplaceSm(replace)).0, CommandStatus::ROK);
        let counted = (world.carrier("alpha").queued, world.totals().scheduled_messages);
        assert_eq!(counted, (queued, waiting));
    }
    let mut alpha = smsc.accept();
    let Said::Message { text, .. } = alpha.hear() else { panic!() };
    assert_eq!(text, b"moved");
    assert_eq!(alpha.hear_within(Duration::from_millis(200)), None);
}

#[test]
fn a_scheduled_message_by_the_api_waits_too() {
    let (world, smsc, _) = start();
    let due_ms = now_ms() + 1_000;
    let one = v1::NewMessage { schedule_at_ms: due_ms, ..texts(1).remove(0) };
    let past = v1::NewMessage { schedule_at_ms: 1_000, ..texts(1).remove(0) };
    let results = world.submit(request(vec![one, past])).unwrap().results;
    assert_eq!((results[0].command_status, results[1].command_status), (0, CommandStatus::RINVSCHED.0));
    let mut alpha = smsc.accept();
    alpha.hear_message();
    assert!(now_ms() >= due_ms);
    assert_eq!(world.query(&results[0].id).unwrap().schedule_at_ms - due_ms, (100 - due_ms % 100) % 100);
}

#[test]
fn higher_priority_goes_first_and_each_keeps_its_order() {
    let (_world, smsc, mut peer) = start();
    for (to, priority_flag) in [("491701", 0), ("491702", 3), ("491703", 1), ("491704", 3), ("491705", 0)] {
        let (status, _) = peer.submit_as(&ShortMessage { priority_flag, ..message(to, b"x") });
        assert_eq!(status, CommandStatus::ROK);
    }
    let mut alpha = smsc.accept();
    let order: Vec<String> = (0..5).map(|_| alpha.hear_message().1).collect();
    assert_eq!(order, ["491702", "491704", "491703", "491701", "491705"]);
}
