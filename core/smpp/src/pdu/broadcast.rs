//! broadcast_sm, query_broadcast_sm, cancel_broadcast_sm: cell broadcast, of SMPP 5.0 (§4.4, §4.6).

use super::Address;
use super::layout::layout;
use super::rules;
use crate::tlv::Tlvs;

layout! {
    /// A message to everybody in an area. What, where and how often stand in TLVs.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    #[expect(missing_docs, reason = "the names are the specification's")]
    BroadcastSm {
        service_type: &'a [u8] = text(rules::SERVICE_TYPE),
        source: Address<'a> = address(rules::SOURCE),
        /// Of the broadcast that is replaced, or empty.
        message_id: &'a [u8] = text(rules::MESSAGE_ID),
        priority_flag: u8 = octet(rules::PRIORITY_FLAG),
        schedule_delivery_time: &'a [u8] = time(rules::SCHEDULE_DELIVERY_TIME),
        validity_period: &'a [u8] = time(rules::VALIDITY_PERIOD),
        replace_if_present_flag: u8 = octet(rules::REPLACE_IF_PRESENT_FLAG),
        data_coding: u8 = octet(rules::DATA_CODING),
        sm_default_msg_id: u8 = octet(rules::SM_DEFAULT_MSG_ID),
    } then {
        tlvs: Tlvs<'a> = tlvs(rules::TLVS),
    }
}

layout! {
    /// What became of a broadcast?
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    QueryBroadcastSm {
        /// As the message centre gave it; or empty, with user_message_reference.
        message_id: &'a [u8] = text(rules::MESSAGE_ID),
        /// Must be the broadcast's own.
        source: Address<'a> = address(rules::SOURCE),
    } then {
        /// user_message_reference.
        tlvs: Tlvs<'a> = tlvs(rules::TLVS),
    }
}

layout! {
    /// Ends a broadcast, or all of a service_type and source.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    CancelBroadcastSm {
        /// Of the broadcasts, where the id is empty.
        service_type: &'a [u8] = text(rules::SERVICE_TYPE),
        /// As the message centre gave it; or empty.
        message_id: &'a [u8] = text(rules::MESSAGE_ID),
        /// Must be the broadcast's own.
        source: Address<'a> = address(rules::SOURCE),
    } then {
        /// broadcast_content_type, user_message_reference.
        tlvs: Tlvs<'a> = tlvs(rules::TLVS),
    }
}
