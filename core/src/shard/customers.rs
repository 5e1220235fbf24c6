//! Customers' connections: accept, bind, part.

use brivas_smpp::pdu::BindRequest;
use brivas_smpp::session::{SessionConfig, State};
use brivas_smpp::{CommandStatus, InterfaceVersion, Session};
use mio::Interest;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::connection::{Connection, ConnectionRef, Owner};
use super::messages::MessageRef;
use super::operations::CUSTOMER_OPERATIONS;
use super::{CUSTOMER_ROLE, Shard};
use crate::notice::Level;
use crate::offload::PasswordTag;

/// What we call ourselves in bind responses.
const SYSTEM_ID: &[u8] = b"brivas";

/// What the peer is told, and what the log says.
pub(super) type Refusal = (CommandStatus, &'static str);

const BINDS_TAKEN: Refusal = (CommandStatus::RALYBND, "the account has all the binds it may have (bindsMax)");

impl Shard {
    /// Takes every connection that waits.
    pub(super) fn accept(&mut self) {
        loop {
            match self.listener.accept() {
                Ok((stream, peer)) => {
                    self.counters.connections_accepted += 1;
                    if self.draining.is_on() || !self.make_room() {
                        continue;
                    }
                    let _ = stream.set_nodelay(true);
                    let config = SessionConfig {
                        interface_version: InterfaceVersion::V5_0,
                        operations: CUSTOMER_OPERATIONS,
                        ..SessionConfig::new(CUSTOMER_ROLE)
                    };
                    let session = Session::new(config, self.clock.now_ms());
                    self.open(stream, session, Owner::Stranger, peer, String::new());
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                // WouldBlock: none is left. Anything else (no descriptors): the next tick tries again.
                Err(_) => return,
            }
        }
    }

    pub(super) fn open(
        &mut self,
        mut stream: mio::net::TcpStream,
        session: Session,
        owner: Owner,
        peer: std::net::SocketAddr,
        system_id: String,
    ) -> Option<ConnectionRef> {
        let name = self.connections.next_name();
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut stream, name.token(), interest).ok()?;
        let connection = Connection {
            // Given by the connections.
            number: 0,
            stream,
            session,
            owner,
            peer,
            system_id,
            since_ms: self.clock.wall_ms,
            leftover: Vec::new(),
            readable: false,
            was_blocked: false,
            is_listed: false,
            is_ending: false,
            writable: false,
            is_dirty: false,
            data_messages: Vec::new(),
            stalled_since_ms: None,
            tap: None,
        };
        let name = self.connections.insert(connection);
        self.tap_opened(name);
        Some(name)
    }

    /// Somebody wants to bind.
    pub(super) fn handle_bind(
        &mut self,
        name: ConnectionRef,
        sequence_number: u32,
        request: &BindRequest<'_>,
    ) {
        if let Err(refusal) = self.decide_bind(name, sequence_number, request) {
            self.refuse_bind(name, sequence_number, refusal);
        }
    }

    fn decide_bind(
        &mut self,
        name: ConnectionRef,
        sequence_number: u32,
        request: &BindRequest<'_>,
    ) -> Result<(), Refusal> {
        if self.draining.is_on() {
            return Err((CommandStatus::RBINDFAIL, "the gateway is draining"));
        }
        if let Some(connection) = self.connections.get_mut(name) {
            connection.system_id = String::from_utf8_lossy(request.system_id).into_owned();
        }
        // One status for "unknown" and "wrong password": a stranger learns no system_id here. The log tells.
        let unknown = (CommandStatus::RINVPASWD, "no account has this system_id");
        let number = *self.config.by_system_id.get(request.system_id).ok_or(unknown)?;
        let account = &mut self.accounts[number as usize];
        let config = account.config.as_ref().ok_or(unknown)?;
        if account.binds.len() >= config.spec.binds_max as usize {
            return Err(BINDS_TAKEN);
        }
        let mut hasher = Sha256::new();
        hasher.update(self.password_secret);
        hasher.update(config.spec.password_hash.as_bytes());
        hasher.update(request.password);
        let digest: [u8; 32] = hasher.finalize().into();
        if account.confirmed_password.is_some_and(|known| known.ct_eq(&digest).into()) {
            self.admit_bind(name, sequence_number, number);
            return Ok(());
        }
        self.ask_password(name, sequence_number, number, digest, request.password)
    }

    /// argon2 has decided.
    pub(super) fn handle_password(&mut self, tag: PasswordTag, right: bool) {
        let waiting = self.decided(tag, right);
        for (name, sequence_number) in waiting {
            // Those that gave up meanwhile count for nothing.
            if self.connections.get(name).is_none() {
                continue;
            }
            let account = &self.accounts[tag.account as usize];
            let binds_max = account.config.as_ref().map_or(0, |config| config.spec.binds_max as usize);
            if !right {
                let refusal = (CommandStatus::RINVPASWD, "the password is wrong");
                self.refuse_bind(name, sequence_number, refusal);
            } else if account.binds.len() >= binds_max {
                self.refuse_bind(name, sequence_number, BINDS_TAKEN);
            } else {
                self.admit_bind(name, sequence_number, tag.account);
                self.resume(name);
            }
        }
    }

    fn admit_bind(&mut self, name: ConnectionRef, sequence_number: u32, number: u32) {
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

    pub(super) fn refuse_bind(&mut self, name: ConnectionRef, sequence_number: u32, (status, why): Refusal) {
        self.counters.binds_refused += 1;
        if let Some(connection) = self.connections.get_mut(name) {
            let fields = vec![
                ("system_id", connection.system_id.clone()),
                ("peer", connection.peer.to_string()),
                ("status", status.to_string()),
                ("why", why.to_owned()),
            ];
            self.notices.tell(Level::Warning, "bind_refused", fields);
            connection.session.refuse_bind(sequence_number, SYSTEM_ID, status);
            self.mark_dirty(name);
        }
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
