//! Messages that go out in other PDUs than they came in: long ones in parts, parts as one, texts in another alphabet.
//!
//! A message is one recipient, a part is one PDU. Where both are the same, which is nearly always, nothing of this is
//! used. Else the message stays as it came, in [`Phase::InParts`](super::messages::Phase), and each of its PDUs is a message of its own in the
//! slab, linked to it: queues, windows, attempts and receipts treat parts as they treat messages. What they learn
//! ends in [`outgoing`], which gives the message its one final state when all parts have ended.
//!
//! - [`manner`]: what a peer takes; [`prepare`]: what a message becomes for it, without a side effect;
//! - [`outgoing`]: parts to carriers; [`incoming`]: to customers; [`outcome`]: one state of many;
//! - [`joining`]: parts that wait for the rest; [`resume`]: all of it after a restart;
//! - [`together`]: parts that customers send one by one take one way, by one decision.

mod incoming;
mod joining;
mod link;
mod manner;
mod outcome;
mod outgoing;
mod prepare;
mod references;
mod resume;
mod together;

pub(crate) use joining::Joining;
pub(crate) use link::{Link, PartRecord};
pub(crate) use manner::Manner;
pub(crate) use references::References;
pub(crate) use resume::RestoredParts;
pub(crate) use together::{Course, Decided, Membership, Together};
