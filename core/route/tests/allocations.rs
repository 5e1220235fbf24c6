//! On the way of a message nothing is allocated.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use brivas_route::{
    Action, Check, Conditions, Consent, ConsentWord, ConsentWords, Direction, LinkMatch, Message, Network,
    Per, PolicyBuilder, PolicyRuleSpec, PolicyState, PortedNumbers, QuietOffset, RouteSpec, RuleSpec,
    Scratch, SenderMatch, SuppressionsBuilder, TableBuilder, TargetSpec, Velocity, VelocityLimits, Window,
    destination_hash,
};

/// The system's allocator; counts for each thread.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator as it came; the count is a plain cell without a destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`, and the pointer came from the same allocator.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How many allocations a second run makes, when the first has made its room.
fn allocations(mut run: impl FnMut()) -> u64 {
    run();
    let before = ALLOCATIONS.get();
    run();
    ALLOCATIONS.get() - before
}

fn conditions() -> [Conditions; 4] {
    let texts = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
    [
        Conditions { keywords: texts(&["join"]), prefixes: texts(&["44"]), ..Conditions::default() },
        Conditions {
            senders: vec![SenderMatch::Prefix("AC".to_owned())],
            tags_all: 1,
            ..Conditions::default()
        },
        Conditions { text_patterns: texts(&[r"(?i)\bприз\b", r"\d{9}"]), ..Conditions::default() },
        Conditions { links: Some(LinkMatch::Hosts(texts(&["bit.ly"]))), ..Conditions::default() },
    ]
}

const TEXTS: [&str; 4] = ["join us", "Ваш приз ждёт", "see http://x.bit.ly/1", "nothing at all"];

fn messages() -> Vec<Message<'static>> {
    let numbers = [&b"447700900123"[..], b"33612345678", b"36180"];
    let pairs = TEXTS.iter().flat_map(|text| numbers.map(|number| (*text, number)));
    pairs
        .map(|(text, destination)| Message {
            sender: b"ACME",
            text,
            network: Network::parse("234-15"),
            ..Message::new(Direction::Mt, 1, destination)
        })
        .collect()
}

#[test]
fn a_search_of_routes_allocates_nothing() {
    let targets: Vec<_> = (0..4)
        .map(|carrier| TargetSpec { carrier, stable: carrier.into(), ..TargetSpec::default() })
        .collect();
    let plain = RouteSpec { name: "rest".to_owned(), targets: targets.clone(), ..RouteSpec::default() };
    let rules = conditions().into_iter().zip(0..).map(|(when, order)| RuleSpec {
        name: format!("{order}"),
        order,
        when,
        targets: targets.clone(),
        ..RuleSpec::default()
    });
    let table = rules.fold(TableBuilder::new().add(plain), TableBuilder::add_rule).build().expect("valid");
    let messages = messages();
    let mut scratch = Scratch::default();
    let mut chosen = [0_usize; 5];
    let count = allocations(|| {
        for message in &messages {
            let route = table.find(message, 0, &mut scratch).expect("there is a route for the rest");
            chosen[route.name().parse().unwrap_or(4)] += 1;
            let draw = route.draw(destination_hash(message.destination), 7);
            let carrier = route.choose(draw, |_| true).expect("a carrier");
            assert_eq!(route.rewrite(carrier), None);
        }
    });
    assert_eq!(count, 0);
    assert!(chosen[0] > 0 && chosen[2] > 0 && chosen[3] > 0 && chosen[4] > 0, "{chosen:?}");
}

#[test]
fn a_decision_allocates_nothing() {
    let rule =
        |name: &str, when, check, then| PolicyRuleSpec { name: name.to_owned(), order: 0, when, check, then };
    let mut base = SuppressionsBuilder::default();
    base.add(Some(1), Some(b"acme"), b"33612345678").expect("valid");
    let windows = vec![Window { from: 0, to: 10_000 }];
    let quiet = Check::Quiet { windows, offset: QuietOffset::ByDestination };
    let per = Per { account: true, sender: true, digits: 6 };
    let velocity = Check::Velocity(Velocity { limit: 1_000, window_seconds: 60, per });
    let policy = PolicyBuilder::new()
        .suppressions(Arc::new(base.build()))
        .add(rule("stop", Conditions::default(), Check::Suppressed, Action::Refuse { status: 1 }))
        .add(rule("night", Conditions::default(), quiet, Action::Delay))
        .add(rule("pumping", Conditions::default(), velocity, Action::Quarantine));
    let policy = conditions()
        .into_iter()
        .enumerate()
        .map(|(number, when)| rule(&number.to_string(), when, Check::Always, Action::Quarantine))
        .fold(policy, PolicyBuilder::add)
        .build()
        .expect("valid");
    let mut state = PolicyState::new(VelocityLimits::default(), 10, 7);
    state.suppressed.set(None, None, b"36180", true).expect("room");
    let messages = messages();
    let count = allocations(|| {
        for message in &messages {
            policy.decide(&mut state, message, 0);
        }
    });
    assert_eq!(count, 0);
    assert_eq!(state.velocity.counters(), 1);
}

#[test]
fn looking_up_a_network_and_a_word_of_consent_allocates_nothing() {
    let ported = PortedNumbers::load(&b"447700900123,234-15\n"[..]).expect("valid");
    let word = ConsentWord { phrase: "stop all".to_owned(), consent: Consent::Stop, alone: true };
    let words = ConsentWords::build([word]).expect("valid");
    let count = allocations(|| {
        assert!(ported.network(b"447700900123").is_some());
        assert_eq!(words.recognise(" Stop, ALL!"), Some(Consent::Stop));
    });
    assert_eq!(count, 0);
}
