//! What ties a message to others: to the parts that it goes out in, to the message that it is a part of, to the one that it was
//! joined into.

use brivas_proto::v1;

use super::manner::Manner;
use crate::shard::messages::{MessageRef, Outcome};

/// What ties a message to others.
#[derive(Debug)]
pub(crate) enum Link {
    Whole(Whole),
    /// A part of another message, with its number from 1.
    Part {
        of: MessageRef,
        number: u8,
    },
    /// Goes out in another message, with the rest of what the customer sent in parts, and shares what becomes of it.
    Joined,
}

/// A message that goes out in PDUs of its own.
#[derive(Debug, Default)]
pub(crate) struct Whole {
    /// By number. Empty: not made yet, or taken back.
    pub(crate) parts: Vec<Part>,
    /// The messages that go out with it.
    pub(crate) joined: Vec<MessageRef>,
    /// The body of all of them, where some are joined.
    pub(crate) body: Vec<u8>,
    pub(crate) manner: Manner,
    pub(crate) reference: u16,
}

/// One of its PDUs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Part {
    /// While it is open.
    pub(crate) name: Option<MessageRef>,
    pub(crate) outcome: Option<Outcome>,
}

/// What the journal says of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PartRecord {
    pub(crate) number: u8,
    pub(crate) total: u8,
    pub(crate) reference: u16,
    pub(crate) manner: Manner,
}

impl Whole {
    /// What the journal says of part `number`.
    pub(crate) fn record(&self, number: u8) -> PartRecord {
        PartRecord { number, total: self.parts.len() as u8, reference: self.reference, manner: self.manner }
    }
}

impl PartRecord {
    /// As the generated type.
    pub(crate) fn to_proto(self) -> v1::Part {
        v1::Part {
            number: self.number.into(),
            total: self.total.into(),
            reference: self.reference.into(),
            form: self.manner.form_number(),
            alphabet: self.manner.alphabet_number(),
        }
    }

    /// From it; None where it cannot be.
    pub(crate) fn from_proto(part: &v1::Part) -> Option<Self> {
        let (number, total) = (u8::try_from(part.number).ok()?, u8::try_from(part.total).ok()?);
        (1..=total).contains(&number).then(|| Self {
            number,
            total,
            reference: part.reference as u16,
            manner: Manner::new(part.form, part.alphabet),
        })
    }
}
