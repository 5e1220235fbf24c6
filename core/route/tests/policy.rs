//! Policies against a model that tries every rule for every message and remembers every message that it took.

mod drawn;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use brivas_route::{
    Action, Check, Decision, Message, Per, Policy, PolicyBuilder, PolicyRuleSpec, PolicyState, QuietOffset,
    SenderMatch, Suppressions, SuppressionsBuilder, UtcOffsets, Velocity, VelocityLimits, WEEK_MINUTES,
};
use drawn::{Owned, conditions, holds, in_windows, local_minute, owned, windows};
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

type Suppressed = (Option<u32>, Option<String>, String);

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        1 => Just(Action::Allow),
        2 => (0..3_u32).prop_map(|status| Action::Refuse { status }),
        1 => Just(Action::Quarantine),
        2 => Just(Action::Delay),
    ]
}

fn check() -> impl Strategy<Value = Check> {
    let per = (any::<bool>(), any::<bool>(), 0..=15_u8);
    let per = per.prop_map(|(account, sender, digits)| Per { account, sender, digits });
    let window = select(&[1_u32, 5, 60, 3_600, 7_200][..]);
    let velocity = (1..4_u32, window, per)
        .prop_map(|(limit, window_seconds, per)| Check::Velocity(Velocity { limit, window_seconds, per }));
    let offset =
        prop_oneof![Just(QuietOffset::ByDestination), (-900..=900_i16).prop_map(QuietOffset::Minutes)];
    let quiet = (windows(), offset).prop_map(|(windows, offset)| Check::Quiet { windows, offset });
    prop_oneof![1 => Just(Check::Always), 2 => Just(Check::Suppressed), 3 => quiet, 4 => velocity]
}

fn rules() -> impl Strategy<Value = Vec<PolicyRuleSpec>> {
    vec((0..4_u32, conditions(), check(), action()), 0..25).prop_map(|drawn| {
        let numbered = drawn.into_iter().enumerate().filter(|(_, (_, _, check, action))| match check {
            // What the builder refuses.
            Check::Quiet { windows, .. } => {
                *action != Action::Delay || (0..WEEK_MINUTES).any(|minute| !in_windows(windows, minute))
            }
            Check::Velocity(_) => !matches!(action, Action::Allow | Action::Delay),
            Check::Always | Check::Suppressed => *action != Action::Delay,
        });
        numbered
            .map(|(number, (order, when, check, then))| PolicyRuleSpec {
                name: format!("{:02}", number * 37 % 100),
                order,
                when,
                check,
                then,
            })
            .collect()
    })
}

fn suppressed() -> impl Strategy<Value = Suppressed> {
    let sender = select(&["acme", "12345", "acorn"][..]).prop_map(str::to_owned);
    let number = select(&["447700900123", "447800900123", "33612345678"][..]).prop_map(str::to_owned);
    (option::of(0..4_u32), option::of(sender), number)
}

fn base(entries: &BTreeSet<Suppressed>) -> Suppressions {
    let mut builder = SuppressionsBuilder::default();
    for (account, sender, number) in entries {
        let sender = sender.as_ref().map(|sender| sender.to_uppercase());
        let sender = sender.as_ref().map(|sender| sender.as_bytes());
        builder.add(*account, sender, number.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    }
    builder.build()
}

const OFFSETS: [(&str, i16); 3] = [("44", 60), ("4478", -700), ("33", 899)];

fn build(rules: &[PolicyRuleSpec], suppressions: Suppressions) -> Policy {
    let offsets = UtcOffsets::build(OFFSETS).expect("valid offsets");
    let builder = PolicyBuilder::new().suppressions(Arc::new(suppressions)).offsets(offsets);
    rules.iter().cloned().fold(builder, PolicyBuilder::add).build().unwrap_or_else(|error| panic!("{error}"))
}

fn state() -> PolicyState {
    PolicyState::new(VelocityLimits::default(), 1_000, 7)
}

/// What happens between the messages of a run.
#[derive(Clone, Debug)]
enum Step {
    Message(Owned, i64),
    Suppress(Suppressed, bool),
    Merge,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let pause = prop_oneof![4 => 0..2_000_i64, 2 => 0..70_000_i64, 1 => 0..9_000_000_i64];
    let step = prop_oneof![
        8 => (owned(), pause).prop_map(|(message, pause)| Step::Message(message, pause)),
        1 => (suppressed(), any::<bool>()).prop_map(|(entry, on)| Step::Suppress(entry, on)),
        1 => Just(Step::Merge),
    ];
    vec(step, 1..60)
}

/// The policy as it is written.
#[derive(Default)]
struct Model {
    suppressed: BTreeSet<Suppressed>,
    /// For each rule: where and when messages were taken.
    taken: HashMap<String, Vec<(u32, String, String, i64)>>,
}

impl Model {
    fn is_suppressed(&self, message: &Message<'_>) -> bool {
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        let (sender, number) = (text(message.sender).to_lowercase(), text(message.destination));
        self.suppressed.iter().any(|(account, from, to)| {
            account.is_none_or(|account| account == message.account)
                && from.as_ref().is_none_or(|from| *from == sender)
                && *to == number
        })
    }

    fn place(per: Per, message: &Message<'_>) -> (u32, String, String) {
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        let digits = text(message.destination);
        let digits = if digits.bytes().all(|digit| digit.is_ascii_digit()) { digits } else { String::new() };
        (
            if per.account { message.account } else { 0 },
            if per.sender { text(message.sender).to_lowercase() } else { String::new() },
            digits.chars().take(usize::from(per.digits)).collect(),
        )
    }

    fn decide(
        &mut self,
        rules: &[PolicyRuleSpec],
        policy: &Policy,
        message: &Message<'_>,
        now_ms: i64,
    ) -> Decision {
        let mut sorted: Vec<&PolicyRuleSpec> = rules.iter().collect();
        sorted.sort_by_key(|rule| {
            let prefix = rule.when.prefixes.iter().map(String::len).min().unwrap_or(0);
            (rule.order, 100 - prefix, rule.when.accounts.is_empty(), &rule.name)
        });
        let mut counted = Vec::new();
        let mut delays: Vec<(i64, u32)> = Vec::new();
        let mut decided = None;
        for (number, rule) in sorted.iter().enumerate() {
            let number = number as u32;
            assert_eq!(policy.rule_name(number), Some(rule.name.as_str()));
            if !holds(&rule.when, message, now_ms) {
                continue;
            }
            let fires = match &rule.check {
                Check::Always => true,
                Check::Suppressed => self.is_suppressed(message),
                Check::Quiet { windows, offset } => {
                    let offset = match offset {
                        QuietOffset::Minutes(minutes) => *minutes,
                        QuietOffset::ByDestination => match message.destination {
                            b"44x" => 0,
                            number if number.starts_with(b"4478") => -700,
                            number if number.starts_with(b"44") => 60,
                            number if number.starts_with(b"33") => 899,
                            _ => 0,
                        },
                    };
                    let quiet = in_windows(windows, local_minute(now_ms, offset));
                    if quiet && rule.then == Action::Delay {
                        let mut until = now_ms / 60_000;
                        while in_windows(windows, local_minute(until * 60_000, offset)) {
                            until += 1;
                        }
                        delays.push((until * 60_000, number));
                        continue;
                    }
                    quiet
                }
                Check::Velocity(Velocity { limit, window_seconds, per }) => {
                    let tick = if *window_seconds > 3_600 { 60_000 } else { 1_000 };
                    let ticks = i64::from(*window_seconds) * 1_000 / tick;
                    let place = Self::place(*per, message);
                    let there = self.taken.get(&rule.name).into_iter().flatten().filter(
                        |(account, sender, digits, at)| {
                            (*account, sender, digits) == (place.0, &place.1, &place.2)
                                && at / tick > now_ms / tick - ticks
                        },
                    );
                    if there.count() >= *limit as usize {
                        true
                    } else {
                        counted.push((rule.name.clone(), place));
                        false
                    }
                }
            };
            if fires {
                decided = Some((number, rule.then));
                break;
            }
        }
        if let Some((rule, Action::Refuse { status })) = decided {
            return Decision::Refuse { rule, status };
        }
        for (name, (account, sender, digits)) in counted {
            self.taken.entry(name).or_default().push((account, sender, digits, now_ms));
        }
        // The latest end; among equal ones the earliest rule.
        let delay = delays.into_iter().max_by_key(|&(until_ms, rule)| (until_ms, std::cmp::Reverse(rule)));
        match (decided, delay) {
            (Some((rule, Action::Quarantine)), _) => Decision::Quarantine { rule },
            (_, Some((until_ms, rule))) => Decision::Delay { rule, until_ms },
            _ => Decision::Accept,
        }
    }
}

proptest! {
    #[test]
    fn decide_and_explain_agree_with_the_model_also_across_swaps(
        rules in rules(),
        entries in btree_set(suppressed(), 0..6),
        steps in steps(),
        start_ms in drawn::now_ms(),
    ) {
        let mut policy = build(&rules, base(&entries));
        let mut model = Model { suppressed: entries, ..Model::default() };
        let mut state = state();
        let mut now_ms = start_ms;
        for step in steps {
            match step {
                Step::Message(owned, pause_ms) => {
                    now_ms += pause_ms;
                    let message = owned.message();
                    let explained = policy.explain(&state, &message, now_ms);
                    let expected = model.decide(&rules, &policy, &message, now_ms);
                    let decided = policy.decide(&mut state, &message, now_ms);
                    prop_assert_eq!(decided, expected, "{:?} {:?}", message, explained.steps);
                    prop_assert_eq!(decided, explained.decision, "{:?}", explained.steps);
                    prop_assert_eq!(policy.is_suppressed(&state, &message), model.is_suppressed(&message));
                }
                Step::Suppress((account, sender, number), on) => {
                    let octets = sender.as_ref().map(|sender| sender.as_bytes());
                    state.suppressed.set(account, octets, number.as_bytes(), on).expect("valid");
                    if on {
                        model.suppressed.insert((account, sender, number));
                    } else {
                        model.suppressed.remove(&(account, sender, number));
                    }
                }
                Step::Merge => {
                    let merged = policy.suppressions().merged(&state.suppressed);
                    prop_assert_eq!(merged.content_hash(), base(&model.suppressed).content_hash());
                    prop_assert_eq!(merged.len(), model.suppressed.len());
                    policy = build(&rules, merged);
                    let last = state.suppressed.last();
                    state.suppressed.retire(last);
                    prop_assert!(state.suppressed.is_empty());
                }
            }
        }
    }

    #[test]
    fn content_hash_does_not_depend_on_any_order_and_changes_with_every_part(
        rules in rules(),
        entries in btree_set(suppressed(), 0..6),
    ) {
        let hash = build(&rules, base(&entries)).content_hash();
        let mut turned = rules.clone();
        turned.reverse();
        prop_assert_eq!(hash, build(&turned, base(&entries)).content_hash());
        let mut more = entries.clone();
        more.insert((Some(9), None, "1".to_owned()));
        prop_assert_ne!(hash, build(&rules, base(&more)).content_hash());
        let mut fewer = rules.clone();
        if fewer.pop().is_some() {
            prop_assert_ne!(hash, build(&fewer, base(&entries)).content_hash());
        }
        for position in 0..rules.len() {
            let mut changed = rules.clone();
            match &mut changed[position].check {
                Check::Always => changed[position].check = Check::Suppressed,
                Check::Suppressed => changed[position].then = Action::Refuse { status: 99 },
                Check::Quiet { offset, .. } => *offset = QuietOffset::Minutes(899),
                Check::Velocity(velocity) => velocity.limit += 1,
            }
            if changed != rules {
                prop_assert_ne!(hash, build(&changed, base(&entries)).content_hash());
            }
        }
    }
}

fn rule(name: &str, order: u32, check: Check, then: Action) -> PolicyRuleSpec {
    PolicyRuleSpec { name: name.to_owned(), order, when: brivas_route::Conditions::default(), check, then }
}

fn message<'m>(sender: &'m [u8], destination: &'m [u8]) -> Message<'m> {
    Message { sender, ..Message::new(brivas_route::Direction::Mt, 1, destination) }
}

#[test]
fn a_stop_takes_effect_with_the_next_message_and_survives_a_swap() {
    let rules = [rule("stop", 0, Check::Suppressed, Action::Refuse { status: 0x0b })];
    let policy = build(&rules, Suppressions::default());
    let mut state = state();
    let to = message(b"36180", b"33612345678");
    assert_eq!(policy.decide(&mut state, &to, 0), Decision::Accept);
    state.suppressed.set(Some(1), Some(b"36180"), b"33612345678", true).expect("valid");
    let refused = Decision::Refuse { rule: 0, status: 0x0b };
    assert_eq!(policy.decide(&mut state, &to, 0), refused);
    assert_eq!(policy.decide(&mut state, &message(b"OTHER", b"33612345678"), 0), Decision::Accept);
    let swapped = build(&rules, Suppressions::default());
    assert_eq!(swapped.decide(&mut state, &to, 0), refused);
    state.suppressed.set(Some(1), Some(b"36180"), b"33612345678", false).expect("valid");
    assert_eq!(swapped.decide(&mut state, &to, 0), Decision::Accept);
}

#[test]
fn changes_that_came_during_a_merge_stay() {
    let policy = build(&[rule("stop", 0, Check::Suppressed, Action::Quarantine)], Suppressions::default());
    let mut state = state();
    state.suppressed.set(None, None, b"441", true).expect("valid");
    let last = state.suppressed.last();
    let merged = policy.suppressions().merged(&state.suppressed);
    state.suppressed.set(None, None, b"442", true).expect("valid");
    state.suppressed.set(None, None, b"441", false).expect("valid");
    state.suppressed.retire(last);
    let policy = build(&[rule("stop", 0, Check::Suppressed, Action::Quarantine)], merged);
    assert_eq!(policy.decide(&mut state, &message(b"", b"442"), 0), Decision::Quarantine { rule: 0 });
    assert_eq!(policy.decide(&mut state, &message(b"", b"441"), 0), Decision::Accept);
    assert_eq!(state.suppressed.entries().count(), 2);
}

#[test]
fn a_full_overlay_refuses_new_numbers_and_takes_changes_of_known_ones() {
    let mut state = PolicyState::new(VelocityLimits::default(), 2, 7);
    for number in [&b"441"[..], b"442", b"441"] {
        state.suppressed.set(None, None, number, true).expect("room");
    }
    let error = state.suppressed.set(None, None, b"443", true).expect_err("full").to_string();
    assert!(error.contains("hint: "), "{error}");
    for (sender, number) in [(&b"ACME"[..], &b"044"[..]), (b"", b"44"), (b"a sender longer than any", b"44")]
    {
        assert!(state.suppressed.set(None, Some(sender), number, true).is_err());
    }
}

#[test]
fn counters_outlive_the_policy_unless_what_they_count_changes() {
    let limited = |limit, window_seconds| {
        let per = Per { digits: 4, ..Per::default() };
        let velocity = Check::Velocity(Velocity { limit, window_seconds, per });
        build(&[rule("pumping", 0, velocity, Action::Quarantine)], Suppressions::default())
    };
    let mut state = state();
    let to = message(b"", b"447700900123");
    for _ in 0..3 {
        assert_eq!(limited(3, 60).decide(&mut state, &to, 0), Decision::Accept);
    }
    assert_eq!(limited(3, 60).decide(&mut state, &to, 0), Decision::Quarantine { rule: 0 });
    assert_eq!(limited(4, 60).decide(&mut state, &to, 0), Decision::Accept);
    assert_eq!(limited(4, 61).decide(&mut state, &to, 0), Decision::Accept);
}

#[test]
fn what_was_taken_is_rechecked_without_being_counted() {
    let velocity = Check::Velocity(Velocity { limit: 1, window_seconds: 60, per: Per::default() });
    let policy = build(
        &[
            rule("pumping", 0, velocity, Action::Refuse { status: 0x58 }),
            rule("stop", 1, Check::Suppressed, Action::Refuse { status: 0x0b }),
        ],
        Suppressions::default(),
    );
    let mut state = state();
    let to = message(b"", b"447700900123");
    assert_eq!(policy.decide(&mut state, &to, 0), Decision::Accept);
    assert_eq!(policy.recheck(&mut state, &to, 0), Decision::Accept);
    assert_eq!(policy.decide(&mut state, &to, 0), Decision::Refuse { rule: 0, status: 0x58 });
    state.suppressed.set(None, None, b"447700900123", true).expect("valid");
    assert_eq!(policy.recheck(&mut state, &to, 0), Decision::Refuse { rule: 1, status: 0x0b });
}

#[test]
fn a_rule_that_is_met_by_two_of_its_prefixes_counts_a_message_once() {
    let velocity = Check::Velocity(Velocity { limit: 2, window_seconds: 60, per: Per::default() });
    let mut twice = rule("twice", 0, velocity, Action::Refuse { status: 1 });
    twice.when.prefixes = vec!["4".to_owned(), "44".to_owned(), "447".to_owned()];
    twice.when.senders = vec![SenderMatch::Prefix("a".to_owned()), SenderMatch::Exact("acme".to_owned())];
    let policy = build(&[twice], Suppressions::default());
    let mut state = state();
    for expected in [Decision::Accept, Decision::Accept, Decision::Refuse { rule: 0, status: 1 }] {
        assert_eq!(policy.decide(&mut state, &message(b"ACME", b"447700900123"), 0), expected);
    }
}
