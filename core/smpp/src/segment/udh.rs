//! The user data header: information elements before the text (3GPP TS 23.040 §9.2.3.24).
//!
//! Elements are kept as they came, in their order: ports, EMS and everything else pass untouched. Only
//! concatenation and the national shifts are understood here.

use crate::text::{Language, Shift};

/// An information element's identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identifier(pub u8);

#[expect(missing_docs, reason = "the names are the specification's")]
impl Identifier {
    pub const CONCATENATION_8: Self = Self(0x00);
    pub const PORTS_8: Self = Self(0x04);
    pub const PORTS_16: Self = Self(0x05);
    pub const CONCATENATION_16: Self = Self(0x08);
    pub const SINGLE_SHIFT: Self = Self(0x24);
    pub const LOCKING_SHIFT: Self = Self(0x25);
}

/// One information element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    /// What it is.
    pub identifier: Identifier,
    /// Its octets, without identifier and length.
    pub data: &'a [u8],
}

/// Which part of a message this is, by its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concatenation {
    /// Whether the reference has 16 bits.
    pub wide: bool,
    /// What all parts of the message share.
    pub reference: u16,
    /// How many parts there are; at least 1.
    pub total: u8,
    /// Which one this is, from 1.
    pub sequence: u8,
}

/// Application ports (3GPP TS 23.040 §9.2.3.24.3, .4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// Where it goes.
    pub destination: u16,
    /// Where it comes from.
    pub source: u16,
}

/// The elements of a header, known to add up. The length octet is not among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Udh<'a>(&'a [u8]);

impl<'a> Udh<'a> {
    /// Takes elements, if their lengths add up to the end.
    pub fn parse(elements: &'a [u8]) -> Option<Self> {
        let mut rest = elements;
        while !rest.is_empty() {
            rest = split_first(rest)?.1;
        }
        // A length octet says it.
        (elements.len() <= usize::from(u8::MAX)).then_some(Self(elements))
    }

    /// Splits user data into its header and what follows. None: the header does not add up.
    pub fn split(user_data: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (&length, behind) = user_data.split_first()?;
        let (elements, content) = behind.split_at_checked(usize::from(length))?;
        Some((Self::parse(elements)?, content))
    }

    /// The octets as they came, without the length octet.
    pub const fn octets(self) -> &'a [u8] {
        self.0
    }

    /// All, in the order of the wire.
    pub fn iter(self) -> impl Iterator<Item = Element<'a>> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let (element, behind) = split_first(rest)?;
            rest = behind;
            Some(element)
        })
    }

    /// Which part this is. Of several the last counts (§9.2.3.24); one with total 0, sequence 0 or a sequence
    /// beyond the total is ignored (§9.2.3.24.1), as is one of another length.
    pub fn concatenation(self) -> Option<Concatenation> {
        self.iter().filter_map(concatenation).last()
    }

    /// The tables of the text. Reserved languages are ignored.
    pub fn shift(self) -> Shift {
        let mut shift = Shift::NONE;
        for element in self.iter() {
            let &[identifier] = element.data else { continue };
            let Some(language) = Language::from_identifier(identifier) else { continue };
            match element.identifier {
                Identifier::SINGLE_SHIFT => shift.single = language,
                Identifier::LOCKING_SHIFT => shift.locking = language,
                _ => {}
            }
        }
        shift
    }

    /// Application ports, of either width.
    pub fn ports(self) -> Option<Ports> {
        let of = |element: Element<'_>| match (element.identifier, element.data) {
            (Identifier::PORTS_8, &[destination, source]) => {
                Some(Ports { destination: destination.into(), source: source.into() })
            }
            (Identifier::PORTS_16, &[a, b, c, d]) => {
                Some(Ports { destination: u16::from_be_bytes([a, b]), source: u16::from_be_bytes([c, d]) })
            }
            _ => None,
        };
        self.iter().filter_map(of).last()
    }

    /// Appends all elements but concatenation: what stays when a message takes another form.
    pub fn append_others(self, out: &mut Vec<u8>) {
        for element in self.iter() {
            if !matches!(element.identifier, Identifier::CONCATENATION_8 | Identifier::CONCATENATION_16) {
                append(out, element.identifier, element.data);
            }
        }
    }

    /// Octets of all elements but concatenation.
    pub fn others_octets(self) -> usize {
        let of = |element: Element<'_>| match element.identifier {
            Identifier::CONCATENATION_8 | Identifier::CONCATENATION_16 => 0,
            _ => 2 + element.data.len(),
        };
        self.iter().map(of).sum()
    }
}

impl Concatenation {
    /// Octets of its element.
    pub const fn octets(wide: bool) -> usize {
        if wide { 6 } else { 5 }
    }

    /// Appends its element. A narrow one has the low octet of the reference.
    pub fn append(self, out: &mut Vec<u8>) {
        let [high, low] = self.reference.to_be_bytes();
        if self.wide {
            append(out, Identifier::CONCATENATION_16, &[high, low, self.total, self.sequence]);
        } else {
            append(out, Identifier::CONCATENATION_8, &[low, self.total, self.sequence]);
        }
    }
}

/// Appends the elements that name the tables of a text; none for the default ones.
pub fn append_shift(out: &mut Vec<u8>, shift: Shift) {
    if shift.locking != Language::Default {
        append(out, Identifier::LOCKING_SHIFT, &[shift.locking as u8]);
    }
    if shift.single != Language::Default {
        append(out, Identifier::SINGLE_SHIFT, &[shift.single as u8]);
    }
}

/// Appends one element. `data` is at most 255 octets, and fewer where others stand beside it.
pub fn append(out: &mut Vec<u8>, identifier: Identifier, data: &[u8]) {
    debug_assert!(data.len() <= usize::from(u8::MAX));
    out.extend_from_slice(&[identifier.0, data.len() as u8]);
    out.extend_from_slice(data);
}

fn concatenation(element: Element<'_>) -> Option<Concatenation> {
    let (wide, reference, total, sequence) = match (element.identifier, element.data) {
        (Identifier::CONCATENATION_8, &[reference, total, sequence]) => {
            (false, u16::from(reference), total, sequence)
        }
        (Identifier::CONCATENATION_16, &[high, low, total, sequence]) => {
            (true, u16::from_be_bytes([high, low]), total, sequence)
        }
        _ => return None,
    };
    (1..=total).contains(&sequence).then_some(Concatenation { wide, reference, total, sequence })
}

fn split_first(elements: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (&[identifier, length], behind) = elements.split_first_chunk::<2>()?;
    let (data, rest) = behind.split_at_checked(usize::from(length))?;
    Some((Element { identifier: Identifier(identifier), data }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_concatenations_are_read() {
        let (udh, content) = Udh::split(b"\x05\x00\x03\xA7\x03\x02text").unwrap();
        let narrow = Concatenation { wide: false, reference: 0xA7, total: 3, sequence: 2 };
        assert_eq!((udh.concatenation(), content), (Some(narrow), &b"text"[..]));
        let (udh, _) = Udh::split(b"\x06\x08\x04\x12\x34\x03\x03").unwrap();
        let wide = Concatenation { wide: true, reference: 0x1234, total: 3, sequence: 3 };
        assert_eq!(udh.concatenation(), Some(wide));
        // The last counts.
        let (udh, _) = Udh::split(b"\x0B\x08\x04\x12\x34\x03\x03\x00\x03\xA7\x03\x02").unwrap();
        assert_eq!(udh.concatenation(), Some(narrow));
    }

    #[test]
    fn impossible_concatenations_are_ignored() {
        for elements in [
            &b"\x00\x03\x01\x00\x01"[..],
            b"\x00\x03\x01\x02\x00",
            b"\x00\x03\x01\x02\x03",
            b"\x00\x02\x01\x02",
            b"\x08\x03\x01\x02\x01",
        ] {
            assert_eq!(Udh::parse(elements).unwrap().concatenation(), None, "{elements:?}");
        }
    }

    #[test]
    fn ports_and_shifts_are_read_and_others_pass() {
        let elements = b"\x05\x04\x0B\x84\x23\xF0\x25\x01\x06\x24\x01\x01\x70\x00\x24\x01\xEE";
        let udh = Udh::parse(elements).unwrap();
        assert_eq!(udh.ports(), Some(Ports { destination: 2948, source: 9200 }));
        assert_eq!(udh.shift(), Shift { locking: Language::Hindi, single: Language::Turkish });
        let mut others = Vec::new();
        udh.append_others(&mut others);
        assert_eq!((others.as_slice(), udh.others_octets()), (&elements[..], elements.len()));
    }

    #[test]
    fn headers_that_do_not_add_up_are_refused() {
        for user_data in [&b""[..], b"\x05\x00\x03\x01\x02", b"\x02\x00\x03\x01\x02\x01", b"\x01\x00"] {
            assert_eq!(Udh::split(user_data), None, "{user_data:?}");
        }
        assert_eq!(Udh::split(b"\x00text"), Some((Udh::default(), &b"text"[..])));
    }

    proptest! {
        #[test]
        fn reading_never_panics(user_data in prop::collection::vec(any::<u8>(), 0..60)) {
            if let Some((udh, content)) = Udh::split(&user_data) {
                udh.concatenation();
                udh.shift();
                udh.ports();
                prop_assert_eq!(1 + udh.octets().len() + content.len(), user_data.len());
            }
        }
    }
}
