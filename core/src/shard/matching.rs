//! Receipts from carriers: whose they are, what they teach, and how they are answered.
//!
//! A receipt ends its message once. It is answered when that is durable; one that comes again, or says nothing final, at once.

use brivas_proto::v1;
use brivas_smpp::receipt::{Receipt, ReceiptQuirks};
use brivas_smpp::{CommandStatus, MessageState, ShortMessage};
use prost::Message as _;

use super::Shard;
use super::commit::Then;
use super::connection::ConnectionRef;
use super::messages::{MessageRef, Outcome};
use super::parking::Parked;
use super::receipts::{Found, Named, kept};
use crate::notice::Level;

/// How a receipt came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arrival {
    pub(crate) connection: ConnectionRef,
    pub(crate) carrier: u32,
    pub(crate) sequence_number: u32,
}

impl Shard {
    /// The receipt in a message that says that it is one, or looks so from a carrier that does not say it.
    /// None: it is a message from a phone. `Some(None)`: it cannot be read.
    pub(super) fn read_receipt<'a>(
        &mut self,
        carrier: u32,
        message: &ShortMessage<'a>,
    ) -> Option<Option<Receipt<'a>>> {
        if message.esm_class.is_receipt() || message.esm_class.is_intermediate_notification() {
            return Some(Receipt::read(message));
        }
        let state = &mut self.carriers[carrier as usize];
        let policy = state.learning.plain_receipts();
        if policy == v1::PlainReceipts::Never {
            return None;
        }
        let quirks = ReceiptQuirks { without_class: true, ..ReceiptQuirks::default() };
        let receipt = Receipt::read_from(message, quirks)?;
        let named = Named { carrier, id: receipt.message_id, from: message.source.digits };
        // A phone may send such a text: but it does not know our messages' ids.
        let is_known = policy == v1::PlainReceipts::Always
            || state.learning.has_plain()
            || matches!(self.receipts.find(named, &self.messages, &state.learning).0, Found::One { .. });
        if !is_known {
            return None;
        }
        state.receipts.plain += 1;
        if state.learning.teach_plain() {
            self.write_learned(carrier);
        }
        Some(Some(receipt))
    }

    pub(super) fn handle_receipt(
        &mut self,
        arrival: Arrival,
        receipt: &Receipt<'_>,
        message: &ShortMessage<'_>,
    ) {
        let Arrival { connection, carrier, sequence_number } = arrival;
        let (now_ms, wall_ms) = (self.clock.now_ms(), self.clock.wall_ms);
        let state = &mut self.carriers[carrier as usize];
        let named = Named { carrier, id: receipt.message_id, from: message.source.digits };
        let (found, key) = self.receipts.find(named, &self.messages, &state.learning);
        let is_accepted = receipt.state == MessageState::Accepted;
        let is_final = receipt.state.is_final() || (is_accepted && state.learning.accepted_is_final());
        if found == Found::Nobody && self.receipts.has_ended(key, now_ms) {
            state.receipts.duplicate += 1;
            self.respond(connection, sequence_number, CommandStatus::ROK, &[]);
            return;
        }
        let mut learned = false;
        if let Some(done_ms) = receipt.done_at_ms {
            learned |= state.learning.teach_date(done_ms, wall_ms);
        }
        let zone_ms = i64::from(state.learning.zone_minutes()) * 60_000;
        let done_ms = receipt.done_at_ms.map_or(wall_ms, |done_ms| done_ms - zone_ms);
        let outcome = Outcome::new(receipt.state, done_ms, receipt.error);
        match found {
            Found::One { name, entry } => {
                if let Some(message) = self.messages.get_mut(name) {
                    learned |= state.learning.teach(message.carrier_message_id(), receipt.message_id);
                    message.was_accepted |= is_accepted;
                }
                if is_final {
                    state.receipts.matched += 1;
                    self.counters.receipts_matched += 1;
                    self.receipts.forget_entry(entry, name);
                    self.receipts.note_ended(key, now_ms);
                    self.end_as(name, outcome, Then::AnswerCarrier { connection, sequence_number });
                } else {
                    state.receipts.intermediate += 1;
                    self.respond(connection, sequence_number, CommandStatus::ROK, &[]);
                }
            }
            Found::Many => {
                state.receipts.ambiguous += 1;
                self.ask_again_or_let_go(arrival, key);
            }
            Found::Nobody if !is_final => {
                state.receipts.unmatched += 1;
                self.counters.receipts_unmatched += 1;
                self.respond(connection, sequence_number, CommandStatus::ROK, &[]);
            }
            Found::Nobody => {
                let parked = Parked {
                    connection,
                    sequence_number,
                    carrier,
                    outcome,
                    id: kept(receipt.message_id),
                    from: kept(message.source.digits),
                    to: kept(message.destination.digits),
                    parked_at_ms: now_ms,
                };
                if !self.receipts.lot.park(key, parked) {
                    // It may be one that is still to be matched: the carrier shall keep it for now.
                    self.respond(connection, sequence_number, CommandStatus::RX_T_APPN, &[]);
                }
            }
        }
        if learned {
            self.write_learned(carrier);
        }
    }

    /// A message was answered with an id: its receipt is to come, or came before.
    pub(super) fn expect_receipt(&mut self, name: MessageRef) {
        let Some(message) = self.messages.get(name) else { return };
        let number = message.carrier;
        let carrier = &mut self.carriers[number as usize];
        let id = message.carrier_message_id();
        let (parked, is_shared) = self.receipts.expect(number, id, name, &self.messages, &carrier.learning);
        carrier.receipts.shared_ids += u64::from(is_shared);
        let Some((key, parked)) = parked else { return };
        carrier.receipts.early += 1;
        carrier.receipts.matched += 1;
        let learned = carrier.learning.teach(id, parked.id.octets());
        self.receipts.note_ended(key, self.clock.now_ms());
        self.counters.receipts_matched += 1;
        let then =
            Then::AnswerCarrier { connection: parked.connection, sequence_number: parked.sequence_number };
        self.end_as(name, parked.outcome, then);
        if learned {
            self.write_learned(number);
        }
    }

    /// No response has named the messages of these receipts.
    pub(super) fn expire_parked(&mut self) {
        while let Some((key, parked)) = self.receipts.lot.expire(self.clock.now_ms()) {
            let Parked { connection, sequence_number, carrier, .. } = parked;
            let arrival = Arrival { connection, carrier, sequence_number };
            if let Some(name) = self.held_by_numbers(&parked) {
                self.carriers[carrier as usize].receipts.matched += 1;
                self.counters.receipts_matched += 1;
                self.receipts.note_ended(key, self.clock.now_ms());
                self.end_as(name, parked.outcome, Then::AnswerCarrier { connection, sequence_number });
                continue;
            }
            let state = &mut self.carriers[carrier as usize];
            if state.in_flight > 0 && self.receipts.lot.may_ask_again(key) {
                // The response may still come.
                self.respond(connection, sequence_number, CommandStatus::RX_T_APPN, &[]);
                continue;
            }
            state.receipts.unmatched += 1;
            self.counters.receipts_unmatched += 1;
            let is_doubted = state.learning.note_unmatched();
            if is_doubted {
                let hint = "see `brivas carriers quirks`; set quirks.messageIds if the carrier writes ids in more than one way";
                let fields = vec![("carrier", state.name.to_string()), ("hint", hint.to_owned())];
                self.notices.tell(Level::Warning, "carrier_receipts_unmatched", fields);
                self.write_learned(carrier);
            }
            // Nobody here knows the message: to send the receipt again would help nobody.
            self.respond(arrival.connection, sequence_number, CommandStatus::ROK, &[]);
        }
    }

    /// A receipt that may be matched later, when others that it could mean have ended; once.
    fn ask_again_or_let_go(&mut self, arrival: Arrival, key: u64) {
        let again = self.receipts.lot.may_ask_again(key);
        let status = if again { CommandStatus::RX_T_APPN } else { CommandStatus::ROK };
        self.counters.receipts_unmatched += u64::from(!again);
        self.respond(arrival.connection, arrival.sequence_number, status, &[]);
    }

    /// Writes down what is known of a carrier's receipts: a restart shall not learn it anew.
    pub(super) fn write_learned(&mut self, carrier: u32) {
        let state = &mut self.carriers[carrier as usize];
        let learned = state.learning.state(&state.name);
        let mut fields = vec![
            ("carrier", state.name.to_string()),
            ("message_ids", learned.message_ids().as_str_name().to_owned()),
        ];
        if let Some(minutes) = learned.receipt_zone_minutes {
            fields.push(("receipt_zone_minutes", minutes.to_string()));
        }
        if learned.plain_receipts {
            fields.push(("plain_receipts", "true".to_owned()));
        }
        let event = v1::Event { kind: Some(v1::event::Kind::CarrierLearned(learned)) };
        let offset = self.journal.append(self.clock.wall_ms, 0, |out| event.encode_raw(out));
        self.carriers[carrier as usize].learning.offset = Some(offset);
        self.notices.tell(Level::Info, "carrier_learned", fields);
    }

    /// Writes again what stands before `end` and would be dropped with it.
    pub(super) fn carry_learned(&mut self, end: i64) {
        for carrier in 0..self.carriers.len() as u32 {
            if self.carriers[carrier as usize].learning.offset.is_some_and(|offset| offset < end) {
                self.write_learned(carrier);
            }
        }
    }
}
