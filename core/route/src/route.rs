//! One route of a built table.

use std::sync::Arc;

use crate::candidates::Candidates;
use crate::digits::Digits;
use crate::rewrite::Rewrite;
use crate::spec::{Balance, Direction};
#[cfg(doc)]
use crate::table::Table;

/// A validated route. Routes with the same targets share them, so that a million routes to a few carriers stay small.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(align(64))]
pub struct Route {
    pub(crate) name: Box<str>,
    pub(crate) targets: Arc<[Target]>,
    pub(crate) prefix: Digits,
    pub(crate) account: Option<u32>,
    pub(crate) to_account: Option<u32>,
    pub(crate) number: u32,
    pub(crate) direction: Direction,
    pub(crate) balance: Balance,
}

/// The number of no route: [`Route::number`].
pub const NO_ROUTE: u32 = u32::MAX;

/// One carrier of a route.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// Lower is tried first.
    pub priority: u32,
    /// What the draws know the carrier by.
    pub stable: u64,
    /// The caller's number for the carrier.
    pub carrier: u32,
    /// Share among the targets of the same priority.
    pub weight: u32,
    /// What a part costs there.
    pub price: u64,
    /// What is changed on the way there, the route's own changes included.
    pub rewrite: Option<Arc<Rewrite>>,
}

impl Route {
    /// The name of the resource.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its number in its table, for [`Table::route`]: a message remembers its route by it.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
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

    /// Its targets by priority, then [`Target::stable`].
    #[must_use]
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// How targets of the same priority share.
    #[must_use]
    pub const fn balance(&self) -> Balance {
        self.balance
    }

    /// Which of the two hashes draws the order of trial here: for [`Route::candidates`] and [`Route::choose`].
    /// `group_hash` is the same for all parts of a message ([`crate::group_hash`]), so that they go one way.
    #[inline]
    #[must_use]
    pub const fn draw(&self, destination_hash: u64, group_hash: u64) -> u64 {
        match self.balance {
            Balance::Destination | Balance::LeastCost => destination_hash,
            Balance::Message => group_hash,
        }
    }

    /// The carriers in the order of trial for this draw ([`Route::draw`]): priorities ascending, inside one priority
    /// prices where the route goes by cost, then by weighted rendezvous, so that a draw keeps its carrier while that
    /// one is available, the shares follow the weights, and the loss of a carrier moves only its own draws. Allocates
    /// nothing.
    #[inline]
    #[must_use]
    pub fn candidates(&self, draw: u64) -> Candidates {
        Candidates::new(&self.targets, self.balance, draw)
    }

    /// The first carrier in the order of trial that is available.
    #[inline]
    pub fn choose(&self, draw: u64, available: impl Fn(u32) -> bool) -> Option<u32> {
        match &*self.targets {
            [only] => available(only.carrier).then_some(only.carrier),
            _ => self.candidates(draw).find(|&carrier| available(carrier)),
        }
    }

    /// What is changed on the way to this carrier of the route: its own changes over the route's.
    #[inline]
    #[must_use]
    pub fn rewrite(&self, carrier: u32) -> Option<&Rewrite> {
        self.targets.iter().find(|target| target.carrier == carrier)?.rewrite.as_deref()
    }
}

// A lookup ends by reading one route: it should be one cache line.
const _: () = assert!(size_of::<Route>() == 64);
