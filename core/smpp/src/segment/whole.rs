//! A message in one piece, and its parts.

use super::udh::Udh;
use super::{Form, Kind, PartBody, Position, Segmented};
use crate::text::Encoding;

/// What message_payload holds at most, as a TLV's length says (SMPP 3.4 §5.3.2.32).
pub const PAYLOAD_OCTETS_MAX: usize = 65_535;

/// Parts that a message has at most.
const PARTS_MAX: usize = 255;

/// A whole message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// The elements of its header but concatenation, as the first part has them.
    pub header: Vec<u8>,
    /// Whether other parts have others: then they are lost here.
    pub headers_differ: bool,
    /// The content, not packed.
    pub content: Vec<u8>,
}

/// Why a message has no parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SplitError {
    /// It would have more than 255.
    TooManyParts(usize),
    /// It does not fit into message_payload.
    PayloadTooLong(usize),
    /// The header leaves no room for text.
    HeaderTooLong(usize),
}

impl std::fmt::Display for SplitError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooManyParts(parts) => write!(formatter, "{parts} parts, at most 255 are possible"),
            Self::PayloadTooLong(octets) => {
                write!(formatter, "{octets} octets, at most 65,535 fit into message_payload")
            }
            Self::HeaderTooLong(octets) => write!(formatter, "a header of {octets} octets leaves no room"),
        }
    }
}

impl std::error::Error for SplitError {}

impl Whole {
    /// Puts parts together, in the order given: all of one message, sorted by their sequence.
    pub fn join<'a>(parts: impl IntoIterator<Item = Segmented<'a>>, encoding: &Encoding) -> Self {
        let mut whole = Self { header: Vec::new(), headers_differ: false, content: Vec::new() };
        let mut others = Vec::new();
        for (number, part) in parts.into_iter().enumerate() {
            if number == 0 {
                part.header.append_others(&mut whole.header);
            } else {
                others.clear();
                part.header.append_others(&mut others);
                whole.headers_differ |= others != whole.header;
            }
            part.append_unpacked(encoding, &mut whole.content);
        }
        whole
    }

    /// The header's elements.
    pub fn udh(&self) -> Udh<'_> {
        Udh::parse(&self.header).unwrap_or_default()
    }

    /// The text, for people: `encoding` with the tables that the header names.
    pub fn text(&self, encoding: &Encoding) -> String {
        Encoding { shift: self.udh().shift(), ..*encoding }.decode(&self.content)
    }
}

/// Where the parts of `content` end, as they go over the air: one if it fits alone, else as many as `form` needs.
/// `others_octets` are those of the header's elements but concatenation.
///
/// # Errors
/// It cannot be done.
pub fn parts_of(
    content: &[u8],
    encoding: &Encoding,
    form: Form,
    others_octets: usize,
) -> Result<Vec<usize>, SplitError> {
    let alone_octets = if others_octets == 0 { 0 } else { 1 + others_octets };
    // Short enough to count: an octet is a quarter of a unit at least.
    if content.len() <= encoding.capacity(alone_octets) * 4 && encoding.fits(content, alone_octets) {
        return Ok(vec![content.len()]);
    }
    let header_octets = form.header_octets(others_octets);
    let capacity = encoding.capacity(header_octets);
    if capacity < ATOM_UNITS_MAX {
        return Err(SplitError::HeaderTooLong(header_octets));
    }
    let (mut ends, mut end) = (Vec::new(), 0);
    while end < content.len() {
        if ends.len() == PARTS_MAX {
            let more = encoding.units(&content[end..]).div_ceil(capacity);
            return Err(SplitError::TooManyParts(PARTS_MAX + more));
        }
        let rest = &content[end..];
        let mut length = encoding.cut(rest, capacity);
        if !encoding.fits(&rest[..length], header_octets) {
            length = encoding.cut(rest, capacity - 1);
        }
        end += length;
        ends.push(end);
    }
    Ok(ends)
}

/// Splits a message into what is written into its PDUs: one alone if it fits, else in the form asked for. As
/// [`Form::Payload`] it is always one, in message_payload.
///
/// # Errors
/// It cannot be done.
pub fn split(
    whole: &Whole,
    encoding: &Encoding,
    form: Form,
    reference: u16,
) -> Result<Vec<PartBody>, SplitError> {
    let others = whole.udh();
    let alone = |kind| {
        let position = Position { kind, reference: 0, total: 1, sequence: 1 };
        vec![PartBody::new(position, others, encoding, &whole.content)]
    };
    if form == Form::Payload {
        let octets = 1 + whole.header.len() + whole.content.len();
        return if octets > PAYLOAD_OCTETS_MAX {
            Err(SplitError::PayloadTooLong(octets))
        } else {
            Ok(alone(Kind::Payload))
        };
    }
    let ends = parts_of(&whole.content, encoding, form, others.octets().len())?;
    if ends.len() == 1 {
        return Ok(alone(Kind::Single));
    }
    let kind = match form {
        Form::Udh16 => Kind::Udh16,
        Form::Sar => Kind::Sar,
        _ => Kind::Udh8,
    };
    let total = ends.len() as u8;
    let starts = std::iter::once(0).chain(ends.iter().copied());
    let pieces = starts.zip(&ends).map(|(start, &end)| &whole.content[start..end]);
    let bodies = pieces.zip(1..=total).map(|(piece, sequence)| {
        let position = Position { kind, reference, total, sequence };
        PartBody::new(position, others, encoding, piece)
    });
    Ok(bodies.collect())
}

/// What may have to stay together is at most so long; a part must have room for it.
const ATOM_UNITS_MAX: usize = 4;
