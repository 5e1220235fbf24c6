//! Receipts from carriers: whose they are, what they teach, and how they are answered.
//!
//! A receipt ends its message once. It is answered when that is durable; one that comes again, or says nothing final, at once.

use brivas_proto::v1;
use brivas_smpp::receipt::{Receipt, ReceiptQuirks};
use brivas_smpp::{CommandStatus, MessageState, ShortMessage};
use prost::Message as _;

use super::Shard;
use super::commit::Then;
use super::connection::{ConnectionRef, Owner};
use super::messages::{MessageRef, Outcome};
use super::parking::{PARKED_MS, Parked};
use super::receipts::{Found, Named, Of, is_to, kept};
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
        if found == Found::Nobody && self.receipts.has_ended(key, named.from, now_ms) {
            state.receipts.duplicate += 1;
            self.respond(connection, sequence_number, CommandStatus::ROK, &[]);
            return;
        }
        let mut learned = false;
        if let Some(done_ms) = receipt.done_at_ms {
            learned |= state.learning.teach_date(done_ms, wall_ms);
        }
        let zone_ms = i64::from(state.learning.zone_minutes()) * 60_000;
        // As long as its zone is not known a date may lie ahead; nothing is done before it is told.
        let done_ms = receipt.done_at_ms.map_or(wall_ms, |done_ms| (done_ms - zone_ms).min(wall_ms));
        let outcome = Outcome::new(receipt.state, done_ms, receipt.error);
        // Where ids repeat, the response that names its message may be another one, still to come. Where there is no room
        // to wait for it, the one that has this id is the best guess: many carriers' receipts tell no numbers.
        let is_doubtful = is_final
            && !self.receipts.lot.is_full()
            && state.receipts.shared_ids > 0
            && state.in_flight > 0
            && matches!(found, Found::One { name, .. }
                if self.messages.get(name).is_some_and(|message| !is_to(message, named.from)));
        match found {
            Found::One { name, entry } if !is_doubtful => {
                if let Some(message) = self.messages.get_mut(name) {
                    learned |= state.learning.teach(message.carrier_message_id(), receipt.message_id);
                    message.was_accepted |= is_accepted;
                }
                if is_final {
                    self.receipts.forget_entry(entry, name);
                    self.end_matched(arrival, name, outcome, key, named.from);
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
            Found::Nobody | Found::One { .. } => {
                let parked = Parked {
                    connection,
                    sequence_number,
                    carrier,
                    outcome,
                    id: kept(receipt.message_id),
                    from: kept(message.source.digits),
                    to: kept(message.destination.digits),
                    parked_at_ms: now_ms,
                    first_ms: self.receipts.lot.first_ms(key, now_ms),
                };
                if state.in_flight == 0 && state.held.is_empty() {
                    // No response is to come that could name its message.
                    self.settle(key, &parked, false);
                } else if !self.receipts.lot.park(key, parked) {
                    // It may be one that is still to be matched: the carrier shall keep it for now.
                    self.respond(connection, sequence_number, CommandStatus::RX_T_APPN, &[]);
                }
            }
        }
        if learned {
            self.write_learned(carrier);
        }
    }

    /// A receipt, by its key and whom it comes from, ends this message, and is answered once that is durable.
    fn end_matched(&mut self, arrival: Arrival, name: MessageRef, outcome: Outcome, key: u64, from: &[u8]) {
        let Arrival { connection, carrier, sequence_number } = arrival;
        self.carriers[carrier as usize].receipts.matched += 1;
        self.counters.receipts_matched += 1;
        self.receipts.note_ended(key, from, self.clock.now_ms());
        self.end_as(name, outcome, Then::AnswerCarrier { connection, sequence_number });
    }

    /// A message was answered with an id: its receipt is to come, or came before.
    pub(super) fn expect_receipt(&mut self, name: MessageRef) {
        let Some(message) = self.messages.get(name) else { return };
        let number = message.carrier;
        let carrier = &mut self.carriers[number as usize];
        let id = message.carrier_message_id();
        let of = Of { learning: &carrier.learning, repeats: carrier.receipts.shared_ids > 0 };
        let (parked, is_shared) = self.receipts.expect(number, id, name, &self.messages, of);
        carrier.receipts.shared_ids += u64::from(is_shared);
        let Some((key, parked)) = parked else { return };
        carrier.receipts.early += 1;
        let learned = carrier.learning.teach(id, parked.id.octets());
        self.receipts.lot.forget_asked(key);
        self.end_matched(parked.arrival(), name, parked.outcome, key, parked.from.octets());
        if learned {
            self.write_learned(number);
        }
    }

    /// Every tick: receipts that no response can name any more, and those that have waited long enough.
    pub(super) fn settle_parked(&mut self) {
        if self.receipts.lot.is_empty() {
            return;
        }
        let now_ms = self.clock.now_ms();
        let oldest_ms: Vec<u64> =
            (0..self.carriers.len()).map(|number| self.oldest_attempt_ms(number)).collect();
        let may_be_named = |parked: &Parked| oldest_ms[parked.carrier as usize] <= parked.first_ms;
        let messages = &self.messages;
        for carrier in &mut self.carriers {
            carrier.held.prune(messages);
        }
        let carriers = &self.carriers;
        // A late response may name it, which tells more than its numbers do.
        let may_be_late = |parked: &Parked| !carriers[parked.carrier as usize].held.is_empty();
        let connections = &self.connections;
        let decided = self.receipts.lot.take_decided(|parked| {
            // An unbind waits for what came before it.
            let connection = connections.get(parked.connection);
            let parts = connection.is_some_and(|connection| connection.session.is_asked_to_unbind());
            let waits = may_be_named(parked) || may_be_late(parked);
            waits && !parts && now_ms - parked.parked_at_ms < PARKED_MS
        });
        for (key, parked) in decided {
            self.settle(key, &parked, may_be_named(&parked));
        }
    }

    /// When the oldest of a carrier's unanswered attempts was sent; the end of time if there is none.
    fn oldest_attempt_ms(&mut self, carrier: usize) -> u64 {
        let state = &self.carriers[carrier];
        if state.in_flight == 0 {
            return u64::MAX;
        }
        let binds = state.binds.iter().flat_map(|bind| {
            [bind.connection(), bind.previous.map(|previous| previous.connection)].into_iter().flatten()
        });
        // What is parted with still gets its responses.
        let retiring = self.retiring.iter().map(|(name, _)| *name).filter(|name| {
            let owner = self.connections.get(*name).map(|connection| connection.owner);
            matches!(owner, Some(Owner::Carrier(number, _)) if number as usize == carrier)
        });
        let names: Vec<_> = binds.chain(retiring).collect();
        let oldest = names.into_iter().filter_map(|name| {
            self.connections.get_mut(name).and_then(|connection| connection.session.oldest_sent_ms())
        });
        oldest.min().unwrap_or(u64::MAX)
    }

    /// Decides about a receipt that no response has named so far. `may_be_named`: one still could.
    fn settle(&mut self, key: u64, parked: &Parked, may_be_named: bool) {
        let &Parked { connection, sequence_number, carrier, outcome, .. } = parked;
        let now_ms = self.clock.now_ms();
        let state = &mut self.carriers[carrier as usize];
        if may_be_named {
            // The carrier keeps it: it is not lost with us.
            self.receipts.lot.note_asked(key, parked.first_ms, now_ms);
            self.respond(connection, sequence_number, CommandStatus::RX_T_APPN, &[]);
            return;
        }
        self.receipts.lot.forget_asked(key);
        let named = Named { carrier, id: parked.id.octets(), from: parked.from.octets() };
        let by_id = match self.receipts.find(named, &self.messages, &state.learning).0 {
            Found::One { name, entry } => {
                self.receipts.forget_entry(entry, name);
                Some(name)
            }
            Found::Nobody | Found::Many => None,
        };
        // A held message has no id: its numbers tell.
        let held = &self.carriers[carrier as usize].held;
        if let Some(name) =
            by_id.or_else(|| held.only(parked.to.octets(), parked.from.octets(), &self.messages))
        {
            self.end_matched(parked.arrival(), name, outcome, key, parked.from.octets());
            return;
        }
        let state = &mut self.carriers[carrier as usize];
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
        self.respond(connection, sequence_number, CommandStatus::ROK, &[]);
    }

    /// A receipt that may be matched later, when others that it could mean have ended; once.
    fn ask_again_or_let_go(&mut self, arrival: Arrival, key: u64) {
        let now_ms = self.clock.now_ms();
        let again = self.receipts.lot.note_asked(key, now_ms, now_ms);
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
