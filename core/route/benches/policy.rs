//! Time and memory of a policy: `cargo bench -p brivas-route --bench policy -- [SUPPRESSIONS]`, by default a million, with
//! a thousand rules of all kinds.

mod stopwatch;

use std::hint::black_box;
use std::sync::Arc;

use brivas_route::{
    Action, Check, Conditions, Decision, Direction, LinkMatch, Message, Per, Policy, PolicyBuilder,
    PolicyRuleSpec, PolicyState, QuietOffset, SenderMatch, SuppressionsBuilder, UtcOffsets, Velocity,
    VelocityLimits, Window, stable_hash,
};
use stopwatch::Stopwatch;

const MESSAGES: usize = 1 << 18;
const TEXT: &str = "Your one-time code is 482913. It is valid for 10 minutes. Do not share it with anybody, we never ask \
                    for it. Questions? See https://help.example.com/otp or reply HELP.";

fn main() {
    let count = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(1_000_000);
    let mut builder = SuppressionsBuilder::default();
    for turn in 0..count {
        let sender = format!("SENDER{}", turn % 300);
        let account = (turn % 7 > 0).then_some((turn % 1_000) as u32);
        let sender = (turn % 3 > 0).then_some(sender.as_bytes());
        builder.add(account, sender, number(turn).as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    }
    let began = Stopwatch::start();
    let suppressions = Arc::new(builder.build());
    println!(
        "{count} suppressions: {:.1} octets each, built in {} ms",
        suppressions.heap_bytes() as f64 / suppressions.len() as f64,
        began.elapsed().as_millis(),
    );
    let stop = || rule("stop".to_owned(), Conditions::default(), Check::Suppressed, 0);
    let rules = || (0..1_000).map(other);
    let texts = || (0..100).map(text);
    measure("suppressions alone", policy(&suppressions, [stop()]));
    measure("and 1000 rules by keys", policy(&suppressions, [stop()].into_iter().chain(rules())));
    let all = [stop()].into_iter().chain(rules()).chain(texts());
    measure("and 100 patterns and lists of hosts", policy(&suppressions, all));
}

fn number(turn: u64) -> String {
    (447_000_000_000 + stable_hash(&turn.to_be_bytes()) % 999_999_999).to_string()
}

fn rule(name: String, when: Conditions, check: Check, order: u32) -> PolicyRuleSpec {
    PolicyRuleSpec { name, order, when, check, then: Action::Refuse { status: 0x45 } }
}

/// Quiet hours by prefix, velocity by account and prefix, senders that are not allowed.
fn other(number: u32) -> PolicyRuleSpec {
    let (mut when, check) = (Conditions::default(), number % 3);
    let check = match check {
        0 => {
            when.prefixes = vec![format!("44{}", 7_000 + number)];
            let windows = vec![Window { from: 0, to: 420 }, Window { from: 1_320, to: 1_440 }];
            Check::Quiet { windows, offset: QuietOffset::ByDestination }
        }
        1 => {
            when.accounts = vec![number];
            let per = Per { account: true, sender: false, digits: 7 };
            Check::Velocity(Velocity { limit: 1_000_000, window_seconds: 600, per })
        }
        _ => {
            when.senders = vec![SenderMatch::Exact(format!("BANK{number}"))];
            Check::Always
        }
    };
    rule(format!("rule {number}"), when, check, 10)
}

fn text(number: u32) -> PolicyRuleSpec {
    let when = match number % 2 {
        0 => Conditions {
            text_patterns: vec![format!(r"(?i)\bfree prize {number}\b")],
            ..Conditions::default()
        },
        _ => {
            let hosts = (0..100).map(|host| format!("host{host}.shortener{number}.example")).collect();
            Conditions { links: Some(LinkMatch::Hosts(hosts)), ..Conditions::default() }
        }
    };
    rule(format!("text {number}"), when, Check::Always, 20)
}

fn policy(
    suppressions: &Arc<brivas_route::Suppressions>,
    rules: impl IntoIterator<Item = PolicyRuleSpec>,
) -> Policy {
    let offsets = UtcOffsets::build([("44", 60), ("1", -300)]).unwrap_or_else(|error| panic!("{error}"));
    let builder = PolicyBuilder::new().suppressions(Arc::clone(suppressions)).offsets(offsets);
    let policy = rules.into_iter().fold(builder, PolicyBuilder::add).build();
    policy.unwrap_or_else(|error| panic!("{error}"))
}

fn measure(what: &str, policy: Policy) {
    let mut state = PolicyState::new(VelocityLimits::default(), 100_000, 7);
    let senders: Vec<String> = (0..1_024).map(|sender| format!("SENDER{sender}")).collect();
    let numbers: Vec<String> = (0..MESSAGES as u64).map(|turn| number(turn * 3)).collect();
    let message = |turn: usize| Message {
        sender: senders[turn % senders.len()].as_bytes(),
        text: TEXT,
        ..Message::new(Direction::Mt, (turn % 1_000) as u32, numbers[turn].as_bytes())
    };
    let mut refused = 0_usize;
    for turn in 0..MESSAGES {
        black_box(policy.decide(&mut state, &message(turn), 1_767_787_200_000 + turn as i64));
    }
    let began = Stopwatch::start();
    for turn in 0..MESSAGES {
        let decision = policy.decide(&mut state, &message(turn), 1_767_788_200_000 + turn as i64);
        refused += usize::from(matches!(decision, Decision::Refuse { .. }));
    }
    println!(
        "{what}: {:.0} ns a decision, {:.1} % refused, {} counters",
        began.each(MESSAGES),
        100.0 * refused as f64 / MESSAGES as f64,
        state.velocity.counters(),
    );
}
