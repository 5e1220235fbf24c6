//! The routing table: which carrier gets a message, which account gets an incoming one; and the policy that says whether
//! a message is taken at all.
//!
//! [`TableBuilder`] validates and may fail; the [`Table`] it builds is immutable and cannot. A lookup allocates
//! nothing and costs at most one step a digit of the number, however many routes there are. The table can explain a
//! decision and knows its content hash. It knows nobody: accounts and carriers are numbers given by the caller, and
//! there is no clock, no I/O and no randomness in here. The engine is its caller.

mod batch;
mod builder;
mod candidates;
mod content;
mod digits;
mod error;
mod explain;
mod hash;
mod message;
mod network;
mod policy;
mod ported;
mod rewrite;
mod route;
mod rule;
mod rules;
mod slots;
mod spec;
mod table;
mod targets;
mod trie;

pub use batch::Query;
pub use builder::{ROUTES_MAX, TableBuilder};
pub use candidates::Candidates;
pub use digits::PREFIX_DIGITS_MAX;
pub use error::RouteError;
pub use explain::{Explanation, RankedTarget};
pub use hash::{destination_hash, group_hash, stable_hash};
pub use message::Message;
pub use network::{NETWORK_RANGES_MAX, Network, NetworkRangeError, NetworkRanges};
pub use policy::{
    Action, CONSENT_WORDS, CONSENT_WORDS_MAX, Check, Consent, ConsentWord, ConsentWords, Decision,
    OFFSETS_MAX, OverlayEntry, Per, Policy, PolicyBuilder, PolicyError, PolicyExplanation, PolicyRuleSpec,
    PolicyState, QuietOffset, SUPPRESSED_MAX, SuppressionError, SuppressionOverlay, Suppressions,
    SuppressionsBuilder, UtcOffsets, VELOCITY_SECONDS_MAX, Velocity, VelocityLimits, VelocityState,
};
pub use ported::{PORTED_LINE_OCTETS_MAX, PORTED_MAX, PORTED_NETWORKS_MAX, PortedError, PortedNumbers};
pub use rewrite::{AddedTlv, Rewrite, SENDER_OCTETS_MAX, SenderAddress, TLV_OCTETS_MAX, TLVS_MAX};
pub use route::{NO_ROUTE, Route, Target};
pub use rule::Scratch;
pub use rules::conditions::{ConditionError, Conditions};
pub use rules::data_coding::DataCodings;
pub use rules::hours::{Hours, UTC_OFFSET_MINUTES_MAX, WEEK_MINUTES, WINDOWS_MAX, Window};
pub use rules::index::{CANDIDATES_MAX, KEYS_A_RULE_MAX, KEYS_MAX, RULES_MAX, SHAPES_MAX};
pub use rules::links::{HOSTS_MAX, LinkMatch};
pub use rules::patterns::{PATTERN_OCTETS_MAX, PATTERNS_MAX};
pub use rules::sender::SenderMatch;
pub use spec::{ACCOUNTS_MAX, Balance, Direction, RouteSpec, RuleSpec, TARGETS_MAX, TargetSpec, WEIGHT_MAX};
pub use table::Table;
