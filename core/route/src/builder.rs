//! Collects routes, validates them all, and compiles the table.

use std::collections::HashSet;

use crate::content::ContentHash;
use crate::digits::Digits;
use crate::error::RouteError;
use crate::route::{NO_ROUTE, Route};
use crate::rule::{Rule, Rules};
use crate::rules::index::RuleIndex;
use crate::spec::{ACCOUNTS_MAX, Direction, RouteSpec, RuleSpec};
use crate::table::{Table, Tries};
use crate::targets::{Destinations, Sharing};
use crate::trie::{NONE, NUMBERS_MAX, Trie};

/// The most routes of a table.
pub const ROUTES_MAX: usize = 4_000_000;

// A trie has at most two nodes a route.
const _: () = assert!(ROUTES_MAX * 2 < NUMBERS_MAX);

/// Collects routes and rules. The order of adding does not matter.
#[derive(Debug, Default)]
pub struct TableBuilder {
    specs: Vec<RouteSpec>,
    rules: Vec<RuleSpec>,
}

impl TableBuilder {
    /// A builder without routes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one route; it is validated by [`TableBuilder::build`].
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "the usual word of a builder; nothing is summed")]
    pub fn add(mut self, spec: RouteSpec) -> Self {
        self.specs.push(spec);
        self
    }

    /// Adds one route with conditions.
    #[must_use]
    pub fn add_rule(mut self, spec: RuleSpec) -> Self {
        self.rules.push(spec);
        self
    }

    /// Validates every route and compiles the table.
    ///
    /// # Errors
    /// The first route that is wrong, or the two that collide.
    pub fn build(self) -> Result<Table, RouteError> {
        if self.specs.len() > ROUTES_MAX {
            return Err(RouteError::TooManyRoutes { count: self.specs.len() });
        }
        let mut sharing = Sharing::default();
        let mut routes = Vec::with_capacity(self.specs.len());
        for spec in self.specs {
            routes.push(route(spec, &mut sharing)?);
        }
        routes.sort_by(|left, right| key(left).cmp(&key(right)).then_with(|| left.name.cmp(&right.name)));
        if let Some(pair) = routes.windows(2).find(|pair| key(&pair[0]) == key(&pair[1])) {
            return Err(RouteError::Duplicate {
                first: pair[0].name.to_string(),
                second: pair[1].name.to_string(),
                direction: pair[0].direction,
                prefix: pair[0].prefix(),
                account: pair[0].account,
            });
        }
        let (mut mt, mut mo) = (Vec::new(), Vec::new());
        let mut names = HashSet::with_capacity(self.rules.len());
        for spec in self.rules {
            if !names.insert(spec.name.clone()) {
                return Err(RouteError::RuleTwice { rule: spec.name });
            }
            let rule = rule(spec, &mut sharing)?;
            match rule.route.direction {
                Direction::Mt => mt.push(rule),
                Direction::Mo => mo.push(rule),
            }
        }
        let (mut mt_rules, mut mo_rules) = (rules(mt)?, rules(mo)?);
        let ruled = mt_rules.rules.iter_mut().chain(&mut mo_rules.rules).map(|rule| &mut rule.route);
        for (number, route) in (0..).zip(routes.iter_mut().chain(ruled)) {
            route.number = number;
        }
        Ok(Table {
            mt: tries(&routes, Direction::Mt),
            mo: tries(&routes, Direction::Mo),
            content_hash: content_hash(&routes, &mt_rules, &mo_rules),
            routes: routes.into(),
            mt_rules,
            mo_rules,
        })
    }
}

impl Extend<RouteSpec> for TableBuilder {
    fn extend<I: IntoIterator<Item = RouteSpec>>(&mut self, specs: I) {
        self.specs.extend(specs);
    }
}

const fn key(route: &Route) -> (Direction, Option<u32>, Digits) {
    (route.direction, route.account, route.prefix)
}

/// Validates one route.
fn route(spec: RouteSpec, sharing: &mut Sharing) -> Result<Route, RouteError> {
    let RouteSpec { name, direction, prefix, account, targets, balance, to_account, rewrite } = spec;
    let Some(digits) = Digits::of_prefix(&prefix) else {
        return Err(RouteError::Prefix { route: name, prefix });
    };
    if let Some(account) = account.filter(|&account| account >= ACCOUNTS_MAX) {
        return Err(RouteError::Account { route: name, account });
    }
    let targets = sharing.targets(Destinations { route: &name, direction, targets, to_account, rewrite })?;
    Ok(Route {
        name: name.into(),
        targets,
        prefix: digits,
        account,
        to_account,
        number: NO_ROUTE,
        direction,
        balance,
    })
}

/// Validates one rule.
fn rule(spec: RuleSpec, sharing: &mut Sharing) -> Result<Rule, RouteError> {
    let RuleSpec { name, direction, order, when: mut conditions, targets, balance, to_account, rewrite } =
        spec;
    if let Err(error) = conditions.normalise() {
        return Err(RouteError::Conditions { rule: Some(name), error });
    }
    let targets = sharing.targets(Destinations { route: &name, direction, targets, to_account, rewrite })?;
    let (prefix, account) = match (&*conditions.prefixes, &*conditions.accounts) {
        ([prefix], [account]) => (Digits::of_prefix(prefix), Some(*account)),
        ([prefix], _) => (Digits::of_prefix(prefix), None),
        (_, [account]) => (None, Some(*account)),
        _ => (None, None),
    };
    let prefix = prefix.unwrap_or(Digits::EMPTY);
    let route = Route {
        name: name.into(),
        targets,
        prefix,
        account,
        to_account,
        number: NO_ROUTE,
        direction,
        balance,
    };
    Ok(Rule { route, order, conditions })
}

/// Puts the rules of one direction in order and compiles their conditions.
fn rules(mut rules: Vec<Rule>) -> Result<Rules, RouteError> {
    rules.sort_by(|left, right| left.rank().cmp(&right.rank()));
    let index = RuleIndex::build(rules.iter().map(|rule| &rule.conditions)).map_err(|(rank, error)| {
        RouteError::Conditions { rule: rank.map(|rank| rules[rank].route.name.to_string()), error }
    })?;
    Ok(Rules { rules: rules.into(), index })
}

/// Compiles one direction of the sorted routes.
fn tries(routes: &[Route], direction: Direction) -> Tries {
    let start = routes.partition_point(|route| route.direction < direction);
    let end = routes.partition_point(|route| route.direction <= direction);
    let mut general = Trie::build(&[]);
    let mut owners = Vec::new();
    let mut own = Vec::new();
    let mut number = start as u32;
    for group in routes[start..end].chunk_by(|left, right| left.account == right.account) {
        let entries: Vec<(Digits, u32)> = group.iter().map(|route| route.prefix).zip(number..).collect();
        number += group.len() as u32;
        let trie = Trie::build(&entries);
        match group[0].account {
            None => general = trie,
            Some(account) => {
                // Accounts come in ascending order: the last is the greatest.
                owners.resize(account as usize + 1, NONE);
                owners[account as usize] = own.len() as u32;
                own.push(trie);
            }
        }
    }
    Tries { general, owners: owners.into(), own: own.into() }
}

/// Every field of every route and rule, in order.
fn content_hash(routes: &[Route], mt: &Rules, mo: &Rules) -> [u8; 32] {
    let mut hash = ContentHash::new(b"brivas.route.2");
    hash.list(routes, hash_route);
    for rules in [mt, mo] {
        hash.list(&rules.rules, |hash, rule| {
            hash_route(hash, &rule.route);
            hash.number(rule.order);
            rule.conditions.hash(hash);
        });
    }
    hash.finish()
}

fn hash_route(hash: &mut ContentHash, route: &Route) {
    hash.octets(route.name.as_bytes());
    hash.number(route.direction as u8);
    hash.number(route.prefix.word());
    hash.optional(route.account);
    hash.optional(route.to_account);
    hash.number(route.balance as u8);
    hash.list(&route.targets, |hash, target| {
        hash.number(target.priority);
        hash.number(target.carrier);
        hash.number(target.weight);
        hash.number(target.stable);
        hash.number(target.price);
        hash.number(u8::from(target.rewrite.is_some()));
        if let Some(rewrite) = &target.rewrite {
            rewrite.hash(hash);
        }
    });
}
