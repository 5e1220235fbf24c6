//! cancel_sm: takes messages back that no carrier has (SMPP 3.4 §4.9, 5.0 §4.5.1).

use brivas_smpp::pdu::CancelSm;
use brivas_smpp::tlv::Tlvs;
use brivas_smpp::{CommandId, CommandStatus, MessageState, Pdu, ShortMessage};

use super::super::Shard;
use super::super::commit::{Awaiting, Then};
use super::super::connection::ConnectionRef;
use super::super::messages::MessageRef;
use super::waiting::Look;
use super::{Asked, Stand};

/// Messages that one request cancels at most, and those that it looks at: each is a record, and others wait meanwhile.
const CANCELLED_MAX: usize = 1_000;
const LOOKED_AT_MAX: usize = 100_000;

impl Shard {
    pub(super) fn cancel_messages(
        &mut self,
        asked: Asked,
        cancel: &CancelSm<'_>,
    ) -> Result<(), CommandStatus> {
        if cancel.message_id.is_empty() {
            return self.cancel_between(asked, cancel);
        }
        let first = self.find_told(asked.account, cancel.message_id).ok_or(CommandStatus::RINVMSGID)?;
        if !self.index.is_from(&first, cancel.source.digits) {
            return Err(CommandStatus::RCANCELFAIL);
        }
        let destination = cancel.destination.digits;
        let open = self.recipients(first).filter_map(|known| match known.stand {
            Stand::Open(name) => Some(name),
            Stand::Ended { .. } => None,
        });
        // With a destination, only that recipient of a submission is meant.
        let named = open.filter(|&name| destination.is_empty() || self.is_to(name, destination));
        let names: Vec<MessageRef> = named.filter(|&name| self.is_cancellable(name)).collect();
        self.cancel_all(asked, &names)
    }

    /// All that wait between two addresses; with a service_type, only those of it. As the messages' own source, an empty one
    /// means those without. More than [`CANCELLED_MAX`] take several requests: what is left over is answered ESME_RSYSERR.
    fn cancel_between(&mut self, asked: Asked, cancel: &CancelSm<'_>) -> Result<(), CommandStatus> {
        if cancel.destination.digits.is_empty() {
            return Err(CommandStatus::RINVDSTADR);
        }
        let mut names = Vec::new();
        let mut is_left = false;
        let addresses = (&cancel.source, &cancel.destination);
        self.look_through_waiting(asked.account, addresses, false, LOOKED_AT_MAX, |shard, name, waiting| {
            let is_of = |content: ShortMessage<'_>| {
                cancel.service_type.is_empty() || content.service_type == cancel.service_type
            };
            if !shard.is_cancellable(name) || !waiting.content().is_ok_and(is_of) {
                return Look::PassOn;
            }
            if names.len() == CANCELLED_MAX {
                is_left = true;
                return Look::Enough;
            }
            names.push(name);
            Look::PassOn
        });
        if is_left {
            self.refuse_while_choked()?;
            for name in names {
                self.cancel_message(name);
            }
            return Err(CommandStatus::RSYSERR);
        }
        self.cancel_all(asked, &names)
    }

    /// Cancels them and confirms it once that is safe.
    fn cancel_all(&mut self, asked: Asked, names: &[MessageRef]) -> Result<(), CommandStatus> {
        // Sent, or ended.
        let &last = names.last().ok_or(CommandStatus::RCANCELFAIL)?;
        self.refuse_while_choked()?;
        let mut offset = 0;
        for &name in names {
            offset = self.cancel_message(name);
        }
        self.confirm_later(asked, CommandId::CANCEL_SM, last, offset);
        Ok(())
    }

    /// Ends a message that no carrier has; queues still hold its name, and whoever finds it there sees that it has ended.
    pub(in super::super) fn cancel_message(&mut self, name: MessageRef) -> i64 {
        self.count_out(name);
        self.counters.cancelled += 1;
        self.end(name, MessageState::Deleted, b"")
    }

    /// The answer waits for the journal: a crash must not undo what was confirmed.
    pub(super) fn confirm_later(
        &mut self,
        asked: Asked,
        request: CommandId,
        message: MessageRef,
        offset: i64,
    ) {
        let Asked { connection, account, sequence_number } = asked;
        let on_disk = self.accounts[account as usize].on_disk();
        let then = Then::Confirm { connection, sequence_number, request };
        self.commits.push(on_disk, Awaiting { offset, message, then });
    }

    pub(in super::super) fn confirm(
        &mut self,
        connection: ConnectionRef,
        sequence_number: u32,
        request: CommandId,
    ) {
        let response = match request {
            CommandId::CANCEL_SM => Pdu::CancelSmResp(Tlvs::EMPTY),
            _ => Pdu::ReplaceSmResp(Tlvs::EMPTY),
        };
        if let Some(open) = self.connections.get_mut(connection) {
            open.session.answer(sequence_number, response, CommandStatus::ROK);
            self.mark_dirty(connection);
        }
    }

    fn is_to(&self, name: MessageRef, destination: &[u8]) -> bool {
        let content = self.messages.get(name).and_then(|message| message.content().ok());
        content.is_some_and(|content| content.destination.digits == destination)
    }
}
