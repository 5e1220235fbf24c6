//! When a message may go out, and when it is too old: schedule_delivery_time and validity_period, within what the account
//! may ask for (SMPP 3.4 §5.2.15, §5.2.16, §7.1.1).

use brivas_proto::v1;
use brivas_smpp::{CommandStatus, time};

/// Both, as milliseconds since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Times {
    /// 0: at once.
    pub(crate) schedule_ms: i64,
    pub(crate) expires_ms: i64,
}

impl Times {
    /// Reads both fields of a submission.
    ///
    /// A relative validity counts from now, as the submission's own time does; the account's default and maximum count from
    /// when the message may go out. A validity above the maximum is shortened to it.
    ///
    /// # Errors
    /// A schedule that is past, too far, or of no form: `ESME_RINVSCHED`. A validity that has passed, or passes before the
    /// schedule: `ESME_RINVEXPIRY`.
    pub(crate) fn read(
        account: &v1::Account,
        schedule: &[u8],
        validity: &[u8],
        now_ms: i64,
    ) -> Result<Self, CommandStatus> {
        let schedule_ms = match schedule {
            [] => 0,
            text => {
                let latest_ms = now_ms + i64::from(account.schedule_max_seconds) * 1_000;
                time::parse(text, now_ms)
                    .filter(|at_ms| (now_ms..=latest_ms).contains(at_ms) && latest_ms > now_ms)
                    .ok_or(CommandStatus::RINVSCHED)?
            }
        };
        Self::within(account, schedule_ms, validity, now_ms)
    }

    /// The same with a schedule that is known to be right, or 0.
    pub(crate) fn within(
        account: &v1::Account,
        schedule_ms: i64,
        validity: &[u8],
        now_ms: i64,
    ) -> Result<Self, CommandStatus> {
        let from_ms = schedule_ms.max(now_ms);
        let asked_ms = match validity {
            [] => from_ms + i64::from(account.validity_default_seconds) * 1_000,
            text => {
                time::parse(text, now_ms).filter(|&at_ms| at_ms > from_ms).ok_or(CommandStatus::RINVEXPIRY)?
            }
        };
        let latest_ms = match account.validity_max_seconds {
            0 => i64::MAX,
            seconds => from_ms + i64::from(seconds) * 1_000,
        };
        // "Now" is no schedule: the message need not wait for the next look at the clock.
        let schedule_ms = if schedule_ms > now_ms { schedule_ms } else { 0 };
        Ok(Self { schedule_ms, expires_ms: asked_ms.min(latest_ms) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_795_348_800_000;
    const HOUR: i64 = 3_600_000;

    fn account() -> v1::Account {
        v1::Account {
            validity_default_seconds: 3_600,
            validity_max_seconds: 7_200,
            schedule_max_seconds: 86_400,
            ..v1::Account::default()
        }
    }

    fn read(schedule: &[u8], validity: &[u8]) -> Result<(i64, i64), CommandStatus> {
        let times = Times::read(&account(), schedule, validity, NOON)?;
        Ok((times.schedule_ms, times.expires_ms))
    }

    #[test]
    fn a_validity_counts_from_now_and_is_shortened_to_the_maximum() {
        assert_eq!(read(b"", b""), Ok((0, NOON + HOUR)));
        assert_eq!(read(b"", b"000000003000000R"), Ok((0, NOON + HOUR / 2)));
        assert_eq!(read(b"", b"000002000000000R"), Ok((0, NOON + 2 * HOUR)));
        let unbounded = v1::Account { validity_max_seconds: 0, ..account() };
        let times = Times::read(&unbounded, b"", b"000002000000000R", NOON).unwrap();
        assert_eq!(times.expires_ms, NOON + 48 * HOUR);
        for wrong in [&b"000000000000000R"[..], b"261122115959900+", b"tomorrow"] {
            assert_eq!(read(b"", wrong), Err(CommandStatus::RINVEXPIRY));
        }
    }

    #[test]
    fn a_schedule_lies_ahead_and_not_too_far() {
        assert_eq!(read(b"261122150000000+", b""), Ok((NOON + 3 * HOUR, NOON + 4 * HOUR)));
        assert_eq!(read(b"000000030000000R", b""), Ok((NOON + 3 * HOUR, NOON + 4 * HOUR)));
        assert_eq!(read(b"000000000000000R", b""), Ok((0, NOON + HOUR)));
        assert_eq!(read(b"261123120000000+", b"").map(|times| times.0), Ok(NOON + 24 * HOUR));
        for wrong in [&b"261122115959900+"[..], b"261123120000100+", b"261322120000000+", b"later"] {
            assert_eq!(read(wrong, b""), Err(CommandStatus::RINVSCHED));
        }
        let never = v1::Account { schedule_max_seconds: 0, ..account() };
        let refused = Times::read(&never, b"000000000000000R", b"", NOON);
        assert_eq!(refused, Err(CommandStatus::RINVSCHED));
    }

    #[test]
    fn a_message_that_expires_before_it_may_go_out_is_refused() {
        assert_eq!(read(b"000000030000000R", b"000000030000000R"), Err(CommandStatus::RINVEXPIRY));
        assert_eq!(
            read(b"000000030000000R", b"000000031000000R"),
            Ok((NOON + 3 * HOUR, NOON + 3 * HOUR + HOUR / 6))
        );
        // The maximum counts from the schedule: what waits is not shortened to nothing.
        assert_eq!(read(b"000000030000000R", b"000002000000000R"), Ok((NOON + 3 * HOUR, NOON + 5 * HOUR)));
    }
}
