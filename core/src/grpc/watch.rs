//! The journal as a stream of events, for one account or all.
//!
//! An event names its message by id only; whose it is and between whom is remembered from its `accepted`, or looked up.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use brivas_journal::{JournalError, Record};
use brivas_proto::v1;
use prost::Message as _;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use v1::event::Kind;

use super::{Shared, alphabets};
use crate::config::Config;
use crate::id;

/// Octets of journal read at once.
const READ_OCTETS: usize = 1 << 20;
/// Answers that wait for a slow watcher; then its reading stops, nothing else.
const ANSWERS_MAX: usize = 8;
/// Messages that a watcher remembers.
const REMEMBERED_MAX: usize = 100_000;

/// What a watch gives.
pub(super) type Stream = ReceiverStream<Result<v1::WatchResponse, Status>>;

/// Starts a watch. `account`: whose key it is; None sees those that the request names, or all.
pub(super) fn start(shared: Arc<Shared>, account: Option<String>, request: v1::WatchRequest) -> Stream {
    let (answers, stream) = mpsc::channel(ANSWERS_MAX);
    tokio::spawn(async move {
        let mut watcher = Watcher {
            next: start_of(&shared, request.from_offset),
            accounts: account.map_or(request.accounts, |own| vec![own]),
            kinds: request.kinds,
            known: HashMap::new(),
            order: VecDeque::new(),
        };
        // The first answer comes at once, with or without events: the watcher learns where the journal ends.
        let mut is_first = true;
        loop {
            let committed = shared.committed.notified();
            let read = {
                let shared = Arc::clone(&shared);
                tokio::task::spawn_blocking(move || {
                    let read = watcher.read(&shared);
                    (watcher, read)
                })
                .await
            };
            let Ok((returned, read)) = read else { return };
            watcher = returned;
            let (answer, is_last) = match read {
                Ok(None) if is_first => (Ok(watcher.nothing(&shared)), false),
                Ok(None) => {
                    tokio::select! {
                        () = committed => continue,
                        () = answers.closed() => return,
                    }
                }
                Ok(Some(answer)) => (Ok(answer), false),
                Err(JournalError::OffsetGone { start, .. }) => {
                    let text = format!("offset {} is gone: the journal starts at {start}", watcher.next);
                    (Err(Status::out_of_range(text)), true)
                }
                Err(error) => (Err(Status::unavailable(error.to_string())), true),
            };
            is_first = false;
            if answers.send(answer).await.is_err() || is_last {
                return;
            }
        }
    });
    ReceiverStream::new(stream)
}

/// Offset 0 is the oldest that there is, whatever was dropped; nothing is the end.
fn start_of(shared: &Shared, from_offset: Option<i64>) -> i64 {
    match from_offset {
        None => shared.reader.end_offset(),
        Some(0) => shared.reader.start_offset(),
        Some(offset) => offset,
    }
}

struct Watcher {
    next: i64,
    /// None named: all.
    accounts: Vec<String>,
    kinds: Vec<String>,
    known: HashMap<u64, Arc<Origin>>,
    order: VecDeque<u64>,
}

/// What is told of a message with each of its events.
#[derive(Default)]
struct Origin {
    account: String,
    reference: String,
    source: Option<v1::Address>,
    destination: Option<v1::Address>,
    /// What data_coding 0 means in it.
    alphabet: i32,
}

impl Watcher {
    fn nothing(&self, shared: &Shared) -> v1::WatchResponse {
        let end_offset = shared.reader.end_offset();
        v1::WatchResponse { events: Vec::new(), next_offset: self.next, end_offset }
    }

    /// The next events; None when there is nothing new.
    fn read(&mut self, shared: &Shared) -> Result<Option<v1::WatchResponse>, JournalError> {
        let end_offset = shared.reader.end_offset();
        if self.next >= end_offset {
            return Ok(None);
        }
        let records = shared.reader.read(self.next, READ_OCTETS, false)?;
        let Some(last) = records.last() else { return Ok(None) };
        self.next = last.offset + 1;
        let mut events = Vec::new();
        let config = shared.current().config;
        for record in records {
            if let Some(event) = self.event(shared, &config, &record) {
                events.push(event);
            }
        }
        Ok(Some(v1::WatchResponse { events, next_offset: self.next, end_offset }))
    }

    fn event(&mut self, shared: &Shared, config: &Config, record: &Record) -> Option<v1::WatchedEvent> {
        let mut event = v1::Event::decode(record.value.as_slice()).ok()?;
        let kind = event.kind.as_mut()?;
        if let Some(origin) = origin(config, kind) {
            self.remember(record.key, Arc::new(origin));
        }
        // A checkpoint repeats what was: it is the journal's own business.
        if matches!(kind, Kind::Checkpoint(_) | Kind::CarrierLearned(_)) {
            return None;
        }
        if !self.kinds.is_empty() && !self.kinds.iter().any(|wanted| wanted == kind_name(kind)) {
            return None;
        }
        let origin = self.origin_of(shared, config, record.key);
        alphabets::note(kind, origin.alphabet);
        if !self.accounts.is_empty() && !self.accounts.contains(&origin.account) {
            return None;
        }
        Some(v1::WatchedEvent {
            id: id::text(record.key),
            at_ms: record.timestamp_ms,
            offset: record.offset,
            event: Some(event),
            account: origin.account.clone(),
            reference: origin.reference.clone(),
            source: origin.source.clone(),
            destination: origin.destination.clone(),
        })
    }

    fn origin_of(&mut self, shared: &Shared, config: &Config, id: u64) -> Arc<Origin> {
        if let Some(origin) = self.known.get(&id) {
            return Arc::clone(origin);
        }
        let hint = shared.reader.offset_at_or_after(id::accepted_ms(id)).ok();
        let records = shared.reader.lookup(id, hint, 1).unwrap_or_default();
        let first = records.first().and_then(|record| v1::Event::decode(record.value.as_slice()).ok());
        let found = first.and_then(|event| event.kind).and_then(|kind| origin(config, &kind));
        let origin = Arc::new(found.unwrap_or_default());
        self.remember(id, Arc::clone(&origin));
        origin
    }

    fn remember(&mut self, id: u64, origin: Arc<Origin>) {
        if self.known.insert(id, origin).is_none() {
            self.order.push_back(id);
        }
        while self.order.len() > REMEMBERED_MAX {
            if let Some(oldest) = self.order.pop_front() {
                self.known.remove(&oldest);
            }
        }
    }
}

fn origin(config: &Config, kind: &Kind) -> Option<Origin> {
    let origin = match kind {
        Kind::Accepted(accepted) => Some(of_accepted(accepted)),
        Kind::MoAccepted(incoming) => Some(of_incoming(incoming)),
        Kind::ConsentChanged(consent) => Some(of_consent(consent)),
        Kind::Checkpoint(v1::Checkpoint { open: Some(open), .. }) => match &open.origin {
            Some(v1::open_message::Origin::Accepted(accepted)) => Some(of_accepted(accepted)),
            Some(v1::open_message::Origin::MoAccepted(incoming)) => Some(of_incoming(incoming)),
            None => None,
        },
        _ => None,
    };
    let alphabet = alphabets::alphabet_of(config, kind).unwrap_or_default();
    origin.map(|origin| Origin { alphabet, ..origin })
}

fn of_accepted(accepted: &v1::Accepted) -> Origin {
    let content = accepted.content.as_ref();
    Origin {
        account: accepted.account.clone(),
        reference: accepted.reference.clone(),
        source: content.and_then(|content| content.source.clone()),
        destination: content.and_then(|content| content.destination.clone()),
        alphabet: 0,
    }
}

/// Where an incoming message brought it, its number is the message's source.
fn of_consent(consent: &v1::ConsentChanged) -> Origin {
    let address = |digits: &[u8]| Some(v1::Address { digits: digits.to_vec(), ..v1::Address::default() });
    Origin {
        account: consent.account.clone(),
        reference: String::new(),
        source: address(consent.number.as_bytes()),
        destination: address(&consent.sender).filter(|address| !address.digits.is_empty()),
        alphabet: 0,
    }
}

fn of_incoming(incoming: &v1::MoAccepted) -> Origin {
    let content = incoming.content.as_ref();
    Origin {
        account: incoming.account.clone(),
        reference: String::new(),
        source: content.and_then(|content| content.source.clone()),
        destination: content.and_then(|content| content.destination.clone()),
        alphabet: 0,
    }
}

/// The event's name, as `WatchRequest.kinds` and `events.proto` have it.
const fn kind_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Accepted(_) => "accepted",
        Kind::Sent(_) => "sent",
        Kind::AttemptFailed(_) => "attempt_failed",
        Kind::Final(_) => "final",
        Kind::ReceiptDelivered(_) => "receipt_delivered",
        Kind::MoAccepted(_) => "mo_accepted",
        Kind::MoDelivered(_) => "mo_delivered",
        Kind::Checkpoint(_) => "checkpoint",
        Kind::CarrierLearned(_) => "carrier_learned",
        Kind::PartEnded(_) => "part_ended",
        Kind::Released(_) => "released",
        Kind::ConsentChanged(_) => "consent_changed",
        Kind::Replaced(_) => "replaced",
    }
}
