//! Customers' binds, from when they are let in until they part.

use brivas_smpp::session::State;

use super::Shard;
use super::connection::{Connection, ConnectionRef, Owner};
use super::messages::MessageRef;
use crate::notice::Level;

/// What we call ourselves in bind responses.
pub(super) const SYSTEM_ID: &[u8] = b"brivas";

impl Shard {
    /// Lets a customer in.
    pub(super) fn admit_bind(&mut self, name: ConnectionRef, sequence_number: u32, number: u32) {
        let account = &mut self.accounts[number as usize];
        let Some(connection) = self.connections.get_mut(name) else { return };
        let window_max = account.config.as_ref().map_or(1, |config| config.spec.window_max as usize);
        connection.owner = Owner::Account(number);
        connection.session.accept_bind(sequence_number, SYSTEM_ID, window_max);
        let fields = vec![
            ("account", account.name.to_string()),
            ("peer", connection.peer.to_string()),
            ("state", connection.session.state().name().to_owned()),
            ("interface_version", format!("{:#04x}", connection.session.peer_version().0)),
        ];
        self.notices.tell(Level::Info, "customer_bound", fields);
        account.binds.push(name);
        self.tap_identified(name);
        self.mark_dirty(name);
        self.mark_account(number);
    }

    /// A customer's connection is gone: what was being delivered on it waits for another.
    pub(super) fn customer_left(
        &mut self,
        number: u32,
        name: ConnectionRef,
        connection: &mut Connection,
        why: &str,
    ) {
        let account = self.accounts[number as usize].name.to_string();
        let fields =
            vec![("account", account), ("peer", connection.peer.to_string()), ("why", why.to_owned())];
        self.notices.tell(Level::Info, "customer_left", fields);
        let session = &mut connection.session;
        self.accounts[number as usize].binds.retain(|&bind| bind != name);
        let unanswered: Vec<u64> = std::iter::from_fn(|| session.take_unanswered()).collect();
        for token in unanswered.into_iter().rev() {
            let message_name = MessageRef::from_token(token);
            if let Some(message) = self.messages.get_mut(message_name) {
                message.phase = super::messages::Phase::Delivering;
                self.accounts[number as usize].deliveries.push_front(message_name);
            }
        }
        self.mark_account(number);
    }

    /// Parts in order with every bind of an account.
    pub(super) fn unbind_account(&mut self, number: u32) {
        for name in self.accounts[number as usize].binds.clone() {
            if let Some(connection) = self.connections.get_mut(name) {
                if matches!(connection.session.state(), State::Bound(_)) {
                    connection.session.unbind(self.clock.now_ms());
                }
                self.mark_dirty(name);
            }
        }
    }
}
