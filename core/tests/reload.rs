//! A new configuration while messages flow, and the end in order.

mod support;

use std::time::Duration;

use brivas_proto::v1;
use brivas_smpp::session::State;
use brivas_smpp::{BindMode, CommandStatus, MessageState};
use support::peer::message;
use support::{PATIENCE, Peer, Said, Smsc, World, account, carrier, request, route, sample, texts};

fn customer(world: &World) -> Peer {
    Peer::customer(world.engine().addresses().smpp, "sample", BindMode::Transceiver)
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

/// Alpha and beta, in this order; both bound.
fn two_carriers() -> (World, v1::Snapshot, Peer, Peer, (Smsc, Smsc)) {
    let (world, first, second) = (World::new(), Smsc::new(), Smsc::new());
    let mut snapshot = sample(&first);
    snapshot.carriers.push(carrier("beta", &second));
    snapshot.routes = vec![route(&["alpha", "beta"])];
    world.apply(&snapshot);
    let (alpha, beta) = (first.accept(), second.accept());
    world.until("both are up", |world| world.carrier("alpha").binds_up + world.carrier("beta").binds_up == 2);
    (world, snapshot, alpha, beta, (first, second))
}

fn without_alpha(snapshot: &v1::Snapshot) -> v1::Snapshot {
    let mut less = snapshot.clone();
    less.carriers.remove(0);
    less.routes = vec![route(&["beta"])];
    less
}

#[test]
fn what_a_removed_carrier_has_in_flight_still_ends_there() {
    let (world, snapshot, mut alpha, mut beta, _smscs) = two_carriers();
    world.submit(request(texts(3))).unwrap();
    let heard: Vec<_> = (0..3).map(|_| alpha.hear_message()).collect();
    world.apply(&without_alpha(&snapshot));
    // Answered before the unbind is: one well, one refused for now, one not at all.
    alpha.answer(heard[0].0, CommandStatus::ROK, "");
    alpha.answer(heard[1].0, CommandStatus::RSYSERR, "");
    world.until("both were read", |world| (world.totals().sent, world.totals().attempts_failed) == (1, 1));
    drop(alpha);
    let mut again = Vec::new();
    for _ in 0..2 {
        let (sequence_number, to) = beta.hear_message();
        beta.answer(sequence_number, CommandStatus::ROK, "");
        again.push(to);
    }
    again.sort();
    assert_eq!(again, [heard[1].1.clone(), heard[2].1.clone()]);
    all_is_done(&world);
    assert_eq!(world.totals().sent, 3);
}

#[test]
fn what_waits_for_a_removed_carrier_or_its_next_attempt_goes_to_another() {
    let (world, mut snapshot, alpha, mut beta, (first, _second)) = two_carriers();
    snapshot.routes = vec![route(&["alpha"])];
    snapshot.carriers[0].retry_initial_ms = 300;
    snapshot.carriers[0].retry_max_ms = 300;
    world.apply(&snapshot);
    let mut alpha_now = alpha;
    world.submit(request(texts(2))).unwrap();
    let (sequence_number, refused) = alpha_now.hear_message();
    alpha_now.answer(sequence_number, CommandStatus::RSYSERR, "");
    world.until("refused", |world| world.totals().attempts_failed == 1);
    drop((alpha_now, first));
    world.until("alpha is down", |world| world.carrier("alpha").binds_up == 0);
    world.submit(request(texts(3))).unwrap();
    world.apply(&without_alpha(&snapshot));
    let mut heard = Vec::new();
    for _ in 0..5 {
        let (sequence_number, to) = beta.hear_message();
        beta.answer(sequence_number, CommandStatus::ROK, "");
        heard.push(to);
    }
    assert!(heard.contains(&refused));
    all_is_done(&world);
}

#[test]
fn a_carrier_that_moves_is_bound_at_its_new_address_and_loses_nothing() {
    let (world, old, new) = (World::new(), Smsc::new(), Smsc::new());
    let mut snapshot = sample(&old);
    world.apply(&snapshot);
    let mut there = old.accept();
    let mut bound = customer(&world);
    bound.submit("491701");
    let (sequence_number, _) = there.hear_message();
    snapshot.carriers[0].port = new.port().into();
    world.apply(&snapshot);
    let mut here = new.accept();
    there.answer(sequence_number, CommandStatus::ROK, "1");
    assert!(matches!(there.hear(), Said::Closed));
    // Its receipt comes on the new one.
    world.until("sent", |world| world.totals().sent == 1);
    here.say_receipt("1", MessageState::Delivered);
    let Said::Message { sequence_number, .. } = bound.hear() else { panic!() };
    bound.answer(sequence_number, CommandStatus::ROK, "");
    all_is_done(&world);
    bound.submit("491702");
    assert_eq!(here.hear_message().1, "491702");
}

#[test]
fn binds_that_shrink_and_grow_while_the_old_ones_part_carry_everything_once() {
    let (world, smsc) = (World::new(), Smsc::new());
    let mut snapshot = sample(&smsc);
    snapshot.carriers[0].binds = 3;
    world.apply(&snapshot);
    let mut binds: Vec<_> = (0..3).map(|_| smsc.accept()).collect();
    world.until("three are up", |world| world.carrier("alpha").binds_up == 3);
    world.submit(request(texts(60))).unwrap();
    world.until("all are out", |world| world.carrier("alpha").in_flight == 60);
    snapshot.carriers[0].binds = 1;
    world.apply(&snapshot);
    snapshot.carriers[0].binds = 3;
    world.apply(&snapshot);
    binds.extend((0..2).map(|_| smsc.accept()));
    let mut answered = 0;
    while answered < 60 {
        for bind in &mut binds {
            while let Some(Said::Message { sequence_number, .. }) = bind.hear_within(Duration::from_millis(5))
            {
                bind.answer(sequence_number, CommandStatus::ROK, "");
                answered += 1;
            }
        }
    }
    all_is_done(&world);
    assert_eq!((world.totals().sent, world.totals().attempts_failed), (60, 0));
    world.until("three are up again", |world| world.carrier("alpha").binds_up == 3);
    assert_eq!(world.carrier("alpha").binds_wanted, 3);
}

#[test]
fn an_account_that_is_removed_parts_and_comes_back_to_what_it_left() {
    let (world, smsc) = (World::new(), Smsc::new());
    let snapshot = sample(&smsc);
    world.apply(&snapshot);
    let mut alpha = smsc.accept();
    let mut bound = customer(&world);
    bound.submit("491701");
    let (sequence_number, _) = alpha.hear_message();
    world.apply(&v1::Snapshot { accounts: vec![account("other")], ..snapshot.clone() });
    assert!(matches!(bound.hear(), Said::Closed));
    let at = world.engine().addresses().smpp;
    let (_, status) = Peer::try_customer(at, "sample", support::PASSWORD, BindMode::Transceiver);
    assert_eq!(status, CommandStatus::RINVPASWD);
    alpha.answer(sequence_number, CommandStatus::ROK, "1");
    alpha.say_receipt("1", MessageState::Delivered);
    assert!(matches!(alpha.hear(), Said::Answered { status: CommandStatus::ROK, .. }));
    assert_eq!(alpha.hear_within(Duration::from_millis(300)), None);
    world.apply(&snapshot);
    let mut bound = customer(&world);
    let Said::Message { sequence_number, is_receipt: true, .. } = bound.hear() else { panic!() };
    bound.answer(sequence_number, CommandStatus::ROK, "");
    all_is_done(&world);
}

#[test]
fn a_window_that_shrinks_holds_and_one_that_grows_lets_go() {
    let (world, smsc) = (World::new(), Smsc::new());
    let mut snapshot = sample(&smsc);
    snapshot.routes.push(support::incoming_route("sample"));
    snapshot.accounts[0].window_max = 5;
    world.apply(&snapshot);
    let mut alpha = smsc.accept();
    let mut bound = customer(&world);
    for token in 0..8 {
        alpha.say(token, &message("40404", b"hi"));
    }
    alpha.flush();
    let hear = |bound: &mut Peer| match bound.hear() {
        Said::Message { sequence_number, .. } => sequence_number,
        other => panic!("{other:?}"),
    };
    let mut unanswered: Vec<_> = (0..5).map(|_| hear(&mut bound)).collect();
    snapshot.accounts[0].window_max = 1;
    world.apply(&snapshot);
    for sequence_number in unanswered.drain(..4) {
        bound.answer(sequence_number, CommandStatus::ROK, "");
    }
    world.until("four have arrived", |world| world.totals().mo_delivered == 4);
    assert_eq!(bound.hear_within(Duration::from_millis(100)), None);
    snapshot.accounts[0].window_max = 3;
    world.apply(&snapshot);
    unanswered.extend([hear(&mut bound), hear(&mut bound)]);
    for sequence_number in unanswered {
        bound.answer(sequence_number, CommandStatus::ROK, "");
    }
    let last = hear(&mut bound);
    bound.answer(last, CommandStatus::ROK, "");
    all_is_done(&world);
}

#[test]
fn a_carriers_new_timers_hold_for_the_binds_that_it_has() {
    let (world, smsc) = (World::new(), Smsc::new());
    let mut snapshot = sample(&smsc);
    world.apply(&snapshot);
    let mut alpha = smsc.accept();
    customer(&world).submit("491701");
    alpha.hear_message();
    snapshot.carriers[0].response_timeout_ms = 100;
    world.apply(&snapshot);
    // On the same bind, since the first was not answered in the new time.
    assert_eq!(alpha.hear_message().1, "491701");
}

#[test]
fn an_apply_whose_caller_gives_up_is_in_force_everywhere_or_nowhere() {
    let (world, smsc) = (World::new(), Smsc::new());
    let mut snapshot = sample(&smsc);
    world.apply(&snapshot);
    for round in 0..20 {
        let mut more = snapshot.clone();
        more.accounts.push(account(&format!("gone-{round}")));
        let apply = v1::ApplyRequest { snapshot: Some(more), dry_run: false };
        let _ = world.messaging(async |messaging| {
            // While the shard has much to do, so that there is time to give up.
            let mut submissions = Vec::new();
            for _ in 0..4 {
                let mut messaging = messaging.clone();
                submissions.push(tokio::spawn(async move { messaging.submit(request(texts(1_000))).await }));
            }
            tokio::time::timeout(Duration::from_micros(500 * round), world.control_async(apply)).await.ok();
            for submission in submissions {
                submission.await.unwrap()?;
            }
            Ok(tonic::Response::new(()))
        });
    }
    snapshot.accounts.push(account("kept"));
    world.apply(&snapshot);
    let mut kept = Peer::customer(world.engine().addresses().smpp, "kept", BindMode::Transceiver);
    let id = kept.submit("491701");
    assert_eq!(world.query(&id).unwrap().account, "kept");
}

#[test]
fn a_drain_lets_end_what_is_under_way_and_keeps_the_rest_for_the_next_start() {
    let (mut world, smsc) = (World::new(), Smsc::new());
    let mut snapshot = sample(&smsc);
    snapshot.carriers[0].window_max = 2;
    world.apply(&snapshot);
    let mut alpha = smsc.accept();
    let mut bound = customer(&world);
    for number in 0..4 {
        bound.submit(&format!("49170{number}"));
    }
    let heard = [alpha.hear_message(), alpha.hear_message()];
    let drained = std::thread::scope(|scope| {
        let drained = scope.spawn(|| world.engine().drain(PATIENCE));
        // What comes now is refused; what is under way goes on, and its receipt is taken.
        loop {
            bound.say_to("491709", 9);
            match bound.hear() {
                Said::Answered { status: CommandStatus::RSYSERR, .. } => break,
                Said::Answered { status: CommandStatus::ROK, .. } => {}
                other => panic!("{other:?}"),
            }
        }
        alpha.say_receipt("early", MessageState::Delivered);
        for (sequence_number, to) in &heard {
            alpha.answer(*sequence_number, CommandStatus::ROK, to);
        }
        while !matches!(alpha.hear(), Said::Closed) {}
        assert_eq!(bound.hear(), Said::Closed);
        drained.join().unwrap()
    });
    assert!(drained);
    assert_eq!(alpha.session.state(), State::Closed);
    let open = world.totals().open_messages;
    world.restart();
    assert_eq!(world.totals().open_messages, open);
    let mut alpha = smsc.accept();
    assert_eq!(alpha.hear_message().1, "491702");
}

#[test]
fn a_drain_is_not_held_up_by_strangers_or_carriers_that_do_not_answer() {
    let (world, smsc) = (World::new(), Smsc::new());
    let mut snapshot = sample(&smsc);
    snapshot.carriers[0].binds = 2;
    world.apply(&snapshot);
    // Takes the connection, and never answers the bind.
    let _silent = [smsc.accept_raw(), smsc.accept_raw()];
    let _stranger = std::net::TcpStream::connect(world.engine().addresses().smpp).unwrap();
    world.until("connected", |world| world.totals().connections == 3);
    assert!(world.drain(PATIENCE));
}
