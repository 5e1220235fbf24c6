//! When a lost bind is tried again, and what somebody can do about it: by the class of what went wrong.

use brivas_smpp::CommandStatus;
use brivas_smpp::session::CloseReason;

/// How a bind was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// Not reached, or the connection broke.
    Network,
    /// The carrier asked to part.
    Parted,
    /// The carrier refused the bind.
    Refused(CommandStatus),
    /// It was connected, and then said nothing.
    Silent,
}

/// A carrier that takes one connection for another: no sooner.
const BOUND_ALREADY_MS: u64 = 5_000;
/// After a carrier has asked to part, at the latest.
const PARTED_MS: u64 = 100;

impl Lost {
    pub(crate) const fn of(reason: Option<CloseReason>) -> Self {
        match reason {
            Some(CloseReason::BindRefused(status)) => Self::Refused(status),
            Some(CloseReason::Unbound) => Self::Parted,
            Some(CloseReason::Silent | CloseReason::BindTimeout) => Self::Silent,
            _ => Self::Network,
        }
    }

    /// Wrong credentials stay wrong until somebody acts.
    pub(crate) const fn needs_somebody(self) -> bool {
        matches!(
            self,
            Self::Refused(CommandStatus::RINVPASWD | CommandStatus::RINVSYSID | CommandStatus::RBINDFAIL)
        )
    }

    /// What to look at, at three in the morning.
    pub(crate) const fn hint(self) -> &'static str {
        match self {
            Self::Network => {
                "check host, port and firewall, then ask the carrier whether it is up; messages wait in the queue"
            }
            Self::Parted => {
                "the carrier asked to part, as for maintenance; nothing to do unless it does not come back"
            }
            Self::Silent => {
                "connected, but the carrier does not answer: ask whether it speaks SMPP on this port and allows our address"
            }
            Self::Refused(CommandStatus::RINVPASWD) => {
                "compare the Carrier's password with the carrier's; it is tried seldom, so that the account is not locked"
            }
            Self::Refused(CommandStatus::RINVSYSID) => {
                "the carrier does not know this systemId: compare it with what the carrier gave you"
            }
            Self::Refused(CommandStatus::RBINDFAIL) => {
                "the carrier refuses for a reason of its own: account disabled, our address not allowed, systemType or version; ask it"
            }
            Self::Refused(CommandStatus::RALYBND) => {
                "the carrier allows fewer binds than are open: lower `binds`, or wait until it has noticed that the last one ended"
            }
            Self::Refused(_) => "ask the carrier what this status means for a bind",
        }
    }
}

/// How long until the next try. `failures` are those in a row, `lived_ms` is how long the bind was up.
pub(crate) fn patience_ms(
    lost: Lost,
    failures: u32,
    lived_ms: u64,
    initial_ms: u64,
    max_ms: u64,
    random: u64,
) -> u64 {
    if lost == Lost::Parted && lived_ms >= initial_ms {
        // "Come back": at once, but not all together.
        return random % PARTED_MS.min(initial_ms).max(1);
    }
    let doubled_ms = initial_ms.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(max_ms);
    let patience_ms = match lost {
        // Knock seldom, or the carrier locks us out.
        _ if lost.needs_somebody() => max_ms,
        // Our old bind may still be open there.
        Lost::Refused(CommandStatus::RALYBND) => doubled_ms.max(BOUND_ALREADY_MS).min(max_ms),
        _ => doubled_ms,
    };
    patience_ms - patience_ms / 5 * (random % 1_024) / 1_024
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patience(lost: Lost, failures: u32, lived_ms: u64) -> (u64, u64) {
        let of = |random| patience_ms(lost, failures, lived_ms, 1_000, 60_000, random);
        (of(1_023), of(0))
    }

    #[test]
    fn each_class_has_its_patience_with_jitter() {
        assert_eq!(patience(Lost::Network, 1, 0), (801, 1_000));
        assert_eq!(patience(Lost::Network, 4, 0).1, 8_000);
        assert_eq!(patience(Lost::Network, u32::MAX, 0).1, 60_000);
        for status in [CommandStatus::RINVPASWD, CommandStatus::RINVSYSID, CommandStatus::RBINDFAIL] {
            assert_eq!(patience(Lost::Refused(status), 1, 0).1, 60_000);
            assert!(Lost::Refused(status).needs_somebody());
        }
        assert_eq!(patience(Lost::Refused(CommandStatus::RALYBND), 1, 0).1, 5_000);
        assert_eq!(patience(Lost::Refused(CommandStatus::RSYSERR), 1, 0).1, 1_000);
    }

    #[test]
    fn after_the_carriers_unbind_it_is_tried_at_once_unless_it_does_so_all_the_time() {
        assert!(patience(Lost::Parted, 1, 10_000).0 < 100);
        assert_eq!(patience(Lost::Parted, 1, 10).1, 1_000);
    }

    #[test]
    fn every_loss_has_a_hint() {
        for reason in [
            None,
            Some(CloseReason::Unbound),
            Some(CloseReason::Silent),
            Some(CloseReason::BadLength(3)),
            Some(CloseReason::BindRefused(CommandStatus::RINVPASWD)),
            Some(CloseReason::BindRefused(CommandStatus::RALYBND)),
            Some(CloseReason::BindRefused(CommandStatus(0x401))),
        ] {
            assert!(Lost::of(reason).hint().len() > 30);
        }
    }
}
