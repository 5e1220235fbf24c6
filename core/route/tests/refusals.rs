//! What the builder refuses, and what it says.

use brivas_route::{ACCOUNTS_MAX, Direction, RouteSpec, TARGETS_MAX, TableBuilder, TargetSpec, WEIGHT_MAX};

fn target(carrier: u32) -> TargetSpec {
    TargetSpec { carrier, stable: u64::from(carrier), ..TargetSpec::default() }
}

fn mt(name: &str, prefix: &str) -> RouteSpec {
    RouteSpec {
        name: name.to_owned(),
        direction: Direction::Mt,
        prefix: prefix.to_owned(),
        account: None,
        targets: vec![target(1)],
        ..RouteSpec::default()
    }
}

#[track_caller]
fn refused(specs: Vec<RouteSpec>, words: &[&str]) {
    let mut builder = TableBuilder::new();
    builder.extend(specs);
    let error = builder.build().expect_err("must be refused").to_string();
    for word in words {
        assert!(error.contains(word), "{error:?} does not say {word:?}");
    }
    assert!(error.contains("hint: "), "{error:?} has no hint");
}

#[test]
fn a_prefix_with_a_sign_a_letter_or_sixteen_digits_is_refused() {
    for prefix in ["+44", "44a", " 44", "1234567890123456", "٤٤"] {
        refused(vec![mt("uk", prefix)], &["\"uk\"", prefix]);
    }
}

#[test]
fn an_mt_route_without_targets_is_refused() {
    refused(vec![RouteSpec { targets: vec![], ..mt("uk", "44") }], &["\"uk\"", "target"]);
}

#[test]
fn an_mt_route_with_a_receiving_account_is_refused() {
    refused(vec![RouteSpec { to_account: Some(1), ..mt("uk", "44") }], &["\"uk\"", "receiving"]);
}

#[test]
fn an_mo_route_needs_an_account_and_no_targets() {
    refused(
        vec![RouteSpec { direction: Direction::Mo, targets: vec![], ..mt("in", "") }],
        &["\"in\"", "account"],
    );
    refused(
        vec![RouteSpec { direction: Direction::Mo, to_account: Some(1), ..mt("in", "") }],
        &["\"in\"", "targets"],
    );
}

#[test]
fn a_weight_of_zero_or_past_the_limit_is_refused() {
    for weight in [0, WEIGHT_MAX + 1] {
        let targets = vec![TargetSpec { weight, ..target(5) }];
        refused(
            vec![RouteSpec { targets, ..mt("uk", "44") }],
            &["\"uk\"", &weight.to_string(), "carrier number 5"],
        );
    }
}

#[test]
fn the_same_carrier_twice_is_refused() {
    let targets = vec![target(5), TargetSpec { priority: 1, stable: 7, ..target(5) }];
    refused(vec![RouteSpec { targets, ..mt("uk", "44") }], &["\"uk\"", "carrier number 5"]);
}

#[test]
fn targets_past_the_limit_are_refused() {
    let full: Vec<_> = (0..TARGETS_MAX as u32).map(target).collect();
    assert!(TableBuilder::new().add(RouteSpec { targets: full.clone(), ..mt("uk", "44") }).build().is_ok());
    let over = full.into_iter().chain([target(99)]).collect();
    refused(vec![RouteSpec { targets: over, ..mt("uk", "44") }], &["\"uk\"", "17"]);
}

#[test]
fn an_account_number_past_the_limit_is_refused() {
    refused(
        vec![RouteSpec { account: Some(ACCOUNTS_MAX), ..mt("uk", "44") }],
        &["\"uk\"", &ACCOUNTS_MAX.to_string()],
    );
}

#[test]
fn two_routes_for_the_same_messages_are_refused_by_both_names() {
    refused(vec![mt("uk", "44"), mt("us", "1"), mt("again", "44")], &["\"uk\"", "\"again\"", "\"44\""]);
    let own = |name| RouteSpec { account: Some(3), ..mt(name, "44") };
    refused(vec![own("a"), own("b")], &["\"a\"", "\"b\"", "account number 3"]);
    let different = TableBuilder::new().add(mt("general", "44")).add(own("own")).build();
    assert_eq!(different.map(|table| table.len()), Ok(2));
}

#[test]
fn an_empty_table_finds_nothing() {
    let table = TableBuilder::new().build().expect("no route is a table");
    assert!(table.is_empty());
    assert!(table.lookup(Direction::Mt, u32::MAX, b"447700900123").is_none());
    assert!(table.explain(Direction::Mo, 0, b"x").route.is_none());
}
