//! What is known of numbers: their networks by prefix and by number, their local times, and those that want nothing.
//!
//! These are the large parts of a configuration. What has not changed is taken over from the configuration before, so that
//! a new route does not load ten million numbers again.

use std::sync::Arc;
use std::time::Instant;

use brivas_proto::v1;
use brivas_route::{Network, NetworkRanges, PortedNumbers, Suppressions, SuppressionsBuilder, UtcOffsets};
use prost::Message as _;
use sha2::{Digest, Sha256};

use super::files::{Files, checksum, each_line};
use crate::error::EngineError;

/// Tables of ported numbers at most: each is asked for every message that rules look at.
const PORTED_TABLES_MAX: usize = 16;

/// Networks and local times of numbers.
#[derive(Debug)]
pub(crate) struct Numbers {
    ranges: Arc<NetworkRanges>,
    /// Of what the ranges were made from.
    ranges_key: [u8; 32],
    /// By checksum of the file.
    ported: Vec<([u8; 32], Arc<PortedNumbers>)>,
}

/// A table that was read, for the log.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub(crate) what: &'static str,
    pub(crate) name: String,
    pub(crate) entries: usize,
    pub(crate) octets: usize,
    pub(crate) milliseconds: u128,
}

impl Numbers {
    /// Reads what the plans name, except what `before` has.
    pub(crate) fn build(
        plans: &[v1::NumberingPlan],
        files: &Files,
        before: Option<&Self>,
        loaded: &mut Vec<Loaded>,
    ) -> Result<(Self, UtcOffsets), EngineError> {
        let offsets = plans.iter().flat_map(|plan| &plan.utc_offsets);
        let offsets =
            offsets.map(|offset| (offset.prefix.as_str(), i16::try_from(offset.minutes).unwrap_or(i16::MAX)));
        let offsets = UtcOffsets::build(offsets).map_err(|error| wrong(error.to_string()))?;
        let ranges_key = ranges_key(plans)?;
        let ranges = match before.filter(|before| before.ranges_key == ranges_key) {
            Some(before) => Arc::clone(&before.ranges),
            None => Arc::new(ranges(plans, files, loaded)?),
        };
        let mut ported = Vec::new();
        for plan in plans {
            let Some(file) = &plan.ported_file else { continue };
            if ported.len() == PORTED_TABLES_MAX {
                return Err(wrong(format!(
                    "numbering plan {:?}: one file of ported numbers too many; hint: at most {PORTED_TABLES_MAX}, join some",
                    plan.name
                )));
            }
            let digest = checksum(file)?;
            let known = before.and_then(|before| before.ported.iter().find(|(known, _)| *known == digest));
            let table = match known {
                Some((_, table)) => Arc::clone(table),
                None => {
                    let began = Instant::now();
                    let table = files
                        .read(file, |reader| PortedNumbers::load(reader).map_err(|error| error.to_string()))
                        .map_err(|error| of_plan(plan, &error))?;
                    loaded.push(Loaded {
                        what: "ported numbers",
                        name: plan.name.clone(),
                        entries: table.len(),
                        octets: table.heap_bytes(),
                        milliseconds: began.elapsed().as_millis(),
                    });
                    Arc::new(table)
                }
            };
            ported.push((digest, table));
        }
        Ok((Self { ranges, ranges_key, ported }, offsets))
    }

    /// The network that a number (without '+') is in, and whether it was ported there.
    #[inline]
    pub(crate) fn network(&self, number: &[u8]) -> Option<(Network, bool)> {
        for (_, table) in &self.ported {
            if let Some(network) = table.network(number) {
                return Some((network, true));
            }
        }
        self.ranges.network(number).map(|network| (network, false))
    }
}

/// Of all that the ranges are made from: the ranges themselves and the checksums of files.
fn ranges_key(plans: &[v1::NumberingPlan]) -> Result<[u8; 32], EngineError> {
    let mut hasher = Sha256::new();
    for plan in plans {
        for range in &plan.ranges {
            hasher.update(range.encode_length_delimited_to_vec());
        }
        if let Some(file) = &plan.ranges_file {
            hasher.update(checksum(file)?);
        }
    }
    Ok(hasher.finalize().into())
}

fn ranges(
    plans: &[v1::NumberingPlan],
    files: &Files,
    loaded: &mut Vec<Loaded>,
) -> Result<NetworkRanges, EngineError> {
    let mut all: Vec<(String, Network)> = Vec::new();
    for plan in plans {
        for range in &plan.ranges {
            let network = network(&range.network).map_err(|what| of_plan(plan, &wrong(what)))?;
            all.push((range.prefix.clone(), network));
        }
        let Some(file) = &plan.ranges_file else { continue };
        let began = Instant::now();
        let read = files.read(file, |reader| {
            let mut read = Vec::new();
            each_line(reader, |columns| {
                let (Some(prefix), Some(name)) = (columns.next(), columns.next()) else {
                    return Err("not two columns; hint: prefix,network with a comma between".to_owned());
                };
                let prefix = prefix.strip_prefix('+').unwrap_or(prefix);
                if prefix.len() > 15 || !prefix.bytes().all(|octet| octet.is_ascii_digit()) {
                    return Err(format!("prefix {prefix:?}; hint: up to 15 digits, the country code first"));
                }
                read.push((prefix.to_owned(), network(name)?));
                Ok(())
            })?;
            Ok(read)
        });
        let read = read.map_err(|error| of_plan(plan, &error))?;
        loaded.push(Loaded {
            what: "network ranges",
            name: plan.name.clone(),
            entries: read.len(),
            octets: 0,
            milliseconds: began.elapsed().as_millis(),
        });
        all.extend(read);
    }
    NetworkRanges::build(all.iter().map(|(prefix, network)| (prefix.as_str(), *network)))
        .map_err(|error| wrong(format!("numbering plans: {error}")))
}

/// MCC and MNC.
pub(crate) fn network(text: &str) -> Result<Network, String> {
    Network::parse(text).ok_or_else(|| format!("network {text:?}; hint: MCC and MNC, as 262-01 or 26201"))
}

/// The suppressions of the lists, and what they were made from.
pub(crate) struct Lists {
    pub(crate) suppressions: Arc<Suppressions>,
    pub(crate) key: [u8; 32],
}

impl Lists {
    /// Reads the lists, unless `before` is made from the same. `account` gives the number of a name.
    pub(crate) fn build(
        lists: &[v1::SuppressionList],
        files: &Files,
        before: Option<Self>,
        loaded: &mut Vec<Loaded>,
        account: impl Fn(&str) -> Result<u32, EngineError>,
    ) -> Result<Self, EngineError> {
        let mut hasher = Sha256::new();
        let mut accounts = Vec::with_capacity(lists.len());
        for list in lists {
            let number = (!list.account.is_empty()).then(|| account(&list.account)).transpose()?;
            hasher.update(list.encode_length_delimited_to_vec());
            hasher.update(number.unwrap_or(u32::MAX).to_be_bytes());
            accounts.push(number);
        }
        let key = hasher.finalize().into();
        if let Some(before) = before.filter(|before| before.key == key) {
            return Ok(before);
        }
        let began = Instant::now();
        let mut builder = SuppressionsBuilder::default();
        for (list, account) in lists.iter().zip(accounts) {
            let name = &list.name;
            let of_list =
                |error: &dyn std::fmt::Display| wrong(format!("suppression list {name:?}: {error}"));
            let sender =
                Some(list.sender.trim_start_matches('+').as_bytes()).filter(|sender| !sender.is_empty());
            let mut add = |number: &str| {
                let number = number.strip_prefix('+').unwrap_or(number);
                builder.add(account, sender, number.as_bytes()).map_err(|error| error.to_string())
            };
            for number in &list.numbers {
                add(number).map_err(|error| of_list(&error))?;
            }
            if let Some(file) = &list.file {
                // Read apart from being added: a copy that proves damaged half-way must leave nothing behind.
                let numbers = files.read(file, |reader| {
                    let mut numbers = Vec::new();
                    each_line(reader, |columns| {
                        numbers.push(whole_number(columns.next().unwrap_or_default())?);
                        Ok(())
                    })?;
                    Ok(numbers)
                });
                for number in numbers.map_err(|error| of_list(&error))? {
                    add(&number.to_string()).map_err(|error| of_list(&error))?;
                }
            }
        }
        let suppressions = builder.build();
        if !suppressions.is_empty() {
            loaded.push(Loaded {
                what: "suppressions",
                name: format!("{} lists", lists.len()),
                entries: suppressions.len(),
                octets: suppressions.heap_bytes(),
                milliseconds: began.elapsed().as_millis(),
            });
        }
        Ok(Self { suppressions: Arc::new(suppressions), key })
    }
}

fn whole_number(text: &str) -> Result<u64, String> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let is_number = (1..=15).contains(&digits.len())
        && !digits.starts_with('0')
        && digits.bytes().all(|octet| octet.is_ascii_digit());
    let number = is_number.then(|| digits.parse().ok()).flatten();
    number.ok_or_else(|| format!("number {text:?}; hint: up to 15 digits with the country code first"))
}

fn of_plan(plan: &v1::NumberingPlan, error: &EngineError) -> EngineError {
    let what = error.to_string();
    let what = what.strip_prefix("configuration: ").unwrap_or(&what);
    wrong(format!("numbering plan {:?}: {what}", plan.name))
}

fn wrong(what: String) -> EngineError {
    EngineError::Config(what)
}
