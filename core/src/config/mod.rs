//! The configuration as the shards use it: one immutable whole, swapped at once.
//!
//! Built from the protobuf `Snapshot`; names get numbers that stay the same across reloads, so that queues,
//! binds and counters find their owner.

mod access;
mod build;
pub(crate) mod conditions;
pub(crate) mod files;
pub(crate) mod last_good;
mod numbers;
pub(crate) mod routing;
mod senders;

pub(crate) use access::Binder;
pub(crate) use build::build;
pub use build::check_serialized;
use senders::Senders;

use conditions::Tags;
pub(crate) use files::Files;
use numbers::{Loaded, Numbers};
use std::collections::HashMap;
use std::sync::Arc;

use brivas_proto::v1;
use brivas_route::{Policy, Table};
use brivas_smpp::text::DefaultAlphabet;
use brivas_smpp::{BindMode, InterfaceVersion};

use crate::shard::Manner;
use crate::transport::{ClientTls, ListenerConfig, Networks};

/// Names that were ever configured, in the order of their numbers. Only grows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    names: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
}

impl Names {
    /// The number of a name; new names get the next one.
    pub(crate) fn number(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        let number = self.names.len() as u32;
        let name: Arc<str> = name.into();
        self.names.push(Arc::clone(&name));
        self.numbers.insert(name, number);
        number
    }

    pub(crate) fn find(&self, name: &str) -> Option<u32> {
        self.numbers.get(name).copied()
    }

    pub(crate) fn name(&self, number: u32) -> &Arc<str> {
        &self.names[number as usize]
    }

    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }
}

/// An account. `None` fields of the whole stand in [`v1::Account`], which it wraps.
#[derive(Debug)]
pub(crate) struct AccountConfig {
    pub(crate) spec: v1::Account,
    /// Where its binds may come from; none: anywhere.
    pub(crate) addresses: Networks,
    /// Of its messages: a bit for each, [`Config::tags`].
    pub(crate) tags: u64,
    /// Who it may send as; None: anybody.
    pub(crate) senders: Option<Senders>,
}

impl AccountConfig {
    /// Whether its messages wait for fdatasync.
    pub(crate) fn on_disk(&self) -> bool {
        self.spec.durability() == v1::Durability::Disk
    }
}

impl AccountConfig {
    /// How its long messages travel, and what its data_coding 0 means.
    pub(crate) fn manner(&self) -> Manner {
        Manner::new(self.spec.long_messages, self.spec.default_alphabet)
    }
}

/// A carrier.
#[derive(Debug)]
pub(crate) struct CarrierConfig {
    pub(crate) spec: v1::Carrier,
    /// Where it may connect from, if it connects to us; none: anywhere.
    pub(crate) addresses: Networks,
    pub(crate) tls: Option<ClientTls>,
    /// Of the messages that come from it: a bit for each, [`Config::tags`].
    pub(crate) tags: u64,
}

impl CarrierConfig {
    pub(crate) fn bind_mode(&self) -> BindMode {
        match self.spec.bind_mode() {
            v1::BindMode::Transceiver => BindMode::Transceiver,
            v1::BindMode::Transmitter => BindMode::Transmitter,
            v1::BindMode::Receiver => BindMode::Receiver,
        }
    }

    /// How long messages travel to it, and what data_coding 0 means there. Without TLVs a payload would be an empty
    /// message, and parts by SAR would be messages of their own.
    pub(crate) fn manner(&self) -> Manner {
        let needs_tlvs =
            !matches!(self.spec.long_messages(), v1::LongMessages::Udh8 | v1::LongMessages::Udh16);
        let form = if needs_tlvs && !self.interface_version().has_tlvs() {
            v1::LongMessages::Udh8.into()
        } else {
            self.spec.long_messages
        };
        Manner::new(form, self.spec.default_alphabet)
    }

    /// The version to bind with.
    pub(crate) const fn interface_version(&self) -> InterfaceVersion {
        match self.spec.interface_version {
            0 => InterfaceVersion::V3_4,
            version => InterfaceVersion(version as u8),
        }
    }

    /// Whether a live bind can go on under `other`, or must be made anew.
    pub(crate) fn same_connection(&self, other: &Self) -> bool {
        let what_binds = |spec: &v1::Carrier| v1::Carrier {
            host: spec.host.clone(),
            port: spec.port,
            system_id: spec.system_id.clone(),
            password: spec.password.clone(),
            system_type: spec.system_type.clone(),
            bind_mode: spec.bind_mode,
            tls: spec.tls.clone(),
            direction: spec.direction,
            interface_version: spec.interface_version,
            address_range: spec.address_range.clone(),
            addr_ton: spec.addr_ton,
            addr_npi: spec.addr_npi,
            ..v1::Carrier::default()
        };
        what_binds(&self.spec) == what_binds(&other.spec)
    }
}

/// The whole configuration.
#[derive(Debug)]
pub(crate) struct Config {
    /// SHA-256 of the snapshot, hexadecimal.
    pub(crate) hash: String,
    pub(crate) account_names: Names,
    pub(crate) carrier_names: Names,
    /// By number; None: was configured once, is no more.
    pub(crate) accounts: Vec<Option<Arc<AccountConfig>>>,
    pub(crate) carriers: Vec<Option<Arc<CarrierConfig>>>,
    /// Beside the gateway's own.
    pub(crate) listeners: Vec<Arc<ListenerConfig>>,
    pub(crate) table: Table,
    /// Changes with the table: routes are remembered by number.
    pub(crate) table_generation: u32,
    /// Whether a customer's message is looked at beyond its number: there are rules, or a policy.
    pub(crate) judges_mt: bool,
    /// Whether any route changes what it sends.
    pub(crate) rewrites: bool,
    pub(crate) policy: Policy,
    pub(crate) numbers: Numbers,
    pub(crate) suppressions_key: [u8; 32],
    pub(crate) tags: Tags,
    /// What was read for it, for the log.
    pub(crate) loaded: Vec<Loaded>,
    pub(crate) by_system_id: HashMap<Vec<u8>, Binder>,
    pub(crate) by_api_key: HashMap<[u8; 32], u32>,
}

impl Config {
    /// Whether data_coding 0 has more than one meaning among them, or another than the usual one.
    pub(crate) fn has_alphabets(&self) -> bool {
        let accounts = self.accounts.iter().flatten().map(|account| account.manner());
        let carriers = self.carriers.iter().flatten().map(|carrier| carrier.manner());
        accounts.chain(carriers).any(|manner| manner.alphabet != DefaultAlphabet::Gsm)
    }

    /// What data_coding 0 means in an account's own messages.
    pub(crate) fn account_alphabet(&self, number: u32) -> DefaultAlphabet {
        self.account(number).map_or(DefaultAlphabet::Gsm, |account| account.manner().alphabet)
    }

    /// What it means in a carrier's.
    pub(crate) fn carrier_alphabet(&self, number: u32) -> DefaultAlphabet {
        self.carrier(number).map_or(DefaultAlphabet::Gsm, |carrier| carrier.manner().alphabet)
    }

    pub(crate) fn account(&self, number: u32) -> Option<&Arc<AccountConfig>> {
        self.accounts.get(number as usize)?.as_ref()
    }

    pub(crate) fn carrier(&self, number: u32) -> Option<&Arc<CarrierConfig>> {
        self.carriers.get(number as usize)?.as_ref()
    }
}
