//! The hashes of destinations, messages and carriers' names, by which a destination keeps its carrier and its bind.
//!
//! Fixed for ever: a change would move every destination to another bind, and break the order of its messages across
//! an upgrade. FNV-1a is cheap on a dozen octets; the finaliser of SplitMix64 spreads it over all 64 bits.

use std::hash::{BuildHasher, Hasher};

/// The hash of a number without '+'. Stable across versions and machines.
#[must_use]
pub fn destination_hash(destination: &[u8]) -> u64 {
    stable_hash(destination)
}

/// The same for all parts of a message, and another for the next: for [`crate::Balance::Message`]. `reference` is the
/// concatenation's reference number, or, for a message of one part, anything that differs from message to message.
#[must_use]
pub fn group_hash(account: u32, sender: &[u8], destination: &[u8], reference: u64) -> u64 {
    let sender = mix(stable_hash(sender) ^ u64::from(account));
    mix(sender ^ mix(stable_hash(destination)) ^ reference.wrapping_mul(FNV_PRIME))
}

/// FNV-1a (64 bits) of the octets, then the finaliser of SplitMix64. Of a carrier's name: its [`crate::TargetSpec::stable`].
#[must_use]
pub fn stable_hash(octets: &[u8]) -> u64 {
    mix(octets.iter().fold(FNV_OFFSET, |hash, &octet| fnv_step(hash, octet)))
}

/// One octet more of an FNV-1a hash.
#[inline]
pub(crate) const fn fnv_step(hash: u64, octet: u8) -> u64 {
    (hash ^ octet as u64).wrapping_mul(FNV_PRIME)
}

/// The finaliser of SplitMix64: a bijection in which every input bit moves about half of the output bits.
pub(crate) const fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// Hashes keys of maps whose keys peers choose: with a seed that they do not know, they cannot make them collide.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seeded(pub(crate) u64);

impl BuildHasher for Seeded {
    type Hasher = SeededHasher;

    fn build_hasher(&self) -> SeededHasher {
        SeededHasher(mix(self.0))
    }
}

/// One key's.
pub(crate) struct SeededHasher(u64);

impl Hasher for SeededHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, octets: &[u8]) {
        for chunk in octets.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, value: u8) {
        self.write_u64(value.into());
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(value.into());
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = mix(self.0.rotate_left(23) ^ value);
    }

    fn write_isize(&mut self, value: isize) {
        self.write_u64(value as u64);
    }

    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }
}

pub(crate) const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_message_have_one_group_hash_and_the_next_message_another() {
        let first = group_hash(1, b"ACME", b"447700900123", 7);
        assert_eq!(first, group_hash(1, b"ACME", b"447700900123", 7));
        for other in [
            group_hash(2, b"ACME", b"447700900123", 7),
            group_hash(1, b"ACNE", b"447700900123", 7),
            group_hash(1, b"ACME", b"447700900124", 7),
            group_hash(1, b"ACME", b"447700900123", 8),
        ] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn destination_hash_keeps_its_published_values() {
        assert_eq!(destination_hash(b""), 0xf52a_15e9_a9b5_e89b);
        assert_eq!(destination_hash(b"447700900123"), 0x234f_be59_37d9_4ad2);
    }
}
