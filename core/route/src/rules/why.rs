//! Whether one rule's conditions hold, straight from the words of the configuration, and if not, why.
//!
//! For people and for tests: it compiles patterns each time. It shares nothing with the index but the words.

use super::conditions::Conditions;
use super::data_coding::DataCodings;
use super::hours::{Window, shown, week_minute};
use super::links::{LinkMatch, domains, links};
use super::patterns::single;
use super::words::{same_word, words};
use crate::message::Message;

/// The first condition that does not hold, in words; `None` when all do.
pub(crate) fn mismatch(conditions: &Conditions, message: &Message<'_>, now_ms: i64) -> Option<String> {
    keys(conditions, message).or_else(|| rest(conditions, message, now_ms))
}

/// The conditions that rules are found by.
pub(crate) fn keys(conditions: &Conditions, message: &Message<'_>) -> Option<String> {
    let Conditions { accounts, prefixes, networks, senders, keywords, .. } = conditions;
    if !accounts.is_empty() && !accounts.contains(&message.account) {
        return Some("it is for other accounts".to_owned());
    }
    // A destination that is not all digits has none.
    let digits = message.destination.iter().all(u8::is_ascii_digit);
    let digits = if digits { message.destination } else { b"" };
    if !prefixes.is_empty() && !prefixes.iter().any(|prefix| digits.starts_with(prefix.as_bytes())) {
        return Some(format!("it is for prefixes {}", listed(prefixes)));
    }
    if !networks.is_empty() && !message.network.is_some_and(|network| networks.contains(&network)) {
        let names: Vec<String> = networks.iter().map(ToString::to_string).collect();
        let is = message.network.map_or_else(|| "unknown".to_owned(), |network| network.to_string());
        return Some(format!("it is for networks {}, and the number's is {is}", listed(&names)));
    }
    if !senders.is_empty() && !senders.iter().any(|sender| sender.matches(message.sender)) {
        return Some("it is for other senders".to_owned());
    }
    let first = words(message.text).next().unwrap_or_default();
    if !keywords.is_empty() && !keywords.iter().any(|keyword| same_word(keyword, first)) {
        return Some(format!("it is for texts that begin with {}", listed(keywords)));
    }
    None
}

fn rest(conditions: &Conditions, message: &Message<'_>, now_ms: i64) -> Option<String> {
    let missing = conditions.tags_all & !message.tags;
    if missing != 0 {
        return Some(format!("the message lacks tags {missing:#x}"));
    }
    let forbidden = conditions.tags_none & message.tags;
    if forbidden != 0 {
        return Some(format!("the message has tags {forbidden:#x}"));
    }
    let codings = conditions.data_codings;
    if !codings.is_empty() && !codings.intersects(DataCodings::of(message.data_coding)) {
        return Some(format!("data_coding {:#04x} is of another class", message.data_coding));
    }
    if let Some(hours) = &conditions.hours {
        let minute = week_minute(now_ms, hours.utc_offset_minutes);
        if !hours.windows.iter().any(|window| is_in(*window, minute)) {
            return Some(format!("{} local time is outside its hours", shown(minute)));
        }
    }
    let sender = message.sender;
    if !conditions.sender_patterns.is_empty() && !any_found(&conditions.sender_patterns, sender) {
        return Some(format!("the sender matches none of {}", listed(&conditions.sender_patterns)));
    }
    match &conditions.links {
        Some(LinkMatch::Any) if !links(message.text).any(|link| link.certain) => {
            return Some("the text has no link".to_owned());
        }
        Some(LinkMatch::Hosts(hosts)) => {
            let mut named = links(message.text).flat_map(|link| domains(link.host));
            if !named.any(|domain| hosts.iter().any(|host| same_word(host, domain))) {
                return Some(format!("no link of the text leads to {}", listed(hosts)));
            }
        }
        Some(LinkMatch::Any) | None => {}
    }
    let text = message.text.as_bytes();
    if !conditions.text_patterns.is_empty() && !any_found(&conditions.text_patterns, text) {
        return Some(format!("the text matches none of {}", listed(&conditions.text_patterns)));
    }
    None
}

fn any_found(patterns: &[String], haystack: &[u8]) -> bool {
    patterns.iter().any(|pattern| single(pattern).is_ok_and(|pattern| pattern.is_match(haystack)))
}

fn is_in(window: Window, minute: u16) -> bool {
    if window.from < window.to {
        window.from <= minute && minute < window.to
    } else {
        window.from <= minute || minute < window.to
    }
}

/// The first few of a list, quoted.
fn listed(list: &[String]) -> String {
    let few: Vec<String> = list.iter().take(LISTED_MAX).map(|item| format!("{item:?}")).collect();
    match list.len().checked_sub(LISTED_MAX) {
        None | Some(0) => few.join(" or "),
        Some(more) => format!("{} or {more} more", few.join(" or ")),
    }
}

const LISTED_MAX: usize = 4;
