//! Reads fields off the front of a body. The only place that knows where one ends.

use super::rules::{AddressRule, Rule, SM_LENGTH};
use super::{Address, CText, DecodeError, Destinations, Unsuccessful};
use crate::status::CommandStatus;
use crate::tlv::Tlvs;

pub(super) struct Cursor<'a> {
    rest: &'a [u8],
    /// Whether a broken TLV area is kept rather than refused.
    lenient: bool,
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(body: &'a [u8]) -> Self {
        Self { rest: body, lenient: false }
    }

    pub(super) const fn lenient(body: &'a [u8]) -> Self {
        Self { rest: body, lenient: true }
    }

    /// An octet, as itself or as a type of its own.
    pub(super) fn octet<T: From<u8>>(&mut self, name: &'static str) -> Result<T, DecodeError> {
        let (&octet, rest) =
            self.rest.split_first().ok_or(DecodeError::new(CommandStatus::RINVCMDLEN, name))?;
        self.rest = rest;
        Ok(T::from(octet))
    }

    /// Four octets.
    pub(super) fn word(&mut self, name: &'static str) -> Result<u32, DecodeError> {
        let (octets, rest) =
            self.rest.split_first_chunk().ok_or(DecodeError::new(CommandStatus::RINVCMDLEN, name))?;
        self.rest = rest;
        Ok(u32::from_be_bytes(*octets))
    }

    /// A C-octet string (SMPP 3.4 §3.1). A body that ends first is of an impossible length.
    pub(super) fn text(&mut self, rule: Rule) -> Result<&'a [u8], DecodeError> {
        let window = &self.rest[..self.rest.len().min(rule.octets_max)];
        let Some(end) = window.iter().position(|&octet| octet == 0) else {
            let status =
                if window.len() == rule.octets_max { rule.status } else { CommandStatus::RINVCMDLEN };
            return Err(DecodeError::new(status, rule.name));
        };
        let (text, rest) = self.rest.split_at(end);
        self.rest = &rest[1..];
        Ok(text)
    }

    /// A text that is not shown.
    pub(super) fn secret(&mut self, rule: Rule) -> Result<&'a [u8], DecodeError> {
        self.text(rule)
    }

    /// A C-octet string of any length that may lack its NUL, or be missing with the whole body.
    pub(super) fn loose_text(&mut self, _: Rule) -> Result<CText<'a>, DecodeError> {
        let octets = crate::tlv::c_string(self.rest);
        let is_terminated = octets.len() < self.rest.len();
        self.rest = self.rest.get(octets.len() + 1..).unwrap_or_default();
        Ok(CText { octets, is_terminated })
    }

    /// A time: empty, or 16 octets (SMPP 3.4 §7.1.1).
    pub(super) fn time(&mut self, rule: Rule) -> Result<&'a [u8], DecodeError> {
        let text = self.text(rule)?;
        if text.is_empty() || text.len() == 16 {
            Ok(text)
        } else {
            Err(DecodeError::new(rule.status, rule.name))
        }
    }

    pub(super) fn address(&mut self, rule: AddressRule) -> Result<Address<'a>, DecodeError> {
        Ok(Address {
            ton: self.octet(rule.ton)?,
            npi: self.octet(rule.npi)?,
            digits: self.text(rule.digits)?,
        })
    }

    /// sm_length, and as many octets.
    pub(super) fn short_message(&mut self, name: &'static str) -> Result<&'a [u8], DecodeError> {
        let length: u8 = self.octet(SM_LENGTH)?;
        let (octets, rest) = self
            .rest
            .split_at_checked(usize::from(length))
            .ok_or(DecodeError::new(CommandStatus::RINVMSGLEN, name))?;
        self.rest = rest;
        Ok(octets)
    }

    pub(super) fn destinations(&mut self, name: &'static str) -> Result<Destinations<'a>, DecodeError> {
        let count = self.octet(name)?;
        let list = self.skipped(|cursor| (0..count).try_for_each(|_| cursor.destination().map(drop)))?;
        Ok(Destinations::new(count, list))
    }

    pub(super) fn unsuccessful(&mut self, name: &'static str) -> Result<Unsuccessful<'a>, DecodeError> {
        let count = self.octet(name)?;
        let list = self.skipped(|cursor| (0..count).try_for_each(|_| cursor.failure().map(drop)))?;
        Ok(Unsuccessful::new(count, list))
    }

    /// TLVs, to the end.
    pub(super) fn tlvs(&mut self, name: &'static str) -> Result<Tlvs<'a>, DecodeError> {
        if self.lenient {
            return self.loose_tlvs(name);
        }
        let tlvs = Tlvs::parse(self.rest).ok_or(DecodeError::new(CommandStatus::RINVTLVSTREAM, name))?;
        self.rest = &[];
        Ok(tlvs)
    }

    /// TLVs, or whatever else a peer sends there, to the end.
    pub(super) fn loose_tlvs(&mut self, _: &'static str) -> Result<Tlvs<'a>, DecodeError> {
        Ok(Tlvs::lenient(std::mem::take(&mut self.rest)))
    }

    /// What is left, where the specification has nothing.
    pub(super) fn trailing(&mut self, _: &'static str) -> Result<&'a [u8], DecodeError> {
        Ok(std::mem::take(&mut self.rest))
    }

    pub(super) const fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// The octets that `read` goes over.
    fn skipped(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<(), DecodeError>,
    ) -> Result<&'a [u8], DecodeError> {
        let start = self.rest;
        read(self)?;
        Ok(&start[..start.len() - self.rest.len()])
    }
}
