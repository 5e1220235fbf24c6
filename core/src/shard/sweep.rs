//! What is done now and then: timers of sessions, due attempts, what is too old.

use std::cmp::Reverse;

use brivas_smpp::{Event, MessageState};

use super::Shard;
use super::connection::{ConnectionRef, Owner};
use super::messages::{MessageRef, Phase};
use super::unanswered::Missing;
use crate::event::Channel;
use crate::notice::Level;

/// How long a peer may take nothing of what it is sent.
const STALL_MS: u64 = 30_000;
/// How long beyond its validity a message's receipt is waited for.
const RECEIPT_GRACE_MS: i64 = 3_600_000;
/// How long deliveries wait for an account that is not configured (any more): it may come back with the next reload.
const REMOVED_RETENTION_MS: i64 = 24 * 3_600_000;
/// How often messages of carriers that are down look for another way.
const LOOK_ELSEWHERE_MS: u64 = 2_000;
/// Slots that a tick looks at: ten million are through in a quarter of an hour.
const SLOTS_PER_TICK: usize = 1_024;

impl Shard {
    /// Every `TICK_MS`.
    pub(super) fn tick(&mut self) {
        self.accept_all();
        self.time_sessions();
        self.tick_pacers();
        self.open_due_binds();
        self.go_on_succeeding();
        self.retry_due();
        self.start_due();
        self.settle_parked();
        self.expire_joining();
        self.together.expire(self.clock.now_ms());
        self.sweep_messages();
        self.compact_queues();
        self.compact_waiting();
        if self.clock.now_ms() >= self.next_look_ms {
            self.next_look_ms = self.clock.now_ms() + LOOK_ELSEWHERE_MS;
            self.look_elsewhere();
        }
        self.tell_journal_failure();
        self.tell_of_expiry_daily();
        self.idempotency.expire(self.clock.wall_ms);
        self.carry_forward();
        self.go_on_draining();
        self.flush();
        self.commit();
        self.write_all();
    }

    /// A journal that failed is told once; from then on nothing is accepted.
    fn tell_journal_failure(&mut self) {
        if self.told_journal_failure {
            return;
        }
        if let Some(error) = self.journal.failed() {
            self.told_journal_failure = true;
            let hint = "nothing is accepted any more: mend the disk, then restart the gateway".to_owned();
            let fields = vec![("why", error.to_string()), ("hint", hint)];
            self.notices.tell(Level::Error, "journal_failed", fields);
        }
    }

    fn time_sessions(&mut self) {
        let now_ms = self.clock.now_ms();
        let mut due: Vec<ConnectionRef> = Vec::new();
        for name in self.connections.names().collect::<Vec<_>>() {
            let Some(connection) = self.connections.get_mut(name) else { continue };
            let stalled = connection.stalled_since_ms.is_some_and(|since| now_ms - since >= STALL_MS);
            // What we do not read cannot be late.
            let is_unread = (self.holds_carriers || connection.is_listed)
                && matches!(connection.owner, Owner::Carrier(..));
            let has_lingered = connection.lingers_until_ms.is_some_and(|until| now_ms >= until);
            if has_lingered {
                let why = connection.session.close_reason().map_or_else(String::new, |why| why.to_string());
                self.close(name, &why);
            } else if stalled {
                self.close(name, "the peer takes nothing of what it is sent");
            } else if !is_unread && connection.session.next_timeout_ms().is_some_and(|at_ms| at_ms <= now_ms)
            {
                due.push(name);
            }
        }
        for name in due {
            while let Some(connection) = self.connections.get_mut(name) {
                let owner = connection.owner;
                let Some(Event::Unanswered { token }) = connection.session.handle_timeout(now_ms) else {
                    break;
                };
                let message = MessageRef::from_token(token);
                match owner {
                    Owner::Carrier(carrier, bind) => {
                        let carrier_state = &mut self.carriers[carrier as usize];
                        carrier_state.in_flight = carrier_state.in_flight.saturating_sub(1);
                        self.handle_unanswered(message, Missing::Response);
                        self.mark_bind(carrier, bind);
                    }
                    Owner::Account(_) => self.delivery_failed(message),
                    Owner::Stranger => {}
                }
            }
            self.mark_dirty(name);
        }
    }

    fn retry_due(&mut self) {
        while let Some(&Reverse((due_ms, name))) = self.retries.peek() {
            if due_ms > self.clock.now_ms() {
                return;
            }
            self.retries.pop();
            let Some(message) = self.messages.get(name) else { continue };
            match message.phase {
                Phase::Retrying => self.dispatch(name),
                Phase::DeliveryRetrying => self.deliver(name),
                _ => {}
            }
        }
    }

    /// Ends what is too old, a few slots at a time.
    fn sweep_messages(&mut self) {
        if self.is_choked {
            return;
        }
        let slots = self.messages.slots();
        for _ in 0..SLOTS_PER_TICK.min(slots) {
            self.sweep_slot = (self.sweep_slot + 1) % slots;
            let Some((name, message)) = self.messages.at_slot(self.sweep_slot) else { continue };
            let wall_ms = self.clock.wall_ms;
            let account = self.accounts[message.account as usize].config.as_ref();
            let retention_ms = account.map_or(REMOVED_RETENTION_MS, |config| {
                i64::from(config.spec.delivery_retention_seconds) * 1_000
            });
            match message.phase {
                Phase::Queued | Phase::Retrying | Phase::Scheduled | Phase::Held | Phase::InReview
                    if message.expires_ms <= wall_ms && !message.incoming =>
                {
                    self.count_out(name);
                    self.end(name, MessageState::Expired, b"");
                }
                Phase::AwaitingReceipt if message.expires_ms.saturating_add(RECEIPT_GRACE_MS) <= wall_ms => {
                    let carrier = message.carrier;
                    let id = message.carrier_message_id().to_vec();
                    let state =
                        if message.was_accepted { MessageState::Accepted } else { MessageState::Unknown };
                    self.receipts.forget(carrier, &id, name);
                    self.end(name, state, b"");
                }
                Phase::Delivering | Phase::DeliveryRetrying
                    if message.ended_ms.saturating_add(retention_ms) <= wall_ms =>
                {
                    self.finish_delivery(name, Channel::Expired);
                }
                _ => {}
            }
        }
    }
}
