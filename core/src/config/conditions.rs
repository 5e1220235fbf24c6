//! Conditions, windows and rewrites of the snapshot in the words of the routing table.

use std::sync::Arc;

use brivas_proto::v1;
use brivas_route::{
    AddedTlv, Conditions, DataCodings, Hours, LinkMatch, Rewrite, SenderAddress, SenderMatch, Window,
};

use super::numbers::network;
use crate::error::EngineError;

/// Tags by the number of their bit: accounts, carriers and conditions name them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tags(Vec<String>);

/// A message's tags are the bits of a word.
const TAGS_MAX: usize = u64::BITS as usize;

impl Tags {
    /// Every tag that a snapshot names.
    pub(crate) fn of(snapshot: &v1::Snapshot) -> Result<Self, EngineError> {
        let conditions = snapshot.routes.iter().filter_map(|route| route.when.as_ref());
        let conditions = conditions.chain(snapshot.policy_rules.iter().filter_map(|rule| rule.when.as_ref()));
        let mut names: Vec<&String> = conditions
            .flat_map(|when| when.tags.iter().chain(&when.tags_none))
            .chain(snapshot.accounts.iter().flat_map(|account| &account.tags))
            .chain(snapshot.carriers.iter().flat_map(|carrier| &carrier.tags))
            .collect();
        names.sort_unstable();
        names.dedup();
        if names.len() > TAGS_MAX {
            let count = names.len();
            let what = format!("{count} different tags; hint: at most {TAGS_MAX} over all resources");
            return Err(EngineError::Config(what));
        }
        Ok(Self(names.into_iter().cloned().collect()))
    }

    /// The bits of these names; what nobody names has none.
    pub(crate) fn bits(&self, names: &[String]) -> u64 {
        let bit = |name: &String| self.0.binary_search(name).map_or(0, |bit| 1 << bit);
        names.iter().fold(0, |bits, name| bits | bit(name))
    }

    /// A step of an explanation with the names of the tags that it writes as bits.
    pub(crate) fn named(&self, step: String) -> String {
        let Some((before, rest)) = step.split_once("tags 0x") else { return step };
        let end = rest.find(|digit: char| !digit.is_ascii_hexdigit()).unwrap_or(rest.len());
        let Ok(bits) = u64::from_str_radix(&rest[..end], 16) else { return step };
        let names: Vec<&str> = self
            .0
            .iter()
            .enumerate()
            .filter(|(bit, _)| bits >> bit & 1 == 1)
            .map(|(_, name)| name.as_str())
            .collect();
        format!("{before}tags {}{}", names.join(", "), &rest[end..])
    }
}

/// What conditions are read with.
pub(crate) struct Reading<'a> {
    pub(crate) tags: &'a Tags,
    /// The number of an account's name, or that there is none.
    pub(crate) account: &'a dyn Fn(&str) -> Result<u32, EngineError>,
}

impl Reading<'_> {
    /// Conditions; `what` is whose.
    pub(crate) fn conditions(&self, what: &str, when: &v1::Conditions) -> Result<Conditions, EngineError> {
        let wrong = |mistake: String| EngineError::Config(format!("{what}: {mistake}"));
        let accounts = when.accounts.iter().map(|name| (self.account)(name)).collect::<Result<_, _>>()?;
        let networks = when.networks.iter().map(|name| network(name));
        let mut data_codings = DataCodings::default();
        for name in &when.data_codings {
            let class = DataCodings::NAMED.iter().find(|(known, _)| known == name);
            let (_, class) = class.ok_or_else(|| {
                let known: Vec<_> = DataCodings::NAMED.iter().map(|(known, _)| *known).collect();
                wrong(format!("data coding {name:?}; hint: one of {}", known.join(", ")))
            })?;
            data_codings = data_codings.union(*class);
        }
        Ok(Conditions {
            accounts,
            prefixes: when.prefixes.clone(),
            networks: networks.collect::<Result<_, _>>().map_err(wrong)?,
            senders: when.senders.iter().map(|sender| sender_match(sender)).collect(),
            keywords: when.keywords.clone(),
            sender_patterns: when.sender_patterns.clone(),
            text_patterns: when.text_patterns.clone(),
            links: when.links.as_ref().map(|links| match links.hosts.as_slice() {
                [] => LinkMatch::Any,
                hosts => LinkMatch::Hosts(hosts.to_vec()),
            }),
            data_codings,
            tags_all: self.tags.bits(&when.tags),
            tags_none: self.tags.bits(&when.tags_none),
            hours: when.hours.as_ref().map(|hours| Hours {
                windows: windows(&hours.windows),
                utc_offset_minutes: offset(hours.utc_offset_minutes),
            }),
        })
    }
}

/// "ACME", or "ACME*" for all that begin so; numbers with or without '+'.
fn sender_match(sender: &str) -> SenderMatch {
    let sender = sender.strip_prefix('+').unwrap_or(sender);
    match sender.strip_suffix('*') {
        Some(beginning) => SenderMatch::Prefix(beginning.to_owned()),
        None => SenderMatch::Exact(sender.to_owned()),
    }
}

/// Windows; one that no week has stays one, and is refused by whoever compiles it.
pub(crate) fn windows(windows: &[v1::Window]) -> Vec<Window> {
    let minute = |minute: u32| u16::try_from(minute).unwrap_or(u16::MAX);
    let window =
        |window: &v1::Window| Window { from: minute(window.from_minute), to: minute(window.to_minute) };
    windows.iter().map(window).collect()
}

/// Minutes from UTC; too many stay too many.
pub(crate) fn offset(minutes: i32) -> i16 {
    i16::try_from(minutes).unwrap_or(i16::MAX)
}

/// A rewrite; what it says that cannot be sent is refused by the table's builder.
pub(crate) fn rewrite(rewrite: &v1::Rewrite) -> Arc<Rewrite> {
    Arc::new(Rewrite {
        sender: rewrite.sender.as_ref().map(|sender| SenderAddress {
            ton: sender.ton as u8,
            npi: sender.npi as u8,
            address: sender.digits.clone(),
        }),
        tlvs: rewrite
            .tlvs
            .iter()
            .map(|tlv| AddedTlv { tag: tlv.tag as u16, value: tlv.value.clone(), keep_own: tlv.keep_own })
            .collect(),
    })
}

/// The same back, for who explains.
pub(crate) fn rewrite_shown(rewrite: &Rewrite) -> v1::Rewrite {
    v1::Rewrite {
        sender: rewrite.sender.as_ref().map(|sender| v1::Address {
            ton: sender.ton.into(),
            npi: sender.npi.into(),
            digits: sender.address.clone(),
        }),
        tlvs: rewrite
            .tlvs
            .iter()
            .map(|tlv| v1::AddedTlv { tag: tlv.tag.into(), value: tlv.value.clone(), keep_own: tlv.keep_own })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_have_a_bit_each_and_are_told_by_name() {
        let account = v1::Account { tags: vec!["otp".into(), "alpha".into()], ..Default::default() };
        let snapshot = v1::Snapshot { accounts: vec![account], ..Default::default() };
        let tags = Tags::of(&snapshot).unwrap();
        assert_eq!(tags.bits(&["alpha".into()]), 1);
        assert_eq!(tags.bits(&["otp".into(), "unknown".into()]), 2);
        assert_eq!(
            tags.named("the message lacks tags 0x3, so".into()),
            "the message lacks tags alpha, otp, so"
        );
        assert_eq!(tags.named("nothing".into()), "nothing");
        let many = v1::Account { tags: (0..65).map(|tag| tag.to_string()).collect(), ..Default::default() };
        let snapshot = v1::Snapshot { accounts: vec![many], ..Default::default() };
        assert!(Tags::of(&snapshot).unwrap_err().to_string().contains("65 different tags; hint: at most 64"));
    }
}
