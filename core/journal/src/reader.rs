//! Reading the log while it is written: from an offset, by key, by time. Off the hot path.
//!
//! A reader never looks past what was written (or durable) when the call began, so it never sees a batch half
//! written. It reads files, so on an asynchronous runtime it belongs into a blocking task.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::batch::{BatchHeader, Record, RecordRef};
use crate::error::JournalError;
use crate::recovery::corrupt;
use crate::scan::{Scanner, Step};
use crate::segment::{Segment, Stretch};
use crate::shared::Shared;
use crate::stats::Stats;

/// Reads a partition, from any thread.
#[derive(Clone)]
pub struct Reader {
    shared: Arc<Shared>,
}

impl Reader {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The oldest record's offset.
    pub fn start_offset(&self) -> i64 {
        self.shared.start()
    }

    /// One past the last record written.
    pub fn end_offset(&self) -> i64 {
        self.shared.progress().written
    }

    /// One past the last record that survives a power cut.
    pub fn durable_offset(&self) -> i64 {
        self.shared.progress().durable
    }

    /// What ended the journal, if anything did.
    pub fn failed(&self) -> Option<&JournalError> {
        self.shared.failure()
    }

    /// Records from `from` on, until their values reach `max_bytes`: at least one, where there is one.
    pub fn read(&self, from: i64, max_bytes: usize, durable_only: bool) -> Result<Vec<Record>, JournalError> {
        let mut records = Vec::new();
        self.for_each(from, max_bytes, durable_only, |record| records.push(record.to_record()))?;
        Ok(records)
    }

    /// Calls `f` with the records that [`Reader::read`] would return; the offset to go on from. An offset
    /// past the end is the end; one before the start is an error that names the start.
    pub fn for_each(
        &self,
        from: i64,
        max_bytes: usize,
        durable_only: bool,
        mut f: impl FnMut(RecordRef<'_>),
    ) -> Result<i64, JournalError> {
        let progress = self.shared.progress();
        let limit = if durable_only { progress.durable } else { progress.written };
        let (mut next, mut bytes) = (from, 0);
        if from < self.shared.start() {
            return Err(JournalError::OffsetGone { offset: from, start: self.shared.start() });
        }
        self.scan_from(from, limit, |record| {
            if record.offset >= from {
                if bytes > 0 && bytes + record.value.len() > max_bytes {
                    return ControlFlow::Break(());
                }
                // An empty value counts as well, or a log of them would be read without end.
                bytes += record.value.len().max(1);
                next = record.offset + 1;
                f(record);
            }
            ControlFlow::Continue(())
        })?;
        Ok(next)
    }

    /// The records with this key, oldest first, `limit` at most. `from_hint` is an offset before which none
    /// of them stands, such as [`Reader::offset_at_or_after`] of the time in a message id.
    pub fn lookup(
        &self,
        key: u64,
        from_hint: Option<i64>,
        limit: usize,
    ) -> Result<Vec<Record>, JournalError> {
        let end = self.shared.progress().written;
        let from = from_hint.unwrap_or(i64::MIN);
        let mut records = Vec::new();
        for segment in self.shared.segments() {
            if segment.end() <= from {
                continue;
            }
            for stretch in segment.stretches(key, from) {
                if records.len() >= limit {
                    return Ok(records);
                }
                let flow = self.scan(&segment, stretch, end, |record| {
                    if record.key_u64() == key && record.offset >= from {
                        records.push(record.to_record());
                    }
                    if records.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
                })?;
                if flow.is_break() {
                    return Ok(records);
                }
            }
        }
        Ok(records)
    }

    /// The first record that is not older than `timestamp_ms`; the end where all are older. Records of one
    /// millisecond may stand in any order, so take some margin.
    pub fn offset_at_or_after(&self, timestamp_ms: i64) -> Result<i64, JournalError> {
        let end = self.shared.progress().written;
        for segment in self.shared.segments() {
            if let Some(zone_start) = segment.seek_time(timestamp_ms) {
                let mut found = end;
                self.scan_from(zone_start, end, |record| {
                    if record.timestamp_ms < timestamp_ms {
                        return ControlFlow::Continue(());
                    }
                    found = record.offset;
                    ControlFlow::Break(())
                })?;
                return Ok(found);
            }
        }
        Ok(end)
    }

    /// What the journal did, and how large it is.
    pub fn stats(&self) -> Stats {
        let segments = self.shared.segments();
        self.shared.counters.stats(segments.len(), segments.iter().map(|segment| segment.bytes()).sum())
    }

    /// Whole batches from the one that holds `from`, over segments, up to `limit`.
    fn scan_from(
        &self,
        from: i64,
        limit: i64,
        mut f: impl FnMut(RecordRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), JournalError> {
        let segments = self.shared.segments();
        let first = segments.partition_point(|segment| segment.base <= from).saturating_sub(1);
        for segment in &segments[first..] {
            if segment.end() <= from || segment.base >= limit {
                continue;
            }
            let (first_offset, position) = segment.seek(from);
            let stretch = Stretch { first_offset, position, end_position: segment.bytes() };
            if self.scan(segment, stretch, limit, &mut f)?.is_break() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn scan(
        &self,
        segment: &Segment,
        stretch: Stretch,
        limit: i64,
        mut f: impl FnMut(RecordRef<'_>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, JournalError> {
        let skip = self.shared.skip_corrupt;
        let mut scanner =
            Scanner::new(segment, stretch.first_offset, stretch.position, stretch.end_position, CHUNK_BYTES)
                .skipping(skip);
        while scanner.offset() < limit {
            match scanner.next_batch()? {
                Step::Batch(header, position, batch) => {
                    if each_record(segment, &header, position, batch, &mut f, skip)?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                Step::End => break,
                Step::Damaged(_) if skip => break,
                Step::Damaged(damage) => return Err(corrupt(damage)),
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

fn each_record(
    segment: &Segment,
    header: &BatchHeader,
    position: u64,
    batch: &[u8],
    f: &mut impl FnMut(RecordRef<'_>) -> ControlFlow<()>,
    skip: bool,
) -> Result<ControlFlow<()>, JournalError> {
    let mut flow = ControlFlow::Continue(());
    let all = header.for_each_record(batch, |record| {
        if flow.is_continue() {
            flow = f(record);
        }
    });
    match all {
        Err(reason) if !skip => {
            Err(JournalError::Corrupt { file: segment.path.clone(), position, reason: reason.into() })
        }
        _ => Ok(flow),
    }
}

const CHUNK_BYTES: usize = 128 << 10;
