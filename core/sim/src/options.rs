//! Options come as one JSON object; a wrong one is refused with its name.

use std::io;

use serde::de::DeserializeOwned;

/// Reads options.
///
/// # Errors
/// `InvalidInput`, which names the field.
pub(crate) fn parse<T: DeserializeOwned>(kind: &str, json: &str) -> io::Result<T> {
    serde_json::from_str(json).map_err(|error| invalid(format!("options of {kind}: {error}")))
}

pub(crate) fn invalid(message: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message.into())
}

/// Refuses what is not within the bounds.
pub(crate) fn within(name: &str, value: u64, least: u64, most: u64) -> io::Result<()> {
    if (least..=most).contains(&value) {
        Ok(())
    } else {
        Err(invalid(format!("{name} is {value}: must be {least} to {most}")))
    }
}

/// Refuses what is no share of a whole.
pub(crate) fn ratio(name: &str, value: f64) -> io::Result<()> {
    if (0.0..=1.0).contains(&value) {
        Ok(())
    } else {
        Err(invalid(format!("{name} is {value}: must be 0 to 1")))
    }
}
