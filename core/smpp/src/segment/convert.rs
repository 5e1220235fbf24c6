//! The parts of a message in another form.

use super::whole::{SplitError, Whole, split};
use super::{Form, Kind, PartBody, Position, Segmented};
use crate::text::Encoding;

/// Parts in their new form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Converted {
    /// One a PDU.
    pub parts: Vec<PartBody>,
    /// Whether each is one of the parts that came, in their order. Otherwise the message was cut anew, and what is said
    /// of a part (its id, its receipt) is not said of one that came.
    pub part_for_part: bool,
}

/// Why parts cannot be converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConvertError {
    /// They are not all parts of one message, each once, by their sequence.
    NotWhole,
    /// Their headers differ in more than their place, which one piece cannot say.
    HeadersDiffer,
    /// Their new form cannot be.
    Split(SplitError),
}

impl std::fmt::Display for ConvertError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotWhole => formatter.write_str("these are not all parts of one message in their order"),
            Self::HeadersDiffer => {
                formatter.write_str("the parts have different headers, which one piece cannot carry")
            }
            Self::Split(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for ConvertError {}

/// Writes the parts of a message in another form, with a new reference. Nothing of the content is lost or changed.
/// Part for part where each part fits with its new header; else the message is cut anew.
///
/// # Errors
/// It cannot be done without loss.
pub fn convert(
    parts: &[Segmented<'_>],
    encoding: &Encoding,
    form: Form,
    reference: u16,
) -> Result<Converted, ConvertError> {
    let first = parts.first().ok_or(ConvertError::NotWhole)?;
    let is_whole = parts.len() == usize::from(first.total)
        && parts
            .iter()
            .zip(1..=first.total)
            .all(|(part, sequence)| Position { sequence, ..first.position() } == part.position());
    if !is_whole {
        return Err(ConvertError::NotWhole);
    }
    if let Some(kind) = kind_of(form).filter(|_| first.total > 1) {
        let rewritten: Option<Vec<_>> =
            parts.iter().map(|part| part.rewrite(encoding, kind, reference)).collect();
        if let Some(parts) = rewritten {
            return Ok(Converted { parts, part_for_part: true });
        }
    }
    let whole = Whole::join(parts.iter().copied(), encoding);
    if whole.headers_differ {
        return Err(ConvertError::HeadersDiffer);
    }
    let new = split(&whole, encoding, form, reference).map_err(ConvertError::Split)?;
    Ok(Converted { part_for_part: new.len() == parts.len() && new.len() == 1, parts: new })
}

impl Segmented<'_> {
    /// Writes this part alone, without the others, with another kind of reference: what a gateway does that does not
    /// wait for the rest. None: it is no part, the new kind makes none, or the part is too long for its new header.
    pub fn rewrite(&self, encoding: &Encoding, kind: Kind, reference: u16) -> Option<PartBody> {
        let form = match kind {
            Kind::Udh8 => Form::Udh8,
            Kind::Udh16 => Form::Udh16,
            Kind::Sar => Form::Sar,
            Kind::Single | Kind::Payload => return None,
        };
        if matches!(self.kind, Kind::Single | Kind::Payload) {
            return None;
        }
        let mut content = Vec::with_capacity(self.content.len());
        self.append_unpacked(encoding, &mut content);
        let header_octets = form.header_octets(self.header.others_octets());
        if !encoding.fits(&content, header_octets) {
            return None;
        }
        let position = Position { kind, reference, ..self.position() };
        Some(PartBody::new(position, self.header, encoding, &content))
    }
}

const fn kind_of(form: Form) -> Option<Kind> {
    match form {
        Form::Udh8 => Some(Kind::Udh8),
        Form::Udh16 => Some(Kind::Udh16),
        Form::Sar => Some(Kind::Sar),
        Form::Payload => None,
    }
}
