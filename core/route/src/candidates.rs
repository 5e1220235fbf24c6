//! The order in which a route's carriers are tried for one destination.
//!
//! Weighted rendezvous: each target draws a number u in (0, 1) from the hash of destination and carrier's name, and the
//! smallest -ln(u) / weight comes first; that is an exponential race, so each target wins in proportion to its weight
//! (Efraimidis and Spirakis, 2006). The logarithm is computed from exact IEEE operations only, so that every machine
//! and version draws the same order.

use crate::hash::mix;
use crate::route::Target;
use crate::spec::{Balance, TARGETS_MAX};

/// Carriers in the order of trial.
#[derive(Clone, Debug)]
pub struct Candidates {
    carriers: [u32; TARGETS_MAX],
    next: u8,
    end: u8,
}

impl Candidates {
    /// `targets` are sorted by priority and at most [`TARGETS_MAX`]: the builder sees to both.
    pub(crate) fn new(targets: &[Target], balance: Balance, draw: u64) -> Self {
        let mut carriers = [0; TARGETS_MAX];
        // Price first, where it counts; then the draw.
        let mut costs = [(0, 0.0); TARGETS_MAX];
        let mut group_start = 0;
        for (position, target) in targets.iter().enumerate().take(TARGETS_MAX) {
            if position > 0 && targets[position - 1].priority != target.priority {
                group_start = position;
            }
            let price = if matches!(balance, Balance::LeastCost) { target.price } else { 0 };
            let cost = (price, cost(target, draw));
            let mut slot = position;
            while slot > group_start && costs[slot - 1] > cost {
                costs[slot] = costs[slot - 1];
                carriers[slot] = carriers[slot - 1];
                slot -= 1;
            }
            costs[slot] = cost;
            carriers[slot] = target.carrier;
        }
        Self { carriers, next: 0, end: targets.len().min(TARGETS_MAX) as u8 }
    }
}

impl Iterator for Candidates {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        if self.next == self.end {
            return None;
        }
        let carrier = self.carriers[usize::from(self.next)];
        self.next += 1;
        Some(carrier)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::from(self.end - self.next);
        (left, Some(left))
    }
}

impl ExactSizeIterator for Candidates {}

/// -ln(u) / weight, where u comes from the hash; the least is tried first.
fn cost(target: &Target, draw: u64) -> f64 {
    let drawn = mix(draw ^ mix(target.stable.wrapping_add(CARRIER_SEED)));
    // The upper 53 bits, moved by a half so that neither 0 nor 1 can come out.
    let uniform = ((drawn >> 11) as f64 + 0.5) * (1.0 / (1_u64 << 53) as f64);
    -natural_logarithm(uniform) / f64::from(target.weight)
}

/// ln(x) of a normal positive number, to about 1e-9: exact operations of IEEE 754 only, in a fixed order.
fn natural_logarithm(value: f64) -> f64 {
    let bits = value.to_bits();
    let mut exponent = ((bits >> 52) & 0x7ff) as i64 - 1023;
    let mut mantissa = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000);
    if mantissa > std::f64::consts::SQRT_2 {
        mantissa *= 0.5;
        exponent += 1;
    }
    // ln(m) = 2 artanh((m - 1) / (m + 1)), |argument| < 0.172: seven terms.
    let argument = (mantissa - 1.0) / (mantissa + 1.0);
    let square = argument * argument;
    let mut sum = 1.0 / 13.0;
    for divisor in [11.0, 9.0, 7.0, 5.0, 3.0, 1.0] {
        sum = sum * square + 1.0 / divisor;
    }
    exponent as f64 * std::f64::consts::LN_2 + 2.0 * argument * sum
}

const CARRIER_SEED: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::destination_hash;

    #[test]
    fn natural_logarithm_agrees_with_the_library() {
        for step in 1..10_000 {
            let value = f64::from(step) / 10_000.0;
            assert!((natural_logarithm(value) - value.ln()).abs() < 1e-9, "{value}");
        }
    }

    fn target(carrier: u32, weight: u32, price: u64) -> Target {
        Target { priority: 0, stable: u64::from(carrier), carrier, weight, price, rewrite: None }
    }

    #[test]
    fn shares_follow_the_weights() {
        let targets = [(1, 1), (2, 2), (3, 7)].map(|(carrier, weight)| target(carrier, weight, 0));
        let mut wins = [0_u32; 4];
        for number in 0..100_000_u32 {
            let hash = destination_hash(format!("4477{number:08}").as_bytes());
            wins[Candidates::new(&targets, Balance::Message, hash)
                .next()
                .map_or(0, |carrier| carrier as usize)] += 1;
        }
        for (carrier, share) in [(1, 10_000), (2, 20_000), (3, 70_000)] {
            assert!(wins[carrier].abs_diff(share) < 600, "{wins:?}");
        }
    }

    #[test]
    fn losing_a_carrier_moves_only_its_own_destinations() {
        let all = [1, 2, 3].map(|carrier| target(carrier, 5, 0));
        let by = Balance::Destination;
        for number in 0..1_000_u32 {
            let hash = destination_hash(&number.to_be_bytes());
            let with: Vec<_> = Candidates::new(&all, by, hash).filter(|&carrier| carrier != 3).collect();
            assert_eq!(Candidates::new(&all[..2], by, hash).collect::<Vec<_>>(), with);
        }
    }

    #[test]
    fn renumbering_the_carriers_moves_no_destination() {
        let before = [1, 2, 3].map(|carrier| target(carrier, 5, 0));
        let after = before.clone().map(|target| Target { carrier: 9 - target.carrier, ..target });
        for number in 0..1_000_u32 {
            let hash = destination_hash(&number.to_be_bytes());
            let order = |targets| Candidates::new(targets, Balance::Destination, hash);
            let moved: Vec<_> = order(&after).map(|carrier| 9 - carrier).collect();
            assert_eq!(order(&before).collect::<Vec<_>>(), moved);
        }
    }

    #[test]
    fn least_cost_goes_by_price_and_draws_among_equal_prices() {
        let targets = [target(1, 1, 70), target(2, 1, 30), target(3, 1, 70), target(4, 1, 31)];
        let mut thirds = [0_u32; 5];
        for number in 0..1_000_u32 {
            let hash = destination_hash(&number.to_be_bytes());
            let order: Vec<_> = Candidates::new(&targets, Balance::LeastCost, hash).collect();
            assert_eq!(order[..2], [2, 4]);
            thirds[order[2] as usize] += 1;
        }
        assert!(thirds[1] > 400 && thirds[3] > 400, "{thirds:?}");
    }
}
