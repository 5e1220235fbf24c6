//! Repeatable chance: the same seed misbehaves in the same way.

/// xorshift64*: fast, and good enough to pick who is refused.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        // The state must not be 0; the constant spreads small seeds.
        let state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03;
        Self(if state == 0 { 1 } else { state })
    }

    /// At least 0, below 1.
    pub(crate) fn fraction(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11;
        bits as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_kept_and_a_seed_repeats() {
        let draw = |seed| {
            let mut random = Random::new(seed);
            (0..10_000).map(|_| random.fraction()).collect::<Vec<_>>()
        };
        let hits = draw(7).iter().filter(|fraction| **fraction < 0.25).count();
        assert!((2_300..2_700).contains(&hits), "{hits}");
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }
}
