//! Random conditions and messages from few values, so that they meet; and a model of conditions that shares nothing with
//! the crate.

use brivas_route::{
    Conditions, DataCodings, Direction, Hours, LinkMatch, Message, Network, SenderMatch, Window,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

/// A message that owns what it is made of.
#[derive(Clone, Debug, Default)]
pub struct Owned {
    pub direction: Direction,
    pub account: u32,
    pub sender: String,
    pub destination: String,
    pub network: Option<Network>,
    pub data_coding: u8,
    pub tags: u64,
    pub text: String,
}

impl Owned {
    pub fn message(&self) -> Message<'_> {
        Message {
            direction: self.direction,
            account: self.account,
            sender: self.sender.as_bytes(),
            destination: self.destination.as_bytes(),
            network: self.network,
            data_coding: self.data_coding,
            tags: self.tags,
            text: &self.text,
        }
    }
}

pub fn owned() -> impl Strategy<Value = Owned> {
    let direction = prop_oneof![4 => Just(Direction::Mt), 1 => Just(Direction::Mo)];
    let network = option::of(select(&NETWORKS[..])).prop_map(|name| name.and_then(Network::parse));
    let text = vec(select(&WORDS[..]), 0..5).prop_map(|words| words.concat());
    let data_coding = select(&[0_u8, 1, 4, 8, 0x10, 0xf1, 0x0b][..]);
    (direction, 0..4_u32, select(&SENDERS[..]), select(&NUMBERS[..]), network, data_coding, 0..8_u64, text)
        .prop_map(|(direction, account, sender, destination, network, data_coding, tags, text)| Owned {
            direction,
            account,
            sender: sender.to_owned(),
            destination: destination.to_owned(),
            network,
            data_coding,
            tags,
            text,
        })
}

/// Any minute of some weeks.
pub fn now_ms() -> impl Strategy<Value = i64> {
    1_767_000_000_000..1_769_000_000_000_i64
}

/// Mostly few conditions, so that some hold.
pub fn conditions() -> impl Strategy<Value = Conditions> {
    let keys = (
        few(vec(0..4_u32, 1..3)),
        few(vec(
            select(&["", "4", "44", "447", "447700900123", "33", "336"][..]).prop_map(str::to_owned),
            1..3,
        )),
        few(vec(select(&NETWORKS[..]).prop_map(|name| Network::parse(name).expect("a network")), 1..3)),
        few(vec(sender_match(), 1..3)),
        few(vec(select(&["win", "STOP", "приз"][..]).prop_map(str::to_owned), 1..3)),
    );
    let rest = (
        few(vec(select(&["(?i)^ac", "[0-9]{5}$", "x"][..]).prop_map(str::to_owned), 1..3)),
        few(vec(select(&TEXT_PATTERNS[..]).prop_map(str::to_owned), 1..3)),
        prop_oneof![6 => Just(None), 1 => Just(Some(LinkMatch::Any)), 1 => Just(Some(LinkMatch::Hosts(vec!["bit.ly".to_owned()])))],
        prop_oneof![6 => Just(DataCodings::default()), 1 => Just(DataCodings::UCS2), 1 => Just(DataCodings::FLASH.union(DataCodings::BINARY))],
        prop_oneof![3 => Just((0, 0)), 1 => (0..8_u64, 0..8_u64)],
        prop_oneof![4 => Just(None), 1 => hours().prop_map(Some)],
    );
    (keys, rest).prop_map(|(keys, rest)| {
        let (accounts, prefixes, networks, senders, keywords) = keys;
        let (sender_patterns, text_patterns, links, data_codings, (tags_all, tags_none), hours) = rest;
        Conditions {
            accounts,
            prefixes,
            networks,
            senders,
            keywords,
            sender_patterns,
            text_patterns,
            links,
            data_codings,
            tags_all,
            tags_none: tags_none & !tags_all,
            hours,
        }
    })
}

fn few<T: std::fmt::Debug + Clone>(list: impl Strategy<Value = Vec<T>>) -> impl Strategy<Value = Vec<T>> {
    prop_oneof![4 => Just(Vec::new()), 1 => list]
}

fn sender_match() -> impl Strategy<Value = SenderMatch> {
    let name = select(&["acme", "ACME", "Ac", "447700", "12345"][..]).prop_map(str::to_owned);
    (name, any::<bool>())
        .prop_map(|(name, exact)| if exact { SenderMatch::Exact(name) } else { SenderMatch::Prefix(name) })
}

pub fn windows() -> impl Strategy<Value = Vec<Window>> {
    let window = (0..10_080_u16, 0..=10_080_u16).prop_filter("not empty", |(from, to)| from != to);
    vec(window.prop_map(|(from, to)| Window { from, to }), 1..4)
}

fn hours() -> impl Strategy<Value = Hours> {
    (windows(), -900..=900_i16)
        .prop_map(|(windows, utc_offset_minutes)| Hours { windows, utc_offset_minutes })
}

/// Whether all of the conditions hold, looked at one by one.
pub fn holds(when: &Conditions, message: &Message<'_>, now_ms: i64) -> bool {
    let sender = std::str::from_utf8(message.sender).expect("drawn as text").to_lowercase();
    let destination = std::str::from_utf8(message.destination).expect("drawn as text");
    let number = if destination.chars().all(|digit| digit.is_ascii_digit()) { destination } else { "" };
    let first = message.text.split([' ', '.', '!']).find(|word| !word.is_empty()).unwrap_or_default();
    let first = first.split(['/', ':']).next().unwrap_or_default().to_lowercase();
    let any = |patterns: &[String], text: &str| {
        patterns.is_empty()
            || patterns.iter().any(|pattern| regex::Regex::new(pattern).expect("valid").is_match(text))
    };
    let coding: &[DataCodings] = match message.data_coding {
        0 | 0xf1 => &[DataCodings::DEFAULT],
        1 => &[DataCodings::ASCII],
        4 => &[DataCodings::BINARY],
        8 => &[DataCodings::UCS2],
        0x10 => &[DataCodings::DEFAULT, DataCodings::FLASH],
        _ => &[DataCodings::RESERVED],
    };
    let text = message.text.to_lowercase();
    (when.accounts.is_empty() || when.accounts.contains(&message.account))
        && (when.prefixes.is_empty()
            || when.prefixes.iter().any(|prefix| number.starts_with(prefix.as_str())))
        && (when.networks.is_empty() || when.networks.iter().any(|network| message.network == Some(*network)))
        && (when.senders.is_empty()
            || when.senders.iter().any(|wanted| match wanted {
                SenderMatch::Exact(name) => sender == name.to_lowercase(),
                SenderMatch::Prefix(name) => sender.starts_with(&name.to_lowercase()),
            }))
        && (when.keywords.is_empty() || when.keywords.iter().any(|word| word.to_lowercase() == first))
        && any(&when.sender_patterns, std::str::from_utf8(message.sender).expect("drawn as text"))
        && any(&when.text_patterns, message.text)
        && match &when.links {
            None => true,
            // Of the drawn words only one is a link for certain, and only two lead to the host.
            Some(LinkMatch::Any) => text.contains("http://x.bit.ly/1"),
            Some(LinkMatch::Hosts(_)) => {
                text.split(' ').any(|word| word == "http://x.bit.ly/1" || word == "bit.ly")
            }
        }
        && (when.data_codings.is_empty() || coding.iter().any(|class| when.data_codings.intersects(*class)))
        && when.tags_all & !message.tags == 0
        && when.tags_none & message.tags == 0
        && when
            .hours
            .as_ref()
            .is_none_or(|hours| in_windows(&hours.windows, local_minute(now_ms, hours.utc_offset_minutes)))
}

/// Minutes since Monday 00:00.
pub fn local_minute(now_ms: i64, offset: i16) -> u16 {
    // 2025-12-29 00:00 UTC was a Monday.
    let since = now_ms / 60_000 - 29_449_440;
    u16::try_from((since + i64::from(offset)).rem_euclid(10_080)).expect("below a week")
}

pub fn in_windows(windows: &[Window], minute: u16) -> bool {
    windows.iter().any(|window| {
        let length = (window.to + 10_080 - window.from - 1) % 10_080 + 1;
        (minute + 10_080 - window.from) % 10_080 < length
    })
}

const NETWORKS: [&str; 3] = ["234-10", "234-15", "310-026"];
const SENDERS: [&str; 6] = ["ACME", "acme", "Acorn", "447700900999", "12345", "A sender longer than any"];
const NUMBERS: [&str; 7] =
    ["447700900123", "447800900123", "4477009001234567", "33612345678", "44", "", "44x"];
const WORDS: [&str; 9] =
    ["win ", "STOP ", "Приз! ", "bit.ly ", "http://x.bit.ly/1 ", "1234 ", "winner ", "ok. ", " "];
const TEXT_PATTERNS: [&str; 5] = [r"(?i)\bwin\b", r"(?i)\bприз\b", r"\d{4}", r"bit\.ly", "^$"];
