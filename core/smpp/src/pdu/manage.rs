//! query_sm, cancel_sm, replace_sm and the response that has a body
//! (SMPP 3.4 §4.8 to §4.10; 5.0 §4.5.1 to §4.5.3).

use super::Address;
use super::layout::layout;
use super::rules;
use crate::tlv::Tlvs;
use crate::values::{MessageState, RegisteredDelivery};

layout! {
    /// What became of a message?
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    QuerySm {
        /// As the message centre gave it.
        message_id: &'a [u8] = text(rules::MESSAGE_ID),
        /// Must be the message's own.
        source: Address<'a> = address(rules::SOURCE),
    } then {
        /// What stands behind the last field; the specification has nothing there.
        trailing: &'a [u8] = trailing(rules::TRAILING),
    }
}

layout! {
    /// What became of the message.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    QuerySmResponse {
        /// As it was asked for.
        message_id: &'a [u8] = text(rules::MESSAGE_ID),
        /// When it reached its final state; empty while it has none.
        final_date: &'a [u8] = text(rules::FINAL_DATE),
        /// As the octet came: [`Self::state`] says it.
        message_state: u8 = octet(rules::MESSAGE_STATE),
        /// Of the network, where there was an error.
        error_code: u8 = octet(rules::ERROR_CODE),
    } then {
        /// congestion_state (5.0).
        tlvs: Tlvs<'a> = loose_tlvs(rules::TLVS),
    }
}

impl QuerySmResponse<'_> {
    /// None where it is reserved.
    pub fn state(&self) -> Option<MessageState> {
        MessageState::from_octet(self.message_state)
    }
}

layout! {
    /// Cancels a message by its id; or, with an empty id, all that match service_type, source and destination.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    CancelSm {
        /// Of the messages, where the id is empty.
        service_type: &'a [u8] = text(rules::SERVICE_TYPE),
        /// As the message centre gave it, or empty.
        message_id: &'a [u8] = text(rules::MESSAGE_ID),
        /// Must be the message's own.
        source: Address<'a> = address(rules::SOURCE),
        /// Of the messages, where the id is empty.
        destination: Address<'a> = address(rules::DESTINATION),
    } then {
        /// What stands behind the last field; the specification has nothing there.
        trailing: &'a [u8] = trailing(rules::TRAILING),
    }
}

layout! {
    /// Replaces the text of a message that was not delivered yet; it keeps its id and its destination.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    ReplaceSm {
        /// As the message centre gave it.
        message_id: &'a [u8] = text(rules::MESSAGE_ID),
        /// Must be the message's own.
        source: Address<'a> = address(rules::SOURCE),
        /// Empty: as it was.
        schedule_delivery_time: &'a [u8] = time(rules::SCHEDULE_DELIVERY_TIME),
        /// Empty: as it was.
        validity_period: &'a [u8] = time(rules::VALIDITY_PERIOD),
        /// Anew.
        registered_delivery: RegisteredDelivery = octet(rules::REGISTERED_DELIVERY),
        /// Of the message centre's own messages.
        sm_default_msg_id: u8 = octet(rules::SM_DEFAULT_MSG_ID),
        /// The new text.
        short_message: &'a [u8] = short_message(rules::SHORT_MESSAGE),
    } then {
        /// message_payload (5.0).
        tlvs: Tlvs<'a> = tlvs(rules::TLVS),
    }
}

impl<'a> ReplaceSm<'a> {
    /// The new text, wherever it stands: short_message, or the TLV message_payload.
    pub fn text(&self) -> &'a [u8] {
        if self.short_message.is_empty() {
            self.tlvs.message_payload().unwrap_or_default()
        } else {
            self.short_message
        }
    }
}
