//! `brivas bench route`: times the engine's own routing on a random table. Not on the way of any message.
//!
//! Prefixes, numbers and rules are drawn from a seed. Figures are of the time that the thread had on a processor, so that others
//! on the machine count less. The floor is one look-up of the whole number in a hash table with as many entries.

use std::collections::{HashMap, HashSet};
use std::hint::black_box;
use std::time::{Duration, Instant};

use brivas_route::{
    Conditions, Direction, Message, Network, PORTED_MAX, PortedNumbers, ROUTES_MAX, RULES_MAX, RouteSpec,
    RuleSpec, Scratch, SenderMatch, Table, TableBuilder, TargetSpec, stable_hash,
};

/// What the table has.
#[derive(Clone, Copy, Debug)]
pub struct RouteBenchOptions {
    /// Distinct prefixes of 4 to 12 digits, each a route.
    pub prefixes: usize,
    /// Ported numbers.
    pub ported: usize,
    /// Rules: by sender, by account and prefix, by account and network.
    pub rules: usize,
    /// What all is drawn from.
    pub seed: u64,
}

/// A table, and the numbers that are looked up.
#[derive(Debug)]
pub struct RouteBench {
    table: Table,
    /// With the rules before the same prefixes.
    ruled: Table,
    ported: PortedNumbers,
    floor: HashMap<u64, u32, ahash::RandomState>,
    numbers: Vec<[u8; NUMBER_DIGITS]>,
    senders: Vec<String>,
    facts: RouteBenchFacts,
}

/// What making it took.
#[derive(Clone, Copy, Debug)]
pub struct RouteBenchFacts {
    /// Milliseconds to compile the prefixes.
    pub build_ms: u64,
    /// The same with the rules.
    pub rules_build_ms: u64,
    /// Milliseconds to read the ported numbers.
    pub ported_load_ms: u64,
    /// Octets of all prefixes, as a look-up reads them.
    pub prefix_bytes: usize,
    /// Octets of all ported numbers.
    pub ported_bytes: usize,
    /// Octets of all rules, without their words.
    pub rule_bytes: usize,
}

/// One round: nanoseconds each.
#[derive(Clone, Copy, Debug)]
pub struct RouteBenchRound {
    /// The longest prefix, and the choice of a carrier.
    pub lookup_ns: f64,
    /// The network of a ported number.
    pub ported_ns: f64,
    /// All of it: network, rules, prefix, choice.
    pub decision_ns: f64,
    /// A hash table with the whole number as its key.
    pub floor_ns: f64,
    /// Share of the numbers that have a route.
    pub found_share: f64,
    /// Share of the decisions that a rule made.
    pub by_rule_share: f64,
}

const NUMBER_DIGITS: usize = 12;
/// More than any cache holds.
const NUMBERS: usize = 1 << 20;
/// Wednesday, 12:00 UTC.
const NOW_MS: i64 = 1_767_787_200_000;
/// Accounts that send.
const ACCOUNTS: u64 = 1_000;
const TRIES_A_PREFIX: usize = 8;

impl RouteBench {
    /// Draws it all; takes seconds where it is large.
    ///
    /// # Errors
    /// What is wrong with the options.
    pub fn new(options: RouteBenchOptions) -> Result<Self, String> {
        let RouteBenchOptions { prefixes, ported, rules, seed } = options;
        for (what, count, max) in
            [("prefixes", prefixes, ROUTES_MAX), ("ported", ported, PORTED_MAX), ("rules", rules, RULES_MAX)]
        {
            if count > max {
                return Err(format!("{what}: {count}, at most {max} are possible"));
            }
        }
        if prefixes == 0 {
            return Err("prefixes: 0, at least 1 is needed".to_owned());
        }
        let mut draws = Draws(seed);
        let drawn = draw_prefixes(&mut draws, prefixes)?;
        let numbers = draw_numbers(&mut draws, &drawn);

        let watch = Stopwatch::start();
        let table = plain(&drawn).build().map_err(|error| error.to_string())?;
        let build_ms = watch.elapsed_ms();
        let watch = Stopwatch::start();
        let specs = (0..rules).map(|number| draw_rule(number, &drawn));
        let ruled = specs.fold(plain(&drawn), TableBuilder::add_rule);
        let ruled = ruled.build().map_err(|error| error.to_string())?;
        let rules_build_ms = watch.elapsed_ms();

        let lines = draw_ported(&mut draws, &numbers, ported);
        let watch = Stopwatch::start();
        let ported = PortedNumbers::load(lines.as_bytes()).map_err(|error| error.to_string())?;
        let ported_load_ms = watch.elapsed_ms();

        // Half of what is looked up is there.
        let there = numbers.iter().step_by(2).map(value);
        let others = std::iter::repeat_with(|| 1_000_000_000_000 + draws.next() % 1_000_000_000_000);
        let floor = there.chain(others).take(prefixes).zip(0..).collect();
        let senders = (0..1_024).map(|number| format!("SENDER{number}")).collect();
        let facts = RouteBenchFacts {
            build_ms,
            rules_build_ms,
            ported_load_ms,
            prefix_bytes: table.lookup_bytes(),
            ported_bytes: ported.heap_bytes(),
            rule_bytes: ruled.rule_bytes(),
        };
        Ok(Self { table, ruled, ported, floor, numbers, senders, facts })
    }

    /// What making it took.
    pub const fn facts(&self) -> RouteBenchFacts {
        self.facts
    }

    /// The prefixes, for another implementation.
    pub fn prefixes(&self) -> Vec<String> {
        self.table.routes().map(|route| route.name().to_owned()).collect()
    }

    /// The first `count` of the numbers that are looked up.
    pub fn numbers(&self, count: usize) -> Vec<String> {
        let text = |number: &[u8; NUMBER_DIGITS]| String::from_utf8_lossy(number).into_owned();
        self.numbers.iter().take(count).map(text).collect()
    }

    /// The longest prefix of a number that has a route.
    pub fn lookup(&self, number: &str) -> Option<&str> {
        Some(self.table.lookup(Direction::Mt, 0, number.as_bytes())?.name())
    }

    /// Looks up so many numbers in each of the ways.
    pub fn round(&self, lookups: usize) -> RouteBenchRound {
        let lookups = lookups.max(1);
        let number = |turn: usize| &self.numbers[turn & (NUMBERS - 1)];
        let each = |watch: &Stopwatch| watch.elapsed().as_nanos() as f64 / lookups as f64;

        let (mut found, watch) = (0_usize, Stopwatch::start());
        for turn in 0..lookups {
            let route = self.table.lookup(Direction::Mt, 0, number(turn));
            found += usize::from(route.is_some_and(|route| route.choose(turn as u64, |_| true).is_some()));
        }
        let lookup_ns = each(&watch);

        let (mut known, watch) = (0_usize, Stopwatch::start());
        for turn in 0..lookups {
            known += usize::from(self.ported.network(number(turn)).is_some());
        }
        let ported_ns = each(&watch);

        let (mut by_rule, mut chosen) = (0_usize, 0_usize);
        let (mut scratch, watch) = (Scratch::default(), Stopwatch::start());
        let plain_routes = self.table.len() as u32;
        for turn in 0..lookups {
            let number = number(turn);
            let account = (turn as u64 % ACCOUNTS) as u32;
            let message = Message {
                sender: self.senders[turn % self.senders.len()].as_bytes(),
                network: self.ported.network(number),
                ..Message::new(Direction::Mt, account, number)
            };
            if let Some(route) = self.ruled.find(&message, NOW_MS, &mut scratch) {
                by_rule += usize::from(route.number() >= plain_routes);
                chosen += usize::from(route.choose(turn as u64, |_| true).is_some());
            }
        }
        let decision_ns = each(&watch);

        let values: Vec<u64> = self.numbers.iter().map(value).collect();
        let (mut there, watch) = (0_usize, Stopwatch::start());
        for turn in 0..lookups {
            there += usize::from(self.floor.contains_key(&values[turn & (NUMBERS - 1)]));
        }
        let floor_ns = each(&watch);
        black_box((known, chosen, there));
        let share = |count: usize| count as f64 / lookups as f64;
        RouteBenchRound {
            lookup_ns,
            ported_ns,
            decision_ns,
            floor_ns,
            found_share: share(found),
            by_rule_share: share(by_rule),
        }
    }
}

/// Numbers from a seed.
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(1);
        stable_hash(&self.0.to_be_bytes())
    }

    fn digits(&mut self, count: usize) -> String {
        let all = 100_000_000_000 + self.next() % 900_000_000_000;
        all.to_string()[..count].to_owned()
    }
}

fn draw_prefixes(draws: &mut Draws, count: usize) -> Result<Vec<String>, String> {
    let mut seen = HashSet::with_capacity(count);
    let mut prefixes = Vec::with_capacity(count);
    for _ in 0..count.saturating_mul(TRIES_A_PREFIX) {
        if prefixes.len() == count {
            break;
        }
        let length = 4 + draws.next() as usize % 9;
        let prefix = draws.digits(length);
        if seen.insert(prefix.clone()) {
            prefixes.push(prefix);
        }
    }
    if prefixes.len() < count {
        return Err(format!("prefixes: {count}, of which this seed has {}", prefixes.len()));
    }
    Ok(prefixes)
}

/// Half of them continue a prefix, half are any number.
fn draw_numbers(draws: &mut Draws, prefixes: &[String]) -> Vec<[u8; NUMBER_DIGITS]> {
    let mut one = |turn: usize| {
        let mut digits = draws.digits(NUMBER_DIGITS).into_bytes();
        if turn.is_multiple_of(2) {
            let prefix = prefixes[draws.next() as usize % prefixes.len()].as_bytes();
            digits[..prefix.len()].copy_from_slice(prefix);
        }
        digits.try_into().unwrap_or([b'1'; NUMBER_DIGITS])
    };
    (0..NUMBERS).map(&mut one).collect()
}

/// As they stand in a file. Every fourth of the numbers is ported, while there are as many.
fn draw_ported(draws: &mut Draws, numbers: &[[u8; NUMBER_DIGITS]], count: usize) -> String {
    use std::fmt::Write as _;
    let mut seen = HashSet::with_capacity(count);
    let known = numbers.iter().skip(1).step_by(4).map(value).take(count / 2);
    seen.extend(known);
    while seen.len() < count {
        seen.insert(100_000_000_000 + draws.next() % 900_000_000_000);
    }
    let mut lines = String::with_capacity(count * 20);
    for number in seen {
        // A String takes what it is given.
        let _ = writeln!(lines, "{number},234-{}", 10 + stable_hash(&number.to_be_bytes()) % 80);
    }
    lines
}

fn plain(prefixes: &[String]) -> TableBuilder {
    let mut builder = TableBuilder::new();
    builder.extend(prefixes.iter().map(|prefix| RouteSpec {
        name: prefix.clone(),
        direction: Direction::Mt,
        prefix: prefix.clone(),
        targets: vec![TargetSpec::default()],
        ..RouteSpec::default()
    }));
    builder
}

fn draw_rule(number: usize, prefixes: &[String]) -> RuleSpec {
    let drawn = stable_hash(&number.to_be_bytes());
    let mut when = Conditions::default();
    if number.is_multiple_of(3) {
        when.senders = vec![SenderMatch::Exact(format!("SENDER{number}"))];
    } else {
        when.accounts = vec![(drawn % ACCOUNTS) as u32];
        if number % 3 == 1 {
            when.prefixes = vec![prefixes[(drawn >> 16) as usize % prefixes.len()].clone()];
        } else {
            when.networks = Network::parse(&format!("234-{}", 10 + (drawn >> 16) % 80)).into_iter().collect();
        }
    }
    let order = number as u32;
    RuleSpec {
        name: format!("rule {number}"),
        order,
        when,
        targets: vec![TargetSpec::default()],
        ..RuleSpec::default()
    }
}

fn value(number: &[u8; NUMBER_DIGITS]) -> u64 {
    number.iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0'))
}

/// Time that this thread had on a processor; where the system does not tell, by the clock on the wall.
struct Stopwatch {
    began: Instant,
    on_processor: Option<Duration>,
}

impl Stopwatch {
    fn start() -> Self {
        Self { began: Instant::now(), on_processor: on_processor() }
    }

    fn elapsed(&self) -> Duration {
        match (self.on_processor, on_processor()) {
            (Some(began), Some(now)) => now.saturating_sub(began),
            _ => self.began.elapsed(),
        }
    }

    fn elapsed_ms(&self) -> u64 {
        self.elapsed().as_millis() as u64
    }
}

fn on_processor() -> Option<Duration> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call fills in the structure that it is given, which outlives it.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) } != 0;
    (!failed).then(|| Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: RouteBenchOptions =
        RouteBenchOptions { prefixes: 2_000, ported: 3_000, rules: 90, seed: 7 };

    #[test]
    fn the_same_seed_gives_the_same_table_and_numbers() {
        let (one, other) = (RouteBench::new(OPTIONS).unwrap(), RouteBench::new(OPTIONS).unwrap());
        assert_eq!((one.prefixes(), one.numbers(100)), (other.prefixes(), other.numbers(100)));
        assert_eq!(one.prefixes().len(), 2_000);
        let another = RouteBench::new(RouteBenchOptions { seed: 8, ..OPTIONS }).unwrap();
        assert_ne!(one.prefixes(), another.prefixes());
    }

    #[test]
    fn a_round_looks_up_what_is_there() {
        let bench = RouteBench::new(OPTIONS).unwrap();
        let round = bench.round(10_000);
        assert!(round.found_share >= 0.5 && round.by_rule_share > 0.0, "{round:?}");
        assert!(
            round.lookup_ns > 0.0 && round.decision_ns > round.ported_ns && round.floor_ns > 0.0,
            "{round:?}"
        );
        let prefixes: HashSet<String> = bench.prefixes().into_iter().collect();
        for number in bench.numbers(1_000) {
            let naive =
                (0..=NUMBER_DIGITS).rev().map(|length| &number[..length]).find(|it| prefixes.contains(*it));
            assert_eq!(bench.lookup(&number), naive);
        }
    }

    #[test]
    fn what_no_table_can_hold_is_refused() {
        let refused = |options| RouteBench::new(options).err().unwrap();
        let many = RouteBenchOptions { prefixes: ROUTES_MAX + 1, ..OPTIONS };
        assert_eq!(refused(many), "prefixes: 4000001, at most 4000000 are possible");
        assert_eq!(
            refused(RouteBenchOptions { prefixes: 0, ..OPTIONS }),
            "prefixes: 0, at least 1 is needed"
        );
    }
}
