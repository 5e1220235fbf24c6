//! Which connections are tapped, and for which traces. Most are not.

use std::sync::Arc;

use super::Shard;
use super::connection::{Connection, ConnectionRef, Owner};
use crate::trace::{Feed, Identity, Side, Tap};

impl Shard {
    /// A trace begins: every connection that it wants, or may want, is tapped from now on.
    pub(super) fn begin_trace(&mut self, feed: Arc<Feed>) {
        for name in self.connections.names().collect::<Vec<_>>() {
            let Some(identity) = self.identity(name) else { continue };
            if feed.filter.wants(&identity) == Some(false) {
                continue;
            }
            let Some(connection) = self.connections.get_mut(name) else { continue };
            match &mut connection.tap {
                Some(tap) => tap.add(Arc::clone(&feed)),
                None => connection.tap = Some(tap_of(connection, identity, vec![Arc::clone(&feed)])),
            }
        }
        self.traces.push(feed);
    }

    /// A trace has ended.
    pub(super) fn end_trace(&mut self, id: u64) {
        self.traces.retain(|feed| feed.id != id);
        for name in self.connections.names().collect::<Vec<_>>() {
            if let Some(connection) = self.connections.get_mut(name)
                && let Some(tap) = &mut connection.tap
                && !tap.remove(id)
            {
                connection.tap = None;
            }
        }
    }

    /// A connection was opened.
    pub(super) fn tap_opened(&mut self, name: ConnectionRef) {
        if self.traces.is_empty() {
            return;
        }
        let Some(identity) = self.identity(name) else { return };
        let is_wanted = |feed: &&Arc<Feed>| feed.filter.wants(&identity) != Some(false);
        let feeds: Vec<_> = self.traces.iter().filter(is_wanted).cloned().collect();
        if let Some(connection) = self.connections.get_mut(name)
            && !feeds.is_empty()
        {
            connection.tap = Some(tap_of(connection, identity, feeds));
        }
    }

    /// Whose connection it is has become known.
    pub(super) fn tap_identified(&mut self, name: ConnectionRef) {
        if self.connections.get(name).is_none_or(|connection| connection.tap.is_none()) {
            return;
        }
        let Some(identity) = self.identity(name) else { return };
        if let Some(connection) = self.connections.get_mut(name)
            && let Some(tap) = &mut connection.tap
            && !tap.identify(identity)
        {
            connection.tap = None;
        }
    }

    fn identity(&self, name: ConnectionRef) -> Option<Identity> {
        let connection = self.connections.get(name)?;
        let (side, owner) = match connection.owner {
            Owner::Stranger => (Side::Customer, String::new()),
            Owner::Account(number) => (Side::Customer, self.accounts[number as usize].name.to_string()),
            Owner::Carrier(number, _) => (Side::Carrier, self.carriers[number as usize].name.to_string()),
        };
        // Before the bind stands what the peer says that it is: the trace reads that itself.
        let system_id = if owner.is_empty() { String::new() } else { connection.system_id.clone() };
        Some(Identity {
            connection: connection.number,
            side,
            name: owner,
            system_id,
            peer: connection.peer,
            local: connection.stream.socket().local_addr().ok(),
        })
    }
}

fn tap_of(connection: &Connection, identity: Identity, feeds: Vec<Arc<Feed>>) -> Box<Tap> {
    Box::new(Tap::new(identity, feeds.into_iter(), &connection.leftover, connection.session.output()))
}
