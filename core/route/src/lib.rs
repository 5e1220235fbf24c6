//! The routing table: which carrier gets a message, which account gets an incoming one.
//!
//! [`TableBuilder`] validates and may fail; the [`Table`] it builds is immutable and cannot. A lookup allocates
//! nothing and costs at most one step a digit of the number, however many routes there are. The table can explain a
//! decision and knows its content hash. It knows nobody: accounts and carriers are numbers given by the caller, and
//! there is no clock, no I/O and no randomness in here. The engine is its caller.

mod batch;
mod builder;
mod candidates;
mod digits;
mod error;
mod explain;
mod hash;
mod route;
mod spec;
mod table;
mod trie;

pub use batch::Query;
pub use builder::{ROUTES_MAX, TableBuilder};
pub use candidates::Candidates;
pub use digits::PREFIX_DIGITS_MAX;
pub use error::RouteError;
pub use explain::{Explanation, RankedTarget};
pub use hash::destination_hash;
pub use route::{Route, Target};
pub use spec::{ACCOUNTS_MAX, Direction, RouteSpec, TARGETS_MAX, TargetSpec, WEIGHT_MAX};
pub use table::Table;
