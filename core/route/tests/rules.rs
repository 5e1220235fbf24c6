//! Rules against a model that looks at every rule for every message, with patterns compiled one by one.

mod drawn;

use brivas_route::{
    Balance, DataCodings, Direction, Message, Network, Route, RouteSpec, RuleSpec, Scratch, SenderMatch,
    Table, TableBuilder, TargetSpec, destination_hash,
};
use drawn::{Owned, conditions, holds, now_ms, owned};
use proptest::collection::vec;
use proptest::prelude::*;

fn target(carrier: u32, priority: u32, price: u64) -> TargetSpec {
    TargetSpec { carrier, priority, price, stable: u64::from(carrier), ..TargetSpec::default() }
}

fn rules() -> impl Strategy<Value = Vec<RuleSpec>> {
    let balance = prop_oneof![Just(Balance::Destination), Just(Balance::Message), Just(Balance::LeastCost)];
    let targets = vec((0..2_u32, 0..3_u64), 1..5);
    vec(
        (
            prop_oneof![4 => Just(Direction::Mt), 1 => Just(Direction::Mo)],
            0..4_u32,
            conditions(),
            balance,
            targets,
        ),
        0..60,
    )
    .prop_map(|drawn| {
        let numbered = drawn.into_iter().enumerate();
        numbered
            .map(|(number, (direction, order, when, balance, targets))| {
                let mt = direction == Direction::Mt;
                let targets = targets.into_iter().zip(0_u32..);
                RuleSpec {
                    // Names that do not sort as they were drawn.
                    name: format!("{:02}", number * 37 % 100),
                    direction,
                    order,
                    when,
                    targets: targets
                        .filter(|_| mt)
                        .map(|((priority, price), carrier)| target(carrier, priority, price))
                        .collect(),
                    balance,
                    to_account: (!mt).then_some(7),
                    rewrite: None,
                }
            })
            .collect()
    })
}

fn plain() -> impl Strategy<Value = Vec<RouteSpec>> {
    proptest::collection::btree_set(prop_oneof![Just(""), Just("44"), Just("4477"), Just("33")], 0..4)
        .prop_map(|prefixes| {
            let specs = prefixes.into_iter().map(|prefix| RouteSpec {
                name: format!("plain {prefix}"),
                prefix: prefix.to_owned(),
                targets: vec![target(1, 0, 0)],
                ..RouteSpec::default()
            });
            specs.collect()
        })
}

fn build(rules: &[RuleSpec], plain: &[RouteSpec]) -> Table {
    let builder = plain.iter().cloned().fold(TableBuilder::new(), TableBuilder::add);
    let builder = rules.iter().cloned().fold(builder, TableBuilder::add_rule);
    builder.build().unwrap_or_else(|error| panic!("{error}"))
}

/// The rule as it is written: by order, then the longer prefix, then those of some accounts, then by name.
fn naive<'a>(
    rules: &'a [RuleSpec],
    plain: &'a [RouteSpec],
    message: &Message<'_>,
    now_ms: i64,
) -> Option<&'a str> {
    let mut holding: Vec<&RuleSpec> = rules
        .iter()
        .filter(|rule| rule.direction == message.direction && holds(&rule.when, message, now_ms))
        .collect();
    holding.sort_by_key(|rule| {
        let prefix = rule.when.prefixes.iter().map(String::len).min().unwrap_or(0);
        (rule.order, 100 - prefix, rule.when.accounts.is_empty(), &rule.name)
    });
    let digits = if message.destination.iter().all(u8::is_ascii_digit) { message.destination } else { b"" };
    holding.first().map(|rule| rule.name.as_str()).or_else(|| {
        let plain = plain.iter().filter(|_| message.direction == Direction::Mt);
        let plain = plain.filter(|route| digits.starts_with(route.prefix.as_bytes()));
        plain.max_by_key(|route| route.prefix.len()).map(|route| route.name.as_str())
    })
}

proptest! {
    #[test]
    fn find_and_explain_agree_with_the_model(
        rules in rules(),
        plain in plain(),
        messages in vec((owned(), now_ms()), 1..30),
        group in any::<u64>(),
    ) {
        let table = build(&rules, &plain);
        let mut scratch = Scratch::default();
        for (owned, now_ms) in &messages {
            let message = owned.message();
            let found = table.find(&message, *now_ms, &mut scratch);
            let explained = table.explain_message(&message, *now_ms, group);
            prop_assert_eq!(found.map(Route::name), naive(&rules, &plain, &message, *now_ms), "{:?}", message);
            prop_assert_eq!(found, explained.route, "{:?}", explained.steps);
            let order = found.map_or_else(Vec::new, |route| {
                route.candidates(route.draw(destination_hash(message.destination), group)).collect()
            });
            prop_assert_eq!(&order, &explained.candidates.iter().map(|target| target.carrier).collect::<Vec<_>>());
            if found.is_some_and(|route| route.balance() == Balance::LeastCost) {
                prop_assert!(explained.candidates.is_sorted_by_key(|target| (target.priority, target.price)));
            }
        }
    }
}

proptest! {
    // Each builds fourteen tables.
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn content_hash_does_not_depend_on_any_order_and_changes_with_every_rule(
        rules in rules(),
        pick in any::<prop::sample::Index>(),
    ) {
        let mut turned = rules.clone();
        turned.reverse();
        for rule in &mut turned {
            rule.when.accounts.reverse();
            rule.when.senders.reverse();
            rule.when.text_patterns.reverse();
            rule.targets.reverse();
        }
        let hash = build(&rules, &[]).content_hash();
        prop_assert_eq!(hash, build(&turned, &[]).content_hash());
        prop_assume!(!rules.is_empty());
        let position = pick.index(rules.len());
        let changes: [fn(&mut RuleSpec); 12] = [
            |rule| rule.name.push('x'),
            |rule| rule.order += 1,
            |rule| rule.when.accounts.push(9_000),
            |rule| rule.when.prefixes.push("555".to_owned()),
            |rule| rule.when.networks.extend(Network::parse("999-99")),
            |rule| rule.when.senders.push(SenderMatch::Prefix("zz".to_owned())),
            |rule| rule.when.keywords.push("zz".to_owned()),
            |rule| rule.when.sender_patterns.push("zz".to_owned()),
            |rule| rule.when.text_patterns.push("zz".to_owned()),
            |rule| rule.when.data_codings = rule.when.data_codings.union(DataCodings::RESERVED),
            |rule| rule.when.tags_all |= 1 << 40,
            |rule| rule.when.tags_none |= 1 << 41,
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut changed = rules.clone();
            change(&mut changed[position]);
            prop_assert_ne!(build(&changed, &[]).content_hash(), hash, "change {}", number);
        }
    }
}

#[test]
fn a_shared_short_code_gives_each_keyword_to_its_account() {
    let keyword = |word: &str, account| RuleSpec {
        name: word.to_owned(),
        direction: Direction::Mo,
        when: brivas_route::Conditions {
            prefixes: vec!["36180".to_owned()],
            keywords: vec![word.to_owned()],
            ..Default::default()
        },
        to_account: Some(account),
        ..RuleSpec::default()
    };
    let rest = RouteSpec {
        name: "rest".to_owned(),
        direction: Direction::Mo,
        prefix: "36180".to_owned(),
        to_account: Some(3),
        ..RouteSpec::default()
    };
    let table = build(&[keyword("JOIN", 1), keyword("été", 2)], &[rest]);
    let to = |text| {
        let message = Message { text, ..Message::new(Direction::Mo, u32::MAX, b"36180") };
        table.find(&message, 0, &mut Scratch::default()).and_then(Route::to_account)
    };
    assert_eq!(to(" join, please"), Some(1));
    assert_eq!(to("ÉTÉ"), Some(2));
    assert_eq!(to("joined"), Some(3));
    assert_eq!(to(""), Some(3));
}

#[test]
fn a_rules_targets_carry_their_changes_and_share_them() {
    use std::sync::Arc;

    use brivas_route::{AddedTlv, Rewrite, SenderAddress};

    let tlv = |tag, value: &str| AddedTlv { tag, value: value.into(), keep_own: false };
    let sender = SenderAddress { ton: 5, npi: 0, address: b"BRIVAS".to_vec() };
    let route = Rewrite { sender: Some(sender), tlvs: vec![tlv(0x1400, "entity")] };
    let own = Rewrite { sender: None, tlvs: vec![tlv(0x1401, "template")] };
    let rule = RuleSpec {
        name: "india".to_owned(),
        targets: vec![target(1, 0, 0), TargetSpec { rewrite: Some(Arc::new(own)), ..target(2, 1, 0) }],
        rewrite: Some(Arc::new(route.clone())),
        ..RuleSpec::default()
    };
    let table = build(&[rule], &[]);
    let message = Owned::default();
    let found =
        table.find(&message.message(), 0, &mut Scratch::default()).expect("the rule is for everything");
    assert_eq!(found.rewrite(1), Some(&route));
    let both: Vec<u16> = found.rewrite(2).expect("changes").tlvs.iter().map(|tlv| tlv.tag).collect();
    assert_eq!(both, [0x1400, 0x1401]);
    assert_eq!(found.rewrite(3), None);
}
