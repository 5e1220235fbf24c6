//! The shard thread's end of the journal: encodes records into memory and hands commits over.
//!
//! Nothing here blocks, locks, computes a checksum or calls the system, except that handing over a commit may
//! wake the writer thread. The caller appends what it has, calls [`Appender::submit`] once a turn, looks at
//! [`Appender::progress`] when woken, and admits nothing new while [`Appender::has_room`] is false.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError};
use std::thread::JoinHandle;

use crate::commit::CommitBuffer;
use crate::config::{JournalConfig, VALUE_BYTES_MAX};
use crate::error::JournalError;
use crate::file_system::LockGuard;
use crate::shared::{NOTHING, Progress, SegmentSpan, Shared};
use crate::writer::{Channels, Command};

/// Appends to a partition. There is one, owned by one thread.
pub struct Appender {
    filling: CommitBuffer,
    next_offset: i64,
    batch_bytes_max: usize,
    commit_bytes_max: usize,
    pending_bytes_max: usize,
    in_flight_max: u64,
    submitted: u64,
    /// What is handed over, or was there at the start.
    submitted_offset: i64,
    dropped_up_to: i64,
    spare: Vec<CommitBuffer>,
    written: Receiver<CommitBuffer>,
    /// None once the appender is closing.
    commands: Option<SyncSender<Command>>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    /// Let go after the writer thread has ended.
    _lock: LockGuard,
}

impl Appender {
    pub(crate) fn new(
        config: &JournalConfig,
        shared: Arc<Shared>,
        channels: Channels,
        thread: JoinHandle<()>,
        lock: LockGuard,
        next_offset: i64,
    ) -> Self {
        let buffer = || CommitBuffer::with_capacity(config.commit_bytes_max + VALUE_BYTES_MAX);
        Self {
            filling: buffer(),
            next_offset,
            batch_bytes_max: config.batch_bytes_max,
            commit_bytes_max: config.commit_bytes_max,
            pending_bytes_max: config.pending_bytes_max(),
            in_flight_max: config.buffers as u64 - 1,
            submitted: 0,
            submitted_offset: next_offset,
            dropped_up_to: NOTHING,
            spare: (1..config.buffers).map(|_| buffer()).collect(),
            written: channels.written,
            commands: Some(channels.commands),
            shared,
            thread: Some(thread),
            _lock: lock,
        }
    }

    /// Appends a record to the pending commit; its offset. `encode` pushes the value to the end of the buffer
    /// and touches nothing else in it. After the journal failed the record is thrown away, and its offset
    /// never becomes written.
    ///
    /// # Panics
    /// When `encode` shortens the buffer.
    #[inline]
    pub fn append(&mut self, timestamp_ms: i64, key: u64, encode: impl FnOnce(&mut Vec<u8>)) -> i64 {
        let offset = self.next_offset;
        self.next_offset += 1;
        if self.filling.len() >= self.pending_bytes_max {
            self.overrun();
        }
        if let Err(bytes) = self.filling.append(offset, timestamp_ms, key, encode) {
            self.too_large(bytes);
        }
        if self.filling.open_len() >= self.batch_bytes_max {
            self.filling.close_batch();
        }
        offset
    }

    /// Hands everything pending to the writer thread; with `sync` it is made durable, and all before it. With `sync` and
    /// nothing pending, what was written unsynced before is synced. True when it was handed over, or there was nothing
    /// to do. False when `buffers - 1` commits are in flight: what is pending stays and grows, try again after the next
    /// wake. False also after the journal failed.
    pub fn submit(&mut self, sync: bool) -> bool {
        let nothing_pending = self.filling.len() == 0;
        if nothing_pending && (!sync || self.shared.progress().durable >= self.submitted_offset) {
            return true;
        }
        let Some(commands) = &self.commands else { return false };
        if self.shared.failure().is_some() {
            return false;
        }
        if self.submitted - self.shared.completed.load(Ordering::Acquire) >= self.in_flight_max {
            return false;
        }
        let Some(spare) = self.spare.pop().or_else(|| self.written.try_recv().ok()) else { return false };
        let mut commit = std::mem::replace(&mut self.filling, spare);
        commit.sync = sync;
        match commands.try_send(Command::Commit(commit)) {
            Ok(()) => {
                self.submitted += 1;
                self.submitted_offset = self.next_offset;
                true
            }
            Err(TrySendError::Full(command) | TrySendError::Disconnected(command)) => {
                if let Command::Commit(commit) = command {
                    self.spare.push(std::mem::replace(&mut self.filling, commit));
                }
                false
            }
        }
    }

    /// How far the log has come.
    #[inline]
    pub fn progress(&self) -> Progress {
        self.shared.progress()
    }

    /// The offset that the next record gets.
    #[inline]
    pub fn next_offset(&self) -> i64 {
        self.next_offset
    }

    /// Octets that were appended and not handed over.
    #[inline]
    pub fn pending_bytes(&self) -> usize {
        self.filling.len()
    }

    /// Whether new work may be admitted. Past this bound there is room only for the results of work already
    /// admitted: at four times `commit_bytes_max` the journal fails.
    #[inline]
    pub fn has_room(&self) -> bool {
        self.filling.len() < self.commit_bytes_max && self.shared.failure().is_none()
    }

    /// What ended the journal, if anything did. Nothing is retried.
    pub fn failed(&self) -> Option<&JournalError> {
        self.shared.failure()
    }

    /// The oldest segment, where the log is longer than it should be and something can be dropped. The caller
    /// appends again what it still needs from before its end, waits until that is durable, then calls
    /// [`Appender::drop_oldest`].
    pub fn oldest_segment(&self) -> Option<SegmentSpan> {
        self.shared.droppable().filter(|span| span.end > self.dropped_up_to)
    }

    /// Drops the whole segments whose records are all before `up_to`. The writer thread does it; the one
    /// being written always stays.
    pub fn drop_oldest(&mut self, up_to: i64) {
        self.dropped_up_to = self.dropped_up_to.max(up_to);
        self.shared.drop_up_to.store(self.dropped_up_to, Ordering::Release);
        if let Some(commands) = &self.commands {
            // A full queue means that the writer thread is busy; it looks after each turn.
            let _ = commands.try_send(Command::Drop);
        }
    }

    /// Hands over what is pending, waits until everything is durable, and ends the writer thread. Blocks.
    pub fn close(mut self) -> Result<(), JournalError> {
        if let (Some(commands), None) = (&self.commands, self.shared.failure()) {
            let mut commit = std::mem::replace(&mut self.filling, CommitBuffer::with_capacity(0));
            commit.sync = true;
            // A writer thread that is gone has left its reason.
            let _ = commands.send(Command::Commit(commit));
        }
        self.join();
        match self.shared.failure() {
            Some(error) => Err(error.clone()),
            None if self.shared.progress().durable < self.next_offset => Err(JournalError::WriterGone),
            None => Ok(()),
        }
    }

    fn join(&mut self) {
        self.commands = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            self.shared.fail(JournalError::WriterGone);
        }
    }

    #[cold]
    fn overrun(&mut self) {
        let (pending_bytes, limit_bytes) = (self.filling.len(), self.pending_bytes_max);
        self.shared.fail(JournalError::Overrun { pending_bytes, limit_bytes });
        self.filling.clear();
    }

    #[cold]
    fn too_large(&mut self, bytes: usize) {
        self.shared.fail(JournalError::RecordTooLarge { bytes, limit_bytes: VALUE_BYTES_MAX });
        self.filling.clear();
    }
}

impl Drop for Appender {
    /// What was handed over is still written; what is pending is lost, as when the process is killed.
    fn drop(&mut self) {
        self.join();
    }
}
