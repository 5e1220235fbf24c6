//! The few operations the journal asks of a file system, so that tests can fail, fill or cut the power of
//! one.
//!
//! All positions are explicit: nothing here has a cursor, so the writer and any number of readers share a
//! handle.

use std::any::Any;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// A folder's files.
pub trait FileSystem: Send + Sync + 'static {
    /// Makes the folder and those above it.
    fn create_dir_all(&self, dir: &Path) -> io::Result<()>;
    /// The names in a folder, in no order.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// Opens a file that exists, for reading and writing.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>>;
    /// Makes a file that must not exist yet.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>>;
    /// Gives a file another name, replacing what had it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a folder survive a power cut.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Takes the lock file for this process until the guard is dropped; `WouldBlock` when somebody has it.
    /// The file then holds the process id in decimal.
    fn lock(&self, path: &Path) -> io::Result<LockGuard>;
}

/// An open file.
pub trait File: Send + Sync {
    /// Reads up to `buffer.len()` octets; 0 only at the end.
    fn read_at(&self, position: u64, buffer: &mut [u8]) -> io::Result<usize>;
    /// Writes all of `bytes`.
    fn write_all_at(&self, position: u64, bytes: &[u8]) -> io::Result<()>;
    /// Asks the system to begin writing a range to the disk, without waiting and without a promise: the sync that comes
    /// later has less to do.
    fn begin_writeback(&self, position: u64, bytes: u64) -> io::Result<()>;
    /// Makes the content, and the length needed to read it, survive a power cut.
    fn sync_data(&self) -> io::Result<()>;
    /// The length in octets.
    fn size(&self) -> io::Result<u64>;
    /// Cuts the file, or extends it with zeroes.
    fn set_size(&self, bytes: u64) -> io::Result<()>;
    /// Where, at or after `position`, something else than zeroes may stand; none when there are only zeroes. It spares
    /// reading space that was reserved and never written.
    fn next_data(&self, position: u64) -> io::Result<Option<u64>>;
    /// Reserves space for the first `bytes` octets, extending the file with zeroes. A file system that cannot
    /// reserve leaves the file as it is.
    fn allocate(&self, bytes: u64) -> io::Result<()>;
}

/// Holds a lock file; dropping it lets go.
pub struct LockGuard(pub Box<dyn Any + Send + Sync>);

/// Reads until `buffer` is full or the file ends; how much was read.
pub(crate) fn read_full(file: &dyn File, position: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(position + filled as u64, &mut buffer[filled..])? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}
