//! Optional parameters: tag, length, value (SMPP 3.4 §3.2.4.1, §5.3). Unknown ones are kept as they came.

/// A TLV's tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tag(pub u16);

#[expect(missing_docs, reason = "the names are the specification's")]
impl Tag {
    pub const RECEIPTED_MESSAGE_ID: Self = Self(0x001E);
    pub const USER_MESSAGE_REFERENCE: Self = Self(0x0204);
    pub const SC_INTERFACE_VERSION: Self = Self(0x0210);
    pub const NETWORK_ERROR_CODE: Self = Self(0x0423);
    pub const MESSAGE_PAYLOAD: Self = Self(0x0424);
    pub const MESSAGE_STATE: Self = Self(0x0427);
    pub const CONGESTION_STATE: Self = Self(0x0428);
}

/// One optional parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// What it is.
    pub tag: Tag,
    /// Its octets, without tag and length.
    pub value: &'a [u8],
}

/// The TLV area of a PDU, known to be well formed.
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
}

/// Appends one TLV. `value` is at most 65,535 octets: longer ones are cut by nobody, they panic in debug builds.
pub fn append(out: &mut Vec<u8>, tag: Tag, value: &[u8]) {
    debug_assert!(value.len() <= usize::from(u16::MAX));
    out.extend_from_slice(&tag.0.to_be_bytes());
    out.extend_from_slice(&(value.len() as u16).to_be_bytes());
    out.extend_from_slice(value);
}

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
        }
        let tlvs = Tlvs::parse(&area).unwrap();
        assert_eq!(tlvs.find(Tag(0x1400)), Some(&b"vendor"[..]));
        assert_eq!(tlvs.iter().count(), 2);
    }

    #[test]
    fn c_strings_end_at_their_nul_if_they_have_one() {
        assert_eq!(c_string(b"id\0"), b"id");
        assert_eq!(c_string(b"id"), b"id");
    }
}
