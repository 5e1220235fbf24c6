//! Times as SMPP writes them: `YYMMDDhhmmsstnnp` (SMPP 3.4 §7.1.1), and `YYMMDDhhmm` in receipts.
//!
//! Outside, times are milliseconds since 1970 UTC.

const SECOND_MS: i64 = 1_000;
const DAY_MS: i64 = 86_400 * SECOND_MS;

/// A date and time of day, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// All four digits.
    pub year: i64,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
}

/// The calendar of a point in time (proleptic Gregorian; days from 1 March of year 0, in 400-year eras).
pub const fn civil(at_ms: i64) -> Civil {
    let days = at_ms.div_euclid(DAY_MS);
    let seconds = at_ms.rem_euclid(DAY_MS) / SECOND_MS;
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    Civil {
        year: year_of_era + era * 400 + (month <= 2) as i64,
        month: month as u8,
        day: day as u8,
        hour: (seconds / 3_600) as u8,
        minute: (seconds / 60 % 60) as u8,
        second: (seconds % 60) as u8,
    }
}

/// The point in time of a calendar date; None when there is no such date.
pub fn instant_ms(at: Civil) -> Option<i64> {
    if !(1..=12).contains(&at.month) || at.day == 0 || at.hour > 23 || at.minute > 59 || at.second > 59 {
        return None;
    }
    let year = at.year - i64::from(at.month <= 2);
    let month_from_march = (i64::from(at.month) + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(at.day) - 1;
    let year_of_era = year.rem_euclid(400);
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = year.div_euclid(400) * 146_097 + day_of_era - 719_468;
    let seconds = i64::from(at.hour) * 3_600 + i64::from(at.minute) * 60 + i64::from(at.second);
    let at_ms = days * DAY_MS + seconds * SECOND_MS;
    (civil(at_ms) == at).then_some(at_ms)
}

/// Reads a schedule_delivery_time or validity_period, absolute or relative to `now_ms`.
/// None when it is neither of the two forms.
pub fn parse(text: &[u8], now_ms: i64) -> Option<i64> {
    if text.len() != 16 {
        return None;
    }
    let fields = two_digits::<6>(&text[..12])?;
    let [year, month, day, hour, minute, second] = fields;
    let tenths = digit(text[12])?;
    let quarters = two_digits::<1>(&text[13..15])?[0];
    match text[15] {
        b'R' => {
            // Years and months have no fixed length; 365 and 30 days are what SMSCs take.
            let days = i64::from(year) * 365 + i64::from(month) * 30 + i64::from(day);
            let seconds = i64::from(hour) * 3_600 + i64::from(minute) * 60 + i64::from(second);
            now_ms.checked_add(days * DAY_MS + seconds * SECOND_MS)
        }
        sign @ (b'+' | b'-') if quarters <= 48 => {
            let at = instant_ms(Civil { year: 2_000 + i64::from(year), month, day, hour, minute, second })?;
            let offset_ms = i64::from(quarters) * 15 * 60 * SECOND_MS;
            let local = at + i64::from(tenths) * 100;
            // "+": local time is ahead of UTC.
            Some(if sign == b'+' { local - offset_ms } else { local + offset_ms })
        }
        _ => None,
    }
}

/// The absolute form, UTC, to a tenth of a second; times before 2000 or after 2099 have none.
pub fn absolute(at_ms: i64) -> [u8; 16] {
    let at = civil(at_ms);
    let mut text = *b"000000000000000+";
    let parts = [at.year.rem_euclid(100) as u8, at.month, at.day, at.hour, at.minute, at.second];
    for (pair, part) in text.chunks_exact_mut(2).zip(parts) {
        pair[0] = b'0' + part / 10;
        pair[1] = b'0' + part % 10;
    }
    text[12] = b'0' + (at_ms.rem_euclid(SECOND_MS) / 100) as u8;
    text
}

/// Appends `YYMMDDhhmm`, as receipts have it.
pub fn append_receipt_date(out: &mut Vec<u8>, at_ms: i64) {
    let at = civil(at_ms);
    for part in [(at.year % 100) as u8, at.month, at.day, at.hour, at.minute] {
        out.extend_from_slice(&[b'0' + part / 10, b'0' + part % 10]);
    }
}

/// Reads a receipt's date: 10, 12 (with seconds) or 14 (with the century) digits.
pub fn parse_receipt_date(text: &[u8]) -> Option<i64> {
    let (century, text) = match text.len() {
        14 => (i64::from(two_digits::<1>(&text[..2])?[0]) * 100, &text[2..]),
        _ => (2_000, text),
    };
    let (fields, second) = match text.len() {
        10 => (two_digits::<5>(text)?, 0),
        12 => (two_digits::<5>(&text[..10])?, two_digits::<1>(&text[10..])?[0]),
        _ => return None,
    };
    let [year, month, day, hour, minute] = fields;
    instant_ms(Civil { year: century + i64::from(year), month, day, hour, minute, second })
}

fn digit(octet: u8) -> Option<u8> {
    octet.is_ascii_digit().then(|| octet - b'0')
}

fn two_digits<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut numbers = [0; N];
    if text.len() != N * 2 {
        return None;
    }
    for (number, pair) in numbers.iter_mut().zip(text.chunks_exact(2)) {
        *number = digit(pair[0])? * 10 + digit(pair[1])?;
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_forms_are_read() {
        // 2026-11-22 12:00:00 UTC.
        let noon = 1_795_348_800_000;
        assert_eq!(parse(b"261122120000000+", 0), Some(noon));
        assert_eq!(parse(b"261122130000004+", 0), Some(noon));
        assert_eq!(parse(b"261122110000004-", 0), Some(noon));
        assert_eq!(parse(b"000002000000000R", noon), Some(noon + 2 * DAY_MS));
        for wrong in [&b"261322120000000+"[..], b"261122120000049+", b"26112212000000", b"26112212000000xx"] {
            assert_eq!(parse(wrong, 0), None);
        }
    }

    #[test]
    fn receipt_dates_are_read_in_every_length() {
        let noon = 1_795_348_800_000;
        for text in [&b"2611221200"[..], b"261122120000", b"20261122120000"] {
            assert_eq!(parse_receipt_date(text), Some(noon));
        }
        assert_eq!(parse_receipt_date(b"26112212"), None);
    }

    proptest! {
        #[test]
        fn an_absolute_time_reads_back(tenths in 9_466_848_000i64..40_000_000_000) {
            let at_ms = tenths * 100;
            prop_assert_eq!(parse(&absolute(at_ms), 0), Some(at_ms));
        }

        #[test]
        fn every_second_has_one_date(seconds in -2_000_000_000i64..10_000_000_000) {
            let at_ms = seconds * SECOND_MS;
            prop_assert_eq!(instant_ms(civil(at_ms)), Some(at_ms));
        }
    }
}
