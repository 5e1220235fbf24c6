//! The conformance tester: binds to a message centre, or takes an ESME's bind, does right and wrong things one at a time,
//! and tells what the other side made of each.
//!
//! - [`report`]: what a check is, how it can end, and the whole report;
//! - [`line`]: one connection to the other side, with everything that was said on it;
//! - [`smsc`], [`esme`]: the checks.
//!
//! One thread that blocks, with a time-out on everything. It uses the codec, but no session: a session would not do wrong
//! things. Safe by default: a handful of messages, all to one number.

mod esme;
mod line;
mod options;
mod report;
mod smsc;

pub use options::{ConformanceOptions, Peer};

use std::io;

use mio::Waker;

use crate::handle::{Handle, Shared};
use crate::reactor::Reactor;
use report::Report;

/// A run of the tester.
#[derive(Debug)]
pub struct Conformance;

impl Conformance {
    /// Runs all checks in a thread of its own; the result is the report.
    ///
    /// # Errors
    /// Options that are wrong, an address that cannot be listened on.
    pub fn start(options: ConformanceOptions) -> io::Result<Handle> {
        options.check()?;
        match options.peer {
            Peer::Smsc => Handle::spawn("conformance", None, Report::COUNTERS, waker()?, move |shared| {
                smsc::run(&options, shared).into_json()
            }),
            Peer::Esme => {
                let listener = esme::listen(&options)?;
                let address = listener.local_addr()?;
                let body = move |shared: &Shared| esme::run(&options, &listener, shared).into_json();
                Handle::spawn("conformance", Some(address), Report::COUNTERS, waker()?, body)
            }
        }
    }
}

/// A handle wants one; this thread looks at its stop flag by itself.
fn waker() -> io::Result<Waker> {
    Reactor::new()?.waker()
}
