//! `Control.Trace`: from a request to a trace that runs until its caller goes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use brivas_proto::v1;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use v1::event::Kind;

use super::{Shared, history, messaging};
use crate::shard::Command;
use crate::trace::{self, BindFilter, Limits, Selection, Side};

/// Traces at once: each has a thread, and up to 8 MiB that wait for it.
const TRACES_MAX: usize = 8;
/// Binds, numbers or messages that one trace may name.
const NAMED_MAX: usize = 1_000;
/// Answers that wait for a slow caller.
const ANSWERS_MAX: usize = 4;
/// What a trace gives a second if its request does not say.
const OCTETS_PER_SECOND: u64 = 1 << 20;

/// What a trace gives.
pub(super) type Stream = ReceiverStream<Result<v1::TraceResponse, Status>>;

/// How many traces there are, and were.
#[derive(Debug, Default)]
pub(crate) struct Traces {
    running: Arc<AtomicUsize>,
    begun: AtomicU64,
}

/// A place among the traces that run, until it is dropped.
struct Place(Arc<AtomicUsize>);

impl Traces {
    fn enter(&self) -> Result<Place, Status> {
        // Held before it is looked at: two that come at once do not both get the last.
        let place = Place(Arc::clone(&self.running));
        if self.running.fetch_add(1, Ordering::Relaxed) >= TRACES_MAX {
            let text = format!("{TRACES_MAX} traces run already; hint: end one of them");
            return Err(Status::resource_exhausted(text));
        }
        Ok(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Begins a trace: when this returns, its connections are tapped.
pub(super) async fn start(shared: &Arc<Shared>, request: v1::TraceRequest) -> Result<Stream, Status> {
    let side = match request.side.as_str() {
        "" => None,
        "customer" => Some(Side::Customer),
        "carrier" => Some(Side::Carrier),
        other => {
            let text = format!("side is {other:?}; hint: customer, carrier, or nothing for both");
            return Err(Status::invalid_argument(text));
        }
    };
    for (what, count) in [
        ("binds", request.binds.len()),
        ("numbers", request.numbers.len()),
        ("message_ids", request.message_ids.len()),
    ] {
        if count > NAMED_MAX {
            let text = format!("{what} names {count}; hint: at most {NAMED_MAX}, or none to trace all");
            return Err(Status::invalid_argument(text));
        }
    }
    let place = shared.traces.enter()?;
    let selection = selection(shared, &request).await?;
    let seconds = u64::from(request.seconds_max);
    let limits = Limits {
        octets_per_second: match request.octets_per_second_max {
            0 => OCTETS_PER_SECOND,
            some => some,
        },
        until: (seconds > 0).then(|| Instant::now() + Duration::from_secs(seconds)),
        pdus: request.pdus_max,
    };
    let id = shared.traces.begun.fetch_add(1, Ordering::Relaxed);
    let mailbox = shared.mailbox.clone();
    let ended = move || {
        // An engine that has stopped knows no traces.
        let _ = mailbox.send_in_turn(Command::TraceEnded { id });
        drop(place);
    };
    let (feed, run) = trace::start(id, BindFilter { side, binds: request.binds }, selection, limits, ended);
    shared.ask(|done| Command::Trace { feed, done }).await?;
    let (answers, stream) = mpsc::channel(ANSWERS_MAX);
    // The caller learns that it misses nothing from now on. There is room: it is the first.
    let _ = answers.try_send(Ok(v1::TraceResponse::default()));
    run(answers).map_err(|error| Status::unavailable(format!("no thread for the trace: {error}")))?;
    Ok(ReceiverStream::new(stream))
}

/// What is looked for of messages: their ids, those that carriers gave them, and between whom they are.
async fn selection(shared: &Shared, request: &v1::TraceRequest) -> Result<Selection, Status> {
    let (mut ids, mut pairs) = (Vec::new(), Vec::new());
    for text in &request.message_ids {
        ids.push(text.as_bytes().to_vec());
        let Ok(id) = messaging::parse_id(text) else { continue };
        // It may be a carrier's id, or come yet.
        let Some(status) = history::status(shared, id).await? else { continue };
        if let Some(content) = status.content {
            let digits = |address: Option<v1::Address>| address.map(|address| address.digits);
            if let (Some(source), Some(destination)) = (digits(content.source), digits(content.destination)) {
                pairs.push((source, destination));
            }
        }
        let events = status.history.into_iter().filter_map(|event| event.event?.kind);
        ids.extend(events.filter_map(|kind| match kind {
            Kind::Sent(sent) => Some(sent.carrier_message_id),
            _ => None,
        }));
    }
    Ok(Selection::new(&request.numbers, ids, pairs))
}
