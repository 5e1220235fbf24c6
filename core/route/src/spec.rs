//! What a route is said to be, before it is validated: the input of the builder.

use std::sync::Arc;

use crate::rewrite::Rewrite;
use crate::rules::conditions::Conditions;

/// Which way a message goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Mobile terminated: from a customer to a carrier.
    #[default]
    Mt,
    /// Mobile originated: from a carrier to a customer.
    Mo,
}

impl Direction {
    /// The short name that operators know.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mt => "MT",
            Self::Mo => "MO",
        }
    }
}

/// How a route chooses among its targets of the same priority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Balance {
    /// By weight, drawn from the destination: a destination keeps its carrier.
    #[default]
    Destination,
    /// By weight, drawn from the message: each draws anew, the parts of one draw the same.
    Message,
    /// The lowest price first; equal prices as in [`Balance::Destination`].
    LeastCost,
}

impl Balance {
    /// The words that operators know.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Destination => "by destination",
            Self::Message => "by message",
            Self::LeastCost => "least cost",
        }
    }
}

/// One route as the configuration has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteSpec {
    /// The name of the resource; for people.
    pub name: String,
    /// Which way the messages go.
    pub direction: Direction,
    /// The leading digits of the destination; empty matches everything.
    pub prefix: String,
    /// Only messages of this account; `None` means every account's.
    pub account: Option<u32>,
    /// MT: the carriers that may take the message.
    pub targets: Vec<TargetSpec>,
    /// How the targets of the same priority share.
    pub balance: Balance,
    /// MO: the account that gets the message.
    pub to_account: Option<u32>,
    /// MT: what is changed on the way to any of the targets.
    pub rewrite: Option<Arc<Rewrite>>,
}

/// One route with conditions, as the configuration has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleSpec {
    /// The name of the resource; for people. No other rule has it.
    pub name: String,
    /// Which way the messages go.
    pub direction: Direction,
    /// Rules are tried by this number, the lowest first, and before all routes without conditions. Among equal ones the
    /// longer prefix goes first, then those with an account of their own, then by name.
    pub order: u32,
    /// What the messages are like.
    pub when: Conditions,
    /// MT: the carriers that may take the message.
    pub targets: Vec<TargetSpec>,
    /// How the targets of the same priority share.
    pub balance: Balance,
    /// MO: the account that gets the message.
    pub to_account: Option<u32>,
    /// MT: what is changed on the way to any of the targets.
    pub rewrite: Option<Arc<Rewrite>>,
}

/// One carrier of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetSpec {
    /// The caller's number for the carrier.
    pub carrier: u32,
    /// Lower is tried first.
    pub priority: u32,
    /// Share among the targets of the same priority.
    pub weight: u32,
    /// What the draws know the carrier by, whatever its number: [`crate::stable_hash`] of its name. No two targets
    /// of a route have the same.
    pub stable: u64,
    /// What a part costs there, in any unit that is the same for all targets. For [`Balance::LeastCost`].
    pub price: u64,
    /// What is changed on the way to this carrier; goes before the route's.
    pub rewrite: Option<Arc<Rewrite>>,
}

impl Default for TargetSpec {
    fn default() -> Self {
        Self { carrier: 0, priority: 0, weight: 1, stable: 0, price: 0, rewrite: None }
    }
}

/// The most targets a route may have.
pub const TARGETS_MAX: usize = 16;
/// The largest weight of a target.
pub const WEIGHT_MAX: u32 = 1_000_000;
/// Account numbers are below this.
pub const ACCOUNTS_MAX: u32 = 1 << 20;
