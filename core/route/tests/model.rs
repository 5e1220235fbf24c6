//! The table against a model that looks at every route for every message.

use brivas_route::{Direction, Query, Route, RouteSpec, Table, TableBuilder, TargetSpec, destination_hash};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn direction() -> impl Strategy<Value = Direction> {
    prop_oneof![3 => Just(Direction::Mt), 1 => Just(Direction::Mo)]
}

/// Few digits, so that prefixes nest and collide; some long, so that runs are compressed.
fn number(longest: usize) -> impl Strategy<Value = String> {
    prop_oneof![
        vec(prop_oneof![Just('0'), Just('1'), Just('9')], 0..=longest).prop_map(String::from_iter),
        vec(prop_oneof![Just('4'), Just('7')], 0..=longest.min(4)).prop_map(String::from_iter),
        vec(proptest::char::range('0', '9'), 0..=longest).prop_map(String::from_iter),
    ]
}

fn destination() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![8 => number(20).prop_map(String::into_bytes), 1 => vec(any::<u8>(), 0..20)]
}

fn targets() -> impl Strategy<Value = Vec<TargetSpec>> {
    vec((0..3_u32, 1..100_u32), 1..=16).prop_map(|drawn| {
        let numbered = drawn.into_iter().zip(0_u32..);
        numbered
            .map(|((priority, weight), carrier)| TargetSpec {
                carrier,
                priority,
                weight,
                stable: u64::from(carrier),
                ..TargetSpec::default()
            })
            .collect()
    })
}

fn specs() -> impl Strategy<Value = Vec<RouteSpec>> {
    let spec = (direction(), number(15), option::of(0..4_u32), targets());
    vec(spec, 0..120).prop_map(|drawn| {
        let mut specs: Vec<RouteSpec> = Vec::new();
        for (direction, prefix, account, targets) in drawn {
            let same = |other: &RouteSpec| {
                (other.direction, &other.prefix, other.account) == (direction, &prefix, account)
            };
            if specs.iter().any(same) {
                continue;
            }
            let (targets, to_account) = match direction {
                Direction::Mt => (targets, None),
                Direction::Mo => (Vec::new(), Some(7)),
            };
            specs.push(RouteSpec {
                name: format!("r{}", specs.len()),
                direction,
                prefix,
                account,
                targets,
                to_account,
                ..RouteSpec::default()
            });
        }
        specs
    })
}

fn build(specs: &[RouteSpec]) -> Table {
    specs
        .iter()
        .cloned()
        .fold(TableBuilder::new(), TableBuilder::add)
        .build()
        .expect("the strategy draws valid routes")
}

/// The rule as it is written: the longest prefix wins, then the account's own.
fn naive<'a>(
    specs: &'a [RouteSpec],
    direction: Direction,
    account: u32,
    destination: &[u8],
) -> Option<&'a str> {
    let digits = if destination.iter().all(u8::is_ascii_digit) { destination } else { b"" };
    specs
        .iter()
        .filter(|spec| spec.direction == direction && spec.account.is_none_or(|only| only == account))
        .filter(|spec| digits.starts_with(spec.prefix.as_bytes()))
        .max_by_key(|spec| (spec.prefix.len(), spec.account.is_some()))
        .map(|spec| spec.name.as_str())
}

proptest! {
    #[test]
    fn lookup_batch_and_explain_agree_with_the_model(
        specs in specs(),
        messages in vec((direction(), 0..6_u32, destination()), 1..60),
        picks in vec((any::<prop::sample::Index>(), number(6)), 0..40),
    ) {
        let table = build(&specs);
        let mut messages = messages;
        // Destinations that continue a prefix of the table, so that deep matches are common.
        for (pick, tail) in picks {
            if !specs.is_empty() {
                let spec = pick.get(&specs);
                messages.push((spec.direction, spec.account.unwrap_or(5), format!("{}{tail}", spec.prefix).into()));
            }
        }
        let queries: Vec<Query<'_>> = messages
            .iter()
            .map(|(direction, account, destination)| Query { direction: *direction, account: *account, destination })
            .collect();
        let mut batch = vec![None; queries.len()];
        table.lookup_batch(&queries, &mut batch);
        for (Query { direction, account, destination }, together) in queries.into_iter().zip(batch) {
            let found = table.lookup(direction, account, destination);
            let explained = table.explain(direction, account, destination);
            prop_assert_eq!(found.map(Route::name), naive(&specs, direction, account, destination));
            prop_assert_eq!(found, explained.route);
            prop_assert_eq!(found, together);
            let hash = destination_hash(destination);
            let order: Vec<u32> = found.map_or_else(Vec::new, |route| route.candidates(hash).collect());
            prop_assert_eq!(&order, &explained.candidates.iter().map(|target| target.carrier).collect::<Vec<_>>());
            prop_assert!(explained.candidates.is_sorted_by_key(|target| target.priority));
            if let Some(route) = found {
                prop_assert_eq!(order.len(), route.targets().len());
                prop_assert_eq!(route.choose(hash, |_| true), order.first().copied());
                prop_assert_eq!(route.choose(hash, |_| false), None);
                prop_assert_eq!(route.choose(hash, |carrier| Some(&carrier) == order.last()), order.last().copied());
            }
        }
    }

    #[test]
    fn content_hash_does_not_depend_on_the_order_of_insertion(specs in specs(), seed in any::<u64>()) {
        let mut shuffled = specs.clone();
        shuffled.sort_by_key(|spec| destination_hash(format!("{seed}{}", spec.name).as_bytes()));
        for spec in &mut shuffled {
            spec.targets.reverse();
        }
        prop_assert_eq!(build(&specs).content_hash(), build(&shuffled).content_hash());
    }

    #[test]
    fn content_hash_changes_with_every_field(specs in specs(), pick in any::<prop::sample::Index>()) {
        prop_assume!(!specs.is_empty());
        let before = build(&specs).content_hash();
        let position = pick.index(specs.len());
        let changes: [fn(&mut RouteSpec); 4] = [
            |spec| spec.name.push('x'),
            |spec| spec.account = Some(spec.account.map_or(900, |account| account + 1_000)),
            |spec| spec.targets.iter_mut().take(1).for_each(|target| target.weight += 1),
            |spec| spec.to_account = spec.to_account.map(|account| account + 1),
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut changed = specs.clone();
            change(&mut changed[position]);
            if changed != specs {
                prop_assert_ne!(build(&changed).content_hash(), before, "change {}", number);
            }
        }
    }
}

/// A table large enough for the widest index, where the random ones above stay small.
#[test]
fn a_large_table_agrees_with_a_search_of_every_length() {
    let mut specs = std::collections::BTreeMap::new();
    let mut state = 1_u64;
    for _ in 0..260_000 {
        state = destination_hash(&state.to_be_bytes());
        let digits = format!("{:015}", state % 1_000_000_000_000_000);
        let length = 1 + (state >> 55) as usize % 15;
        specs.insert(digits[..length].to_owned(), ());
    }
    let mut builder = TableBuilder::new();
    builder.extend(specs.keys().map(|prefix| RouteSpec {
        name: prefix.clone(),
        direction: Direction::Mt,
        prefix: prefix.clone(),
        account: None,
        targets: vec![TargetSpec { carrier: 1, ..TargetSpec::default() }],
        to_account: None,
        ..RouteSpec::default()
    }));
    let table = builder.build().expect("all prefixes are digits");
    for prefix in specs.keys().step_by(7) {
        for destination in [prefix.clone(), format!("{prefix}5"), prefix[..prefix.len() - 1].to_owned()] {
            let longest = (0..=destination.len().min(15))
                .rev()
                .find(|&length| specs.contains_key(&destination[..length]));
            let found = table.lookup(Direction::Mt, 0, destination.as_bytes()).map(Route::name);
            assert_eq!(found, longest.map(|length| &destination[..length]), "{destination}");
        }
    }
}
