//! A set of dense numbers: which messages were accepted, received, receipted.

/// Grows with the largest number put in; one bit a number.
#[derive(Debug, Default)]
pub(crate) struct Bitmap {
    words: Vec<u64>,
}

/// Numbers at and beyond this are not kept (125 MB of bits).
pub(crate) const NUMBER_MAX: u64 = 1_000_000_000;

impl Bitmap {
    /// Puts a number in; false when it was there, or is too large to be kept.
    pub(crate) fn insert(&mut self, number: u64) -> bool {
        let index = (number / 64) as usize;
        let bit = 1 << (number % 64);
        if index >= self.words.len() {
            if number >= NUMBER_MAX {
                return false;
            }
            self.words.resize((index + 1).next_multiple_of(GROWTH_WORDS), 0);
        }
        let new = self.words[index] & bit == 0;
        self.words[index] |= bit;
        new
    }

    pub(crate) fn contains(&self, number: u64) -> bool {
        self.words.get((number / 64) as usize).is_some_and(|word| word & (1 << (number % 64)) != 0)
    }

    /// As a file holds it: number n is bit n mod 8 of octet n div 8.
    pub(crate) fn octets(&self) -> Vec<u8> {
        self.words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }
}

/// 512 KiB of bits at a time.
const GROWTH_WORDS: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_new_once() {
        let mut bitmap = Bitmap::default();
        for number in [0, 63, 64, 5_000_000] {
            assert!(!bitmap.contains(number));
            assert!(bitmap.insert(number) && !bitmap.insert(number));
            assert!(bitmap.contains(number));
        }
        assert!(!bitmap.insert(NUMBER_MAX));
        assert_eq!(bitmap.octets()[7..9], [0x80, 1]);
    }
}
