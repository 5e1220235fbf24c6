//! One segment file, and the zone map that finds a record in it without reading it all.
//!
//! A zone is 64 KiB or more of whole batches: its first offset, its position, the range of its keys, its
//! latest timestamp. Message ids grow with time, so the key ranges are narrow and a lookup reads few zones.
//! The writer thread notes batches, readers copy out what they need: the lock is held for as long as it takes
//! to push or to copy entries.

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::file_system::File;

/// A segment, shared between the writer and readers. A reader that has one may go on reading after it was
/// dropped.
pub(crate) struct Segment {
    pub base: i64,
    pub path: PathBuf,
    pub file: Arc<dyn File>,
    /// One past the last record written.
    end: AtomicI64,
    /// Octets of batches written; the file may be longer, by zeroes.
    bytes: AtomicU64,
    zones: RwLock<Vec<Zone>>,
}

/// A run of batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Zone {
    pub first_offset: i64,
    pub position: u64,
    pub min_key: u64,
    pub max_key: u64,
    pub max_timestamp_ms: i64,
}

/// A part of a segment to scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub first_offset: i64,
    pub position: u64,
    pub end_position: u64,
}

impl Segment {
    pub(crate) fn new(base: i64, path: PathBuf, file: Arc<dyn File>, end: i64, bytes: u64) -> Self {
        let (end, bytes) = (AtomicI64::new(end), AtomicU64::new(bytes));
        Self { base, path, file, end, bytes, zones: RwLock::new(Vec::new()) }
    }

    pub(crate) fn end(&self) -> i64 {
        self.end.load(Ordering::Acquire)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Acquire)
    }

    /// The batches up to `end`, at `bytes`, are written. Zones are noted before.
    pub(crate) fn advance(&self, end: i64, bytes: u64) {
        self.end.store(end, Ordering::Release);
        self.bytes.store(bytes, Ordering::Release);
    }

    /// Adds batches, each given as a zone of its own, to the zone map.
    pub(crate) fn note(&self, batches: impl Iterator<Item = Zone>) {
        let mut zones = self.zones.write().unwrap_or_else(PoisonError::into_inner);
        for batch in batches {
            match zones.last_mut() {
                Some(zone) if batch.position - zone.position < ZONE_BYTES_MIN => zone.absorb(&batch),
                _ => zones.push(batch),
            }
        }
    }

    /// Forgets the zone map, before it is built again.
    pub(crate) fn forget_zones(&self) {
        self.zones.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Where to start scanning for `offset`.
    pub(crate) fn seek(&self, offset: i64) -> (i64, u64) {
        let zones = self.zones.read().unwrap_or_else(PoisonError::into_inner);
        let after = zones.partition_point(|zone| zone.first_offset <= offset);
        match after.checked_sub(1).and_then(|index| zones.get(index)) {
            Some(zone) => (zone.first_offset, zone.position),
            None => (self.base, 0),
        }
    }

    /// Where to start scanning for the first record that is not older than `timestamp_ms`; none when all are
    /// older.
    pub(crate) fn seek_time(&self, timestamp_ms: i64) -> Option<i64> {
        let zones = self.zones.read().unwrap_or_else(PoisonError::into_inner);
        zones.iter().find(|zone| zone.max_timestamp_ms >= timestamp_ms).map(|zone| zone.first_offset)
    }

    /// The parts that may hold `key` at or after the offset `from`, in order; neighbours are joined.
    pub(crate) fn stretches(&self, key: u64, from: i64) -> Vec<Stretch> {
        let bytes = self.bytes();
        let zones = self.zones.read().unwrap_or_else(PoisonError::into_inner);
        let mut stretches: Vec<Stretch> = Vec::new();
        for (index, zone) in zones.iter().enumerate() {
            let (end_offset, end_position) =
                zones.get(index + 1).map_or((i64::MAX, bytes), |next| (next.first_offset, next.position));
            if !(zone.min_key..=zone.max_key).contains(&key)
                || end_offset <= from
                || zone.position >= end_position
            {
                continue;
            }
            match stretches.last_mut() {
                Some(last) if last.end_position == zone.position => last.end_position = end_position,
                _ => stretches.push(Stretch {
                    first_offset: zone.first_offset,
                    position: zone.position,
                    end_position,
                }),
            }
        }
        stretches
    }
}

impl Zone {
    fn absorb(&mut self, batch: &Self) {
        self.min_key = self.min_key.min(batch.min_key);
        self.max_key = self.max_key.max(batch.max_key);
        self.max_timestamp_ms = self.max_timestamp_ms.max(batch.max_timestamp_ms);
    }
}

/// A zone is closed by the first batch that starts this far from its beginning.
const ZONE_BYTES_MIN: u64 = 64 << 10;
