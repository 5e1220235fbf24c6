//! One commit's octets: record batches that the shard thread fills, and that the writer thread finishes and
//! writes.
//!
//! Appending is the hot path: it encodes a record straight behind the last one and touches nothing else.
//! Length fields stand before the value whose length is not known yet, so room for two octets each is left
//! (right for values of 64 to 8,191 octets) and the value is moved by an octet or two where that guess was
//! wrong: Kafka's records use the shortest varints, and strict readers insist. Headers and checksums are left
//! to the writer thread.

use crate::batch::{self, HEADER_BYTES, HeaderFields, KEY_BYTES, RECORD_OVERHEAD_MAX};
use crate::config::VALUE_BYTES_MAX;
use crate::varint;

/// A batch inside a commit buffer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Draft {
    pub start: usize,
    pub end: usize,
    pub base_offset: i64,
    pub records: u32,
    pub base_timestamp_ms: i64,
    pub max_timestamp_ms: i64,
    pub min_key: u64,
    pub max_key: u64,
}

impl Draft {
    pub(crate) fn end_offset(&self) -> i64 {
        self.base_offset + i64::from(self.records)
    }
}

/// Batches on their way to the disk. Reused: in steady state it allocates nothing.
#[derive(Debug)]
pub(crate) struct CommitBuffer {
    bytes: Vec<u8>,
    closed: Vec<Draft>,
    /// The batch that is being filled; it has no records when there is none.
    open: Draft,
    /// Whether the records must survive a power cut before they count.
    pub sync: bool,
}

impl CommitBuffer {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), closed: Vec::with_capacity(16), open: NO_DRAFT, sync: false }
    }

    /// Octets so far.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Octets of the batch that is being filled.
    #[inline]
    pub(crate) fn open_len(&self) -> usize {
        self.bytes.len() - self.open.start
    }

    /// Appends a record whose value `encode` pushes to the end of the buffer. A value that is too long is
    /// taken back, and its length returned.
    ///
    /// # Panics
    /// When `encode` shortens the buffer: it would have destroyed records of others.
    #[inline]
    pub(crate) fn append(
        &mut self,
        offset: i64,
        timestamp_ms: i64,
        key: u64,
        encode: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), usize> {
        if self.open.records == 0 {
            self.open_batch(offset, timestamp_ms);
        }
        let record_start = self.bytes.len();
        // Two octets for the record's length, then what is known: attributes, timestamp, offset, key; then
        // two octets for the value's length.
        let mut head = [0u8; RECORD_OVERHEAD_MAX];
        let mut at =
            varint::put(&mut head, GUESS + 1, timestamp_ms.wrapping_sub(self.open.base_timestamp_ms));
        at = varint::put(&mut head, at, offset - self.open.base_offset);
        head[at] = KEY_LENGTH;
        head[at + 1..at + 1 + KEY_BYTES].copy_from_slice(&key.to_be_bytes());
        let known_end = at + 1 + KEY_BYTES;
        self.bytes.extend_from_slice(&head[..known_end + GUESS]);

        let value_start = self.bytes.len();
        encode(&mut self.bytes);
        assert!(self.bytes.len() >= value_start, "the encoder of a record shortened the commit buffer");
        let value_bytes = self.bytes.len() - value_start;
        if value_bytes > VALUE_BYTES_MAX {
            self.bytes.truncate(record_start);
            return Err(value_bytes);
        }
        self.bytes.push(0); // No record headers.

        let value_length_size = varint::size(value_bytes as i64);
        let body = (known_end - GUESS + value_length_size + value_bytes + 1) as i64;
        let length_size = varint::size(body);
        if length_size == GUESS && value_length_size == GUESS {
            let record = &mut self.bytes[record_start..];
            put2(record, 0, body);
            put2(record, known_end, value_bytes as i64);
        } else {
            self.shift(record_start, value_start, &head[GUESS..known_end], body, value_bytes);
        }

        let open = &mut self.open;
        open.records += 1;
        open.max_timestamp_ms = open.max_timestamp_ms.max(timestamp_ms);
        open.min_key = open.min_key.min(key);
        open.max_key = open.max_key.max(key);
        Ok(())
    }

    /// Ends the batch that is being filled; the next record starts another.
    pub(crate) fn close_batch(&mut self) {
        if self.open.records > 0 {
            self.open.end = self.bytes.len();
            self.closed.push(self.open);
        }
        self.open = Draft { start: self.bytes.len(), ..NO_DRAFT };
    }

    /// Fills in headers and checksums. The buffer is then what goes to the disk.
    pub(crate) fn finish(&mut self) {
        self.close_batch();
        for draft in &self.closed {
            let fields = HeaderFields {
                base_offset: draft.base_offset,
                records: draft.records,
                base_timestamp_ms: draft.base_timestamp_ms,
                max_timestamp_ms: draft.max_timestamp_ms,
            };
            batch::finish(&mut self.bytes[draft.start..draft.end], &fields);
        }
    }

    /// The octets; whole batches after `finish`.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The closed batches, in order, without gaps between them.
    pub(crate) fn batches(&self) -> &[Draft] {
        &self.closed
    }

    /// Forgets everything, keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.closed.clear();
        self.open = NO_DRAFT;
        self.sync = false;
    }

    #[inline]
    fn open_batch(&mut self, offset: i64, timestamp_ms: i64) {
        self.open = Draft {
            start: self.bytes.len(),
            base_offset: offset,
            base_timestamp_ms: timestamp_ms,
            max_timestamp_ms: timestamp_ms,
            ..NO_DRAFT
        };
        self.bytes.extend_from_slice(&[0; HEADER_BYTES]);
    }

    /// The guess was wrong: moves the value to where it belongs and writes everything before it again.
    fn shift(
        &mut self,
        record_start: usize,
        value_start: usize,
        known: &[u8],
        body: i64,
        value_bytes: usize,
    ) {
        let mut head = [0u8; RECORD_OVERHEAD_MAX];
        let mut head_bytes = varint::put(&mut head, 0, body);
        head[head_bytes..head_bytes + known.len()].copy_from_slice(known);
        head_bytes = varint::put(&mut head, head_bytes + known.len(), value_bytes as i64);
        let end = self.bytes.len();
        let value_to = record_start + head_bytes;
        if value_to > value_start {
            self.bytes.resize(end + (value_to - value_start), 0);
        }
        self.bytes.copy_within(value_start..end, value_to);
        self.bytes.truncate(value_to + (end - value_start));
        self.bytes[record_start..value_to].copy_from_slice(&head[..head_bytes]);
    }
}

#[inline]
fn put2(record: &mut [u8], at: usize, value: i64) {
    let raw = (value << 1) as u64;
    record[at] = raw as u8 | 0x80;
    record[at + 1] = (raw >> 7) as u8;
}

/// Octets left for a length before it is known.
const GUESS: usize = 2;
/// Eight octets, as a zigzag varint.
const KEY_LENGTH: u8 = (KEY_BYTES as u8) << 1;
const NO_DRAFT: Draft = Draft {
    start: 0,
    end: 0,
    base_offset: 0,
    records: 0,
    base_timestamp_ms: 0,
    max_timestamp_ms: i64::MIN,
    min_key: u64::MAX,
    max_key: 0,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_has_the_shortest_varints_at_every_length() {
        for value_bytes in (0..200).chain(8000..8400).chain([VALUE_BYTES_MAX]) {
            let mut commit = CommitBuffer::with_capacity(0);
            for _ in 0..2 {
                commit
                    .append(0, 1000, 7, |buffer| buffer.resize(buffer.len() + value_bytes, 9))
                    .expect("fits");
            }
            let record = &commit.bytes()[HEADER_BYTES..HEADER_BYTES + (commit.len() - HEADER_BYTES) / 2];
            let (body, at) = varint::take(record, 0).expect("a length");
            assert_eq!((varint::size(body), at + body as usize), (at, record.len()));
            assert_eq!(&record[at..at + 4], &[0, 0, 0, KEY_LENGTH]);
            let at = at + 4 + KEY_BYTES;
            let (length, value_at) = varint::take(record, at).expect("a value length");
            assert_eq!((length as usize, value_at - at), (value_bytes, varint::size(length)));
            assert!(record[value_at..record.len() - 1].iter().all(|octet| *octet == 9));
            assert_eq!(record.last(), Some(&0));
        }
    }

    #[test]
    fn a_value_that_is_too_long_leaves_the_records_before_it() {
        let mut commit = CommitBuffer::with_capacity(0);
        commit.append(0, 1, 1, |buffer| buffer.push(1)).expect("fits");
        let before = commit.bytes().to_vec();
        let length = VALUE_BYTES_MAX + 1;
        assert_eq!(commit.append(1, 1, 1, |buffer| buffer.resize(buffer.len() + length, 0)), Err(length));
        assert_eq!(commit.bytes(), before);
    }
}
