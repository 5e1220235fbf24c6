//! The leading digits of a number, four bits each, in one word.
//!
//! The first digit stands in the highest bits, so comparing words compares numbers digit by digit, and a run of
//! digits is compared in one operation. Sixteen digits would fit; fifteen leave room for their count.

/// The longest prefix: E.164 numbers have at most 15 digits (ITU-T E.164 §6.2).
pub const PREFIX_DIGITS_MAX: usize = 15;

/// Up to 15 digits, and their count in the lowest four bits. The order is that of the digit strings, a prefix before
/// what continues it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Digits(u64);

impl Digits {
    pub(crate) const EMPTY: Self = Self(0);

    /// The digits that can matter to a route: the first 15. A destination that is not all digits has none, so that
    /// only the empty prefix matches it.
    #[inline]
    pub(crate) fn of_destination(destination: &[u8]) -> Self {
        let mut packed = 0_u64;
        let mut shift = 60;
        for &octet in destination.iter().take(PREFIX_DIGITS_MAX) {
            let digit = octet.wrapping_sub(b'0');
            if digit > 9 {
                return Self::EMPTY;
            }
            packed |= u64::from(digit) << shift;
            shift -= 4;
        }
        let beyond = destination.get(PREFIX_DIGITS_MAX..).unwrap_or_default();
        if !beyond.iter().all(u8::is_ascii_digit) {
            return Self::EMPTY;
        }
        Self(packed | destination.len().min(PREFIX_DIGITS_MAX) as u64)
    }

    /// The digits of a prefix; `None` when it is too long or holds anything else.
    pub(crate) fn of_prefix(prefix: &str) -> Option<Self> {
        if prefix.len() > PREFIX_DIGITS_MAX || !prefix.bytes().all(|octet| octet.is_ascii_digit()) {
            return None;
        }
        Some(Self::of_destination(prefix.as_bytes()))
    }

    #[inline]
    pub(crate) const fn len(self) -> usize {
        (self.0 & 0xf) as usize
    }

    /// The digit at `position`, counted from 0.
    #[inline]
    pub(crate) const fn digit(self, position: usize) -> u32 {
        ((self.0 >> (60 - 4 * position)) & 0xf) as u32
    }

    /// The first `length` digits.
    pub(crate) const fn first(self, length: usize) -> Self {
        if length >= self.len() {
            return self;
        }
        let kept = !(u64::MAX >> (4 * length));
        Self(self.0 & kept | length as u64)
    }

    /// The digits from `position` on, moved to the highest bits; what follows the last one is not a digit.
    /// `position` is at most 15.
    #[inline]
    pub(crate) const fn from(self, position: usize) -> u64 {
        self.0 << (4 * position)
    }

    /// The digits and their count in one word: equal only for equal digits.
    #[inline]
    pub(crate) const fn word(self) -> u64 {
        self.0
    }

    /// The first `count` digits as a decimal number.
    #[inline]
    pub(crate) fn decimal(self, count: usize) -> usize {
        let mut value = 0;
        for position in 0..count {
            value = value * 10 + self.digit(position) as usize;
        }
        value
    }

    /// How many leading digits the two have in common.
    pub(crate) const fn common(self, other: Self) -> usize {
        let equal = ((self.0 ^ other.0).leading_zeros() / 4) as usize;
        let shorter = if self.len() < other.len() { self.len() } else { other.len() };
        if equal < shorter { equal } else { shorter }
    }
}

impl std::fmt::Display for Digits {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        (0..self.len()).try_for_each(|position| write!(formatter, "{}", self.digit(position)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_sort_like_their_strings() {
        let mut words = ["", "0", "00", "01", "1", "10", "100", "12", "9", "999999999999999"];
        words.sort_unstable();
        let digits: Vec<_> = words.iter().filter_map(|word| Digits::of_prefix(word)).collect();
        assert_eq!(digits.len(), words.len());
        assert!(digits.is_sorted());
        assert_eq!(digits.iter().map(ToString::to_string).collect::<Vec<_>>(), words);
    }

    #[test]
    fn a_destination_with_a_letter_anywhere_has_no_digits() {
        assert_eq!(Digits::of_destination(b"44x"), Digits::EMPTY);
        assert_eq!(Digits::of_destination(b"1234567890123456789x"), Digits::EMPTY);
        assert_eq!(Digits::of_destination(b"12345678901234567890").len(), 15);
    }

    #[test]
    fn common_counts_no_digit_past_the_end_of_the_shorter() {
        let digits = |word: &str| Digits::of_destination(word.as_bytes());
        assert_eq!(digits("100").common(digits("1")), 1);
        assert_eq!(digits("100").common(digits("109")), 2);
        assert_eq!(digits("100").first(1), digits("1"));
        assert_eq!(digits("109").first(0), Digits::EMPTY);
    }
}
