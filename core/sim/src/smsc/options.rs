//! What a simulated carrier can be told.

use std::io;

use brivas_smpp::{CommandStatus, InterfaceVersion, MessageState};
use serde::Deserialize;

use crate::numbers::Numbering;
use crate::options;

/// Options of a simulated carrier. Every field has a default; an unknown one is refused.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SmscOptions {
    /// `host:port` to listen on; port 0 takes a free one.
    pub listen: String,
    /// Whom to let in; empty lets everybody in.
    pub system_id: String,
    /// With which password; checked only with a system_id.
    pub password: String,
    /// How long a submit_sm waits for its response.
    pub latency_ms: u64,
    /// For which messages receipts are sent.
    pub receipts: Receipts,
    /// How long after the response a receipt is sent.
    pub receipt_delay_ms: u64,
    /// Sends the receipt before the response.
    pub receipt_before_response: bool,
    /// Final states other than DELIVRD, each with its share.
    pub states: Vec<StateRate>,
    /// Refusals, each with its share.
    pub error_rates: Vec<ErrorRate>,
    /// Messages a second over all binds, beyond which ESME_RTHROTTLED is answered; 0 is no limit.
    pub throttle_per_second: u64,
    /// What is answered beyond it: ESME_RTHROTTLED, ESME_RMSGQFUL, or a number of the carrier's own.
    pub throttle_status: StatusName,
    /// Closes the connection at each so many messages, unanswered; 0 never does.
    pub disconnect_every: u64,
    /// Asks to part by unbind at each so many messages, which it still answers; 0 never does.
    pub unbind_every: u64,
    /// The share of messages that get neither response nor receipt.
    pub silent_ratio: f64,
    /// How message ids are written.
    pub message_id: MessageIdForm,
    /// In which PDU receipts come, and what tells that they are some.
    pub receipt_form: ReceiptForm,
    /// How often each is sent.
    pub receipt_copies: u64,
    /// Receipts go to another bind of the customer's than their message came on, where there is one.
    pub receipt_elsewhere: bool,
    /// ENROUTE is told before the final state.
    pub receipt_enroute: bool,
    /// Minutes that receipts' dates are ahead of UTC: local time, as many write it.
    pub receipt_zone_minutes: i64,
    /// Responses with an error have a body.
    pub error_body: bool,
    /// Texts end with a NUL more than they should, which is counted in their length.
    pub extra_nul: bool,
    /// The version that it speaks: "3.3" sends no TLVs, "5.0" its congestion_state.
    pub interface_version: Version,
    /// With "5.0": how full it is, percent.
    pub congestion_state: u8,
    /// Messages from mobiles; absent sends none.
    pub mobile_originated: Option<MobileOriginated>,
    /// Unanswered deliver_sm on a bind at most; more wait.
    pub deliver_window: usize,
    /// Responses and receipts that wait at most, in all; beyond it messages are refused with ESME_RMSGQFUL.
    pub held_max: usize,
    /// A receipt that was refused is sent again after this.
    pub receipt_retry_ms: u64,
    /// Counts the messages by their numbers: duplicates and unique ones.
    pub verify: bool,
    /// The destinations' fixed beginning, as of the load.
    pub destination_prefix: String,
    /// The destinations' whole length, as of the load.
    pub destination_digits: usize,
    /// With `verify`: where the set of numbers taken is written at the end, one bit a number, least first.
    pub bitmap_file: Option<String>,
    /// Of every choice by chance.
    pub seed: u64,
}

/// For which messages receipts are sent.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Receipts {
    /// For those that ask by registered_delivery.
    Asked,
    /// For all.
    Always,
    /// For none.
    Never,
}

/// A final state and its share of the messages.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateRate {
    /// As receipts write it: `UNDELIV`, `EXPIRED`, `REJECTD`, ...
    pub state: String,
    /// 0 to 1.
    pub ratio: f64,
    /// `err` of the receipt.
    #[serde(default)]
    pub error: String,
}

/// A refusal and its share of the messages.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorRate {
    /// A number, or a name as `ESME_RSYSERR`.
    pub command_status: StatusName,
    /// 0 to 1.
    pub ratio: f64,
}

/// A command_status in options.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum StatusName {
    /// As on the wire.
    Code(u32),
    /// As the specification names it.
    Name(String),
}

/// How message ids are written.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum MessageIdForm {
    /// 16 hexadecimal digits.
    Hexadecimal,
    /// Decimal digits without zeros in front.
    Decimal,
    /// 20 decimal digits, zero-padded.
    Padded,
    /// Hexadecimal digits in the response, decimal ones in the receipt, as some carriers do.
    Mixed,
    /// The reverse.
    Reversed,
    /// Capital hexadecimal digits in the response, small ones in the receipt.
    Case,
    /// 20 decimal digits in the response, no zeros in front in the receipt.
    Zeros,
    /// A UUID in the response, without its dashes in the receipt.
    Dashes,
    /// 8 hexadecimal digits, as SMPP 3.3 has room for.
    Short,
}

/// How receipts come.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptForm {
    /// deliver_sm with esm_class, text and, from 3.4 on, TLVs.
    Text,
    /// The same without the esm_class that says so, and without TLVs.
    Plain,
    /// deliver_sm with TLVs and no text.
    Tlvs,
    /// data_sm with the text in message_payload.
    DataSm,
}

/// A version of SMPP.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub enum Version {
    /// Without TLVs.
    #[serde(rename = "3.3")]
    V3_3,
    /// As most.
    #[serde(rename = "3.4")]
    V3_4,
    /// With congestion_state.
    #[serde(rename = "5.0")]
    V5_0,
}

impl Version {
    pub(super) const fn interface_version(self) -> InterfaceVersion {
        match self {
            Self::V3_3 => InterfaceVersion::V3_3,
            Self::V3_4 => InterfaceVersion::V3_4,
            Self::V5_0 => InterfaceVersion::V5_0,
        }
    }
}

/// Messages from mobiles to the customers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MobileOriginated {
    /// How many, over all binds that receive.
    pub per_second: f64,
    /// The mobile.
    #[serde(default = "mobile_source")]
    pub source: String,
    /// The customer's number.
    #[serde(default = "mobile_destination")]
    pub destination: String,
    /// Up to 160 octets.
    #[serde(default = "mobile_text")]
    pub text: String,
}

fn mobile_source() -> String {
    "491700000001".to_owned()
}

fn mobile_destination() -> String {
    "4915000".to_owned()
}

fn mobile_text() -> String {
    "Hello from a mobile".to_owned()
}

impl Default for SmscOptions {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:0".to_owned(),
            system_id: String::new(),
            password: String::new(),
            latency_ms: 0,
            receipts: Receipts::Asked,
            receipt_delay_ms: 0,
            receipt_before_response: false,
            states: Vec::new(),
            error_rates: Vec::new(),
            throttle_per_second: 0,
            throttle_status: StatusName::Code(CommandStatus::RTHROTTLED.0),
            disconnect_every: 0,
            unbind_every: 0,
            silent_ratio: 0.0,
            message_id: MessageIdForm::Hexadecimal,
            receipt_form: ReceiptForm::Text,
            receipt_copies: 1,
            receipt_elsewhere: false,
            receipt_enroute: false,
            receipt_zone_minutes: 0,
            error_body: false,
            extra_nul: false,
            interface_version: Version::V3_4,
            congestion_state: 0,
            mobile_originated: None,
            deliver_window: 10_000,
            held_max: 2_000_000,
            receipt_retry_ms: 1_000,
            verify: false,
            destination_prefix: "4915".to_owned(),
            destination_digits: 15,
            bitmap_file: None,
            seed: 1,
        }
    }
}

impl SmscOptions {
    /// From one JSON object.
    ///
    /// # Errors
    /// `InvalidInput`, which names the field.
    pub fn from_json(json: &str) -> io::Result<Self> {
        options::parse("smsc", json)
    }

    pub(super) fn check(&self) -> io::Result<()> {
        options::ratio("silent_ratio", self.silent_ratio)?;
        options::ratio("error_rates", self.error_rates.iter().map(|rate| rate.ratio).sum())?;
        options::ratio("states", self.states.iter().map(|rate| rate.ratio).sum())?;
        for rate in &self.error_rates {
            options::ratio("error_rates.ratio", rate.ratio)?;
            rate.command_status.status()?;
        }
        for rate in &self.states {
            options::ratio("states.ratio", rate.ratio)?;
            rate.state()?;
            if rate.error.len() > 3 {
                return Err(options::invalid(format!(
                    "states.error is {:?}: at most 3 characters",
                    rate.error
                )));
            }
        }
        self.throttle_status.status()?;
        options::within("receipt_copies", self.receipt_copies, 1, 10)?;
        options::within(
            "the size of receipt_zone_minutes",
            self.receipt_zone_minutes.unsigned_abs(),
            0,
            840,
        )?;
        options::within("congestion_state", self.congestion_state.into(), 0, 99)?;
        if self.interface_version == Version::V3_3 && self.receipt_form == ReceiptForm::Tlvs {
            return Err(options::invalid("receipt_form is tlvs: interface_version 3.3 has none"));
        }
        options::within("deliver_window", self.deliver_window as u64, 1, 1_000_000)?;
        options::within("held_max", self.held_max as u64, 1, 100_000_000)?;
        for (name, value) in [
            ("latency_ms", self.latency_ms),
            ("receipt_delay_ms", self.receipt_delay_ms),
            ("receipt_retry_ms", self.receipt_retry_ms),
        ] {
            options::within(name, value, 0, 86_400_000)?;
        }
        if let Some(mobile) = &self.mobile_originated {
            if !(mobile.per_second > 0.0 && mobile.per_second <= 1_000_000.0) {
                return Err(options::invalid(format!(
                    "mobile_originated.per_second is {}: must be above 0 and at most 1000000",
                    mobile.per_second
                )));
            }
            options::within("the length of mobile_originated.text", mobile.text.len() as u64, 0, 160)?;
            options::within("the length of mobile_originated.source", mobile.source.len() as u64, 1, 20)?;
            options::within(
                "the length of mobile_originated.destination",
                mobile.destination.len() as u64,
                1,
                20,
            )?;
        }
        self.numbering().map(drop)
    }

    pub(super) fn numbering(&self) -> io::Result<Numbering> {
        Numbering::new(&self.destination_prefix, self.destination_digits).map_err(options::invalid)
    }
}

impl StateRate {
    pub(super) fn state(&self) -> io::Result<MessageState> {
        MessageState::from_receipt_text(self.state.as_bytes()).ok_or_else(|| {
            options::invalid(format!("states.state is {:?}: no state of receipts", self.state))
        })
    }
}

impl StatusName {
    /// The code.
    ///
    /// # Errors
    /// Where the name is none of the specification's.
    pub fn status(&self) -> io::Result<CommandStatus> {
        match self {
            Self::Code(code) => Ok(CommandStatus(*code)),
            Self::Name(name) => (0..STATUS_NAMED_MAX)
                .map(CommandStatus)
                .find(|status| status.name() == Some(name))
                .ok_or_else(|| {
                    options::invalid(format!("command_status is {name:?}: no name of the specification"))
                }),
        }
    }
}

/// Every status with a name is below.
const STATUS_NAMED_MAX: u32 = 0x400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named() {
        let refused = |json: &str| {
            SmscOptions::from_json(json).and_then(|options| options.check()).unwrap_err().to_string()
        };
        assert!(refused(r#"{"latency": 1}"#).contains("latency"));
        assert!(refused(r#"{"silent_ratio": 2}"#).contains("silent_ratio is 2"));
        assert!(refused(r#"{"error_rates": [{"command_status": "ESME_X", "ratio": 1}]}"#).contains("ESME_X"));
        assert!(refused(r#"{"states": [{"state": "GONE", "ratio": 1}]}"#).contains("GONE"));
        assert!(refused(r#"{"receipt_copies": 11}"#).contains("receipt_copies is 11"));
        assert!(refused(r#"{"throttle_status": "ESME_X"}"#).contains("ESME_X"));
        assert!(
            refused(r#"{"interface_version": "3.3", "receipt_form": "tlvs"}"#)
                .contains("receipt_form is tlvs")
        );
        assert!(refused(r#"{"deliver_window": 0}"#).contains("deliver_window is 0"));
    }

    #[test]
    fn a_status_has_a_number_or_a_name() {
        let options = r#"{"error_rates": [{"command_status": "ESME_RSYSERR", "ratio": 0.5}, {"command_status": 20, "ratio": 0.1}]}"#;
        let options = SmscOptions::from_json(options).unwrap();
        options.check().unwrap();
        let codes: Vec<u32> =
            options.error_rates.iter().map(|rate| rate.command_status.status().unwrap().0).collect();
        assert_eq!(codes, [8, 20]);
    }
}
