//! From acceptance to the carrier and back: windows, attempts, failover, receipts, and counters that end at nothing.

mod support;

use std::time::Duration;

use brivas_proto::v1;
use brivas_smpp::{BindMode, CommandStatus, EsmClass, MessageState, RegisteredDelivery, ShortMessage};
use support::peer::message;
use support::{Peer, Said, Smsc, World, carrier, request, route, sample, texts};

/// Long enough for what should not happen to happen.
const A_WHILE: Duration = Duration::from_millis(300);

fn customer(world: &World) -> Peer {
    Peer::customer(world.engine().addresses().smpp, "sample", BindMode::Transceiver)
}

/// One account, one carrier, both bound.
fn start() -> (World, Smsc, Peer, Peer) {
    let (world, smsc) = (World::new(), Smsc::new());
    world.apply(&sample(&smsc));
    let alpha = smsc.accept();
    world.until("alpha is up", |world| world.carrier("alpha").binds_up == 1);
    let customer = customer(&world);
    (world, smsc, alpha, customer)
}

#[track_caller]
fn all_is_done(world: &World) {
    world.until("nothing is open", |world| world.totals().open_messages == 0);
    let stats = world.stats();
    for carrier in &stats.carriers {
        assert_eq!((carrier.queued, carrier.in_flight), (0, 0), "{carrier:?}");
    }
    for account in &stats.accounts {
        assert_eq!((account.open_messages, account.deliveries_waiting), (0, 0), "{account:?}");
    }
}

#[test]
fn a_message_is_carried_and_its_receipt_comes_back() {
    let (world, _smsc, mut alpha, mut customer) = start();
    let id = customer.submit("491701");
    let (sequence_number, to) = alpha.hear_message();
    assert_eq!(to, "491701");
    alpha.answer(sequence_number, CommandStatus::ROK, "c1");
    alpha.say_receipt("C1", MessageState::Delivered);
    let Said::Message { sequence_number, text, is_receipt: true, .. } = customer.hear() else { panic!() };
    assert!(String::from_utf8_lossy(&text).contains(&id));
    customer.answer(sequence_number, CommandStatus::ROK, "");
    assert!(matches!(alpha.hear(), Said::Answered { status: CommandStatus::ROK, .. }));
    all_is_done(&world);
    assert_eq!(world.history(&id), ["accepted", "sent", "final", "receipt_delivered"]);
}

#[test]
fn a_carrier_that_answers_twice_or_out_of_the_blue_changes_nothing() {
    let (world, _smsc, mut alpha, mut customer) = start();
    let id = customer.submit("491701");
    let (sequence_number, _) = alpha.hear_message();
    alpha.answer(sequence_number, CommandStatus::ROK, "1");
    alpha.answer(sequence_number, CommandStatus::ROK, "2");
    alpha.answer(sequence_number, CommandStatus::RSYSERR, "");
    alpha.answer(0, CommandStatus::ROK, "3");
    alpha.answer(77_777, CommandStatus::ROK, "4");
    alpha.say_receipt("1", MessageState::Delivered);
    assert!(matches!(alpha.hear(), Said::Answered { status: CommandStatus::ROK, .. }));
    let Said::Message { sequence_number, .. } = customer.hear() else { panic!() };
    customer.answer(sequence_number, CommandStatus::ROK, "");
    all_is_done(&world);
    assert_eq!(world.history(&id), ["accepted", "sent", "final", "receipt_delivered"]);
    assert_eq!((world.totals().sent, world.totals().attempts_failed), (1, 0));
}

#[test]
fn a_receipt_that_comes_before_its_response_is_matched_and_answered_once() {
    let (world, _smsc, mut alpha, mut customer) = start();
    customer.submit("491701");
    let (sequence_number, _) = alpha.hear_message();
    alpha.say_receipt("early", MessageState::Delivered);
    alpha.answer(sequence_number, CommandStatus::ROK, "EARLY");
    assert!(matches!(alpha.hear(), Said::Answered { status: CommandStatus::ROK, .. }));
    let Said::Message { sequence_number, .. } = customer.hear() else { panic!() };
    customer.answer(sequence_number, CommandStatus::ROK, "");
    all_is_done(&world);
    assert_eq!((world.totals().receipts_matched, world.totals().delivered), (1, 1));
}

#[test]
fn more_early_receipts_than_are_parked_at_once_are_matched_one_after_the_other() {
    let (world, _smsc, mut alpha, _customer) = start();
    // 25,000 within five seconds: the limit is what waits at once, not what came lately.
    let mut number = 0;
    for _ in 0..25 {
        world.submit(request(texts(1_000))).unwrap();
        for _ in 0..1_000 {
            let (sequence_number, _) = alpha.hear_message();
            number += 1;
            alpha.say_receipt(&format!("r{number}"), MessageState::Delivered);
            alpha.answer(sequence_number, CommandStatus::ROK, &format!("r{number}"));
        }
    }
    world.until("all are matched", |world| world.totals().receipts_matched == 25_000);
    all_is_done(&world);
    assert_eq!(world.totals().receipts_unmatched, 0);
}

#[test]
fn a_second_receipt_and_a_receipt_of_nobody_are_answered_and_end_nothing() {
    let (world, _smsc, mut alpha, mut customer) = start();
    let id = customer.submit("491701");
    let (sequence_number, _) = alpha.hear_message();
    alpha.answer(sequence_number, CommandStatus::ROK, "1");
    for id in ["1", "1", "nobody"] {
        alpha.say_receipt(id, MessageState::Delivered);
    }
    let Said::Message { sequence_number, .. } = customer.hear() else { panic!() };
    customer.answer(sequence_number, CommandStatus::ROK, "");
    // The third waits for a response that never comes, then is let go.
    for _ in 0..3 {
        assert!(matches!(alpha.hear(), Said::Answered { status: CommandStatus::ROK, .. }));
    }
    all_is_done(&world);
    assert_eq!(world.history(&id), ["accepted", "sent", "final", "receipt_delivered"]);
    assert_eq!(world.totals().receipts_unmatched, 1);
    assert_eq!(world.carrier("alpha").receipts.unwrap().duplicate, 1);
}

#[test]
fn an_intermediate_notification_ends_nothing() {
    let (world, _smsc, mut alpha, mut customer) = start();
    customer.submit("491701");
    let (sequence_number, _) = alpha.hear_message();
    alpha.answer(sequence_number, CommandStatus::ROK, "1");
    let text = b"id:1 stat:ENROUTE err:000";
    alpha.say(1, &ShortMessage { esm_class: EsmClass(0x20), ..message("40404", text) });
    assert!(matches!(alpha.hear(), Said::Answered { status: CommandStatus::ROK, .. }));
    assert_eq!(world.totals().open_messages, 1);
    alpha.say_receipt("1", MessageState::Delivered);
    assert!(matches!(customer.hear(), Said::Message { is_receipt: true, .. }));
}

#[test]
fn a_receipt_on_another_bind_of_the_carrier_is_matched() {
    let (world, smsc) = (World::new(), Smsc::new());
    let mut snapshot = sample(&smsc);
    snapshot.carriers[0].binds = 2;
    world.apply(&snapshot);
    let mut binds = [smsc.accept(), smsc.accept()];
    world.until("both are up", |world| world.carrier("alpha").binds_up == 2);
    let mut customer = customer(&world);
    customer.submit("491701");
    let at = loop {
        let heard = binds.iter_mut().position(|bind| {
            let said = bind.hear_within(Duration::from_millis(20));
            if let Some(Said::Message { sequence_number, .. }) = said {
                bind.answer(sequence_number, CommandStatus::ROK, "1");
            }
            said.is_some()
        });
        if let Some(at) = heard {
            break at;
        }
    };
    binds[1 - at].say_receipt("1", MessageState::Delivered);
    assert!(matches!(customer.hear(), Said::Message { is_receipt: true, .. }));
}

#[test]
fn a_response_after_the_timeout_is_nobodys() {
    let (world, smsc) = (World::new(), Smsc::new());
    let mut snapshot = sample(&smsc);
    snapshot.carriers[0].response_timeout_ms = 200;
    world.apply(&snapshot);
    let mut alpha = smsc.accept();
    let id = customer(&world).submit("491701");
    let (late, _) = alpha.hear_message();
    let (second, _) = alpha.hear_message();
    alpha.answer(late, CommandStatus::ROK, "late");
    alpha.answer(second, CommandStatus::ROK, "second");
    world.until("sent", |world| world.totals().sent == 1);
    alpha.say_receipt("second", MessageState::Delivered);
    assert!(matches!(alpha.hear(), Said::Answered { status: CommandStatus::ROK, .. }));
    let mut bound = customer(&world);
    let Said::Message { sequence_number, .. } = bound.hear() else { panic!() };
    bound.answer(sequence_number, CommandStatus::ROK, "");
    all_is_done(&world);
    assert_eq!(world.history(&id), ["accepted", "attempt_failed", "sent", "final", "receipt_delivered"]);
}

#[test]
fn a_carrier_that_goes_in_the_middle_of_a_window_gets_the_rest_again_and_only_the_rest() {
    let (world, smsc, mut alpha, _customer) = start();
    world.submit(request(texts(50))).unwrap();
    let mut answered = Vec::new();
    for number in 0..50 {
        let (sequence_number, to) = alpha.hear_message();
        if number < 20 {
            alpha.answer(sequence_number, CommandStatus::ROK, &to);
            answered.push(to);
        }
    }
    world.until("the answers were read", |world| world.totals().sent == 20);
    drop(alpha);
    let mut alpha = smsc.accept();
    for _ in 0..30 {
        let (sequence_number, to) = alpha.hear_message();
        assert!(!answered.contains(&to), "{to} was answered");
        alpha.answer(sequence_number, CommandStatus::ROK, &to);
        answered.push(to);
    }
    for id in &answered {
        alpha.say_receipt(id, MessageState::Delivered);
    }
    all_is_done(&world);
    let totals = world.totals();
    assert_eq!((totals.sent, totals.attempts_failed, totals.delivered, totals.undelivered), (50, 30, 50, 0));
}

#[test]
fn what_one_carrier_refuses_for_now_goes_to_the_next() {
    let (world, first, second) = (World::new(), Smsc::new(), Smsc::new());
    let mut snapshot = sample(&first);
    snapshot.carriers.push(carrier("beta", &second));
    snapshot.routes = vec![route(&["alpha", "beta"])];
    world.apply(&snapshot);
    let (mut alpha, mut beta) = (first.accept(), second.accept());
    world.until("both are up", |world| world.carrier("alpha").binds_up + world.carrier("beta").binds_up == 2);
    world.submit(request(texts(1))).unwrap();
    let (sequence_number, _) = alpha.hear_message();
    alpha.answer(sequence_number, CommandStatus::RSYSERR, "");
    let (sequence_number, _) = beta.hear_message();
    beta.answer(sequence_number, CommandStatus::ROK, "");
    all_is_done(&world);
}

#[test]
fn what_waits_for_a_dead_carrier_moves_on_once_the_other_has_room_again() {
    let (world, first, second) = (World::new(), Smsc::new(), Smsc::new());
    let mut snapshot = sample(&first);
    snapshot.carriers.push(v1::Carrier { queue_max: 5, window_max: 1, ..carrier("beta", &second) });
    snapshot.routes = vec![route(&["alpha", "beta"])];
    world.apply(&snapshot);
    let (mut alpha, mut beta) = (first.accept(), second.accept());
    world.until("both are up", |world| world.carrier("alpha").binds_up + world.carrier("beta").binds_up == 2);
    // Alpha refuses to come back: nobody accepts there, and its queue is more than beta takes at once.
    world.submit(request(texts(20))).unwrap();
    for _ in 0..20 {
        alpha.hear_message();
    }
    drop(first);
    drop(alpha);
    for _ in 0..20 {
        let (sequence_number, _) = beta.hear_message();
        beta.answer(sequence_number, CommandStatus::ROK, "");
    }
    all_is_done(&world);
}

#[test]
fn a_customer_that_goes_gets_its_deliveries_on_its_next_bind() {
    let (world, _smsc, mut alpha, mut first) = start();
    for number in 0..5 {
        first.submit(&format!("49170{number}"));
        let (sequence_number, to) = alpha.hear_message();
        alpha.answer(sequence_number, CommandStatus::ROK, &to);
    }
    for number in 0..5 {
        alpha.say_receipt(&format!("49170{number}"), MessageState::Delivered);
    }
    let mut received = Vec::new();
    for number in 0..5 {
        let Said::Message { sequence_number, from, .. } = first.hear() else { panic!() };
        if number < 2 {
            first.answer(sequence_number, CommandStatus::ROK, "");
            received.push(from);
        }
    }
    world.until("two have arrived", |world| world.totals().receipts_delivered == 2);
    first.unbind();
    assert!(matches!(first.hear(), Said::Closed));
    let mut second = customer(&world);
    for _ in 0..3 {
        let Said::Message { sequence_number, from, .. } = second.hear() else { panic!() };
        second.answer(sequence_number, CommandStatus::ROK, "");
        assert!(!received.contains(&from));
        received.push(from);
    }
    all_is_done(&world);
    assert_eq!(world.totals().receipts_delivered, 5);
}

#[test]
fn a_delivery_that_the_customer_rejects_is_over_and_one_that_it_cannot_take_comes_again() {
    let (world, _smsc, mut alpha, mut bound) = start();
    for id in ["491701", "491702"] {
        bound.submit(id);
        let (sequence_number, _) = alpha.hear_message();
        alpha.answer(sequence_number, CommandStatus::ROK, id);
    }
    for id in ["491701", "491702"] {
        alpha.say_receipt(id, MessageState::Delivered);
    }
    for status in [CommandStatus::RX_R_APPN, CommandStatus::RSYSERR] {
        let Said::Message { sequence_number, .. } = bound.hear() else { panic!() };
        bound.answer(sequence_number, status, "");
    }
    let Said::Message { sequence_number, from, .. } = bound.hear() else { panic!() };
    assert_eq!(from, "491702");
    bound.answer(sequence_number, CommandStatus::ROK, "");
    all_is_done(&world);
}

#[test]
fn a_receipt_with_an_old_date_waits_as_long_as_any_other() {
    let (world, _smsc, mut alpha, mut bound) = start();
    bound.submit("491701");
    drop(bound);
    let (sequence_number, _) = alpha.hear_message();
    alpha.answer(sequence_number, CommandStatus::ROK, "1");
    world.until("parted", |world| world.account("sample").binds == 0);
    // A carrier in another time zone: by its date the account's retention of an hour is over.
    alpha.say_receipt_done("1", MessageState::Delivered, support::now_ms() - 12 * 3_600_000);
    assert!(matches!(alpha.hear(), Said::Answered { status: CommandStatus::ROK, .. }));
    assert_eq!(alpha.hear_within(A_WHILE), None);
    assert!(matches!(customer(&world).hear(), Said::Message { is_receipt: true, .. }));
}

#[test]
fn an_overlong_carrier_id_is_cut_and_harms_nobody() {
    let (world, _smsc, mut alpha, _customer) = start();
    let long = "7".repeat(60_000);
    for _ in 0..8 {
        world.submit(request(texts(100))).unwrap();
        for _ in 0..100 {
            let (sequence_number, _) = alpha.hear_message();
            alpha.answer(sequence_number, CommandStatus::ROK, &long);
        }
    }
    world.until("all are sent", |world| world.totals().sent == 800);
    let stats = world.stats();
    assert_eq!(stats.acceptance_stopped, "");
    assert!(stats.journal.unwrap().bytes < 2 << 20);
}

#[test]
fn incoming_messages_beyond_what_an_account_may_have_open_come_again_later() {
    let (world, smsc) = (World::new(), Smsc::new());
    let mut snapshot = sample(&smsc);
    snapshot.accounts[0].open_messages_max = 3;
    snapshot.routes.push(support::incoming_route("sample"));
    world.apply(&snapshot);
    let mut alpha = smsc.accept();
    for token in 0..4 {
        alpha.say(token, &message("40404", b"hi"));
    }
    let mut answers = Vec::new();
    for _ in 0..4 {
        let Said::Answered { token, status, .. } = alpha.hear() else { panic!() };
        answers.push((token, status));
    }
    answers.sort_by_key(|answer| answer.0);
    assert_eq!(answers[2].1, CommandStatus::ROK);
    assert_eq!(answers[3].1, CommandStatus::RX_T_APPN);
    let mut bound = customer(&world);
    for _ in 0..3 {
        let Said::Message { sequence_number, .. } = bound.hear() else { panic!() };
        bound.answer(sequence_number, CommandStatus::ROK, "");
    }
    all_is_done(&world);
}

#[test]
fn a_message_without_receipt_ends_with_the_carriers_response() {
    let (world, _smsc, mut alpha, mut customer) = start();
    customer.say(1, &ShortMessage { registered_delivery: RegisteredDelivery(0), ..message("491701", b"hi") });
    let Said::Answered { status: CommandStatus::ROK, id, .. } = customer.hear() else { panic!() };
    let (sequence_number, _) = alpha.hear_message();
    alpha.answer(sequence_number, CommandStatus::ROK, "1");
    all_is_done(&world);
    assert_eq!(world.history(&id), ["accepted", "sent", "final"]);
}
