//! Type of number and numbering plan of an address (SMPP 3.4 §5.2.5, §5.2.6; 5.0 §4.7.1, §4.7.2).

/// Type of number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ton(pub u8);

super::octet_newtype!(Ton);

#[expect(missing_docs, reason = "the names are the specification's")]
impl Ton {
    pub const UNKNOWN: Self = Self(0);
    pub const INTERNATIONAL: Self = Self(1);
    pub const NATIONAL: Self = Self(2);
    pub const NETWORK_SPECIFIC: Self = Self(3);
    pub const SUBSCRIBER_NUMBER: Self = Self(4);
    pub const ALPHANUMERIC: Self = Self(5);
    pub const ABBREVIATED: Self = Self(6);

    /// Whether the specification defines it.
    pub const fn is_defined(self) -> bool {
        self.0 <= Self::ABBREVIATED.0
    }
}

/// Numbering plan indicator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Npi(pub u8);

super::octet_newtype!(Npi);

#[expect(missing_docs, reason = "the names are the specification's")]
impl Npi {
    pub const UNKNOWN: Self = Self(0);
    pub const ISDN: Self = Self(1);
    pub const DATA: Self = Self(3);
    pub const TELEX: Self = Self(4);
    pub const LAND_MOBILE: Self = Self(6);
    pub const NATIONAL: Self = Self(8);
    pub const PRIVATE: Self = Self(9);
    pub const ERMES: Self = Self(10);
    pub const INTERNET: Self = Self(14);
    pub const WAP_CLIENT_ID: Self = Self(18);

    /// Whether the specification defines it.
    pub const fn is_defined(self) -> bool {
        matches!(self.0, 0 | 1 | 3 | 4 | 6 | 8 | 9 | 10 | 14 | 18)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seven_types_and_ten_plans_are_defined() {
        assert_eq!((0..=u8::MAX).filter(|&octet| Ton(octet).is_defined()).count(), 7);
        assert_eq!((0..=u8::MAX).filter(|&octet| Npi(octet).is_defined()).count(), 10);
    }
}
