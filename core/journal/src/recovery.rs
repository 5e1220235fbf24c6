//! Opening a partition: what the folder must hold, and what is done where it does not.
//!
//! Closed segments were synced before their successor was made, so their batch headers must lead without a
//! gap from one file to the next. Only the last segment can have a torn tail; it is read whole, checksums
//! verified, and cut by the recovery mode. What the durable mark says was on the disk is never cut.
//! Afterwards everything that was found is synced, so that it may be called durable: a process that was
//! killed leaves records that only the page cache has.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::{JournalConfig, Recovery};
use crate::error::JournalError;
use crate::file_system::FileSystem;
use crate::layout::{self, META_FILE};
use crate::mark::{Mark, MarkFile};
use crate::meta;
use crate::scan::{Scanner, Step};
use crate::segment::Segment;

/// What opening found and did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecoveryReport {
    /// The folder was empty: the partition is new.
    pub created: bool,
    /// Segment files.
    pub segments: usize,
    /// The oldest record's offset.
    pub start_offset: i64,
    /// The offset that the next record gets.
    pub end_offset: i64,
    /// Octets of batches.
    pub bytes: u64,
    /// The torn tail that was cut off the last segment.
    pub truncated: Option<Damage>,
    /// What was passed over ([`Recovery::SkipCorrupt`] only). Replay verifies more than opening does, and may
    /// add to it.
    pub skipped: Vec<Damage>,
}

/// A part of a segment that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The segment.
    pub file: PathBuf,
    /// Where it begins.
    pub position: u64,
    /// How long it is.
    pub bytes: u64,
    /// What is wrong.
    pub reason: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} octets at position {} of {}: {}",
            self.bytes,
            self.position,
            self.file.display(),
            self.reason
        )
    }
}

impl fmt::Display for RecoveryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.created { "created" } else { "recovered" };
        write!(
            f,
            "{verb} {} segments, {} octets, offsets {} to {}",
            self.segments, self.bytes, self.start_offset, self.end_offset
        )?;
        if let Some(damage) = &self.truncated {
            write!(f, "; cut {damage}")?;
        }
        for damage in &self.skipped {
            write!(f, "; skipped {damage}")?;
        }
        Ok(())
    }
}

/// A recovered folder.
pub(crate) struct Recovered {
    pub segments: Vec<Arc<Segment>>,
    pub mark_file: MarkFile,
    /// The offset that the next record gets.
    pub end_offset: i64,
    pub report: RecoveryReport,
}

/// Recovers the folder, whose lock the caller holds.
pub(crate) fn recover(config: &JournalConfig, fs: &dyn FileSystem) -> Result<Recovered, JournalError> {
    let dir = config.dir.as_path();
    let names = fs.list(dir).map_err(|error| JournalError::io("list", dir, &error))?;
    let mut bases: Vec<i64> = names.iter().filter_map(|name| layout::segment_base(name)).collect();
    bases.sort_unstable();
    let mut report = RecoveryReport::default();
    if names.iter().any(|name| name == META_FILE) {
        meta::check(fs, dir, config.partition)?;
    } else if bases.is_empty() {
        meta::create(fs, dir, &names, config.partition)?;
        report.created = true;
    } else {
        return Err(JournalError::Meta {
            file: dir.join(META_FILE),
            reason: "it is missing beside segment files".into(),
        });
    }
    let (mark_file, mark) = MarkFile::open(fs, dir, &names)?;
    // Without a mark nothing is known: the log begins where it begins, and any tail may be torn.
    let mark = mark.unwrap_or(Mark { start: bases.first().copied().unwrap_or(0), durable: 0 });
    finish_dropping(fs, dir, &mut bases, mark)?;
    check_beginning(config, &bases, mark)?;

    let mut segments = Vec::with_capacity(bases.len().max(1));
    for (index, base) in bases.iter().enumerate() {
        let next = bases.get(index + 1).copied();
        let segment = match next {
            Some(next) => walk_closed(config, fs, *base, next, &mut report)?,
            None => check_last(config, fs, *base, mark, &mut report)?,
        };
        report.bytes += segment.bytes();
        segments.push(Arc::new(segment));
    }
    if segments.is_empty() {
        segments.push(Arc::new(create_segment(fs, config, mark.durable)?));
    }
    fs.sync_dir(dir).map_err(|error| JournalError::io("sync", dir, &error))?;

    let found_end = segments.last().map_or(0, |segment| segment.end());
    if found_end < mark.durable && config.recovery != Recovery::SkipCorrupt {
        return Err(JournalError::MissingSegment { dir: dir.into(), expected: found_end, found: None });
    }
    // An offset that was given once is not given again, even if its record is lost.
    let end_offset = found_end.max(mark.durable);
    report.segments = segments.len();
    report.start_offset = segments.first().map_or(0, |segment| segment.base);
    report.end_offset = end_offset;
    mark_file.store(Mark { start: report.start_offset, durable: end_offset })?;
    Ok(Recovered { segments, mark_file, end_offset, report })
}

/// Makes the segment whose first record will be `base`, with its space reserved, so that it survives a power
/// cut.
pub(crate) fn create_segment(
    fs: &dyn FileSystem,
    config: &JournalConfig,
    base: i64,
) -> Result<Segment, JournalError> {
    let path = config.dir.join(layout::segment_name(base));
    let file = fs.create(&path).map_err(|error| JournalError::io("create", &path, &error))?;
    file.allocate(config.segment_bytes)
        .map_err(|error| JournalError::io("reserve space for", &path, &error))?;
    file.sync_data().map_err(|error| JournalError::io("sync", &path, &error))?;
    fs.sync_dir(&config.dir).map_err(|error| JournalError::io("sync", &config.dir, &error))?;
    Ok(Segment::new(base, path, file, base, 0))
}

/// Removes segments that were being dropped when the process ended: the mark is moved before the files go.
fn finish_dropping(
    fs: &dyn FileSystem,
    dir: &Path,
    bases: &mut Vec<i64>,
    mark: Mark,
) -> Result<(), JournalError> {
    while bases.get(1).is_some_and(|second| *second <= mark.start) {
        let path = dir.join(layout::segment_name(bases[0]));
        fs.remove(&path).map_err(|error| JournalError::io("remove", &path, &error))?;
        bases.remove(0);
    }
    Ok(())
}

/// The log must begin where the mark says, or before.
fn check_beginning(config: &JournalConfig, bases: &[i64], mark: Mark) -> Result<(), JournalError> {
    if config.recovery == Recovery::SkipCorrupt {
        return Ok(());
    }
    let missing =
        |found| Err(JournalError::MissingSegment { dir: config.dir.clone(), expected: mark.start, found });
    match bases.first() {
        Some(first) if *first > mark.start => missing(Some(*first)),
        None if mark.durable > 0 => missing(None),
        _ => Ok(()),
    }
}

/// A closed segment: its headers must lead to the next one's first offset. Its checksums are verified by
/// replay.
fn walk_closed(
    config: &JournalConfig,
    fs: &dyn FileSystem,
    base: i64,
    next: i64,
    report: &mut RecoveryReport,
) -> Result<Segment, JournalError> {
    let (segment, size) = open_segment(fs, config, base)?;
    let skip = config.recovery == Recovery::SkipCorrupt;
    let mut scanner = Scanner::new(&segment, base, 0, size, WALK_CHUNK_BYTES).skipping(skip);
    loop {
        match scanner.next_header()? {
            Step::Batch(..) => {}
            Step::End => break,
            Step::Damaged(damage) if skip => {
                report.skipped.push(damage);
                break;
            }
            Step::Damaged(damage) => return Err(corrupt(damage)),
        }
    }
    let (end, bytes) = (scanner.offset(), scanner.position());
    if end != next && !skip {
        return Err(JournalError::MissingSegment {
            dir: config.dir.clone(),
            expected: end,
            found: Some(next),
        });
    }
    if end < next {
        let reason = format!("offsets {end} to {next} are missing after it");
        report.skipped.push(Damage { file: segment.path.clone(), position: bytes, bytes: 0, reason });
    }
    report.skipped.extend(scanner.into_skipped());
    segment.advance(end, bytes);
    Ok(segment)
}

/// The last segment: read whole, cut where the mode allows it, ready to be written.
fn check_last(
    config: &JournalConfig,
    fs: &dyn FileSystem,
    base: i64,
    mark: Mark,
    report: &mut RecoveryReport,
) -> Result<Segment, JournalError> {
    let (segment, size) = open_segment(fs, config, base)?;
    let skip = config.recovery == Recovery::SkipCorrupt;
    let mut scanner = Scanner::new(&segment, base, 0, size, READ_CHUNK_BYTES).skipping(skip);
    let torn = loop {
        match scanner.next_batch()? {
            Step::Batch(..) => {}
            Step::End => break None,
            Step::Damaged(damage) => break Some(damage),
        }
    };
    let (end, bytes) = (scanner.offset(), scanner.position());
    report.skipped.extend(scanner.into_skipped());
    let file = Arc::clone(&segment.file);
    if let Some(mut damage) = torn {
        match config.recovery {
            Recovery::Strict => return Err(corrupt(damage)),
            Recovery::TruncateTail if end < mark.durable => {
                damage.reason =
                    format!("{}, and records up to offset {} were durable", damage.reason, mark.durable);
                return Err(corrupt(damage));
            }
            Recovery::TruncateTail | Recovery::SkipCorrupt => {}
        }
        file.set_size(bytes).map_err(|error| JournalError::io("cut", &segment.path, &error))?;
        report.truncated = Some(damage);
    }
    file.allocate(config.segment_bytes)
        .map_err(|error| JournalError::io("reserve space for", &segment.path, &error))?;
    file.sync_data().map_err(|error| JournalError::io("sync", &segment.path, &error))?;
    segment.advance(end, bytes);
    Ok(segment)
}

fn open_segment(
    fs: &dyn FileSystem,
    config: &JournalConfig,
    base: i64,
) -> Result<(Segment, u64), JournalError> {
    let path = config.dir.join(layout::segment_name(base));
    let file = fs.open(&path).map_err(|error| JournalError::io("open", &path, &error))?;
    let size = file.size().map_err(|error| JournalError::io("measure", &path, &error))?;
    Ok((Segment::new(base, path, file, base, 0), size))
}

/// Damage, where it is an error.
pub(crate) fn corrupt(damage: Damage) -> JournalError {
    JournalError::Corrupt { file: damage.file, position: damage.position, reason: damage.reason }
}

/// Read at once where everything is read.
pub(crate) const READ_CHUNK_BYTES: usize = 256 << 10;
/// Read at once where only headers are looked at.
const WALK_CHUNK_BYTES: usize = 16 << 10;
