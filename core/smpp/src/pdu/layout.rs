//! The layout of a body, said once: the order of its fields. Reading, writing and describing follow from it.
//!
//! A field is `name: Type = kind(rule)`. Its kind names three functions: a method of [`super::cursor::Cursor`] that reads it,
//! one of [`put`] that writes it, one of [`see`] that tells a [`Visitor`] of it.

use super::DecodeError;
use super::cursor::Cursor;
use super::rules;
use crate::tlv::Tlvs;

/// Makes a struct out of the fields of a PDU, and what stands behind them.
macro_rules! layout {
    (
        $(#[$meta:meta])*
        $name:ident {
            $($(#[$field_meta:meta])* $field:ident: $type:ty = $kind:ident($rule:expr),)*
        } then {
            $(#[$tail_meta:meta])* $tail:ident: $tail_type:ty = $tail_kind:ident($tail_rule:expr),
        }
    ) => {
        $(#[$meta])*
        pub struct $name<'a> {
            $($(#[$field_meta])* pub $field: $type,)*
            $(#[$tail_meta])* pub $tail: $tail_type,
        }

        impl<'a> $name<'a> {
            /// Reads the body.
            ///
            /// # Errors
            /// The first field that breaks its rule.
            pub fn decode(body: &'a [u8]) -> Result<Self, $crate::pdu::DecodeError> {
                $crate::pdu::layout::Body::read(&mut $crate::pdu::cursor::Cursor::new(body))
            }

            /// Appends the body.
            pub fn encode(&self, out: &mut Vec<u8>) {
                $crate::pdu::layout::Body::write(self, out);
            }

            /// Appends the mandatory fields only.
            pub fn encode_mandatory(&self, out: &mut Vec<u8>) {
                $($crate::pdu::layout::put::$kind(out, self.$field);)*
            }
        }

        impl<'a> $crate::pdu::layout::Body<'a> for $name<'a> {
            fn read(
                cursor: &mut $crate::pdu::cursor::Cursor<'a>,
            ) -> Result<Self, $crate::pdu::DecodeError> {
                Ok(Self {
                    $($field: cursor.$kind($rule)?,)*
                    $tail: cursor.$tail_kind($tail_rule)?,
                })
            }

            fn write(&self, out: &mut Vec<u8>) {
                self.encode_mandatory(out);
                $crate::pdu::layout::put::$tail_kind(out, self.$tail);
            }

            fn describe(&self, visitor: &mut impl $crate::pdu::layout::Visitor) {
                $($crate::pdu::layout::see::$kind(visitor, $rule, self.$field);)*
                $crate::pdu::layout::see::$tail_kind(visitor, $tail_rule, self.$tail);
            }

            fn tlvs_mut(&mut self) -> Option<&mut $crate::tlv::Tlvs<'a>> {
                $crate::pdu::layout::Tail::tlvs_mut(&mut self.$tail)
            }
        }
    };
}
pub(super) use layout;

/// What stands behind the header of a PDU.
pub(super) trait Body<'a>: Sized {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, DecodeError>;
    fn write(&self, out: &mut Vec<u8>);
    fn describe(&self, visitor: &mut impl Visitor);
    fn tlvs_mut(&mut self) -> Option<&mut Tlvs<'a>>;
}

/// A PDU without fields: whatever stands in it.
impl<'a> Body<'a> for Tlvs<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, DecodeError> {
        cursor.loose_tlvs(rules::TLVS)
    }

    fn write(&self, out: &mut Vec<u8>) {
        put::tlvs(out, *self);
    }

    fn describe(&self, visitor: &mut impl Visitor) {
        see::tlvs(visitor, rules::TLVS, *self);
    }

    fn tlvs_mut(&mut self) -> Option<&mut Tlvs<'a>> {
        Some(self)
    }
}

/// A response of several fields, which an error response does not have.
impl<'a, T: Body<'a>> Body<'a> for Option<T> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, DecodeError> {
        if cursor.is_at_end() { Ok(None) } else { T::read(cursor).map(Some) }
    }

    fn write(&self, out: &mut Vec<u8>) {
        if let Some(body) = self {
            body.write(out);
        }
    }

    fn describe(&self, visitor: &mut impl Visitor) {
        if let Some(body) = self {
            body.describe(visitor);
        }
    }

    fn tlvs_mut(&mut self) -> Option<&mut Tlvs<'a>> {
        self.as_mut().and_then(T::tlvs_mut)
    }
}

/// The last field of a layout: TLVs, or octets where the specification has no TLVs.
pub(super) trait Tail<'a> {
    fn tlvs_mut(&mut self) -> Option<&mut Tlvs<'a>>;
}

impl<'a> Tail<'a> for Tlvs<'a> {
    fn tlvs_mut(&mut self) -> Option<&mut Tlvs<'a>> {
        Some(self)
    }
}

impl<'a> Tail<'a> for &'a [u8] {
    fn tlvs_mut(&mut self) -> Option<&mut Tlvs<'a>> {
        None
    }
}

/// Who is told of fields.
pub(super) trait Visitor {
    fn number(&mut self, name: &str, value: u32);
    /// A C-octet string.
    fn text(&mut self, name: &str, value: &[u8]);
    /// Octets of any meaning.
    fn octets(&mut self, name: &str, value: &[u8]);
    /// What shall not be shown.
    fn secret(&mut self, name: &str);
}

/// Writes fields.
pub(super) mod put {
    use crate::pdu::{Address, CText, Destinations, Unsuccessful};
    use crate::tlv::Tlvs;

    pub fn octet(out: &mut Vec<u8>, value: impl Into<u8>) {
        out.push(value.into());
    }

    pub fn text(out: &mut Vec<u8>, text: &[u8]) {
        debug_assert!(!text.contains(&0));
        out.extend_from_slice(text);
        out.push(0);
    }

    pub use text as secret;
    pub use text as time;

    pub fn loose_text(out: &mut Vec<u8>, text: CText<'_>) {
        out.extend_from_slice(text.octets);
        if text.is_terminated {
            out.push(0);
        }
    }

    pub fn address(out: &mut Vec<u8>, address: Address<'_>) {
        out.extend_from_slice(&[address.ton, address.npi]);
        text(out, address.digits);
    }

    pub fn short_message(out: &mut Vec<u8>, octets: &[u8]) {
        debug_assert!(octets.len() <= usize::from(u8::MAX));
        out.push(octets.len() as u8);
        out.extend_from_slice(octets);
    }

    pub fn destinations(out: &mut Vec<u8>, destinations: Destinations<'_>) {
        out.push(destinations.count());
        out.extend_from_slice(destinations.octets());
    }

    pub fn unsuccessful(out: &mut Vec<u8>, unsuccessful: Unsuccessful<'_>) {
        out.push(unsuccessful.count());
        out.extend_from_slice(unsuccessful.octets());
    }

    pub fn tlvs(out: &mut Vec<u8>, tlvs: Tlvs<'_>) {
        out.extend_from_slice(tlvs.octets());
    }

    pub use tlvs as loose_tlvs;

    pub fn trailing(out: &mut Vec<u8>, octets: &[u8]) {
        out.extend_from_slice(octets);
    }
}

/// Tells of fields by their names in the specification.
pub(super) mod see {
    use std::collections::HashMap;

    use super::Visitor;
    use crate::pdu::rules::{
        AddressRule, DEST_FLAG, DESTINATION, DL_NAME, ERROR_STATUS_CODE, Rule, SM_LENGTH,
    };
    use crate::pdu::{Address, CText, Destination, Destinations, Unsuccessful};
    use crate::tlv::{Kind, Tlv, Tlvs};

    pub fn octet(visitor: &mut impl Visitor, name: &str, value: impl Into<u8>) {
        visitor.number(name, u32::from(value.into()));
    }

    pub fn text(visitor: &mut impl Visitor, rule: Rule, text: &[u8]) {
        visitor.text(rule.name, text);
    }

    pub use text as time;

    pub fn secret(visitor: &mut impl Visitor, rule: Rule, _: &[u8]) {
        visitor.secret(rule.name);
    }

    /// A text that is missing is not told of.
    pub fn loose_text(visitor: &mut impl Visitor, rule: Rule, text: CText<'_>) {
        if text != CText::MISSING {
            visitor.text(rule.name, text.octets);
        }
    }

    pub fn address(visitor: &mut impl Visitor, rule: AddressRule, address: Address<'_>) {
        octet(visitor, rule.ton, address.ton);
        octet(visitor, rule.npi, address.npi);
        visitor.text(rule.digits.name, address.digits);
    }

    pub fn short_message(visitor: &mut impl Visitor, name: &str, octets: &[u8]) {
        visitor.number(SM_LENGTH, octets.len() as u32);
        visitor.octets(name, octets);
    }

    pub fn destinations(visitor: &mut impl Visitor, name: &str, destinations: Destinations<'_>) {
        octet(visitor, name, destinations.count());
        for (index, destination) in destinations.iter().enumerate() {
            let mut entry = Entry { visitor: &mut *visitor, prefix: format!("dest_address[{index}]") };
            octet(&mut entry, DEST_FLAG, destination.flag());
            match destination {
                Destination::Address(one) => address(&mut entry, DESTINATION, one),
                Destination::List(list) => text(&mut entry, DL_NAME, list),
            }
        }
    }

    pub fn unsuccessful(visitor: &mut impl Visitor, name: &str, unsuccessful: Unsuccessful<'_>) {
        octet(visitor, name, unsuccessful.count());
        for (index, failure) in unsuccessful.iter().enumerate() {
            let mut entry = Entry { visitor: &mut *visitor, prefix: format!("unsuccess_sme[{index}]") };
            address(&mut entry, DESTINATION, failure.address);
            entry.number(ERROR_STATUS_CODE, failure.status.0);
        }
    }

    /// Each by its name; the second of a kind is `name[1]`. What is no TLV stands under `trailing`.
    pub fn tlvs(visitor: &mut impl Visitor, _: &str, tlvs: Tlvs<'_>) {
        let mut counts = HashMap::new();
        for tlv in tlvs.iter() {
            let count = counts.entry(tlv.tag).or_insert(0_u32);
            let earlier = *count;
            *count += 1;
            let mut name = match tlv.tag.definition() {
                Some(definition) => definition.name.to_owned(),
                None => format!("0x{:04X}", tlv.tag.0),
            };
            if earlier > 0 {
                name.push_str(&format!("[{earlier}]"));
            }
            value(&mut Entry { visitor: &mut *visitor, prefix: "tlv".to_owned() }, &name, tlv);
        }
        trailing(visitor, crate::pdu::rules::TRAILING, tlvs.broken());
    }

    pub use tlvs as loose_tlvs;

    pub fn trailing(visitor: &mut impl Visitor, name: &str, octets: &[u8]) {
        if !octets.is_empty() {
            visitor.octets(name, octets);
        }
    }

    /// By its type, if its length allows it.
    fn value(visitor: &mut impl Visitor, name: &str, tlv: Tlv<'_>) {
        let kind = tlv.tag.definition().map_or(Kind::Octets, |definition| definition.kind);
        match (kind, tlv.value) {
            (Kind::Octet, &[value]) => visitor.number(name, value.into()),
            (Kind::Short, &[high, low]) => visitor.number(name, u16::from_be_bytes([high, low]).into()),
            (Kind::Word, &[a, b, c, d]) => visitor.number(name, u32::from_be_bytes([a, b, c, d])),
            (Kind::Text, octets) => visitor.text(name, octets.strip_suffix(&[0]).unwrap_or(octets)),
            (_, octets) => visitor.octets(name, octets),
        }
    }

    /// Sets a prefix before names.
    struct Entry<'v, V> {
        visitor: &'v mut V,
        prefix: String,
    }

    impl<V: Visitor> Visitor for Entry<'_, V> {
        fn number(&mut self, name: &str, value: u32) {
            self.visitor.number(&format!("{}.{name}", self.prefix), value);
        }

        fn text(&mut self, name: &str, value: &[u8]) {
            self.visitor.text(&format!("{}.{name}", self.prefix), value);
        }

        fn octets(&mut self, name: &str, value: &[u8]) {
            self.visitor.octets(&format!("{}.{name}", self.prefix), value);
        }

        fn secret(&mut self, name: &str) {
            self.visitor.secret(&format!("{}.{name}", self.prefix));
        }
    }
}
