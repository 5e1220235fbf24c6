//! One round after the other, and what each has to do: nothing when nothing happens.

use std::time::Duration;

use mio::Events;

use super::connection::ConnectionRef;
use super::listeners::Listeners;
use super::{Shard, WAKER};

/// What one read takes at most: large enough to share the system call, small enough to be fair.
const READ_OCTETS_MAX: usize = 256 << 10;
/// Timers are looked at this often.
const TICK_MS: u64 = 100;
/// How soon a throttled queue is looked at again at the soonest.
const PACE_MS: u64 = 2;
/// Octets for the journal that do not wait for the end of the round: a quarter of what it takes at once.
const EARLY_COMMIT_OCTETS: usize = 2 << 20;
/// Without anybody asking for it, the journal is synced this often.
const BACKGROUND_SYNC_MS: u64 = 1_000;

/// Messages that are fetched from memory together: as many loads as a processor has under way.
pub(super) const FETCHED_AT_ONCE: usize = 16;

impl Shard {
    /// Runs until told to stop.
    pub(crate) fn run(mut self) {
        let mut events = Events::with_capacity(1_024);
        let mut buffer = vec![0; READ_OCTETS_MAX];
        loop {
            if let Err(error) = self.poll.poll(&mut events, Some(self.patience())) {
                assert!(error.kind() == std::io::ErrorKind::Interrupted, "poll failed: {error}");
            }
            self.clock.tick();
            for event in &events {
                match (event.token(), Listeners::place(event.token())) {
                    (WAKER, _) => {}
                    (_, Some(place)) => self.accept(place),
                    (token, None) => self.note_readiness(ConnectionRef::from_token(token), event),
                }
            }
            if !self.obey() {
                break;
            }
            self.read_all(&mut buffer);
            self.release();
            self.note_journal_room();
            self.flush();
            self.commit();
            self.write_all();
            if self.clock.now_ms() >= self.next_tick_ms {
                self.next_tick_ms = self.clock.now_ms() + TICK_MS;
                self.tick();
            }
        }
        self.farewell();
    }

    /// How long the next round may wait for something to happen.
    pub(super) fn patience(&self) -> Duration {
        let queues_wait = !self.flush_binds.is_empty() || !self.flush_accounts.is_empty();
        let has_work = self.mailbox_waits
            || !self.readable.is_empty()
            || !self.dirty.is_empty()
            || (queues_wait && !self.is_choked);
        if has_work {
            return Duration::ZERO;
        }
        let until_tick = self.next_tick_ms.saturating_sub(self.clock.now_ms());
        let until_pace = match self.paced_binds.is_empty() {
            true => u64::MAX,
            false => (self.paced_until_us.saturating_sub(self.clock.now_us) / 1_000).max(PACE_MS),
        };
        Duration::from_millis(until_tick.min(until_pace))
    }

    /// Answers and forwards what the journal has made safe.
    pub(super) fn release(&mut self) {
        let progress = self.journal.progress();
        loop {
            self.messages.fetch(self.commits.upcoming(FETCHED_AT_ONCE));
            for _ in 0..FETCHED_AT_ONCE {
                let Some(awaiting) = self.commits.release(progress.written, progress.durable) else { return };
                self.proceed(awaiting);
            }
        }
    }

    /// While the journal is behind, what would make more of it stands still: carriers' receipts stay in their
    /// sockets, queues stay queues. Customers go on being answered: with ESME_RMSGQFUL.
    pub(super) fn note_journal_room(&mut self) {
        let was_choked = std::mem::replace(&mut self.is_choked, !self.journal.has_room());
        // A journal that has failed will not have room however long they wait, and they shall be able to part.
        let holds_carriers = self.is_choked && self.journal.failed().is_none();
        if std::mem::replace(&mut self.holds_carriers, holds_carriers) && !holds_carriers {
            // Also those that no bind knows any more: what they answer still counts.
            for name in self.connections.names().collect::<Vec<_>>() {
                self.list_readable(name);
            }
        }
        if !was_choked || self.is_choked {
            return;
        }
        for number in 0..self.carriers.len() as u32 {
            for bind in 0..self.carriers[number as usize].binds.len() as u32 {
                self.mark_bind(number, bind);
            }
        }
        for number in 0..self.accounts.len() as u32 {
            self.mark_account(number);
        }
    }

    /// Fills windows from queues.
    pub(super) fn flush(&mut self) {
        if self.is_choked {
            return;
        }
        self.mark_paced_binds();
        let mut binds = std::mem::take(&mut self.flush_binds);
        for (carrier, bind) in binds.drain(..) {
            self.flush_bind(carrier, bind);
        }
        // Flushing marks little: what it took is kept for its memory.
        if self.flush_binds.is_empty() {
            self.flush_binds = binds;
        }
        let mut accounts = std::mem::take(&mut self.flush_accounts);
        for account in accounts.drain(..) {
            self.flush_account(account);
        }
        if self.flush_accounts.is_empty() {
            self.flush_accounts = accounts;
        }
    }

    /// A long round does not wait for its end: what it reads first is on its way before its memory is full.
    pub(super) fn commit_early(&mut self) {
        if self.journal.pending_bytes() >= EARLY_COMMIT_OCTETS {
            self.commit();
        }
    }

    /// Hands the journal what was appended, if its writer is free; else more gathers for the next commit.
    pub(super) fn commit(&mut self) {
        let in_background = self.clock.now_ms() >= self.next_sync_ms;
        if in_background {
            self.next_sync_ms = self.clock.now_ms() + BACKGROUND_SYNC_MS;
        }
        if in_background || self.journal.pending_bytes() > 0 {
            self.journal.submit(in_background || self.commits.needs_sync());
        }
    }
}
