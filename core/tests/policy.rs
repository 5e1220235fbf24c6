//! The policy on a real engine: suppressions, quarantine, quiet hours, velocity; over restarts as well.

mod support;

use brivas_proto::v1;
use brivas_smpp::pdu::Address;
use brivas_smpp::{BindMode, CommandStatus, MessageState, ShortMessage};
use support::peer::message;
use support::{Peer, Said, Smsc, World, incoming_route, sample};
use v1::policy_rule::Check;

fn policy_rule(name: &str, then: v1::PolicyAction, check: Option<Check>) -> v1::PolicyRule {
    v1::PolicyRule {
        name: name.to_owned(),
        then: then.into(),
        check,
        status: if then == v1::PolicyAction::Refuse { "ESME_RSUBMITFAIL" } else { "" }.to_owned(),
        ..v1::PolicyRule::default()
    }
}

fn prizes() -> v1::PolicyRule {
    let when = v1::Conditions { text_patterns: vec!["(?i)prize".to_owned()], ..v1::Conditions::default() };
    v1::PolicyRule { when: Some(when), ..policy_rule("prizes", v1::PolicyAction::Quarantine, None) }
}

fn suppressed() -> v1::PolicyRule {
    policy_rule("stop", v1::PolicyAction::Refuse, Some(Check::Suppressed(v1::Suppressed {})))
}

/// The sample with these rules, and its carrier.
fn ruled(rules: Vec<v1::PolicyRule>) -> (World, v1::Snapshot, Smsc, Peer) {
    ruled_in(World::new(), rules)
}

fn ruled_in(world: World, rules: Vec<v1::PolicyRule>) -> (World, v1::Snapshot, Smsc, Peer) {
    let smsc = Smsc::new();
    let mut snapshot = sample(&smsc);
    snapshot.routes.push(incoming_route("sample"));
    snapshot.policy_rules = rules;
    world.apply(&snapshot);
    let alpha = smsc.accept();
    world.until("alpha is up", |world| world.carrier("alpha").binds_up == 1);
    (world, snapshot, smsc, alpha)
}

fn customer(world: &World) -> Peer {
    Peer::customer(world.engine().addresses().smpp, "sample", BindMode::Transceiver)
}

#[track_caller]
fn send(customer: &mut Peer, to: &str, text: &[u8]) -> Result<String, CommandStatus> {
    let registered_delivery = brivas_smpp::RegisteredDelivery::ALWAYS;
    customer.say(1, &ShortMessage { registered_delivery, ..message(to, text) });
    match customer.hear() {
        Said::Answered { status: CommandStatus::ROK, id, .. } => Ok(id),
        Said::Answered { status, .. } => Err(status),
        other => panic!("{other:?}"),
    }
}

fn review(world: &World, action: v1::ReviewAction, ids: &[&str]) -> v1::ReviewResponse {
    let request = v1::ReviewRequest {
        action: action.into(),
        ids: ids.iter().map(|&id| id.to_owned()).collect(),
        ..v1::ReviewRequest::default()
    };
    world.control(async |mut client| client.review(request).await).unwrap()
}

fn held(world: &World) -> Vec<String> {
    let listed = review(world, v1::ReviewAction::List, &[]);
    listed.messages.into_iter().map(|message| message.id).collect()
}

#[test]
fn what_is_held_goes_when_it_is_released_and_ends_when_it_is_rejected() {
    let (mut world, _, smsc, mut alpha) = ruled(vec![prizes()]);
    let mut bound = customer(&world);
    let first = send(&mut bound, "447700900121", b"win a PRIZE").unwrap();
    let second = send(&mut bound, "447700900122", b"your prize").unwrap();
    send(&mut bound, "447700900123", b"hello").unwrap();
    assert_eq!(alpha.hear_message().1, "447700900123");
    assert_eq!(held(&world), [first.clone(), second.clone()]);
    let shown = &review(&world, v1::ReviewAction::List, &[]).messages[0];
    assert_eq!((shown.text.as_str(), shown.rule.as_str()), ("win a PRIZE", "prizes"));
    // Nothing of a held message waits for the carrier.
    assert_eq!(world.carrier("alpha").queued, 0);
    // They are held over a crash, and a release is not forgotten either.
    drop((bound, alpha));
    world.crash();
    let mut alpha = smsc.accept();
    assert_eq!(held(&world), [first.clone(), second.clone()]);
    let done = review(&world, v1::ReviewAction::Release, &[&first, "0000000000000000"]);
    assert_eq!((done.messages.len(), done.held), (1, 1));
    assert_eq!(done.unknown, ["0000000000000000"]);
    loop {
        let (sequence_number, to) = alpha.hear_message();
        alpha.answer(sequence_number, CommandStatus::ROK, &to);
        if to == "447700900121" {
            break;
        }
    }
    world.until("it was sent", |world| world.history(&first).contains(&"sent"));
    assert_eq!(world.history(&first), ["accepted", "released", "sent"]);
    let mut bound = customer(&world);
    review(&world, v1::ReviewAction::Reject, &[&second]);
    let Said::Message { text, is_receipt: true, .. } = bound.hear() else { panic!() };
    assert!(String::from_utf8_lossy(&text).contains("stat:REJECTD"), "{text:?}");
    assert_eq!(held(&world), [""; 0]);
    drop((bound, alpha));
    world.crash();
    assert_eq!(held(&world), [""; 0]);
}

#[test]
fn what_is_held_ends_with_its_validity_or_when_it_is_cancelled() {
    let (world, ..) = ruled(vec![prizes()]);
    let mut bound = customer(&world);
    let short = ShortMessage { validity_period: b"000000000001000R", ..message("447700900121", b"prize") };
    bound.say(1, &short);
    let Said::Answered { status: CommandStatus::ROK, id, .. } = bound.hear() else { panic!() };
    assert_eq!(held(&world), [id.as_str()]);
    world.until("it has expired", |world| world.history(&id).contains(&"final"));
    let state = world.query(&id).unwrap().state;
    assert_eq!(state, i32::from(v1::MessageState::Expired));
    assert_eq!(held(&world), [""; 0]);
    let mut request = support::request(support::texts(1));
    request.messages[0].body = Some(v1::new_message::Body::Text("a prize".to_owned()));
    let id = world.submit(request).unwrap().results[0].id.clone();
    assert_eq!(held(&world), [id.as_str()]);
    world.cancel(&id).unwrap();
    assert_eq!(held(&world), [""; 0]);
    assert_eq!(world.carrier("alpha").queued, 0);
}

#[test]
fn held_messages_are_carried_forward_when_their_segment_is_dropped() {
    let world = World::with_journal(1 << 20, 4 << 20);
    let (mut world, _, smsc, mut alpha) = ruled_in(world, vec![prizes(), suppressed()]);
    let mut bound = customer(&world);
    let first = send(&mut bound, "447700900121", b"prize").unwrap();
    let number = Address { ton: 1, npi: 1, digits: b"447700900999" };
    alpha.say(1, &ShortMessage { source: number, ..message("40404", b"STOP") });
    assert!(matches!(alpha.hear(), Said::Answered { status: CommandStatus::ROK, .. }));
    let Said::Message { sequence_number, .. } = bound.hear() else { panic!() };
    bound.answer(sequence_number, CommandStatus::ROK, "");
    let start = |world: &World| world.stats().journal.unwrap().start_offset;
    let began = start(&world);
    // Enough to drop what stands first.
    let text = vec![b'x'; 254];
    let (mut turn, mut heard) = (0_u64, 0_u64);
    while start(&world) == began || world.stats().journal.unwrap().start_offset < 1_000 {
        for _ in 0..500 {
            turn += 1;
            bound.say(turn, &message(&format!("44780{turn}"), &text));
        }
        bound.flush();
        while heard < turn {
            match alpha.hear() {
                Said::Message { sequence_number, .. } => {
                    heard += 1;
                    alpha.answer(sequence_number, CommandStatus::ROK, "");
                }
                other => panic!("{other:?}"),
            }
        }
        for _ in 0..500 {
            while !matches!(bound.hear(), Said::Answered { .. }) {}
        }
    }
    drop((bound, alpha));
    world.crash();
    let _alpha = smsc.accept();
    assert_eq!(held(&world), [first]);
    let mut bound = customer(&world);
    assert_eq!(send(&mut bound, "447700900999", b"hello"), Err(CommandStatus::RSUBMITFAIL));
}

#[test]
fn stop_ends_the_messages_of_that_sender_until_start_and_over_a_restart() {
    let (mut world, mut snapshot, smsc, mut alpha) = ruled(vec![suppressed()]);
    let mut bound = customer(&world);
    let say = |alpha: &mut Peer, bound: &mut Peer, to: &str, words: &[u8]| {
        let source = Address { ton: 1, npi: 1, digits: b"+447700900123" };
        alpha.say(1, &ShortMessage { source, ..message(to, words) });
        alpha.flush();
        let Said::Message { sequence_number, is_receipt: false, .. } = bound.hear() else { panic!() };
        bound.answer(sequence_number, CommandStatus::ROK, "");
        assert!(matches!(alpha.hear(), Said::Answered { status: CommandStatus::ROK, .. }));
    };
    say(&mut alpha, &mut bound, "40404", b"Stop!");
    assert_eq!(send(&mut bound, "447700900123", b"hello"), Err(CommandStatus::RSUBMITFAIL));
    // Another sender, another number: nobody has said anything of them.
    assert!(send(&mut bound, "447700900124", b"hello").is_ok());
    bound.say(
        1,
        &ShortMessage {
            source: Address { ton: 5, npi: 0, digits: b"ACME" },
            ..message("447700900123", b"hello")
        },
    );
    assert!(matches!(bound.hear(), Said::Answered { status: CommandStatus::ROK, .. }));
    drop((bound, alpha));
    world.crash();
    let mut alpha = smsc.accept();
    let mut bound = customer(&world);
    assert_eq!(send(&mut bound, "447700900123", b"hello"), Err(CommandStatus::RSUBMITFAIL));
    let explained = v1::ExplainRequest {
        account: "sample".into(),
        destination: "447700900123".into(),
        source: "40404".into(),
        ..Default::default()
    };
    let explained = world.control(async |mut client| client.explain(explained).await).unwrap();
    assert_eq!((explained.decision.as_str(), explained.policy_rule.as_str()), ("refuse", "stop"));
    assert_eq!(explained.status, "ESME_RSUBMITFAIL");
    // Those that were under way when it crashed come first.
    for _ in 0..2 {
        alpha.hear_message();
    }
    say(&mut alpha, &mut bound, "40404", b"START");
    assert!(send(&mut bound, "447700900123", b"hello").is_ok());
    // An operator's word counts as well, and what the lists say too needs no remembering.
    let change = |world: &World, action: v1::SuppressionsAction, account: &str, number: &str| {
        let request = v1::SuppressionsRequest {
            action: action.into(),
            account: account.into(),
            number: number.into(),
            ..Default::default()
        };
        world.control(async |mut client| client.suppressions(request).await)
    };
    change(&world, v1::SuppressionsAction::Add, "sample", "+447700900777").unwrap();
    assert_eq!(send(&mut bound, "447700900777", b"hello"), Err(CommandStatus::RSUBMITFAIL));
    let listed = change(&world, v1::SuppressionsAction::List, "", "").unwrap();
    assert_eq!((listed.changes.len(), listed.changed, listed.listed), (2, 2, 0));
    snapshot.suppression_lists = vec![v1::SuppressionList {
        name: "list".into(),
        account: "sample".into(),
        numbers: vec!["447700900777".into()],
        ..Default::default()
    }];
    world.apply(&snapshot);
    let listed = change(&world, v1::SuppressionsAction::List, "", "").unwrap();
    // START says what the lists say: nothing.
    assert_eq!((listed.changed, listed.listed), (0, 1));
    assert_eq!(send(&mut bound, "447700900777", b"hello"), Err(CommandStatus::RSUBMITFAIL));
    let wrong = change(&world, v1::SuppressionsAction::Add, "", "phone").unwrap_err();
    assert!(wrong.message().contains("hint: up to 15 digits"), "{wrong}");
}

#[test]
fn quiet_hours_hold_a_message_until_they_are_over() {
    // Quiet is the whole week, but for half an hour that was an hour ago.
    let minute = (support::now_ms() / 60_000 + 3 * 24 * 60).rem_euclid(7 * 24 * 60) as u32;
    let week = 7 * 24 * 60;
    let quiet = v1::Quiet {
        windows: vec![v1::Window {
            from_minute: (minute + week - 30) % week,
            to_minute: (minute + week - 60) % week,
        }],
        utc_offset_minutes: Some(0),
    };
    let night = policy_rule("night", v1::PolicyAction::Delay, Some(Check::Quiet(quiet)));
    let (mut world, mut snapshot, smsc, alpha) = ruled(vec![night, suppressed()]);
    let mut bound = customer(&world);
    let id = send(&mut bound, "447700900123", b"hello").unwrap();
    let stopped = send(&mut bound, "447700900124", b"hello").unwrap();
    let status = world.query(&id).unwrap();
    let Some(v1::event::Kind::Accepted(accepted)) = status.history[0].event.clone().unwrap().kind else {
        panic!()
    };
    assert!(accepted.schedule_at_ms > support::now_ms());
    assert_eq!(world.carrier("alpha").queued, 0);
    drop((bound, alpha));
    world.crash();
    let mut alpha = smsc.accept();
    assert_eq!(alpha.hear_within(std::time::Duration::from_millis(300)), None);
    // What is decided stays decided, whatever the lists and rules say by now: it is asked again when it is due.
    let request = v1::SuppressionsRequest {
        action: v1::SuppressionsAction::Add.into(),
        number: "447700900124".into(),
        ..Default::default()
    };
    world.control(async |mut client| client.suppressions(request).await).unwrap();
    snapshot.policy_rules.remove(0);
    world.apply(&snapshot);
    assert_eq!(alpha.hear_within(std::time::Duration::from_millis(100)), None);
    assert_eq!(world.history(&id), ["accepted"]);
    assert_eq!(world.history(&stopped), ["accepted"]);
}

#[test]
fn a_delayed_message_is_judged_again_when_it_is_due() {
    let (world, snapshot, _smsc, mut alpha) = ruled(vec![]);
    let mut bound = customer(&world);
    let soon = |seconds: i64| {
        let at = support::now_ms() + seconds * 1_000;
        brivas_smpp::time::absolute(at)
    };
    let mut scheduled = snapshot.clone();
    scheduled.accounts[0].schedule_max_seconds = 3_600;
    scheduled.policy_rules = vec![];
    world.apply(&scheduled);
    let at = soon(2);
    for (to, text) in
        [("447700900121", &b"hello"[..]), ("447700900122", b"hello"), ("447700900123", b"prize")]
    {
        let registered_delivery = brivas_smpp::RegisteredDelivery::ALWAYS;
        bound.say(1, &ShortMessage { schedule_delivery_time: &at, registered_delivery, ..message(to, text) });
        assert!(matches!(bound.hear(), Said::Answered { status: CommandStatus::ROK, .. }));
    }
    scheduled.policy_rules = vec![suppressed(), prizes()];
    scheduled.suppression_lists = vec![v1::SuppressionList {
        name: "list".into(),
        numbers: vec!["447700900121".into()],
        ..Default::default()
    }];
    world.apply(&scheduled);
    assert_eq!(alpha.hear_message().1, "447700900122");
    // Refused in the meantime: it ends, and its receipt says so.
    let Said::Message { text, is_receipt: true, .. } = bound.hear() else { panic!() };
    assert!(String::from_utf8_lossy(&text).contains("stat:REJECTD err:045"), "{text:?}");
    world.until("the third is held", |world| held(world).len() == 1);
    let third = held(&world).remove(0);
    review(&world, v1::ReviewAction::Release, &[&third]);
    let (sequence_number, to) = alpha.hear_message();
    assert_eq!(to, "447700900123");
    alpha.answer(sequence_number, CommandStatus::ROK, "7");
    alpha.say_receipt("7", MessageState::Delivered);
    let Said::Message { is_receipt: true, .. } = bound.hear() else { panic!() };
}

#[test]
fn velocity_counts_what_is_taken_and_explain_counts_the_same() {
    let velocity = v1::Velocity {
        limit: 3,
        window_seconds: 3_600,
        per_account: true,
        per_digits: 6,
        ..v1::Velocity::default()
    };
    let pumping = policy_rule("pumping", v1::PolicyAction::Refuse, Some(Check::Velocity(velocity)));
    let (world, ..) = ruled(vec![pumping]);
    let mut bound = customer(&world);
    let decision = |world: &World| {
        let request = v1::ExplainRequest {
            account: "sample".into(),
            destination: "447700900199".into(),
            source: "40404".into(),
            ..Default::default()
        };
        let explained = world.control(async |mut client| client.explain(request).await).unwrap();
        (explained.decision, explained.policy_steps)
    };
    for turn in 0..3 {
        let (said, steps) = decision(&world);
        assert_eq!(said, "accept");
        assert!(steps[0].contains(&format!("{turn} of 3 messages")), "{steps:?}");
        assert!(send(&mut bound, &format!("44770090010{turn}"), b"hello").is_ok());
    }
    assert_eq!(decision(&world).0, "refuse");
    assert_eq!(send(&mut bound, "447700900199", b"hello"), Err(CommandStatus::RSUBMITFAIL));
    assert!(send(&mut bound, "4477019", b"hello").is_ok());
}
