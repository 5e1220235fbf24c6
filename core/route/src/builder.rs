//! Collects routes, validates them all, and compiles the table.

use std::collections::HashSet;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::digits::Digits;
use crate::error::RouteError;
use crate::route::{Route, Target};
use crate::spec::{ACCOUNTS_MAX, Direction, RouteSpec, TARGETS_MAX, WEIGHT_MAX};
use crate::table::{Table, Tries};
use crate::trie::{NONE, NUMBERS_MAX, Trie};

/// The most routes of a table.
pub const ROUTES_MAX: usize = 4_000_000;

// A trie has at most two nodes a route.
const _: () = assert!(ROUTES_MAX * 2 < NUMBERS_MAX);

/// Collects routes. The order does not matter.
#[derive(Debug, Default)]
pub struct TableBuilder {
    specs: Vec<RouteSpec>,
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

    /// Validates every route and compiles the table.
    ///
    /// # Errors
    /// The first route that is wrong, or the two that collide.
    pub fn build(self) -> Result<Table, RouteError> {
        if self.specs.len() > ROUTES_MAX {
            return Err(RouteError::TooManyRoutes { count: self.specs.len() });
        }
        let mut shared = HashSet::new();
        let mut routes = Vec::with_capacity(self.specs.len());
        for spec in self.specs {
            routes.push(route(spec, &mut shared)?);
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
        Ok(Table {
            mt: tries(&routes, Direction::Mt),
            mo: tries(&routes, Direction::Mo),
            content_hash: content_hash(&routes),
            routes: routes.into(),
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

/// Validates one route; `shared` holds the target lists seen so far.
fn route(spec: RouteSpec, shared: &mut HashSet<Arc<[Target]>>) -> Result<Route, RouteError> {
    let RouteSpec { name, direction, prefix, account, targets, to_account } = spec;
    let Some(digits) = Digits::of_prefix(&prefix) else {
        return Err(RouteError::Prefix { route: name, prefix });
    };
    for account in [account, to_account].into_iter().flatten() {
        if account >= ACCOUNTS_MAX {
            return Err(RouteError::Account { route: name, account });
        }
    }
    match direction {
        Direction::Mt if targets.is_empty() => return Err(RouteError::NoTarget { route: name }),
        Direction::Mo if to_account.is_none() => return Err(RouteError::NoAccount { route: name }),
        Direction::Mt if to_account.is_some() => {
            return Err(RouteError::WrongDirection { route: name, direction });
        }
        Direction::Mo if !targets.is_empty() => {
            return Err(RouteError::WrongDirection { route: name, direction });
        }
        _ => {}
    }
    if targets.len() > TARGETS_MAX {
        return Err(RouteError::TooManyTargets { route: name, count: targets.len() });
    }
    let mut sorted = Vec::with_capacity(targets.len());
    for target in targets {
        if target.weight == 0 || target.weight > WEIGHT_MAX {
            return Err(RouteError::Weight { route: name, carrier: target.carrier, weight: target.weight });
        }
        if sorted.iter().any(|other: &Target| other.carrier == target.carrier) {
            return Err(RouteError::CarrierTwice { route: name, carrier: target.carrier });
        }
        sorted.push(Target { priority: target.priority, carrier: target.carrier, weight: target.weight });
    }
    sorted.sort_unstable();
    let targets = match shared.get(sorted.as_slice()) {
        Some(known) => Arc::clone(known),
        None => {
            let new: Arc<[Target]> = sorted.into();
            shared.insert(Arc::clone(&new));
            new
        }
    };
    Ok(Route { name: name.into(), targets, prefix: digits, account, to_account, direction })
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

/// Every field of every route in sorted order, each of a fixed or a stated length, so that no two tables run together.
fn content_hash(routes: &[Route]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(b"brivas.route.1");
    for route in routes {
        hasher.update((route.name.len() as u64).to_be_bytes());
        hasher.update(route.name.as_bytes());
        hasher.update([route.direction as u8, route.prefix.len() as u8]);
        hasher.update(route.prefix.from(0).to_be_bytes());
        for account in [route.account, route.to_account] {
            hasher.update(account.map_or(u64::MAX, u64::from).to_be_bytes());
        }
        hasher.update((route.targets.len() as u64).to_be_bytes());
        for target in &*route.targets {
            hasher.update(target.priority.to_be_bytes());
            hasher.update(target.carrier.to_be_bytes());
            hasher.update(target.weight.to_be_bytes());
        }
    }
    hasher.finalize().into()
}
