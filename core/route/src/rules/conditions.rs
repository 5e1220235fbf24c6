//! What a rule demands of a message, as the configuration has it, and what is wrong with it.

use super::data_coding::DataCodings;
use super::hours::{Hours, UTC_OFFSET_MINUTES_MAX, WINDOWS_MAX, WeekSpans};
use super::links::{HOSTS_MAX, LinkMatch, is_host};
use super::patterns::{PATTERNS_MAX, parse};
use super::sender::SenderMatch;
use super::words::{fold, words};
use crate::content::ContentHash;
use crate::digits::{Digits, PREFIX_DIGITS_MAX};
use crate::network::Network;
use crate::rewrite::SENDER_OCTETS_MAX;
use crate::rules::index::{CANDIDATES_MAX, KEYS_A_RULE_MAX, KEYS_MAX, RULES_MAX, SHAPES_MAX};
use crate::spec::ACCOUNTS_MAX;

/// What a rule is for: all that is said must hold, and of each list at least one. What is empty holds always.
///
/// Rules are found by account, prefix, network, sender and keyword; what else is said is looked at only in the rules
/// that these leave over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Whose messages.
    pub accounts: Vec<u32>,
    /// Leading digits of the destination.
    pub prefixes: Vec<String>,
    /// Networks of the destination.
    pub networks: Vec<Network>,
    /// Senders, in any case.
    pub senders: Vec<SenderMatch>,
    /// The first word of the text, in any case.
    pub keywords: Vec<String>,
    /// Regular expressions found in the sender.
    pub sender_patterns: Vec<String>,
    /// Regular expressions found in the text.
    pub text_patterns: Vec<String>,
    /// Links in the text.
    pub links: Option<LinkMatch>,
    /// Classes of data_coding.
    pub data_codings: DataCodings,
    /// Tags that must all be there.
    pub tags_all: u64,
    /// Tags of which none may be there.
    pub tags_none: u64,
    /// When.
    pub hours: Option<Hours>,
}

/// Why conditions cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are named by the sentence of their variant")]
pub enum ConditionError {
    /// An account number past the limit.
    Account { account: u32 },
    /// A prefix with anything but digits, or too many.
    Prefix { prefix: String },
    /// A sender that no message can have.
    Sender { sender: String },
    /// A keyword that is not one word.
    Keyword { keyword: String },
    /// A regular expression that cannot be compiled.
    Pattern { pattern: String, reason: String },
    /// A link's host that is none, or an empty list of them.
    Host { host: String },
    /// More hosts than one set of rules may name.
    TooManyHosts { count: usize },
    /// The same tags demanded and forbidden.
    Tags { tags: u64 },
    /// Windows that are empty, too many or out of the week, or an offset too far.
    Hours,
    /// More regular expressions than one set may have.
    TooManyPatterns { count: usize },
    /// Regular expressions that are too large together.
    PatternsTooLarge { reason: String },
    /// Lists that multiply to more than a rule may have.
    TooManyKeys { count: usize },
    /// Rules that have too many keys together.
    TooManyKeysTogether,
    /// More rules than one set may have.
    TooManyRules { count: usize },
    /// Rules that are told apart in too many different ways.
    TooManyShapes { count: usize },
    /// Too many rules that neither account, prefix, network, sender nor keyword tell apart.
    Crowded { count: usize },
}

impl Conditions {
    /// Whether every message is meant.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Checks what can be checked of one rule alone, and brings its lists into one order.
    pub(crate) fn normalise(&mut self) -> Result<(), ConditionError> {
        if let Some(&account) = self.accounts.iter().find(|&&account| account >= ACCOUNTS_MAX) {
            return Err(ConditionError::Account { account });
        }
        if let Some(prefix) = self.prefixes.iter().find(|prefix| Digits::of_prefix(prefix).is_none()) {
            return Err(ConditionError::Prefix { prefix: prefix.clone() });
        }
        for sender in &self.senders {
            let octets = sender.octets();
            if octets.is_empty() || octets.len() > SENDER_OCTETS_MAX || octets[0] == b'+' {
                return Err(ConditionError::Sender { sender: String::from_utf8_lossy(octets).into_owned() });
            }
        }
        if let Some(keyword) = self.keywords.iter().find(|keyword| !words(keyword).eq([keyword.as_str()])) {
            return Err(ConditionError::Keyword { keyword: keyword.clone() });
        }
        for pattern in self.sender_patterns.iter().chain(&self.text_patterns) {
            parse(pattern)?;
        }
        match &mut self.links {
            Some(LinkMatch::Hosts(hosts)) => {
                if hosts.is_empty() {
                    return Err(ConditionError::Host { host: String::new() });
                }
                if let Some(host) = hosts.iter().find(|host| !is_host(host)) {
                    return Err(ConditionError::Host { host: host.clone() });
                }
                hosts.iter_mut().for_each(|host| *host = fold(host));
                in_order(hosts);
            }
            Some(LinkMatch::Any) | None => {}
        }
        if self.tags_all & self.tags_none != 0 {
            return Err(ConditionError::Tags { tags: self.tags_all & self.tags_none });
        }
        if let Some(hours) = &mut self.hours {
            let offset = hours.utc_offset_minutes;
            if WeekSpans::new(&hours.windows).is_none()
                || offset.unsigned_abs() > UTC_OFFSET_MINUTES_MAX.unsigned_abs()
            {
                return Err(ConditionError::Hours);
            }
            in_order(&mut hours.windows);
        }
        self.keywords.iter_mut().for_each(|keyword| *keyword = fold(keyword));
        in_order(&mut self.accounts);
        in_order(&mut self.prefixes);
        in_order(&mut self.networks);
        in_order(&mut self.senders);
        in_order(&mut self.keywords);
        in_order(&mut self.sender_patterns);
        in_order(&mut self.text_patterns);
        Ok(())
    }

    /// The order among rules of the same order number: the longer prefix first, as in the prefix table; of several its
    /// shortest counts. Then those with an account of their own.
    pub(crate) fn precedence(&self) -> (std::cmp::Reverse<usize>, bool) {
        let shortest = self.prefixes.iter().map(String::len).min().unwrap_or(0);
        (std::cmp::Reverse(shortest), self.accounts.is_empty())
    }

    /// Whether the message's text is looked at.
    pub(crate) const fn reads_text(&self) -> bool {
        !self.keywords.is_empty() || !self.text_patterns.is_empty() || self.links.is_some()
    }

    pub(crate) fn hash(&self, hash: &mut ContentHash) {
        hash.list(&self.accounts, |hash, &account| hash.number(account));
        hash.list(&self.prefixes, |hash, prefix| hash.octets(prefix.as_bytes()));
        hash.list(&self.networks, |hash, network| hash.number(network.number()));
        hash.list(&self.senders, |hash, sender| {
            hash.number(u8::from(matches!(sender, SenderMatch::Prefix(_))));
            hash.octets(sender.octets());
        });
        for list in [&self.keywords, &self.sender_patterns, &self.text_patterns] {
            hash.list(list, |hash, text| hash.octets(text.as_bytes()));
        }
        match &self.links {
            None => hash.number(0_u8),
            Some(LinkMatch::Any) => hash.number(1_u8),
            Some(LinkMatch::Hosts(hosts)) => {
                hash.number(2_u8);
                hash.list(hosts, |hash, host| hash.octets(host.as_bytes()));
            }
        }
        hash.number(self.data_codings.bits());
        hash.number(self.tags_all);
        hash.number(self.tags_none);
        hash.number(u8::from(self.hours.is_some()));
        if let Some(hours) = &self.hours {
            hash.octets(&hours.utc_offset_minutes.to_be_bytes());
            hash.list(&hours.windows, |hash, window| {
                hash.number(window.from);
                hash.number(window.to);
            });
        }
    }
}

fn in_order<T: Ord>(list: &mut Vec<T>) {
    list.sort_unstable();
    list.dedup();
}

impl std::fmt::Display for ConditionError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Account { account } => {
                write!(formatter, "account number {account}; hint: numbers are below {ACCOUNTS_MAX}")
            }
            Self::Prefix { prefix } => write!(
                formatter,
                "prefix {prefix:?} is not 0 to {PREFIX_DIGITS_MAX} digits; \
                 hint: write the country code first, without '+' or spaces"
            ),
            Self::Sender { sender } => write!(
                formatter,
                "sender {sender:?}; hint: 1 to {SENDER_OCTETS_MAX} octets, a number without '+'"
            ),
            Self::Keyword { keyword } => write!(
                formatter,
                "keyword {keyword:?} is not one word; hint: for more than a word use a text pattern"
            ),
            Self::Pattern { pattern, reason } => write!(
                formatter,
                "pattern {pattern:?}: {reason}; hint: the syntax is that of Rust's regex, without look-around"
            ),
            Self::Host { host } => {
                write!(formatter, "host {host:?}; hint: a name with a dot, without scheme and path")
            }
            Self::TooManyHosts { count } => {
                write!(formatter, "{count} hosts; hint: at most {HOSTS_MAX}, name domains above them")
            }
            Self::Tags { tags } => write!(
                formatter,
                "tags {tags:#x} are demanded and forbidden; hint: such a rule never holds, remove one"
            ),
            Self::Hours => write!(
                formatter,
                "wrong hours; hint: 1 to {WINDOWS_MAX} windows in a week, none of them empty, \
                 at most {UTC_OFFSET_MINUTES_MAX} minutes from UTC"
            ),
            Self::TooManyPatterns { count } => {
                write!(formatter, "{count} patterns; hint: at most {PATTERNS_MAX}, join some with '|'")
            }
            Self::PatternsTooLarge { reason } => {
                write!(formatter, "the patterns are too large together: {reason}; hint: repeat less in them")
            }
            Self::TooManyKeys { count } => write!(
                formatter,
                "its lists multiply to {count} keys; hint: at most {KEYS_A_RULE_MAX}, split the rule"
            ),
            Self::TooManyKeysTogether => {
                write!(
                    formatter,
                    "the lists of all rules multiply to too many keys; hint: at most {KEYS_MAX}"
                )
            }
            Self::TooManyRules { count } => {
                write!(formatter, "{count} rules; hint: at most {RULES_MAX}")
            }
            Self::TooManyShapes { count } => write!(
                formatter,
                "the rules are told apart in {count} different ways (by account, network, keyword, and lengths of \
                 prefixes and senders); hint: at most {SHAPES_MAX}"
            ),
            Self::Crowded { count } => write!(
                formatter,
                "{count} rules share its account, prefix, network, sender and keyword; \
                 hint: at most {CANDIDATES_MAX}, tell them apart by one of these"
            ),
        }
    }
}

impl std::error::Error for ConditionError {}
