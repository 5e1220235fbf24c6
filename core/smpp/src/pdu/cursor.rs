//! Reads fields off the front of a body. The only place that knows where one ends.

use super::DecodeError;
use crate::status::CommandStatus;

pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(body: &'a [u8]) -> Self {
        Self { rest: body }
    }

    pub(super) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn octet(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        let (&octet, rest) =
            self.rest.split_first().ok_or(DecodeError::new(CommandStatus::RINVCMDLEN, field))?;
        self.rest = rest;
        Ok(octet)
    }

    pub(super) fn octets(
        &mut self,
        count: usize,
        field: &'static str,
        status: CommandStatus,
    ) -> Result<&'a [u8], DecodeError> {
        let (octets, rest) = self.rest.split_at_checked(count).ok_or(DecodeError::new(status, field))?;
        self.rest = rest;
        Ok(octets)
    }

    /// A C-octet string of at most `octets_max` octets with its NUL (SMPP 3.4 §3.1). `too_long` is the
    /// field's own status; a body that ends first is of an impossible length.
    pub(super) fn c_string(
        &mut self,
        octets_max: usize,
        field: &'static str,
        too_long: CommandStatus,
    ) -> Result<&'a [u8], DecodeError> {
        let window = &self.rest[..self.rest.len().min(octets_max)];
        let Some(end) = window.iter().position(|&octet| octet == 0) else {
            let status = if window.len() == octets_max { too_long } else { CommandStatus::RINVCMDLEN };
            return Err(DecodeError::new(status, field));
        };
        let (text, rest) = self.rest.split_at(end);
        self.rest = &rest[1..];
        Ok(text)
    }

    /// A C-octet string of any length that may lack its NUL.
    pub(super) fn tolerant_c_string(&mut self) -> &'a [u8] {
        let text = crate::tlv::c_string(self.rest);
        self.rest = self.rest.get(text.len() + 1..).unwrap_or_default();
        text
    }
}
