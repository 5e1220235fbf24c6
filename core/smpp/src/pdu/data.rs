//! data_sm and alert_notification (SMPP 3.4 §4.7.1, §4.12.1; 5.0 §4.2.2.1, §4.1.3.1).

use super::Address;
use super::layout::layout;
use super::rules;
use crate::tlv::Tlvs;
use crate::values::{EsmClass, RegisteredDelivery};

layout! {
    /// A message in either direction, its text in message_payload only.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    #[expect(missing_docs, reason = "the names are the specification's")]
    DataSm {
        service_type: &'a [u8] = text(rules::SERVICE_TYPE),
        source: Address<'a> = address(rules::LONG_SOURCE),
        destination: Address<'a> = address(rules::LONG_DESTINATION),
        esm_class: EsmClass = octet(rules::ESM_CLASS),
        registered_delivery: RegisteredDelivery = octet(rules::REGISTERED_DELIVERY),
        data_coding: u8 = octet(rules::DATA_CODING),
    } then {
        tlvs: Tlvs<'a> = tlvs(rules::TLVS),
    }
}

impl<'a> DataSm<'a> {
    /// The text.
    pub fn text(&self) -> &'a [u8] {
        self.tlvs.message_payload().unwrap_or_default()
    }
}

layout! {
    /// The message centre tells that a phone can be reached again, after set_dpf. It has no response.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    AlertNotification {
        /// The phone.
        source: Address<'a> = address(rules::LONG_SOURCE),
        /// Who asked.
        esme: Address<'a> = address(rules::ESME),
    } then {
        /// ms_availability_status.
        tlvs: Tlvs<'a> = tlvs(rules::TLVS),
    }
}
