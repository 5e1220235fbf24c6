//! Time and memory of rules: `cargo bench -p brivas-route --bench rules -- [RULES]`, by default ten thousand, each by
//! other keys; then the worst that a table may hold; then many patterns over texts.

mod stopwatch;

use std::hint::black_box;

use brivas_route::{
    CANDIDATES_MAX, Conditions, DataCodings, Direction, Hours, Message, Network, RouteSpec, RuleSpec,
    Scratch, SenderMatch, Table, TableBuilder, TargetSpec, Window, stable_hash,
};
use stopwatch::Stopwatch;

const MESSAGES: usize = 1 << 16;
const ROUNDS: usize = 16;
const PLAIN: &str = "prefix ";
const LATIN: &str = "Your one-time code is 482913. It is valid for 10 minutes. Do not share it with anybody, we never ask \
                     for it. Questions? See https://help.example.com/otp or reply HELP.";
const CYRILLIC: &str = "Ваш одноразовый код 482913. Он действует 10 минут. Никому его не сообщайте.";

fn main() {
    let count = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(10_000);
    mixed(count);
    crowded();
    for patterns in [10, 100, 1_000] {
        over_texts(patterns);
    }
}

fn draw(seed: u64) -> u64 {
    stable_hash(&seed.to_be_bytes())
}

fn build(rules: Vec<RuleSpec>) -> (Table, u128) {
    let mut builder = TableBuilder::new();
    builder.extend((0..100_000).map(|number| RouteSpec {
        name: format!("{PLAIN}{number}"),
        prefix: format!("{:06}", draw(number) % 1_000_000)[..3 + number as usize % 4].to_owned()
            + &number.to_string(),
        targets: vec![TargetSpec::default()],
        ..RouteSpec::default()
    }));
    let began = Stopwatch::start();
    let table = rules.into_iter().fold(builder, TableBuilder::add_rule).build();
    (table.unwrap_or_else(|error| panic!("{error}")), began.elapsed().as_millis())
}

fn rule(name: usize, when: Conditions) -> RuleSpec {
    let order = (draw(name as u64) % 100) as u32;
    RuleSpec {
        name: name.to_string(),
        order,
        when,
        targets: vec![TargetSpec::default()],
        ..RuleSpec::default()
    }
}

fn digits(seed: u64, length: usize) -> String {
    format!("{:012}", 100_000_000_000 + draw(seed) % 900_000_000_000)[..length].to_owned()
}

/// Rules of every kind: by account, sender, prefix, network, keyword, alone and together; a third with more to ask.
fn mixed(count: usize) {
    let rules = (0..count).map(|number| {
        let seed = number as u64;
        let mut when = Conditions::default();
        match number % 6 {
            0 => when.senders = vec![SenderMatch::Exact(format!("SENDER{}", number / 6))],
            1 => {
                when.accounts = vec![(draw(seed) % 2_000) as u32];
                when.prefixes = vec![digits(seed, 2 + number % 5)];
            }
            2 => when.prefixes = vec![digits(seed, 5 + number % 6)],
            3 => {
                when.networks = Network::parse(&format!("{}-{:02}", 200 + draw(seed) % 500, number % 100))
                    .into_iter()
                    .collect();
                when.accounts = vec![(draw(seed) % 2_000) as u32];
            }
            4 => {
                when.prefixes = vec![digits(seed % 64, 5)];
                when.keywords = vec![format!("word{number}")];
            }
            _ => when.senders = vec![SenderMatch::Prefix(format!("BR{:04}", number / 6))],
        }
        match number % 9 {
            0 => when.tags_all = 1 << (number % 8),
            3 => {
                when.hours =
                    Some(Hours { windows: vec![Window { from: 480, to: 1_200 }], utc_offset_minutes: 60 })
            }
            6 => when.data_codings = DataCodings::UCS2,
            _ => {}
        }
        rule(number, when)
    });
    let (table, build_ms) = build(rules.collect());
    let senders: Vec<String> = (0..MESSAGES)
        .map(|turn| match turn % 4 {
            0 => format!("SENDER{}", draw(turn as u64) % 2_000),
            1 => format!("BR{:04}x", draw(turn as u64) % 2_000),
            _ => digits(turn as u64, 11),
        })
        .collect();
    let numbers: Vec<String> =
        (0..MESSAGES).map(|turn| digits(draw(turn as u64) % (2 * count as u64), 12)).collect();
    let messages: Vec<Message<'_>> = senders
        .iter()
        .zip(&numbers)
        .enumerate()
        .map(|(turn, (sender, number))| Message {
            sender: sender.as_bytes(),
            tags: turn as u64 & 0xff,
            network: Network::parse(&format!("{}-{:02}", 200 + turn % 500, turn % 100)),
            text: LATIN,
            ..Message::new(Direction::Mt, (draw(turn as u64) % 4_000) as u32, number.as_bytes())
        })
        .collect();
    let (find, by_rule) = time(&table, &messages);
    let began = Stopwatch::start();
    for _ in 0..ROUNDS {
        for message in &messages {
            black_box(table.lookup(message.direction, message.account, message.destination));
        }
    }
    let lookup = began.each(ROUNDS * MESSAGES);
    println!(
        "{count} rules of every kind before 100000 prefixes: find {find:.0} ns (of which the prefixes' lookup \
         {lookup:.0} ns), {:.0} % by a rule; {:.0} octets a rule beside its words, built in {build_ms} ms",
        100.0 * by_rule,
        table.rule_bytes() as f64 / count as f64,
    );
}

/// As many rules under one key as may be, told apart by tags, of which none holds.
fn crowded() {
    let rules = (0..CANDIDATES_MAX).map(|number| {
        let tags_all = 1 << 63 | number as u64;
        rule(number, Conditions { prefixes: vec!["44".to_owned()], tags_all, ..Conditions::default() })
    });
    let (table, _) = build(rules.collect());
    let message = Message { tags: 0x3ff, ..Message::new(Direction::Mt, 1, b"447700900123") };
    let (find, _) = time(&table, &[message]);
    println!("{CANDIDATES_MAX} rules under one key, none holds: find {find:.0} ns");
}

/// Patterns of which none is found, so that all are looked for.
fn over_texts(count: usize) {
    let rules = (0..count).map(|number| {
        let pattern = match number % 3 {
            0 => format!(r"(?i)\bfree prize {number}\b"),
            1 => format!(r"(?i)win(ner)? of {number} (eur|usd)"),
            _ => format!(r"casino{number}\.(com|net|ru)/[a-z0-9]+"),
        };
        rule(number, Conditions { text_patterns: vec![pattern], ..Conditions::default() })
    });
    let (table, build_ms) = build(rules.collect());
    let noise: Vec<String> = (0..1 << 10_u64)
        .map(|text: u64| (0..160).map(|at| char::from(b'a' + (draw(text * 160 + at) % 26) as u8)).collect())
        .collect();
    let [latin, cyrillic] = [LATIN, CYRILLIC].map(|text| vec![text; 1 << 10]);
    let noise = noise.iter().map(String::as_str).collect();
    for (name, texts) in
        [("one Latin text", latin), ("one Cyrillic text", cyrillic), ("texts of noise", noise)]
    {
        let message = |text| Message { text, ..Message::new(Direction::Mt, 1, b"447700900123") };
        let messages: Vec<Message<'_>> = texts.into_iter().map(message).collect();
        let octets = messages[0].text.len();
        let (find, _) = time(&table, &messages);
        println!("{count} patterns over {octets} octets, {name}: find {find:.0} ns; built in {build_ms} ms");
    }
}

/// Nanoseconds a message, and the share that a rule took.
fn time(table: &Table, messages: &[Message<'_>]) -> (f64, f64) {
    let mut scratch = Scratch::default();
    let mut by_rule = 0_usize;
    // Wednesday, 12:00 UTC.
    let now_ms = 1_767_787_200_000;
    let rounds = (ROUNDS * MESSAGES / messages.len() / 8).max(ROUNDS);
    for message in messages {
        black_box(table.find(message, now_ms, &mut scratch));
    }
    let began = Stopwatch::start();
    for _ in 0..rounds {
        for message in messages {
            let found = table.find(message, now_ms, &mut scratch);
            by_rule += usize::from(found.is_some_and(|route| !route.name().starts_with(PLAIN)));
        }
    }
    let count = (rounds * messages.len()) as f64;
    (began.elapsed().as_nanos() as f64 / count, by_rule as f64 / count)
}
