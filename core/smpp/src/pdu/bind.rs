//! bind_transmitter, bind_receiver, bind_transceiver, their responses, and outbind (SMPP 3.4 §4.1; 5.0 §4.1.1).

use super::CText;
use super::layout::layout;
use super::rules;
use crate::tlv::{self, Tlvs};
use crate::values::InterfaceVersion;

layout! {
    /// Who wants to bind.
    #[derive(Clone, Copy, PartialEq, Eq)]
    BindRequest {
        /// The account's name on the wire, up to 15 octets in the specification; longer ones are read,
        /// for real peers use them.
        system_id: &'a [u8] = text(rules::SYSTEM_ID),
        /// Up to 8 octets in the specification; longer ones are read.
        password: &'a [u8] = secret(rules::PASSWORD),
        /// Up to 12 octets.
        system_type: &'a [u8] = text(rules::SYSTEM_TYPE),
        /// The version that the ESME speaks.
        interface_version: InterfaceVersion = octet(rules::INTERFACE_VERSION),
        /// Of address_range.
        ton: u8 = octet(rules::ADDR_TON),
        /// Of address_range.
        npi: u8 = octet(rules::ADDR_NPI),
        /// Up to 40 octets.
        address_range: &'a [u8] = text(rules::ADDRESS_RANGE),
    } then {
        /// What stands behind the last field; the specification has nothing there.
        trailing: &'a [u8] = trailing(rules::TRAILING),
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

layout! {
    /// Who answered.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    BindResponse {
        /// The message centre's name; may be missing in errors.
        system_id: CText<'a> = loose_text(rules::SYSTEM_ID),
    } then {
        /// sc_interface_version, where it was sent.
        tlvs: Tlvs<'a> = loose_tlvs(rules::TLVS),
    }
}

impl<'a> BindResponse<'a> {
    /// With sc_interface_version, for a peer that knows TLVs.
    pub fn new(system_id: &'a [u8], interface_version: Option<InterfaceVersion>) -> Self {
        let tlvs = interface_version.map_or(Tlvs::EMPTY, tlv::sc_interface_version);
        Self { system_id: system_id.into(), tlvs }
    }

    /// sc_interface_version, where it was sent.
    pub fn interface_version(&self) -> Option<InterfaceVersion> {
        self.tlvs.sc_interface_version().map(InterfaceVersion)
    }
}

layout! {
    /// The message centre asks the ESME to bind as receiver (SMPP 3.4 §4.1.7), or as transceiver (5.0 §4.1.1.7).
    #[derive(Clone, Copy, Default, PartialEq, Eq)]
    Outbind {
        /// The message centre's name.
        system_id: &'a [u8] = text(rules::SYSTEM_ID),
        /// By which the ESME knows it.
        password: &'a [u8] = secret(rules::PASSWORD),
    } then {
        /// What stands behind the last field; the specification has nothing there.
        trailing: &'a [u8] = trailing(rules::TRAILING),
    }
}

/// Hides the password.
impl std::fmt::Debug for Outbind<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Outbind")
            .field("system_id", &String::from_utf8_lossy(self.system_id))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bind_response_names_its_version_only_if_asked() {
        let mut out = Vec::new();
        BindResponse::new(b"brivas", Some(InterfaceVersion::V3_4)).encode(&mut out);
        assert_eq!(out, b"brivas\0\x02\x10\0\x01\x34");
        let read = BindResponse::decode(&out).unwrap();
        assert_eq!(
            (read.system_id.octets, read.interface_version()),
            (&b"brivas"[..], Some(InterfaceVersion::V3_4))
        );
        out.clear();
        BindResponse::new(b"brivas", None).encode(&mut out);
        assert_eq!(out, b"brivas\0");
    }

    #[test]
    fn passwords_are_not_shown() {
        let request = BindRequest {
            system_id: b"sample",
            password: b"hunter2",
            system_type: b"",
            interface_version: InterfaceVersion::V3_4,
            ton: 0,
            npi: 0,
            address_range: b"",
            trailing: b"",
        };
        let outbind = Outbind { system_id: b"smsc", password: b"hunter2", trailing: b"" };
        assert!(!format!("{request:?} {outbind:?}").contains("hunter2"));
    }
}
