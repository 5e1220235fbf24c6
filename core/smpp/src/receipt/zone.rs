//! The zone of a carrier's dates, which its receipts do not name.

const STEP_MS: i64 = 15 * 60_000;
/// How much later than its `done date` a receipt usually comes, cut minutes included; middle of what is tolerated.
const USUAL_DELAY_MS: i64 = 5 * 60_000;
/// The zones that there are: 12 hours behind UTC to 14 hours ahead.
const MINUTES: std::ops::RangeInclusive<i64> = -720..=840;

/// How many minutes a carrier's dates are ahead of UTC, from pairs of a `done date` that was read as UTC and the time
/// at which its receipt came. The receipt with the least delay decides; it may be some 12 minutes old.
/// None: there is no pair, or no zone explains it.
pub fn learn_zone_minutes(pairs: impl IntoIterator<Item = (i64, i64)>) -> Option<i16> {
    let ahead_ms =
        pairs.into_iter().map(|(done_ms, received_ms)| done_ms.saturating_sub(received_ms)).max()?;
    let steps = ahead_ms.saturating_add(USUAL_DELAY_MS + STEP_MS / 2).div_euclid(STEP_MS);
    let minutes = steps * (STEP_MS / 60_000);
    MINUTES.contains(&minutes).then_some(minutes as i16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quickest_receipt_tells_the_zone() {
        const MINUTE_MS: i64 = 60_000;
        let noon = 1_795_348_800_000;
        for zone in [-480, -210, 0, 60, 330, 345, 840] {
            let after = |delay: i64| (noon + zone * MINUTE_MS, noon + delay * MINUTE_MS);
            assert_eq!(learn_zone_minutes([after(90), after(2), after(600)]), Some(zone as i16));
            assert_eq!(learn_zone_minutes([after(-1)]), Some(zone as i16));
        }
        assert_eq!(learn_zone_minutes([]), None);
        assert_eq!(learn_zone_minutes([(noon, 0)]), None);
        assert_eq!(learn_zone_minutes([(i64::MIN, i64::MAX)]), None);
    }
}
