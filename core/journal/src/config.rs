//! What the caller chooses about one partition's journal, and the limits that follow from Kafka's.

use std::path::PathBuf;

use crate::batch::{BATCH_BYTES_LIMIT, HEADER_BYTES, RECORD_OVERHEAD_MAX};
use crate::error::JournalError;

/// The longest value of one record, in octets.
pub const VALUE_BYTES_MAX: usize = 100 << 10;

/// Settings of one partition's journal.
#[derive(Debug, Clone)]
pub struct JournalConfig {
    /// The folder of this partition; made when absent.
    pub dir: PathBuf,
    /// The partition's number, which must match what the folder says of itself.
    pub partition: u32,
    /// A segment is closed before it would grow past this; its space is reserved when it is made.
    pub segment_bytes: u64,
    /// Above this size [`crate::Appender::oldest_segment`] names a segment to drop.
    pub retention_bytes: u64,
    /// A batch is closed when it has reached this size, header included.
    pub batch_bytes_max: usize,
    /// Pending octets at which [`crate::Appender::has_room`] turns false. Up to four times as much is taken
    /// for what must be recorded all the same; past that the journal fails.
    pub commit_bytes_max: usize,
    /// Commit buffers: one is filled while the others are on their way, so `buffers - 1` commits may be in
    /// flight.
    pub buffers: usize,
    /// What to do about damage found when opening.
    pub recovery: Recovery,
}

/// What to do about damage found when opening or replaying.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Recovery {
    /// Cut the last segment where a write was torn. Damage before the last known durable offset is an error.
    #[default]
    TruncateTail,
    /// Any damage is an error.
    Strict,
    /// Pass over what cannot be read, report it, and keep every batch after it. Damage stays in the files, so
    /// the next opening needs this mode as well until retention has dropped them.
    SkipCorrupt,
}

impl JournalConfig {
    /// The defaults for the partition in `dir`.
    pub fn new(dir: impl Into<PathBuf>, partition: u32) -> Self {
        Self {
            dir: dir.into(),
            partition,
            segment_bytes: 256 << 20,
            retention_bytes: 4 << 30,
            batch_bytes_max: 900 << 10,
            commit_bytes_max: 8 << 20,
            buffers: 3,
            recovery: Recovery::default(),
        }
    }

    pub(crate) fn validate(&self) -> Result<(), JournalError> {
        let refuse = |field, value: u64, hint| Err(JournalError::Config { field, value, hint });
        if self.segment_bytes < SEGMENT_BYTES_MIN {
            return refuse("segment_bytes", self.segment_bytes, "at least 4096");
        }
        if !(256..=BATCH_BYTES_MAX_MAX).contains(&self.batch_bytes_max) {
            return refuse(
                "batch_bytes_max",
                self.batch_bytes_max as u64,
                "from 256 to 921600, so that a batch stays below 1 MiB",
            );
        }
        if !(256..=COMMIT_BYTES_MAX_MAX).contains(&self.commit_bytes_max) {
            return refuse("commit_bytes_max", self.commit_bytes_max as u64, "from 256 to 268435456");
        }
        if !(2..=16).contains(&self.buffers) {
            return refuse("buffers", self.buffers as u64, "from 2 to 16");
        }
        Ok(())
    }

    /// Past this many pending octets the journal fails: the caller went on although there was no room.
    pub(crate) fn pending_bytes_max(&self) -> usize {
        self.commit_bytes_max * 4
    }
}

const SEGMENT_BYTES_MIN: u64 = 4096;
const BATCH_BYTES_MAX_MAX: usize = 900 << 10;
const COMMIT_BYTES_MAX_MAX: usize = 256 << 20;

// A batch is closed only after the record that filled it. Were it longer than this, stock Kafka would refuse
// the log.
const _: () =
    assert!(BATCH_BYTES_MAX_MAX + HEADER_BYTES + RECORD_OVERHEAD_MAX + VALUE_BYTES_MAX < BATCH_BYTES_LIMIT);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_out_of_range_is_refused_by_name() {
        type Change = fn(&mut JournalConfig);
        let broken: [(&str, Change); 5] = [
            ("segment_bytes", |config| config.segment_bytes = 10),
            ("batch_bytes_max", |config| config.batch_bytes_max = 1 << 20),
            ("commit_bytes_max", |config| config.commit_bytes_max = 0),
            ("buffers", |config| config.buffers = 1),
            ("buffers", |config| config.buffers = 1000),
        ];
        for (name, change) in broken {
            let mut config = JournalConfig::new("x", 0);
            assert_eq!(config.validate(), Ok(()));
            change(&mut config);
            let error = config.validate().expect_err(name);
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}
