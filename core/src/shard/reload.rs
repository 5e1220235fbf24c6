//! A new configuration on a running shard: live binds go on, what changed changes, what is gone parts in order.

use std::sync::Arc;

use super::Shard;
use super::parties::{Account, Carrier, CarrierBind};
use crate::config::Config;
use crate::notice::Level;

impl Shard {
    /// Uses a configuration from now on.
    pub(super) fn apply(&mut self, config: Arc<Config>) {
        let has_other_lists = self.config.suppressions_key != config.suppressions_key;
        self.config = config;
        self.has_alphabets = self.config.has_alphabets();
        self.tell_loaded();
        if has_other_lists {
            self.routing.judging.state.suppressed.retire_known(self.config.policy.suppressions());
        }
        for number in 0..self.config.account_names.len() as u32 {
            self.apply_account(number);
        }
        for number in 0..self.config.carrier_names.len() as u32 {
            self.apply_carrier(number);
        }
        for number in 0..self.carriers.len() as u32 {
            self.redistribute(number);
        }
        self.open_due_binds();
    }

    fn tell_loaded(&mut self) {
        for loaded in &self.config.loaded {
            let fields = vec![
                ("what", loaded.what.to_owned()),
                ("name", loaded.name.clone()),
                ("entries", loaded.entries.to_string()),
                ("octets", loaded.octets.to_string()),
                ("load_ms", loaded.milliseconds.to_string()),
            ];
            self.notices.tell(Level::Info, "table_loaded", fields);
        }
    }

    fn apply_account(&mut self, number: u32) {
        if number as usize == self.accounts.len() {
            let name = Arc::clone(self.config.account_names.name(number));
            self.accounts.push(Account::new(name));
        }
        let new = self.config.account(number).cloned();
        let account = &mut self.accounts[number as usize];
        let old = std::mem::replace(&mut account.config, new.clone());
        let Some(new) = new else {
            self.unbind_account(number);
            return;
        };
        account.throttle.set_rate(new.spec.throughput_per_second);
        let Some(old) = old else { return };
        if old.spec.system_id != new.spec.system_id {
            self.unbind_account(number);
            return;
        }
        if old.spec.window_max != new.spec.window_max {
            for name in account.binds.clone() {
                if let Some(connection) = self.connections.get_mut(name) {
                    connection.session.set_window_max(new.spec.window_max as usize);
                    connection.session.set_peer_window_max(new.spec.window_max as usize);
                    self.resume(name);
                }
            }
            self.mark_account(number);
        }
    }

    fn apply_carrier(&mut self, number: u32) {
        if number as usize == self.carriers.len() {
            let name = Arc::clone(self.config.carrier_names.name(number));
            self.carriers.push(Carrier::new(name));
        }
        let new = self.config.carrier(number).cloned();
        let carrier = &mut self.carriers[number as usize];
        let old = std::mem::replace(&mut carrier.config, new.clone());
        let wanted = new.as_ref().map_or(0, |config| config.binds_wanted());
        if let Some(new) = &new {
            carrier.pacer.set_configured(new.spec.throughput_per_second);
            carrier.learning.configure(new.spec.quirks.as_ref());
        }
        let reconnects = match (&old, &new) {
            (Some(old), Some(new)) => !old.same_connection(new),
            _ => false,
        };
        // Backwards: a bind that goes leaves the numbers of the others as they are.
        for bind in (0..carrier.binds.len()).rev() {
            if bind >= wanted {
                self.part_with(number, bind as u32);
            } else if reconnects {
                self.succeed(number, bind as u32);
            } else if let Some(new) = &new
                && let Some(name) = self.carriers[number as usize].binds[bind].connection()
                && let Some(connection) = self.connections.get_mut(name)
            {
                let trip = &mut self.carriers[number as usize].binds[bind].round_trip;
                trip.set_bounds(new.spec.window_min, new.spec.window_max);
                connection.session.set_window_max(trip.window() as usize);
                connection
                    .session
                    .set_timers(new.spec.enquire_link_ms.into(), new.spec.response_timeout_ms.into());
                self.mark_bind(number, bind as u32);
            }
        }
        let carrier = &mut self.carriers[number as usize];
        let mut orphans = Vec::new();
        for bind in carrier.binds.iter_mut().skip(wanted) {
            orphans.extend(bind.queue.take_all());
        }
        carrier.waiting.extend(orphans);
        carrier.up.retain(|&bind| (bind as usize) < wanted);
        if let Some(config) = &new {
            carrier.binds.resize_with(wanted, || CarrierBind::new(config));
        } else {
            carrier.binds.clear();
        }
    }
}
