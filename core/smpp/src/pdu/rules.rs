//! The one table of fields: name, longest form, and the command_status that refuses it (SMPP 3.4 §5.2, 5.0 §4.7).

use crate::status::CommandStatus;

/// What a field may be.
#[derive(Clone, Copy)]
pub(super) struct Rule {
    /// The specification's name.
    pub(super) name: &'static str,
    /// With the NUL.
    pub(super) octets_max: usize,
    /// What the response says when it is too long, or of no valid form.
    pub(super) status: CommandStatus,
}

const fn rule(name: &'static str, octets_max: usize, status: CommandStatus) -> Rule {
    Rule { name, octets_max, status }
}

/// An address is three fields.
#[derive(Clone, Copy)]
pub(super) struct AddressRule {
    pub(super) ton: &'static str,
    pub(super) npi: &'static str,
    pub(super) digits: Rule,
}

// Longer names and passwords than 16 and 9 octets are read, for real peers use them.
pub(super) const SYSTEM_ID: Rule = rule("system_id", 65, CommandStatus::RINVSYSID);
pub(super) const PASSWORD: Rule = rule("password", 65, CommandStatus::RINVPASWD);
pub(super) const SYSTEM_TYPE: Rule = rule("system_type", 13, CommandStatus::RINVSYSTYP);
pub(super) const ADDRESS_RANGE: Rule = rule("address_range", 41, CommandStatus::RBINDFAIL);
pub(super) const SERVICE_TYPE: Rule = rule("service_type", 6, CommandStatus::RINVSERTYP);
pub(super) const MESSAGE_ID: Rule = rule("message_id", 65, CommandStatus::RINVMSGID);
pub(super) const SCHEDULE_DELIVERY_TIME: Rule = rule("schedule_delivery_time", 17, CommandStatus::RINVSCHED);
pub(super) const VALIDITY_PERIOD: Rule = rule("validity_period", 17, CommandStatus::RINVEXPIRY);
pub(super) const FINAL_DATE: Rule = rule("final_date", 17, CommandStatus::RQUERYFAIL);
pub(super) const DL_NAME: Rule = rule("dl_name", 21, CommandStatus::RINVDLNAME);

pub(super) const SOURCE: AddressRule = AddressRule {
    ton: "source_addr_ton",
    npi: "source_addr_npi",
    digits: rule("source_addr", 21, CommandStatus::RINVSRCADR),
};
pub(super) const DESTINATION: AddressRule = AddressRule {
    ton: "dest_addr_ton",
    npi: "dest_addr_npi",
    digits: rule("destination_addr", 21, CommandStatus::RINVDSTADR),
};
/// Addresses of data_sm and alert_notification are not only numbers (SMPP 3.4 §4.7.1, §4.12.1).
pub(super) const LONG_SOURCE: AddressRule =
    AddressRule { digits: rule("source_addr", 65, CommandStatus::RINVSRCADR), ..SOURCE };
pub(super) const LONG_DESTINATION: AddressRule =
    AddressRule { digits: rule("destination_addr", 65, CommandStatus::RINVDSTADR), ..DESTINATION };
pub(super) const ESME: AddressRule = AddressRule {
    ton: "esme_addr_ton",
    npi: "esme_addr_npi",
    digits: rule("esme_addr", 65, CommandStatus::RINVDSTADR),
};

/// The names of what is no rule of length.
pub(super) const INTERFACE_VERSION: &str = "interface_version";
pub(super) const ADDR_TON: &str = "addr_ton";
pub(super) const ADDR_NPI: &str = "addr_npi";
pub(super) const ESM_CLASS: &str = "esm_class";
pub(super) const PROTOCOL_ID: &str = "protocol_id";
pub(super) const PRIORITY_FLAG: &str = "priority_flag";
pub(super) const REGISTERED_DELIVERY: &str = "registered_delivery";
pub(super) const REPLACE_IF_PRESENT_FLAG: &str = "replace_if_present_flag";
pub(super) const DATA_CODING: &str = "data_coding";
pub(super) const SM_DEFAULT_MSG_ID: &str = "sm_default_msg_id";
pub(super) const SM_LENGTH: &str = "sm_length";
pub(super) const SHORT_MESSAGE: &str = "short_message";
pub(super) const NUMBER_OF_DESTS: &str = "number_of_dests";
pub(super) const DEST_FLAG: &str = "dest_flag";
pub(super) const NO_UNSUCCESS: &str = "no_unsuccess";
pub(super) const ERROR_STATUS_CODE: &str = "error_status_code";
pub(super) const MESSAGE_STATE: &str = "message_state";
pub(super) const ERROR_CODE: &str = "error_code";
pub(super) const TLVS: &str = "optional parameters";
pub(super) const TRAILING: &str = "trailing";
