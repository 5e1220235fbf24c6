//! What a route is said to be, before it is validated: the input of the builder.

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Mobile terminated: from a customer to a carrier.
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

/// One route as the configuration has it.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// MO: the account that gets the message.
    pub to_account: Option<u32>,
}

/// One carrier of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TargetSpec {
    /// The caller's number for the carrier.
    pub carrier: u32,
    /// Lower is tried first.
    pub priority: u32,
    /// Share among the targets of the same priority.
    pub weight: u32,
}

/// The most targets a route may have.
pub const TARGETS_MAX: usize = 16;
/// The largest weight of a target.
pub const WEIGHT_MAX: u32 = 1_000_000;
/// Account numbers are below this.
pub const ACCOUNTS_MAX: u32 = 1 << 20;
