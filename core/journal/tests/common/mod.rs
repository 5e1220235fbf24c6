//! What the tests of the journal share: a bell to wait for, records that can be told apart, ways to open.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use brivas_journal::{
    Appender, FileSystem, Journal, JournalConfig, JournalError, Reader, Record, RecoveryReport, Wake,
};

/// Rung by the writer thread.
#[derive(Clone, Default)]
pub struct Bell(Arc<(Mutex<()>, Condvar)>);

impl Bell {
    pub fn wake(&self) -> Wake {
        let bell = self.clone();
        Arc::new(move || {
            let _rung = bell.0.0.lock().expect("the bell");
            bell.0.1.notify_all();
        })
    }

    /// Waits until the condition holds; it is looked at whenever the bell rings.
    pub fn wait(&self, mut condition: impl FnMut() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut guard = self.0.0.lock().expect("the bell");
        while !condition() {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "waited too long");
            guard = self.0.1.wait_timeout(guard, left).expect("the bell").0;
        }
    }
}

/// A configuration with segments and batches small enough to have many.
pub fn small(dir: &Path) -> JournalConfig {
    let mut config = JournalConfig::new(dir, 3);
    config.segment_bytes = 4096;
    config.batch_bytes_max = 700;
    config.commit_bytes_max = 8192;
    config
}

/// The record that belongs at an offset: everything follows from it.
pub fn record_at(offset: i64) -> Record {
    let number = offset as u64;
    let length = (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as usize % 230;
    Record {
        offset,
        timestamp_ms: 1_764_000_000_000 + offset,
        key: 1_000_000 + number / 4,
        value: (0..length).map(|index| (index as u64 ^ number) as u8).collect(),
    }
}

pub fn append(appender: &mut Appender, record: &Record) -> i64 {
    appender.append(record.timestamp_ms, record.key, |buffer| buffer.extend_from_slice(&record.value))
}

/// Appends the records that belong at the next `count` offsets.
pub fn append_next(appender: &mut Appender, count: usize) {
    for _ in 0..count {
        let record = record_at(appender.next_offset());
        assert_eq!(append(appender, &record), record.offset);
    }
}

/// Hands over what is pending, waiting for its turn; false when the journal failed.
pub fn submit(appender: &mut Appender, bell: &Bell, sync: bool) -> bool {
    let mut done = false;
    bell.wait(|| {
        done = appender.submit(sync);
        done || appender.failed().is_some()
    });
    done
}

/// Hands over what is pending and waits until it is durable; false when the journal failed.
pub fn commit(appender: &mut Appender, bell: &Bell) -> bool {
    submit(appender, bell, true);
    bell.wait(|| appender.progress().durable == appender.next_offset() || appender.failed().is_some());
    appender.failed().is_none()
}

/// Opens, replays and starts.
pub fn start(
    config: &JournalConfig,
    fs: &(impl FileSystem + Clone),
    bell: &Bell,
) -> Result<(Appender, Reader, Vec<Record>, RecoveryReport), JournalError> {
    let (mut journal, report) = Journal::open(config.clone(), Arc::new(fs.clone()))?;
    let mut records = Vec::new();
    journal.replay(|record| records.push(record.to_record()))?;
    let (appender, reader) = journal.start(bell.wake())?;
    Ok((appender, reader, records, report))
}

/// Opens and replays only.
pub fn replay(
    config: &JournalConfig,
    fs: &(impl FileSystem + Clone),
) -> Result<(Vec<Record>, RecoveryReport), JournalError> {
    let (mut journal, mut report) = Journal::open(config.clone(), Arc::new(fs.clone()))?;
    let mut records = Vec::new();
    let replayed = journal.replay(|record| records.push(record.to_record()))?;
    report.skipped.extend(replayed.skipped);
    Ok((records, report))
}

/// The records that belong at these offsets.
pub fn expected(offsets: std::ops::Range<i64>) -> Vec<Record> {
    offsets.map(record_at).collect()
}
