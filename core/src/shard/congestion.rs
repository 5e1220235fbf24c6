//! What a carrier's answers say about speed: its rate, its window, and messages that it will have later.
//!
//! [`super::pace`] and [`super::round_trip`] do the reckoning; this brings them the answers, and keeps what was throttled
//! first in its line.

use brivas_smpp::CommandStatus;
use brivas_smpp::status::Retry;

use super::Shard;
use super::messages::{MessageRef, Phase};
use super::parties::BindState;
use crate::event;

/// What an answer says beside its status.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// When the message was sent.
    pub(crate) sent_ms: u64,
    pub(crate) congestion_state: Option<u8>,
}

/// How often in a row a message stays first in its line: then others have their turn.
const THROTTLED_MAX: u8 = 8;
/// The same for ESME_RMSGQFUL, which may mean the queue of this one destination.
const QUEUE_FULL_MAX: u8 = 2;

impl Shard {
    pub(super) fn note_answer(&mut self, carrier_number: u32, bind: u32, status: CommandStatus, pace: Pace) {
        let now_ms = self.clock.now_ms();
        let Pace { sent_ms, congestion_state } = pace;
        let carrier = &mut self.carriers[carrier_number as usize];
        if status.is_ok() {
            carrier.pacer.note_taken(sent_ms);
        } else if status.retry() == Retry::Slower {
            carrier.throttled += 1;
            carrier.pacer.note_refused(now_ms, sent_ms);
        }
        if congestion_state.is_some() {
            carrier.congestion_state = congestion_state;
            carrier.pacer.note_congestion(now_ms, sent_ms, congestion_state.unwrap_or_default());
        }
        let Some(bind) = carrier.binds.get_mut(bind as usize) else { return };
        if bind.round_trip.note(now_ms, sent_ms)
            && let BindState::Bound(name) = bind.state
            && let Some(connection) = self.connections.get_mut(name)
        {
            connection.session.set_window_max(bind.round_trip.window() as usize);
        }
    }

    /// A message that the carrier will have later, not now: it waits for the carrier's rate, before all that was not sent
    /// yet, and counts as not tried. False: it was asked for too often.
    pub(super) fn keep_in_line(&mut self, name: MessageRef, bind: u32, status: CommandStatus) -> bool {
        let wall_ms = self.clock.wall_ms;
        let Some(message) = self.messages.get_mut(name) else { return false };
        let most = if status == CommandStatus::RMSGQFUL { QUEUE_FULL_MAX } else { THROTTLED_MAX };
        let attempt = message.attempts;
        message.attempts = message.attempts.saturating_sub(1);
        if message.throttled >= most {
            message.throttled = 0;
            return false;
        }
        message.throttled += 1;
        message.phase = Phase::Queued;
        let (carrier_number, id, is_first) = (message.carrier, message.id, message.throttled == 1);
        self.counters.attempts_failed += 1;
        if is_first {
            // Told once: a carrier that throttles all day shall not fill the journal.
            let part = self.part_record(name).map(|(record, _)| record);
            let carrier = &self.carriers[carrier_number as usize];
            self.journal.append(wall_ms, id, |out| {
                let (attempt, reason) = (u32::from(attempt), status.to_string());
                event::attempt_failed(out, &carrier.name, attempt, status.0, &reason, wall_ms, part.as_ref());
            });
        }
        let carrier = &mut self.carriers[carrier_number as usize];
        carrier.queued += 1;
        match carrier.binds.get_mut(bind as usize).filter(|_| carrier.up.contains(&bind)) {
            Some(bind) => bind.queue.push_again(name),
            None => self.dispatch(name),
        }
        true
    }

    /// The window of a bind that is about to be made.
    pub(super) fn fresh_window(&mut self, carrier: u32, bind: u32) -> u32 {
        let carrier = &mut self.carriers[carrier as usize];
        let Some(config) = &carrier.config else { return 1 };
        let (least, most) = (config.spec.window_min, config.spec.window_max);
        let Some(bind) = carrier.binds.get_mut(bind as usize) else { return most };
        bind.round_trip = super::round_trip::RoundTrip::new(least, most);
        most
    }

    pub(super) fn tick_pacers(&mut self) {
        let now_ms = self.clock.now_ms();
        for carrier in &mut self.carriers {
            carrier.pacer.tick(now_ms);
        }
    }

    /// A bind has something to send and no leave to.
    pub(super) fn note_paced(&mut self, carrier: u32, bind: u32, due_us: u64) {
        if self.paced_binds.is_empty() {
            self.paced_until_us = u64::MAX;
        }
        self.paced_until_us = self.paced_until_us.min(due_us);
        self.paced_binds.push((carrier, bind));
    }

    /// Those that waited for leave may try again; another one first each time, for there is not enough for all.
    pub(super) fn mark_paced_binds(&mut self) {
        if self.paced_binds.is_empty() || self.clock.now_us < self.paced_until_us {
            return;
        }
        let mut paced = std::mem::take(&mut self.paced_binds);
        let turn = self.random() as usize % paced.len();
        paced.rotate_left(turn);
        for (carrier, bind) in paced {
            self.mark_bind(carrier, bind);
        }
    }
}
