//! What waits for the journal: answers and next steps, released when their record is as durable as asked.

use std::collections::VecDeque;

use brivas_smpp::CommandId;

use super::connection::ConnectionRef;
use super::messages::MessageRef;

/// What happens once the record is safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// Answer the customer's submit_sm, then forward.
    Answer { connection: ConnectionRef, sequence_number: u32 },
    /// The same for a data_sm.
    AnswerData { connection: ConnectionRef, sequence_number: u32 },
    /// One of several recipients, and not the last: forward.
    Forward,
    /// The last recipient of a submit_multi: answer, with those that were refused, then forward.
    AnswerMulti { connection: ConnectionRef, sequence_number: u32, refused: u32 },
    /// Tell the customer that it is done: it was cancelled, or replaced.
    Confirm { connection: ConnectionRef, sequence_number: u32, request: CommandId },
    /// Count down the API call, then forward.
    AnswerCall { call: u32 },
    /// Count down the API call; the message was forwarded before.
    AnswerCallAgain { call: u32 },
    /// Answer the carrier's deliver_sm, then bring the receipt (or the message) to the customer.
    AnswerCarrier { connection: ConnectionRef, sequence_number: u32 },
    /// There is nobody to answer: bring the receipt to the customer.
    Deliver,
}

/// One that waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Awaiting {
    pub(crate) offset: i64,
    pub(crate) message: MessageRef,
    pub(crate) then: Then,
}

/// The two queues, each in the order of offsets.
#[derive(Debug, Default)]
pub(crate) struct Commits {
    /// For the page cache.
    written: VecDeque<Awaiting>,
    /// For fdatasync.
    durable: VecDeque<Awaiting>,
}

impl Commits {
    pub(crate) fn push(&mut self, on_disk: bool, awaiting: Awaiting) {
        if on_disk { self.durable.push_back(awaiting) } else { self.written.push_back(awaiting) }
    }

    /// Takes out one that is safe. `written` and `durable` are one past the last such offset.
    pub(crate) fn release(&mut self, written: i64, durable: i64) -> Option<Awaiting> {
        let ready =
            |queue: &VecDeque<Awaiting>, end: i64| queue.front().is_some_and(|first| first.offset < end);
        if ready(&self.written, written) {
            self.written.pop_front()
        } else if ready(&self.durable, durable) {
            self.durable.pop_front()
        } else {
            None
        }
    }

    /// The messages that come first in each queue, safe or not.
    pub(crate) fn upcoming(&self, count: usize) -> impl Iterator<Item = MessageRef> {
        self.written
            .iter()
            .take(count)
            .chain(self.durable.iter().take(count))
            .map(|awaiting| awaiting.message)
    }

    /// Whether anything waits for fdatasync.
    pub(crate) fn needs_sync(&self) -> bool {
        !self.durable.is_empty()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.written.is_empty() && self.durable.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_waits_for_its_own_kind_of_safety() {
        let mut commits = Commits::default();
        for (offset, on_disk) in [(0, true), (1, false), (2, true)] {
            let message = MessageRef::from_token(offset as u64);
            commits.push(on_disk, Awaiting { offset, message, then: Then::Deliver });
        }
        let mut released = |written, durable| commits.release(written, durable).map(|one| one.offset);
        assert_eq!(released(1, 0), None);
        assert_eq!(released(3, 0), Some(1));
        assert_eq!(released(3, 0), None);
        assert_eq!(released(3, 1), Some(0));
        assert_eq!(released(3, 2), None);
        assert_eq!(released(3, 3), Some(2));
        assert!(commits.is_empty());
    }
}
