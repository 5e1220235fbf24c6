//! More connections than there is room for: who has bound stays, who connects and does not bind makes room.
//!
//! Anybody can connect. Without this, whoever opens as many connections as there may be keeps every customer out for as
//! long as a bind may take; or takes the last descriptor, and the journal cannot open its next segment.

use super::Shard;
use super::connection::Owner;

/// Connections that are held at most, if the system has descriptors for so many.
const CONNECTIONS_MAX: usize = 15_000;
/// Descriptors that are no customer's: the journal's segments, carriers, callers of the gRPC faces, what Python opens.
const DESCRIPTORS_KEPT: u64 = 512;
/// How many connections are looked at for one that has not bound.
const LOOKS_MAX: usize = 16;

/// How many connections this process may hold.
pub(super) fn connections_max() -> usize {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the call writes into `limit`, which it has for itself, and keeps nothing of it.
    let failed = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } != 0;
    if failed { CONNECTIONS_MAX } else { fitting(limit.rlim_cur) }
}

/// Of few descriptors half are kept.
fn fitting(descriptors: u64) -> usize {
    let kept = DESCRIPTORS_KEPT.min(descriptors / 2);
    usize::try_from(descriptors - kept).unwrap_or(CONNECTIONS_MAX).min(CONNECTIONS_MAX)
}

impl Shard {
    /// Whether one more connection may be held: at the limit one that has not bound has to go, found by chance, so that
    /// a crowd of them mostly drives out itself.
    pub(super) fn make_room(&mut self) -> bool {
        if self.connections.len() < self.connections_max {
            return true;
        }
        for _ in 0..LOOKS_MAX {
            let at = self.random() as usize % self.connections.slots().max(1);
            let Some(name) = self.connections.at_slot(at) else { continue };
            if self.connections.get(name).is_some_and(|connection| connection.owner == Owner::Stranger) {
                self.close(name, "others wait");
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::fitting;

    #[test]
    fn descriptors_are_kept_for_what_is_no_customers() {
        assert_eq!(fitting(20_000), 15_000);
        assert_eq!(fitting(4_096), 4_096 - 512);
        assert_eq!(fitting(1_024), 512);
        assert_eq!(fitting(100), 50);
        assert_eq!(fitting(u64::MAX), 15_000);
    }
}
