//! A partition's log before it is written: opened, recovered, and replayed.

use std::path::Path;
use std::sync::Arc;
use std::thread;

use crate::appender::Appender;
use crate::batch::RecordRef;
use crate::config::{JournalConfig, Recovery};
use crate::error::JournalError;
use crate::file_system::{File, FileSystem, LockGuard, read_full};
use crate::layout::LOCK_FILE;
use crate::mark::MarkFile;
use crate::reader::Reader;
use crate::recovery::{self, Damage, READ_CHUNK_BYTES, RecoveryReport, corrupt};
use crate::scan::{Scanner, Step};
use crate::segment::{Segment, Zone};
use crate::shared::{Shared, Wake};
use crate::writer;

/// An opened partition. Call [`Journal::replay`], then [`Journal::start`].
pub struct Journal {
    config: JournalConfig,
    fs: Arc<dyn FileSystem>,
    lock: LockGuard,
    segments: Vec<Arc<Segment>>,
    mark_file: MarkFile,
    end_offset: i64,
    replayed: bool,
}

/// What a replay went through.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReplayReport {
    /// Records given out.
    pub records: u64,
    /// Octets of their batches.
    pub bytes: u64,
    /// What was passed over ([`Recovery::SkipCorrupt`] only).
    pub skipped: Vec<Damage>,
}

impl Journal {
    /// Locks the partition's folder for this process, checks it, and repairs what the recovery mode allows.
    pub fn open(
        config: JournalConfig,
        fs: Arc<dyn FileSystem>,
    ) -> Result<(Self, RecoveryReport), JournalError> {
        config.validate()?;
        fs.create_dir_all(&config.dir).map_err(|error| JournalError::io("make", &config.dir, &error))?;
        let lock = take_lock(&*fs, &config.dir)?;
        let recovered = recovery::recover(&config, &*fs)?;
        let journal = Self {
            config,
            fs,
            lock,
            segments: recovered.segments,
            mark_file: recovered.mark_file,
            end_offset: recovered.end_offset,
            replayed: false,
        };
        Ok((journal, recovered.report))
    }

    /// The oldest record's offset.
    pub fn start_offset(&self) -> i64 {
        self.segments.first().map_or(0, |segment| segment.base)
    }

    /// The offset that the next record gets.
    pub fn end_offset(&self) -> i64 {
        self.end_offset
    }

    /// Gives every record to `f`, oldest first, through one bounded buffer; verifies every checksum. Changes
    /// no file.
    pub fn replay(&mut self, mut f: impl FnMut(RecordRef<'_>)) -> Result<ReplayReport, JournalError> {
        let skip = self.config.recovery == Recovery::SkipCorrupt;
        let mut report = ReplayReport::default();
        for segment in &self.segments {
            segment.forget_zones();
            let mut scanner =
                Scanner::new(segment, segment.base, 0, segment.bytes(), READ_CHUNK_BYTES).skipping(skip);
            loop {
                match scanner.next_batch()? {
                    Step::Batch(header, position, batch) => {
                        let mut zone = Zone {
                            first_offset: header.base_offset,
                            position,
                            min_key: u64::MAX,
                            max_key: 0,
                            max_timestamp_ms: header.max_timestamp_ms,
                        };
                        let all = header.for_each_record(batch, |record| {
                            let key = record.key_u64();
                            zone.min_key = zone.min_key.min(key);
                            zone.max_key = zone.max_key.max(key);
                            f(record);
                        });
                        if let Err(reason) = all {
                            // The checksum was right: whoever wrote this batch wrote it wrong.
                            let damage = Damage {
                                file: segment.path.clone(),
                                position,
                                bytes: header.bytes as u64,
                                reason: reason.into(),
                            };
                            if !skip {
                                return Err(corrupt(damage));
                            }
                            report.skipped.push(damage);
                        }
                        segment.note(std::iter::once(zone));
                        report.records += u64::from(header.records);
                        report.bytes += header.bytes as u64;
                    }
                    Step::End => break,
                    Step::Damaged(damage) if skip => {
                        report.skipped.push(damage);
                        break;
                    }
                    Step::Damaged(damage) => return Err(corrupt(damage)),
                }
            }
            report.skipped.extend(scanner.into_skipped());
        }
        self.replayed = true;
        Ok(report)
    }

    /// Starts the writer thread. `wake` is called by it whenever there is something new to see. A journal
    /// that was not replayed is read through once, because readers need the zone map.
    pub fn start(mut self, wake: Wake) -> Result<(Appender, Reader), JournalError> {
        if !self.replayed {
            self.replay(|_| {})?;
        }
        let skip_corrupt = self.config.recovery == Recovery::SkipCorrupt;
        let start = self.start_offset();
        let shared = Arc::new(Shared::new(self.segments, start, self.end_offset, skip_corrupt));
        let reader = Reader::new(Arc::clone(&shared));
        let (writer, channels) =
            writer::Writer::new(self.config.clone(), self.fs, Arc::clone(&shared), self.mark_file, wake);
        let thread = thread::Builder::new()
            .name(format!("journal-{}", self.config.partition))
            .spawn(move || writer.run())
            .map_err(|error| JournalError::io("start the writer thread of", &self.config.dir, &error))?;
        let appender = Appender::new(&self.config, shared, channels, thread, self.lock, self.end_offset);
        Ok((appender, reader))
    }
}

fn take_lock(fs: &dyn FileSystem, dir: &Path) -> Result<LockGuard, JournalError> {
    let path = dir.join(LOCK_FILE);
    fs.lock(&path).map_err(|error| {
        if error.kind() != std::io::ErrorKind::WouldBlock {
            return JournalError::io("lock", &path, &error);
        }
        let pid = fs.open(&path).ok().and_then(|file| read_pid(&*file));
        JournalError::Locked { dir: dir.to_path_buf(), pid }
    })
}

fn read_pid(file: &dyn File) -> Option<u32> {
    let mut text = [0; 16];
    let length = read_full(file, 0, &mut text).ok()?;
    std::str::from_utf8(&text[..length]).ok()?.trim().parse().ok()
}
