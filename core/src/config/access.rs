//! Who may connect from where and how, and how we connect: the transport's part of a configuration, checked.

use std::collections::HashSet;
use std::sync::Arc;

use brivas_proto::v1;

use super::senders::Senders;
use super::{AccountConfig, CarrierConfig};
use crate::error::EngineError;
use crate::transport::{ClientTls, LISTENERS_MAX, ListenerConfig, Networks};

/// Whose system_id it is that somebody binds with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Binder {
    Account(u32),
    /// A carrier that connects to us.
    Carrier(u32),
}

impl AccountConfig {
    /// # Errors
    /// What is wrong with it.
    pub(super) fn new(spec: &v1::Account, tags: u64, senders: Option<Senders>) -> Result<Self, EngineError> {
        let wrong = |why: String| EngineError::Config(format!("account {:?}: addresses: {why}", spec.name));
        let addresses = Networks::parse(&spec.addresses).map_err(wrong)?;
        if !spec.system_id.is_empty() && spec.authentication() != v1::Authentication::Certificate {
            check_hash("account", &spec.name, &spec.password_hash)?;
        }
        Ok(Self { spec: spec.clone(), tags, senders, addresses })
    }
}

impl CarrierConfig {
    /// # Errors
    /// What is wrong with it.
    pub(super) fn new(spec: &v1::Carrier, tags: u64) -> Result<Self, EngineError> {
        let wrong = |why: String| EngineError::Config(format!("carrier {:?}: {why}", spec.name));
        let addresses = Networks::parse(&spec.addresses).map_err(|why| wrong(format!("addresses: {why}")))?;
        let inbound = spec.direction() == v1::CarrierDirection::Inbound;
        if inbound {
            check_hash("carrier", &spec.name, &spec.password_hash)?;
            if spec.system_id.is_empty() {
                return Err(wrong("it connects to us and has no system_id".to_owned()));
            }
            if spec.tls.is_some() {
                return Err(wrong("tls is for carriers that we connect to".to_owned()));
            }
        }
        let tls = spec.tls.as_ref().map(|tls| ClientTls::new(tls, &spec.host)).transpose();
        let tls = tls.map_err(|misfit| wrong(misfit.to_string()))?;
        Ok(Self { spec: spec.clone(), tags, addresses, tls })
    }

    /// Whether it connects to us.
    pub(crate) fn is_inbound(&self) -> bool {
        self.spec.direction() == v1::CarrierDirection::Inbound
    }

    /// Connections that it may or should have.
    pub(crate) fn binds_wanted(&self) -> usize {
        if self.is_inbound() { self.spec.binds_max as usize } else { self.spec.binds as usize }
    }
}

fn check_hash(kind: &str, name: &str, hash: &str) -> Result<(), EngineError> {
    if argon2::PasswordHash::new(hash).is_err() {
        return Err(EngineError::Config(format!(
            "{kind} {name:?}: password_hash is not in PHC string format"
        )));
    }
    Ok(())
}

/// The listeners, in their order.
///
/// # Errors
/// What is wrong with which.
pub(super) fn listeners(snapshot: &v1::Snapshot) -> Result<Vec<Arc<ListenerConfig>>, EngineError> {
    let wrong = |why: String| EngineError::Config(why);
    if snapshot.listeners.len() > LISTENERS_MAX {
        return Err(wrong(format!("{} listeners, more than {LISTENERS_MAX}", snapshot.listeners.len())));
    }
    let mut names = HashSet::new();
    let mut addresses = HashSet::new();
    let mut listeners = Vec::with_capacity(snapshot.listeners.len());
    for spec in &snapshot.listeners {
        let listener = ListenerConfig::new(spec)?;
        if !names.insert(spec.name.as_str()) {
            return Err(wrong(format!("listener {:?} is there twice", spec.name)));
        }
        if listener.address.port() != 0 && !addresses.insert(listener.address) {
            let address = listener.address;
            return Err(wrong(format!("listener {:?}: another one listens on {address} too", spec.name)));
        }
        listeners.push(Arc::new(listener));
    }
    Ok(listeners)
}
