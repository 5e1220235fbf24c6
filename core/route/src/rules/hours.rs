//! Windows of time in a week, in local time at a fixed distance from UTC.
//!
//! There is no time zone database in here: summer time comes as new data, swapped in like any other.

/// The minutes of a week.
pub const WEEK_MINUTES: u16 = 7 * 24 * 60;
/// The most windows of a rule.
pub const WINDOWS_MAX: usize = 64;
/// The farthest that local time is from UTC, either way.
pub const UTC_OFFSET_MINUTES_MAX: i16 = 15 * 60;

/// From one minute of the week to another, counted from Monday 00:00; the end is not in it. One that ends before it
/// begins goes over the end of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window {
    /// The first minute.
    pub from: u16,
    /// The minute after the last; [`WEEK_MINUTES`] is the end of Sunday.
    pub to: u16,
}

/// Windows in local time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hours {
    /// Any of them.
    pub windows: Vec<Window>,
    /// Local time less UTC.
    pub utc_offset_minutes: i16,
}

/// Compiled windows: disjoint spans in order, none over the end of the week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WeekSpans(Box<[(u16, u16)]>);

impl WeekSpans {
    /// `None` when a window is empty or leaves the week, when there is none, or too many.
    pub(crate) fn new(windows: &[Window]) -> Option<Self> {
        if windows.is_empty() || windows.len() > WINDOWS_MAX {
            return None;
        }
        let mut spans = Vec::with_capacity(windows.len() + 1);
        for &Window { from, to } in windows {
            if from >= WEEK_MINUTES || to > WEEK_MINUTES || from == to {
                return None;
            }
            if from < to {
                spans.push((from, to));
            } else {
                spans.push((from, WEEK_MINUTES));
                if to > 0 {
                    spans.push((0, to));
                }
            }
        }
        spans.sort_unstable();
        let mut merged: Vec<(u16, u16)> = Vec::with_capacity(spans.len());
        for (from, to) in spans {
            match merged.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => merged.push((from, to)),
            }
        }
        Some(Self(merged.into()))
    }

    /// Whether this minute of the week is in a window.
    #[inline]
    pub(crate) fn contains(&self, minute: u16) -> bool {
        self.0.iter().any(|&(from, to)| from <= minute && minute < to)
    }

    /// How many minutes it takes until the window around this minute has ended; 0 outside. At most a week.
    pub(crate) fn minutes_left(&self, minute: u16) -> u16 {
        let Some(&(_, end)) = self.0.iter().find(|&&(from, to)| from <= minute && minute < to) else {
            return 0;
        };
        let beyond = match self.0.first() {
            // It goes on on Monday.
            Some(&(0, to)) if end == WEEK_MINUTES => to.min(minute),
            _ => 0,
        };
        end - minute + beyond
    }

    pub(crate) fn is_whole_week(&self) -> bool {
        *self.0 == [(0, WEEK_MINUTES)]
    }
}

/// The minute of the week, in a local time, at this time.
#[inline]
pub(crate) fn week_minute(now_ms: i64, utc_offset_minutes: i16) -> u16 {
    // 1 January 1970 was a Thursday.
    let minutes = now_ms.div_euclid(MINUTE_MS) + i64::from(utc_offset_minutes) + 3 * 24 * 60;
    minutes.rem_euclid(i64::from(WEEK_MINUTES)) as u16
}

/// The minutes of the week as people write them.
pub(crate) fn shown(minute: u16) -> String {
    let day = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][usize::from(minute / 1_440 % 7)];
    format!("{day} {:02}:{:02}", minute % 1_440 / 60, minute % 60)
}

pub(crate) const MINUTE_MS: i64 = 60_000;

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_week_begins_on_monday() {
        // 2026-01-05 00:00 UTC was a Monday.
        let monday_ms = 1_767_571_200_000;
        assert_eq!(week_minute(monday_ms, 0), 0);
        assert_eq!(week_minute(monday_ms - 1, 0), WEEK_MINUTES - 1);
        assert_eq!(week_minute(monday_ms, -60), WEEK_MINUTES - 60);
        assert_eq!(week_minute(monday_ms + 90_000, 330), 331);
        assert_eq!(shown(week_minute(monday_ms, 24 * 60 + 61)), "Tue 01:01");
    }

    #[test]
    fn windows_that_are_empty_or_leave_the_week_are_refused() {
        for (from, to) in [(5, 5), (WEEK_MINUTES, 5), (0, WEEK_MINUTES + 1)] {
            assert_eq!(WeekSpans::new(&[Window { from, to }]), None);
        }
        assert_eq!(WeekSpans::new(&[]), None);
        assert_eq!(WeekSpans::new(&[Window { from: 0, to: 1 }; WINDOWS_MAX + 1]), None);
    }

    proptest! {
        #[test]
        fn spans_agree_with_a_list_of_all_minutes(
            drawn in prop_oneof![
                vec((0..WEEK_MINUTES, 0..=WEEK_MINUTES), 1..6),
                // Few borders, so that windows touch.
                vec((0..7_u16, 0..=7_u16).prop_map(|(from, to)| (from * 1_440, to * 1_440)), 1..6),
            ],
            minutes in vec(0..WEEK_MINUTES, 1..40),
        ) {
            let windows: Vec<_> = drawn
                .into_iter()
                .filter(|(from, to)| from != to)
                .map(|(from, to)| Window { from, to })
                .collect();
            prop_assume!(!windows.is_empty());
            let mut week = vec![false; usize::from(WEEK_MINUTES)];
            for window in &windows {
                let length = (window.to + WEEK_MINUTES - window.from - 1) % WEEK_MINUTES + 1;
                for minute in window.from..window.from + length {
                    week[usize::from(minute % WEEK_MINUTES)] = true;
                }
            }
            let spans = WeekSpans::new(&windows).expect("valid windows");
            prop_assert_eq!(spans.is_whole_week(), week.iter().all(|&on| on));
            for minute in minutes {
                prop_assert_eq!(spans.contains(minute), week[usize::from(minute)]);
                let around = week[usize::from(minute)..].iter().chain(&week[..usize::from(minute)]);
                let left = around.take_while(|&&on| on).count();
                prop_assert_eq!(usize::from(spans.minutes_left(minute)), left);
            }
        }
    }
}
