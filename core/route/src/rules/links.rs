//! Links in a text, and rules about the hosts they lead to.
//!
//! A link is what stands between blanks and brackets and has a host with a dot: after a scheme, or bare as phones make
//! it a link. A host is meant by its own name and by the names of the domains above it. Bare hosts without a path are
//! looked up, but do not count as "any link": "at 5.Call" is none.

use std::collections::HashMap;
use std::sync::Arc;

use super::words::{folded_hash, same_word};

/// The most hosts that the rules of a table (each direction) or a policy name.
pub const HOSTS_MAX: usize = 200_000;

/// Which links a rule is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkMatch {
    /// Any at all.
    Any,
    /// One to any of these hosts, or to a host below one of them.
    Hosts(Vec<String>),
}

/// One link of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link<'text> {
    pub(crate) host: &'text str,
    /// Whether it is a link for certain: by its scheme, its "www." or its path.
    pub(crate) certain: bool,
}

/// The links of a text, in order.
pub(crate) fn links(text: &str) -> impl Iterator<Item = Link<'_>> {
    text.split(|letter: char| letter.is_whitespace() || letter.is_control() || BRACKETS.contains(letter))
        .filter_map(link)
}

/// The host itself and the domains above it, the longest first.
pub(crate) fn domains(host: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(host), |domain| domain.split_once('.').map(|(_, above)| above))
}

/// Whether a host can be named in a rule.
pub(crate) fn is_host(host: &str) -> bool {
    host.len() <= HOST_OCTETS_MAX
        && host.contains('.')
        && host.split('.').all(|label| {
            !label.is_empty() && label.chars().all(|letter| letter.is_alphanumeric() || letter == '-')
        })
}

fn link(token: &str) -> Option<Link<'_>> {
    let (scheme, rest) = match token.split_once("://") {
        // The words before a link may be stuck to it: what counts is the host.
        Some((_, rest)) => (true, rest),
        None => (false, token),
    };
    let (authority, path) = match rest.find(['/', '?', '#', '\\']) {
        Some(end) => (&rest[..end], rest[end..].starts_with('/')),
        None => (rest, false),
    };
    let host = match authority.rsplit_once('@') {
        Some((_, host)) if scheme => host,
        Some(_) => return None,
        None => authority,
    };
    let host = host.split(':').next().unwrap_or_default();
    let host = host.trim_matches(|letter: char| !letter.is_alphanumeric());
    if !is_host(host) {
        return None;
    }
    let top = host.rsplit('.').next().unwrap_or_default();
    let like_a_name = top.chars().count() >= 2 && top.chars().all(char::is_alphabetic);
    let www = host.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("www."));
    (scheme || like_a_name).then_some(Link { host, certain: scheme || path || www })
}

/// The hosts that rules name, each with a number.
#[derive(Debug, Default)]
pub(crate) struct Hosts {
    names: Vec<Box<str>>,
    numbers: HashMap<u64, Vec<u32>>,
}

impl Hosts {
    /// The number of a host; a new one gets the next.
    pub(crate) fn number(&mut self, host: &str) -> u32 {
        if let Some(known) = self.find(host) {
            return known;
        }
        let number = self.names.len() as u32;
        self.names.push(host.into());
        self.numbers.entry(folded_hash(host)).or_default().push(number);
        number
    }

    pub(crate) const fn len(&self) -> usize {
        self.names.len()
    }

    fn find(&self, host: &str) -> Option<u32> {
        let numbers = self.numbers.get(&folded_hash(host))?;
        numbers.iter().copied().find(|&number| same_word(&self.names[number as usize], host))
    }
}

/// What was found in one text. Kept, so that its room is used again.
#[derive(Debug, Default)]
pub(crate) struct LinkScratch {
    /// Those that `found` and `seen` are about.
    hosts: Option<Arc<Hosts>>,
    ready: bool,
    any: bool,
    found: Vec<u32>,
    seen: Vec<u64>,
}

impl LinkScratch {
    /// For the next text.
    pub(crate) fn clear(&mut self) {
        self.ready = false;
        self.any = false;
        for number in self.found.drain(..) {
            self.seen[number as usize / 64] = 0;
        }
    }

    /// Whether there is a link for certain.
    pub(crate) fn any(&mut self, hosts: &Arc<Hosts>, text: &str) -> bool {
        self.read(hosts, text);
        self.any
    }

    /// Whether a link leads to any of these hosts, which are in order.
    pub(crate) fn leads_to(&mut self, hosts: &Arc<Hosts>, text: &str, wanted: &[u32]) -> bool {
        self.read(hosts, text);
        self.found.iter().any(|number| wanted.binary_search(number).is_ok())
    }

    fn read(&mut self, hosts: &Arc<Hosts>, text: &str) {
        if !self.hosts.as_ref().is_some_and(|known| Arc::ptr_eq(known, hosts)) {
            self.clear();
            self.seen.clear();
            self.seen.resize(hosts.len().div_ceil(64), 0);
            self.hosts = Some(Arc::clone(hosts));
        }
        if self.ready {
            return;
        }
        self.ready = true;
        for link in links(text) {
            self.any |= link.certain;
            if hosts.len() == 0 {
                continue;
            }
            for number in domains(link.host).filter_map(|domain| hosts.find(domain)) {
                let (word, bit) = (number as usize / 64, 1 << (number % 64));
                if self.seen[word] & bit == 0 {
                    self.seen[word] |= bit;
                    self.found.push(number);
                }
            }
        }
    }
}

const HOST_OCTETS_MAX: usize = 253;
const BRACKETS: &str = "<>\"'()[]{}|,;«»“”‘’";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_as_phones_find_them() {
        let found = |text| links(text).map(|link| (link.host, link.certain)).collect::<Vec<_>>();
        assert_eq!(found("Pay at https://user@bit.ly:443/x?y=1."), [("bit.ly", true)]);
        assert_eq!(
            found("see bit.ly/x, or (www.Example.co.uk)"),
            [("bit.ly", true), ("www.Example.co.uk", true)]
        );
        assert_eq!(found("http://10.0.0.1/login"), [("10.0.0.1", true)]);
        assert_eq!(found("Your code:http://a.example"), [("a.example", true)]);
        assert_eq!(found("visit example.com."), [("example.com", false)]);
        assert_eq!(found("посетите пример.рф/вход"), [("пример.рф", true)]);
        for none in ["3.50 EUR", "a@b.example", "e.g. this", "...", "http://", "no.links..here", "12.05.2026"]
        {
            assert_eq!(found(none), [], "{none}");
        }
    }

    #[test]
    fn a_host_is_found_by_itself_and_by_the_domains_above_it() {
        let mut hosts = Hosts::default();
        let (short, long) = (hosts.number("bit.ly"), hosts.number("evil.example"));
        assert_eq!(hosts.number("BIT.ly"), short);
        let hosts = Arc::new(hosts);
        let mut scratch = LinkScratch::default();
        assert!(scratch.leads_to(&hosts, "go to http://x.Bit.LY/1", &[short]));
        assert!(!scratch.leads_to(&hosts, "not read again", &[long]));
        scratch.clear();
        assert!(!scratch.leads_to(&hosts, "rabbit.ly/x notevil.example", &[short, long]));
        assert!(scratch.any(&hosts, ""));
        scratch.clear();
        assert!(scratch.leads_to(&hosts, "evil.example", &[long]));
        assert!(!scratch.any(&hosts, ""));
    }
}
