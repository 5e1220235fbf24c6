//! submit_multi and its response: one message to many (SMPP 3.4 §4.5, 5.0 §4.2.3).
//!
//! Both lists stay in the octets of the PDU: they were gone through once, so that walking over them cannot fail.

use super::cursor::Cursor;
use super::layout::{layout, put};
use super::rules;
use super::{Address, CText, DecodeError};
use crate::status::CommandStatus;
use crate::tlv::Tlvs;
use crate::values::{EsmClass, RegisteredDelivery};

layout! {
    /// A message to up to 254 destinations (255 since 5.0).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    #[expect(missing_docs, reason = "the names are the specification's")]
    SubmitMulti {
        service_type: &'a [u8] = text(rules::SERVICE_TYPE),
        source: Address<'a> = address(rules::SOURCE),
        destinations: Destinations<'a> = destinations(rules::NUMBER_OF_DESTS),
        esm_class: EsmClass = octet(rules::ESM_CLASS),
        protocol_id: u8 = octet(rules::PROTOCOL_ID),
        priority_flag: u8 = octet(rules::PRIORITY_FLAG),
        schedule_delivery_time: &'a [u8] = time(rules::SCHEDULE_DELIVERY_TIME),
        validity_period: &'a [u8] = time(rules::VALIDITY_PERIOD),
        registered_delivery: RegisteredDelivery = octet(rules::REGISTERED_DELIVERY),
        replace_if_present_flag: u8 = octet(rules::REPLACE_IF_PRESENT_FLAG),
        data_coding: u8 = octet(rules::DATA_CODING),
        sm_default_msg_id: u8 = octet(rules::SM_DEFAULT_MSG_ID),
        short_message: &'a [u8] = short_message(rules::SHORT_MESSAGE),
    } then {
        tlvs: Tlvs<'a> = tlvs(rules::TLVS),
    }
}

impl<'a> SubmitMulti<'a> {
    /// The text, wherever it stands: short_message, or the TLV message_payload.
    pub fn text(&self) -> &'a [u8] {
        if self.short_message.is_empty() {
            self.tlvs.message_payload().unwrap_or_default()
        } else {
            self.short_message
        }
    }
}

layout! {
    /// One id for all, and those that were refused.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    SubmitMultiResponse {
        /// As the message centre names the message.
        message_id: CText<'a> = loose_text(rules::MESSAGE_ID),
        /// The destinations that were refused, each with its status.
        unsuccessful: Unsuccessful<'a> = unsuccessful(rules::NO_UNSUCCESS),
    } then {
        /// What went wrong, and congestion_state (5.0).
        tlvs: Tlvs<'a> = loose_tlvs(rules::TLVS),
    }
}

/// A destination of a submit_multi.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination<'a> {
    /// An address.
    Address(Address<'a>),
    /// A distribution list of the message centre, by its name of up to 20 octets.
    List(&'a [u8]),
}

impl Destination<'_> {
    /// dest_flag (SMPP 3.4 §5.2.25).
    pub const fn flag(&self) -> u8 {
        match self {
            Self::Address(_) => 1,
            Self::List(_) => 2,
        }
    }

    /// Appends it to a list for [`Destinations::new`].
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.flag());
        match *self {
            Self::Address(address) => put::address(out, address),
            Self::List(name) => put::text(out, name),
        }
    }
}

/// A destination that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure<'a> {
    /// Which one.
    pub address: Address<'a>,
    /// Why.
    pub status: CommandStatus,
}

impl Failure<'_> {
    /// Appends it to a list for [`Unsuccessful::new`].
    pub fn encode(&self, out: &mut Vec<u8>) {
        put::address(out, self.address);
        out.extend_from_slice(&self.status.0.to_be_bytes());
    }
}

impl<'a> Cursor<'a> {
    pub(super) fn destination(&mut self) -> Result<Destination<'a>, DecodeError> {
        match self.octet(rules::DEST_FLAG)? {
            1_u8 => self.address(rules::DESTINATION).map(Destination::Address),
            2 => self.text(rules::DL_NAME).map(Destination::List),
            _ => Err(DecodeError::new(CommandStatus::RINVDESTFLAG, rules::DEST_FLAG)),
        }
    }

    pub(super) fn failure(&mut self) -> Result<Failure<'a>, DecodeError> {
        let address = self.address(rules::DESTINATION)?;
        Ok(Failure { address, status: CommandStatus(self.word(rules::ERROR_STATUS_CODE)?) })
    }
}

macro_rules! list {
    ($(#[$meta:meta])* $name:ident of $item:ident by $read:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name<'a> {
            count: u8,
            octets: &'a [u8],
        }

        impl<'a> $name<'a> {
            pub(super) const fn new(count: u8, octets: &'a [u8]) -> Self {
                Self { count, octets }
            }

            /// A list out of octets that `encode` of its items appended.
            ///
            /// # Errors
            /// The item that is none, or what is wrong with their number.
            pub fn parse(count: u8, octets: &'a [u8]) -> Result<Self, DecodeError> {
                let mut cursor = Cursor::new(octets);
                (0..count).try_for_each(|_| cursor.$read().map(drop))?;
                if cursor.is_at_end() {
                    Ok(Self { count, octets })
                } else {
                    Err(DecodeError::new(CommandStatus::RINVNUMDESTS, rules::NUMBER_OF_DESTS))
                }
            }

            /// How many.
            pub const fn count(&self) -> u8 {
                self.count
            }

            /// As they stand in the PDU.
            pub const fn octets(&self) -> &'a [u8] {
                self.octets
            }

            /// One after the other.
            pub fn iter(&self) -> impl Iterator<Item = $item<'a>> + use<'a> {
                let mut cursor = Cursor::new(self.octets);
                std::iter::from_fn(move || cursor.$read().ok())
            }
        }
    };
}

list! {
    /// The destinations of a submit_multi.
    Destinations of Destination by destination
}

list! {
    /// The destinations that a submit_multi_resp refuses.
    Unsuccessful of Failure by failure
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(digits: &[u8]) -> Address<'_> {
        Address { ton: 1, npi: 1, digits }
    }

    #[test]
    fn destinations_are_addresses_and_lists_in_their_order() {
        let wanted = [
            Destination::Address(address(b"491")),
            Destination::List(b"staff"),
            Destination::Address(address(b"")),
        ];
        let mut list = Vec::new();
        wanted.iter().for_each(|each| each.encode(&mut list));
        let destinations = Destinations::parse(3, &list).unwrap();
        assert_eq!(destinations.iter().collect::<Vec<_>>(), wanted);
        assert_eq!(Destinations::parse(2, &list).unwrap_err().status, CommandStatus::RINVNUMDESTS);
        assert_eq!(Destinations::parse(4, &list).unwrap_err().status, CommandStatus::RINVCMDLEN);
    }

    #[test]
    fn a_partly_failed_submit_multi_tells_each_refused_destination_and_why() {
        let failures = [
            Failure { address: address(b"491"), status: CommandStatus::RINVDSTADR },
            Failure { address: address(b"492"), status: CommandStatus(0x0000_04FF) },
        ];
        let mut list = Vec::new();
        failures.iter().for_each(|each| each.encode(&mut list));
        let response = SubmitMultiResponse {
            message_id: b"id".into(),
            unsuccessful: Unsuccessful::parse(2, &list).unwrap(),
            tlvs: Tlvs::EMPTY,
        };
        let mut body = Vec::new();
        response.encode(&mut body);
        assert_eq!(body, b"id\0\x02\x01\x01491\0\0\0\0\x0B\x01\x01492\0\0\0\x04\xFF");
        let read = SubmitMultiResponse::decode(&body).unwrap();
        assert_eq!(read, response);
        assert_eq!(read.unsuccessful.iter().collect::<Vec<_>>(), failures);
        // Fewer than were promised.
        assert!(SubmitMultiResponse::decode(&body[..body.len() - 1]).is_err());
    }
}
