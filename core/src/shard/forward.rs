//! Brings messages to carriers: queues, windows, attempts, backoff, failover.
//!
//! Order: first attempts of one destination go out on one bind, by priority and then in the order in which they were accepted. Retries
//! may overtake.

use std::cmp::Reverse;

use brivas_smpp::session::SendError;
use brivas_smpp::status::Retry;
use brivas_smpp::{CommandStatus, MessageState};

use super::Shard;
use super::commit::{Awaiting, Then};
use super::congestion::Pace;
use super::messages::{CARRIER_MESSAGE_ID_OCTETS_MAX, MessageRef, Outcome, Phase, Review};
use super::parts::Course;
use super::round::FETCHED_AT_ONCE;
use crate::event;

/// Attempts after which a message is given up even within its validity.
const ATTEMPTS_MAX: u16 = 1_000;
/// Messages that one look at a queue finds too old at most: each is a record, and the journal's room has an end.
const EXPIRED_PER_FLUSH: usize = 32;

impl Shard {
    /// Puts an accepted message into its carrier's queue.
    pub(super) fn dispatch(&mut self, name: MessageRef) {
        let Some(message) = self.messages.get_mut(name) else { return };
        message.phase = Phase::Queued;
        let (hash, carrier_number, priority) = (message.destination_hash, message.carrier, message.priority);
        let may_change = (message.may_change || self.has_alphabets) && message.part_of().is_none();
        let bind = self.carriers[carrier_number as usize].bind_for(hash);
        if bind.is_none()
            && let Some(other) = self.elsewhere(name, carrier_number)
        {
            self.hand_over(name, carrier_number, other);
            return;
        }
        if may_change && self.has_to_wait(name, carrier_number) {
            return;
        }
        let carrier = &mut self.carriers[carrier_number as usize];
        match bind {
            Some(bind) => {
                carrier.binds[bind as usize].queue.push_back(priority, name);
                self.mark_bind(carrier_number, bind);
            }
            None => carrier.waiting.push_back(name),
        }
    }

    pub(super) fn mark_bind(&mut self, carrier: u32, bind: u32) {
        let state = self.carriers[carrier as usize].binds.get_mut(bind as usize);
        if let Some(state) = state.filter(|state| !state.is_flushing) {
            state.is_flushing = true;
            self.flush_binds.push((carrier, bind));
        }
    }

    /// Sends from a bind's queue as much as its window and the carrier's rate allow.
    pub(super) fn flush_bind(&mut self, carrier_number: u32, bind_number: u32) {
        while let Some(name) = self.flush_to_change(carrier_number, bind_number) {
            self.open_up(name, carrier_number, bind_number);
        }
    }

    /// The same, up to a message that goes out in other PDUs than it came in.
    fn flush_to_change(&mut self, carrier_number: u32, bind_number: u32) -> Option<MessageRef> {
        let (now_us, now_ms, wall_ms) = (self.clock.now_us, self.clock.now_ms(), self.clock.wall_ms);
        let carrier = &mut self.carriers[carrier_number as usize];
        let bind = carrier.binds.get_mut(bind_number as usize)?;
        bind.is_flushing = false;
        let connection_name = bind.sending()?;
        if bind.queue.is_empty() || self.draining.holds_forwarding() {
            return None;
        }
        let connection = self.connections.get_mut(connection_name)?;
        let mut changes = None;
        let mut expired = Vec::new();
        let mut sent_any = false;
        let mut is_paced = false;
        let mut taken = 0;
        while !is_paced
            && expired.len() < EXPIRED_PER_FLUSH
            && connection.session.room() > 0
            && connection.session.output().len() < super::connection::OUTPUT_OCTETS_MAX
        {
            if taken % FETCHED_AT_ONCE == 0 {
                self.messages.fetch(bind.queue.upcoming(FETCHED_AT_ONCE.min(connection.session.room())));
            }
            taken += 1;
            let Some(name) = bind.queue.pop_front() else { break };
            // What was ended meanwhile has been counted out by whoever ended it.
            let message = self.messages.get_mut(name);
            let Some(message) = message.filter(|message| message.phase == Phase::Queued) else { continue };
            if message.expires_ms <= wall_ms {
                carrier.queued -= 1;
                expired.push(name);
                continue;
            }
            if message.changes {
                changes = Some(name);
                break;
            }
            if !carrier.pacer.take(now_us) {
                bind.queue.put_back(message.priority, name);
                is_paced = true;
                break;
            }
            let (mandatory, tlvs) = if self.config.rewrites {
                self.routing.rewritten(&self.config, message, carrier_number, wall_ms)
            } else {
                (message.mandatory(), message.tlvs())
            };
            match connection.session.send(now_ms, name.token(), mandatory, tlvs) {
                Ok(_) => {
                    message.phase = Phase::InFlight;
                    message.attempts = message.attempts.saturating_add(1);
                    carrier.queued -= 1;
                    carrier.in_flight += 1;
                    sent_any = true;
                }
                Err(SendError::WindowFull | SendError::NotBound) => {
                    bind.queue.put_back(message.priority, name);
                    break;
                }
            }
        }
        if is_paced {
            let due_us = carrier.pacer.due_us();
            self.note_paced(carrier_number, bind_number, due_us);
        } else if connection.session.room() == 0 {
            bind.round_trip.note_full();
        }
        if sent_any {
            self.mark_dirty(connection_name);
        }
        if expired.len() == EXPIRED_PER_FLUSH {
            self.mark_bind(carrier_number, bind_number);
        }
        for name in expired {
            self.end(name, MessageState::Expired, b"");
        }
        changes
    }

    /// A carrier answered a submit_sm.
    pub(super) fn handle_carrier_answer(
        &mut self,
        carrier_number: u32,
        bind: u32,
        token: u64,
        status: CommandStatus,
        carrier_message_id: &[u8],
        pace: Pace,
    ) {
        self.mark_bind(carrier_number, bind);
        self.note_answer(carrier_number, bind, status, pace);
        let name = MessageRef::from_token(token);
        let carrier = &mut self.carriers[carrier_number as usize];
        carrier.in_flight = carrier.in_flight.saturating_sub(1);
        if self.messages.get(name).is_none_or(|message| message.phase != Phase::InFlight) {
            return;
        }
        if !status.is_ok() {
            carrier.failed += 1;
            if status.retry() != Retry::Slower || !self.keep_in_line(name, bind, status) {
                self.attempt_failed(name, status, &status.to_string());
            }
            return;
        }
        self.note_sent(name, carrier_message_id);
    }

    /// The carrier has it, and calls it so.
    pub(super) fn note_sent(&mut self, name: MessageRef, carrier_message_id: &[u8]) {
        let wall_ms = self.clock.wall_ms;
        let Some(message) = self.messages.get_mut(name) else { return };
        let carrier = &mut self.carriers[message.carrier as usize];
        message.phase = Phase::AwaitingReceipt;
        // The wire allows 65 octets; a broken carrier may send 65,000, and a window full of these is too much.
        let kept = carrier_message_id.len().min(CARRIER_MESSAGE_ID_OCTETS_MAX);
        let carrier_message_id = &carrier_message_id[..kept];
        message.set_carrier_message_id(carrier_message_id);
        carrier.sent += 1;
        self.counters.sent += 1;
        let attempt = u32::from(message.attempts);
        let (id, awaits_receipt) = (message.id, message.awaits_receipt());
        let is_part = message.part_of().is_some();
        let part = if is_part { self.part_record(name) } else { None };
        let Some(message) = self.messages.get(name) else { return };
        let carrier = &self.carriers[message.carrier as usize];
        self.journal.append(wall_ms, id, |out| {
            event::sent(out, &carrier.name, carrier_message_id, attempt, part.as_ref());
        });
        if awaits_receipt {
            self.expect_receipt(name);
        } else {
            // Nobody will tell more of it.
            self.end(name, MessageState::Accepted, b"");
        }
    }

    /// An attempt ended without ESME_ROK: try again, elsewhere, or give up.
    pub(super) fn attempt_failed(&mut self, name: MessageRef, status: CommandStatus, reason: &str) {
        self.counters.attempts_failed += 1;
        let wall_ms = self.clock.wall_ms;
        let now_ms = self.clock.now_ms();
        let random = self.random();
        let Some(message) = self.messages.get(name) else { return };
        let (carrier_number, attempt) = (message.carrier, message.attempts);
        let (id, expires_ms) = (message.id, message.expires_ms);
        let is_part = message.part_of().is_some();
        // A time-out or a lost connection has status 0, and may do better next time.
        let retry = if status.is_ok() { Retry::Later } else { status.retry() };
        let next_carrier = match retry {
            Retry::Never => None,
            Retry::Later => self.next_carrier(name),
            Retry::Slower => Some(carrier_number),
        };
        let carrier = &mut self.carriers[carrier_number as usize];
        let (initial, max) = carrier.config.as_ref().map_or((5_000, 300_000), |config| {
            (i64::from(config.spec.retry_initial_ms), i64::from(config.spec.retry_max_ms))
        });
        let fails_over = next_carrier.is_some_and(|next| next != carrier_number);
        let backoff_ms = if fails_over { 0 } else { backoff(initial, max, u32::from(attempt), random) };
        let retry_at_ms = wall_ms + backoff_ms;
        let again = next_carrier.filter(|_| retry_at_ms < expires_ms && attempt < ATTEMPTS_MAX);
        let journaled_retry = if again.is_some() { retry_at_ms } else { 0 };
        let part = if is_part { self.part_record(name) } else { None };
        let carrier = &self.carriers[carrier_number as usize];
        self.journal.append(wall_ms, id, |out| {
            let attempt = u32::from(attempt);
            let part = part.as_ref().map(|(record, _)| record);
            event::attempt_failed(out, &carrier.name, attempt, status.0, reason, journaled_retry, part);
        });
        match again {
            Some(next) if fails_over && is_part => {
                let Some(message) = self.messages.get_mut(name) else { return };
                message.phase = Phase::Retrying;
                self.carriers[carrier_number as usize].queued += 1;
                self.hand_over(name, carrier_number, next);
            }
            Some(next) => {
                let Some(message) = self.messages.get_mut(name) else { return };
                message.carrier = next;
                self.keep_together(name);
                let Some(message) = self.messages.get_mut(name) else { return };
                self.carriers[next as usize].queued += 1;
                if fails_over {
                    self.dispatch(name);
                } else {
                    message.phase = Phase::Retrying;
                    self.retries.push(Reverse((now_ms.saturating_add_signed(backoff_ms), name)));
                }
            }
            None if retry == Retry::Never => {
                let error = format!("{:03X}", status.0 & 0xFFF);
                self.end(name, MessageState::Rejected, error.as_bytes());
            }
            None => {
                let error = format!("{:03X}", status.0 & 0xFFF);
                self.end(name, MessageState::Undeliverable, error.as_bytes());
            }
        }
    }

    /// Where to try next: the next carrier of the message's route that is up, as long as there are some that were not
    /// tried in this round; else the same again.
    fn next_carrier(&mut self, name: MessageRef) -> Option<u32> {
        let candidates = self.candidates_of(name);
        let message = self.messages.get(name)?;
        if message.part_of().is_some_and(|(whole, _)| self.has_gone_out(whole, Some(name))) {
            return Some(message.carrier);
        }
        match self.course_of(name) {
            Course::Only(carrier) | Course::With(carrier) => return Some(carrier),
            Course::Free => {}
        }
        let Some(candidates) = candidates else { return Some(message.carrier) };
        let here = message.carrier;
        if !candidates.clone().any(|number| number == here) {
            // Its carrier was taken out of the route, or out of the configuration.
            return self.carrier_of(name);
        }
        let usable = |&number: &u32| {
            let carrier = &self.carriers[number as usize];
            number == here || (carrier.has_room() && !carrier.up.is_empty())
        };
        let up: Vec<u32> = candidates.filter(usable).collect();
        if up.len() < 2 || usize::from(message.attempts) % up.len() == 0 {
            return Some(here);
        }
        let position = up.iter().position(|&number| number == here).unwrap_or(0);
        Some(up[(position + 1) % up.len()])
    }

    /// The message has reached its final state by our doing: no carrier waits for an answer about that. Gives the offset
    /// of the record that says so.
    pub(super) fn end(&mut self, name: MessageRef, state: MessageState, error: &[u8]) -> i64 {
        let outcome = Outcome::new(state, self.clock.wall_ms, error);
        self.end_as(name, outcome, Then::Deliver)
    }

    /// The message has reached its final state.
    pub(super) fn end_as(&mut self, name: MessageRef, outcome: Outcome, then: Then) -> i64 {
        // A name that is stale has ended, and its record stands before what is written next.
        let Some(message) = self.messages.get_mut(name) else { return self.journal.next_offset() - 1 };
        if message.part_of().is_some() {
            return self.part_ended(name, outcome, then);
        }
        let is_linked = message.link.is_some();
        if message.phase == Phase::Scheduled {
            self.schedule.waiting = self.schedule.waiting.saturating_sub(1);
        }
        if message.review == Review::Held {
            message.review = Review::None;
            self.quarantine.forget(message.id);
        }
        message.phase = Phase::Ending;
        // No late response and no receipt of its numbers is for it any more.
        message.is_held = false;
        // Receipts' dates have minutes: nothing is done before it was accepted.
        let mut outcome = outcome;
        outcome.done_ms = outcome.done_ms.max(message.accepted_ms);
        message.outcome = Some(outcome);
        message.ended_ms = self.clock.wall_ms;
        let carrier = &self.carriers[message.carrier as usize].name;
        let attempt = u32::from(message.attempts);
        let offset = self.journal.append(self.clock.wall_ms, message.id, |out| {
            event::ended(out, outcome.state, carrier, outcome.error(), outcome.done_ms, attempt);
        });
        if super::receipts::is_success(outcome.state) {
            self.counters.delivered += 1;
        } else {
            self.counters.undelivered += 1;
        }
        let on_disk = self.accounts[message.account as usize].on_disk();
        self.commits.push(on_disk, Awaiting { offset, message: name, then });
        if is_linked {
            self.end_linked(name, outcome);
        }
        offset
    }

    /// Moves what waits for a carrier to where it can go now: its binds, or another carrier of its route.
    pub(super) fn redistribute(&mut self, carrier_number: u32) {
        let carrier = &mut self.carriers[carrier_number as usize];
        let mut waiting = std::mem::take(&mut carrier.waiting);
        if carrier.up.is_empty() && carrier.config.is_some() {
            // Only what has somewhere else to go leaves.
            let mut kept = std::collections::VecDeque::with_capacity(waiting.len());
            for name in waiting.drain(..) {
                if !self.is_queued(name) {
                    continue;
                }
                match self.elsewhere(name, carrier_number) {
                    Some(other) => self.hand_over(name, carrier_number, other),
                    None => kept.push_back(name),
                }
            }
            self.carriers[carrier_number as usize].waiting = kept;
            return;
        }
        for name in waiting {
            if !self.is_queued(name) {
                // It was ended while it waited.
            } else if self.carriers[carrier_number as usize].config.is_some() {
                self.dispatch(name);
            } else if let Some(other) = self.elsewhere(name, carrier_number) {
                self.hand_over(name, carrier_number, other);
            } else {
                self.carriers[carrier_number as usize].waiting.push_back(name);
            }
        }
    }

    fn is_queued(&self, name: MessageRef) -> bool {
        self.messages.get(name).is_some_and(|message| message.phase == Phase::Queued)
    }

    /// Forgets the names of messages that were ended while they waited.
    pub(super) fn compact_queues(&mut self) {
        let messages = &self.messages;
        let is_in =
            |name: MessageRef, phase| messages.get(name).is_some_and(|message| message.phase == phase);
        for carrier in &mut self.carriers {
            let bound = carrier.queued * 2 + 1_024;
            for bind in &mut carrier.binds {
                if bind.queue.len() as u64 > bound {
                    bind.queue.retain(|name| is_in(name, Phase::Queued));
                }
            }
            if carrier.waiting.len() as u64 > bound {
                carrier.waiting.retain(|&name| is_in(name, Phase::Queued));
            }
        }
        for account in &mut self.accounts {
            if account.deliveries.len() as u64 > account.open_messages * 2 + 1_024 {
                account.deliveries.retain(|&name| is_in(name, Phase::Delivering));
            }
        }
        if self.retries.len() > messages.len() * 2 + 1_024 {
            self.retries.retain(|Reverse((_, name))| {
                is_in(*name, Phase::Retrying) || is_in(*name, Phase::DeliveryRetrying)
            });
        }
    }

    /// What waits for a carrier that is down may have found its way blocked by a queue that has room by now.
    pub(super) fn look_elsewhere(&mut self) {
        for number in 0..self.carriers.len() as u32 {
            let carrier = &self.carriers[number as usize];
            let is_stuck = carrier.up.is_empty() && !carrier.waiting.is_empty();
            let others_have_room =
                || self.carriers.iter().any(|other| !other.up.is_empty() && other.has_room());
            if is_stuck && others_have_room() {
                self.redistribute(number);
            }
        }
    }

    /// Counts a message out of its carrier's queue that ends without having been sent.
    pub(super) fn count_out(&mut self, name: MessageRef) {
        let Some(message) = self.messages.get(name) else { return };
        // What is scheduled is in no queue.
        let is_scheduled = message.schedule_ms != 0 || message.review == Review::Held;
        let is_counted =
            matches!(message.phase, Phase::Queued | Phase::Retrying | Phase::Accepting | Phase::Held);
        if is_counted && !is_scheduled {
            let carrier = &mut self.carriers[message.carrier as usize];
            carrier.queued = carrier.queued.saturating_sub(1);
        }
    }

    fn elsewhere(&mut self, name: MessageRef, not: u32) -> Option<u32> {
        let message = self.messages.get(name)?;
        if message.part_of().is_some_and(|(whole, _)| self.has_gone_out(whole, None)) {
            return None;
        }
        match self.course_of(name) {
            Course::Only(carrier) => return Some(carrier).filter(|&carrier| carrier != not),
            Course::With(carrier) if carrier != not => return Some(carrier),
            Course::With(_) | Course::Free => {}
        }
        let mut candidates = self.candidates_of(name)?;
        candidates.find(|&number| {
            let carrier = &self.carriers[number as usize];
            number != not && carrier.has_room() && !carrier.up.is_empty()
        })
    }

    fn hand_over(&mut self, name: MessageRef, from: u32, to: u32) {
        // A part goes with the others, and may be another part there.
        let name = self.gather(name, from);
        let Some(message) = self.messages.get_mut(name) else { return };
        message.carrier = to;
        self.keep_together(name);
        let carrier = &mut self.carriers[from as usize];
        carrier.queued = carrier.queued.saturating_sub(1);
        self.carriers[to as usize].queued += 1;
        self.dispatch(name);
    }
}

/// Doubles with each attempt up to `max`, less up to a fifth at random, so that what failed together does not come back
/// together.
fn backoff(initial_ms: i64, max_ms: i64, attempt: u32, random: u64) -> i64 {
    let doubled = initial_ms.saturating_mul(1 << attempt.saturating_sub(1).min(20)).min(max_ms);
    doubled - doubled / 5 * (random % 1_024) as i64 / 1_024
}

#[cfg(test)]
mod tests {
    use super::backoff;

    #[test]
    fn backoff_doubles_to_its_maximum_with_jitter_below() {
        for (attempt, most) in [(1, 5_000), (2, 10_000), (4, 40_000), (20, 300_000), (1_000, 300_000)] {
            assert_eq!(backoff(5_000, 300_000, attempt, 0), most);
            let least = backoff(5_000, 300_000, attempt, 1_023);
            assert!(least < most && least >= most - most / 5, "{least} of {most}");
        }
    }
}
