//! Numbers with a small value each, at less than eleven octets a number and about one cache miss a look-up.
//!
//! An open hash table whose buckets are cache lines of eight words. A word is a number of up to 15 digits in its upper
//! 50 bits and the value in its lower 14; zero is free. A full bucket goes on in the next one, so a bucket with a free
//! word ends a search. The capacity is known when it is built and nothing is removed: what changes is built anew.

use crate::digits::PREFIX_DIGITS_MAX;
use crate::hash::mix;

/// Values are below this.
pub(crate) const VALUES_MAX: usize = 1 << VALUE_BITS;

/// An E.164 number as one integer: 1 to 15 digits without a leading zero (ITU-T E.164 §6.2), so that no two numbers
/// are the same integer.
#[inline]
pub(crate) fn integer(number: &[u8]) -> Option<u64> {
    if number.is_empty() || number.len() > PREFIX_DIGITS_MAX || number[0] == b'0' {
        return None;
    }
    let mut value = 0;
    for octet in number {
        let digit = octet.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + u64::from(digit);
    }
    Some(value)
}

/// The table. `Default` has no room.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slots {
    buckets: Box<[Bucket]>,
    count: usize,
}

#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Bucket([u64; WORDS]);

impl Slots {
    /// Room for this many numbers.
    pub(crate) fn with_capacity(count: usize) -> Self {
        if count == 0 {
            return Self::default();
        }
        // Three quarters full at the end, and always a free word.
        let buckets = count * 4 / (3 * WORDS) + 1;
        Self { buckets: vec![Bucket([0; WORDS]); buckets].into(), count: 0 }
    }

    /// Adds a number; if it is there already, nothing changes and its value is answered. Never more numbers than there
    /// is room for.
    pub(crate) fn insert(&mut self, number: u64, value: u16) -> Option<u16> {
        assert!(self.count < self.buckets.len() * WORDS - 1, "the caller states the capacity first");
        let mut position = self.position(number);
        loop {
            for word in &mut self.buckets[position].0 {
                if *word == 0 {
                    *word = number << VALUE_BITS | u64::from(value);
                    self.count += 1;
                    return None;
                }
                if *word >> VALUE_BITS == number {
                    return Some((*word & VALUE_MASK) as u16);
                }
            }
            position = self.after(position);
        }
    }

    /// The value of a number.
    #[inline]
    pub(crate) fn find(&self, number: u64) -> Option<u16> {
        if self.buckets.is_empty() {
            return None;
        }
        let mut position = self.position(number);
        loop {
            let words = &self.buckets[position].0;
            // No early way out: eight comparisons in a row cost less than a branch that is guessed wrong.
            let mut found = 0;
            for &word in words {
                found |= if word >> VALUE_BITS == number { word } else { 0 };
            }
            if found != 0 {
                return Some((found & VALUE_MASK) as u16);
            }
            if words[WORDS - 1] == 0 {
                return None;
            }
            position = self.after(position);
        }
    }

    /// Every number.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u64> {
        let words = self.buckets.iter().flat_map(|bucket| bucket.0);
        words.filter(|&word| word != 0).map(|word| word >> VALUE_BITS)
    }

    pub(crate) const fn len(&self) -> usize {
        self.count
    }

    /// Octets on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        size_of_val(&*self.buckets)
    }

    #[inline]
    const fn position(&self, number: u64) -> usize {
        ((mix(number) as u128 * self.buckets.len() as u128) >> 64) as usize
    }

    #[inline]
    const fn after(&self, position: usize) -> usize {
        if position + 1 == self.buckets.len() { 0 } else { position + 1 }
    }
}

const WORDS: usize = 8;
const VALUE_BITS: u32 = 14;
const VALUE_MASK: u64 = (1 << VALUE_BITS) - 1;

// A bucket is one cache line: a look-up reads one, seldom two.
const _: () = assert!(size_of::<Bucket>() == 64);
// The greatest number fits beside its value.
const _: () = assert!(10_u64.pow(PREFIX_DIGITS_MAX as u32) < 1 << (64 - VALUE_BITS));

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_is_an_integer_only_without_leading_zero_and_up_to_15_digits() {
        assert_eq!(integer(b"1"), Some(1));
        assert_eq!(integer(b"999999999999999"), Some(999_999_999_999_999));
        for wrong in [&b""[..], b"0", b"0123", b"1000000000000000", b"+44", b"44a"] {
            assert_eq!(integer(wrong), None);
        }
    }

    proptest! {
        #[test]
        fn slots_agree_with_a_map(
            entries in vec((prop_oneof![1..40_u64, 1..1_000_000_000_000_000_u64], 0..VALUES_MAX as u16), 0..300),
            others in vec(1..60_u64, 0..50),
        ) {
            let mut slots = Slots::with_capacity(entries.len());
            let mut model = HashMap::new();
            for &(number, value) in &entries {
                let known = model.get(&number).copied();
                prop_assert_eq!(slots.insert(number, value), known);
                model.entry(number).or_insert(value);
            }
            prop_assert_eq!(slots.len(), model.len());
            for number in entries.iter().map(|entry| entry.0).chain(others) {
                prop_assert_eq!(slots.find(number), model.get(&number).copied());
            }
            let mut numbers: Vec<_> = slots.numbers().collect();
            let mut expected: Vec<_> = model.into_keys().collect();
            numbers.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(numbers, expected);
        }
    }
}
