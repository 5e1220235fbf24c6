//! Long messages: which part of which message a PDU carries, and the same message in another form.
//!
//! A message travels whole (alone, or in message_payload) or in parts, told apart by a user data header
//! (3GPP TS 23.040 §9.2.3.24.1, .8) or by three TLVs (SMPP 3.4 §5.3.2.22 to .24). [`Segmented::read`] sees what
//! came, [`split`] makes parts, [`convert`] changes the form, [`Reassembler`] puts parts together.
//!
//! Content is converted as octets. Nothing is read as text but what a cut must not break, which is why an
//! [`Encoding`](crate::text::Encoding) is asked for.

mod body;
mod convert;
mod reassemble;
pub mod udh;
mod whole;

pub use body::{PartBody, Position, append_other_tlvs};
pub use convert::{ConvertError, Converted, convert};
pub use reassemble::{Assembled, Incomplete, Offer, Reassembler, ReassemblerConfig};
pub use udh::Udh;
pub use whole::{SplitError, Whole, parts_of, split};

use crate::pdu::ShortMessage;
use crate::tlv::{Tag, Tlvs};
use udh::Concatenation;

/// sar_msg_ref_num (SMPP 3.4 §5.3.2.22).
pub const SAR_MSG_REF_NUM: Tag = Tag(0x020C);
/// sar_total_segments (SMPP 3.4 §5.3.2.23).
pub const SAR_TOTAL_SEGMENTS: Tag = Tag(0x020E);
/// sar_segment_seqnum (SMPP 3.4 §5.3.2.24).
pub const SAR_SEGMENT_SEQNUM: Tag = Tag(0x020F);

/// How a message of several parts travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// Parts, by a user data header with an 8-bit reference.
    #[default]
    Udh8,
    /// Parts, by a user data header with a 16-bit reference.
    Udh16,
    /// Parts, by the sar TLVs. The carrier makes the header, of 8 bits as is assumed.
    Sar,
    /// One PDU with message_payload. The carrier makes the parts.
    Payload,
}

impl Form {
    /// Octets of the header that a part has on the air, with its length octet, where other elements take so many.
    pub const fn header_octets(self, others_octets: usize) -> usize {
        1 + others_octets + Concatenation::octets(matches!(self, Self::Udh16))
    }
}

/// What tells a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Nothing: it is a message of its own, in short_message.
    Single,
    /// Nothing: it is a message of its own, in message_payload.
    Payload,
    /// A user data header with an 8-bit reference.
    Udh8,
    /// A user data header with a 16-bit reference.
    Udh16,
    /// The sar TLVs.
    Sar,
}

/// What is wrong with a part. The content may still be handed on as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentError {
    /// esm_class says that there is a header, and it does not add up.
    Header,
    /// Not all three of the sar TLVs are there (ESME_RMISSINGTLV).
    SarMissing,
    /// A sar TLV has a wrong length, or a total or sequence that cannot be (ESME_RINVTLVVAL).
    SarValue,
}

impl std::fmt::Display for SegmentError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Header => "the user data header does not add up",
            Self::SarMissing => "sar_msg_ref_num, sar_total_segments and sar_segment_seqnum belong together",
            Self::SarValue => "a sar TLV has an impossible length or value",
        })
    }
}

impl std::error::Error for SegmentError {}

/// One part, as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segmented<'a> {
    /// What tells it.
    pub kind: Kind,
    /// What all parts of the message share; 0 where there is only one.
    pub reference: u16,
    /// How many parts there are; 1 where there is only one.
    pub total: u8,
    /// Which one this is, from 1.
    pub sequence: u8,
    /// All elements of its header, concatenation among them.
    pub header: Udh<'a>,
    /// Octets that the header takes, with its length octet; 0 without one. Packed septets start behind them.
    pub header_octets: usize,
    /// What follows the header, as it came.
    pub content: &'a [u8],
}

impl<'a> Segmented<'a> {
    /// Sees which part a submit_sm or deliver_sm carries. Where header and TLVs both say it, the header is believed:
    /// it is what the phone gets.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(message: &ShortMessage<'a>) -> Result<Self, SegmentError> {
        let user_data = message.text();
        let has_udh = message.esm_class.has_udh();
        let (header, content) = if has_udh {
            Udh::split(user_data).ok_or(SegmentError::Header)?
        } else {
            (Udh::default(), user_data)
        };
        let position = match header.concatenation() {
            Some(concatenation) => Some(concatenation.into()),
            None => sar(message.tlvs)?,
        };
        let alone = if message.short_message.is_empty() && !user_data.is_empty() {
            Kind::Payload
        } else {
            Kind::Single
        };
        let position = position.unwrap_or(Position { kind: alone, reference: 0, total: 1, sequence: 1 });
        let header_octets = user_data.len() - content.len();
        let Position { kind, reference, total, sequence } = position;
        Ok(Self { kind, reference, total, sequence, header, header_octets, content })
    }

    /// Whether there are others that belong to it.
    pub const fn is_part(&self) -> bool {
        self.total > 1
    }

    /// Its place.
    pub const fn position(&self) -> Position {
        Position { kind: self.kind, reference: self.reference, total: self.total, sequence: self.sequence }
    }
}

impl From<Concatenation> for Position {
    fn from(of: Concatenation) -> Self {
        let kind = if of.wide { Kind::Udh16 } else { Kind::Udh8 };
        Self { kind, reference: of.reference, total: of.total, sequence: of.sequence }
    }
}

fn sar(tlvs: Tlvs<'_>) -> Result<Option<Position>, SegmentError> {
    let found = [SAR_MSG_REF_NUM, SAR_TOTAL_SEGMENTS, SAR_SEGMENT_SEQNUM].map(|tag| tlvs.find(tag));
    match found {
        [None, None, None] => Ok(None),
        [Some(&[high, low]), Some(&[total]), Some(&[sequence])] if (1..=total).contains(&sequence) => {
            let reference = u16::from_be_bytes([high, low]);
            Ok(Some(Position { kind: Kind::Sar, reference, total, sequence }))
        }
        [Some(_), Some(_), Some(_)] => Err(SegmentError::SarValue),
        _ => Err(SegmentError::SarMissing),
    }
}

#[cfg(test)]
mod reassembly_tests;
#[cfg(test)]
mod tests;
