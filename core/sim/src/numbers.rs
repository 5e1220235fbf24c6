//! Numbers as digits: each message has a destination of its own, by which its receipt is known again.

/// How message numbers become destinations: a fixed prefix, then the number, zero-padded.
#[derive(Clone, Debug)]
pub(crate) struct Numbering {
    prefix: Vec<u8>,
    /// Digits behind the prefix.
    width: usize,
}

impl Numbering {
    /// `digits` is the length of the whole destination.
    ///
    /// # Errors
    /// Says what is wrong with the two.
    pub(crate) fn new(prefix: &str, digits: usize) -> Result<Self, String> {
        if !prefix.bytes().all(|octet| octet.is_ascii_digit()) {
            return Err(format!("destination_prefix is {prefix:?}: must be digits"));
        }
        if digits > DIGITS_MAX || digits <= prefix.len() {
            return Err(format!(
                "destination_digits is {digits}: must be above the length of destination_prefix ({}) and at most {DIGITS_MAX} (E.164)",
                prefix.len()
            ));
        }
        Ok(Self { prefix: prefix.as_bytes().to_vec(), width: digits - prefix.len() })
    }

    pub(crate) fn digits(&self) -> usize {
        self.prefix.len() + self.width
    }

    /// How many numbers there are.
    pub(crate) fn count(&self) -> u64 {
        10u64.pow(self.width as u32)
    }

    /// Writes a number's destination; `out` has [`Self::digits`] octets.
    #[inline]
    pub(crate) fn write(&self, number: u64, out: &mut [u8]) {
        let (prefix, counter) = out.split_at_mut(self.prefix.len());
        prefix.copy_from_slice(&self.prefix);
        write_decimal(number, counter);
    }

    /// The number of a destination; None where it is not ours.
    #[inline]
    pub(crate) fn read(&self, address: &[u8]) -> Option<u64> {
        let address = address.strip_prefix(b"+").unwrap_or(address);
        let counter = address.strip_prefix(self.prefix.as_slice())?;
        if counter.len() != self.width {
            return None;
        }
        let mut number = 0;
        for octet in counter {
            let digit = octet.wrapping_sub(b'0');
            if digit > 9 {
                return None;
            }
            number = number * 10 + u64::from(digit);
        }
        Some(number)
    }
}

/// Fills `out` with a number's last digits, zero-padded.
#[inline]
pub(crate) fn write_decimal(mut number: u64, out: &mut [u8]) {
    for octet in out.iter_mut().rev() {
        *octet = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// A number as 16 hexadecimal digits.
#[inline]
pub(crate) fn hexadecimal(number: u64) -> [u8; 16] {
    let mut digits = [0; 16];
    for (index, octet) in digits.iter_mut().enumerate() {
        let nibble = (number >> (60 - 4 * index)) as usize & 0xF;
        *octet = b"0123456789abcdef"[nibble];
    }
    digits
}

/// "International numbers are at most 15 digits" (E.164 §6.2).
const DIGITS_MAX: usize = 15;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wrong_numberings_are_refused() {
        assert!(Numbering::new("49x", 15).unwrap_err().contains("must be digits"));
        assert!(Numbering::new("49", 2).is_err());
        assert!(Numbering::new("49", 16).is_err());
    }

    #[test]
    fn what_is_not_ours_has_no_number() {
        let numbering = Numbering::new("4915", 15).unwrap();
        assert_eq!(numbering.read(b"+491500000000042"), Some(42));
        for other in [&b"491600000000042"[..], b"49150000000004", b"49150000000004x", b""] {
            assert_eq!(numbering.read(other), None);
        }
    }

    proptest! {
        #[test]
        fn a_number_is_read_as_it_was_written(number in 0u64..100_000_000_000) {
            let numbering = Numbering::new("4915", 15).unwrap();
            let mut digits = [0; 15];
            numbering.write(number, &mut digits);
            prop_assert_eq!(numbering.read(&digits), Some(number));
            prop_assert_eq!(hexadecimal(number).to_vec(), format!("{number:016x}").into_bytes());
        }
    }
}
