//! `partition.meta`: a small text file that says what the folder is, because segments hold nothing but
//! Kafka's batches.
//!
//! Three lines: `format 1`, `partition 0`, `created_ms 1764000000000`. It is written once, whole, under
//! another name first.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::JournalError;
use crate::file_system::{FileSystem, read_full};
use crate::layout::META_FILE;

/// The version of the segment format that this build reads and writes.
pub(crate) const FORMAT_VERSION: u32 = 1;

/// Writes the file of a new partition.
pub(crate) fn create(
    fs: &dyn FileSystem,
    dir: &Path,
    names: &[String],
    partition: u32,
) -> Result<(), JournalError> {
    let (temporary, path) = (dir.join(TEMPORARY_FILE), dir.join(META_FILE));
    if names.iter().any(|name| name == TEMPORARY_FILE) {
        fs.remove(&temporary).map_err(|error| JournalError::io("remove", &temporary, &error))?;
    }
    // For people who look at the folder; nothing is computed from it.
    let created_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_millis());
    let text = format!("format {FORMAT_VERSION}\npartition {partition}\ncreated_ms {created_ms}\n");
    let file = fs.create(&temporary).map_err(|error| JournalError::io("create", &temporary, &error))?;
    file.write_all_at(0, text.as_bytes()).map_err(|error| JournalError::io("write", &temporary, &error))?;
    file.sync_data().map_err(|error| JournalError::io("sync", &temporary, &error))?;
    fs.rename(&temporary, &path).map_err(|error| JournalError::io("rename", &path, &error))?;
    fs.sync_dir(dir).map_err(|error| JournalError::io("sync", dir, &error))
}

/// Reads the file of an existing partition and compares it with what is expected.
pub(crate) fn check(fs: &dyn FileSystem, dir: &Path, partition: u32) -> Result<(), JournalError> {
    let path = dir.join(META_FILE);
    let file = fs.open(&path).map_err(|error| JournalError::io("open", &path, &error))?;
    let mut bytes = [0; BYTES_MAX];
    let length = read_full(&*file, 0, &mut bytes).map_err(|error| JournalError::io("read", &path, &error))?;
    let text = String::from_utf8_lossy(&bytes[..length]);

    let Some(format) = field(&text, "format") else {
        return Err(JournalError::Meta { file: path, reason: "it has no line `format`".into() });
    };
    if format.parse() != Ok(FORMAT_VERSION) {
        return Err(JournalError::Version { file: path, found: format.into(), supported: FORMAT_VERSION });
    }
    match field(&text, "partition") {
        Some(found) if found.parse() == Ok(partition) => Ok(()),
        found => Err(JournalError::Meta {
            file: path,
            reason: format!("it is of partition {}, not {partition}", found.unwrap_or("(none)")),
        }),
    }
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).map(str::trim)
}

const TEMPORARY_FILE: &str = "partition.meta.new";
const BYTES_MAX: usize = 4096;
