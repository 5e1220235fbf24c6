//! Carriers that ask for less speed: what they do not want now waits for its turn, loses nothing, and holds up nobody else.

mod support;

use brivas_proto::v1;
use brivas_smpp::pdu::MessageResponse;
use brivas_smpp::tlv::{self, Tag, Tlvs};
use brivas_smpp::{CommandStatus, Pdu};
use support::{Peer, Smsc, World, request, sample, texts};

/// One carrier that waits an hour before it tries again what failed: what comes sooner was not tried again.
fn start() -> (World, Smsc, Peer) {
    let (world, smsc) = (World::new(), Smsc::new());
    let mut snapshot = sample(&smsc);
    snapshot.carriers[0] =
        v1::Carrier { retry_initial_ms: 3_600_000, retry_max_ms: 3_600_000, ..snapshot.carriers[0].clone() };
    world.apply(&snapshot);
    let alpha = smsc.accept();
    world.until("alpha is up", |world| world.carrier("alpha").binds_up == 1);
    (world, smsc, alpha)
}

#[track_caller]
fn all_is_done(world: &World) {
    world.until("nothing is open", |world| world.totals().open_messages == 0);
    let carrier = world.carrier("alpha");
    assert_eq!((carrier.queued, carrier.in_flight), (0, 0), "{carrier:?}");
}

#[test]
fn what_is_throttled_waits_for_its_turn_before_all_others_and_is_no_attempt() {
    let (world, _smsc, mut alpha) = start();
    let ids: Vec<_> = world.submit(request(texts(50))).unwrap().results;
    let mut first = Vec::new();
    for number in 0..50 {
        let (sequence_number, to) = alpha.hear_message();
        let status = if number < 20 { CommandStatus::RTHROTTLED } else { CommandStatus::ROK };
        alpha.answer(sequence_number, status, &to);
        first.push(to);
    }
    world.until("the refusals were read", |world| world.carrier("alpha").throttled == 20);
    let slowed = world.carrier("alpha");
    assert!(slowed.slowed && slowed.allowed_per_second >= 1.0, "{slowed:?}");
    let mut again = Vec::new();
    for _ in 0..20 {
        let (sequence_number, to) = alpha.hear_message();
        alpha.answer(sequence_number, CommandStatus::ROK, &to);
        again.push(to);
    }
    assert_eq!(again, first[..20]);
    for to in &first {
        alpha.say_receipt(to, brivas_smpp::MessageState::Delivered);
    }
    all_is_done(&world);
    assert_eq!((world.totals().sent, world.totals().attempts_failed), (50, 20));
    let status = world.query(&ids[0].id).unwrap();
    assert_eq!(world.history(&ids[0].id), ["accepted", "attempt_failed", "sent", "final"]);
    let attempts: Vec<_> = status
        .history
        .into_iter()
        .filter_map(|event| match event.event?.kind? {
            v1::event::Kind::AttemptFailed(failed) => Some(failed.attempt),
            v1::event::Kind::Sent(sent) => Some(sent.attempt),
            _ => None,
        })
        .collect();
    assert_eq!(attempts, [1, 1]);
}

#[test]
fn a_destination_whose_queue_is_full_gives_way_to_the_others() {
    let (world, smsc) = (World::new(), Smsc::new());
    let snapshot = sample(&smsc);
    world.apply(&snapshot);
    let mut alpha = smsc.accept();
    world.until("alpha is up", |world| world.carrier("alpha").binds_up == 1);
    world.submit(request(texts(3))).unwrap();
    let (mut refused, mut taken) = (0, 0);
    while taken < 2 || refused < 5 {
        let (sequence_number, to) = alpha.hear_message();
        let is_full = to.ends_with('0');
        let status = if is_full { CommandStatus::RMSGQFUL } else { CommandStatus::ROK };
        alpha.answer(sequence_number, status, &to);
        if is_full { refused += 1 } else { taken += 1 }
    }
    let (sequence_number, to) = alpha.hear_message();
    alpha.answer(sequence_number, CommandStatus::ROK, &to);
    for number in 0..3 {
        alpha.say_receipt(&format!("4917{number:07}"), brivas_smpp::MessageState::Delivered);
    }
    all_is_done(&world);
    assert_eq!((world.totals().sent, world.totals().attempts_failed), (3, 5));
}

#[test]
fn a_throttled_message_that_grows_too_old_expires() {
    let (world, smsc) = (World::new(), Smsc::new());
    let mut snapshot = sample(&smsc);
    snapshot.accounts[0].validity_default_seconds = 2;
    world.apply(&snapshot);
    let mut alpha = smsc.accept();
    world.submit(request(texts(1))).unwrap();
    while world.totals().open_messages > 0 {
        let Some(support::Said::Message { sequence_number, .. }) =
            alpha.hear_within(std::time::Duration::from_millis(20))
        else {
            continue;
        };
        alpha.answer(sequence_number, CommandStatus::RTHROTTLED, "");
    }
    assert_eq!((world.totals().sent, world.totals().undelivered), (0, 1));
}

#[test]
fn congestion_state_slows_the_carrier_and_is_shown() {
    let (world, _smsc, mut alpha) = start();
    world.submit(request(texts(10))).unwrap();
    for number in 0..10 {
        let (sequence_number, _) = alpha.hear_message();
        let mut area = Vec::new();
        tlv::append(&mut area, Tag::CONGESTION_STATE, &[if number < 9 { 40 } else { 95 }]);
        let id = format!("{number}");
        let message_id = id.as_bytes().into();
        let response = MessageResponse { message_id, tlvs: Tlvs::parse(&area).unwrap() };
        alpha.session.answer(sequence_number, Pdu::SubmitSmResp(response), CommandStatus::ROK);
        alpha.flush();
        if number == 8 {
            world.until("it was read", |world| world.carrier("alpha").sent == 9);
            let carrier = world.carrier("alpha");
            assert_eq!((carrier.congestion_state, carrier.slowed), (Some(40), false));
        }
    }
    world.until("it was read", |world| world.carrier("alpha").sent == 10);
    let carrier = world.carrier("alpha");
    assert_eq!((carrier.congestion_state, carrier.slowed), (Some(95), true));
}
