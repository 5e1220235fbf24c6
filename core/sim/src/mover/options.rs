//! What the mover of bytes can be told.

use std::io;

use serde::Deserialize;

use crate::options;

/// Options of the mover. Every field has a default; an unknown one is refused.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MoverOptions {
    /// `host:port` to listen on; port 0 takes a free one.
    pub listen: String,
    /// `host:port` of the carrier.
    pub carrier: String,
    /// Transceiver binds to it.
    pub carrier_binds: usize,
    /// Whose they are.
    pub system_id: String,
    /// Its password.
    pub password: String,
}

impl Default for MoverOptions {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:0".to_owned(),
            carrier: "127.0.0.1:2776".to_owned(),
            carrier_binds: 1,
            system_id: "mover".to_owned(),
            password: String::new(),
        }
    }
}

impl MoverOptions {
    /// From one JSON object.
    ///
    /// # Errors
    /// `InvalidInput`, which names the field.
    pub fn from_json(json: &str) -> io::Result<Self> {
        options::parse("mover", json)
    }

    pub(super) fn check(&self) -> io::Result<()> {
        options::within("carrier_binds", self.carrier_binds as u64, 1, 4_096)?;
        options::within("the length of system_id", self.system_id.len() as u64, 0, 64)?;
        options::within("the length of password", self.password.len() as u64, 0, 64)
    }
}
