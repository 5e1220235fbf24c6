//! alert_notification: a carrier tells that a phone can be reached again, as an ESME had asked for by set_dpf
//! (SMPP 3.4 §4.12, §5.3.2.28).
//!
//! It names the ESME's address, so it goes where messages to that address go: to the account of their route, on one bind
//! that receives and speaks 3.4. It has no response and is worth something now only: nothing of it is kept.

use brivas_smpp::pdu::AlertNotification;
use brivas_smpp::{CommandId, Pdu, ShortMessage};

use super::Shard;
use super::connection::OUTPUT_OCTETS_MAX;
use crate::notice::Level;

/// How often the log tells of those that nobody took.
const TOLD_MS: u64 = 60_000;

/// What a carrier's session takes beyond deliver_sm.
pub(super) const CARRIER_OPERATIONS: brivas_smpp::session::Operations =
    brivas_smpp::session::Operations::NONE.with(CommandId::DATA_SM).with(CommandId::ALERT_NOTIFICATION);

impl Shard {
    pub(super) fn handle_alert(&mut self, carrier: u32, alert: &AlertNotification<'_>) {
        self.counters.alerts += 1;
        let named = ShortMessage { source: alert.source, destination: alert.esme, ..ShortMessage::default() };
        let why = match self.incoming_account(carrier, &named) {
            None => "no route for incoming messages leads from its esme_addr to an account",
            Some(account) if self.pass_alert(account, alert) => {
                self.counters.alerts_delivered += 1;
                return;
            }
            Some(_) => "its account has no bind of SMPP 3.4 or newer that receives and has room",
        };
        let now_ms = self.clock.now_ms();
        if now_ms >= self.next_alert_told_ms {
            self.next_alert_told_ms = now_ms + TOLD_MS;
            let carrier = self.carriers[carrier as usize].name.to_string();
            self.notices.tell(
                Level::Warning,
                "alert_not_delivered",
                vec![("carrier", carrier), ("why", why.to_owned())],
            );
        }
    }

    /// Sends it on the first bind of an account that takes it.
    fn pass_alert(&mut self, account: u32, alert: &AlertNotification<'_>) -> bool {
        let now_ms = self.clock.now_ms();
        let account = &self.accounts[account as usize];
        let took = account.binds.iter().copied().find(|&name| {
            self.connections.get_mut(name).is_some_and(|connection| {
                connection.session.output().len() < OUTPUT_OCTETS_MAX
                    && connection.session.send_request(now_ms, 0, Pdu::AlertNotification(*alert)).is_ok()
            })
        });
        if let Some(name) = took {
            self.mark_dirty(name);
        }
        took.is_some()
    }
}
