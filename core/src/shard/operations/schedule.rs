//! Messages that wait for their time: for schedule_delivery_time, or for anything else that sets `Message::schedule_ms`.
//!
//! They are due by the wall clock, which is what the customer named: a clock that is put forward sends them at once, one
//! that is put back later, none loses them. They stand in no carrier's queue; which carrier is theirs is decided when they go.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::super::Shard;
use super::super::messages::{MessageRef, Phase, Review};
use super::super::routing::{Hold, NoWay};
use super::Times;
use brivas_smpp::MessageState;

/// Messages that one tick starts at most: a million for one minute must not hold up the round.
const STARTED_PER_TICK: usize = 16_384;
/// When the queues of all its carriers are full, a message that is due asks again after this time.
const ASK_AGAIN_MS: i64 = 1_000;

/// All that wait, by their time. Names of messages that ended meanwhile stay until then, or until they are many.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    due: BinaryHeap<Reverse<(i64, MessageRef)>>,
    pub(crate) waiting: u64,
}

impl Shard {
    /// An accepted message is safe: it goes to its queue, or waits for its time.
    pub(in super::super) fn start(&mut self, name: MessageRef) {
        let Some(message) = self.messages.get_mut(name) else { return };
        if message.phase != Phase::Accepting {
            // It was cancelled before it was safe.
            return;
        }
        if message.review == Review::Held {
            message.phase = Phase::InReview;
        } else if message.schedule_ms == 0 {
            self.dispatch(name);
        } else {
            message.phase = Phase::Scheduled;
            self.schedule.due.push(Reverse((message.schedule_ms, name)));
            self.schedule.waiting += 1;
        }
    }

    /// Sends what is due.
    pub(in super::super) fn start_due(&mut self) {
        let wall_ms = self.clock.wall_ms;
        for _ in 0..STARTED_PER_TICK {
            match self.schedule.due.peek() {
                Some(&Reverse((due_ms, name))) if due_ms <= wall_ms => {
                    self.schedule.due.pop();
                    self.start_scheduled(name, wall_ms);
                }
                _ => break,
            }
        }
        if self.schedule.due.len() as u64 > self.schedule.waiting * 2 + 1_024 {
            let messages = &self.messages;
            self.schedule.due.retain(|&Reverse((_, name))| {
                messages.get(name).is_some_and(|message| message.phase == Phase::Scheduled)
            });
        }
    }

    fn start_scheduled(&mut self, name: MessageRef, wall_ms: i64) {
        let Some(message) = self.messages.get(name) else { return };
        // Replaced meanwhile, it may have another time; then that is in the queue as well.
        if message.phase != Phase::Scheduled || message.schedule_ms > wall_ms {
            return;
        }
        let held_for = message.carrier;
        match self.judge_again(name) {
            Ok(Hold::Not) => {}
            Ok(Hold::Until(until_ms)) => return self.wait_until(name, until_ms),
            Ok(Hold::ForReview(rule)) => {
                if self.hold_for_review(name, rule) {
                    self.schedule.waiting = self.schedule.waiting.saturating_sub(1);
                } else {
                    self.schedule.due.push(Reverse((wall_ms + ASK_AGAIN_MS, name)));
                }
                return;
            }
            Err(status) => {
                let error = format!("{:03X}", status.0 & 0xFFF);
                self.end(name, MessageState::Rejected, error.as_bytes());
                return;
            }
        }
        let carrier = match self.carrier_when_due(name) {
            Ok(carrier) => carrier,
            Err(NoWay::QueuesFull) => {
                self.schedule.due.push(Reverse((wall_ms + ASK_AGAIN_MS, name)));
                return;
            }
            // No route leads there any more: it waits for one where it was to go, until it expires.
            Err(_) => held_for,
        };
        self.schedule.waiting = self.schedule.waiting.saturating_sub(1);
        let Some(message) = self.messages.get_mut(name) else { return };
        message.schedule_ms = 0;
        message.carrier = carrier;
        self.carriers[carrier as usize].queued += 1;
        self.dispatch(name);
    }

    /// It is due later: the hours there are quiet.
    fn wait_until(&mut self, name: MessageRef, until_ms: i64) {
        let Some(message) = self.messages.get_mut(name) else { return };
        message.schedule_ms = until_ms;
        self.schedule.due.push(Reverse((until_ms, name)));
    }

    /// A message that no carrier has gets other times. Gives its name, which may be another from here on.
    pub(super) fn set_times(&mut self, name: MessageRef, times: Times) -> MessageRef {
        let Some(message) = self.messages.get_mut(name) else { return name };
        let (phase, carrier) = (message.phase, message.carrier);
        let (was_waiting, waits) = (message.schedule_ms != 0, times.schedule_ms != 0);
        message.expires_ms = times.expires_ms;
        message.schedule_ms = times.schedule_ms;
        if was_waiting != waits && message.review != Review::Held {
            let queued = &mut self.carriers[carrier as usize].queued;
            *queued = if waits { queued.saturating_sub(1) } else { *queued + 1 };
        }
        match (phase, waits) {
            // Not safe yet: it starts when it is.
            (Phase::Accepting | Phase::InReview, _) => name,
            (Phase::Scheduled, true) => {
                // Its other entry finds that it is not due, or has gone.
                self.schedule.due.push(Reverse((times.schedule_ms, name)));
                name
            }
            (Phase::Scheduled, false) => {
                self.schedule.waiting = self.schedule.waiting.saturating_sub(1);
                self.dispatch(name);
                name
            }
            (_, true) => {
                // Under its old name it still stands in a queue.
                let name = self.rename(name);
                if let Some(message) = self.messages.get_mut(name) {
                    message.phase = Phase::Accepting;
                }
                self.start(name);
                name
            }
            (_, false) => name,
        }
    }

    /// Makes every name of a message stale but the one that is given.
    pub(super) fn rename(&mut self, name: MessageRef) -> MessageRef {
        let renamed = self.messages.rename(name);
        if let Some(message) = self.messages.get(renamed) {
            self.index.rename(message.id, message.place, renamed);
            if let (Some(waiting), Ok(content)) =
                (&mut self.accounts[message.account as usize].waiting, message.content())
            {
                waiting.insert(&content.source, &content.destination, renamed);
            }
        }
        renamed
    }
}
