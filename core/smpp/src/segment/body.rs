//! One part as it is written into a PDU.

use super::udh::{Concatenation, Udh};
use super::{Kind, SAR_MSG_REF_NUM, SAR_SEGMENT_SEQNUM, SAR_TOTAL_SEGMENTS, Segmented};
use crate::pdu::ShortMessage;
use crate::text::{Charset, Encoding, fill_bits, pack, unpack};
use crate::tlv::{self, Tag, Tlvs};
use crate::values::EsmClass;

/// The longest short_message (SMPP 3.4 §5.2.21).
const SHORT_MESSAGE_OCTETS_MAX: usize = 254;

/// Where a part stands among the others, and what says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// What says so.
    pub kind: Kind,
    /// What all parts share. A user data header of 8 bits has its low octet.
    pub reference: u16,
    /// How many there are.
    pub total: u8,
    /// Which one this is, from 1.
    pub sequence: u8,
}

/// What of a PDU differs from part to part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartBody {
    /// Whether esm_class says that a user data header stands before the text.
    pub has_udh: bool,
    /// short_message, with the header.
    pub short_message: Vec<u8>,
    /// The sar TLVs, message_payload: to be appended to those that all parts have.
    pub tlvs: Vec<u8>,
}

impl PartBody {
    /// Writes a part: `others` are the elements of its header but concatenation, `content` is not packed.
    /// What does not fit into short_message goes into message_payload.
    pub fn new(position: Position, others: Udh<'_>, encoding: &Encoding, content: &[u8]) -> Self {
        let Position { kind, reference, total, sequence } = position;
        let mut user_data = Vec::with_capacity(12 + others.octets().len() + content.len());
        user_data.push(0);
        if matches!(kind, Kind::Udh8 | Kind::Udh16) {
            Concatenation { wide: kind == Kind::Udh16, reference, total, sequence }.append(&mut user_data);
        }
        others.append_others(&mut user_data);
        let has_udh = user_data.len() > 1;
        if has_udh {
            // A header that was read has at most 255 octets; `fits` keeps the sum below it.
            user_data[0] = (user_data.len() - 1) as u8;
        } else {
            user_data.clear();
        }
        match encoding.charset {
            Charset::GsmPacked(padding) => {
                let fill = fill_bits(user_data.len());
                pack(content, fill, padding, &mut user_data);
            }
            _ => user_data.extend_from_slice(content),
        }
        let mut body = Self { has_udh, ..Self::default() };
        if kind == Kind::Sar {
            tlv::append(&mut body.tlvs, SAR_MSG_REF_NUM, &reference.to_be_bytes());
            tlv::append(&mut body.tlvs, SAR_TOTAL_SEGMENTS, &[total]);
            tlv::append(&mut body.tlvs, SAR_SEGMENT_SEQNUM, &[sequence]);
        }
        if kind == Kind::Payload || user_data.len() > SHORT_MESSAGE_OCTETS_MAX {
            tlv::append(&mut body.tlvs, Tag::MESSAGE_PAYLOAD, &user_data);
        } else {
            body.short_message = user_data;
        }
        body
    }

    /// The esm_class of the part, from that of the message.
    pub const fn esm_class(&self, of_message: EsmClass) -> EsmClass {
        const UDH_INDICATOR: u8 = 0x40;
        EsmClass(if self.has_udh { of_message.0 | UDH_INDICATOR } else { of_message.0 & !UDH_INDICATOR })
    }

    /// The part as a PDU: everything of `message` but what belongs to this part alone. `area` receives the TLVs.
    pub fn message<'a>(&'a self, message: &ShortMessage<'a>, area: &'a mut Vec<u8>) -> ShortMessage<'a> {
        area.clear();
        append_other_tlvs(message.tlvs, area);
        area.extend_from_slice(&self.tlvs);
        ShortMessage {
            esm_class: self.esm_class(message.esm_class),
            short_message: &self.short_message,
            // Two areas that add up, one after the other, add up.
            tlvs: Tlvs::parse(area).unwrap_or_default(),
            ..*message
        }
    }
}

/// Appends all TLVs but those that say which part a PDU carries, and message_payload.
pub fn append_other_tlvs(tlvs: Tlvs<'_>, out: &mut Vec<u8>) {
    let of_part = [SAR_MSG_REF_NUM, SAR_TOTAL_SEGMENTS, SAR_SEGMENT_SEQNUM, Tag::MESSAGE_PAYLOAD];
    for tlv in tlvs.iter().filter(|tlv| !of_part.contains(&tlv.tag)) {
        tlv::append(out, tlv.tag, tlv.value);
    }
}

impl Segmented<'_> {
    /// Appends the content, unpacked where the encoding packs it.
    pub fn append_unpacked(&self, encoding: &Encoding, out: &mut Vec<u8>) {
        match encoding.charset {
            Charset::GsmPacked(padding) => unpack(self.content, fill_bits(self.header_octets), padding, out),
            _ => out.extend_from_slice(self.content),
        }
    }
}
