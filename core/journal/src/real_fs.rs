//! The operating system's files.
//!
//! The only module with `unsafe`: `flock` and `fallocate` have no safe form in the standard library at our
//! Rust version.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process;
use std::sync::Arc;

use crate::file_system::{File, FileSystem, LockGuard};

/// The real file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealFs;

impl FileSystem for RealFs {
    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        fs::create_dir_all(dir)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(dir)? {
            // A name that is not UTF-8 is none of ours.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(OpenOptions::new().read(true).write(true).open(path)?))
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(OpenOptions::new().read(true).write(true).create_new(true).open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        fs::File::open(dir)?.sync_all()
    }

    fn lock(&self, path: &Path) -> io::Result<LockGuard> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        // SAFETY: the descriptor is open for as long as `file` lives, and flock takes no pointer.
        if unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } != 0 {
            return Err(io::Error::last_os_error());
        }
        let pid = format!("{}\n", process::id());
        file.set_len(0)?;
        FileExt::write_all_at(&file, pid.as_bytes(), 0)?;
        Ok(LockGuard(Box::new(file)))
    }
}

impl File for fs::File {
    fn read_at(&self, position: u64, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match FileExt::read_at(self, buffer, position) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                result => return result,
            }
        }
    }

    fn write_all_at(&self, position: u64, bytes: &[u8]) -> io::Result<()> {
        FileExt::write_all_at(self, bytes, position)
    }

    fn begin_writeback(&self, position: u64, bytes: u64) -> io::Result<()> {
        let (Ok(position), Ok(bytes)) = (libc::off64_t::try_from(position), libc::off64_t::try_from(bytes))
        else {
            return Ok(());
        };
        // SAFETY: the descriptor is open for as long as `self` lives, and sync_file_range takes no pointer.
        let result =
            unsafe { libc::sync_file_range(self.as_raw_fd(), position, bytes, libc::SYNC_FILE_RANGE_WRITE) };
        if result == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::ENOSYS | libc::EINVAL | libc::ESPIPE) => Ok(()),
            _ => Err(error),
        }
    }

    fn sync_data(&self) -> io::Result<()> {
        fs::File::sync_data(self)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn set_size(&self, bytes: u64) -> io::Result<()> {
        self.set_len(bytes)
    }

    fn next_data(&self, position: u64) -> io::Result<Option<u64>> {
        let Ok(from) = libc::off_t::try_from(position) else { return Ok(Some(position)) };
        // SAFETY: the descriptor is open for as long as `self` lives; nobody uses its cursor, which this moves.
        let found = unsafe { libc::lseek(self.as_raw_fd(), from, libc::SEEK_DATA) };
        if let Ok(found) = u64::try_from(found) {
            return Ok(Some(found));
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::ENXIO) => Ok(None),
            Some(libc::EINVAL | libc::EOPNOTSUPP) => Ok(Some(position)),
            _ => Err(error),
        }
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        let Ok(length) = libc::off_t::try_from(bytes) else {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("cannot reserve {bytes} octets"),
            ));
        };
        // SAFETY: the descriptor is open for as long as `self` lives, and fallocate takes no pointer.
        if unsafe { libc::fallocate(self.as_raw_fd(), 0, 0, length) } == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::EOPNOTSUPP | libc::ENOSYS) => Ok(()),
            _ => Err(error),
        }
    }
}
