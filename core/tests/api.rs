//! The callers' face: idempotency, cancellation, refusals, and one account's limits.

mod support;

use std::time::Duration;

use brivas_proto::v1;
use brivas_smpp::{BindMode, CommandStatus};
use support::{Peer, Smsc, World, request, sample, texts};
use tonic::Code;

/// An engine with a carrier that nobody answers for: everything stays queued.
fn start() -> (World, Smsc, v1::Snapshot) {
    let (world, smsc) = (World::new(), Smsc::new());
    let snapshot = sample(&smsc);
    world.apply(&snapshot);
    (world, smsc, snapshot)
}

fn with_key(messages: Vec<v1::NewMessage>, key: &str) -> v1::SubmitRequest {
    v1::SubmitRequest { messages, idempotency_key: key.to_owned() }
}

#[test]
fn one_key_at_once_from_many_callers_is_one_submission() {
    let (world, ..) = start();
    let ids = world
        .messaging(async |client| {
            let calls = (0..20).map(|_| {
                let mut client = client.clone();
                tokio::spawn(async move { client.submit(with_key(texts(10), "k")).await })
            });
            let calls: Vec<_> = calls.collect();
            let mut answers = Vec::new();
            for call in calls {
                let response = call.await.unwrap()?.into_inner();
                answers.push(response.results.into_iter().map(|result| result.id).collect::<Vec<_>>());
            }
            Ok(tonic::Response::new(answers))
        })
        .unwrap();
    assert!(ids.iter().all(|own| *own == ids[0] && own.iter().all(|id| id.len() == 16)));
    assert_eq!(world.totals().accepted, 10);
    let reused = world.submit(with_key(texts(9), "k")).unwrap_err();
    assert_eq!(reused.code(), Code::AlreadyExists);
}

#[test]
fn a_key_whose_messages_were_half_refused_takes_the_other_half_later() {
    let (world, _smsc, mut snapshot) = start();
    snapshot.accounts[0].open_messages_max = 500;
    world.apply(&snapshot);
    let count = |response: &v1::SubmitResponse| {
        response.results.iter().filter(|result| result.command_status == 0).count()
    };
    let first = world.submit(with_key(texts(1_000), "k")).unwrap();
    assert_eq!(count(&first), 500);
    assert!(first.results[500..].iter().all(|one| one.command_status == CommandStatus::RMSGQFUL.0));
    snapshot.accounts[0].open_messages_max = 10_000;
    world.apply(&snapshot);
    let second = world.submit(with_key(texts(1_000), "k")).unwrap();
    assert_eq!((count(&second), second.replayed), (1_000, false));
    assert_eq!(first.results[..500], second.results[..500]);
    assert_eq!(world.totals().accepted, 1_000);
}

#[test]
fn a_message_that_is_wrong_does_not_shift_the_answers_of_the_others() {
    let (world, ..) = start();
    let mut messages = texts(4);
    messages[1].to = "phone".to_owned();
    let response = world.submit(with_key(messages.clone(), "k")).unwrap();
    let statuses: Vec<_> = response.results.iter().map(|result| result.command_status).collect();
    assert_eq!(statuses, [0, CommandStatus::RINVDSTADR.0, 0, 0]);
    let to = |at: usize| {
        let content = world.query(&response.results[at].id).unwrap().content.unwrap();
        String::from_utf8(content.destination.unwrap().digits).unwrap()
    };
    assert_eq!((to(0), to(3)), (messages[0].to.clone(), messages[3].to.clone()));
    assert_eq!(world.submit(with_key(messages, "k")).unwrap().results, response.results);
}

#[test]
fn the_throttle_refuses_what_is_over_the_rate_and_only_that() {
    let (world, _smsc, mut snapshot) = start();
    snapshot.accounts[0].throughput_per_second = 100;
    world.apply(&snapshot);
    let response = world.submit(request(texts(1_000))).unwrap();
    let refused = response.results.iter().filter(|one| one.command_status == CommandStatus::RTHROTTLED.0);
    // A burst is a tenth of a second.
    assert_eq!(refused.count(), 990);
    assert_eq!(world.account("sample").throttled, 990);
}

#[test]
fn what_is_cancelled_is_not_sent_also_after_a_crash() {
    let (mut world, smsc, _) = start();
    let ids: Vec<_> =
        world.submit(request(texts(3))).unwrap().results.into_iter().map(|one| one.id).collect();
    world.cancel(&ids[1]).unwrap();
    // Ended: its state is told, and a second time is too late.
    assert_eq!(world.history(&ids[1]), ["accepted", "final"]);
    assert_eq!(world.cancel(&ids[1]).unwrap_err().code(), Code::FailedPrecondition);
    assert_eq!(world.cancel("0123456789abcdef").unwrap_err().code(), Code::NotFound);
    world.crash();
    let mut alpha = smsc.accept();
    let to = |number: usize| texts(3)[number].to.clone();
    assert_eq!([alpha.hear_message().1, alpha.hear_message().1], [to(0), to(2)]);
    assert_eq!(alpha.hear_within(Duration::from_millis(100)), None);
    assert_eq!(world.cancel(&ids[0]).unwrap_err().code(), Code::FailedPrecondition);
}

#[test]
fn cancelled_messages_leave_no_trace_in_queues_and_counters() {
    let (world, _smsc, mut snapshot) = start();
    snapshot.carriers[0].queue_max = 10;
    world.apply(&snapshot);
    for _ in 0..5 {
        let response = world.submit(request(texts(10))).unwrap();
        assert!(response.results.iter().all(|one| one.command_status == 0));
        for one in response.results {
            world.cancel(&one.id).unwrap();
        }
    }
    world.until("nothing is open", |world| world.totals().open_messages == 0);
    assert_eq!(world.carrier("alpha").queued, 0);
}

#[test]
fn one_call_with_more_than_a_record_holds_is_refused_and_the_journal_goes_on() {
    let (world, ..) = start();
    let mut tlvs = Vec::new();
    for _ in 0..4 {
        brivas_smpp::tlv::append(&mut tlvs, brivas_smpp::tlv::Tag(0x1400), &[7; 60_000]);
    }
    let content = v1::Content { tlvs, ..v1::Content::default() };
    let body = Some(v1::new_message::Body::Content(content));
    let huge = v1::NewMessage { body, ..texts(1).remove(0) };
    let response = world.submit(request(vec![huge])).unwrap();
    assert_eq!(response.results[0].command_status, CommandStatus::RINVMSGLEN.0);
    assert_eq!(world.stats().acceptance_stopped, "");
    assert_eq!(world.submit(request(texts(1))).unwrap().results[0].command_status, 0);
}

#[test]
fn a_watch_from_the_beginning_sees_each_event_once_and_only_ones_own() {
    let (world, smsc, mut snapshot) = start();
    snapshot.accounts.push(support::account("other"));
    world.apply(&snapshot);
    let mut alpha = smsc.accept();
    let ids: Vec<_> =
        world.submit(request(texts(100))).unwrap().results.into_iter().map(|one| one.id).collect();
    let mut other = Peer::customer(world.engine().addresses().smpp, "other", BindMode::Transceiver);
    other.submit("49170999");
    for _ in 0..101 {
        let (sequence_number, _) = alpha.hear_message();
        alpha.answer(sequence_number, CommandStatus::RINVDSTADR, "");
    }
    let watched = world
        .messaging(async |mut client| {
            let from_start = v1::WatchRequest { from_offset: Some(0), ..v1::WatchRequest::default() };
            let mut stream = client.watch(from_start).await?.into_inner();
            let mut seen = Vec::new();
            while seen.len() < 300 {
                let response = stream.message().await?.unwrap();
                seen.extend(response.events.into_iter().map(|event| (event.offset, event.id, event.account)));
            }
            Ok(tonic::Response::new(seen))
        })
        .unwrap();
    assert!(watched.windows(2).all(|pair| pair[0].0 < pair[1].0));
    assert!(watched.iter().all(|event| event.2 == "sample" && ids.contains(&event.1)));
}
