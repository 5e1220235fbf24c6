//! A shard: one thread with its own sockets, sessions, queues, timers and counters. Nothing here is locked.
//!
//! A round of [`Shard::run`]: wait; read what arrived and act on it; release what the journal has made safe;
//! fill the windows; hand the journal what was appended; write. Everything goes in batches, so that the
//! cost of a system call is shared by all messages of the round.
//!
//! Where things are: `round` is the loop, `sockets` reads and writes; `admission` takes messages over, `forward` brings
//! them to carriers, `parts` splits and joins them on the way, `receipt` matches what comes back, `delivery` brings it to
//! customers; `operations` is what customers ask beyond submit_sm; `customers` and `carriers` hold the binds, `commit` waits
//! for the journal; `sweep` is the clock's work, `retention` the journal's; `taps` feeds traces.

mod addresses;
mod admission;
mod alerts;
mod bind_queue;
mod binding;
mod carrier_stats;
mod carriers;
mod commands;
mod commit;
mod congestion;
mod connection;
mod consents;
mod crowd;
mod customers;
mod delivery;
mod drain;
mod expiry;
mod forward;
mod held;
mod idempotency;
mod inbound;
mod learning;
mod listeners;
mod matching;
mod messages;
mod operations;
mod pace;
mod parking;
mod parties;
mod parts;
mod passwords;
mod quarantine;
mod receipt;
mod receipt_text;
mod receipts;
mod reconnect;
mod reload;
mod replay;
mod retention;
mod round;
mod round_trip;
mod routing;
mod sockets;
mod stats;
mod succession;
mod sweep;
mod taps;
mod unanswered;

pub(crate) use commands::{ApiMessage, ApiRefusal, COMMANDS_MAX, Cancelled, Command, Mailbox, Submitted};
pub(crate) use consents::ConsentRequest;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use brivas_journal::Appender;
use brivas_smpp::Role;
use mio::net::TcpListener;
use mio::{Poll, Token};

use crate::clock::Clock;
use crate::config::Config;
use crate::id::Ids;
use crate::notice::Notices;
use crate::offload::Offload;
use crate::trace::Feed;
use crate::transport::Opened;
use commands::ApiCalls;
use commit::Commits;
use connection::{ConnectionRef, Connections};
use drain::Draining;
use idempotency::Idempotency;
use listeners::Listeners;
use messages::{MessageRef, Messages};
use operations::{Aliases, Bounds, MessageIndex, RefusedRecipients, Schedule};
use parties::{Account, Carrier};
use parts::{References, Together};
use quarantine::Quarantine;
use receipts::ReceiptIndex;
use retention::Carrying;
use routing::Routing;
use stats::Counters;

const WAKER: Token = Token(usize::MAX - 1);

/// What a shard holds at most, over all accounts.
const OPEN_MESSAGES_MAX: usize = 10_000_000;

/// When an attempt is due, monotonic milliseconds: a wall clock that is set back delays nobody.
type Due = Reverse<(u64, MessageRef)>;

/// One thread's part of the engine.
pub(crate) struct Shard {
    poll: Poll,
    mailbox: Receiver<Command>,
    /// There may be more in it.
    mailbox_waits: bool,
    offload: Offload,
    listeners: Listeners,
    clock: Clock,
    random: u64,
    config: Arc<Config>,
    connections: Connections,
    connections_max: usize,
    accounts: Vec<Account>,
    carriers: Vec<Carrier>,
    messages: Messages,
    index: MessageIndex,
    aliases: Aliases,
    refused_recipients: RefusedRecipients,
    schedule: Schedule,
    receipts: ReceiptIndex,
    idempotency: Idempotency,
    calls: ApiCalls,
    ids: Ids,
    journal: Appender,
    commits: Commits,
    retries: BinaryHeap<Due>,
    references: References,
    together: Together,
    /// Somebody's data_coding 0 is not GSM's alphabet: no message is sure to go out as it came.
    has_alphabets: bool,
    counters: Counters,
    routing: Routing,
    quarantine: Quarantine,
    password_secret: [u8; 32],
    started_at_ms: i64,
    // What this round has left to do.
    readable: VecDeque<ConnectionRef>,
    dirty: Vec<ConnectionRef>,
    flush_binds: Vec<(u32, u32)>,
    flush_accounts: Vec<u32>,
    /// Connections to carriers that part when what they have is answered, and when they do so anyway.
    retiring: Vec<(ConnectionRef, u64)>,
    paced_binds: Vec<(u32, u32)>,
    /// When the first of them may go on.
    paced_until_us: u64,
    next_tick_ms: u64,
    next_sync_ms: u64,
    next_look_ms: u64,
    next_expiry_ms: u64,
    sweep_slot: usize,
    carrying: Carrying,
    draining: Draining,
    notices: Notices,
    traces: Vec<Arc<Feed>>,
    /// The journal takes no more, for now or for ever: nothing is sent.
    is_choked: bool,
    /// For now: carriers are not read.
    holds_carriers: bool,
    told_journal_failure: bool,
    /// Until then no alert that nobody took is told of.
    next_alert_told_ms: u64,
}

/// What a shard starts with.
pub(crate) struct ShardParts {
    pub(crate) poll: Poll,
    pub(crate) mailbox: Receiver<Command>,
    pub(crate) offload: Offload,
    /// The gateway's own.
    pub(crate) listener: TcpListener,
    /// The configuration's.
    pub(crate) opened: Vec<Opened>,
    pub(crate) config: Arc<Config>,
    pub(crate) journal: Appender,
    pub(crate) restored: replay::Restored,
    pub(crate) secret: [u8; 32],
    pub(crate) notices: Notices,
    /// Memory for open messages.
    pub(crate) open_bytes: u64,
}

pub(crate) use parts::{Manner, PartRecord};
pub(crate) use replay::Restored;

impl Shard {
    pub(crate) fn new(parts: ShardParts) -> std::io::Result<Self> {
        let ShardParts {
            poll,
            mailbox,
            offload,
            listener,
            opened,
            config,
            journal,
            restored,
            secret,
            notices,
            open_bytes,
        } = parts;
        let clock = Clock::start();
        let mut shard = Self {
            poll,
            mailbox,
            mailbox_waits: false,
            offload,
            listeners: Listeners::default(),
            random: u64::from_le_bytes(secret[..8].try_into().unwrap_or([1; 8])) | 1,
            config: Arc::clone(&config),
            connections: Connections::default(),
            connections_max: crowd::connections_max(),
            accounts: Vec::new(),
            carriers: Vec::new(),
            messages: Messages::new(OPEN_MESSAGES_MAX, usize::try_from(open_bytes).unwrap_or(usize::MAX)),
            index: MessageIndex::new(Bounds::USUAL),
            aliases: Aliases::default(),
            refused_recipients: RefusedRecipients::default(),
            schedule: Schedule::default(),
            receipts: ReceiptIndex::new(),
            idempotency: Idempotency::default(),
            calls: ApiCalls::default(),
            ids: Ids::after(0, restored.last_id),
            journal,
            commits: Commits::default(),
            retries: BinaryHeap::new(),
            references: References::new(
                u64::from_le_bytes(secret[8..16].try_into().unwrap_or_default()) ^ clock.wall_ms as u64,
            ),
            together: Together::default(),
            has_alphabets: false,
            counters: Counters::default(),
            quarantine: Quarantine::default(),
            routing: Routing::new(u64::from_le_bytes(secret[8..16].try_into().unwrap_or([1; 8]))),
            password_secret: secret,
            started_at_ms: clock.wall_ms,
            clock,
            readable: VecDeque::new(),
            dirty: Vec::new(),
            flush_binds: Vec::new(),
            flush_accounts: Vec::new(),
            retiring: Vec::new(),
            paced_binds: Vec::new(),
            paced_until_us: 0,
            next_tick_ms: 0,
            next_sync_ms: 0,
            next_expiry_ms: 0,
            next_look_ms: 0,
            sweep_slot: 0,
            carrying: Carrying::default(),
            draining: Draining::default(),
            notices,
            traces: Vec::new(),
            is_choked: false,
            holds_carriers: false,
            told_journal_failure: false,
            next_alert_told_ms: 0,
        };
        shard.apply(config);
        shard.listen_at_start(listener, opened)?;
        shard.restore(restored);
        Ok(shard)
    }

    /// A number for jitter; nothing here needs more.
    fn random(&mut self) -> u64 {
        // xorshift64 (Marsaglia 2003).
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }
}

/// A session's role towards its owner's kind.
const CUSTOMER_ROLE: Role = Role::Smsc;
const CARRIER_ROLE: Role = Role::Esme;
