//! Traces: a live copy of what goes over chosen binds, for `Control.Trace`.
//!
//! A shard copies what a tapped connection reads and writes into the trace's bounded channel ([`tap`]); a full channel
//! loses it, and counts. Each trace has a thread of its own ([`thread`]) that picks what was asked for ([`select`]),
//! overwrites passwords ([`redact`]) and hands it to its caller. Nothing here is on the way of a message: a connection that
//! is not tapped pays one branch a read or write.

mod describe;
mod feed;
mod redact;
mod select;
mod tap;
mod thread;

pub use describe::describe_pdu;
pub(crate) use feed::{BindFilter, Feed, Identity, Side};
pub(crate) use select::Selection;
pub(crate) use tap::Tap;
pub(crate) use thread::{Limits, start};
