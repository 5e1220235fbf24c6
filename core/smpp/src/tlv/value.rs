//! Values of TLVs that are more than a number: read from their octets, written back to the same.
//!
//! What is reserved is carried as it came. A value of the wrong length reads as None: the TLV stays in the area.

use super::{Tag, Tlvs};

pub(super) fn octet(value: &[u8]) -> Option<u8> {
    <[u8; 1]>::try_from(value).ok().map(|[octet]| octet)
}

pub(super) fn short(value: &[u8]) -> Option<u16> {
    value.try_into().ok().map(u16::from_be_bytes)
}

pub(super) fn word(value: &[u8]) -> Option<u32> {
    value.try_into().ok().map(u32::from_be_bytes)
}

pub(super) fn text(value: &[u8]) -> Option<&[u8]> {
    Some(super::c_string(value))
}

/// A part of a message in several parts (SMPP 3.4 §5.3.2.22 to 24; 5.0 §4.8.4.48 to 50).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sar {
    /// The same in all parts.
    pub reference: u16,
    /// How many parts there are, at least 1.
    pub total: u8,
    /// Which one this is, from 1 to the total.
    pub sequence: u8,
}

/// What the network said (SMPP 3.4 §5.3.2.31, 5.0 §4.8.4.42).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkErrorCode {
    /// 1 ANSI-136, 2 IS-95, 3 GSM; since 5.0: 4 ANSI-136 and 5 IS-95 cause codes, 6 ANSI-41, 7 SMPP, 8 message centre.
    pub network_type: u8,
    /// Its own code.
    pub code: u16,
}

impl NetworkErrorCode {
    /// As the TLV's value.
    pub const fn octets(self) -> [u8; 3] {
        let [high, low] = self.code.to_be_bytes();
        [self.network_type, high, low]
    }
}

/// How busy the peer is (SMPP 5.0 §4.8.4.18).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CongestionState {
    /// 0.
    Idle,
    /// 1 to 29.
    Low(u8),
    /// 30 to 49.
    Medium(u8),
    /// 50 to 79.
    High(u8),
    /// 80 to 89: where a sender wants to be.
    Optimum(u8),
    /// 90 to 99: less speed.
    NearCongestion(u8),
    /// 100.
    Congested,
    /// Reserved.
    Other(u8),
}

impl From<u8> for CongestionState {
    fn from(percent: u8) -> Self {
        match percent {
            0 => Self::Idle,
            1..=29 => Self::Low(percent),
            30..=49 => Self::Medium(percent),
            50..=79 => Self::High(percent),
            80..=89 => Self::Optimum(percent),
            90..=99 => Self::NearCongestion(percent),
            100 => Self::Congested,
            other => Self::Other(other),
        }
    }
}

impl From<CongestionState> for u8 {
    fn from(state: CongestionState) -> Self {
        match state {
            CongestionState::Idle => 0,
            CongestionState::Low(percent)
            | CongestionState::Medium(percent)
            | CongestionState::High(percent)
            | CongestionState::Optimum(percent)
            | CongestionState::NearCongestion(percent)
            | CongestionState::Other(percent) => percent,
            CongestionState::Congested => 100,
        }
    }
}

/// A subaddress (SMPP 3.4 §5.3.2.15, 5.0 §4.8.4.60).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subaddress<'a> {
    /// 0x80 NSAP even, 0x88 NSAP odd, 0xA0 the user's own.
    pub format: u8,
    /// The subaddress.
    pub octets: &'a [u8],
}

/// A number to call back (SMPP 3.4 §5.3.2.36, 5.0 §4.8.4.15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallbackNum<'a> {
    /// 0: digits are TBCD, two an octet; 1: ASCII.
    pub digit_mode: u8,
    /// Type of number.
    pub ton: u8,
    /// Numbering plan.
    pub npi: u8,
    /// The digits.
    pub digits: &'a [u8],
}

/// Where to broadcast (SMPP 5.0 §4.8.4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BroadcastArea<'a> {
    /// 0 alias name, 1 ellipsoid arc, 2 polygon.
    pub format: u8,
    /// The area, in that format.
    pub details: &'a [u8],
}

/// What is broadcast (SMPP 5.0 §4.8.4.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BroadcastContentType {
    /// 0 generic, 1 GSM, 2 TDMA, 3 CDMA.
    pub network_type: u8,
    /// The service: 1 emergency, 0x0033 weather, ...
    pub service: u16,
}

impl BroadcastContentType {
    /// As the TLV's value.
    pub const fn octets(self) -> [u8; 3] {
        let [high, low] = self.service.to_be_bytes();
        [self.network_type, high, low]
    }
}

/// How often to broadcast (SMPP 5.0 §4.8.4.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrequencyInterval {
    /// 0 as often as possible, 8 seconds, 9 minutes, 0x0A hours, 0x0B days, 0x0C weeks, 0x0D months, 0x0E years.
    pub unit: u8,
    /// How many units.
    pub value: u16,
}

impl FrequencyInterval {
    /// As the TLV's value.
    pub const fn octets(self) -> [u8; 3] {
        let [high, low] = self.value.to_be_bytes();
        [self.unit, high, low]
    }
}

/// How long a phone keeps the message (SMPP 3.4 §5.3.2.27, 5.0 §4.8.4.41).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MsValidity {
    /// 0 for ever, 1 until power-down, 2 until the registration area changes, 3 display only, 4 a period (5.0).
    pub behaviour: u8,
    /// Unit (0 seconds, 1 minutes, ... 6 years) and how many, with behaviour 4 (5.0).
    pub period: Option<(u8, u16)>,
}

/// Where a message stands in an interactive session (SMPP 3.4 §5.3.2.43, 5.0 §4.8.4.34).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ItsSessionInfo {
    /// Which session.
    pub session_number: u8,
    /// Which message of it, 7 bits.
    pub sequence_number: u8,
    /// Whether the session ends with it.
    pub is_last: bool,
}

impl ItsSessionInfo {
    /// As the TLV's value.
    pub const fn octets(self) -> [u8; 2] {
        [self.session_number, self.sequence_number << 1 | self.is_last as u8]
    }
}

/// Values of several fields; None where the TLV is missing or of the wrong length.
impl<'a> Tlvs<'a> {
    /// All three sar_ TLVs. One of them without the others, or numbers that cannot be, mean nothing
    /// (SMPP 3.4 §5.3.2.22).
    pub fn sar(self) -> Option<Sar> {
        let sar = Sar {
            reference: self.sar_msg_ref_num()?,
            total: self.sar_total_segments()?,
            sequence: self.sar_segment_seqnum()?,
        };
        (1..=sar.total).contains(&sar.sequence).then_some(sar)
    }

    /// network_error_code, taken apart.
    pub fn network_error(self) -> Option<NetworkErrorCode> {
        let &[network_type, high, low] = <&[u8; 3]>::try_from(self.network_error_code()?).ok()?;
        Some(NetworkErrorCode { network_type, code: u16::from_be_bytes([high, low]) })
    }

    /// congestion_state, by its ranges.
    pub fn congestion(self) -> Option<CongestionState> {
        self.congestion_state().map(CongestionState::from)
    }

    /// source_subaddress and dest_subaddress, taken apart.
    pub fn subaddresses(self) -> (Option<Subaddress<'a>>, Option<Subaddress<'a>>) {
        let split =
            |value: &'a [u8]| value.split_first().map(|(&format, octets)| Subaddress { format, octets });
        (self.source_subaddress().and_then(split), self.dest_subaddress().and_then(split))
    }

    /// Every callback_num that is long enough to be one.
    pub fn callback_nums(self) -> impl Iterator<Item = CallbackNum<'a>> {
        self.find_all(Tag::CALLBACK_NUM).filter_map(|value| {
            let (&[digit_mode, ton, npi], digits) = value.split_first_chunk()?;
            Some(CallbackNum { digit_mode, ton, npi, digits })
        })
    }

    /// Every broadcast_area_identifier.
    pub fn broadcast_areas(self) -> impl Iterator<Item = BroadcastArea<'a>> {
        self.find_all(Tag::BROADCAST_AREA_IDENTIFIER).filter_map(|value| {
            value.split_first().map(|(&format, details)| BroadcastArea { format, details })
        })
    }

    /// broadcast_content_type, taken apart.
    pub fn broadcast_content(self) -> Option<BroadcastContentType> {
        let &[network_type, high, low] = <&[u8; 3]>::try_from(self.broadcast_content_type()?).ok()?;
        Some(BroadcastContentType { network_type, service: u16::from_be_bytes([high, low]) })
    }

    /// broadcast_frequency_interval, taken apart.
    pub fn broadcast_frequency(self) -> Option<FrequencyInterval> {
        let &[unit, high, low] = <&[u8; 3]>::try_from(self.broadcast_frequency_interval()?).ok()?;
        Some(FrequencyInterval { unit, value: u16::from_be_bytes([high, low]) })
    }

    /// ms_validity, taken apart: one octet, or four since 5.0.
    pub fn phone_validity(self) -> Option<MsValidity> {
        match *self.ms_validity()? {
            [behaviour] => Some(MsValidity { behaviour, period: None }),
            [behaviour, unit, high, low] => {
                Some(MsValidity { behaviour, period: Some((unit, u16::from_be_bytes([high, low]))) })
            }
            _ => None,
        }
    }

    /// its_session_info, taken apart.
    pub fn its_session(self) -> Option<ItsSessionInfo> {
        let &[session_number, rest] = <&[u8; 2]>::try_from(self.its_session_info()?).ok()?;
        Some(ItsSessionInfo { session_number, sequence_number: rest >> 1, is_last: rest & 1 != 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tlv;

    fn with(tag: Tag, value: &[u8], read: impl Fn(Tlvs<'_>)) {
        let mut area = Vec::new();
        tlv::append(&mut area, tag, value);
        read(Tlvs::parse(&area).unwrap());
    }

    #[test]
    fn values_of_several_fields_come_back_as_they_were_written() {
        let error = NetworkErrorCode { network_type: 3, code: 0x1234 };
        with(Tag::NETWORK_ERROR_CODE, &error.octets(), |tlvs| assert_eq!(tlvs.network_error(), Some(error)));
        let content = BroadcastContentType { network_type: 1, service: 0x33 };
        with(Tag::BROADCAST_CONTENT_TYPE, &content.octets(), |tlvs| {
            assert_eq!(tlvs.broadcast_content(), Some(content));
        });
        let interval = FrequencyInterval { unit: 9, value: 300 };
        with(Tag::BROADCAST_FREQUENCY_INTERVAL, &interval.octets(), |tlvs| {
            assert_eq!(tlvs.broadcast_frequency(), Some(interval));
        });
        let session = ItsSessionInfo { session_number: 7, sequence_number: 99, is_last: true };
        with(Tag::ITS_SESSION_INFO, &session.octets(), |tlvs| assert_eq!(tlvs.its_session(), Some(session)));
        with(Tag::CALLBACK_NUM, &[1, 1, 1, b'4', b'9'], |tlvs| {
            let number = CallbackNum { digit_mode: 1, ton: 1, npi: 1, digits: b"49" };
            assert_eq!(tlvs.callback_nums().collect::<Vec<_>>(), [number]);
        });
        with(Tag::BROADCAST_AREA_IDENTIFIER, b"\0north", |tlvs| {
            let area = BroadcastArea { format: 0, details: b"north" };
            assert_eq!(tlvs.broadcast_areas().collect::<Vec<_>>(), [area]);
        });
        with(Tag::DEST_SUBADDRESS, &[0xA0, 1], |tlvs| {
            assert_eq!(tlvs.subaddresses(), (None, Some(Subaddress { format: 0xA0, octets: &[1] })));
        });
        with(Tag::MS_VALIDITY, &[4, 1, 0, 30], |tlvs| {
            assert_eq!(tlvs.phone_validity(), Some(MsValidity { behaviour: 4, period: Some((1, 30)) }));
        });
    }

    #[test]
    fn a_value_of_the_wrong_length_is_kept_and_not_read() {
        with(Tag::NETWORK_ERROR_CODE, &[3, 1], |tlvs| assert_eq!(tlvs.network_error(), None));
        with(Tag::MESSAGE_STATE, &[], |tlvs| assert_eq!(tlvs.message_state(), None));
        with(Tag::QOS_TIME_TO_LIVE, &[1, 2, 3], |tlvs| {
            assert_eq!((tlvs.qos_time_to_live(), tlvs.iter().count()), (None, 1));
        });
        with(Tag::MS_VALIDITY, &[4, 1], |tlvs| assert_eq!(tlvs.phone_validity(), None));
        with(Tag::CALLBACK_NUM, &[1, 1], |tlvs| assert_eq!(tlvs.callback_nums().count(), 0));
    }

    #[test]
    fn a_part_without_its_companions_is_no_part() {
        let part = |reference: bool, total: u8, sequence: u8| {
            let mut area = Vec::new();
            if reference {
                tlv::append_short(&mut area, Tag::SAR_MSG_REF_NUM, 9);
            }
            tlv::append_octet(&mut area, Tag::SAR_TOTAL_SEGMENTS, total);
            tlv::append_octet(&mut area, Tag::SAR_SEGMENT_SEQNUM, sequence);
            Tlvs::parse(&area).unwrap().sar()
        };
        assert_eq!(part(true, 3, 3), Some(Sar { reference: 9, total: 3, sequence: 3 }));
        for wrong in [part(false, 3, 1), part(true, 3, 4), part(true, 3, 0), part(true, 0, 0)] {
            assert_eq!(wrong, None);
        }
    }

    #[test]
    fn every_congestion_state_keeps_its_octet() {
        for octet in 0..=u8::MAX {
            assert_eq!(u8::from(CongestionState::from(octet)), octet);
        }
        assert_eq!(CongestionState::from(89), CongestionState::Optimum(89));
        assert_eq!(CongestionState::from(90), CongestionState::NearCongestion(90));
    }
}
