//! Walking the batches of a segment file with one bounded buffer.
//!
//! The scanner knows what must come next: the offset that follows the last batch. Zeroes to the end of the
//! file are the end; anything else that is not the expected batch with the right checksum is damage. Told to
//! skip, it goes on at the next batch that is whole and says where it did.

use crate::batch::{BATCH_BYTES_LIMIT, BatchHeader, HEADER_BYTES};
use crate::error::JournalError;
use crate::file_system::read_full;
use crate::recovery::Damage;
use crate::segment::Segment;

/// A cursor over the batches of one segment.
pub(crate) struct Scanner<'a> {
    segment: &'a Segment,
    /// Of the next batch.
    position: u64,
    /// Nothing at or past this is read.
    end_position: u64,
    /// The offset that the next batch must start with.
    expected: i64,
    chunk: usize,
    skip: bool,
    skipped: Vec<Damage>,
    buffer: Vec<u8>,
    /// The part of the buffer that holds what stands at `position` in the file.
    start: usize,
    filled: usize,
}

/// What stands at the cursor.
pub(crate) enum Step<'a> {
    /// A whole batch, its checksum right (where asked for), and its position.
    Batch(BatchHeader, u64, &'a [u8]),
    /// The end of what was to be read, or zeroes up to there.
    End,
    /// Something else; nothing readable follows it, or nothing may be skipped.
    Damaged(Damage),
}

enum Look {
    Batch(BatchHeader),
    End,
    Damaged(&'static str),
}

impl<'a> Scanner<'a> {
    /// Starts at a batch: `first_offset` at `position`. Reads `chunk` octets at a time.
    pub(crate) fn new(
        segment: &'a Segment,
        first_offset: i64,
        position: u64,
        end_position: u64,
        chunk: usize,
    ) -> Self {
        Self {
            segment,
            position,
            end_position,
            expected: first_offset,
            chunk: chunk.max(HEADER_BYTES),
            skip: false,
            skipped: Vec::new(),
            buffer: Vec::new(),
            start: 0,
            filled: 0,
        }
    }

    /// Passes over damage from now on.
    pub(crate) fn skipping(mut self, skip: bool) -> Self {
        self.skip = skip;
        self
    }

    /// The offset that follows the last batch.
    pub(crate) fn offset(&self) -> i64 {
        self.expected
    }

    /// The position that follows the last batch.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// What was passed over.
    pub(crate) fn into_skipped(self) -> Vec<Damage> {
        self.skipped
    }

    /// The next batch, with its checksum verified.
    pub(crate) fn next_batch(&mut self) -> Result<Step<'_>, JournalError> {
        self.step(true)
    }

    /// The next batch's header only: neither is the body read, nor the checksum verified. The slice is empty.
    pub(crate) fn next_header(&mut self) -> Result<Step<'_>, JournalError> {
        self.step(false)
    }

    fn step(&mut self, body: bool) -> Result<Step<'_>, JournalError> {
        let header = match self.look(body)? {
            Look::Batch(header) => {
                if header.base_offset > self.expected {
                    let reason = format!("offsets {} to {} are missing", self.expected, header.base_offset);
                    self.note_skipped(self.position, 0, reason);
                }
                header
            }
            Look::End => return Ok(Step::End),
            Look::Damaged(reason) => {
                let from = self.position;
                let found = if self.skip { self.resync()? } else { None };
                let Some(header) = found else {
                    let (file, bytes) = (self.segment.path.clone(), self.end_position.saturating_sub(from));
                    return Ok(Step::Damaged(Damage { file, position: from, bytes, reason: reason.into() }));
                };
                self.note_skipped(from, self.position - from, reason.into());
                header
            }
        };
        let position = self.position;
        let batch = if body { self.start..self.start + header.bytes } else { 0..0 };
        self.expected = header.end_offset();
        self.advance(header.bytes);
        Ok(Step::Batch(header, position, &self.buffer[batch]))
    }

    fn note_skipped(&mut self, position: u64, bytes: u64, reason: String) {
        let full = self.skipped.len() >= SKIPPED_MAX;
        match self.skipped.last_mut() {
            Some(last) if full => last.bytes += bytes,
            _ => self.skipped.push(Damage { file: self.segment.path.clone(), position, bytes, reason }),
        }
    }

    /// Looks at the cursor without moving it.
    fn look(&mut self, body: bool) -> Result<Look, JournalError> {
        let head = self.peek(HEADER_BYTES)?;
        if head.is_empty() {
            return Ok(Look::End);
        }
        if head.iter().all(|octet| *octet == 0) {
            return Ok(if self.rest_is_zero()? {
                Look::End
            } else {
                Look::Damaged("zeroes where a batch should be")
            });
        }
        let header = match BatchHeader::parse(head) {
            Ok(header) => header,
            Err(reason) => return Ok(Look::Damaged(reason)),
        };
        let expected = self.expected;
        if header.base_offset != expected && !(self.skip && header.base_offset > expected) {
            return Ok(Look::Damaged("the batch does not follow the one before it"));
        }
        if header.bytes as u64 > self.end_position - self.position {
            return Ok(Look::Damaged("the batch is cut"));
        }
        if body {
            let batch = self.peek(header.bytes)?;
            if batch.len() < header.bytes {
                return Ok(Look::Damaged("the batch is cut"));
            }
            if !header.checksum_holds(batch) {
                return Ok(Look::Damaged("the checksum is wrong"));
            }
        }
        Ok(Look::Batch(header))
    }

    /// Moves to the next whole batch after the cursor; none when there is none. The batch that the damaged
    /// header itself points to is tried first: text inside a record could look like a batch.
    fn resync(&mut self) -> Result<Option<BatchHeader>, JournalError> {
        let from = self.position;
        if let Ok(header) = BatchHeader::parse(self.peek(HEADER_BYTES)?)
            && header.base_offset == self.expected
        {
            self.advance(header.bytes);
            if let Look::Batch(next) = self.look(true)?
                && next.base_offset == header.end_offset()
            {
                return Ok(Some(next));
            }
            self.seek(from);
        }
        loop {
            self.advance(1);
            let expected = self.expected;
            let window = self.peek(HEADER_BYTES)?;
            if window.len() < HEADER_BYTES {
                self.seek(from);
                return Ok(None);
            }
            // The cheap test first: most positions fail it.
            let Ok(header) = BatchHeader::parse(window) else { continue };
            if (expected..=expected.saturating_add(GAP_MAX)).contains(&header.base_offset)
                && let Look::Batch(header) = self.look(true)?
            {
                return Ok(Some(header));
            }
        }
    }

    /// The next `count` octets, or as many as there are.
    fn peek(&mut self, count: usize) -> Result<&[u8], JournalError> {
        debug_assert!(count <= BATCH_BYTES_LIMIT);
        let left = usize::try_from(self.end_position.saturating_sub(self.position)).unwrap_or(usize::MAX);
        let count = count.min(left);
        if self.filled - self.start < count {
            self.buffer.copy_within(self.start..self.filled, 0);
            self.filled -= self.start;
            self.start = 0;
            let want = count.max(self.chunk).min(left);
            if self.buffer.len() < want {
                self.buffer.resize(want, 0);
            }
            let target = &mut self.buffer[self.filled..want];
            self.filled += read_full(&*self.segment.file, self.position + self.filled as u64, target)
                .map_err(|error| JournalError::io("read", &self.segment.path, &error))?;
        }
        Ok(&self.buffer[self.start..self.filled.min(self.start + count)])
    }

    fn advance(&mut self, count: usize) {
        self.position += count as u64;
        self.start += count;
        if self.start >= self.filled {
            (self.start, self.filled) = (0, 0);
        }
    }

    fn seek(&mut self, position: u64) {
        self.position = position;
        (self.start, self.filled) = (0, 0);
    }

    fn rest_is_zero(&mut self) -> Result<bool, JournalError> {
        let mut chunk = vec![0; ZERO_CHUNK_BYTES];
        let mut position = self.position;
        loop {
            let next = self.segment.file.next_data(position);
            match next.map_err(|error| JournalError::io("read", &self.segment.path, &error))? {
                Some(next) if next < self.end_position => position = next.max(position),
                _ => return Ok(true),
            }
            let want =
                usize::try_from(self.end_position - position).unwrap_or(usize::MAX).min(ZERO_CHUNK_BYTES);
            let count = read_full(&*self.segment.file, position, &mut chunk[..want])
                .map_err(|error| JournalError::io("read", &self.segment.path, &error))?;
            if chunk[..count].iter().any(|octet| *octet != 0) {
                return Ok(false);
            }
            if count < want {
                return Ok(true);
            }
            position += count as u64;
        }
    }
}

/// Where skipping, more damages than this are counted into the last one.
const SKIPPED_MAX: usize = 1000;
/// Where skipping, a batch further ahead than this is not believed.
const GAP_MAX: i64 = 1 << 40;
const ZERO_CHUNK_BYTES: usize = 256 << 10;
