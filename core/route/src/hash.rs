//! The hash of a destination, by which it keeps its carrier and its bind.
//!
//! Fixed for ever: a change would move every destination to another bind, and break the order of its messages across
//! an upgrade. FNV-1a is cheap on a dozen octets; the finaliser of SplitMix64 spreads it over all 64 bits.

/// FNV-1a (64 bits) of the octets, then the finaliser of SplitMix64. Stable across versions and machines.
#[must_use]
pub fn destination_hash(destination: &[u8]) -> u64 {
    let mut hash = FNV_OFFSET;
    for &octet in destination {
        hash = (hash ^ u64::from(octet)).wrapping_mul(FNV_PRIME);
    }
    mix(hash)
}

/// The finaliser of SplitMix64: a bijection in which every input bit moves about half of the output bits.
pub(crate) const fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destination_hash_keeps_its_published_values() {
        assert_eq!(destination_hash(b""), 0xf52a_15e9_a9b5_e89b);
        assert_eq!(destination_hash(b"447700900123"), 0x234f_be59_37d9_4ad2);
    }
}
