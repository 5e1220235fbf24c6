//! What a trace asked for of binds, and the channel by which shards feed it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Chunks that wait for a trace's thread at most.
const CHUNKS_MAX: usize = 4_096;
/// Octets that wait for it at most.
pub(super) const OCTETS_MAX: usize = 8 << 20;

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Customer,
    Carrier,
}

impl Side {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Carrier => "carrier",
        }
    }
}

/// A connection as a trace knows it.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) connection: u64,
    pub(crate) side: Side,
    /// The account's or carrier's; empty before the bind.
    pub(crate) name: String,
    pub(crate) system_id: String,
    pub(crate) peer: SocketAddr,
    pub(crate) local: Option<SocketAddr>,
}

/// Which binds a trace wants; lists that are empty leave nothing out.
#[derive(Debug, Default)]
pub(crate) struct BindFilter {
    pub(crate) side: Option<Side>,
    pub(crate) binds: Vec<String>,
}

impl BindFilter {
    /// None: a bind will tell.
    pub(crate) fn wants(&self, identity: &Identity) -> Option<bool> {
        if self.side.is_some_and(|side| side != identity.side) {
            return Some(false);
        }
        let number = identity.connection.to_string();
        let is_named = |bind: &String| {
            let names = [number.as_str(), identity.name.as_str(), identity.system_id.as_str()];
            !bind.is_empty() && names.contains(&bind.as_str())
        };
        if self.binds.is_empty() || self.binds.iter().any(is_named) {
            Some(true)
        } else if identity.name.is_empty() {
            None
        } else {
            Some(false)
        }
    }
}

/// Whole PDUs of one connection and direction.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) identity: Arc<Identity>,
    pub(super) at_us: i64,
    pub(super) outgoing: bool,
    /// Empty: the connection has ended.
    pub(super) octets: Vec<u8>,
    /// Octets that found the channel full before these.
    pub(super) lost_before: u64,
}

/// The shards' end of a trace.
#[derive(Debug)]
pub(crate) struct Feed {
    pub(crate) id: u64,
    pub(crate) filter: Arc<BindFilter>,
    chunks: SyncSender<Chunk>,
    shared: Arc<Waiting>,
}

/// What both ends of the channel count.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    octets: AtomicUsize,
    lost: AtomicU64,
}

impl Waiting {
    /// The thread has taken a chunk.
    pub(super) fn taken(&self, chunk: &Chunk) {
        self.octets.fetch_sub(chunk.octets.len(), Ordering::Relaxed);
    }

    pub(super) fn count_lost(&self, octets: usize) {
        self.lost.fetch_add(octets as u64, Ordering::Relaxed);
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

impl Feed {
    pub(super) fn new(id: u64, filter: Arc<BindFilter>) -> (Self, Receiver<Chunk>, Arc<Waiting>) {
        let (chunks, receiver) = sync_channel(CHUNKS_MAX);
        let shared = Arc::new(Waiting::default());
        (Self { id, filter, chunks, shared: Arc::clone(&shared) }, receiver, shared)
    }

    /// Hands a chunk over; false: there was no room, and it is counted as lost.
    pub(super) fn send(&self, chunk: Chunk) -> bool {
        let count = chunk.octets.len();
        let waiting = self.shared.octets.fetch_add(count, Ordering::Relaxed);
        let is_sent = waiting + count <= OCTETS_MAX && self.chunks.try_send(chunk).is_ok();
        if !is_sent {
            self.shared.octets.fetch_sub(count, Ordering::Relaxed);
            self.shared.count_lost(count);
        }
        is_sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(name: &str, system_id: &str) -> Identity {
        Identity {
            connection: 7,
            side: Side::Customer,
            name: name.to_owned(),
            system_id: system_id.to_owned(),
            peer: SocketAddr::from(([127, 0, 0, 1], 40_000)),
            local: None,
        }
    }

    fn wants(side: Option<Side>, binds: &[&str], identity: &Identity) -> Option<bool> {
        let binds = binds.iter().map(|bind| (*bind).to_owned()).collect();
        BindFilter { side, binds }.wants(identity)
    }

    #[test]
    fn a_bind_is_chosen_by_side_number_name_or_system_id() {
        let bound = identity("acme", "acme1");
        for bind in ["7", "acme", "acme1"] {
            assert_eq!(wants(None, &["other", bind], &bound), Some(true));
        }
        assert_eq!(wants(None, &[], &bound), Some(true));
        assert_eq!(wants(None, &["other"], &bound), Some(false));
        assert_eq!(wants(Some(Side::Carrier), &["acme"], &bound), Some(false));
        assert_eq!(wants(Some(Side::Customer), &[], &bound), Some(true));
    }

    #[test]
    fn who_has_not_bound_yet_may_become_what_was_chosen() {
        let stranger = identity("", "");
        assert_eq!(wants(None, &["acme"], &stranger), None);
        assert_eq!(wants(None, &["", "acme"], &stranger), None);
        assert_eq!(wants(None, &["7"], &stranger), Some(true));
        assert_eq!(wants(None, &["acme1"], &identity("", "acme1")), Some(true));
        assert_eq!(wants(Some(Side::Carrier), &["acme"], &stranger), Some(false));
    }

    #[test]
    fn a_full_channel_loses_and_counts_and_never_waits() {
        let (feed, receiver, waiting) = Feed::new(1, Arc::default());
        let who = Arc::new(identity("acme", "acme"));
        let chunk = |count: usize| Chunk {
            identity: Arc::clone(&who),
            at_us: 0,
            outgoing: false,
            octets: vec![0; count],
            lost_before: 0,
        };
        assert!(feed.send(chunk(OCTETS_MAX)));
        assert!(!feed.send(chunk(1)));
        assert_eq!(waiting.lost(), 1);
        waiting.taken(&receiver.recv().unwrap());
        for _ in 0..CHUNKS_MAX {
            assert!(feed.send(chunk(16)));
        }
        assert!(!feed.send(chunk(16)));
        assert_eq!(waiting.lost(), 17);
        drop(receiver);
        assert!(!feed.send(chunk(16)));
    }
}
