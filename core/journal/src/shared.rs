//! What the appender, the writer thread and readers share: offsets, the list of segments, the error that
//! ended it all.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use crate::error::JournalError;
use crate::segment::Segment;
use crate::stats::Counters;

/// Called by the writer thread whenever [`Progress`] moved, a buffer came free, or the journal failed. It
/// must be quick and must not block: a shard's waker.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// How far the log has come. Both are one past the last record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// In the page cache: survives a crash of the process.
    pub written: i64,
    /// On the disk: survives a power cut.
    pub durable: i64,
}

/// The offsets of a segment, `end` excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentSpan {
    /// Its first record.
    pub start: i64,
    /// One past its last record.
    pub end: i64,
}

pub(crate) struct Shared {
    /// Oldest first; the last one is being written. Changed by the writer thread only, when it rolls or
    /// drops.
    segments: RwLock<Vec<Arc<Segment>>>,
    start: AtomicI64,
    written: AtomicI64,
    durable: AtomicI64,
    /// Commits that the writer thread is done with.
    pub completed: AtomicU64,
    /// The end of the oldest segment where it may be dropped, else `NOTHING`.
    droppable_end: AtomicI64,
    /// Segments up to this offset are to be dropped.
    pub drop_up_to: AtomicI64,
    failure: OnceLock<JournalError>,
    pub counters: Counters,
    /// Readers pass over damage, as recovery did.
    pub skip_corrupt: bool,
}

impl Shared {
    pub(crate) fn new(segments: Vec<Arc<Segment>>, start: i64, end: i64, skip_corrupt: bool) -> Self {
        Self {
            segments: RwLock::new(segments),
            start: AtomicI64::new(start),
            written: AtomicI64::new(end),
            durable: AtomicI64::new(end),
            completed: AtomicU64::new(0),
            droppable_end: AtomicI64::new(NOTHING),
            drop_up_to: AtomicI64::new(NOTHING),
            failure: OnceLock::new(),
            counters: Counters::default(),
            skip_corrupt,
        }
    }

    pub(crate) fn progress(&self) -> Progress {
        // The durable one first: read the other way round it could seem to be ahead of the written one.
        let durable = self.durable.load(Ordering::Acquire);
        Progress { written: self.written.load(Ordering::Acquire), durable }
    }

    pub(crate) fn start(&self) -> i64 {
        self.start.load(Ordering::Acquire)
    }

    pub(crate) fn publish_written(&self, offset: i64) {
        self.written.store(offset, Ordering::Release);
    }

    pub(crate) fn publish_durable(&self, offset: i64) {
        self.durable.store(offset, Ordering::Release);
    }

    pub(crate) fn droppable(&self) -> Option<SegmentSpan> {
        let end = self.droppable_end.load(Ordering::Acquire);
        (end != NOTHING).then(|| SegmentSpan { start: self.start(), end })
    }

    pub(crate) fn publish_droppable(&self, span: Option<SegmentSpan>) {
        if let Some(span) = span {
            self.start.store(span.start, Ordering::Release);
        }
        self.droppable_end.store(span.map_or(NOTHING, |span| span.end), Ordering::Release);
    }

    pub(crate) fn publish_start(&self, offset: i64) {
        self.start.store(offset, Ordering::Release);
    }

    pub(crate) fn failure(&self) -> Option<&JournalError> {
        self.failure.get()
    }

    /// Ends the journal for good. The first reason is the one that counts.
    pub(crate) fn fail(&self, error: JournalError) {
        let _ = self.failure.set(error);
    }

    /// A copy of the list, cheap: a handful of pointers.
    pub(crate) fn segments(&self) -> Vec<Arc<Segment>> {
        self.segments.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn with_segments<R>(&self, f: impl FnOnce(&mut Vec<Arc<Segment>>) -> R) -> R {
        f(&mut self.segments.write().unwrap_or_else(PoisonError::into_inner))
    }
}

/// No offset.
pub(crate) const NOTHING: i64 = -1;
