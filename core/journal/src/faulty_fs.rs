//! A file system in memory that fails on demand: for tests.
//!
//! It keeps what every file holds and what of it would survive a power cut. The n-th operation can be made to
//! fail, space can run out, and [`FaultyFs::power_cut`] leaves of everything unsynced an arbitrary part:
//! whole writes, single sectors of them, or nothing; names likewise. A failed sync forgets what it should
//! have written, as Linux does, so trying again would not help. With [`FaultyFs::ignore_syncs`] the disk
//! lies, and tests must notice.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::file_system::{File, FileSystem, LockGuard};

/// A file system that can be told to fail. Clones are the same file system.
#[derive(Clone, Default)]
pub struct FaultyFs {
    state: Arc<Mutex<State>>,
    released: Arc<Condvar>,
}

/// While it lives, operations wait.
pub struct Hold(FaultyFs);

#[derive(Default)]
struct State {
    nodes: HashMap<u64, Node>,
    /// What the names mean now, and what they meant when their folder was synced.
    names: BTreeMap<PathBuf, u64>,
    synced_names: BTreeMap<PathBuf, u64>,
    locks: HashMap<PathBuf, u64>,
    serial: u64,
    operations: u64,
    fail_at: Option<u64>,
    /// Once something failed, everything after it fails as well, until the power is cut.
    broken: bool,
    fail_on: bool,
    space_bytes: Option<u64>,
    ignore_syncs: bool,
    held: bool,
    /// Handles opened before the last power cut are dead.
    epoch: u64,
}

#[derive(Default, Clone)]
struct Node {
    content: Vec<u8>,
    synced: Vec<u8>,
    /// What happened since the last sync, in order.
    changes: Vec<Change>,
}

#[derive(Clone)]
enum Change {
    Write { position: usize, bytes: Vec<u8> },
    Size(usize),
}

impl FaultyFs {
    /// An empty one, without faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Operations so far.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Makes the operation with this number fail (the first one is 0); with `and_after`, all after it as
    /// well.
    pub fn fail_at(&self, operation: u64, and_after: bool) {
        let mut state = self.state();
        state.fail_at = Some(operation);
        state.fail_on = and_after;
    }

    /// No operation fails any more.
    pub fn heal(&self) {
        let mut state = self.state();
        (state.fail_at, state.broken, state.space_bytes) = (None, false, None);
    }

    /// Lets no operation begin until the guard is dropped.
    pub fn hold(&self) -> Hold {
        self.state().held = true;
        Hold(self.clone())
    }

    /// Only this many octets may be stored in all files together.
    pub fn limit_space(&self, bytes: u64) {
        self.state().space_bytes = Some(bytes);
    }

    /// From now on a sync reports success and does nothing.
    pub fn ignore_syncs(&self) {
        self.state().ignore_syncs = true;
    }

    /// Cuts the power: what was not synced is kept, dropped or torn, by `seed`. Handles from before are dead,
    /// locks gone.
    pub fn power_cut(&self, seed: u64) {
        let mut random = Random(seed);
        let mut state = self.state();
        let state = &mut *state;
        state.epoch += 1;
        state.locks.clear();
        let mut names = state.synced_names.clone();
        for (path, id) in &state.names {
            if state.synced_names.get(path) != Some(id) && random.coin() {
                names.insert(path.clone(), *id);
            }
        }
        for path in state.synced_names.keys() {
            if !state.names.contains_key(path) && random.coin() {
                names.remove(path);
            }
        }
        let mut ids: Vec<u64> = state.nodes.keys().copied().collect();
        ids.sort_unstable();
        for id in ids {
            if let Some(node) = state.nodes.get_mut(&id) {
                node.lose(&mut random);
            }
        }
        state.nodes.retain(|id, _| names.values().any(|kept| kept == id));
        state.synced_names.clone_from(&names);
        state.names = names;
        (state.fail_at, state.broken, state.space_bytes) = (None, false, None);
    }

    /// The file's content.
    pub fn content(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.state();
        state.nodes.get(state.names.get(path)?).map(|node| node.content.clone())
    }

    /// Replaces the file's content, on the disk as well.
    pub fn set_content(&self, path: &Path, content: &[u8]) {
        let mut state = self.state();
        let Some(id) = state.names.get(path).copied() else { return };
        state
            .nodes
            .insert(id, Node { content: content.to_vec(), synced: content.to_vec(), changes: Vec::new() });
    }

    /// The names of all files.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.state().names.keys().cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an operation, and fails it where that was asked for.
    fn begin(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        while state.held {
            state = self.released.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let number = state.operations;
        state.operations += 1;
        if state.fail_at == Some(number) {
            state.broken = state.fail_on;
            return Err(io::Error::other("injected fault"));
        }
        if state.broken { Err(io::Error::other("injected fault, still")) } else { Ok(state) }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.state().held = false;
        self.0.released.notify_all();
    }
}

impl FileSystem for FaultyFs {
    fn create_dir_all(&self, _dir: &Path) -> io::Result<()> {
        self.begin().map(drop)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let state = self.begin()?;
        let inside = state.names.keys().filter(|path| path.parent() == Some(dir));
        Ok(inside.filter_map(|path| path.file_name()?.to_str().map(str::to_owned)).collect())
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let state = self.begin()?;
        let id = *state.names.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(Handle { fs: self.clone(), id, epoch: state.epoch }))
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let mut state = self.begin()?;
        if state.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        state.serial += 1;
        let id = state.serial;
        state.names.insert(path.to_path_buf(), id);
        state.nodes.insert(id, Node::default());
        Ok(Arc::new(Handle { fs: self.clone(), id, epoch: state.epoch }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.begin()?;
        let id = state.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        state.names.insert(to.to_path_buf(), id);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.begin()?;
        state.names.remove(path).map(drop).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.begin()?;
        if !state.ignore_syncs {
            let state = &mut *state;
            state.synced_names.retain(|path, _| path.parent() != Some(dir));
            let inside = state.names.iter().filter(|(path, _)| path.parent() == Some(dir));
            state.synced_names.extend(inside.map(|(path, id)| (path.clone(), *id)));
        }
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<LockGuard> {
        let mut state = self.begin()?;
        if state.locks.contains_key(path) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        state.serial += 1;
        let owner = state.serial;
        state.locks.insert(path.to_path_buf(), owner);
        Ok(LockGuard(Box::new(Lock { fs: self.clone(), path: path.to_path_buf(), owner })))
    }
}

struct Lock {
    fs: FaultyFs,
    path: PathBuf,
    owner: u64,
}

impl Drop for Lock {
    fn drop(&mut self) {
        let mut state = self.fs.state();
        if state.locks.get(&self.path) == Some(&self.owner) {
            state.locks.remove(&self.path);
        }
    }
}

struct Handle {
    fs: FaultyFs,
    id: u64,
    epoch: u64,
}

impl Handle {
    fn with<R>(&self, f: impl FnOnce(&mut Node, bool) -> io::Result<R>) -> io::Result<R> {
        let mut state = self.fs.begin()?;
        if state.epoch != self.epoch {
            return Err(io::Error::other("the power was cut"));
        }
        let ignore_syncs = state.ignore_syncs;
        let before: u64 = state.nodes.values().map(|node| node.content.len() as u64).sum();
        let space = state.space_bytes;
        let node = state.nodes.get_mut(&self.id).ok_or(io::ErrorKind::NotFound)?;
        let kept = space.map(|_| node.clone());
        let length = node.content.len() as u64;
        let result = f(node, ignore_syncs);
        if let (Some(space), Some(kept)) = (space, kept) {
            let after = before - length + node.content.len() as u64;
            if after > space && after > before {
                *node = kept;
                return Err(io::ErrorKind::StorageFull.into());
            }
        }
        result
    }
}

impl Handle {
    fn after_failure(&self, f: impl FnOnce(&mut Node)) {
        let mut state = self.fs.state();
        if state.epoch == self.epoch
            && let Some(node) = state.nodes.get_mut(&self.id)
        {
            f(node);
        }
    }
}

impl File for Handle {
    fn read_at(&self, position: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.with(|node, _| {
            let content = node.content.get(position as usize..).unwrap_or_default();
            let count = content.len().min(buffer.len());
            buffer[..count].copy_from_slice(&content[..count]);
            Ok(count)
        })
    }

    fn write_all_at(&self, position: u64, bytes: &[u8]) -> io::Result<()> {
        let change = |bytes: &[u8]| Change::Write { position: position as usize, bytes: bytes.to_vec() };
        let result = self.with(|node, _| {
            node.apply(change(bytes));
            Ok(())
        });
        if result.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::StorageFull) {
            // A write that failed may have written something.
            self.after_failure(|node| node.apply(change(&bytes[..bytes.len() / 2])));
        }
        result
    }

    fn begin_writeback(&self, _position: u64, _bytes: u64) -> io::Result<()> {
        self.with(|_, _| Ok(()))
    }

    fn sync_data(&self) -> io::Result<()> {
        let result = self.with(|node, ignore_syncs| {
            if !ignore_syncs {
                node.synced.clone_from(&node.content);
                node.changes.clear();
            }
            Ok(())
        });
        if result.is_err() {
            // The kernel marks the pages clean: they are never written.
            self.after_failure(|node| node.changes.clear());
        }
        result
    }

    fn size(&self) -> io::Result<u64> {
        self.with(|node, _| Ok(node.content.len() as u64))
    }

    fn set_size(&self, bytes: u64) -> io::Result<()> {
        self.with(|node, _| {
            node.apply(Change::Size(bytes as usize));
            Ok(())
        })
    }

    fn next_data(&self, position: u64) -> io::Result<Option<u64>> {
        self.with(|node, _| {
            let rest = node.content.get(position as usize..).unwrap_or_default();
            Ok(rest.iter().position(|octet| *octet != 0).map(|at| position + at as u64))
        })
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        self.with(|node, _| {
            if node.content.len() < bytes as usize {
                node.apply(Change::Size(bytes as usize));
            }
            Ok(())
        })
    }
}

impl Node {
    fn apply(&mut self, change: Change) {
        change.apply(&mut self.content);
        self.changes.push(change);
    }

    /// Leaves what was synced and an arbitrary part of what came later, sector by sector.
    fn lose(&mut self, random: &mut Random) {
        let mut content = self.synced.clone();
        for change in std::mem::take(&mut self.changes) {
            match (random.below(3), change) {
                (0, _) => {}
                (1, change) => change.apply(&mut content),
                (_, Change::Write { position, bytes }) => {
                    let mut at = 0;
                    while at < bytes.len() {
                        let end = bytes.len().min(at + SECTOR_BYTES - (position + at) % SECTOR_BYTES);
                        if random.coin() {
                            let part = bytes[at..end].to_vec();
                            Change::Write { position: position + at, bytes: part }.apply(&mut content);
                        }
                        at = end;
                    }
                }
                (_, Change::Size(bytes)) => Change::Size(bytes).apply(&mut content),
            }
        }
        self.content.clone_from(&content);
        self.synced = content;
    }
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Size(bytes) => content.resize(*bytes, 0),
            Self::Write { position, bytes } => {
                let end = position + bytes.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[*position..end].copy_from_slice(bytes);
            }
        }
    }
}

/// SplitMix64: the same seed cuts the power in the same way.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn coin(&mut self) -> bool {
        self.below(2) == 0
    }
}

/// What a disk writes whole or not at all.
const SECTOR_BYTES: usize = 512;
