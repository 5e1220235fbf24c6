//! What comes from carriers: receipts, matched to their messages, and incoming messages, routed to accounts.

use brivas_proto::v1;
use brivas_route::destination_hash;
use brivas_smpp::{CommandStatus, Pdu, ShortMessage};

use super::Shard;
use super::commit::{Awaiting, Then};
use super::connection::ConnectionRef;
use super::matching::Arrival;
use super::messages::{NewMessage, Phase, digits};
use super::operations::{as_short_message, check_addresses};
use crate::event::{self, Channel};

impl Shard {
    /// A deliver_sm from a carrier.
    pub(super) fn handle_carrier_message(
        &mut self,
        connection: ConnectionRef,
        carrier: u32,
        sequence_number: u32,
        message: &ShortMessage<'_>,
    ) {
        match self.read_receipt(carrier, message) {
            Some(Some(receipt)) => {
                let arrival = Arrival { connection, carrier, sequence_number };
                self.handle_receipt(arrival, &receipt, message);
            }
            Some(None) => {
                // It says that it is a receipt and cannot be read: it will not be readable later.
                self.counters.receipts_unmatched += 1;
                self.respond(connection, sequence_number, CommandStatus::ROK, &[]);
            }
            None => self.handle_incoming(connection, carrier, sequence_number, message),
        }
    }

    /// A data_sm from a carrier: a receipt, or a message from a phone, as deliver_sm brings them.
    pub(super) fn handle_carrier_request(
        &mut self,
        connection: ConnectionRef,
        carrier: u32,
        sequence_number: u32,
        pdu: &Pdu<'_>,
    ) {
        let Pdu::DataSm(data) = pdu else { return };
        let Some(open) = self.connections.get_mut(connection) else { return };
        open.data_messages.push(sequence_number);
        self.carriers[carrier as usize].receipts.by_data_sm += u64::from(data.esm_class.is_receipt());
        // The customer gets a deliver_sm, which has not the room that these addresses have (SMPP 3.4 §4.6.1, §4.7.1).
        if let Err(status) = check_addresses(data) {
            self.counters.refused += 1;
            return self.respond(connection, sequence_number, status, &[]);
        }
        let mut area = Vec::new();
        let message = as_short_message(data, &mut area);
        self.handle_carrier_message(connection, carrier, sequence_number, &message);
    }

    /// A message from a phone.
    fn handle_incoming(
        &mut self,
        connection: ConnectionRef,
        carrier: u32,
        sequence_number: u32,
        message: &ShortMessage<'_>,
    ) {
        let destination = digits(&message.destination);
        let account = self.incoming_account(carrier, message);
        let config = account.and_then(|account| self.config.account(account));
        let account_full = account.zip(config.as_ref()).is_some_and(|(account, config)| {
            let open = self.accounts[account as usize].open_messages;
            open >= u64::from(config.spec.open_messages_max)
        });
        let is_full = account_full || self.messages.is_full() || !self.journal.has_room();
        let refusal = match (&config, is_full) {
            _ if self.draining.is_on() || self.journal.failed().is_some() => Some(CommandStatus::RX_T_APPN),
            // Nobody here has this number: to send it again is useless.
            (None, _) => Some(CommandStatus::RX_P_APPN),
            (Some(_), true) => Some(CommandStatus::RX_T_APPN),
            (Some(_), false) => None,
        };
        let (Some(account), Some(config), None) = (account, config, refusal) else {
            self.counters.refused += 1;
            let status = refusal.unwrap_or(CommandStatus::RX_P_APPN);
            self.respond(connection, sequence_number, status, &[]);
            return;
        };
        let on_disk = config.on_disk();
        let retention_ms = i64::from(config.spec.delivery_retention_seconds) * 1_000;
        let wall_ms = self.clock.wall_ms;
        let id = self.ids.give(wall_ms);
        if !self.note_consent(account, carrier, message, id) {
            self.counters.refused += 1;
            self.respond(connection, sequence_number, CommandStatus::RX_T_APPN, &[]);
            return;
        }
        let (account_name, carrier_name) =
            (&self.accounts[account as usize].name, &self.carriers[carrier as usize].name);
        let offset = self.journal.append(wall_ms, id, |out| {
            event::mo_accepted(out, account_name, carrier_name, message);
        });
        let name = self.messages.insert(NewMessage {
            content: message,
            incoming: true,
            account,
            carrier,
            id,
            accepted_ms: wall_ms,
            expires_ms: wall_ms + retention_ms,
            destination_hash: destination_hash(destination),
            connection: ConnectionRef::NONE,
            api: None,
            schedule_ms: 0,
            submission: 0,
            alias: 0,
        });
        if let Some(message) = self.messages.get_mut(name) {
            message.journal_offset = offset;
            message.phase = Phase::Ending;
        }
        self.accounts[account as usize].open_messages += 1;
        self.counters.mo_accepted += 1;
        let then = Then::AnswerCarrier { connection, sequence_number };
        self.commits.push(on_disk, Awaiting { offset, message: name, then });
    }

    /// A final state, or an incoming message, is safe: bring it to the customer, if it goes to one by SMPP.
    pub(super) fn deliver(&mut self, name: super::MessageRef) {
        let Some(message) = self.messages.get_mut(name) else { return };
        let account = &self.accounts[message.account as usize];
        if message.incoming {
            let by_webhook =
                account.config.as_ref().is_some_and(|config| config.spec.incoming() == v1::Delivery::Webhook);
            if by_webhook {
                // The webhook reads the journal, where it is safe.
                self.finish_delivery(name, Channel::Webhook);
                return;
            }
        } else {
            let delivered = message.outcome.is_some_and(|outcome| super::receipts::is_success(outcome.state));
            if message.is_by_api() || !message.registered_delivery.wants_receipt_for(delivered) {
                self.retire(name);
                return;
            }
        }
        let may_change = message.incoming && (message.may_change || self.has_alphabets);
        if may_change && message.part_of().is_none() && !self.is_delivered_as_it_is(name) {
            return;
        }
        let Some(message) = self.messages.get_mut(name) else { return };
        message.phase = Phase::Delivering;
        let number = message.account;
        self.accounts[number as usize].deliveries.push_back(name);
        self.mark_account(number);
    }
}
