//! Who a bind is from, and whether it may: system_id, address, certificate, number of binds, password.

use std::borrow::Cow;
use std::net::IpAddr;

use brivas_proto::v1;
use brivas_smpp::CommandStatus;
use brivas_smpp::pdu::BindRequest;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::Shard;
use super::connection::ConnectionRef;
use super::customers::SYSTEM_ID;
use crate::config::Binder;
use crate::notice::Level;
use crate::offload::PasswordTag;
use crate::transport::TlsStream;

/// What the peer is told, and what the log says.
pub(super) type Refusal = (CommandStatus, Cow<'static, str>);

const UNKNOWN: Refusal = (CommandStatus::RINVPASWD, Cow::Borrowed("no account has this system_id"));

impl Shard {
    /// Somebody wants to bind.
    pub(super) fn handle_bind(
        &mut self,
        name: ConnectionRef,
        sequence_number: u32,
        request: &BindRequest<'_>,
    ) {
        if let Err(refusal) = self.decide_bind(name, sequence_number, request.system_id, request.password) {
            self.refuse_bind(name, sequence_number, refusal);
        }
    }

    /// Lets in at once, or puts the password in line.
    pub(super) fn decide_bind(
        &mut self,
        name: ConnectionRef,
        sequence_number: u32,
        system_id: &[u8],
        password: &[u8],
    ) -> Result<(), Refusal> {
        if self.draining.is_on() {
            return Err((CommandStatus::RBINDFAIL, "the gateway is draining".into()));
        }
        let Some(connection) = self.connections.get_mut(name) else { return Ok(()) };
        connection.system_id = String::from_utf8_lossy(system_id).into_owned();
        let address = connection.peer.ip();
        // One status for "unknown" and "wrong password": a stranger learns no system_id here. The log tells.
        let binder = *self.config.by_system_id.get(system_id).ok_or(UNKNOWN)?;
        self.check_address(binder, address)?;
        let needs_password = self.check_certificate(binder, name)?;
        self.check_binds(binder)?;
        if !needs_password {
            self.admit_binder(binder, name, sequence_number);
            return Ok(());
        }
        let mut hasher = Sha256::new();
        hasher.update(self.password_secret);
        hasher.update(self.password_hash(binder));
        hasher.update(password);
        let digest: [u8; 32] = hasher.finalize().into();
        if self.passwords_mut(binder).has_confirmed(|known| known.ct_eq(&digest).into()) {
            self.admit_binder(binder, name, sequence_number);
            return Ok(());
        }
        self.ask_password(name, sequence_number, PasswordTag { binder, digest }, password)
    }

    fn check_address(&self, binder: Binder, address: IpAddr) -> Result<(), Refusal> {
        let addresses = match binder {
            Binder::Account(number) => self.config.account(number).map(|config| &config.addresses),
            Binder::Carrier(number) => self.config.carrier(number).map(|config| &config.addresses),
        };
        let addresses = addresses.ok_or(UNKNOWN)?;
        if addresses.is_empty() || addresses.contains(address) {
            return Ok(());
        }
        let why = format!("{address} is in none of the networks that may bind (addresses)");
        Err((CommandStatus::RBINDFAIL, why.into()))
    }

    /// Whether a password is asked for as well.
    fn check_certificate(&self, binder: Binder, name: ConnectionRef) -> Result<bool, Refusal> {
        let Binder::Account(number) = binder else { return Ok(true) };
        let config = self.config.account(number).ok_or(UNKNOWN)?;
        let authentication = config.spec.authentication();
        if authentication == v1::Authentication::Password {
            return Ok(true);
        }
        let tls = self.connections.get(name).and_then(|connection| connection.stream.tls());
        let Some(names) = tls.and_then(TlsStream::peer_names) else {
            let why = "no client certificate was shown, and this account needs one (authentication)";
            return Err((CommandStatus::RBINDFAIL, why.into()));
        };
        if !names.contains(&config.spec.system_id) {
            let names = if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
            let why =
                format!("the client certificate is for {names}, the bind for {}", config.spec.system_id);
            return Err((CommandStatus::RBINDFAIL, why.into()));
        }
        Ok(authentication == v1::Authentication::Both)
    }

    pub(super) fn check_binds(&self, binder: Binder) -> Result<(), Refusal> {
        let has_room = match binder {
            Binder::Account(number) => self.config.account(number).is_some_and(|config| {
                self.accounts[number as usize].binds.len() < config.spec.binds_max as usize
            }),
            Binder::Carrier(number) => self.free_bind(number).is_some(),
        };
        if has_room {
            return Ok(());
        }
        Err((CommandStatus::RALYBND, "there are all the binds that may be (bindsMax)".into()))
    }

    pub(super) fn password_hash(&self, binder: Binder) -> &str {
        match binder {
            Binder::Account(number) => self.config.account(number).map(|config| &config.spec.password_hash),
            Binder::Carrier(number) => self.config.carrier(number).map(|config| &config.spec.password_hash),
        }
        .map_or("", String::as_str)
    }

    /// argon2 has decided.
    pub(super) fn handle_password(&mut self, tag: PasswordTag, right: bool) {
        let waiting = self.decided(tag, right);
        for (name, sequence_number) in waiting {
            // Those that gave up meanwhile count for nothing.
            if self.connections.get(name).is_none() {
                continue;
            }
            if !right {
                let refusal = (CommandStatus::RINVPASWD, "the password is wrong".into());
                self.refuse_bind(name, sequence_number, refusal);
            } else if let Err(refusal) = self.check_binds(tag.binder) {
                self.refuse_bind(name, sequence_number, refusal);
            } else {
                self.admit_binder(tag.binder, name, sequence_number);
                self.resume(name);
            }
        }
    }

    fn admit_binder(&mut self, binder: Binder, name: ConnectionRef, sequence_number: u32) {
        match binder {
            Binder::Account(number) => self.admit_bind(name, sequence_number, number),
            Binder::Carrier(number) => self.admit_carrier(name, sequence_number, number),
        }
    }

    pub(super) fn refuse_bind(&mut self, name: ConnectionRef, sequence_number: u32, (status, why): Refusal) {
        self.counters.binds_refused += 1;
        if let Some(connection) = self.connections.get_mut(name) {
            let fields = vec![
                ("system_id", connection.system_id.clone()),
                ("peer", connection.peer.to_string()),
                ("status", status.to_string()),
                ("why", why.into_owned()),
            ];
            self.notices.tell(Level::Warning, "bind_refused", fields);
            connection.session.refuse_bind(sequence_number, SYSTEM_ID, status);
            // An outbind has no response (SMPP 3.4 §4.1.7): its session ends without one.
            connection.session.close(brivas_smpp::session::CloseReason::BindRefused(status));
            self.mark_dirty(name);
        }
    }
}
