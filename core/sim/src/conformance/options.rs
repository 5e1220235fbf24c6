//! What the conformance tester can be told.

use std::io;
use std::time::Duration;

use serde::Deserialize;

use crate::options::{self, invalid};

/// Which side is tested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Peer {
    /// A message centre: the tester binds to it.
    #[default]
    Smsc,
    /// An ESME: the tester listens, and the ESME binds to it.
    Esme,
}

/// Options of the tester. Every field has a default; an unknown one is refused.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConformanceOptions {
    /// Who is tested.
    pub peer: Peer,
    /// `host:port` to bind to, or to listen on.
    pub address: String,
    /// Towards a message centre: whose bind it is. Towards an ESME: what its bind must say; empty takes any.
    pub system_id: String,
    /// Its password; towards an ESME an empty one takes any.
    pub password: String,
    /// Of the bind.
    pub system_type: String,
    /// The number that messages go to.
    pub to: String,
    /// Where they come from; letters make it alphanumeric.
    pub from: String,
    /// How long an answer may take.
    pub timeout_ms: u64,
    /// How long a receipt may take, or an ESME's bind.
    pub patience_ms: u64,
    /// How long it pauses between two connections, for message centres that forbid quick ones.
    pub pause_ms: u64,
    /// Whether messages may be sent; without, only what sends none is checked.
    pub messages: bool,
    /// Checks to run, by their ids or what these begin with; none means all.
    pub only: Vec<String>,
}

impl Default for ConformanceOptions {
    fn default() -> Self {
        Self {
            peer: Peer::Smsc,
            address: String::new(),
            system_id: String::new(),
            password: String::new(),
            system_type: String::new(),
            to: "491700000000".to_owned(),
            from: "Brivas".to_owned(),
            timeout_ms: 5_000,
            patience_ms: 30_000,
            pause_ms: 0,
            messages: true,
            only: Vec::new(),
        }
    }
}

impl ConformanceOptions {
    /// Reads them from JSON.
    ///
    /// # Errors
    /// `InvalidInput`, which names the field.
    pub fn from_json(json: &str) -> io::Result<Self> {
        options::parse("conformance", json)
    }

    pub(super) fn check(&self) -> io::Result<()> {
        options::within("timeout_ms", self.timeout_ms, 10, 600_000)?;
        options::within("patience_ms", self.patience_ms, 10, 3_600_000)?;
        options::within("pause_ms", self.pause_ms, 0, 600_000)?;
        options::within("the length of to", self.to.len() as u64, 1, 20)?;
        options::within("the length of from", self.from.len() as u64, 1, 20)?;
        options::within("the length of system_id", self.system_id.len() as u64, 0, 64)?;
        options::within("the length of password", self.password.len() as u64, 0, 64)?;
        options::within("the length of system_type", self.system_type.len() as u64, 0, 12)?;
        let texts = [&self.system_id, &self.password, &self.system_type, &self.to, &self.from];
        if texts.iter().any(|text| text.contains('\0')) {
            return Err(invalid("a text holds a NUL, which ends every text in SMPP"));
        }
        Ok(())
    }

    pub(super) const fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }

    pub(super) const fn patience(&self) -> Duration {
        Duration::from_millis(self.patience_ms)
    }

    /// Whether a check was asked for.
    pub(super) fn wants(&self, id: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|begin| id.starts_with(begin.as_str()))
    }
}
