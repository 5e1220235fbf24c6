//! Time and memory of lookups: `cargo bench -p brivas-route -- [ROUTES]`, by default a
//! million. One line a shape of table. Half of the numbers continue a prefix of the table, half are any number, each
//! drawn from a million: nothing is in the cache by chance.

use std::collections::HashSet;
use std::hint::black_box;
use std::time::Instant;

use brivas_route::{Direction, Query, RouteSpec, Table, TableBuilder, TargetSpec, destination_hash};

const LOOKUPS: usize = 4_194_304;
const BATCH: usize = 64;

fn main() {
    let count = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(1_000_000);
    measure("random, 1 to 15 digits", count, |state| (String::new(), 1 + (state >> 55) as usize % 15));
    measure("random, 6 to 12 digits", count, |state| (String::new(), 6 + (state >> 55) as usize % 7));
    measure("one country, 4 to 12 digits", count, |state| ("447".to_owned(), 1 + (state >> 55) as usize % 9));
}

fn measure(shape: &str, count: usize, draw: impl Fn(u64) -> (String, usize)) {
    let mut state = 7_u64;
    let mut next = || {
        state = destination_hash(&state.to_be_bytes());
        state
    };
    let mut prefixes = HashSet::with_capacity(count);
    let mut tries = 0;
    while prefixes.len() < count && tries < 4 * count {
        let drawn = next();
        let (mut prefix, length) = draw(drawn);
        prefix.push_str(&format!("{:015}", drawn % 1_000_000_000_000_000)[..length]);
        prefix.truncate(15);
        prefixes.insert(prefix);
        tries += 1;
    }
    let list: Vec<&String> = prefixes.iter().collect();
    // Half of the destinations continue a prefix of the table, half are any number.
    let destinations: Vec<[u8; 15]> = (0..1 << 20)
        .map(|turn| {
            let drawn = next();
            let mut digits = format!("{:015}", drawn % 1_000_000_000_000_000);
            if turn % 2 == 0 {
                let prefix = list[(drawn >> 16) as usize % list.len()];
                digits.replace_range(..prefix.len(), prefix);
            }
            digits.into_bytes().try_into().unwrap_or([b'0'; 15])
        })
        .collect();
    let began = Instant::now();
    let table = build(&prefixes);
    let build_ms = began.elapsed().as_millis();
    let began = Instant::now();
    let mut found = 0_usize;
    let mut chosen = 0_usize;
    for turn in 0..LOOKUPS {
        let destination = &destinations[turn & (destinations.len() - 1)][..12 + turn % 4];
        let route = table.lookup(Direction::Mt, 3, destination);
        found += usize::from(route.is_some_and(|route| route.choose(turn as u64, |_| true).is_some()));
    }
    let single = began.elapsed().as_nanos() as f64 / LOOKUPS as f64;
    let began = Instant::now();
    for turn in (0..LOOKUPS).step_by(BATCH) {
        let start = turn & (destinations.len() - 1);
        let queries = std::array::from_fn::<_, BATCH, _>(|lane| Query {
            direction: Direction::Mt,
            account: 3,
            destination: &destinations[start + lane][..12 + lane % 4],
        });
        let mut routes = [None; BATCH];
        table.lookup_batch(&queries, &mut routes);
        for route in routes.into_iter().flatten() {
            chosen += usize::from(route.choose(turn as u64, |_| true).is_some());
        }
    }
    let batched = began.elapsed().as_nanos() as f64 / LOOKUPS as f64;
    black_box(chosen);
    println!(
        "{shape}: {} routes, lookup and choice {single:.0} ns each, {batched:.0} ns in batches of {BATCH}, \
         {:.1} octets a route, built in {build_ms} ms, found {:.0} %",
        table.len(),
        table.lookup_bytes() as f64 / table.len() as f64,
        100.0 * found as f64 / LOOKUPS as f64,
    );
}

fn build(prefixes: &HashSet<String>) -> Table {
    let mut builder = TableBuilder::new();
    builder.extend(prefixes.iter().map(|prefix| RouteSpec {
        name: prefix.clone(),
        direction: Direction::Mt,
        prefix: prefix.clone(),
        account: None,
        targets: vec![TargetSpec { carrier: prefix.len() as u32, ..TargetSpec::default() }],
        ..RouteSpec::default()
    }));
    builder.build().unwrap_or_else(|error| panic!("{error}"))
}
