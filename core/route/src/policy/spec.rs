//! What a policy is said to be, before it is validated: the input of the builder.

use crate::rules::conditions::Conditions;
use crate::rules::hours::Window;

/// One rule as the configuration has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyRuleSpec {
    /// The name of the resource; for people. No other rule has it.
    pub name: String,
    /// Rules are tried by this number, the lowest first. Among equal ones the longer prefix goes first, then those with
    /// an account of their own, then by name.
    pub order: u32,
    /// Which messages it is for.
    pub when: Conditions,
    /// What must be so, besides, for it to fire.
    pub check: Check,
    /// What is done when it fires.
    pub then: Action,
}

/// When a rule that holds for a message fires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// Always: the conditions say it all. For texts, links and senders.
    Always,
    /// When the recipient has taken consent back: from this sender of this account, from the account, from the sender,
    /// or from all.
    Suppressed,
    /// At these times at the destination.
    Quiet {
        /// In local time.
        windows: Vec<Window>,
        /// What is local.
        offset: QuietOffset,
    },
    /// When as many messages as are allowed went there already.
    Velocity(Velocity),
}

/// Whose local time counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuietOffset {
    /// This many minutes from UTC.
    Minutes(i16),
    /// That of the destination's longest prefix in [`crate::UtcOffsets`].
    ByDestination,
}

/// How many messages may go to one place in a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Velocity {
    /// As many are taken.
    pub limit: u32,
    /// Within this time: the running second and those before it. Beyond an hour in whole minutes: the running minute
    /// and those before it.
    pub window_seconds: u32,
    /// What is one place.
    pub per: Per,
}

/// What is counted together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Per {
    /// Each account alone.
    pub account: bool,
    /// Each sender alone.
    pub sender: bool,
    /// Each beginning of this many digits of the destination alone; 15 is each destination.
    pub digits: u8,
}

/// What is done with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// It is taken, and later rules are not asked.
    Allow,
    /// It is refused, with this command_status.
    Refuse {
        /// For the answer (SMPP 5.0 §4.7.6).
        status: u32,
    },
    /// It is held for review.
    Quarantine,
    /// It is sent when the quiet hours are over. The search goes on: a later rule may refuse it.
    Delay,
}

/// The longest window of a velocity rule.
pub const VELOCITY_SECONDS_MAX: u32 = 24 * 60 * 60;
