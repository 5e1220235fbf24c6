//! Why a table could not be built. Each variant names the route, the value and what to do.

use crate::builder::ROUTES_MAX;
use crate::digits::PREFIX_DIGITS_MAX;
use crate::rules::conditions::ConditionError;
use crate::spec::{ACCOUNTS_MAX, Direction, TARGETS_MAX, WEIGHT_MAX};

/// A route, or a set of routes, that cannot be a table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are named by the sentence of their variant")]
pub enum RouteError {
    /// A prefix with anything but digits, or too many.
    Prefix { route: String, prefix: String },
    /// An MT route without a carrier.
    NoTarget { route: String },
    /// An MO route without an account.
    NoAccount { route: String },
    /// An MO route with carriers, or an MT route with a receiving account.
    WrongDirection { route: String, direction: Direction },
    /// More targets than a route may have.
    TooManyTargets { route: String, count: usize },
    /// The same carrier twice in one route.
    CarrierTwice { route: String, carrier: u32 },
    /// Two targets of one route that draws cannot tell apart.
    StableTwice { route: String, carrier: u32, stable: u64 },
    /// A weight of zero, or past the limit.
    Weight { route: String, carrier: u32, weight: u32 },
    /// An account number past the limit.
    Account { route: String, account: u32 },
    /// Two routes for the same direction, prefix and account.
    Duplicate { first: String, second: String, direction: Direction, prefix: String, account: Option<u32> },
    /// More routes than a table may have.
    TooManyRoutes { count: usize },
    /// An MO route that changes what goes to a carrier.
    RewriteOfMo { route: String },
    /// A rewrite that cannot be sent.
    Rewrite { route: String, mistake: String },
    /// Two rules of one name.
    RuleTwice { rule: String },
    /// A rule's conditions; no rule's name when they are all rules' together.
    Conditions { rule: Option<String>, error: ConditionError },
}

impl std::fmt::Display for RouteError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Prefix { route, prefix } => write!(
                formatter,
                "route {route:?}: prefix {prefix:?} is not 0 to {PREFIX_DIGITS_MAX} digits; \
                 hint: write the country code first, without '+' or spaces"
            ),
            Self::NoTarget { route } => {
                write!(
                    formatter,
                    "route {route:?}: an MT route needs a target; hint: name at least one carrier"
                )
            }
            Self::NoAccount { route } => write!(
                formatter,
                "route {route:?}: an MO route needs a receiving account; hint: name the account that gets the messages"
            ),
            Self::WrongDirection { route, direction: Direction::Mt } => {
                write!(formatter, "route {route:?}: an MT route has no receiving account; hint: use targets")
            }
            Self::WrongDirection { route, direction: Direction::Mo } => {
                write!(
                    formatter,
                    "route {route:?}: an MO route has no targets; hint: name the receiving account"
                )
            }
            Self::TooManyTargets { route, count } => {
                write!(formatter, "route {route:?}: {count} targets; hint: at most {TARGETS_MAX}")
            }
            Self::CarrierTwice { route, carrier } => write!(
                formatter,
                "route {route:?}: carrier number {carrier} stands twice among its targets; hint: raise its weight instead"
            ),
            Self::StableTwice { route, carrier, stable } => write!(
                formatter,
                "route {route:?}: carrier number {carrier} has the stable hash {stable:#x} of another target; \
                 hint: give each carrier the hash of its name"
            ),
            Self::Weight { route, carrier, weight } => write!(
                formatter,
                "route {route:?}: weight {weight} of carrier number {carrier}; hint: from 1 to {WEIGHT_MAX}"
            ),
            Self::Account { route, account } => {
                write!(
                    formatter,
                    "route {route:?}: account number {account}; hint: numbers are below {ACCOUNTS_MAX}"
                )
            }
            Self::Duplicate { first, second, direction, prefix, account } => {
                write!(
                    formatter,
                    "routes {first:?} and {second:?} are both for {} prefix {prefix:?} of ",
                    direction.name()
                )?;
                match account {
                    Some(account) => write!(formatter, "account number {account}")?,
                    None => write!(formatter, "every account")?,
                }
                write!(formatter, "; hint: merge their targets or remove one")
            }
            Self::TooManyRoutes { count } => {
                write!(formatter, "{count} routes; hint: a table holds at most {ROUTES_MAX}")
            }
            Self::RewriteOfMo { route } => {
                write!(formatter, "route {route:?}: an MO route has no rewrite; hint: remove it")
            }
            Self::Rewrite { route, mistake } => write!(formatter, "route {route:?}: rewrite: {mistake}"),
            Self::RuleTwice { rule } => {
                write!(formatter, "rule {rule:?} stands twice; hint: give each rule a name of its own")
            }
            Self::Conditions { rule: Some(rule), error } => write!(formatter, "rule {rule:?}: {error}"),
            Self::Conditions { rule: None, error } => write!(formatter, "rules: {error}"),
        }
    }
}

impl std::error::Error for RouteError {}
