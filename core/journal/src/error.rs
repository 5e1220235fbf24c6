//! Everything that can go wrong, each with the file, the value and what to do.
//!
//! Errors are plain data: the writer thread stores the one that ended it, and everybody who asks gets a copy.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why the journal did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JournalError {
    /// Another process, or another opener in this one, holds the partition.
    Locked {
        /// The partition's folder.
        dir: PathBuf,
        /// The process that holds it, where it could be read.
        pid: Option<u32>,
    },
    /// The operating system refused an operation.
    Io {
        /// What was tried.
        operation: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// No space, or no quota, was left.
    DiskFull {
        /// What was tried.
        operation: &'static str,
        /// On which file.
        path: PathBuf,
    },
    /// A segment does not hold what was written.
    Corrupt {
        /// The segment.
        file: PathBuf,
        /// Where in it.
        position: u64,
        /// What is wrong there.
        reason: String,
    },
    /// The segments do not follow each other.
    MissingSegment {
        /// The partition's folder.
        dir: PathBuf,
        /// The first offset that no segment holds.
        expected: i64,
        /// The offset at which the log goes on; none when it ends before a record known to be durable.
        found: Option<i64>,
    },
    /// The folder was written in another format.
    Version {
        /// The file that says so.
        file: PathBuf,
        /// The version found.
        found: String,
        /// The version this build reads and writes.
        supported: u32,
    },
    /// `partition.meta` is absent, unreadable, or of another partition.
    Meta {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The records asked for were dropped by retention.
    OffsetGone {
        /// The offset asked for.
        offset: i64,
        /// The oldest one that is left.
        start: i64,
    },
    /// A setting is out of range.
    Config {
        /// Its name.
        field: &'static str,
        /// Its value.
        value: u64,
        /// What is allowed.
        hint: &'static str,
    },
    /// Records were appended although there was no room, past the bound of the commit buffer.
    Overrun {
        /// Octets pending.
        pending_bytes: usize,
        /// The bound.
        limit_bytes: usize,
    },
    /// A value was longer than a record may be.
    RecordTooLarge {
        /// Its length.
        bytes: usize,
        /// The longest allowed.
        limit_bytes: usize,
    },
    /// The writer thread ended without a word: it panicked.
    WriterGone,
}

impl JournalError {
    pub(crate) fn io(operation: &'static str, path: &Path, error: &io::Error) -> Self {
        let path = path.to_path_buf();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { operation, path },
            _ => Self::Io { operation, path, reason: error.to_string() },
        }
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked { dir, pid } => {
                write!(f, "journal {} is in use", dir.display())?;
                match pid {
                    Some(pid) => write!(f, " by process {pid}")?,
                    None => write!(f, " by another process")?,
                }
                write!(f, "; hint: one process writes a partition, stop the other one first")
            }
            Self::Io { operation, path, reason } => write!(f, "{operation} {}: {reason}", path.display()),
            Self::DiskFull { operation, path } => {
                write!(f, "{operation} {}: the disk is full; hint: free space, then restart", path.display())
            }
            Self::Corrupt { file, position, reason } => write!(
                f,
                "segment {} is damaged at position {position}: {reason}; hint: restore it from a backup, or open with \
                 recovery mode skip_corrupt to lose only what cannot be read",
                file.display()
            ),
            Self::MissingSegment { dir, expected, found: Some(found) } => write!(
                f,
                "journal {} has no records from offset {expected} to {found}: a segment file is missing; hint: restore \
                 it, or open with recovery mode skip_corrupt",
                dir.display()
            ),
            Self::MissingSegment { dir, expected, found: None } => write!(
                f,
                "journal {} ends at offset {expected}, before records that were durable: a segment file is missing or \
                 was cut; hint: restore it, or open with recovery mode skip_corrupt",
                dir.display()
            ),
            Self::Version { file, found, supported } => write!(
                f,
                "{}: format version {found}, this build reads version {supported}; hint: use the build that wrote it",
                file.display()
            ),
            Self::Meta { file, reason } => {
                write!(f, "{}: {reason}; hint: restore the file, or use another folder", file.display())
            }
            Self::OffsetGone { offset, start } => {
                write!(f, "offset {offset} was dropped by retention; hint: the oldest record left is {start}")
            }
            Self::Config { field, value, hint } => {
                write!(f, "journal setting {field} is {value}; hint: {hint}")
            }
            Self::Overrun { pending_bytes, limit_bytes } => write!(
                f,
                "{pending_bytes} octets wait for the disk, the limit is {limit_bytes}; hint: stop admitting when there is no room"
            ),
            Self::RecordTooLarge { bytes, limit_bytes } => {
                write!(f, "a record value of {bytes} octets; hint: at most {limit_bytes}")
            }
            Self::WriterGone => {
                write!(f, "the journal's writer thread ended unexpectedly; hint: restart the process")
            }
        }
    }
}

impl std::error::Error for JournalError {}
