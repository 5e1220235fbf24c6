//! Validates the targets of routes and rules, and shares what is equal among them.

use std::collections::HashSet;
use std::sync::Arc;

use crate::error::RouteError;
use crate::rewrite::Rewrite;
use crate::route::Target;
use crate::spec::{ACCOUNTS_MAX, Direction, TARGETS_MAX, TargetSpec, WEIGHT_MAX};

/// What routes lead to, seen so far.
#[derive(Debug, Default)]
pub(crate) struct Sharing {
    lists: HashSet<Arc<[Target]>>,
    rewrites: HashSet<Arc<Rewrite>>,
}

/// Where one route leads to, as the configuration has it.
pub(crate) struct Destinations<'spec> {
    pub(crate) route: &'spec str,
    pub(crate) direction: Direction,
    pub(crate) targets: Vec<TargetSpec>,
    pub(crate) to_account: Option<u32>,
    pub(crate) rewrite: Option<Arc<Rewrite>>,
}

impl Sharing {
    /// Checks one route's targets and puts them in order.
    pub(crate) fn targets(&mut self, spec: Destinations<'_>) -> Result<Arc<[Target]>, RouteError> {
        let Destinations { route, direction, targets, to_account, rewrite } = spec;
        let route = || route.to_owned();
        if let Some(account) = to_account.filter(|&account| account >= ACCOUNTS_MAX) {
            return Err(RouteError::Account { route: route(), account });
        }
        match direction {
            Direction::Mt if targets.is_empty() => return Err(RouteError::NoTarget { route: route() }),
            Direction::Mo if to_account.is_none() => return Err(RouteError::NoAccount { route: route() }),
            Direction::Mt if to_account.is_some() => {
                return Err(RouteError::WrongDirection { route: route(), direction });
            }
            Direction::Mo if !targets.is_empty() => {
                return Err(RouteError::WrongDirection { route: route(), direction });
            }
            Direction::Mo if rewrite.is_some() => return Err(RouteError::RewriteOfMo { route: route() }),
            _ => {}
        }
        if targets.len() > TARGETS_MAX {
            return Err(RouteError::TooManyTargets { route: route(), count: targets.len() });
        }
        let mut sorted: Vec<Target> = Vec::with_capacity(targets.len());
        for target in targets {
            let TargetSpec { carrier, priority, weight, stable, price, rewrite: own } = target;
            if weight == 0 || weight > WEIGHT_MAX {
                return Err(RouteError::Weight { route: route(), carrier, weight });
            }
            if sorted.iter().any(|other| other.carrier == carrier) {
                return Err(RouteError::CarrierTwice { route: route(), carrier });
            }
            if sorted.iter().any(|other| other.stable == stable) {
                return Err(RouteError::StableTwice { route: route(), carrier, stable });
            }
            let rewrite = self
                .rewrite(own, rewrite.as_ref())
                .map_err(|mistake| RouteError::Rewrite { route: route(), mistake })?;
            sorted.push(Target { priority, stable, carrier, weight, price, rewrite });
        }
        sorted.sort_unstable();
        Ok(match self.lists.get(sorted.as_slice()) {
            Some(known) => Arc::clone(known),
            None => {
                let new: Arc<[Target]> = sorted.into();
                self.lists.insert(Arc::clone(&new));
                new
            }
        })
    }

    /// The target's own changes over the route's, or what is wrong with them.
    fn rewrite(
        &mut self,
        own: Option<Arc<Rewrite>>,
        route: Option<&Arc<Rewrite>>,
    ) -> Result<Option<Arc<Rewrite>>, String> {
        if own.is_none() && route.is_none() {
            return Ok(None);
        }
        let nothing = Rewrite::default();
        let (above, below) = (own.as_deref().unwrap_or(&nothing), route.map_or(&nothing, |below| below));
        let merged = above.over(below);
        if let Some(mistake) = [above, below, &merged].into_iter().find_map(Rewrite::mistake) {
            return Err(mistake);
        }
        if merged == nothing {
            return Ok(None);
        }
        if let Some(known) = self.rewrites.get(&merged) {
            return Ok(Some(Arc::clone(known)));
        }
        let new = Arc::new(merged);
        self.rewrites.insert(Arc::clone(&new));
        Ok(Some(new))
    }
}
