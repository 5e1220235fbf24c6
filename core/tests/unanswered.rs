//! Messages that a carrier has got and not answered: sent again, held or given up, as the configuration says.

mod support;

use std::time::Duration;

use brivas_proto::v1;
use brivas_smpp::pdu::Address;
use brivas_smpp::{BindMode, CommandStatus, EsmClass, ShortMessage};
use support::{Peer, Said, Smsc, World, request, sample, texts};

/// Long enough for what should not happen to happen.
const A_WHILE: Duration = Duration::from_millis(500);

fn start(on_timeout: v1::Unanswered, on_disconnect: v1::Unanswered) -> (World, Smsc, Peer) {
    let (world, smsc) = (World::new(), Smsc::new());
    let mut snapshot = sample(&smsc);
    let carrier = &mut snapshot.carriers[0];
    carrier.on_timeout = on_timeout.into();
    carrier.on_disconnect = on_disconnect.into();
    if on_timeout != v1::Unanswered::Requeue {
        carrier.response_timeout_ms = 200;
    }
    world.apply(&snapshot);
    let alpha = smsc.accept();
    world.until("alpha is up", |world| world.carrier("alpha").binds_up == 1);
    (world, smsc, alpha)
}

fn say_receipt(alpha: &mut Peer, number: &str, id: &str) {
    let text = format!("id:{id} stat:DELIVRD err:000 text:");
    alpha.say(
        1,
        &ShortMessage {
            source: Address { ton: 1, npi: 1, digits: number.as_bytes() },
            destination: Address { ton: 3, npi: 0, digits: b"40404" },
            esm_class: EsmClass::RECEIPT,
            short_message: text.as_bytes(),
            ..ShortMessage::default()
        },
    );
    alpha.flush();
}

fn submit(world: &World, count: usize) -> Vec<String> {
    world.submit(request(texts(count))).unwrap().results.into_iter().map(|result| result.id).collect()
}

#[track_caller]
fn all_is_done(world: &World) {
    world.until("nothing is open", |world| world.totals().open_messages == 0);
    let carrier = world.carrier("alpha");
    assert_eq!((carrier.queued, carrier.in_flight, carrier.held), (0, 0, 0), "{carrier:?}");
}

#[test]
fn a_held_message_is_not_sent_again_and_its_late_response_counts() {
    let (world, _smsc, mut alpha) = start(v1::Unanswered::Hold, v1::Unanswered::Requeue);
    let ids = submit(&world, 2);
    let heard = [alpha.hear_message(), alpha.hear_message()];
    world.until("both are held", |world| world.carrier("alpha").held == 2);
    assert_eq!(alpha.hear_within(A_WHILE), None);
    alpha.answer(heard[0].0, CommandStatus::ROK, "late");
    say_receipt(&mut alpha, &heard[0].1, "late");
    // It was not taken: now it may be sent again.
    alpha.answer(heard[1].0, CommandStatus::RSYSERR, "");
    let (sequence_number, to) = alpha.hear_message();
    assert_eq!(to, heard[1].1);
    alpha.answer(sequence_number, CommandStatus::ROK, "second");
    say_receipt(&mut alpha, &to, "second");
    all_is_done(&world);
    assert_eq!(world.history(&ids[0]), ["accepted", "attempt_failed", "sent", "final"]);
    assert_eq!(world.carrier("alpha").unanswered, 2);
}

#[test]
fn a_held_message_whose_response_is_lost_is_found_by_its_numbers_also_after_a_crash() {
    let (mut world, smsc, mut alpha) = start(v1::Unanswered::Requeue, v1::Unanswered::Hold);
    let ids = submit(&world, 2);
    let heard = [alpha.hear_message(), alpha.hear_message()];
    drop(alpha);
    let mut alpha = smsc.accept();
    world.until("both are held", |world| world.carrier("alpha").held == 2);
    assert_eq!(alpha.hear_within(A_WHILE), None);
    // No response will name it: the receipt waits as long as one might, then its numbers tell.
    say_receipt(&mut alpha, &heard[0].1, "unknown");
    assert!(matches!(alpha.hear(), Said::Answered { status: CommandStatus::ROK, .. }));
    world.until("it has ended", |world| world.totals().open_messages == 1);
    assert_eq!(world.history(&ids[0]), ["accepted", "attempt_failed", "final"]);
    world.crash();
    let mut alpha = smsc.accept();
    world.until("it is held", |world| world.carrier("alpha").held == 1);
    assert_eq!(alpha.hear_within(A_WHILE), None);
    say_receipt(&mut alpha, &heard[1].1, "unknown too");
    assert!(matches!(alpha.hear(), Said::Answered { status: CommandStatus::ROK, .. }));
    all_is_done(&world);
    assert_eq!(world.history(&ids[1]), ["accepted", "attempt_failed", "final"]);
}

#[test]
fn two_held_messages_of_the_same_numbers_are_not_told_apart_and_neither_is_ended() {
    let (world, smsc, mut alpha) = start(v1::Unanswered::Requeue, v1::Unanswered::Hold);
    submit(&world, 1);
    submit(&world, 1);
    let (_, number) = alpha.hear_message();
    alpha.hear_message();
    drop(alpha);
    let mut alpha = smsc.accept();
    world.until("both are held", |world| world.carrier("alpha").held == 2);
    say_receipt(&mut alpha, &number, "unknown");
    assert!(matches!(alpha.hear(), Said::Answered { status: CommandStatus::ROK, .. }));
    assert_eq!((world.totals().open_messages, world.totals().receipts_unmatched), (2, 1));
}

#[test]
fn what_is_given_up_ends_as_undeliverable() {
    let (world, smsc, mut alpha) = start(v1::Unanswered::Fail, v1::Unanswered::Fail);
    let ids = submit(&world, 1);
    let (late, _) = alpha.hear_message();
    all_is_done(&world);
    alpha.answer(late, CommandStatus::ROK, "late");
    let lost = submit(&world, 1);
    alpha.hear_message();
    drop(alpha);
    let mut alpha = smsc.accept();
    all_is_done(&world);
    assert_eq!(alpha.hear_within(A_WHILE), None);
    for id in [&ids[0], &lost[0]] {
        assert_eq!(world.history(id), ["accepted", "attempt_failed", "final"]);
    }
    assert_eq!((world.totals().undelivered, world.totals().sent), (2, 0));
}

#[test]
fn a_held_message_that_a_receipt_has_ended_is_not_opened_again_by_its_late_response() {
    let (world, _smsc, mut alpha) = start(v1::Unanswered::Hold, v1::Unanswered::Requeue);
    let smpp = world.engine().addresses().smpp;
    let mut customer = Peer::customer(smpp, "sample", BindMode::Transceiver);
    let id = customer.submit("491701");
    // Its receipt waits for it, so the message stays.
    drop(customer);
    let (late, number) = alpha.hear_message();
    world.until("it is held", |world| world.carrier("alpha").held == 1);
    say_receipt(&mut alpha, &number, "unknown");
    assert!(matches!(alpha.hear(), Said::Answered { status: CommandStatus::ROK, .. }));
    assert_eq!((world.carrier("alpha").held, world.totals().delivered), (0, 1));
    // Neither does another receipt of its numbers mean it.
    say_receipt(&mut alpha, &number, "another");
    assert!(matches!(alpha.hear(), Said::Answered { status: CommandStatus::ROK, .. }));
    alpha.answer(late, CommandStatus::ROK, "late");
    let mut customer = Peer::customer(smpp, "sample", BindMode::Transceiver);
    assert_eq!(customer.hear_receipt().0, id);
    all_is_done(&world);
    assert_eq!(world.history(&id), ["accepted", "attempt_failed", "final", "receipt_delivered"]);
}

#[test]
fn a_held_message_stays_with_its_carrier_when_the_journals_oldest_segment_goes() {
    let mut world = World::with_journal(1 << 20, 2 << 20);
    let (alpha_smsc, beta_smsc) = (Smsc::new(), Smsc::new());
    let mut snapshot = sample(&alpha_smsc);
    snapshot.carriers.push(support::carrier("beta", &beta_smsc));
    // What is new goes to beta; what is held at alpha is alpha's.
    snapshot.routes = vec![support::route(&["beta", "alpha"])];
    snapshot.carriers[0].on_disconnect = v1::Unanswered::Hold.into();
    let beta_first = snapshot.clone();
    snapshot.routes = vec![support::route(&["alpha"])];
    world.apply(&snapshot);
    let mut alpha = alpha_smsc.accept();
    let mut beta = beta_smsc.accept();
    world.until("alpha is up", |world| world.carrier("alpha").binds_up == 1);
    let id = submit(&world, 1).remove(0);
    let (_, number) = alpha.hear_message();
    drop(alpha);
    let alpha = alpha_smsc.accept();
    world.until("it is held", |world| world.carrier("alpha").held == 1);
    world.apply(&beta_first);
    let first = world.stats().journal.unwrap().start_offset;
    let mut sent = 0;
    while world.stats().journal.unwrap().start_offset == first {
        submit(&world, 1_000);
        for _ in 0..1_000 {
            let (sequence_number, to) = beta.hear_message();
            sent += 1;
            beta.answer(sequence_number, CommandStatus::ROK, &format!("b{sent}"));
            say_receipt(&mut beta, &to, &format!("b{sent}"));
        }
        world.until("the others have ended", |world| world.totals().open_messages == 1);
    }
    drop(alpha);
    world.crash();
    let mut alpha = alpha_smsc.accept();
    world.until("it is held there", |world| world.carrier("alpha").held == 1);
    say_receipt(&mut alpha, &number, "unknown");
    assert!(matches!(alpha.hear(), Said::Answered { status: CommandStatus::ROK, .. }));
    world.until("it has ended", |world| world.totals().open_messages == 0);
    assert_eq!(world.query(&id).unwrap().state(), v1::MessageState::Delivered);
}

#[test]
fn more_held_messages_than_are_compared_with_receipts_are_held_all_the_same() {
    const COMPARED_MAX: usize = 10_000;
    let (world, smsc) = (World::new(), Smsc::new());
    let mut snapshot = sample(&smsc);
    let carrier = &mut snapshot.carriers[0];
    carrier.on_timeout = v1::Unanswered::Hold.into();
    (carrier.window_max, carrier.response_timeout_ms) = (10_000, 500);
    world.apply(&snapshot);
    let mut alpha = smsc.accept();
    for _ in 0..11 {
        submit(&world, 1_000);
    }
    let heard: Vec<_> = (0..11_000).map(|_| alpha.hear_message()).collect();
    world.until("all are held", |world| world.carrier("alpha").unanswered == 11_000);
    assert_eq!((world.carrier("alpha").held, world.totals().open_messages), (COMPARED_MAX as u64, 11_000));
    // Late responses are known for as many: for the last, and no more for the first.
    alpha.answer(heard[0].0, CommandStatus::ROK, "too late");
    let (sequence_number, number) = &heard[10_999];
    alpha.answer(*sequence_number, CommandStatus::ROK, "late");
    say_receipt(&mut alpha, number, "late");
    world.until("it has ended", |world| world.totals().open_messages == 10_999);
    assert_eq!(world.totals().sent, 1);
}
