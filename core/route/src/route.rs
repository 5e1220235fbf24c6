//! One route of a built table.

use std::sync::Arc;

use crate::candidates::Candidates;
use crate::digits::Digits;
use crate::spec::Direction;

/// A validated route. Routes with the same targets share them, so that a million routes to a few carriers stay small.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(align(64))]
pub struct Route {
    pub(crate) name: Box<str>,
    pub(crate) targets: Arc<[Target]>,
    pub(crate) prefix: Digits,
    pub(crate) account: Option<u32>,
    pub(crate) to_account: Option<u32>,
    pub(crate) direction: Direction,
}

/// One carrier of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// Lower is tried first.
    pub priority: u32,
    /// The caller's number for the carrier.
    pub carrier: u32,
    /// Share among the targets of the same priority.
    pub weight: u32,
}

impl Route {
    /// The name of the resource.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which way its messages go.
    #[must_use]
    pub const fn direction(&self) -> Direction {
        self.direction
    }

    /// The leading digits it is for.
    #[must_use]
    pub fn prefix(&self) -> String {
        self.prefix.to_string()
    }

    /// The only account it is for; `None` means every account.
    #[must_use]
    pub const fn account(&self) -> Option<u32> {
        self.account
    }

    /// MO: the account that gets the message.
    #[must_use]
    pub const fn to_account(&self) -> Option<u32> {
        self.to_account
    }

    /// Its targets by priority, then carrier.
    #[must_use]
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// The carriers in the order of trial for this destination: priorities ascending, and inside one priority by
    /// weighted rendezvous, so that a destination keeps its carrier while that one is available, the shares follow
    /// the weights, and the loss of a carrier moves only its own destinations. Allocates nothing.
    #[inline]
    #[must_use]
    pub fn candidates(&self, destination_hash: u64) -> Candidates {
        Candidates::new(&self.targets, destination_hash)
    }

    /// The first carrier in the order of trial that is available.
    #[inline]
    pub fn choose(&self, destination_hash: u64, available: impl Fn(u32) -> bool) -> Option<u32> {
        match &*self.targets {
            [only] => available(only.carrier).then_some(only.carrier),
            _ => self.candidates(destination_hash).find(|&carrier| available(carrier)),
        }
    }
}

// A lookup ends by reading one route: it should be one cache line.
const _: () = assert!(size_of::<Route>() == 64);
