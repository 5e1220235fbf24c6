//! One connection to a carrier takes the place of another: the new one is bound before the old one parts.
//!
//! The old one carries messages until then, for a bounded time. What it has sent it waits for; only then it unbinds, so
//! that nothing is lost and nothing comes twice. A carrier that allows no bind more (ESME_RALYBND) has the old one part first.

use super::Shard;
use super::connection::{ConnectionRef, Owner};
use super::parties::{BindState, Previous};
use crate::notice::Level;

/// How long the old connection stays while the new one does not come up.
const SUCCESSION_MS: u64 = 30_000;
/// How soon the new one is tried once the old one has parted.
pub(super) const AFTER_PARTING_MS: u64 = 200;

impl Shard {
    /// The configuration of a bind has changed: a new connection is to take its place.
    pub(super) fn succeed(&mut self, carrier: u32, bind: u32) {
        let until_ms = self.clock.now_ms() + SUCCESSION_MS;
        let slot = &mut self.carriers[carrier as usize].binds[bind as usize];
        let state = std::mem::replace(&mut slot.state, BindState::Waiting);
        slot.retry_at_ms = 0;
        slot.failures = 0;
        match state {
            BindState::Bound(connection) => {
                let before = slot.previous.replace(Previous { connection, until_ms });
                if let Some(before) = before {
                    self.retire_bind(before.connection, carrier);
                }
            }
            // What was under way to the old place is given up; what is bound there still waits for its successor.
            BindState::Opening(connection) => {
                self.orphan(connection, carrier);
                self.unbind(connection);
            }
            BindState::Waiting | BindState::Resolving => {}
        }
    }

    /// The new connection is bound: the old one parts.
    pub(super) fn note_succeeded(&mut self, carrier: u32, bind: u32) {
        let slot = self.carriers[carrier as usize].binds.get_mut(bind as usize);
        if let Some(previous) = slot.and_then(|slot| slot.previous.take()) {
            self.retire_bind(previous.connection, carrier);
        }
    }

    /// The old connection parts although there is no new one yet: messages wait.
    pub(super) fn break_first(&mut self, carrier: u32, bind: u32) {
        let state = &mut self.carriers[carrier as usize];
        let Some(slot) = state.binds.get_mut(bind as usize) else { return };
        let Some(previous) = slot.previous.take() else { return };
        let queue = slot.queue.take_all();
        state.up.retain(|&number| number != bind);
        state.waiting.extend(queue);
        self.retire_bind(previous.connection, carrier);
        self.redistribute(carrier);
    }

    /// Ends a bind for good, in order.
    pub(super) fn part_with(&mut self, carrier: u32, bind: u32) {
        let state = &mut self.carriers[carrier as usize];
        let slot = &mut state.binds[bind as usize];
        let connections = [slot.connection(), slot.previous.take().map(|previous| previous.connection)];
        slot.state = BindState::Waiting;
        slot.retry_at_ms = 0;
        slot.failures = 0;
        let queue = slot.queue.take_all();
        state.up.retain(|&number| number != bind);
        state.waiting.extend(queue);
        for name in connections.into_iter().flatten() {
            self.retire_bind(name, carrier);
        }
    }

    /// Lets a connection part once what it has sent is answered, or too old.
    fn retire_bind(&mut self, name: ConnectionRef, carrier: u32) {
        self.orphan(name, carrier);
        let Some(connection) = self.connections.get(name) else { return };
        if connection.session.in_flight() == 0 {
            self.unbind(name);
        } else {
            let patience_ms = connection.session.config().response_timeout_ms;
            self.retiring.push((name, self.clock.now_ms() + patience_ms));
        }
    }

    /// What ends there touches no living bind.
    fn orphan(&mut self, name: ConnectionRef, carrier: u32) {
        if let Some(connection) = self.connections.get_mut(name) {
            connection.owner = Owner::Carrier(carrier, u32::MAX);
        }
    }

    fn unbind(&mut self, name: ConnectionRef) {
        let now_ms = self.clock.now_ms();
        if let Some(connection) = self.connections.get_mut(name) {
            connection.session.unbind(now_ms);
            self.mark_dirty(name);
        }
    }

    /// Every tick: who has waited long enough parts.
    pub(super) fn go_on_succeeding(&mut self) {
        let now_ms = self.clock.now_ms();
        for (name, until_ms) in std::mem::take(&mut self.retiring) {
            let Some(connection) = self.connections.get(name) else { continue };
            if connection.session.in_flight() == 0 || until_ms <= now_ms {
                self.unbind(name);
            } else {
                self.retiring.push((name, until_ms));
            }
        }
        for carrier in 0..self.carriers.len() as u32 {
            for bind in 0..self.carriers[carrier as usize].binds.len() as u32 {
                let slot = &self.carriers[carrier as usize].binds[bind as usize];
                if slot.previous.is_none_or(|previous| previous.until_ms > now_ms) {
                    continue;
                }
                let hint = "the carrier was not reached as newly configured: check host, port and password";
                let fields = vec![
                    ("carrier", self.carriers[carrier as usize].name.to_string()),
                    ("bind", bind.to_string()),
                    ("why", slot.last_error.clone()),
                    ("hint", hint.to_owned()),
                ];
                self.notices.tell(Level::Warning, "carrier_not_succeeded", fields);
                self.break_first(carrier, bind);
            }
        }
    }
}
