//! What is held at most, held in full: messages for review, consents, open messages. One more is answered clearly, memory is
//! bounded, and nothing takes longer for each the more there are: the tests would not end in time.

mod support;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use brivas_journal::{Journal, JournalConfig, RealFs};
use brivas_proto::v1;
use brivas_smpp::pdu::Address;
use brivas_smpp::{CommandStatus, ShortMessage};
use support::long::customer;
use support::peer::message;
use support::{Said, Smsc, World, event, incoming_route, request, sample, texts};

const HELD_MAX: usize = 100_000;
const CONSENTS_MAX: u64 = 1_000_000;
const MIB: usize = 1 << 20;

/// One test at a time: others would count as memory too.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Octets of memory that this process has in use.
fn memory_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1_024
}

fn review(world: &World, request: v1::ReviewRequest) -> v1::ReviewResponse {
    world.control(async |client| client.max_decoding_message_size(64 * MIB).review(request).await).unwrap()
}

fn page(after: &str) -> v1::ReviewRequest {
    v1::ReviewRequest { limit: 10_000, after: after.to_owned(), ..v1::ReviewRequest::default() }
}

#[test]
fn a_hundred_thousand_messages_are_held_for_review() {
    let _alone = alone();
    let smsc = Smsc::new();
    let mut world = World::new();
    let mut snapshot = sample(&smsc);
    snapshot.policy_rules = vec![v1::PolicyRule {
        name: "all".to_owned(),
        then: v1::PolicyAction::Quarantine.into(),
        when: Some(v1::Conditions { prefixes: vec!["4917".to_owned()], ..v1::Conditions::default() }),
        ..v1::PolicyRule::default()
    }];
    world.apply(&snapshot);
    let before = memory_bytes();
    let submit = |world: &World| world.submit(request(texts(1_000))).unwrap().results;
    for _ in 0..HELD_MAX / 1_000 {
        assert!(submit(&world).iter().all(|result| result.command_status == 0));
    }
    let full = CommandStatus::RMSGQFUL.0;
    assert!(submit(&world).iter().all(|result| result.command_status == full && !result.error.is_empty()));
    // Nobody else is kept out by it.
    let other = v1::NewMessage { to: "447700900123".to_owned(), ..texts(1).remove(0) };
    assert_eq!(world.submit(request(vec![other])).unwrap().results[0].command_status, 0);
    let used = memory_bytes().saturating_sub(before);
    assert!(used < 160 * MIB, "{used} octets for {HELD_MAX} held messages and their journal");

    // All of them again after a crash, page by page, each once.
    world.crash();
    let (mut last, mut seen) = (String::new(), 0);
    loop {
        let listed = review(&world, page(&last));
        assert_eq!(listed.held as usize, HELD_MAX);
        let ids: Vec<_> = listed.messages.into_iter().map(|message| message.id).collect();
        assert!(ids.is_sorted() && ids.first().is_none_or(|first| *first > last));
        seen += ids.len();
        match ids.last() {
            Some(id) => last = id.clone(),
            None => break,
        }
    }
    assert_eq!(seen, HELD_MAX);
    // One of them, by its id, makes room for one more; then all.
    let reject = v1::ReviewAction::Reject.into();
    let one = v1::ReviewRequest { action: reject, ids: vec![last], ..v1::ReviewRequest::default() };
    assert_eq!(review(&world, one).held as usize, HELD_MAX - 1);
    assert_eq!(
        world.submit(request(texts(2))).unwrap().results.iter().filter(|it| it.command_status == 0).count(),
        1
    );
    let all = v1::ReviewRequest { action: reject, all: true, ..page("") };
    world.until("all are rejected", |world| review(world, all.clone()).held == 0);
    let open = world.account("sample").open_messages;
    assert!(open <= 1, "{open} are open: the one that was not held waits for its carrier");
}

/// `make prove` runs it: a million records are written and read.
#[test]
#[ignore = "long: make prove runs it"]
fn a_million_consents_are_kept() {
    let _alone = alone();
    let smsc = Smsc::new();
    let mut world = World::new();
    let mut snapshot = sample(&smsc);
    snapshot.routes.push(incoming_route("sample"));
    snapshot.policy_rules = vec![v1::PolicyRule {
        name: "stop".to_owned(),
        then: v1::PolicyAction::Refuse.into(),
        check: Some(v1::policy_rule::Check::Suppressed(v1::Suppressed {})),
        status: "ESME_RSUBMITFAIL".to_owned(),
        ..v1::PolicyRule::default()
    }];
    world.apply(&snapshot);
    world.stop();
    // As so many STOPs have left them in the journal.
    let (mut journal, _) =
        Journal::open(JournalConfig::new(world.journal_dir(), 0), Arc::new(RealFs)).unwrap();
    journal.replay(|_| {}).unwrap();
    let (mut appender, _reader) = journal.start(Arc::new(|| {})).unwrap();
    for number in 0..CONSENTS_MAX {
        let consent = v1::ConsentChanged {
            account: "sample".to_owned(),
            sender: b"40404".to_vec(),
            number: format!("447{number:09}"),
            suppressed: true,
        };
        let octets = event(v1::event::Kind::ConsentChanged(consent));
        appender.append(support::now_ms(), number + 1, |out| out.extend_from_slice(&octets));
        while !appender.has_room() {
            appender.submit(false);
            std::thread::yield_now();
        }
    }
    appender.close().unwrap();

    let before = memory_bytes();
    world.restart();
    let list = || v1::SuppressionsRequest { limit: 10, ..v1::SuppressionsRequest::default() };
    let listed = world.control(async |mut client| client.suppressions(list()).await).unwrap();
    assert_eq!((listed.changed, listed.changes.len()), (CONSENTS_MAX, 10));
    let used = memory_bytes().saturating_sub(before);
    assert!(used < 600 * MIB, "{used} octets for {CONSENTS_MAX} consents and their replay");

    let mut alpha = smsc.accept();
    let mut bound = customer(&world);
    let mut refused = |to: &str| {
        bound.say(1, &message(to, b"hello"));
        loop {
            match bound.hear() {
                Said::Answered { status, .. } => return status == CommandStatus::RSUBMITFAIL,
                Said::Message { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    };
    assert!(refused("447000000000") && refused("447000999999"));
    // One more finds no room: the carrier is to bring it later, and somebody hears of it.
    let mut say = |words: &[u8], from: &[u8]| {
        let source = Address { ton: 1, npi: 1, digits: from };
        alpha.say(1, &ShortMessage { source, ..message("40404", words) });
        loop {
            match alpha.hear() {
                Said::Answered { status, .. } => return status,
                Said::Message { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    };
    assert_ne!(say(b"STOP", b"447111111111"), CommandStatus::ROK);
    assert!(world.notice("consent_not_kept")[0].1.contains("1000000"));
    // One that is known may change its mind, and another message is taken as ever.
    assert_eq!(say(b"START", b"447000999999"), CommandStatus::ROK);
    assert_eq!(say(b"hello", b"447111111111"), CommandStatus::ROK);
    assert!(refused("447000000000") && !refused("447000999999"));
}

#[test]
fn an_accounts_open_messages_have_an_end() {
    let _alone = alone();
    const OPEN_MAX: usize = 50_000;
    let smsc = Smsc::new();
    let world = World::new();
    let mut snapshot = sample(&smsc);
    snapshot.accounts[0].open_messages_max = OPEN_MAX as u32;
    snapshot.accounts.push(support::account("other"));
    world.apply(&snapshot);
    let before = memory_bytes();
    for _ in 0..OPEN_MAX / 1_000 {
        let results = world.submit(request(texts(1_000))).unwrap().results;
        assert!(results.iter().all(|result| result.command_status == 0));
    }
    let results = world.submit(request(texts(10))).unwrap().results;
    assert!(results.iter().all(|result| result.command_status == CommandStatus::RMSGQFUL.0));
    assert_eq!(world.account("sample").open_messages as usize, OPEN_MAX);
    let used = memory_bytes().saturating_sub(before);
    assert!(used < 100 * MIB, "{used} octets for {OPEN_MAX} open messages and their journal");
    let mut other =
        support::Peer::customer(world.engine().addresses().smpp, "other", brivas_smpp::BindMode::Transceiver);
    other.submit("491701");
}
