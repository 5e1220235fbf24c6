//! What all simulated customers share: the messages to send, and the books.

use std::collections::VecDeque;

use brivas_smpp::CommandStatus;

use super::customer::Flight;
use super::ledger::Ledger;
use super::options::LoadOptions;
use super::schedule::Schedule;
use super::template::Template;

/// One run's common state.
pub(super) struct Work {
    pub(super) options: LoadOptions,
    pub(super) template: Template,
    pub(super) schedule: Schedule,
    pub(super) ledger: Ledger,
    /// Messages that were refused for now. Each left a window, and windows refill from here first: so there
    /// are never more than the windows hold.
    pub(super) retries: VecDeque<Retry>,
    pub(super) something_paused: bool,
    /// Messages flow: after all binds, before the end.
    pub(super) sending: bool,
    pub(super) now_ns: u64,
}

/// A message to send again.
pub(super) struct Retry {
    pub(super) flight: Flight,
    /// Why it was refused.
    pub(super) status: CommandStatus,
}

impl Work {
    /// The next message to send.
    #[inline]
    pub(super) fn next(&mut self) -> Option<Flight> {
        if let Some(Retry { flight, .. }) = self.retries.pop_front() {
            return Some(Flight { attempts: flight.attempts + 1, ..flight });
        }
        let due = self.schedule.take(self.now_ns)?;
        self.ledger.submitted(due.number, due.at_ns);
        Some(Flight { number: due.number, at_ns: due.at_ns, attempts: 0 })
    }

    pub(super) fn is_due(&self) -> bool {
        !self.retries.is_empty() || self.schedule.is_due(self.now_ns)
    }

    /// Whether every message was sent and answered.
    pub(super) fn is_settled(&self) -> bool {
        self.schedule.is_over(self.now_ns) && self.retries.is_empty() && self.ledger.stats.in_flight == 0
    }
}
