//! A shard: one thread with its own sockets, sessions, queues, timers and counters. Nothing here is locked.
//!
//! A round of [`Shard::run`]: wait; read what arrived and act on it; release what the journal has made safe;
//! fill the windows; hand the journal what was appended; write. Everything goes in batches, so that the
//! cost of a system call is shared by all messages of the round.
//!
//! Where things are: `admission` takes messages over, `forward` brings them to carriers, `receipt` matches what comes back,
//! `delivery` brings it to customers, `customers` and `carriers` hold the binds, `commit` waits for the journal.

mod admission;
mod carriers;
mod commands;
mod commit;
mod connection;
mod customers;
mod delivery;
mod drain;
mod forward;
mod idempotency;
mod messages;
mod parties;
mod receipt;
mod receipts;
mod reload;
mod replay;
mod retention;
mod stats;
mod sweep;

pub(crate) use commands::{ApiMessage, ApiRefusal, COMMANDS_MAX, Cancelled, Command, Mailbox, Submitted};

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use brivas_journal::Appender;
use brivas_smpp::session::State;
use brivas_smpp::{Event, Role};
use mio::net::TcpListener;
use mio::{Events, Poll, Token};

use crate::clock::Clock;
use crate::config::Config;
use crate::event::Channel;
use crate::id::Ids;
use crate::notice::Notices;
use crate::offload::Offload;
use commands::ApiCalls;
use commit::Commits;
use connection::{ConnectionRef, Connections, OUTPUT_OCTETS_MAX, Owner};
use drain::Draining;
use idempotency::Idempotency;
use messages::{MessageRef, Messages};
use parties::{Account, Carrier};
use receipts::ReceiptIndex;
use retention::Carrying;
use stats::Counters;

const LISTENER: Token = Token(usize::MAX);
const WAKER: Token = Token(usize::MAX - 1);

/// What one read takes at most: large enough to share the system call, small enough to be fair.
const READ_OCTETS_MAX: usize = 256 << 10;
/// Timers are looked at this often.
const TICK_MS: u64 = 100;
/// How soon a throttled queue is looked at again.
const PACE_MS: u64 = 2;
/// What a shard holds at most, over all accounts.
const OPEN_MESSAGES_MAX: usize = 10_000_000;
/// Without anybody asking for it, the journal is synced this often.
const BACKGROUND_SYNC_MS: u64 = 1_000;

/// When an attempt is due, wall milliseconds.
type Due = Reverse<(i64, MessageRef)>;

/// One thread's part of the engine.
pub(crate) struct Shard {
    poll: Poll,
    mailbox: Receiver<Command>,
    /// There may be more in it.
    mailbox_waits: bool,
    offload: Offload,
    listener: TcpListener,
    clock: Clock,
    random: u64,
    config: Arc<Config>,
    connections: Connections,
    accounts: Vec<Account>,
    carriers: Vec<Carrier>,
    messages: Messages,
    receipts: ReceiptIndex,
    idempotency: Idempotency,
    calls: ApiCalls,
    ids: Ids,
    journal: Appender,
    commits: Commits,
    retries: BinaryHeap<Due>,
    counters: Counters,
    password_secret: [u8; 32],
    started_at_ms: i64,
    // What this round has left to do.
    readable: VecDeque<ConnectionRef>,
    dirty: Vec<ConnectionRef>,
    flush_binds: Vec<(u32, u32)>,
    flush_accounts: Vec<u32>,
    paced_binds: Vec<(u32, u32)>,
    next_tick_ms: u64,
    next_sync_ms: u64,
    next_look_ms: u64,
    sweep_slot: usize,
    carrying: Carrying,
    draining: Draining,
    notices: Notices,
    /// The journal takes no more, for now or for ever: nothing is sent.
    is_choked: bool,
    /// For now: carriers are not read.
    holds_carriers: bool,
    told_journal_failure: bool,
}

/// What a shard starts with.
pub(crate) struct ShardParts {
    pub(crate) poll: Poll,
    pub(crate) mailbox: Receiver<Command>,
    pub(crate) offload: Offload,
    pub(crate) listener: TcpListener,
    pub(crate) config: Arc<Config>,
    pub(crate) journal: Appender,
    pub(crate) restored: replay::Restored,
    pub(crate) secret: [u8; 32],
    pub(crate) notices: Notices,
}

pub(crate) use replay::Restored;

impl Shard {
    pub(crate) fn new(parts: ShardParts) -> std::io::Result<Self> {
        let ShardParts { poll, mailbox, offload, mut listener, config, journal, restored, secret, notices } =
            parts;
        poll.registry().register(&mut listener, LISTENER, mio::Interest::READABLE)?;
        let clock = Clock::start();
        let mut shard = Self {
            poll,
            mailbox,
            mailbox_waits: false,
            offload,
            listener,
            random: u64::from_le_bytes(secret[..8].try_into().unwrap_or([1; 8])) | 1,
            config: Arc::clone(&config),
            connections: Connections::default(),
            accounts: Vec::new(),
            carriers: Vec::new(),
            messages: Messages::new(OPEN_MESSAGES_MAX),
            receipts: ReceiptIndex::new(),
            idempotency: Idempotency::default(),
            calls: ApiCalls::default(),
            ids: Ids::after(0, restored.last_id),
            journal,
            commits: Commits::default(),
            retries: BinaryHeap::new(),
            counters: Counters::default(),
            password_secret: secret,
            started_at_ms: clock.wall_ms,
            clock,
            readable: VecDeque::new(),
            dirty: Vec::new(),
            flush_binds: Vec::new(),
            flush_accounts: Vec::new(),
            paced_binds: Vec::new(),
            next_tick_ms: 0,
            next_sync_ms: 0,
            next_look_ms: 0,
            sweep_slot: 0,
            carrying: Carrying::default(),
            draining: Draining::default(),
            notices,
            is_choked: false,
            holds_carriers: false,
            told_journal_failure: false,
        };
        shard.apply(config);
        shard.restore(restored);
        Ok(shard)
    }

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
                match event.token() {
                    LISTENER => self.accept(),
                    WAKER => {}
                    token => self.note_readiness(ConnectionRef::from_token(token), event),
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
    fn patience(&self) -> Duration {
        let queues_wait = !self.flush_binds.is_empty() || !self.flush_accounts.is_empty();
        let has_work = self.mailbox_waits
            || !self.readable.is_empty()
            || !self.dirty.is_empty()
            || (queues_wait && !self.is_choked);
        if has_work {
            return Duration::ZERO;
        }
        let until_tick = self.next_tick_ms.saturating_sub(self.clock.now_ms());
        let pace = if self.paced_binds.is_empty() { u64::MAX } else { PACE_MS };
        Duration::from_millis(until_tick.min(pace))
    }

    fn note_readiness(&mut self, name: ConnectionRef, event: &mio::event::Event) {
        let Some(connection) = self.connections.get_mut(name) else { return };
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            connection.readable = true;
            connection.is_ending |= event.is_read_closed() || event.is_error();
            self.list_readable(name);
        }
        let Some(connection) = self.connections.get_mut(name) else { return };
        if event.is_writable() {
            connection.writable = true;
            self.note_connected(name);
            self.mark_dirty(name);
        }
    }

    /// Every readable connection gets one read a round.
    fn read_all(&mut self, buffer: &mut [u8]) {
        for _ in 0..self.readable.len() {
            let Some(name) = self.readable.pop_front() else { return };
            if let Some(connection) = self.connections.get_mut(name) {
                connection.is_listed = false;
                self.read_one(name, buffer);
                self.list_readable(name);
            }
        }
    }

    /// Notes that a connection has something to read, unless it is held: then `resume` does.
    fn list_readable(&mut self, name: ConnectionRef) {
        if let Some(connection) = self.connections.get_mut(name)
            && connection.readable
            && !connection.is_listed
            && !connection.is_held()
            && !(self.holds_carriers && matches!(connection.owner, Owner::Carrier(..)))
        {
            connection.is_listed = true;
            self.readable.push_back(name);
        }
    }

    fn read_one(&mut self, name: ConnectionRef, buffer: &mut [u8]) {
        let Some(connection) = self.connections.get_mut(name) else { return };
        if connection.is_held() {
            return;
        }
        let start = connection.leftover.len();
        buffer[..start].copy_from_slice(&connection.leftover);
        connection.leftover.clear();
        match connection.read(buffer, start) {
            Ok(count) => self.handle_octets(name, &buffer[..start + count]),
            Err(error) => {
                self.handle_octets(name, &buffer[..start]);
                let why = if error.kind() == std::io::ErrorKind::UnexpectedEof {
                    "the peer closed the connection".to_owned()
                } else {
                    error.to_string()
                };
                self.close(name, &why);
            }
        }
    }

    /// Takes the PDUs that stand in `octets`; keeps the rest.
    fn handle_octets(&mut self, name: ConnectionRef, octets: &[u8]) {
        let now_ms = self.clock.now_ms();
        let mut consumed = 0;
        while let Some(connection) = self.connections.get_mut(name) {
            let owner = connection.owner;
            let Some(event) = connection.session.receive(now_ms, octets, &mut consumed) else { break };
            match (owner, event) {
                (Owner::Account(account), Event::Message { sequence_number, message }) => {
                    self.handle_submit(name, account, sequence_number, &message);
                }
                (Owner::Carrier(carrier, bind), Event::Answered { token, status, message_id }) => {
                    self.handle_carrier_answer(carrier, bind, token, status, message_id);
                }
                (Owner::Carrier(carrier, _), Event::Message { sequence_number, message }) => {
                    self.handle_carrier_message(name, carrier, sequence_number, &message);
                }
                (Owner::Account(account), Event::Answered { token, status, .. }) => {
                    self.handle_delivery_answer(account, token, status);
                }
                (_, Event::Bind { sequence_number, request, .. }) => {
                    self.handle_bind(name, sequence_number, &request);
                }
                (Owner::Carrier(carrier, bind), Event::BindAnswered(status)) => {
                    self.handle_bind_answer(name, carrier, bind, status);
                }
                // A stranger's session gives nothing but binds, and nothing here times out.
                _ => {}
            }
        }
        if let Some(connection) = self.connections.get_mut(name) {
            if connection.session.state() != State::Closed {
                connection.leftover.extend_from_slice(&octets[consumed..]);
            }
            connection.was_blocked = connection.session.is_blocked();
            if connection.leftover.is_empty() {
                connection.leftover.shrink_to(4_096);
            }
            self.mark_dirty(name);
        }
    }

    /// A session that was held may go on: with what it left, then with the socket.
    fn resume(&mut self, name: ConnectionRef) {
        let Some(connection) = self.connections.get_mut(name) else { return };
        if connection.is_held() {
            return;
        }
        if connection.was_blocked && !connection.leftover.is_empty() {
            let leftover = std::mem::take(&mut connection.leftover);
            self.handle_octets(name, &leftover);
        }
        self.list_readable(name);
    }

    /// Answers and forwards what the journal has made safe.
    fn release(&mut self) {
        let progress = self.journal.progress();
        while let Some(awaiting) = self.commits.release(progress.written, progress.durable) {
            self.proceed(awaiting);
        }
    }

    /// While the journal is behind, what would make more of it stands still: carriers' receipts stay in their
    /// sockets, queues stay queues. Customers go on being answered: with ESME_RMSGQFUL.
    fn note_journal_room(&mut self) {
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
    fn flush(&mut self) {
        if self.is_choked {
            return;
        }
        for (carrier, bind) in std::mem::take(&mut self.paced_binds) {
            self.mark_bind(carrier, bind);
        }
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

    /// Hands the journal what was appended, if its writer is free; else more gathers for the next commit.
    fn commit(&mut self) {
        let in_background = self.clock.now_ms() >= self.next_sync_ms;
        if in_background {
            self.next_sync_ms = self.clock.now_ms() + BACKGROUND_SYNC_MS;
        }
        if in_background || self.journal.pending_bytes() > 0 {
            self.journal.submit(in_background || self.commits.needs_sync());
        }
    }

    fn write_all(&mut self) {
        let now_ms = self.clock.now_ms();
        let mut dirty = std::mem::take(&mut self.dirty);
        for name in dirty.drain(..) {
            let Some(connection) = self.connections.get_mut(name) else { continue };
            connection.is_dirty = false;
            let owner = connection.owner;
            let was_full = connection.session.output().len() >= OUTPUT_OCTETS_MAX;
            let written = connection.write(now_ms);
            let has_room = connection.session.output().len() < OUTPUT_OCTETS_MAX;
            match written {
                Err(error) => self.close(name, &error.to_string()),
                Ok(()) if connection.session.state() == State::Closed => {
                    if connection.session.output().is_empty() {
                        let reason = connection.session.close_reason();
                        let why = reason.map_or_else(String::new, |reason| reason.to_string());
                        self.close(name, &why);
                    }
                }
                Ok(()) => {
                    self.resume(name);
                    if was_full && has_room {
                        // Its queue stood still for the output's sake.
                        match owner {
                            Owner::Stranger => {}
                            Owner::Account(account) => self.mark_account(account),
                            Owner::Carrier(carrier, bind) => self.mark_bind(carrier, bind),
                        }
                    }
                }
            }
        }
        if self.dirty.is_empty() {
            self.dirty = dirty;
        }
    }

    fn mark_dirty(&mut self, name: ConnectionRef) {
        if let Some(connection) = self.connections.get_mut(name)
            && !connection.is_dirty
        {
            connection.is_dirty = true;
            self.dirty.push(name);
        }
    }

    /// Ends a connection and gives what was under way on it back to its queues.
    fn close(&mut self, name: ConnectionRef, why: &str) {
        let Some(mut connection) = self.connections.remove(name) else { return };
        let _ = self.poll.registry().deregister(&mut connection.stream);
        self.counters.protocol_errors += connection.session.counters().protocol_errors;
        match connection.owner {
            Owner::Stranger => {}
            Owner::Account(account) => self.customer_left(account, name, &mut connection, why),
            Owner::Carrier(carrier, bind) => {
                self.carrier_left(carrier, bind, &mut connection.session, why);
            }
        }
    }

    /// A number for jitter; nothing here needs more.
    fn random(&mut self) -> u64 {
        // xorshift64 (Marsaglia 2003).
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }

    /// Takes a message that ended out of the shard.
    fn retire(&mut self, name: MessageRef) {
        if let Some(message) = self.messages.get(name) {
            if let Some(account) = self.accounts.get_mut(message.account as usize) {
                account.open_messages = account.open_messages.saturating_sub(1);
            }
            self.messages.remove(name);
        }
    }

    /// Says in the journal that the customer has it, or never will; the message is done.
    fn finish_delivery(&mut self, name: MessageRef, channel: Channel) {
        let Some(message) = self.messages.get(name) else { return };
        let incoming = message.incoming;
        self.journal.append(self.clock.wall_ms, message.id, |out| {
            if incoming {
                crate::event::mo_delivered(out, channel);
            } else {
                crate::event::receipt_delivered(out, channel);
            }
        });
        if channel != Channel::Expired {
            if incoming {
                self.counters.mo_delivered += 1;
            } else {
                self.counters.receipts_delivered += 1;
            }
        }
        self.retire(name);
    }
}

/// A session's role towards its owner's kind.
const CUSTOMER_ROLE: Role = Role::Smsc;
const CARRIER_ROLE: Role = Role::Esme;
