//! bind_transmitter, bind_receiver, bind_transceiver and their responses (SMPP 3.4 §4.1).

use super::{Cursor, DecodeError};
use crate::status::CommandStatus;
use crate::tlv::{self, Tag, Tlvs};
use crate::values::InterfaceVersion;

/// Who wants to bind.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BindRequest<'a> {
    /// The account's name on the wire, up to 15 octets in the specification; longer ones are read, for
    /// real peers use them.
    pub system_id: &'a [u8],
    /// Up to 8 octets in the specification; longer ones are read.
    pub password: &'a [u8],
    /// Up to 12 octets.
    pub system_type: &'a [u8],
    /// The version that the ESME speaks.
    pub interface_version: InterfaceVersion,
    /// Of address_range.
    pub ton: u8,
    /// Of address_range.
    pub npi: u8,
    /// Up to 40 octets.
    pub address_range: &'a [u8],
    /// What stands behind the last field; the specification has nothing there.
    pub trailing: &'a [u8],
}

/// Octets of system_id and password that are read, NUL included.
const CREDENTIAL_OCTETS_MAX: usize = 65;

impl<'a> BindRequest<'a> {
    pub(super) fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(body);
        Ok(Self {
            system_id: cursor.c_string(CREDENTIAL_OCTETS_MAX, "system_id", CommandStatus::RINVSYSID)?,
            password: cursor.c_string(CREDENTIAL_OCTETS_MAX, "password", CommandStatus::RINVPASWD)?,
            system_type: cursor.c_string(13, "system_type", CommandStatus::RINVSYSTYP)?,
            interface_version: InterfaceVersion(cursor.octet("interface_version")?),
            ton: cursor.octet("addr_ton")?,
            npi: cursor.octet("addr_npi")?,
            address_range: cursor.c_string(41, "address_range", CommandStatus::RBINDFAIL)?,
            trailing: cursor.rest(),
        })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        for text in [self.system_id, self.password, self.system_type] {
            out.extend_from_slice(text);
            out.push(0);
        }
        out.extend_from_slice(&[self.interface_version.0, self.ton, self.npi]);
        out.extend_from_slice(self.address_range);
        out.push(0);
        out.extend_from_slice(self.trailing);
    }
}

/// Hides the password.
impl std::fmt::Debug for BindRequest<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("BindRequest")
            .field("system_id", &String::from_utf8_lossy(self.system_id))
            .field("interface_version", &self.interface_version)
            .finish_non_exhaustive()
    }
}

/// Who answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BindResponse<'a> {
    /// The SMSC's name; may be missing in errors.
    pub system_id: &'a [u8],
    /// sc_interface_version, where it was sent.
    pub interface_version: Option<InterfaceVersion>,
}

impl<'a> BindResponse<'a> {
    pub(super) fn decode(body: &'a [u8]) -> Self {
        let mut cursor = Cursor::new(body);
        let system_id = cursor.tolerant_c_string();
        let interface_version = Tlvs::parse(cursor.rest())
            .and_then(|tlvs| tlvs.find(Tag::SC_INTERFACE_VERSION))
            .and_then(|value| value.first().copied())
            .map(InterfaceVersion);
        Self { system_id, interface_version }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.system_id);
        out.push(0);
        if let Some(version) = self.interface_version {
            tlv::append(out, Tag::SC_INTERFACE_VERSION, &[version.0]);
        }
    }
}
