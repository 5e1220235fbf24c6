//! Brings receipts and incoming messages to customers, on whichever of their binds takes them.

use std::cmp::Reverse;

use brivas_smpp::pdu::{Address, DataSm};
use brivas_smpp::receipt::NewReceipt;
use brivas_smpp::session::SendError;
use brivas_smpp::text::DefaultAlphabet;
use brivas_smpp::tlv::{self, Tag, Tlvs};
use brivas_smpp::{CommandStatus, EsmClass, Pdu, RegisteredDelivery, Session, ShortMessage};

use super::Shard;
use super::connection::{ConnectionRef, OUTPUT_OCTETS_MAX};
use super::messages::{Message, MessageRef, Phase};
use super::receipt_text::append_beginning;
use super::round::FETCHED_AT_ONCE;
use crate::event::Channel;

/// How long a customer that could not take a delivery is left alone with it.
const DELIVERY_RETRY_MS: u64 = 5_000;

impl Shard {
    pub(super) fn mark_account(&mut self, number: u32) {
        let account = &mut self.accounts[number as usize];
        if !account.is_flushing {
            account.is_flushing = true;
            self.flush_accounts.push(number);
        }
    }

    /// Sends what waits for an account, as far as its binds have room.
    pub(super) fn flush_account(&mut self, number: u32) {
        self.accounts[number as usize].is_flushing = false;
        if self.draining.holds_forwarding() {
            return;
        }
        let now_ms = self.clock.now_ms();
        let alphabet = self.config.account_alphabet(number);
        let by_data_sm = self.config.account(number).is_some_and(|account| account.spec.deliver_by_data_sm);
        // Reused for every receipt of the round.
        let (mut mandatory, mut tlvs, mut text) = (Vec::new(), Vec::new(), Vec::new());
        let mut taken = 0;
        while let Some(&name) = self.accounts[number as usize].deliveries.front() {
            if taken % FETCHED_AT_ONCE == 0 {
                let upcoming = self.accounts[number as usize].deliveries.iter();
                self.messages.fetch(upcoming.copied().take(FETCHED_AT_ONCE));
            }
            taken += 1;
            let Some(message) = self.messages.get(name) else {
                self.accounts[number as usize].deliveries.pop_front();
                continue;
            };
            let preferred = message.connection;
            let Some(connection_name) = self.receiving_bind(number, preferred) else { return };
            self.accounts[number as usize].deliveries.pop_front();
            let Some(message) = self.messages.get_mut(name) else { continue };
            let Some(connection) = self.connections.get_mut(connection_name) else { continue };
            if !message.incoming {
                mandatory.clear();
                tlvs.clear();
                text.clear();
                write_receipt(message, alphabet, &mut text, &mut mandatory, &mut tlvs);
            }
            let (mandatory, tlvs) = if message.incoming {
                (message.mandatory(), message.tlvs())
            } else {
                (&mandatory[..], &tlvs[..])
            };
            let sent = if by_data_sm && connection.session.version().has_tlvs() {
                send_as_data(&mut connection.session, now_ms, name.token(), mandatory, tlvs)
            } else {
                connection.session.send(now_ms, name.token(), mandatory, tlvs)
            };
            if sent.is_ok() {
                message.phase = Phase::DeliveryInFlight;
                self.mark_dirty(connection_name);
            } else {
                // `receiving_bind` has looked; should it have been wrong, nothing is lost.
                self.accounts[number as usize].deliveries.push_front(name);
                return;
            }
        }
    }

    /// A bind of the account that takes deliver_sm now: the preferred one, else the next in turn.
    fn receiving_bind(&mut self, number: u32, preferred: ConnectionRef) -> Option<ConnectionRef> {
        let takes = |name: ConnectionRef| {
            self.connections.get(name).is_some_and(|connection| {
                let session = &connection.session;
                let receives = match session.state() {
                    brivas_smpp::session::State::Bound(mode) => mode.receives(),
                    _ => false,
                };
                receives && session.room() > 0 && session.output().len() < OUTPUT_OCTETS_MAX
            })
        };
        if takes(preferred) {
            return Some(preferred);
        }
        let account = &mut self.accounts[number as usize];
        let count = account.binds.len();
        let start = account.next_bind;
        let found = (0..count).map(|step| (start + step) % count).find(|&at| takes(account.binds[at]))?;
        account.next_bind = found + 1;
        Some(account.binds[found])
    }

    /// The customer answered a deliver_sm.
    pub(super) fn handle_delivery_answer(&mut self, account: u32, token: u64, status: CommandStatus) {
        let name = MessageRef::from_token(token);
        if !self.accounts[account as usize].deliveries.is_empty() {
            self.mark_account(account);
        }
        let Some(message) = self.messages.get_mut(name) else { return };
        if message.phase != Phase::DeliveryInFlight {
            return;
        }
        if status.is_ok() {
            self.finish_delivery(name, Channel::Smpp);
        } else if status == CommandStatus::RX_P_APPN || status == CommandStatus::RX_R_APPN {
            // "Permanent" and "rejected" (SMPP 3.4 §5.1.3): the customer does not want it.
            self.finish_delivery(name, Channel::Expired);
        } else {
            // Everything else, whatever the table says of it: a receipt costs little to send again.
            self.delivery_failed(name);
        }
    }

    /// The customer did not take it this time.
    pub(super) fn delivery_failed(&mut self, name: MessageRef) {
        let Some(message) = self.messages.get_mut(name) else { return };
        message.phase = Phase::DeliveryRetrying;
        self.retries.push(Reverse((self.clock.now_ms() + DELIVERY_RETRY_MS, name)));
    }

    /// Says in the journal that the customer has it, or never will; the message is done.
    pub(super) fn finish_delivery(&mut self, name: MessageRef, channel: Channel) {
        let Some(message) = self.messages.get(name) else { return };
        if message.part_of().is_some() {
            self.part_delivered(name, channel);
            return;
        }
        let (incoming, is_linked) = (message.incoming, message.link.is_some());
        self.journal.append(self.clock.wall_ms, message.id, |out| {
            if incoming {
                crate::event::mo_delivered(out, channel);
            } else {
                crate::event::receipt_delivered(out, channel);
            }
        });
        if channel != Channel::Expired {
            if incoming {
                self.counters.mo_delivered += 1;
            } else {
                self.counters.receipts_delivered += 1;
            }
        }
        if is_linked {
            self.finish_linked(name, channel);
        }
        self.retire(name);
    }

    /// Takes a message that ended out of the shard.
    pub(super) fn retire(&mut self, name: MessageRef) {
        if let Some(message) = self.messages.get(name) {
            self.index.end(message.id, message.place, message.outcome.as_ref());
            if let Some(account) = self.accounts.get_mut(message.account as usize) {
                account.open_messages = account.open_messages.saturating_sub(1);
            }
            self.messages.remove(name);
        }
    }
}

/// Sends a deliver_sm's content as data_sm: the text goes in message_payload (SMPP 3.4 §4.7.1).
fn send_as_data(
    session: &mut Session,
    now_ms: u64,
    token: u64,
    mandatory: &[u8],
    tlvs: &[u8],
) -> Result<u32, SendError> {
    let body = [mandatory, tlvs].concat();
    // It was made here, or decoded when it came.
    let message = ShortMessage::decode(&body).unwrap_or_default();
    let mut area = message.tlvs.octets().to_vec();
    if message.tlvs.message_payload().is_none() {
        tlv::append(&mut area, Tag::MESSAGE_PAYLOAD, message.short_message);
    }
    let data = DataSm {
        service_type: message.service_type,
        source: message.source,
        destination: message.destination,
        esm_class: message.esm_class,
        registered_delivery: message.registered_delivery,
        data_coding: message.data_coding,
        tlvs: Tlvs::parse(&area).unwrap_or_default(),
    };
    session.send_request(now_ms, token, Pdu::DataSm(data))
}

/// Writes the deliver_sm of a message's receipt: source and destination change places (SMPP 3.4 Appendix B).
fn write_receipt(
    message: &Message,
    alphabet: DefaultAlphabet,
    text: &mut Vec<u8>,
    mandatory: &mut Vec<u8>,
    tlvs: &mut Vec<u8>,
) {
    let Some(outcome) = message.outcome else { return };
    // The body was decoded when it came; should it not be now, a receipt without addresses is better than none.
    let content = message.content().unwrap_or_default();
    let id = message.told_id();
    let receipt = NewReceipt {
        message_id: &id,
        state: outcome.state,
        error: outcome.error(),
        submitted_at_ms: message.accepted_ms,
        done_at_ms: outcome.done_ms,
        text: b"",
    };
    receipt.append_text(text);
    append_beginning(&content, alphabet, text);
    receipt.append_tlvs(tlvs);
    let deliver = ShortMessage {
        service_type: content.service_type,
        source: Address { ..content.destination },
        destination: Address { ..content.source },
        esm_class: EsmClass::RECEIPT,
        registered_delivery: RegisteredDelivery(0),
        short_message: text,
        tlvs: Tlvs::default(),
        ..ShortMessage::default()
    };
    deliver.encode_mandatory(mandatory);
}
