//! What the builders refuse of rules and policies, and what they say.

use std::sync::Arc;

use brivas_route::{
    ACCOUNTS_MAX, Action, AddedTlv, CANDIDATES_MAX, Check, Conditions, Direction, HOSTS_MAX, Hours,
    KEYS_A_RULE_MAX, KEYS_MAX, LinkMatch, NETWORK_RANGES_MAX, Network, NetworkRanges, OFFSETS_MAX,
    PATTERNS_MAX, Per, PolicyBuilder, PolicyRuleSpec, QuietOffset, RULES_MAX, Rewrite, RuleSpec, SHAPES_MAX,
    SenderMatch, TableBuilder, TargetSpec, UtcOffsets, Velocity, WEEK_MINUTES, Window,
};

fn rule(name: &str, when: Conditions) -> RuleSpec {
    RuleSpec { name: name.to_owned(), when, targets: vec![TargetSpec::default()], ..RuleSpec::default() }
}

fn build(rules: Vec<RuleSpec>) -> Result<(), String> {
    let table = rules.into_iter().fold(TableBuilder::new(), TableBuilder::add_rule).build();
    table.map(|_| ()).map_err(|error| error.to_string())
}

#[track_caller]
fn says(result: Result<(), String>, words: &[&str]) {
    let error = result.expect_err("must be refused");
    for word in words {
        assert!(error.contains(word), "{error:?} does not say {word:?}");
    }
    assert!(error.contains("hint: "), "{error:?} has no hint");
}

#[track_caller]
fn refused(when: Conditions, words: &[&str]) {
    says(build(vec![rule("wrong", when)]), &[words, &["\"wrong\""]].concat());
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|&text| text.to_owned()).collect()
}

#[test]
fn a_condition_that_no_message_can_meet_is_refused_with_its_value() {
    let none = Conditions::default();
    refused(Conditions { accounts: vec![ACCOUNTS_MAX], ..none.clone() }, &[&ACCOUNTS_MAX.to_string()]);
    for prefix in ["+44", "44a", "1234567890123456"] {
        refused(Conditions { prefixes: texts(&["44", prefix]), ..none.clone() }, &[prefix]);
    }
    for sender in ["", "+4477", "a sender longer than any"] {
        for wrong in [SenderMatch::Exact(sender.to_owned()), SenderMatch::Prefix(sender.to_owned())] {
            refused(Conditions { senders: vec![wrong], ..none.clone() }, &[sender]);
        }
    }
    for keyword in ["", "two words", "stop!"] {
        refused(Conditions { keywords: texts(&[keyword]), ..none.clone() }, &[keyword]);
    }
    for host in ["nodot", "http://a.example", "a..example", ".example", "a.example/path"] {
        let links = Some(LinkMatch::Hosts(texts(&[host])));
        refused(Conditions { links, ..none.clone() }, &[host]);
    }
    refused(Conditions { links: Some(LinkMatch::Hosts(vec![])), ..none.clone() }, &["host"]);
    refused(Conditions { tags_all: 6, tags_none: 12, ..none.clone() }, &["0x4"]);
    for (windows, utc_offset_minutes) in [
        (vec![], 0),
        (vec![Window { from: 5, to: 5 }], 0),
        (vec![Window { from: WEEK_MINUTES, to: 5 }], 0),
        (vec![Window { from: 0, to: 5 }], 901),
        (vec![Window { from: 0, to: 5 }], i16::MIN),
    ] {
        refused(
            Conditions { hours: Some(Hours { windows, utc_offset_minutes }), ..none.clone() },
            &["hours"],
        );
    }
    refused(
        Conditions { text_patterns: texts(&["fine", "(wrong"]), ..none.clone() },
        &["(wrong", "unclosed"],
    );
    refused(Conditions { sender_patterns: texts(&["(?=ahead)"]), ..none }, &["(?=ahead)", "look-around"]);
}

#[test]
fn patterns_past_the_limit_are_refused() {
    let patterns = |count: usize| Conditions {
        text_patterns: (0..count).map(|number| format!("p{number}x")).collect(),
        ..Conditions::default()
    };
    assert_eq!(build(vec![rule("full", patterns(PATTERNS_MAX))]), Ok(()));
    refused(patterns(PATTERNS_MAX + 1), &["1001"]);
    let large = |number| {
        rule(
            &format!("{number}"),
            Conditions {
                text_patterns: vec![format!(r"{number}\pL{{90}}\pL{{90}}")],
                ..Conditions::default()
            },
        )
    };
    says(build((0..40).map(large).collect()), &["too large together"]);
}

#[test]
fn hosts_past_the_limit_are_refused() {
    let hosts = |count: usize| Conditions {
        links: Some(LinkMatch::Hosts((0..count).map(|number| format!("{number}.example")).collect())),
        ..Conditions::default()
    };
    assert_eq!(build(vec![rule("full", hosts(HOSTS_MAX))]), Ok(()));
    refused(hosts(HOSTS_MAX + 1), &["200001"]);
}

#[test]
fn keys_past_the_limits_are_refused() {
    let lists = |accounts: u32, prefixes: u32| Conditions {
        accounts: (0..accounts).collect(),
        prefixes: (0..prefixes).map(|number| format!("{}", 100 + number)).collect(),
        ..Conditions::default()
    };
    assert_eq!(build(vec![rule("full", lists(64, 64))]), Ok(()));
    refused(lists(64, 65), &["4160"]);
    let count = KEYS_MAX / KEYS_A_RULE_MAX + 1;
    let rules = (0..count).map(|number| rule(&number.to_string(), lists(64, 64)));
    says(build(rules.collect()), &["too many keys"]);
}

#[test]
fn rules_past_the_limit_are_refused() {
    let one = |number: usize| {
        rule(&number.to_string(), Conditions { accounts: vec![number as u32], ..Conditions::default() })
    };
    assert_eq!(build((0..RULES_MAX).map(one).collect()), Ok(()));
    says(build((0..=RULES_MAX).map(one).collect()), &["100001"]);
}

#[test]
fn rules_that_nothing_tells_apart_are_refused_past_the_limit() {
    let one = |number: usize| {
        rule(
            &format!("{number:05}"),
            Conditions { prefixes: texts(&["44"]), tags_all: number as u64, ..Conditions::default() },
        )
    };
    assert_eq!(build((0..CANDIDATES_MAX).map(one).collect()), Ok(()));
    says(build((0..=CANDIDATES_MAX).map(one).collect()), &["\"01024\"", "1025"]);
}

#[test]
fn rules_that_are_told_apart_in_too_many_ways_are_refused() {
    let one = |number: usize| {
        let (prefix, sender, rest) = (number % 16, number / 16 % 20, number / 320);
        rule(
            &number.to_string(),
            Conditions {
                prefixes: vec!["4".repeat(prefix)],
                senders: vec![SenderMatch::Prefix("a".repeat(sender + 1))],
                accounts: if rest & 1 == 1 { vec![1] } else { vec![] },
                networks: if rest & 2 == 2 { Network::parse("234-15").into_iter().collect() } else { vec![] },
                ..Conditions::default()
            },
        )
    };
    assert_eq!(build((0..SHAPES_MAX).map(one).collect()), Ok(()));
    says(build((0..=SHAPES_MAX).map(one).collect()), &["1025 different ways"]);
}

#[test]
fn a_name_twice_a_stable_hash_twice_and_changes_of_mo_are_refused() {
    let any = Conditions::default;
    says(build(vec![rule("same", any()), rule("same", any())]), &["\"same\"", "twice"]);
    let target = |carrier| TargetSpec { carrier, stable: 5, ..TargetSpec::default() };
    says(
        build(vec![RuleSpec { targets: vec![target(1), target(2)], ..rule("uk", any()) }]),
        &["\"uk\"", "carrier number 2", "0x5"],
    );
    let tlv = AddedTlv { tag: 0x1400, value: vec![], keep_own: false };
    let rewrite = Some(Arc::new(Rewrite { sender: None, tlvs: vec![tlv.clone(), tlv] }));
    says(build(vec![RuleSpec { rewrite: rewrite.clone(), ..rule("uk", any()) }]), &["\"uk\"", "0x1400"]);
    let mo = RuleSpec { direction: Direction::Mo, targets: vec![], to_account: Some(1), ..rule("in", any()) };
    says(build(vec![RuleSpec { rewrite, ..mo }]), &["\"in\"", "rewrite"]);
}

fn policy(check: Check, then: Action) -> Result<(), String> {
    let rule =
        PolicyRuleSpec { name: "wrong".to_owned(), order: 0, when: Conditions::default(), check, then };
    PolicyBuilder::new().add(rule).build().map(|_| ()).map_err(|error| error.to_string())
}

#[test]
fn a_policy_rule_that_cannot_be_is_refused() {
    let refuse = Action::Refuse { status: 1 };
    let velocity = |limit, window_seconds, digits| {
        Check::Velocity(Velocity { limit, window_seconds, per: Per { digits, ..Per::default() } })
    };
    for (limit, window_seconds) in [(0, 1), (1, 0), (1, 3_601), (1, 86_460)] {
        let said = format!("{limit} messages in {window_seconds} seconds");
        says(policy(velocity(limit, window_seconds, 0), refuse), &["\"wrong\"", &said]);
    }
    says(policy(velocity(1, 1, 16), refuse), &["\"wrong\"", "16 digits"]);
    says(policy(velocity(1, 1, 0), Action::Allow), &["\"wrong\"", "limit"]);
    says(policy(Check::Always, Action::Delay), &["\"wrong\"", "quiet hours"]);
    let quiet = |from, to, offset| Check::Quiet { windows: vec![Window { from, to }], offset };
    says(policy(quiet(5, 5, QuietOffset::ByDestination), refuse), &["\"wrong\"", "quiet hours"]);
    says(policy(quiet(0, 5, QuietOffset::Minutes(901)), refuse), &["\"wrong\"", "quiet hours"]);
    says(
        policy(quiet(0, WEEK_MINUTES, QuietOffset::ByDestination), Action::Delay),
        &["\"wrong\"", "never end"],
    );
    assert_eq!(policy(quiet(0, WEEK_MINUTES, QuietOffset::ByDestination), refuse), Ok(()));
    let twice = PolicyRuleSpec {
        name: "same".to_owned(),
        order: 0,
        when: Conditions::default(),
        check: Check::Always,
        then: refuse,
    };
    let twice = PolicyBuilder::new().add(twice.clone()).add(twice).build();
    says(twice.map(|_| ()).map_err(|error| error.to_string()), &["\"same\"", "twice"]);
}

#[test]
fn ranges_and_offsets_past_the_limits_are_refused() {
    let network = Network::parse("234-15").expect("a network");
    let prefixes: Vec<String> = (0..=NETWORK_RANGES_MAX).map(|number| number.to_string()).collect();
    let ranges = prefixes.iter().map(|prefix| (prefix.as_str(), network));
    assert!(
        NetworkRanges::build(ranges.clone().skip(1)).is_ok_and(|built| built.len() == NETWORK_RANGES_MAX)
    );
    says(NetworkRanges::build(ranges).map(|_| ()).map_err(|error| error.to_string()), &["too many"]);
    let offsets = prefixes[..=OFFSETS_MAX].iter().map(|prefix| (prefix.as_str(), 60));
    says(UtcOffsets::build(offsets).map(|_| ()).map_err(|error| error.to_string()), &["100001"]);
}
