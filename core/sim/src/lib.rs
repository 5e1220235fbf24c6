//! Simulated customers, a simulated carrier, a mover of bytes between them, and a conformance tester: what `brivas bench`,
//! `brivas simulate` and `brivas conformance` run.
//!
//! - [`Smsc`]: a carrier that answers, sends receipts, and misbehaves where it is asked to;
//! - [`Load`]: customers that bind, send, and count what comes back, each message by its own number;
//! - [`Conformance`]: tells what another system makes of right and wrong things;
//! - [`Mover`]: the least that can stand between the two: the floor that the gateway is compared with.
//!
//! Each is one thread with one epoll: they share a small machine with what they measure, so on the way of
//! a message they allocate nothing, lock nothing, and read and write once a batch. They speak SMPP by
//! themselves, with the codec of `brivas-smpp` for everything that is rare: what is measured is not
//! measured with itself.

mod bitmap;
mod conformance;
mod counters;
mod handle;
mod link;
mod load;
mod mover;
mod numbers;
mod options;
mod os;
mod outstanding;
mod random;
mod reactor;
mod smsc;
mod wire;

pub use conformance::{Conformance, ConformanceOptions, Peer};
pub use handle::Handle;
pub use load::{Load, LoadOptions};
pub use mover::{Mover, MoverOptions};
pub use smsc::{
    ErrorRate, MessageIdForm, MobileOriginated, ReceiptForm, Receipts, Smsc, SmscOptions, StateRate, Version,
};
