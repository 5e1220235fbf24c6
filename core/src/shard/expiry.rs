//! Our own certificates expire: told when a configuration is taken, and once a day from then on. A gateway that runs for
//! months would otherwise fall silent on the day itself. What others show us is their affair.

use super::Shard;
use crate::notice::Level;

const DAY_MS: u64 = 24 * 3_600_000;
/// A certificate that ends so soon is told of.
const WARNING_MS: i64 = 30 * DAY_MS as i64;

impl Shard {
    /// Tells of those that end soon or have ended.
    pub(super) fn tell_of_expiry(&mut self) {
        self.next_expiry_ms = self.clock.now_ms() + DAY_MS;
        let listeners = self.config.listeners.iter().filter_map(|listener| {
            listener.tls.as_ref().map(|tls| ("listener", listener.name.as_ref(), tls.expires_at_ms))
        });
        let carriers = self.config.carriers.iter().flatten().filter_map(|carrier| {
            // Of a carrier that wants none of us there is none.
            let expires_at_ms = carrier.tls.as_ref().map(|tls| tls.expires_at_ms).filter(|&at| at != 0);
            expires_at_ms.map(|at| ("carrier", carrier.spec.name.as_str(), at))
        });
        for (what, name, expires_at_ms) in listeners.chain(carriers) {
            let left_ms = expires_at_ms - self.clock.wall_ms;
            if left_ms >= WARNING_MS {
                continue;
            }
            let (level, event) = if left_ms <= 0 {
                (Level::Error, "certificate_expired")
            } else {
                (Level::Warning, "certificate_expires")
            };
            let days = left_ms.div_euclid(DAY_MS as i64).to_string();
            let hint = "replace certificate and key; `brivas doctor` names the files".to_owned();
            self.notices.tell(
                level,
                event,
                vec![(what, name.to_string()), ("days_left", days), ("hint", hint)],
            );
        }
    }

    /// Every tick.
    pub(super) fn tell_of_expiry_daily(&mut self) {
        if self.clock.now_ms() >= self.next_expiry_ms {
            self.tell_of_expiry();
        }
    }
}
