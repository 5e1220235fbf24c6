//! Snapshot to [`Config`]: checks everything, or changes nothing.

use std::collections::HashMap;
use std::sync::Arc;

use brivas_proto::v1;
use brivas_route::Direction;
use prost::Message;
use sha2::{Digest, Sha256};

use super::access::{self, Binder};
use super::conditions::{Reading, Tags};
use super::files::Files;
use super::numbers::{Lists, Numbers};
use super::senders::Senders;
use super::{AccountConfig, CarrierConfig, Config, Names, routing};
use crate::error::EngineError;

/// Checks a serialised snapshot without using it; gives its hash.
///
/// # Errors
/// What is wrong with it.
pub fn check_serialized(snapshot: &[u8]) -> Result<String, EngineError> {
    let snapshot = v1::Snapshot::decode(snapshot).map_err(|error| wrong(error.to_string()))?;
    build(&snapshot, Names::default(), Names::default(), &Files::default(), None).map(|config| config.hash)
}

/// Compiles a snapshot. `account_names` and `carrier_names` are those of the configuration `before`, which also gives
/// what is large and has not changed. Takes seconds where large files are new: not for a thread that others wait for.
pub(crate) fn build(
    snapshot: &v1::Snapshot,
    mut account_names: Names,
    mut carrier_names: Names,
    files: &Files,
    before: Option<&Config>,
) -> Result<Config, EngineError> {
    let tags = Tags::of(snapshot)?;
    let mut by_system_id = HashMap::new();
    let mut by_api_key = HashMap::new();
    let mut named_accounts = HashMap::new();
    let mut senders = listed_senders(snapshot)?;
    for spec in &snapshot.accounts {
        check_account(spec)?;
        let number = account_names.number(&spec.name);
        let config = AccountConfig::new(spec, tags.bits(&spec.tags), senders.remove(spec.name.as_str()))?;
        if named_accounts.insert(number, Arc::new(config)).is_some() {
            return Err(wrong(format!("account {:?} is there twice", spec.name)));
        }
        if !spec.system_id.is_empty()
            && by_system_id.insert(spec.system_id.clone().into_bytes(), Binder::Account(number)).is_some()
        {
            return Err(wrong(format!(
                "account {:?}: system_id {:?} is another account's too",
                spec.name, spec.system_id
            )));
        }
        for key in &spec.api_keys {
            let digest: [u8; 32] = key.sha256.as_slice().try_into().map_err(|_| {
                let octets = key.sha256.len();
                wrong(format!(
                    "account {:?}: API key {:?} has a hash of {octets} octets",
                    spec.name, key.name
                ))
            })?;
            if by_api_key.insert(digest, number).is_some() {
                return Err(wrong(format!("account {:?}: API key {:?} is there twice", spec.name, key.name)));
            }
        }
    }
    let mut named_carriers = HashMap::new();
    for spec in &snapshot.carriers {
        check_carrier(spec)?;
        let number = carrier_names.number(&spec.name);
        let config = CarrierConfig::new(spec, tags.bits(&spec.tags))?;
        if named_carriers.insert(number, Arc::new(config)).is_some() {
            return Err(wrong(format!("carrier {:?} is there twice", spec.name)));
        }
        if spec.direction() == v1::CarrierDirection::Inbound
            && by_system_id.insert(spec.system_id.clone().into_bytes(), Binder::Carrier(number)).is_some()
        {
            return Err(wrong(format!(
                "carrier {:?}: system_id {:?} is an account's or another carrier's too",
                spec.name, spec.system_id
            )));
        }
    }
    let accounts: Vec<_> =
        (0..account_names.len() as u32).map(|number| named_accounts.remove(&number)).collect();
    let carriers: Vec<_> =
        (0..carrier_names.len() as u32).map(|number| named_carriers.remove(&number)).collect();
    let account = |name: &str| {
        let number = account_names.find(name).filter(|&number| accounts[number as usize].is_some());
        number.ok_or_else(|| wrong(format!("there is no account {name:?}")))
    };
    let carrier = |name: &str| {
        let number = carrier_names.find(name).filter(|&number| carriers[number as usize].is_some());
        number.ok_or_else(|| wrong(format!("there is no carrier {name:?}")))
    };
    let reading = Reading { tags: &tags, account: &account };
    let table = routing::table(&snapshot.routes, &reading, carrier)?;
    let mut loaded = Vec::new();
    let known = before.map(|before| &before.numbers);
    let (numbers, offsets) = Numbers::build(&snapshot.numbering_plans, files, known, &mut loaded)?;
    let known = before.map(|before| Lists {
        suppressions: Arc::clone(before.policy.suppressions()),
        key: before.suppressions_key,
    });
    let Lists { suppressions, key: suppressions_key } =
        Lists::build(&snapshot.suppression_lists, files, known, &mut loaded, account)?;
    let policy = routing::policy(snapshot, &reading, suppressions, offsets)?;
    let table_generation = before.map_or(1, |before| {
        let is_same = before.table.content_hash() == table.content_hash();
        before.table_generation.wrapping_add(u32::from(!is_same))
    });
    Ok(Config {
        hash: hash(snapshot),
        listeners: access::listeners(snapshot)?,
        rewrites: table.rewrites(),
        judges_mt: table.has_rules(Direction::Mt) || !policy.is_empty(),
        table,
        table_generation,
        policy,
        numbers,
        suppressions_key,
        tags,
        loaded,
        account_names,
        carrier_names,
        accounts,
        carriers,
        by_system_id,
        by_api_key,
    })
}

fn hash(snapshot: &v1::Snapshot) -> String {
    let digest = Sha256::digest(snapshot.encode_to_vec());
    digest.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// The widest window: the session's ring holds that many at once.
const WINDOW_MAX: u32 = 10_000;
const BINDS_MAX: u32 = 10_000;

/// The senders of each account that may only use listed ones.
fn listed_senders(snapshot: &v1::Snapshot) -> Result<HashMap<&str, Senders>, EngineError> {
    let accounts: HashMap<_, _> =
        snapshot.accounts.iter().map(|spec| (spec.name.as_str(), spec.senders_allowed())).collect();
    let listed = accounts.iter().filter(|(_, allowed)| **allowed == v1::SendersAllowed::Listed);
    let mut senders: HashMap<&str, Senders> = listed.map(|(name, _)| (*name, Senders::default())).collect();
    for sender in &snapshot.senders {
        if !accounts.contains_key(sender.account.as_str()) {
            return Err(wrong(format!("sender {:?}: there is no account {:?}", sender.name, sender.account)));
        }
        if let Some(senders) = senders.get_mut(sender.account.as_str()) {
            senders.add(sender);
        }
    }
    Ok(senders)
}

fn check_account(spec: &v1::Account) -> Result<(), EngineError> {
    let name = &spec.name;
    within(name, "name", spec.name.len() as u32, 1, 63)?;
    within(name, "window_max", spec.window_max, 1, WINDOW_MAX)?;
    within(name, "binds_max", spec.binds_max, 0, BINDS_MAX)?;
    within(name, "open_messages_max", spec.open_messages_max, 1, u32::MAX)?;
    within(name, "validity_default_seconds", spec.validity_default_seconds, 1, 10_000_000)?;
    within(name, "delivery_retention_seconds", spec.delivery_retention_seconds, 1, 10_000_000)?;
    Ok(())
}

fn check_carrier(spec: &v1::Carrier) -> Result<(), EngineError> {
    let name = &spec.name;
    within(name, "name", spec.name.len() as u32, 1, 63)?;
    if spec.direction() == v1::CarrierDirection::Inbound {
        within(name, "binds_max", spec.binds_max, 0, BINDS_MAX)?;
    } else {
        within(name, "host", spec.host.len() as u32, 1, 253)?;
        within(name, "port", spec.port, 1, 65_535)?;
        within(name, "binds", spec.binds, 0, BINDS_MAX)?;
    }
    within(name, "window_max", spec.window_max, 1, WINDOW_MAX)?;
    within(name, "window_min", spec.window_min, 0, spec.window_max)?;
    within(name, "addr_ton", spec.addr_ton, 0, 255)?;
    within(name, "addr_npi", spec.addr_npi, 0, 255)?;
    within(name, "address_range", spec.address_range.len() as u32, 0, 40)?;
    if ![0, 0x33, 0x34, 0x50].contains(&spec.interface_version) {
        let version = spec.interface_version;
        return Err(wrong(format!(
            "carrier {name:?}: interface_version is {version:#04x}, not 0x33, 0x34 or 0x50"
        )));
    }
    within(name, "queue_max", spec.queue_max, 1, u32::MAX)?;
    within(name, "response_timeout_ms", spec.response_timeout_ms, 1, 3_600_000)?;
    within(name, "reconnect_initial_ms", spec.reconnect_initial_ms, 1, 3_600_000)?;
    within(name, "retry_initial_ms", spec.retry_initial_ms, 1, 86_400_000)?;
    if spec.reconnect_max_ms < spec.reconnect_initial_ms || spec.retry_max_ms < spec.retry_initial_ms {
        return Err(wrong(format!("carrier {name:?}: a backoff ends before it begins")));
    }
    Ok(())
}

fn within(name: &str, field: &str, value: u32, least: u32, most: u32) -> Result<(), EngineError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(wrong(format!("{name:?}: {field} is {value}, not within {least} and {most}")))
}

fn wrong(what: String) -> EngineError {
    EngineError::Config(what)
}
