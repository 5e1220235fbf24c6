//! What a customer's bind may ask beyond submit_sm: submit_multi, data_sm, query_sm, cancel_sm, replace_sm; and what that
//! needs: the index of ids, short ids for binds below 3.4, times, and messages that wait for theirs.
//!
//! `sockets` calls [`Shard::handle_request`]; `admission` takes the messages over, `proceed` there answers.

pub(super) mod alias;
mod cancel;
mod index;
mod present;
mod query;
mod replace;
mod schedule;
mod submit;
mod times;
mod waiting;

pub(super) use alias::Aliases;
pub(super) use index::{Bounds, Known, MessageIndex, Place, Stand};
pub(super) use schedule::Schedule;
pub(super) use submit::{RefusedRecipients, as_short_message, check_addresses};
pub(super) use times::Times;
pub(super) use waiting::Waiting;

use brivas_smpp::session::Operations;
use brivas_smpp::{CommandId, CommandStatus, Pdu};

use super::Shard;
use super::connection::ConnectionRef;
use super::messages::{MessageRef, Phase};
use crate::id;

/// What binds of customers may send beyond what every session takes. No network here broadcasts: broadcast_sm and its
/// kin are refused as commands that this message centre does not have (SMPP 5.0 §4.7.6, ESME_RINVCMDID).
pub(super) const CUSTOMER_OPERATIONS: Operations = Operations::NONE
    .with(CommandId::SUBMIT_MULTI)
    .with(CommandId::DATA_SM)
    .with(CommandId::QUERY_SM)
    .with(CommandId::CANCEL_SM)
    .with(CommandId::REPLACE_SM);

/// Recipients of one submission (SMPP 5.0 §4.2.3.1).
const RECIPIENTS_MAX: u8 = 255;

/// A request of a customer's, as its answer needs it.
#[derive(Clone, Copy)]
struct Asked {
    connection: ConnectionRef,
    account: u32,
    sequence_number: u32,
}

impl Shard {
    /// A request on an account's bind. Its answer comes now, or when the journal has it.
    pub(super) fn handle_request(
        &mut self,
        connection: ConnectionRef,
        account: u32,
        sequence_number: u32,
        pdu: &Pdu<'_>,
    ) {
        let asked = Asked { connection, account, sequence_number };
        let done = match pdu {
            Pdu::SubmitMulti(message) => self.submit_multi(asked, message),
            Pdu::DataSm(message) => self.submit_data(asked, message),
            Pdu::QuerySm(query) => self.query_message(asked, query),
            Pdu::CancelSm(cancel) => self.cancel_messages(asked, cancel),
            Pdu::ReplaceSm(replace) => self.replace_message(asked, replace),
            _ => Err(CommandStatus::RINVCMDID),
        };
        if let Err(status) = done
            && let Some(open) = self.connections.get_mut(connection)
        {
            open.session.refuse(sequence_number, pdu.command_id(), status);
        }
    }

    /// The message that a customer means by an id: sixteen hexadecimal digits, or the eight of an alias.
    fn find_told(&self, account: u32, text: &[u8]) -> Option<Known> {
        let id = match std::str::from_utf8(text).ok().and_then(id::parse) {
            Some(id) => id,
            None => self.aliases.find(alias::parse(text)?)?,
        };
        self.index.find(id).filter(|known| known.account == account)
    }

    /// Every recipient of the submission that starts with this message; for most, that is all.
    fn recipients(&self, first: Known) -> impl Iterator<Item = Known> {
        let mut id = first.id;
        let mut place = 0;
        let others = std::iter::from_fn(move || {
            // Only a first one has others behind it.
            if first.recipient != 0 || place >= RECIPIENTS_MAX - 1 {
                return None;
            }
            id = id::following(id);
            place += 1;
            self.index.find(id).filter(|known| known.recipient == place && known.account == first.account)
        });
        std::iter::once(first).chain(others)
    }

    /// Whether a message can still be changed: what waits in parts, or for the rest of them, or goes out for others, cannot.
    fn is_replaceable(&self, name: MessageRef) -> bool {
        self.messages.get(name).is_some_and(|message| message.phase.is_unsent() && message.link.is_none())
    }

    /// Whether a message can still be taken back.
    pub(super) fn is_cancellable(&self, name: MessageRef) -> bool {
        let phase = self.messages.get(name).map(|message| message.phase);
        let is_unsent = phase.is_some_and(|phase| phase.is_unsent() || phase == Phase::Held);
        is_unsent || self.is_whole_unsent(name)
    }

    pub(super) fn give_alias(&mut self, id: u64) -> u32 {
        let index = &self.index;
        let is_open = |id| index.find(id).is_some_and(|known| matches!(known.stand, Stand::Open(_)));
        self.aliases.give(id, is_open)
    }

    /// Makes a message of the journal's known again; `name` is that of an open one.
    pub(super) fn index_restored(
        &mut self,
        id: u64,
        account: u32,
        source: &[u8],
        submission: u64,
        alias: u32,
        name: Option<MessageRef>,
    ) -> Place {
        let name = name.unwrap_or(MessageRef::from_token(u64::MAX));
        let place = self.index.insert(id, account, source, recipient(submission, id), name);
        if alias != 0 && submission == 0 {
            let index = &self.index;
            let is_open = |id| index.find(id).is_some_and(|known| matches!(known.stand, Stand::Open(_)));
            self.aliases.restore(alias, id, is_open);
        }
        place
    }

    /// Nothing that has to be written down can be done now.
    fn refuse_while_choked(&self) -> Result<(), CommandStatus> {
        if self.journal.failed().is_some() || !self.journal.has_room() {
            return Err(CommandStatus::RSYSERR);
        }
        Ok(())
    }
}

/// The place of a message among the recipients of its submission: their ids follow each other.
fn recipient(submission: u64, id: u64) -> u8 {
    if submission == 0 {
        return 0;
    }
    let mut following = submission;
    (1..RECIPIENTS_MAX)
        .find(|_| {
            following = id::following(following);
            following == id
        })
        .unwrap_or(0)
}
