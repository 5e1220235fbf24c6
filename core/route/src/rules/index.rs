//! Finds the first rule that holds without looking at all of them.
//!
//! Each rule is found by what is exact in it: account, network, keyword, and the beginnings of destination and sender,
//! by their lengths. Rules that use the same of these have one *shape*; the values of a shape make a key, and the keys of
//! all shapes lie in one hash table (tuple space search: Srinivasan, Suri, Varghese, 1999). A search probes the shapes
//! that can hold for this message, in the order of their first rules, and ends when no later shape has an earlier rule.
//! Behind a key stand at most [`CANDIDATES_MAX`] rules, in order.

use std::collections::HashMap;

use super::conditions::{ConditionError, Conditions};
use super::facts::Facts;
use super::residual::{Collector, Residual, Shared};
use super::scratch::RuleScratch;
use super::sender::{SenderKey, SenderMatch, sender_hash};
use super::words::{folded_hash, same_word};
use crate::digits::Digits;
use crate::hash::{Seeded, mix};
use crate::message::Message;
use crate::trie::{NONE, Trie};

/// The most rules of a table (each direction) or a policy.
pub const RULES_MAX: usize = 100_000;
/// The most keys of one rule: its lists multiplied.
pub const KEYS_A_RULE_MAX: usize = 4_096;
/// The most keys of all rules.
pub const KEYS_MAX: usize = 1_000_000;
/// The most rules with one key.
pub const CANDIDATES_MAX: usize = 1_024;
/// The most shapes.
pub const SHAPES_MAX: usize = 1_024;

/// Compiled conditions. Rules are known by their rank: their position in the order.
#[derive(Debug)]
pub(crate) struct RuleIndex {
    /// By their first rule.
    shapes: Box<[(u32, Shape)]>,
    /// By hash of shape and values: where in `entries`.
    keys: HashMap<u64, (u32, u32), Seeded>,
    /// By key, then rank.
    entries: Box<[Entry]>,
    residuals: Box<[Residual]>,
    shared: Shared,
    accounts: Box<[u32]>,
    networks: Box<[u32]>,
    keywords: Box<[Box<str>]>,
    prefixes: Prefixes,
    reads_text: bool,
}

/// What of a message makes the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Shape {
    account: bool,
    network: bool,
    keyword: bool,
    sender: SenderPart,
    prefix_digits: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum SenderPart {
    None,
    Whole,
    First(u8),
}

/// One rule under one key, with the values, because hashes can collide.
#[derive(Clone, Copy, Debug)]
struct Entry {
    prefix: Digits,
    rank: u32,
    account: u32,
    network: u32,
    keyword: u32,
    sender: Option<SenderKey>,
    shape: Shape,
}

/// Which lengths of prefixes can hold for a number.
#[derive(Debug)]
struct Prefixes {
    trie: Trie,
    /// By the number in the trie: a bit for each length of the prefixes on the way to it.
    lengths: Box<[u16]>,
}

impl RuleIndex {
    /// Compiles rules in their order, whose conditions are normalised. An error names the rule by its rank, where it is
    /// one rule's.
    pub(crate) fn build<'rule>(
        rules: impl ExactSizeIterator<Item = &'rule Conditions> + Clone,
    ) -> Result<Self, (Option<usize>, ConditionError)> {
        if rules.len() > RULES_MAX {
            return Err((None, ConditionError::TooManyRules { count: rules.len() }));
        }
        let mut collector = Collector::default();
        let mut collected = Collected::default();
        let mut residuals = Vec::with_capacity(rules.len());
        for (rank, conditions) in rules.clone().enumerate() {
            collected.add(rank as u32, conditions).map_err(|error| (Some(rank), error))?;
            residuals.push(collector.residual(conditions).map_err(|error| (Some(rank), error))?);
        }
        let Collected { keywords, mut entries } = collected;
        let mut shapes = HashMap::new();
        for (_, entry) in &entries {
            let first = shapes.entry(entry.shape).or_insert(entry.rank);
            *first = entry.rank.min(*first);
        }
        if shapes.len() > SHAPES_MAX {
            return Err((None, ConditionError::TooManyShapes { count: shapes.len() }));
        }
        let mut shapes: Vec<_> = shapes.into_iter().map(|(shape, first)| (first, shape)).collect();
        shapes.sort_unstable();
        entries.sort_unstable_by_key(|(key, entry)| (*key, entry.rank));
        let mut keys = HashMap::with_capacity_and_hasher(entries.len(), Seeded::default());
        let mut start = 0;
        for bucket in entries.chunk_by(|left, right| left.0 == right.0) {
            if bucket.len() > CANDIDATES_MAX {
                let rank = bucket[CANDIDATES_MAX].1.rank as usize;
                return Err((Some(rank), ConditionError::Crowded { count: bucket.len() }));
            }
            keys.insert(bucket[0].0, (start, start + bucket.len() as u32));
            start += bucket.len() as u32;
        }
        let entries: Box<[Entry]> = entries.into_iter().map(|(_, entry)| entry).collect();
        Ok(Self {
            shapes: shapes.into(),
            keys,
            residuals: residuals.into(),
            shared: collector.finish().map_err(|error| (None, error))?,
            accounts: present(&entries, |entry| entry.shape.account.then_some(entry.account)),
            networks: present(&entries, |entry| entry.shape.network.then_some(entry.network)),
            keywords: keywords.into(),
            prefixes: Prefixes::build(&entries),
            reads_text: rules.into_iter().any(Conditions::reads_text),
            entries,
        })
    }

    /// The rank of the first rule that holds and that `accepts` takes. It is asked about rules in any order, maybe more
    /// than once, and about every one that holds and stands before the answer.
    pub(crate) fn first(
        &self,
        message: &Message<'_>,
        now_ms: i64,
        scratch: &mut RuleScratch,
        mut accepts: impl FnMut(u32) -> bool,
    ) -> Option<u32> {
        if self.shapes.is_empty() {
            return None;
        }
        scratch.clear();
        let facts = Facts::new(message, now_ms, !self.keywords.is_empty());
        let network = message.network.map_or(NONE, |network| network.number());
        let lengths = self.prefixes.lengths(facts.digits);
        let account_known = self.accounts.binary_search(&message.account).is_ok();
        let network_known = self.networks.binary_search(&network).is_ok();
        let mut best = u32::MAX;
        for &(first, shape) in &self.shapes {
            if first >= best {
                break;
            }
            if lengths >> shape.prefix_digits & 1 == 0
                || shape.account && !account_known
                || shape.network && !network_known
                || shape.keyword && facts.keyword.is_empty()
            {
                continue;
            }
            let Some(key) = shape.key(&facts, network) else { continue };
            let Some(&(start, end)) = self.keys.get(&key) else { continue };
            for entry in &self.entries[start as usize..end as usize] {
                if entry.rank >= best {
                    break;
                }
                if self.is_meant(entry, &facts, network)
                    && self.residuals[entry.rank as usize].holds(&self.shared, &facts, scratch)
                    && accepts(entry.rank)
                {
                    best = entry.rank;
                    break;
                }
            }
        }
        (best != u32::MAX).then_some(best)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.shapes.is_empty()
    }

    pub(crate) const fn reads_text(&self) -> bool {
        self.reads_text
    }

    /// Octets on the heap of keys and entries; without those of residuals and patterns.
    pub(crate) fn heap_bytes(&self) -> usize {
        let keys = self.keys.capacity() * (size_of::<(u64, (u32, u32))>() + 1);
        keys + size_of_val(&*self.entries)
            + size_of_val(&*self.shapes)
            + size_of_val(&*self.residuals)
            + self.prefixes.trie.heap_bytes()
            + size_of_val(&*self.prefixes.lengths)
    }

    /// Whether the values are the message's, and not only their hash.
    #[inline]
    fn is_meant(&self, entry: &Entry, facts: &Facts<'_>, network: u32) -> bool {
        let shape = entry.shape;
        let sender = match shape.sender {
            SenderPart::None => true,
            SenderPart::Whole => facts.sender == entry.sender,
            SenderPart::First(octets) => {
                facts.message.sender.get(..usize::from(octets)).and_then(SenderKey::of) == entry.sender
            }
        };
        sender
            && facts.digits.first(usize::from(shape.prefix_digits)) == entry.prefix
            && (!shape.account || entry.account == facts.message.account)
            && (!shape.network || entry.network == network)
            && (!shape.keyword || same_word(&self.keywords[entry.keyword as usize], facts.keyword))
    }
}

impl Shape {
    /// The key of a message; `None` when no key of this shape can be its.
    #[inline]
    fn key(self, facts: &Facts<'_>, network: u32) -> Option<u64> {
        let prefix = facts.digits.first(usize::from(self.prefix_digits));
        let sender = match self.sender {
            SenderPart::None => 0,
            SenderPart::Whole => facts.sender_hash,
            SenderPart::First(octets) => sender_hash(facts.message.sender.get(..usize::from(octets))?),
        };
        Some(self.hash(prefix, facts.message.account, network, facts.keyword_hash, sender))
    }

    #[inline]
    fn hash(self, prefix: Digits, account: u32, network: u32, keyword: u64, sender: u64) -> u64 {
        let (sender_part, sender) = match self.sender {
            SenderPart::None => (0, 0),
            SenderPart::Whole => (1, sender),
            SenderPart::First(octets) => (2 + u64::from(octets), sender),
        };
        let flags = u64::from(self.account) | u64::from(self.network) << 1 | u64::from(self.keyword) << 2;
        let pair = (if self.account { u64::from(account) } else { 0 }) << 32
            | if self.network { u64::from(network) } else { 0 };
        let mut hash = mix(prefix.word() ^ mix(flags | sender_part << 3));
        if self.account || self.network {
            hash = mix(hash ^ pair);
        }
        if self.keyword {
            hash = mix(hash ^ keyword);
        }
        mix(hash ^ sender)
    }
}

/// The entries of all rules, while they are collected.
#[derive(Default)]
struct Collected {
    keywords: Vec<Box<str>>,
    entries: Vec<(u64, Entry)>,
}

impl Collected {
    fn add(&mut self, rank: u32, conditions: &Conditions) -> Result<(), ConditionError> {
        let lengths = [
            conditions.accounts.len(),
            conditions.networks.len(),
            conditions.prefixes.len(),
            conditions.senders.len(),
            conditions.keywords.len(),
        ];
        let count = lengths.iter().fold(1_usize, |count, &length| count.saturating_mul(length.max(1)));
        if count > KEYS_A_RULE_MAX {
            return Err(ConditionError::TooManyKeys { count });
        }
        if self.entries.len() + count > KEYS_MAX {
            return Err(ConditionError::TooManyKeysTogether);
        }
        let prefixes: Vec<Digits> =
            conditions.prefixes.iter().filter_map(|prefix| Digits::of_prefix(prefix)).collect();
        let first_keyword = self.keywords.len() as u32;
        self.keywords.extend(conditions.keywords.iter().map(|keyword| Box::from(keyword.as_str())));
        for account in any_or(&conditions.accounts) {
            for network in any_or(&conditions.networks) {
                for prefix in any_or(&prefixes) {
                    for sender in any_or(&conditions.senders) {
                        for keyword in any_or(&conditions.keywords) {
                            let number = keyword.and_then(|keyword| {
                                let among = conditions.keywords.iter().position(|other| other == keyword)?;
                                Some(first_keyword + among as u32)
                            });
                            let entry = Entry {
                                prefix: prefix.copied().unwrap_or(Digits::EMPTY),
                                rank,
                                account: account.copied().unwrap_or(0),
                                network: network.map_or(0, |network| network.number()),
                                keyword: number.unwrap_or(0),
                                sender: sender.and_then(|sender| SenderKey::of(sender.octets())),
                                shape: Shape {
                                    account: account.is_some(),
                                    network: network.is_some(),
                                    keyword: keyword.is_some(),
                                    sender: sender.map_or(SenderPart::None, part),
                                    prefix_digits: prefix.map_or(0, |prefix| prefix.len() as u8),
                                },
                            };
                            let keyword_hash = keyword.map_or(0, |keyword| folded_hash(keyword));
                            let sender_hash = sender.map_or(0, |sender| sender_hash(sender.octets()));
                            let Entry { prefix, account, network, shape, .. } = entry;
                            let key = shape.hash(prefix, account, network, keyword_hash, sender_hash);
                            self.entries.push((key, entry));
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

/// Each of the list; once nothing, when it is empty.
fn any_or<T>(list: &[T]) -> impl Iterator<Item = Option<&T>> + Clone {
    list.iter().map(Some).chain(list.is_empty().then_some(None))
}

fn part(sender: &SenderMatch) -> SenderPart {
    match sender {
        SenderMatch::Exact(_) => SenderPart::Whole,
        SenderMatch::Prefix(text) => SenderPart::First(text.len() as u8),
    }
}

fn present(entries: &[Entry], value: impl Fn(&Entry) -> Option<u32>) -> Box<[u32]> {
    let mut values: Vec<u32> = entries.iter().filter_map(value).collect();
    values.sort_unstable();
    values.dedup();
    values.into()
}

impl Prefixes {
    fn build(entries: &[Entry]) -> Self {
        let mut prefixes: Vec<Digits> = entries.iter().map(|entry| entry.prefix).collect();
        prefixes.push(Digits::EMPTY);
        prefixes.sort_unstable();
        prefixes.dedup();
        let numbered: Vec<_> = prefixes.iter().copied().zip(0_u32..).collect();
        let mut lengths: Vec<u16> = Vec::with_capacity(prefixes.len());
        // The prefixes on the way to the current one: sorted, each stands before what continues it.
        let mut way: Vec<(Digits, u16)> = Vec::new();
        for prefix in prefixes {
            while way.last().is_some_and(|(above, _)| prefix.common(*above) < above.len()) {
                way.pop();
            }
            let here = way.last().map_or(0, |(_, lengths)| *lengths) | 1 << prefix.len();
            way.push((prefix, here));
            lengths.push(here);
        }
        Self { trie: Trie::build(&numbered), lengths: lengths.into() }
    }

    #[inline]
    fn lengths(&self, digits: Digits) -> u16 {
        self.lengths.get(self.trie.longest(digits) as usize).copied().unwrap_or(1)
    }
}
