//! Accounts and carriers as a shard keeps them: their binds, queues, throttles and counters.

use std::collections::VecDeque;
use std::sync::Arc;

use brivas_proto::v1;

use super::addresses::Turn;
use super::bind_queue::BindQueue;
use super::connection::ConnectionRef;
use super::held::Held;
use super::learning::Learning;
use super::messages::MessageRef;
use super::operations::Waiting;
use super::pace::Pacer;
use super::parts::Joining;
use super::passwords::Passwords;
use super::round_trip::RoundTrip;
use crate::config::{AccountConfig, CarrierConfig};
use crate::throttle::Throttle;

/// An account at work.
#[derive(Debug)]
pub(crate) struct Account {
    /// None: it was removed from the configuration; what it left is still carried.
    pub(crate) config: Option<Arc<AccountConfig>>,
    pub(crate) name: Arc<str>,
    pub(crate) throttle: Throttle,
    /// Its bound connections.
    pub(crate) binds: Vec<ConnectionRef>,
    /// Which bind gets the next delivery that has no preference.
    pub(crate) next_bind: usize,
    /// Receipts and incoming messages that wait for a bind with room.
    pub(crate) deliveries: VecDeque<MessageRef>,
    pub(crate) open_messages: u64,
    /// Parts that wait for the rest of their message; none as long as it has had none.
    pub(crate) joining: Option<Box<Joining>>,
    /// What waits, by its addresses; none as long as nobody asks by them.
    pub(crate) waiting: Option<Box<Waiting>>,
    pub(crate) passwords: Passwords,
    pub(crate) is_flushing: bool,
    pub(crate) accepted: u64,
    pub(crate) throttled: u64,
    pub(crate) queue_full: u64,
}

impl Account {
    pub(crate) fn new(name: Arc<str>) -> Self {
        Self {
            config: None,
            name,
            throttle: Throttle::new(0),
            binds: Vec::new(),
            next_bind: 0,
            deliveries: VecDeque::new(),
            open_messages: 0,
            joining: None,
            waiting: None,
            passwords: Passwords::default(),
            is_flushing: false,
            accepted: 0,
            throttled: 0,
            queue_full: 0,
        }
    }

    /// Whether what is written for it waits for fdatasync. A removed account is treated as the careful one.
    pub(crate) fn on_disk(&self) -> bool {
        self.config.as_ref().is_none_or(|config| config.on_disk())
    }
}

/// Where a bind to a carrier stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BindState {
    /// Not connected; connects at `CarrierBind::retry_at_ms`.
    Waiting,
    /// Its host's name is being looked up.
    Resolving,
    /// Connecting or binding.
    Opening(ConnectionRef),
    /// Messages flow.
    Bound(ConnectionRef),
}

/// One bind to a carrier.
#[derive(Debug)]
pub(crate) struct CarrierBind {
    pub(crate) state: BindState,
    /// Messages of this bind's share of the destinations, in order.
    pub(crate) queue: BindQueue,
    /// Monotonic milliseconds.
    pub(crate) retry_at_ms: u64,
    /// Failed attempts in a row; of a host with more than one address, failed rounds.
    pub(crate) failures: u32,
    /// Which of the host's addresses is tried.
    pub(crate) turn: Turn,
    pub(crate) last_error: String,
    pub(crate) round_trip: RoundTrip,
    /// The connection that this bind had before its configuration changed: it goes on until the next is up.
    pub(crate) previous: Option<Previous>,
    /// When it was bound last.
    pub(crate) bound_at_ms: u64,
    pub(crate) is_flushing: bool,
}

/// A connection that is to be succeeded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Previous {
    pub(crate) connection: ConnectionRef,
    /// How long it waits for that.
    pub(crate) until_ms: u64,
}

impl CarrierBind {
    pub(crate) fn new(config: &CarrierConfig) -> Self {
        Self {
            state: BindState::Waiting,
            queue: BindQueue::default(),
            retry_at_ms: 0,
            failures: 0,
            turn: Turn::default(),
            last_error: String::new(),
            round_trip: RoundTrip::new(config.spec.window_min, config.spec.window_max),
            previous: None,
            bound_at_ms: 0,
            is_flushing: false,
        }
    }

    /// The connection that messages go out on.
    pub(crate) fn sending(&self) -> Option<ConnectionRef> {
        match self.state {
            BindState::Bound(name) => Some(name),
            _ => self.previous.map(|previous| previous.connection),
        }
    }

    pub(crate) const fn connection(&self) -> Option<ConnectionRef> {
        match self.state {
            BindState::Opening(name) | BindState::Bound(name) => Some(name),
            BindState::Waiting | BindState::Resolving => None,
        }
    }
}

/// A carrier at work.
#[derive(Debug)]
pub(crate) struct Carrier {
    /// None: it was removed from the configuration.
    pub(crate) config: Option<Arc<CarrierConfig>>,
    pub(crate) name: Arc<str>,
    /// Of one that connects to us.
    pub(crate) passwords: Passwords,
    pub(crate) pacer: Pacer,
    pub(crate) binds: Vec<CarrierBind>,
    /// Numbers of the binds that messages can go out on, ascending.
    pub(crate) up: Vec<u32>,
    /// Messages that found no bind up.
    pub(crate) waiting: VecDeque<MessageRef>,
    /// Messages in all its queues, and those that will go there once they are durable.
    pub(crate) queued: u64,
    pub(crate) in_flight: u64,
    pub(crate) sent: u64,
    pub(crate) failed: u64,
    /// Messages that were sent and not answered, and those of them that are held.
    pub(crate) unanswered: u64,
    pub(crate) held: Held,
    /// Answers that asked for less speed.
    pub(crate) throttled: u64,
    /// The last congestion_state, percent.
    pub(crate) congestion_state: Option<u8>,
    /// What its receipts are like, and how many of them there were.
    pub(crate) learning: Learning,
    pub(crate) receipts: v1::CarrierReceipts,
}

impl Carrier {
    pub(crate) fn new(name: Arc<str>) -> Self {
        Self {
            config: None,
            name,
            passwords: Passwords::default(),
            pacer: Pacer::new(0),
            binds: Vec::new(),
            up: Vec::new(),
            waiting: VecDeque::new(),
            queued: 0,
            in_flight: 0,
            sent: 0,
            failed: 0,
            unanswered: 0,
            held: Held::default(),
            throttled: 0,
            congestion_state: None,
            learning: Learning::new(),
            receipts: v1::CarrierReceipts::default(),
        }
    }

    /// Binds that should be up. How many a carrier that connects to us wants is its affair: one is enough.
    pub(crate) fn binds_wanted(&self) -> u32 {
        let is_inbound = self.config.as_ref().is_some_and(|config| config.is_inbound());
        if is_inbound { self.up.len().max(1) as u32 } else { self.binds.len() as u32 }
    }

    /// Of one that connects to us and has not: what is to be said of it in the list of binds.
    pub(crate) fn awaited(&self) -> Option<v1::Bind> {
        let config = self.config.as_ref().filter(|config| config.is_inbound())?;
        let is_there = self.binds.iter().any(|bind| bind.connection().is_some());
        let last_error = self.binds.iter().map(|bind| &bind.last_error).find(|why| !why.is_empty());
        (!is_there).then(|| v1::Bind {
            side: "carrier".to_owned(),
            name: self.name.to_string(),
            system_id: config.spec.system_id.clone(),
            state: "awaited".to_owned(),
            window_max: config.spec.window_max,
            last_error: last_error.cloned().unwrap_or_default(),
            ..v1::Bind::default()
        })
    }

    /// Whether one more message may wait for it.
    pub(crate) fn has_room(&self) -> bool {
        self.config.as_ref().is_some_and(|config| self.queued < u64::from(config.spec.queue_max))
    }

    /// The bind that this destination's messages go out on, while the set of binds stays the same.
    pub(crate) fn bind_for(&self, destination_hash: u64) -> Option<u32> {
        let count = self.up.len() as u64;
        (count > 0).then(|| self.up[((u128::from(destination_hash) * u128::from(count)) >> 64) as usize])
    }
}
