//! Receipts that come before the response which names their message, or whose message nobody knows: they are answered as
//! soon as it is known which, and hold nothing up.

mod support;

use std::time::Duration;

use brivas_proto::v1;
use brivas_smpp::pdu::Address;
use brivas_smpp::{BindMode, CommandStatus, EsmClass, MessageState, ShortMessage};
use support::{Peer, Said, Smsc, World, request, sample, texts};

fn start() -> (World, Smsc, Peer) {
    let (world, smsc) = (World::new(), Smsc::new());
    world.apply(&sample(&smsc));
    let alpha = smsc.accept();
    world.until("alpha is up", |world| world.carrier("alpha").binds_up == 1);
    (world, smsc, alpha)
}

/// A receipt from a number; its answer is heard by this token.
fn say_receipt(alpha: &mut Peer, token: u64, number: &str, id: &str, state: &str) {
    let text = format!("id:{id} stat:{state} err:000 text:");
    let message = ShortMessage {
        source: Address { ton: 1, npi: 1, digits: number.as_bytes() },
        destination: Address { ton: 3, npi: 0, digits: b"40404" },
        esm_class: EsmClass::RECEIPT,
        short_message: text.as_bytes(),
        ..ShortMessage::default()
    };
    alpha.say(token, &message);
    alpha.flush();
}

/// The next answer to a receipt.
#[track_caller]
fn hear_answer(alpha: &mut Peer) -> (u64, CommandStatus) {
    loop {
        match alpha.hear() {
            Said::Answered { token, status, .. } => return (token, status),
            Said::Closed => panic!("closed"),
            _ => {}
        }
    }
}

fn receipts(world: &World) -> v1::CarrierReceipts {
    world.carrier("alpha").receipts.unwrap()
}

#[track_caller]
fn all_is_done(world: &World) {
    world.until("nothing is open", |world| world.totals().open_messages == 0);
    let carrier = world.carrier("alpha");
    assert_eq!((carrier.queued, carrier.in_flight, carrier.held), (0, 0, 0), "{carrier:?}");
}

#[test]
fn a_receipt_that_no_response_can_name_is_answered_before_anything_else_happens() {
    let (world, _smsc, mut alpha) = start();
    // No timer has to run: what is said behind it is answered behind it.
    for token in 0..100 {
        say_receipt(&mut alpha, token, "491700", &format!("unknown{token}"), "DELIVRD");
        assert_eq!(hear_answer(&mut alpha), (token, CommandStatus::ROK));
    }
    assert_eq!((receipts(&world).unmatched, world.totals().receipts_unmatched), (100, 100));
    alpha.unbind();
    while alpha.hear() != Said::Closed {}
}

#[test]
fn a_receipt_waits_for_the_attempts_that_were_sent_before_it_and_for_no_other() {
    let (world, _smsc, mut alpha) = start();
    world.submit(request(texts(1))).unwrap();
    let (sequence_number, _) = alpha.hear_message();
    say_receipt(&mut alpha, 7, "491700", "unknown", "DELIVRD");
    world.until("it was read", |world| {
        world.binds().iter().any(|bind| bind.side == "carrier" && bind.last_sequence_in > 0)
    });
    // Attempts of the same millisecond may be older.
    let read_ms = support::now_ms();
    world.until("time goes on", |_| support::now_ms() > read_ms + 1);
    // The last attempt that it could mean is answered, and has another id. Others follow all the time.
    world.submit(request(texts(1))).unwrap();
    let (later, _) = alpha.hear_message();
    world.until("both are in flight", |world| world.carrier("alpha").in_flight == 2);
    alpha.answer(sequence_number, CommandStatus::ROK, "a1");
    assert_eq!(hear_answer(&mut alpha), (7, CommandStatus::ROK));
    assert_eq!((world.carrier("alpha").in_flight, receipts(&world).unmatched), (1, 1));
    alpha.answer(later, CommandStatus::ROK, "a2");
}

#[test]
fn an_unbind_does_not_wait_for_a_receipts_message_and_the_receipt_is_not_lost() {
    let (world, smsc, mut alpha) = start();
    let id = world.submit(request(texts(1))).unwrap().results.remove(0).id;
    let (_, number) = alpha.hear_message();
    say_receipt(&mut alpha, 7, &number, "early", "DELIVRD");
    alpha.unbind();
    // The response may still come, but not here: the carrier is to say it again.
    assert_eq!(hear_answer(&mut alpha), (7, CommandStatus::RX_T_APPN));
    while alpha.hear() != Said::Closed {}
    // There the message comes again, since nobody knows that it was taken.
    let mut alpha = smsc.accept();
    let (sequence_number, _) = alpha.hear_message();
    say_receipt(&mut alpha, 8, &number, "early", "DELIVRD");
    alpha.answer(sequence_number, CommandStatus::ROK, "early");
    assert_eq!(hear_answer(&mut alpha), (8, CommandStatus::ROK));
    all_is_done(&world);
    assert_eq!(world.history(&id), ["accepted", "attempt_failed", "sent", "final"]);
    assert_eq!((receipts(&world).matched, receipts(&world).unmatched), (1, 0));
}

#[test]
fn an_early_receipt_comes_on_another_bind_than_its_response() {
    let (world, smsc) = (World::new(), Smsc::new());
    let mut snapshot = sample(&smsc);
    snapshot.carriers[0].binds = 2;
    world.apply(&snapshot);
    let mut binds = [smsc.accept(), smsc.accept()];
    world.until("both are up", |world| world.carrier("alpha").binds_up == 2);
    world.submit(request(texts(1))).unwrap();
    let sender = loop {
        let heard = (0..2).find(|&bind| {
            let said = binds[bind].hear_within(Duration::from_millis(20));
            if let Some(Said::Message { sequence_number, to, .. }) = said {
                say_receipt(&mut binds[1 - bind], 7, &to, "early", "DELIVRD");
                // It was read before the response is sent.
                world.until("the receipt is there", |world| {
                    world.binds().iter().any(|bind| bind.side == "carrier" && bind.last_sequence_in > 0)
                });
                binds[bind].answer(sequence_number, CommandStatus::ROK, "early");
                return true;
            }
            false
        });
        if let Some(bind) = heard {
            break bind;
        }
    };
    assert_eq!(hear_answer(&mut binds[1 - sender]), (7, CommandStatus::ROK));
    all_is_done(&world);
    assert_eq!((receipts(&world).early, receipts(&world).matched), (1, 1));
}

#[test]
fn where_ids_repeat_an_early_receipt_ends_the_message_of_its_number_and_no_other() {
    let (world, _smsc, mut alpha) = start();
    // It gives every message the same id.
    world.submit(request(texts(4))).unwrap();
    let heard: Vec<_> = (0..4).map(|_| alpha.hear_message()).collect();
    for (sequence_number, _) in &heard[..2] {
        alpha.answer(*sequence_number, CommandStatus::ROK, "0");
    }
    world.until("two are sent", |world| world.totals().sent == 2);
    // Two are open under that id: one ends, so that one is left, which the next receipt does not mean.
    say_receipt(&mut alpha, 1, &heard[0].1, "0", "DELIVRD");
    assert_eq!(hear_answer(&mut alpha), (1, CommandStatus::ROK));
    say_receipt(&mut alpha, 2, &heard[3].1, "0", "UNDELIV");
    // The third's response comes first, and is not taken for the one that the receipt waits for.
    alpha.answer(heard[2].0, CommandStatus::ROK, "0");
    alpha.answer(heard[3].0, CommandStatus::ROK, "0");
    assert_eq!(hear_answer(&mut alpha), (2, CommandStatus::ROK));
    assert_eq!((world.totals().delivered, world.totals().undelivered), (1, 1));
    for (token, at) in [(3, 1), (4, 2)] {
        say_receipt(&mut alpha, token, &heard[at].1, "0", "DELIVRD");
        assert_eq!(hear_answer(&mut alpha), (token, CommandStatus::ROK));
    }
    all_is_done(&world);
    assert_eq!((world.totals().delivered, world.totals().undelivered), (3, 1));
}

#[test]
fn an_id_that_comes_again_for_another_message_is_no_duplicate() {
    let (world, _smsc, mut alpha) = start();
    world.submit(request(texts(2))).unwrap();
    let heard: Vec<_> = (0..2).map(|_| alpha.hear_message()).collect();
    alpha.answer(heard[0].0, CommandStatus::ROK, "a1");
    say_receipt(&mut alpha, 1, &heard[0].1, "a1", "DELIVRD");
    assert_eq!(hear_answer(&mut alpha), (1, CommandStatus::ROK));
    // Early, and by the same id.
    say_receipt(&mut alpha, 2, &heard[1].1, "a1", "UNDELIV");
    alpha.answer(heard[1].0, CommandStatus::ROK, "a1");
    assert_eq!(hear_answer(&mut alpha), (2, CommandStatus::ROK));
    all_is_done(&world);
    assert_eq!((world.totals().delivered, world.totals().undelivered), (1, 1));
    // That is one.
    say_receipt(&mut alpha, 3, &heard[1].1, "a1", "DELIVRD");
    assert_eq!(hear_answer(&mut alpha), (3, CommandStatus::ROK));
    assert_eq!((receipts(&world).duplicate, receipts(&world).matched), (1, 2));
}

#[test]
fn a_date_ahead_of_its_receipt_is_not_told_to_customers() {
    let (world, _smsc, mut alpha) = start();
    let mut customer = Peer::customer(world.engine().addresses().smpp, "sample", BindMode::Transceiver);
    let before_ms = support::now_ms();
    let id = customer.submit("491701");
    let (sequence_number, _) = alpha.hear_message();
    alpha.answer(sequence_number, CommandStatus::ROK, "a1");
    // A zone of its own, which one receipt does not teach.
    alpha.say_receipt_done("a1", MessageState::Delivered, before_ms + 5 * 3_600_000);
    assert_eq!(customer.hear_receipt().0, id);
    let outcome = world.query(&id).unwrap();
    let done_ms = outcome.history.iter().find_map(|event| match event.event.as_ref()?.kind.as_ref()? {
        v1::event::Kind::Final(ended) => Some(ended.done_at_ms),
        _ => None,
    });
    assert!((before_ms..=support::now_ms()).contains(&done_ms.unwrap()), "{done_ms:?}");
}
