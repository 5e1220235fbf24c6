//! The one table of TLVs (SMPP 3.4 §5.3.2, 5.0 §4.8.4): tag, name, type of value, length, and the PDUs that each version
//! lets carry it.
//!
//! A known TLV on a PDU that has no use for it is no error: it is ignored, and kept (SMPP 3.4 §3.3, 5.0 §2.11).
//! [`Definition::is_allowed_in`] is for those who judge another system's conformance.

use std::ops::RangeInclusive;

use super::{Tlvs, value};
use crate::status::CommandStatus;
use crate::values::{CommandId, InterfaceVersion};

/// A TLV's tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub u16);

/// How a value is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An unsigned octet.
    Octet,
    /// Two octets, big-endian.
    Short,
    /// Four octets, big-endian.
    Word,
    /// A C-octet string; peers send it with and without its NUL.
    Text,
    /// Octets, or several fields in a row.
    Octets,
}

/// What the specification says of a TLV.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// Which one.
    pub tag: Tag,
    /// Its name in SMPP 5.0.
    pub name: &'static str,
    /// How its value is read.
    pub kind: Kind,
    octets_min: u16,
    octets_max: u16,
    pdus_3_4: Pdus,
    pdus_5_0: Pdus,
}

impl Definition {
    /// The lengths that its value may have.
    pub const fn octets(&self) -> RangeInclusive<u16> {
        self.octets_min..=self.octets_max
    }

    /// Whether a version knows it.
    pub const fn is_known_to(&self, version: InterfaceVersion) -> bool {
        self.pdus(version).0 != 0
    }

    /// Whether a PDU of this version may carry it.
    pub const fn is_allowed_in(&self, id: CommandId, version: InterfaceVersion) -> bool {
        self.pdus(version).0 & Pdus::of(id).0 != 0
    }

    /// Checks a value's length.
    ///
    /// # Errors
    /// `ESME_RINVTLVLEN`.
    pub fn check(&self, value: &[u8]) -> Result<(), CommandStatus> {
        let is_right = u16::try_from(value.len()).is_ok_and(|length| self.octets().contains(&length));
        if is_right { Ok(()) } else { Err(CommandStatus::RINVTLVLEN) }
    }

    const fn pdus(&self, version: InterfaceVersion) -> Pdus {
        if version.is_5_0() {
            self.pdus_5_0
        } else if version.has_tlvs() {
            self.pdus_3_4
        } else {
            NONE
        }
    }
}

/// A set of PDUs.
#[derive(Clone, Copy, Debug)]
struct Pdus(u32);

const NONE: Pdus = Pdus(0);
const BIND_RESP: Pdus = Pdus(1);
const SUBMIT_SM: Pdus = Pdus(1 << 1);
const SUBMIT_MULTI: Pdus = Pdus(1 << 2);
const DATA_SM: Pdus = Pdus(1 << 3);
const DELIVER_SM: Pdus = Pdus(1 << 4);
const SUBMIT_SM_RESP: Pdus = Pdus(1 << 5);
const SUBMIT_MULTI_RESP: Pdus = Pdus(1 << 6);
const DATA_SM_RESP: Pdus = Pdus(1 << 7);
const DELIVER_SM_RESP: Pdus = Pdus(1 << 8);
const REPLACE_SM: Pdus = Pdus(1 << 9);
const ALERT_NOTIFICATION: Pdus = Pdus(1 << 10);
const BROADCAST_SM: Pdus = Pdus(1 << 11);
const BROADCAST_SM_RESP: Pdus = Pdus(1 << 12);
const QUERY_BROADCAST_SM: Pdus = Pdus(1 << 13);
const QUERY_BROADCAST_SM_RESP: Pdus = Pdus(1 << 14);
const CANCEL_BROADCAST_SM: Pdus = Pdus(1 << 15);
const OTHER_RESP: Pdus = Pdus(1 << 16);

/// What every message may carry in 3.4, and what only those to the message centre may.
const MESSAGE: Pdus = Pdus(MESSAGE_TO_SMSC.0 | DELIVER_SM.0);
const MESSAGE_TO_SMSC: Pdus = Pdus(SUBMIT_SM.0 | SUBMIT_MULTI.0 | DATA_SM.0);
/// "Message submission request TLVs" and their like (SMPP 5.0 §4.2.4, §4.2.5, §4.3.3, §4.3.4). data_sm goes both ways.
const SUBMISSION: Pdus = MESSAGE_TO_SMSC;
const DELIVERY: Pdus = Pdus(DELIVER_SM.0 | DATA_SM.0);
const SUBMISSION_RESP: Pdus = Pdus(SUBMIT_SM_RESP.0 | SUBMIT_MULTI_RESP.0 | DATA_SM_RESP.0);
const DELIVERY_RESP: Pdus = Pdus(DELIVER_SM_RESP.0 | DATA_SM_RESP.0);
/// "Any response PDU" (SMPP 5.0 §4.8.4.18).
const ANY_RESP: Pdus = Pdus(
    SUBMISSION_RESP.0
        | DELIVERY_RESP.0
        | BIND_RESP.0
        | BROADCAST_SM_RESP.0
        | QUERY_BROADCAST_SM_RESP.0
        | OTHER_RESP.0,
);

impl std::ops::BitOr for Pdus {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl Pdus {
    const fn of(id: CommandId) -> Self {
        match id {
            CommandId::BIND_TRANSMITTER_RESP
            | CommandId::BIND_RECEIVER_RESP
            | CommandId::BIND_TRANSCEIVER_RESP => BIND_RESP,
            CommandId::SUBMIT_SM => SUBMIT_SM,
            CommandId::SUBMIT_MULTI => SUBMIT_MULTI,
            CommandId::DATA_SM => DATA_SM,
            CommandId::DELIVER_SM => DELIVER_SM,
            CommandId::SUBMIT_SM_RESP => SUBMIT_SM_RESP,
            CommandId::SUBMIT_MULTI_RESP => SUBMIT_MULTI_RESP,
            CommandId::DATA_SM_RESP => DATA_SM_RESP,
            CommandId::DELIVER_SM_RESP => DELIVER_SM_RESP,
            CommandId::REPLACE_SM => REPLACE_SM,
            CommandId::ALERT_NOTIFICATION => ALERT_NOTIFICATION,
            CommandId::BROADCAST_SM => BROADCAST_SM,
            CommandId::BROADCAST_SM_RESP => BROADCAST_SM_RESP,
            CommandId::QUERY_BROADCAST_SM => QUERY_BROADCAST_SM,
            CommandId::QUERY_BROADCAST_SM_RESP => QUERY_BROADCAST_SM_RESP,
            CommandId::CANCEL_BROADCAST_SM => CANCEL_BROADCAST_SM,
            other if other.is_response() => OTHER_RESP,
            _ => NONE,
        }
    }
}

macro_rules! value_of {
    (Octet) => { u8 };
    (Short) => { u16 };
    (Word) => { u32 };
    (Text) => { &'a [u8] };
    (Octets) => { &'a [u8] };
}

macro_rules! reader_of {
    (Octet) => {
        value::octet
    };
    (Short) => {
        value::short
    };
    (Word) => {
        value::word
    };
    (Text) => {
        value::text
    };
    (Octets) => {
        Some
    };
}

macro_rules! tags {
    ($($name:ident $accessor:ident = $tag:literal: $kind:ident $octets_min:literal..=$octets_max:literal,
        $($in_3_4:ident)|+, $($in_5_0:ident)|+;)*) => {
        impl Tag {
            $(#[doc = concat!("`", stringify!($accessor), "`")] pub const $name: Self = Self($tag);)*
        }

        /// Every TLV of the specification, by rising tag.
        pub const DEFINITIONS: &[Definition] = &[
            $(Definition {
                tag: Tag::$name,
                name: stringify!($accessor),
                kind: Kind::$kind,
                octets_min: $octets_min,
                octets_max: $octets_max,
                pdus_3_4: Pdus(0 $(| $in_3_4.0)+),
                pdus_5_0: Pdus(0 $(| $in_5_0.0)+),
            },)*
        ];

        /// Values by name: of the first TLV with the tag, if its length is right for its type.
        impl<'a> Tlvs<'a> {
            $(
                #[doc = concat!("`", stringify!($accessor), "`")]
                pub fn $accessor(self) -> Option<value_of!($kind)> {
                    self.find(Tag::$name).and_then(reader_of!($kind))
                }
            )*
        }
    };
}

tags! {
    DEST_ADDR_SUBUNIT dest_addr_subunit = 0x0005: Octet 1..=1, MESSAGE_TO_SMSC, SUBMISSION | DELIVERY | BROADCAST_SM;
    DEST_NETWORK_TYPE dest_network_type = 0x0006: Octet 1..=1, DATA_SM, SUBMISSION;
    DEST_BEARER_TYPE dest_bearer_type = 0x0007: Octet 1..=1, DATA_SM, SUBMISSION;
    DEST_TELEMATICS_ID dest_telematics_id = 0x0008: Short 2..=2, DATA_SM, SUBMISSION;
    SOURCE_ADDR_SUBUNIT source_addr_subunit = 0x000D: Octet 1..=1, MESSAGE_TO_SMSC, SUBMISSION | DELIVERY | BROADCAST_SM;
    SOURCE_NETWORK_TYPE source_network_type = 0x000E: Octet 1..=1, DATA_SM, SUBMISSION;
    SOURCE_BEARER_TYPE source_bearer_type = 0x000F: Octet 1..=1, DATA_SM, SUBMISSION;
    SOURCE_TELEMATICS_ID source_telematics_id = 0x0010: Octet 1..=1, DATA_SM, SUBMISSION;
    QOS_TIME_TO_LIVE qos_time_to_live = 0x0017: Word 4..=4, DATA_SM, SUBMISSION;
    PAYLOAD_TYPE payload_type = 0x0019: Octet 1..=1, MESSAGE, SUBMISSION | DELIVERY | BROADCAST_SM;
    ADDITIONAL_STATUS_INFO_TEXT additional_status_info_text = 0x001D: Text 1..=256, DATA_SM_RESP, SUBMISSION_RESP | DELIVERY_RESP;
    RECEIPTED_MESSAGE_ID receipted_message_id = 0x001E: Text 1..=65, DATA_SM | DELIVER_SM, DELIVERY;
    MS_MSG_WAIT_FACILITIES ms_msg_wait_facilities = 0x0030: Octet 1..=1, MESSAGE_TO_SMSC, SUBMISSION;
    PRIVACY_INDICATOR privacy_indicator = 0x0201: Octet 1..=1, MESSAGE, SUBMISSION | DELIVERY | BROADCAST_SM;
    SOURCE_SUBADDRESS source_subaddress = 0x0202: Octets 2..=23, MESSAGE, SUBMISSION | DELIVERY | BROADCAST_SM;
    DEST_SUBADDRESS dest_subaddress = 0x0203: Octets 2..=23, SUBMIT_SM | DATA_SM | DELIVER_SM, SUBMIT_SM | DELIVERY | BROADCAST_SM;
    USER_MESSAGE_REFERENCE user_message_reference = 0x0204: Short 2..=2, MESSAGE, SUBMISSION | DELIVERY | BROADCAST_SM | QUERY_BROADCAST_SM | QUERY_BROADCAST_SM_RESP | CANCEL_BROADCAST_SM;
    USER_RESPONSE_CODE user_response_code = 0x0205: Octet 1..=1, SUBMIT_SM | DATA_SM | DELIVER_SM, SUBMISSION | DELIVERY;
    SOURCE_PORT source_port = 0x020A: Short 2..=2, MESSAGE, SUBMISSION | DELIVERY | BROADCAST_SM;
    DEST_PORT dest_port = 0x020B: Short 2..=2, MESSAGE, SUBMISSION | DELIVERY | BROADCAST_SM;
    SAR_MSG_REF_NUM sar_msg_ref_num = 0x020C: Short 2..=2, MESSAGE, SUBMISSION | DELIVERY;
    LANGUAGE_INDICATOR language_indicator = 0x020D: Octet 1..=1, MESSAGE, SUBMISSION | DELIVERY | BROADCAST_SM;
    SAR_TOTAL_SEGMENTS sar_total_segments = 0x020E: Octet 1..=1, MESSAGE, SUBMISSION | DELIVERY;
    SAR_SEGMENT_SEQNUM sar_segment_seqnum = 0x020F: Octet 1..=1, MESSAGE, SUBMISSION | DELIVERY;
    SC_INTERFACE_VERSION sc_interface_version = 0x0210: Octet 1..=1, BIND_RESP, BIND_RESP;
    CALLBACK_NUM_PRES_IND callback_num_pres_ind = 0x0302: Octet 1..=1, MESSAGE_TO_SMSC, SUBMISSION | DELIVERY | BROADCAST_SM;
    CALLBACK_NUM_ATAG callback_num_atag = 0x0303: Octets 1..=65, MESSAGE_TO_SMSC, SUBMISSION | DELIVERY | BROADCAST_SM;
    NUMBER_OF_MESSAGES number_of_messages = 0x0304: Octet 1..=1, SUBMIT_SM | DATA_SM, SUBMISSION;
    CALLBACK_NUM callback_num = 0x0381: Octets 4..=19, MESSAGE, SUBMISSION | DELIVERY | BROADCAST_SM;
    DPF_RESULT dpf_result = 0x0420: Octet 1..=1, DATA_SM_RESP, DELIVERY | SUBMISSION_RESP;
    SET_DPF set_dpf = 0x0421: Octet 1..=1, DATA_SM, SUBMISSION;
    MS_AVAILABILITY_STATUS ms_availability_status = 0x0422: Octet 1..=1, ALERT_NOTIFICATION, ALERT_NOTIFICATION;
    NETWORK_ERROR_CODE network_error_code = 0x0423: Octets 3..=3, DATA_SM | DELIVER_SM | DATA_SM_RESP, DELIVERY | SUBMISSION_RESP | DELIVERY_RESP;
    MESSAGE_PAYLOAD message_payload = 0x0424: Octets 0..=65_535, MESSAGE, SUBMISSION | DELIVERY | REPLACE_SM | BROADCAST_SM;
    DELIVERY_FAILURE_REASON delivery_failure_reason = 0x0425: Octet 1..=1, DATA_SM_RESP, SUBMISSION_RESP | DELIVERY_RESP;
    MORE_MESSAGES_TO_SEND more_messages_to_send = 0x0426: Octet 1..=1, SUBMIT_SM | DATA_SM, SUBMISSION;
    MESSAGE_STATE message_state = 0x0427: Octet 1..=1, DATA_SM | DELIVER_SM, DELIVERY | QUERY_BROADCAST_SM_RESP;
    CONGESTION_STATE congestion_state = 0x0428: Octet 1..=1, NONE, ANY_RESP;
    USSD_SERVICE_OP ussd_service_op = 0x0501: Octet 1..=1, SUBMIT_SM, SUBMISSION | DELIVERY;
    BROADCAST_CHANNEL_INDICATOR broadcast_channel_indicator = 0x0600: Octet 1..=1, NONE, BROADCAST_SM;
    BROADCAST_CONTENT_TYPE broadcast_content_type = 0x0601: Octets 3..=3, NONE, BROADCAST_SM | CANCEL_BROADCAST_SM;
    BROADCAST_CONTENT_TYPE_INFO broadcast_content_type_info = 0x0602: Octets 1..=255, NONE, BROADCAST_SM;
    BROADCAST_MESSAGE_CLASS broadcast_message_class = 0x0603: Octet 1..=1, NONE, BROADCAST_SM;
    BROADCAST_REP_NUM broadcast_rep_num = 0x0604: Short 2..=2, NONE, BROADCAST_SM;
    BROADCAST_FREQUENCY_INTERVAL broadcast_frequency_interval = 0x0605: Octets 3..=3, NONE, BROADCAST_SM;
    BROADCAST_AREA_IDENTIFIER broadcast_area_identifier = 0x0606: Octets 1..=255, NONE, BROADCAST_SM | BROADCAST_SM_RESP | QUERY_BROADCAST_SM_RESP;
    BROADCAST_ERROR_STATUS broadcast_error_status = 0x0607: Word 4..=4, NONE, BROADCAST_SM_RESP;
    BROADCAST_AREA_SUCCESS broadcast_area_success = 0x0608: Octet 1..=1, NONE, QUERY_BROADCAST_SM_RESP;
    BROADCAST_END_TIME broadcast_end_time = 0x0609: Text 16..=17, NONE, QUERY_BROADCAST_SM_RESP;
    BROADCAST_SERVICE_GROUP broadcast_service_group = 0x060A: Octets 1..=255, NONE, BROADCAST_SM;
    BILLING_IDENTIFICATION billing_identification = 0x060B: Octets 1..=1_024, NONE, SUBMISSION;
    SOURCE_NETWORK_ID source_network_id = 0x060D: Text 7..=66, NONE, SUBMISSION | DELIVERY;
    DEST_NETWORK_ID dest_network_id = 0x060E: Text 7..=66, NONE, SUBMISSION | DELIVERY;
    SOURCE_NODE_ID source_node_id = 0x060F: Octets 6..=6, NONE, SUBMISSION | DELIVERY;
    DEST_NODE_ID dest_node_id = 0x0610: Octets 6..=6, NONE, SUBMISSION | DELIVERY;
    DEST_ADDR_NP_RESOLUTION dest_addr_np_resolution = 0x0611: Octet 1..=1, NONE, SUBMISSION | DELIVERY;
    DEST_ADDR_NP_INFORMATION dest_addr_np_information = 0x0612: Octets 0..=10, NONE, SUBMISSION | DELIVERY;
    DEST_ADDR_NP_COUNTRY dest_addr_np_country = 0x0613: Octets 1..=5, NONE, SUBMISSION | DELIVERY;
    DISPLAY_TIME display_time = 0x1201: Octet 1..=1, MESSAGE_TO_SMSC, SUBMISSION | BROADCAST_SM;
    SMS_SIGNAL sms_signal = 0x1203: Short 2..=2, MESSAGE_TO_SMSC, SUBMISSION | BROADCAST_SM;
    MS_VALIDITY ms_validity = 0x1204: Octets 1..=4, MESSAGE_TO_SMSC, SUBMISSION | BROADCAST_SM;
    ALERT_ON_MESSAGE_DELIVERY alert_on_message_delivery = 0x130C: Octets 0..=1, MESSAGE_TO_SMSC, SUBMISSION | BROADCAST_SM;
    ITS_REPLY_TYPE its_reply_type = 0x1380: Octet 1..=1, SUBMIT_SM | DATA_SM, SUBMISSION | DELIVERY;
    ITS_SESSION_INFO its_session_info = 0x1383: Octets 2..=2, SUBMIT_SM | DATA_SM | DELIVER_SM, SUBMISSION | DELIVERY;
}

impl Tag {
    /// What the specification says of it; None for a vendor's tag, and for a reserved one.
    pub fn definition(self) -> Option<&'static Definition> {
        let index = DEFINITIONS.binary_search_by_key(&self.0, |definition| definition.tag.0).ok()?;
        DEFINITIONS.get(index)
    }

    /// Whether it is of the range for vendors (SMPP 3.4 §5.3.1, 5.0 §4.8.1).
    pub const fn is_vendor(self) -> bool {
        matches!(self.0, 0x1400..=0x3FFF)
    }

    /// Whether a PDU may have several of it: callback numbers with what belongs to them, and broadcast areas with theirs.
    pub const fn may_repeat(self) -> bool {
        matches!(
            self,
            Self::CALLBACK_NUM
                | Self::CALLBACK_NUM_ATAG
                | Self::CALLBACK_NUM_PRES_IND
                | Self::BROADCAST_AREA_IDENTIFIER
                | Self::BROADCAST_AREA_SUCCESS
                | Self::BROADCAST_ERROR_STATUS
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_so_that_it_can_be_searched() {
        assert!(DEFINITIONS.windows(2).all(|pair| pair[0].tag < pair[1].tag));
        assert!(
            DEFINITIONS.iter().all(|each| each.tag.definition().is_some_and(|found| found.name == each.name))
        );
        assert_eq!(Tag(0x1400).definition().map(|each| each.name), None);
    }

    #[test]
    fn the_specifications_have_44_and_64_tlvs() {
        let known = |version| DEFINITIONS.iter().filter(|each| each.is_known_to(version)).count();
        assert_eq!(known(InterfaceVersion::V3_3), 0);
        assert_eq!(known(InterfaceVersion::V3_4), 44);
        assert_eq!(known(InterfaceVersion::V5_0), 64);
    }

    /// How many TLVs a PDU may carry, as the specifications' tables have them.
    #[test]
    fn each_pdu_may_carry_the_tlvs_of_its_table() {
        let count = |id, version| DEFINITIONS.iter().filter(|each| each.is_allowed_in(id, version)).count();
        let both = |id| (count(id, InterfaceVersion::V3_4), count(id, InterfaceVersion::V5_0));
        assert_eq!(both(CommandId::SUBMIT_SM), (28, 44));
        assert_eq!(both(CommandId::DELIVER_SM), (18, 32));
        assert_eq!(both(CommandId::DATA_SM), (38, 48));
        // All but dest_subaddress: there is no one destination.
        assert_eq!(both(CommandId::SUBMIT_MULTI), (21, 43));
        assert_eq!(both(CommandId::REPLACE_SM), (0, 1));
        assert_eq!(both(CommandId::ALERT_NOTIFICATION), (1, 1));
        assert_eq!(both(CommandId::BIND_TRANSCEIVER_RESP), (1, 2));
        assert_eq!(both(CommandId::SUBMIT_SM_RESP), (0, 5));
        assert_eq!(both(CommandId::DATA_SM_RESP), (4, 5));
        assert_eq!(both(CommandId::DELIVER_SM_RESP), (0, 4));
        assert_eq!(both(CommandId::BROADCAST_SM), (0, 26));
        assert_eq!(both(CommandId::BROADCAST_SM_RESP), (0, 3));
        assert_eq!(both(CommandId::QUERY_BROADCAST_SM), (0, 1));
        assert_eq!(both(CommandId::QUERY_BROADCAST_SM_RESP), (0, 6));
        assert_eq!(both(CommandId::CANCEL_BROADCAST_SM), (0, 2));
        assert_eq!(both(CommandId::ENQUIRE_LINK_RESP), (0, 1));
        assert_eq!(both(CommandId::ENQUIRE_LINK), (0, 0));
    }
}
