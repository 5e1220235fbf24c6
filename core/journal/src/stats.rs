//! Counters of the writer thread, and how long its latest syncs took.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// What the journal did since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Commits written.
    pub commits: u64,
    /// Syncs of those; several commits may share one.
    pub syncs: u64,
    /// Records written.
    pub records: u64,
    /// Octets written, batch headers included.
    pub bytes: u64,
    /// Median of the last 1,024 syncs, microseconds.
    pub sync_p50_us: u32,
    /// 99th percentile of the last 1,024 syncs, microseconds.
    pub sync_p99_us: u32,
    /// Longest of the last 1,024 syncs, microseconds.
    pub sync_max_us: u32,
    /// Segment files.
    pub segments: usize,
    /// Octets of batches in them.
    pub size_bytes: u64,
}

/// Written by the writer thread alone.
pub(crate) struct Counters {
    pub commits: AtomicU64,
    pub records: AtomicU64,
    pub bytes: AtomicU64,
    syncs: AtomicU64,
    latest_us: [AtomicU32; LATEST],
}

impl Counters {
    pub(crate) fn note_sync(&self, took: Duration) {
        let index = self.syncs.load(Ordering::Relaxed) as usize % LATEST;
        self.latest_us[index].store(u32::try_from(took.as_micros()).unwrap_or(u32::MAX), Ordering::Relaxed);
        self.syncs.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn stats(&self, segments: usize, size_bytes: u64) -> Stats {
        let syncs = self.syncs.load(Ordering::Relaxed);
        let count = usize::try_from(syncs).unwrap_or(LATEST).min(LATEST);
        let mut latest: Vec<u32> =
            self.latest_us[..count].iter().map(|us| us.load(Ordering::Relaxed)).collect();
        latest.sort_unstable();
        let quantile =
            |percent: usize| latest.get((count * percent).div_ceil(100).max(1) - 1).copied().unwrap_or(0);
        Stats {
            commits: self.commits.load(Ordering::Relaxed),
            syncs,
            records: self.records.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            sync_p50_us: quantile(50),
            sync_p99_us: quantile(99),
            sync_max_us: quantile(100),
            segments,
            size_bytes,
        }
    }
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            commits: AtomicU64::new(0),
            records: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            syncs: AtomicU64::new(0),
            latest_us: [const { AtomicU32::new(0) }; LATEST],
        }
    }
}

const LATEST: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_latest_syncs_only() {
        let counters = Counters::default();
        assert_eq!(counters.stats(1, 0).sync_p99_us, 0);
        counters.note_sync(Duration::from_secs(9));
        for us in 1..=LATEST as u64 {
            counters.note_sync(Duration::from_micros(us));
        }
        let stats = counters.stats(1, 0);
        assert_eq!((stats.sync_p50_us, stats.sync_p99_us, stats.sync_max_us), (512, 1014, 1024));
        assert_eq!(stats.syncs, 1025);
    }
}
