//! One message's life, read back from the journal: there is no second store.

use brivas_journal::{JournalError, Reader};
use brivas_proto::v1;
use prost::Message as _;
use tonic::Status;
use v1::event::Kind;

use super::{Shared, alphabets};
use crate::config::Config;
use crate::id;

/// Records of one message that are read at most.
const RECORDS_MAX: usize = 4_096;

/// The message's status, if the journal still has it.
pub(super) async fn status(shared: &Shared, id: u64) -> Result<Option<v1::MessageStatus>, Status> {
    let (reader, config) = (shared.reader.clone(), shared.current().config);
    let read = tokio::task::spawn_blocking(move || read(&reader, &config, id)).await;
    read.map_err(|error| Status::internal(error.to_string()))?
        .map_err(|error| Status::unavailable(error.to_string()))
}

fn read(reader: &Reader, config: &Config, id: u64) -> Result<Option<v1::MessageStatus>, JournalError> {
    let hint = reader.offset_at_or_after(id::accepted_ms(id))?;
    let records = reader.lookup(id, Some(hint), RECORDS_MAX)?;
    let mut status = v1::MessageStatus { id: id::text(id), ..Default::default() };
    let (mut is_known, mut alphabet) = (false, 0);
    for record in records {
        let Ok(mut event) = v1::Event::decode(record.value.as_slice()) else { continue };
        let Some(kind) = &mut event.kind else { continue };
        alphabet = alphabets::alphabet_of(config, kind).unwrap_or(alphabet);
        alphabets::note(kind, alphabet);
        let kind = kind.clone();
        is_known |= apply(&mut status, kind, record.timestamp_ms);
        let event =
            v1::MessageEvent { at_ms: record.timestamp_ms, offset: record.offset, event: Some(event) };
        status.history.push(event);
    }
    let is_under_way = status.state() == v1::MessageState::Enroute;
    if is_under_way && status.schedule_at_ms > crate::clock::wall_ms() {
        status.state = v1::MessageState::Scheduled.into();
    }
    Ok(is_known.then_some(status))
}

/// Applies an event; true if it says what the message is.
fn apply(status: &mut v1::MessageStatus, kind: Kind, at_ms: i64) -> bool {
    match kind {
        Kind::Accepted(accepted) => {
            set_accepted(status, accepted, at_ms);
            true
        }
        Kind::MoAccepted(incoming) => {
            set_incoming(status, incoming, at_ms);
            true
        }
        Kind::Checkpoint(v1::Checkpoint { open: Some(open), .. }) => {
            let is_whole = !open.key_only;
            match open.origin {
                Some(v1::open_message::Origin::Accepted(accepted)) if is_whole => {
                    set_accepted(status, accepted, open.accepted_at_ms);
                }
                Some(v1::open_message::Origin::MoAccepted(incoming)) => {
                    set_incoming(status, incoming, open.accepted_at_ms);
                }
                _ => return false,
            }
            if let Some(ended) = open.r#final {
                status.state = ended.state;
            }
            true
        }
        Kind::Final(ended) => {
            status.state = ended.state;
            false
        }
        Kind::Replaced(replaced) => {
            status.content = replaced.content;
            status.expires_at_ms = replaced.expires_at_ms;
            status.schedule_at_ms = replaced.schedule_at_ms;
            false
        }
        Kind::MoDelivered(_) => {
            status.state = v1::MessageState::Delivered.into();
            false
        }
        _ => false,
    }
}

fn set_accepted(status: &mut v1::MessageStatus, accepted: v1::Accepted, at_ms: i64) {
    status.account = accepted.account;
    status.state = v1::MessageState::Enroute.into();
    status.accepted_at_ms = at_ms;
    status.content = accepted.content;
    status.reference = accepted.reference;
    status.expires_at_ms = accepted.expires_at_ms;
    status.schedule_at_ms = accepted.schedule_at_ms;
}

fn set_incoming(status: &mut v1::MessageStatus, incoming: v1::MoAccepted, at_ms: i64) {
    status.account = incoming.account;
    status.state = v1::MessageState::Enroute.into();
    status.accepted_at_ms = at_ms;
    status.content = incoming.content;
    status.incoming = true;
}
