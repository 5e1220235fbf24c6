//! Optional parameters: tag, length, value (SMPP 3.4 §3.2.4.1, §5.3; 5.0 §4.8). Every one is kept as it came: unknown
//! ones, vendors' ones, the second of a kind. Nothing is copied: [`Tlvs`] walks over the octets of the PDU.

mod tag;
mod value;

pub use tag::{DEFINITIONS, Definition, Kind, Tag};
pub use value::{
    BroadcastArea, BroadcastContentType, CallbackNum, CongestionState, FrequencyInterval, ItsSessionInfo,
    MsValidity, NetworkErrorCode, Sar, Subaddress,
};

use crate::values::InterfaceVersion;

/// One optional parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// What it is.
    pub tag: Tag,
    /// Its octets, without tag and length.
    pub value: &'a [u8],
}

/// The TLV area of a PDU.
///
/// [`Self::parse`] takes well-formed areas only; [`Self::lenient`] takes any, and gives the TLVs up to where it breaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tlvs<'a>(&'a [u8]);

impl<'a> Tlvs<'a> {
    /// Takes the area if its lengths add up to its end.
    pub fn parse(area: &'a [u8]) -> Option<Self> {
        let mut rest = area;
        while !rest.is_empty() {
            rest = split_first(rest)?.1;
        }
        Some(Self(area))
    }

    /// Takes whatever stands behind the fields of a PDU: a response, or a carrier's deliver_sm, is not refused for it.
    pub const fn lenient(area: &'a [u8]) -> Self {
        Self(area)
    }

    /// The TLVs up to where the area breaks.
    #[must_use]
    pub fn well_formed(self) -> Self {
        Self(&self.0[..self.0.len() - self.broken().len()])
    }

    /// No TLVs.
    pub const EMPTY: Self = Self(&[]);

    /// What stands behind the last whole TLV; nothing, if the area is well formed.
    pub fn broken(self) -> &'a [u8] {
        let mut rest = self.0;
        while let Some((_, behind)) = split_first(rest) {
            rest = behind;
        }
        rest
    }

    /// Whether there are no octets at all.
    pub const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The octets as they came.
    pub const fn octets(self) -> &'a [u8] {
        self.0
    }

    /// All, in the order of the wire.
    pub fn iter(self) -> impl Iterator<Item = Tlv<'a>> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let (tlv, behind) = split_first(rest)?;
            rest = behind;
            Some(tlv)
        })
    }

    /// The value of the first one with this tag.
    pub fn find(self, tag: Tag) -> Option<&'a [u8]> {
        self.iter().find(|tlv| tlv.tag == tag).map(|tlv| tlv.value)
    }

    /// The values of all with this tag, in the order of the wire.
    pub fn find_all(self, tag: Tag) -> impl Iterator<Item = &'a [u8]> {
        self.iter().filter(move |tlv| tlv.tag == tag).map(|tlv| tlv.value)
    }
}

/// Appends one TLV. `value` is at most 65,535 octets: longer ones are cut by nobody, they panic in debug builds.
pub fn append(out: &mut Vec<u8>, tag: Tag, value: &[u8]) {
    debug_assert!(value.len() <= usize::from(u16::MAX));
    out.extend_from_slice(&tag.0.to_be_bytes());
    out.extend_from_slice(&(value.len() as u16).to_be_bytes());
    out.extend_from_slice(value);
}

/// Appends an octet.
pub fn append_octet(out: &mut Vec<u8>, tag: Tag, value: u8) {
    append(out, tag, &[value]);
}

/// Appends an integer of two octets.
pub fn append_short(out: &mut Vec<u8>, tag: Tag, value: u16) {
    append(out, tag, &value.to_be_bytes());
}

/// Appends an integer of four octets.
pub fn append_word(out: &mut Vec<u8>, tag: Tag, value: u32) {
    append(out, tag, &value.to_be_bytes());
}

/// Appends a C-octet string, with its NUL. `text` has none, and at most 65,534 octets.
pub fn append_text(out: &mut Vec<u8>, tag: Tag, text: &[u8]) {
    debug_assert!(text.len() < usize::from(u16::MAX));
    out.extend_from_slice(&tag.0.to_be_bytes());
    out.extend_from_slice(&(text.len() as u16 + 1).to_be_bytes());
    out.extend_from_slice(text);
    out.push(0);
}

/// The TLV area of a bind response: sc_interface_version alone.
pub fn sc_interface_version(version: InterfaceVersion) -> Tlvs<'static> {
    Tlvs(&SC_INTERFACE_VERSIONS[usize::from(version.0)])
}

/// One area for each version: what is borrowed must stand somewhere.
static SC_INTERFACE_VERSIONS: [[u8; 5]; 256] = {
    let [high, low] = Tag::SC_INTERFACE_VERSION.0.to_be_bytes();
    let mut areas = [[high, low, 0, 1, 0]; 256];
    let mut version = 0;
    while version < areas.len() {
        areas[version][4] = version as u8;
        version += 1;
    }
    areas
};

/// A C-octet string value, with or without its NUL: peers send both.
pub fn c_string(value: &[u8]) -> &[u8] {
    let end = value.iter().position(|&octet| octet == 0).unwrap_or(value.len());
    &value[..end]
}

fn split_first(area: &[u8]) -> Option<(Tlv<'_>, &[u8])> {
    let (head, behind) = area.split_first_chunk::<4>()?;
    let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
    let (value, rest) = behind.split_at_checked(length)?;
    Some((Tlv { tag: Tag(u16::from_be_bytes([head[0], head[1]])), value }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_that_do_not_add_up_are_refused() {
        let mut area = Vec::new();
        append(&mut area, Tag::MESSAGE_STATE, &[2]);
        append(&mut area, Tag(0x1400), b"vendor");
        for end in 0..area.len() {
            assert_eq!(Tlvs::parse(&area[..end]).is_some(), end == 0 || end == 5, "cut at {end}");
            let lenient = Tlvs::lenient(&area[..end]);
            assert_eq!(lenient.message_state(), (end >= 5).then_some(2));
            assert_eq!(lenient.broken().len(), if end < 5 { end } else { end - 5 });
            assert_eq!(lenient.octets().len(), end);
        }
        let tlvs = Tlvs::parse(&area).unwrap();
        assert_eq!(tlvs.find(Tag(0x1400)), Some(&b"vendor"[..]));
        assert_eq!(tlvs.iter().count(), 2);
    }

    #[test]
    fn several_of_a_kind_are_kept_in_their_order() {
        let mut area = Vec::new();
        for number in [3, 1, 3] {
            append_short(&mut area, Tag::USER_MESSAGE_REFERENCE, number);
            append_text(&mut area, Tag(0x3000), b"x");
        }
        let tlvs = Tlvs::parse(&area).unwrap();
        let references: Vec<_> = tlvs.find_all(Tag::USER_MESSAGE_REFERENCE).collect();
        assert_eq!(references, [[0, 3], [0, 1], [0, 3]]);
        assert_eq!((tlvs.user_message_reference(), tlvs.iter().count()), (Some(3), 6));
    }

    #[test]
    fn each_version_has_its_area() {
        for version in [InterfaceVersion::V3_4, InterfaceVersion::V5_0] {
            let tlvs = sc_interface_version(version);
            assert_eq!((tlvs.sc_interface_version(), tlvs.iter().count()), (Some(version.0), 1));
        }
    }

    #[test]
    fn c_strings_end_at_their_nul_if_they_have_one() {
        assert_eq!(c_string(b"id\0"), b"id");
        assert_eq!(c_string(b"id"), b"id");
    }
}
