//! The one thread that touches the disk: finishes batches, writes, syncs, rolls and drops segments.
//!
//! It takes every commit that waits, writes them one after the other, and syncs once when any of them asked
//! for it, so commits grow by themselves while the disk is busy. A buffer goes back to the appender as soon
//! as it is written. Any error ends the thread and the journal: after a failed write or sync nobody knows
//! what the disk has, and the kernel may have forgotten the dirty pages, so trying again could call lost
//! records durable.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Instant;

use crate::commit::{CommitBuffer, Draft};
use crate::config::JournalConfig;
use crate::error::JournalError;
use crate::file_system::FileSystem;
use crate::mark::{Mark, MarkFile};
use crate::recovery::create_segment;
use crate::segment::{Segment, Zone};
use crate::shared::{SegmentSpan, Shared, Wake};

/// What the appender asks for.
pub(crate) enum Command {
    /// Write this.
    Commit(CommitBuffer),
    /// Look at `Shared::drop_up_to`.
    Drop,
}

/// The appender's ends of the two queues.
pub(crate) struct Channels {
    pub commands: SyncSender<Command>,
    pub written: Receiver<CommitBuffer>,
}

pub(crate) struct Writer {
    config: JournalConfig,
    fs: Arc<dyn FileSystem>,
    shared: Arc<Shared>,
    mark_file: MarkFile,
    wake: Wake,
    commands: Receiver<Command>,
    written: SyncSender<CommitBuffer>,
    /// The segment being written; the last one of the shared list.
    active: Arc<Segment>,
    position: u64,
    /// The disk was asked to take what stands before this.
    writeback_position: u64,
    /// Octets in closed segments.
    closed_bytes: u64,
    /// The last offset plus one in the page cache, and whether some of it was not synced.
    end: i64,
    unsynced: bool,
}

impl Writer {
    pub(crate) fn new(
        config: JournalConfig,
        fs: Arc<dyn FileSystem>,
        shared: Arc<Shared>,
        mark_file: MarkFile,
        wake: Wake,
    ) -> (Self, Channels) {
        let (commands, commands_out) = sync_channel(config.buffers + 1);
        let (written_in, written) = sync_channel(config.buffers);
        let segments = shared.segments();
        let active = Arc::clone(&segments[segments.len() - 1]);
        let closed_bytes = segments[..segments.len() - 1].iter().map(|segment| segment.bytes()).sum();
        let position = active.bytes();
        let end = shared.progress().written;
        let writer = Self {
            config,
            fs,
            shared,
            mark_file,
            wake,
            commands: commands_out,
            written: written_in,
            active,
            position,
            writeback_position: position,
            closed_bytes,
            end,
            unsynced: false,
        };
        writer.publish_droppable();
        (writer, Channels { commands, written })
    }

    /// Until the appender is gone, or something fails.
    pub(crate) fn run(mut self) {
        while let Ok(command) = self.commands.recv() {
            if let Err(error) = self.turn(command) {
                self.shared.fail(error);
            }
            (self.wake)();
            if self.shared.failure().is_some() {
                return;
            }
        }
    }

    /// Everything that waits: written, then synced once.
    fn turn(&mut self, first: Command) -> Result<(), JournalError> {
        let mut next = Some(first);
        let (mut commits, mut sync) = (0, false);
        while let Some(command) = next {
            if let Command::Commit(mut buffer) = command {
                if self.shared.failure().is_some() {
                    return Ok(()); // The appender ran over its bound: what it dropped would be missing before this.
                }
                self.write(&mut buffer)?;
                commits += 1;
                sync |= buffer.sync;
                buffer.clear();
                // The appender may be gone, and the buffer with it.
                let _ = self.written.try_send(buffer);
            }
            next = self.commands.try_recv().ok();
        }
        if sync && self.unsynced {
            // Those who wait for the page cache only need not wait for the disk.
            (self.wake)();
            self.sync()?;
        }
        self.begin_writeback()?;
        self.shared.counters.commits.fetch_add(commits, Ordering::Relaxed);
        self.shared.completed.fetch_add(commits, Ordering::Release);
        self.drop_segments()?;
        self.publish_droppable();
        Ok(())
    }

    /// Writes a commit: in one go, unless a segment ends within it.
    fn write(&mut self, buffer: &mut CommitBuffer) -> Result<(), JournalError> {
        buffer.finish();
        let mut rest = buffer.batches();
        while let Some(first) = rest.first() {
            let room = self.config.segment_bytes.saturating_sub(self.position);
            let fitting = rest.iter().take_while(|draft| (draft.end - first.start) as u64 <= room).count();
            if fitting == 0 && self.position > 0 {
                self.roll(first.base_offset)?;
                continue;
            }
            // A batch longer than a whole segment gets a segment of its own.
            let (now, later) = rest.split_at(fitting.max(1));
            self.write_run(buffer.bytes(), now)?;
            rest = later;
        }
        Ok(())
    }

    fn write_run(&mut self, bytes: &[u8], run: &[Draft]) -> Result<(), JournalError> {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { return Ok(()) };
        let active = &self.active;
        let span = &bytes[first.start..last.end];
        active
            .file
            .write_all_at(self.position, span)
            .map_err(|error| JournalError::io("write", &active.path, &error))?;
        let position = self.position;
        active.note(run.iter().map(|draft| Zone {
            first_offset: draft.base_offset,
            position: position + (draft.start - first.start) as u64,
            min_key: draft.min_key,
            max_key: draft.max_key,
            max_timestamp_ms: draft.max_timestamp_ms,
        }));
        self.position += span.len() as u64;
        self.end = last.end_offset();
        self.unsynced = true;
        active.advance(self.end, self.position);
        self.shared.publish_written(self.end);
        let counters = &self.shared.counters;
        counters.bytes.fetch_add(span.len() as u64, Ordering::Relaxed);
        let records: u64 = run.iter().map(|draft| u64::from(draft.records)).sum();
        counters.records.fetch_add(records, Ordering::Relaxed);
        Ok(())
    }

    fn sync(&mut self) -> Result<(), JournalError> {
        let began = Instant::now();
        self.active.file.sync_data().map_err(|error| JournalError::io("sync", &self.active.path, &error))?;
        self.shared.counters.note_sync(began.elapsed());
        self.unsynced = false;
        self.writeback_position = self.position;
        self.shared.publish_durable(self.end);
        self.mark_file.store(Mark { start: self.shared.start(), durable: self.end })
    }

    /// Keeps what only the page cache has from piling up until the segment is closed: that sync would take as long as the
    /// disk needs for a whole segment, and nothing could be admitted meanwhile.
    fn begin_writeback(&mut self) -> Result<(), JournalError> {
        let bytes = self.position - self.writeback_position;
        if bytes < WRITEBACK_BYTES {
            return Ok(());
        }
        let active = &self.active;
        active
            .file
            .begin_writeback(self.writeback_position, bytes)
            .map_err(|error| JournalError::io("write back", &active.path, &error))?;
        self.writeback_position = self.position;
        Ok(())
    }

    /// Closes the active segment, which is then nothing but whole batches on the disk, and starts the next
    /// one.
    fn roll(&mut self, base: i64) -> Result<(), JournalError> {
        let old = Arc::clone(&self.active);
        old.file.set_size(self.position).map_err(|error| JournalError::io("cut", &old.path, &error))?;
        self.sync()?;
        let new = Arc::new(create_segment(&*self.fs, &self.config, base)?);
        self.closed_bytes += self.position;
        (self.position, self.writeback_position) = (0, 0);
        self.active = Arc::clone(&new);
        self.shared.with_segments(|segments| segments.push(new));
        Ok(())
    }

    /// Drops the whole segments that the appender gave up. The mark goes first and is synced: a segment that
    /// is missing at the beginning without it is an error.
    fn drop_segments(&mut self) -> Result<(), JournalError> {
        let up_to = self.shared.drop_up_to.load(Ordering::Acquire);
        let segments = self.shared.segments();
        let count =
            segments[..segments.len() - 1].iter().take_while(|segment| segment.end() <= up_to).count();
        if count == 0 {
            return Ok(());
        }
        let start = segments[count].base;
        self.mark_file.store(Mark { start, durable: self.shared.progress().durable })?;
        self.mark_file.sync()?;
        self.shared.publish_start(start);
        self.shared.with_segments(|segments| drop(segments.drain(..count)));
        for segment in &segments[..count] {
            self.closed_bytes -= segment.bytes();
            self.fs
                .remove(&segment.path)
                .map_err(|error| JournalError::io("remove", &segment.path, &error))?;
        }
        self.fs.sync_dir(&self.config.dir).map_err(|error| JournalError::io("sync", &self.config.dir, &error))
    }

    fn publish_droppable(&self) {
        let over = self.closed_bytes + self.position > self.config.retention_bytes;
        let oldest = self.shared.with_segments(|segments| match segments.as_slice() {
            [oldest, _, ..] if over => Some(SegmentSpan { start: oldest.base, end: oldest.end() }),
            _ => None,
        });
        self.shared.publish_droppable(oldest);
    }
}

/// Written and not synced at most, before the disk is asked to take it.
const WRITEBACK_BYTES: u64 = 4 << 20;
