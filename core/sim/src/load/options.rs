//! What simulated customers can be told.

use std::io;

use serde::Deserialize;

use crate::bitmap;
use crate::numbers::Numbering;
use crate::options;

/// Options of simulated customers. Every field has a default; an unknown one is refused.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LoadOptions {
    /// `host:port` to bind to.
    pub target: String,
    /// Whose binds they are.
    pub system_id: String,
    /// Its password.
    pub password: String,
    /// Transceiver binds.
    pub binds: usize,
    /// Unanswered messages on a bind at most.
    pub window: usize,
    /// Messages in all; 0 is no limit.
    pub messages: u64,
    /// How long to send, warm-up included; 0 is no limit.
    pub seconds: f64,
    /// How much of it is not measured.
    pub warm_up_seconds: f64,
    /// Messages a second. Latency then counts from when a message was to be sent, whenever it was. 0 sends as
    /// fast as the windows let.
    pub rate: f64,
    /// Length of the text.
    pub text_octets: usize,
    /// As on the wire: 1 asks for a receipt of each message.
    pub registered_delivery: u8,
    /// Where the messages come from; letters make it alphanumeric.
    pub source: String,
    /// The destinations' fixed beginning.
    pub destination_prefix: String,
    /// The destinations' whole length.
    pub destination_digits: usize,
    /// The first message's number; the next ones follow it.
    pub first: u64,
    /// How long receipts are waited for after the last message.
    pub drain_seconds: f64,
    /// How long the first binds may take.
    pub connect_seconds: f64,
    /// How long a response may take; what became of the message is then unknown.
    pub response_timeout_seconds: f64,
    /// Binds again when a connection ends, and goes on.
    pub reconnect: bool,
    /// How often a message is sent again that met ESME_RTHROTTLED or ESME_RMSGQFUL.
    pub retries: u8,
    /// How long a bind pauses then.
    pub retry_pause_ms: u64,
    /// In a closed loop, of how many messages one has its latency taken; 0 is 16. With a rate it is each.
    pub latency_sample: u64,
    /// Where each message answered ESME_ROK is written: 8 octets of its number, least first, and 24 octets of its
    /// id, NUL-padded.
    pub record_file: Option<String>,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            target: "127.0.0.1:2775".to_owned(),
            system_id: "load".to_owned(),
            password: String::new(),
            binds: 1,
            window: 64,
            messages: 0,
            seconds: 0.0,
            warm_up_seconds: 0.0,
            rate: 0.0,
            text_octets: 140,
            registered_delivery: 1,
            source: "Brivas".to_owned(),
            destination_prefix: "4915".to_owned(),
            destination_digits: 15,
            first: 0,
            drain_seconds: 10.0,
            connect_seconds: 10.0,
            response_timeout_seconds: 60.0,
            reconnect: false,
            retries: 100,
            retry_pause_ms: 100,
            latency_sample: 0,
            record_file: None,
        }
    }
}

impl LoadOptions {
    /// From one JSON object.
    ///
    /// # Errors
    /// `InvalidInput`, which names the field.
    pub fn from_json(json: &str) -> io::Result<Self> {
        options::parse("load", json)
    }

    pub(super) fn check(&self) -> io::Result<()> {
        options::within("binds", self.binds as u64, 1, 16_384)?;
        options::within("window", self.window as u64, 1, 100_000)?;
        options::within("text_octets", self.text_octets as u64, 0, 254)?;
        options::within("the length of source", self.source.len() as u64, 1, 20)?;
        options::within("the length of system_id", self.system_id.len() as u64, 0, 64)?;
        options::within("the length of password", self.password.len() as u64, 0, 64)?;
        options::within("retry_pause_ms", self.retry_pause_ms, 1, 3_600_000)?;
        for (name, seconds) in [
            ("seconds", self.seconds),
            ("warm_up_seconds", self.warm_up_seconds),
            ("drain_seconds", self.drain_seconds),
            ("connect_seconds", self.connect_seconds),
            ("response_timeout_seconds", self.response_timeout_seconds),
        ] {
            if !(0.0..=1e6).contains(&seconds) {
                return Err(options::invalid(format!("{name} is {seconds}: must be 0 to 1000000")));
            }
        }
        if !(0.0..=1e8).contains(&self.rate) {
            return Err(options::invalid(format!("rate is {}: must be 0 to 100000000", self.rate)));
        }
        if self.messages == 0 && self.seconds == 0.0 {
            return Err(options::invalid("messages and seconds are both 0: one must be given"));
        }
        if self.seconds > 0.0 && self.warm_up_seconds >= self.seconds {
            return Err(options::invalid(format!(
                "warm_up_seconds is {}: must be below seconds ({})",
                self.warm_up_seconds, self.seconds
            )));
        }
        let numbering = self.numbering()?;
        let count = numbering.count().min(bitmap::NUMBER_MAX);
        options::within("first + messages", self.first.saturating_add(self.messages), 0, count)
    }

    pub(super) fn numbering(&self) -> io::Result<Numbering> {
        Numbering::new(&self.destination_prefix, self.destination_digits).map_err(options::invalid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named() {
        let refused = |json: &str| {
            LoadOptions::from_json(json).and_then(|options| options.check()).unwrap_err().to_string()
        };
        assert!(refused(r#"{"bind": 1}"#).contains("bind"));
        assert!(refused("{}").contains("messages and seconds are both 0"));
        assert!(refused(r#"{"messages": 1, "window": 0}"#).contains("window is 0"));
        assert!(refused(r#"{"messages": 1, "text_octets": 255}"#).contains("text_octets is 255"));
        assert!(refused(r#"{"seconds": 1, "warm_up_seconds": 1}"#).contains("warm_up_seconds"));
        let few = r#"{"messages": 11, "destination_prefix": "49", "destination_digits": 3}"#;
        assert!(refused(few).contains("first + messages is 11"));
    }
}
