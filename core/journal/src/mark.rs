//! `durable.mark`: how far the log was known to be on the disk, and where it began.
//!
//! Written after every sync but not synced itself, so after a power cut it may be old; it is never ahead of
//! the truth. Recovery needs it to tell a torn tail, which is cut, from damage to records that were already
//! durable, which is an error; and to notice that the first or the last segment file is gone, which names
//! alone cannot tell.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::JournalError;
use crate::file_system::{File, FileSystem, read_full};
use crate::layout::MARK_FILE;

/// What the mark says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Segments that end at or before this offset were dropped, or may be.
    pub start: i64,
    /// Records before this offset were durable.
    pub durable: i64,
}

/// The open file of the mark.
pub(crate) struct MarkFile {
    file: Arc<dyn File>,
    path: PathBuf,
}

impl MarkFile {
    /// Opens or makes the file, and reads it; none where it holds no valid mark, which says nothing.
    pub(crate) fn open(
        fs: &dyn FileSystem,
        dir: &Path,
        names: &[String],
    ) -> Result<(Self, Option<Mark>), JournalError> {
        let path = dir.join(MARK_FILE);
        if !names.iter().any(|name| name == MARK_FILE) {
            let file = fs.create(&path).map_err(|error| JournalError::io("create", &path, &error))?;
            return Ok((Self { file, path }, None));
        }
        let file = fs.open(&path).map_err(|error| JournalError::io("open", &path, &error))?;
        let mut bytes = [0; MARK_BYTES];
        let length =
            read_full(&*file, 0, &mut bytes).map_err(|error| JournalError::io("read", &path, &error))?;
        let mark = if length == MARK_BYTES { Mark::decode(&bytes) } else { None };
        Ok((Self { file, path }, mark))
    }

    /// Writes the mark into the page cache.
    pub(crate) fn store(&self, mark: Mark) -> Result<(), JournalError> {
        self.file
            .write_all_at(0, &mark.encode())
            .map_err(|error| JournalError::io("write", &self.path, &error))
    }

    /// Makes the stored mark survive a power cut.
    pub(crate) fn sync(&self) -> Result<(), JournalError> {
        self.file.sync_data().map_err(|error| JournalError::io("sync", &self.path, &error))
    }
}

impl Mark {
    fn encode(self) -> [u8; MARK_BYTES] {
        let mut bytes = [0; MARK_BYTES];
        bytes[..4].copy_from_slice(MAGIC);
        bytes[4..12].copy_from_slice(&self.start.to_be_bytes());
        bytes[12..20].copy_from_slice(&self.durable.to_be_bytes());
        let crc = crc32c::crc32c(&bytes[..20]);
        bytes[20..].copy_from_slice(&crc.to_be_bytes());
        bytes
    }

    fn decode(bytes: &[u8; MARK_BYTES]) -> Option<Self> {
        let (body, crc) = bytes.split_at(20);
        if &body[..4] != MAGIC || crc != crc32c::crc32c(body).to_be_bytes() {
            return None;
        }
        let number = |at: usize| body[at..at + 8].try_into().map(i64::from_be_bytes).ok();
        Some(Self { start: number(4)?, durable: number(12)? })
    }
}

const MAGIC: &[u8; 4] = b"BRVM";
const MARK_BYTES: usize = 24;

// The mark is written in place: only what fits one disk sector cannot be torn by a power cut.
const _: () = assert!(MARK_BYTES <= 512);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_with_any_octet_changed_says_nothing() {
        let mark = Mark { start: 7, durable: 1 << 40 };
        let good = mark.encode();
        assert_eq!(Mark::decode(&good), Some(mark));
        for at in 0..MARK_BYTES {
            let mut bad = good;
            bad[at] ^= 0x10;
            assert_eq!(Mark::decode(&bad), None, "{at}");
        }
        assert_eq!(Mark::decode(&[0; MARK_BYTES]), None);
    }
}
