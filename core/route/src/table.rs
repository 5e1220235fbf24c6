//! The built table: immutable, shared by all shards, looked up on the way of every message.

use crate::digits::Digits;
use crate::route::Route;
use crate::rule::Rules;
use crate::spec::Direction;
use crate::trie::{NONE, Trie};

/// All routes, compiled. Built by [`crate::TableBuilder`]; a lookup cannot fail and allocates nothing.
#[derive(Debug)]
pub struct Table {
    /// Sorted by direction, account (every account's first) and prefix.
    pub(crate) routes: Box<[Route]>,
    pub(crate) mt: Tries,
    pub(crate) mo: Tries,
    pub(crate) mt_rules: Rules,
    pub(crate) mo_rules: Rules,
    pub(crate) content_hash: [u8; 32],
}

/// The routes of one direction: one trie for every account's routes, and one for each account that has its own.
#[derive(Debug)]
pub(crate) struct Tries {
    pub(crate) general: Trie,
    /// By account number: which of `own`, or `NONE`.
    pub(crate) owners: Box<[u32]>,
    pub(crate) own: Box<[Trie]>,
}

impl Table {
    /// The route of this message by the routes without conditions: the longest prefix wins, and among equal prefixes
    /// the account's own route.
    ///
    /// `destination` is without '+'. One that is not all digits matches only the empty prefix. `account` may be any
    /// number: one without routes of its own gets every account's.
    #[inline]
    #[must_use]
    pub fn lookup(&self, direction: Direction, account: u32, destination: &[u8]) -> Option<&Route> {
        let digits = Digits::of_destination(destination);
        let tries = self.tries(direction);
        let general = tries.general.longest(digits);
        match tries.own(account) {
            None => self.routes.get(general as usize),
            Some(own) => self.better(own.longest(digits), general),
        }
    }

    /// The account's own route, unless every account's has the longer prefix.
    #[inline]
    pub(crate) fn better(&self, own: u32, general: u32) -> Option<&Route> {
        match (self.routes.get(own as usize), self.routes.get(general as usize)) {
            (Some(own), Some(general)) if own.prefix.len() < general.prefix.len() => Some(general),
            (None, general) => general,
            (own, _) => own,
        }
    }

    #[inline]
    pub(crate) const fn tries(&self, direction: Direction) -> &Tries {
        match direction {
            Direction::Mt => &self.mt,
            Direction::Mo => &self.mo,
        }
    }

    /// SHA-256 over all routes and rules, whatever the order they were added in.
    #[must_use]
    pub const fn content_hash(&self) -> [u8; 32] {
        self.content_hash
    }

    /// How many routes without conditions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.routes.len()
    }

    /// Whether there is neither route nor rule.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.routes.is_empty() && self.rule_count() == 0
    }

    /// The route of this number: [`Route::number`].
    #[inline]
    #[must_use]
    pub fn route(&self, number: u32) -> Option<&Route> {
        let plain = self.routes.len();
        let number = number as usize;
        if number < plain {
            return self.routes.get(number);
        }
        let ruled = number - plain;
        let mt = self.mt_rules.rules.len();
        let rule =
            if ruled < mt { self.mt_rules.rules.get(ruled) } else { self.mo_rules.rules.get(ruled - mt) };
        rule.map(|rule| &rule.route)
    }

    /// Whether any route changes what is sent by it.
    #[must_use]
    pub fn rewrites(&self) -> bool {
        let ruled = self.mt_rules.rules.iter().map(|rule| &rule.route);
        self.routes
            .iter()
            .chain(ruled)
            .any(|route| route.targets.iter().any(|target| target.rewrite.is_some()))
    }

    /// Every route without conditions, by direction, account (every account's first) and prefix.
    pub fn routes(&self) -> impl ExactSizeIterator<Item = &Route> {
        self.routes.iter()
    }

    /// Octets on the heap that rules take besides their words and patterns.
    #[must_use]
    pub fn rule_bytes(&self) -> usize {
        self.mt_rules.index.heap_bytes() + self.mo_rules.index.heap_bytes()
    }

    /// Octets on the heap of what a lookup reads: the compiled prefixes, and the routes without their names.
    #[must_use]
    pub fn lookup_bytes(&self) -> usize {
        let tries = |tries: &Tries| {
            let own: usize = tries.own.iter().map(Trie::heap_bytes).sum();
            tries.general.heap_bytes() + own + size_of_val(&*tries.own) + size_of_val(&*tries.owners)
        };
        size_of_val(&*self.routes) + tries(&self.mt) + tries(&self.mo)
    }

    /// The route for exactly this prefix and owner: a search by halves that shares nothing with the tries.
    pub(crate) fn exact(&self, direction: Direction, account: Option<u32>, prefix: Digits) -> Option<&Route> {
        let wanted = (direction, account, prefix);
        self.routes
            .binary_search_by(|route| (route.direction, route.account, route.prefix).cmp(&wanted))
            .ok()
            .map(|position| &self.routes[position])
    }
}

impl Tries {
    /// The account's own routes, if it has any.
    #[inline]
    pub(crate) fn own(&self, account: u32) -> Option<&Trie> {
        match self.owners.get(account as usize) {
            None | Some(&NONE) => None,
            Some(&owner) => self.own.get(owner as usize),
        }
    }
}
