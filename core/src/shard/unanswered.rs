//! Messages that were sent and not answered: nobody knows whether the carrier has them.
//!
//! By configuration they are sent again (and may come twice), held for a late response or a receipt, or given up.

use brivas_proto::v1;
use brivas_smpp::{CommandStatus, MessageState};

use super::Shard;
use super::messages::{MessageRef, Phase};
use crate::event;

/// What is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// The response, in time.
    Response,
    /// The connection.
    Connection,
}

impl Missing {
    const fn reason(self) -> &'static str {
        match self {
            Self::Response => "the response timed out",
            Self::Connection => "disconnected before the response",
        }
    }
}

impl Shard {
    /// A message is not answered. The caller has counted it out of what is in flight.
    pub(super) fn handle_unanswered(&mut self, name: MessageRef, missing: Missing) {
        let Some(message) = self.messages.get(name).filter(|message| message.phase == Phase::InFlight) else {
            return;
        };
        let (id, attempt) = (message.id, u32::from(message.attempts));
        let carrier = &mut self.carriers[message.carrier as usize];
        carrier.unanswered += 1;
        let policy = carrier.config.as_ref().map_or(v1::Unanswered::Requeue, |config| match missing {
            Missing::Response => config.spec.on_timeout(),
            Missing::Connection => config.spec.on_disconnect(),
        });
        let (wall_ms, reason) = (self.clock.wall_ms, missing.reason());
        let is_part = message.part_of().is_some();
        let part = if is_part { self.part_record(name).map(|(record, _)| record) } else { None };
        let carrier = &self.carriers[message.carrier as usize];
        match policy {
            v1::Unanswered::Requeue => self.attempt_failed(name, CommandStatus::ROK, reason),
            v1::Unanswered::Hold => {
                self.counters.attempts_failed += 1;
                self.journal.append(wall_ms, id, |out| match &part {
                    // After a restart a part is sent again: its message goes on by what is known of its parts.
                    Some(_) => {
                        event::attempt_failed(out, &carrier.name, attempt, 0, reason, 0, part.as_ref())
                    }
                    None => event::held(out, &carrier.name, attempt, reason),
                });
                self.hold_sent(name);
            }
            v1::Unanswered::Fail => {
                self.counters.attempts_failed += 1;
                self.journal.append(wall_ms, id, |out| {
                    event::attempt_failed(out, &carrier.name, attempt, 0, reason, 0, part.as_ref());
                });
                self.end(name, MessageState::Undeliverable, b"");
            }
        }
    }

    /// Lets a message wait for what may still come.
    pub(super) fn hold_sent(&mut self, name: MessageRef) {
        let Some(message) = self.messages.get_mut(name) else { return };
        message.phase = Phase::AwaitingReceipt;
        message.is_held = true;
        let carrier = message.carrier as usize;
        self.carriers[carrier].held.insert(name, &self.messages);
    }

    /// A carrier answered after its time.
    pub(super) fn handle_late_answer(
        &mut self,
        token: u64,
        status: CommandStatus,
        carrier_message_id: &[u8],
    ) {
        let name = MessageRef::from_token(token);
        // What was sent again, or has ended, is not held.
        let Some(message) = self.messages.get_mut(name).filter(|message| message.is_held) else { return };
        message.is_held = false;
        if status.is_ok() {
            self.note_sent(name, carrier_message_id);
        } else {
            message.phase = Phase::InFlight;
            self.carriers[message.carrier as usize].failed += 1;
            self.attempt_failed(name, status, &status.to_string());
        }
    }
}
