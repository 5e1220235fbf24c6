//! A trace's thread: takes what its feed gathered, picks, overwrites passwords, and hands it to the caller in batches.
//!
//! It ends with its caller, with its limits, or with the engine. A caller that reads slowly makes it wait; then the feed
//! fills, and loses.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use brivas_proto::v1;
use brivas_smpp::Pdu;
use brivas_smpp::frame::{self, Check, Frame, PDU_BYTES_MAX};
use tokio::sync::mpsc::{Sender, error::TrySendError};
use tonic::Status;

use super::feed::{BindFilter, Chunk, Feed, Identity, Waiting};
use super::redact::redact;
use super::select::{Bounded, Selection};

/// Octets of PDUs in one answer, about.
const ANSWER_OCTETS: usize = 256 << 10;
/// How long a thread waits without looking whether its caller has gone.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long it waits for a caller that has not read its last answers.
const PAUSE: Duration = Duration::from_millis(5);
/// Connections of which is remembered what is not known of them yet, or was lost of them.
const CONNECTIONS_MAX: usize = 4_096;
/// PDUs that are kept of one that has not bound yet.
const BACKLOG_MAX: usize = 32;

/// How much a trace gives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) octets_per_second: u64,
    pub(crate) until: Option<Instant>,
    pub(crate) pdus: u64,
}

/// What a trace answers with.
pub(crate) type Answers = Sender<Result<v1::TraceResponse, Status>>;

/// A feed, and the thread that it needs: give the feed to the shard, then call the thread with where answers go.
/// `ended` is called when the thread has.
pub(crate) fn start(
    id: u64,
    filter: BindFilter,
    selection: Selection,
    limits: Limits,
    ended: impl FnOnce() + Send + 'static,
) -> (Arc<Feed>, impl FnOnce(Answers) -> std::io::Result<()>) {
    let filter = Arc::new(filter);
    let (feed, chunks, waiting) = Feed::new(id, Arc::clone(&filter));
    let run = move |answers| {
        let worker = Worker {
            filter,
            selection,
            limits,
            waiting,
            answers,
            strangers: Bounded::default(),
            lost: Bounded::default(),
            picked: Vec::new(),
            picked_octets: 0,
            left: limits.pdus,
            second: Instant::now(),
            octets_this_second: 0,
        };
        // Told also when there is no thread, or it panics: that ends this trace and nothing else.
        let guard = OnDrop(Some(ended));
        let body = move || {
            let _guard = guard;
            worker.run(&chunks);
        };
        std::thread::Builder::new().name(format!("trace-{id}")).spawn(body).map(drop)
    };
    (Arc::new(feed), run)
}

struct OnDrop<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        if let Some(run) = self.0.take() {
            run();
        }
    }
}

struct Worker {
    filter: Arc<BindFilter>,
    selection: Selection,
    limits: Limits,
    waiting: Arc<Waiting>,
    answers: Answers,
    /// Connections that may become a chosen bind.
    strangers: Bounded<u64, Stranger>,
    /// Octets that were lost before the next PDU of a connection, incoming and outgoing.
    lost: Bounded<(u64, bool), u64>,
    picked: Vec<v1::TracedPdu>,
    picked_octets: usize,
    /// PDUs still to give; not looked at if there is no limit.
    left: u64,
    second: Instant,
    octets_this_second: u64,
}

/// A connection before its bind.
#[derive(Default)]
struct Stranger {
    /// As its bind request says.
    system_id: String,
    /// Whether it was chosen, where that is known.
    is_wanted: Option<bool>,
    backlog: Vec<Chunk>,
}

impl Worker {
    fn run(mut self, chunks: &Receiver<Chunk>) {
        loop {
            match chunks.recv_timeout(PATIENCE) {
                Ok(chunk) => {
                    self.take(chunk);
                    while self.picked_octets < ANSWER_OCTETS
                        && let Ok(chunk) = chunks.try_recv()
                    {
                        self.take(chunk);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let is_enough = self.limits.pdus > 0 && self.left == 0;
            if !self.answer() || is_enough || self.is_over() {
                return;
            }
        }
    }

    fn is_over(&self) -> bool {
        self.answers.is_closed() || self.limits.until.is_some_and(|until| Instant::now() >= until)
    }

    /// Gives what was picked; false: nobody wants it any more.
    fn answer(&mut self) -> bool {
        if self.picked.is_empty() {
            return true;
        }
        self.picked_octets = 0;
        let pdus = std::mem::take(&mut self.picked);
        let mut answer = Ok(v1::TraceResponse { pdus, lost_octets: self.waiting.lost() });
        loop {
            match self.answers.try_send(answer) {
                Ok(()) => return true,
                Err(TrySendError::Closed(_)) => return false,
                Err(TrySendError::Full(_)) if self.is_over() => return false,
                Err(TrySendError::Full(unsent)) => answer = unsent,
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn take(&mut self, chunk: Chunk) {
        self.waiting.taken(&chunk);
        let number = chunk.identity.connection;
        let is_end = chunk.octets.is_empty();
        match self.filter.wants(&chunk.identity) {
            Some(true) => {
                // What it said as a stranger comes first.
                let stranger = self.strangers.remove(&number).unwrap_or_default();
                for earlier in stranger.backlog {
                    let identity = Arc::clone(&chunk.identity);
                    self.pick(&Chunk { identity, ..earlier });
                }
                self.pick(&chunk);
            }
            Some(false) => drop(self.strangers.remove(&number)),
            None => self.take_of_stranger(chunk),
        }
        if is_end {
            self.strangers.remove(&number);
            self.lost.remove(&(number, false));
            self.lost.remove(&(number, true));
        }
    }

    fn take_of_stranger(&mut self, chunk: Chunk) {
        let number = chunk.identity.connection;
        if self.strangers.get_mut(&number).is_none() {
            self.strangers.insert(number, Stranger::default(), CONNECTIONS_MAX);
        }
        let Some(stranger) = self.strangers.get_mut(&number) else { return };
        if stranger.system_id.is_empty()
            && let Some(system_id) = bound_as(&chunk.octets)
        {
            stranger.system_id = system_id;
            let identity = named(&chunk.identity, &stranger.system_id);
            stranger.is_wanted = self.filter.wants(&identity);
        }
        if stranger.is_wanted != Some(true) {
            if stranger.backlog.len() < BACKLOG_MAX {
                stranger.backlog.push(chunk);
            }
            return;
        }
        let identity = Arc::new(named(&chunk.identity, &stranger.system_id));
        for earlier in std::mem::take(&mut stranger.backlog) {
            self.pick(&Chunk { identity: Arc::clone(&identity), ..earlier });
        }
        self.pick(&Chunk { identity, ..chunk });
    }

    /// The PDUs of a chunk, one by one.
    fn pick(&mut self, chunk: &Chunk) {
        let key = (chunk.identity.connection, chunk.outgoing);
        self.add_lost(key, chunk.lost_before);
        if chunk.octets.is_empty() {
            self.picked.push(v1::TracedPdu { ended: true, ..traced(chunk) });
            return;
        }
        let mut rest = chunk.octets.as_slice();
        while !rest.is_empty() {
            let Check::Complete(frame) = frame::check(rest, PDU_BYTES_MAX) else {
                // The header of one with an impossible length: nothing in it is hidden, nothing follows it.
                self.give(key, None, v1::TracedPdu { octets: rest.to_vec(), ..traced(chunk) });
                return;
            };
            let (pdu, behind) = rest.split_at(frame.header.command_length as usize);
            rest = behind;
            let mut octets = pdu.to_vec();
            redact(frame.header.command_id, &mut octets);
            self.give(key, Some(frame), v1::TracedPdu { octets, ..traced(chunk) });
        }
    }

    fn give(&mut self, key: (u64, bool), frame: Option<Frame<'_>>, pdu: v1::TracedPdu) {
        let before = self.picked.len();
        match frame {
            Some(frame) => self.selection.pick(frame, pdu, &mut self.picked),
            None => self.picked.push(pdu),
        }
        for mut pdu in self.picked.split_off(before) {
            let count = pdu.octets.len();
            if !self.has_room_for(count) {
                self.waiting.count_lost(count);
                self.add_lost(key, count as u64);
                continue;
            }
            if self.limits.pdus > 0 {
                if self.left == 0 {
                    return;
                }
                self.left -= 1;
            }
            pdu.lost_octets_before = self.lost.remove(&(pdu.connection, pdu.outgoing)).unwrap_or(0);
            self.picked_octets += count;
            self.picked.push(pdu);
        }
    }

    fn add_lost(&mut self, key: (u64, bool), octets: u64) {
        if octets == 0 {
            return;
        }
        match self.lost.get_mut(&key) {
            Some(lost) => *lost += octets,
            None => self.lost.insert(key, octets, 2 * CONNECTIONS_MAX),
        }
    }

    fn has_room_for(&mut self, count: usize) -> bool {
        if self.second.elapsed() >= Duration::from_secs(1) {
            self.second = Instant::now();
            self.octets_this_second = 0;
        }
        self.octets_this_second += count as u64;
        self.octets_this_second <= self.limits.octets_per_second
    }
}

/// The system_id of the bind request in these PDUs.
fn bound_as(octets: &[u8]) -> Option<String> {
    let mut rest = octets;
    while let Check::Complete(frame) = frame::check(rest, PDU_BYTES_MAX) {
        rest = &rest[frame.header.command_length as usize..];
        if let Ok(Pdu::Bind(_, request)) = Pdu::decode(frame) {
            return Some(String::from_utf8_lossy(request.system_id).into_owned());
        }
    }
    None
}

fn named(identity: &Identity, system_id: &str) -> Identity {
    Identity { system_id: system_id.to_owned(), name: identity.name.clone(), ..*identity }
}

fn traced(chunk: &Chunk) -> v1::TracedPdu {
    let identity = &chunk.identity;
    v1::TracedPdu {
        at_us: chunk.at_us,
        connection: identity.connection,
        side: identity.side.name().to_owned(),
        name: identity.name.clone(),
        system_id: identity.system_id.clone(),
        peer: identity.peer.to_string(),
        local: identity.local.map(|local| local.to_string()).unwrap_or_default(),
        outgoing: chunk.outgoing,
        ..v1::TracedPdu::default()
    }
}
