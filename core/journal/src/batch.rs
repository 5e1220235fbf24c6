//! Kafka record batches, message format v2, as they stand in a segment (Kafka protocol guide, "Record
//! Batch").
//!
//! Big-endian header of 61 octets, then records of zigzag varints. Keys are message ids, eight octets
//! big-endian. No compression, no headers, no transactions: producer id, epoch and sequence are -1, the
//! leader epoch is 0. The checksum (CRC32C) covers everything from the attributes on. Reading accepts what
//! any client would write uncompressed.

use crate::varint;

/// Octets before the first record.
pub(crate) const HEADER_BYTES: usize = 61;
/// What stock Kafka takes for a whole batch (`message.max.bytes`, rounded down to 1 MiB).
pub(crate) const BATCH_BYTES_LIMIT: usize = 1 << 20;
/// Octets a record takes beside its value, at most.
pub(crate) const RECORD_OVERHEAD_MAX: usize = 5 + 1 + varint::VARLONG_BYTES_MAX + 5 + 1 + KEY_BYTES + 5 + 1;
/// A message id.
pub(crate) const KEY_BYTES: usize = 8;

/// One record, borrowed from a read buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordRef<'a> {
    /// Its place in the partition.
    pub offset: i64,
    /// When the event happened, milliseconds UTC.
    pub timestamp_ms: i64,
    /// The message id, eight octets big-endian.
    pub key: &'a [u8],
    /// The encoded event.
    pub value: &'a [u8],
}

impl RecordRef<'_> {
    /// The message id; 0 when the key is not one of ours.
    #[inline]
    pub fn key_u64(&self) -> u64 {
        self.key.try_into().map_or(0, u64::from_be_bytes)
    }

    /// A copy that outlives the buffer.
    pub fn to_record(&self) -> Record {
        Record {
            offset: self.offset,
            timestamp_ms: self.timestamp_ms,
            key: self.key_u64(),
            value: self.value.to_vec(),
        }
    }
}

/// One record, owned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place in the partition.
    pub offset: i64,
    /// When the event happened, milliseconds UTC.
    pub timestamp_ms: i64,
    /// The message id.
    pub key: u64,
    /// The encoded event.
    pub value: Vec<u8>,
}

/// What the header of a batch says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchHeader {
    pub base_offset: i64,
    /// Of the whole batch, header included.
    pub bytes: usize,
    pub crc: u32,
    pub last_offset_delta: u32,
    pub base_timestamp_ms: i64,
    pub max_timestamp_ms: i64,
    pub records: u32,
}

impl BatchHeader {
    /// Reads a header; what is wrong with it otherwise. Nothing but the first 61 octets is looked at.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, &'static str> {
        let Some(header) = bytes.first_chunk::<HEADER_BYTES>() else {
            return Err("the batch header is cut");
        };
        let length = i32::from_be_bytes(field(header, BATCH_LENGTH));
        let Some(bytes) = usize::try_from(length).ok().map(|length| length + LENGTH_COVERS_FROM) else {
            return Err("the batch length is negative");
        };
        if !(HEADER_BYTES..=BATCH_BYTES_LIMIT).contains(&bytes) {
            return Err("the batch length is out of range");
        }
        if header[MAGIC] != MAGIC_V2 {
            return Err("the magic is not 2");
        }
        // Bits 0 to 2 name a compression, bit 5 a control batch; bit 3 (timestamp type) and 4 (transactional)
        // do not change how records are read.
        if u16::from_be_bytes(field(header, ATTRIBUTES)) & 0x27 != 0 {
            return Err("the batch is compressed or a control batch");
        }
        let last_offset_delta = i32::from_be_bytes(field(header, LAST_OFFSET_DELTA));
        let records = i32::from_be_bytes(field(header, RECORD_COUNT));
        let (Ok(last_offset_delta), Ok(records)) = (u32::try_from(last_offset_delta), u32::try_from(records))
        else {
            return Err("the record count is negative");
        };
        if records == 0 || last_offset_delta < records - 1 {
            return Err("the record count does not fit the offsets");
        }
        let base_offset = i64::from_be_bytes(field(header, BASE_OFFSET));
        if base_offset < 0 || base_offset.checked_add(i64::from(last_offset_delta) + 1).is_none() {
            return Err("the base offset is out of range");
        }
        Ok(Self {
            base_offset,
            bytes,
            crc: u32::from_be_bytes(field(header, CRC)),
            last_offset_delta,
            base_timestamp_ms: i64::from_be_bytes(field(header, BASE_TIMESTAMP)),
            max_timestamp_ms: i64::from_be_bytes(field(header, MAX_TIMESTAMP)),
            records,
        })
    }

    /// One past the batch's last record.
    pub(crate) fn end_offset(&self) -> i64 {
        self.base_offset + i64::from(self.last_offset_delta) + 1
    }

    /// Whether `batch`, all of it, has the checksum that the header names.
    pub(crate) fn checksum_holds(&self, batch: &[u8]) -> bool {
        batch.get(ATTRIBUTES..self.bytes).is_some_and(|covered| crc32c::crc32c(covered) == self.crc)
    }

    /// Calls `f` with each record of the batch; what is wrong with a record otherwise.
    #[inline]
    pub(crate) fn for_each_record<'a>(
        &self,
        batch: &'a [u8],
        mut f: impl FnMut(RecordRef<'a>),
    ) -> Result<(), &'static str> {
        let Some(batch) = batch.get(..self.bytes) else {
            return Err("the batch is cut");
        };
        let mut at = HEADER_BYTES;
        for _ in 0..self.records {
            let (record, next) = self.record(batch, at).ok_or("a record does not fit its batch")?;
            f(record);
            at = next;
        }
        if at == batch.len() { Ok(()) } else { Err("octets follow the last record") }
    }

    /// The record at `at` and where the next one starts. Record headers, which we never write, are passed
    /// over.
    #[inline]
    fn record<'a>(&self, batch: &'a [u8], at: usize) -> Option<(RecordRef<'a>, usize)> {
        let (length, at) = varint::take(batch, at)?;
        let end = at.checked_add(usize::try_from(length).ok()?)?;
        let batch = batch.get(..end)?;
        let at = at + 1; // The record's attributes: unused.
        let (timestamp_delta, at) = varint::take(batch, at)?;
        let (offset_delta, at) = varint::take(batch, at)?;
        let (key, at) = octets(batch, at)?;
        let (value, _) = octets(batch, at)?;
        let offset = self.base_offset.checked_add(offset_delta)?;
        let timestamp_ms = self.base_timestamp_ms.wrapping_add(timestamp_delta);
        Some((RecordRef { offset, timestamp_ms, key, value }, end))
    }
}

/// Fills in the header of `batch`, whose records stand after the first 61 octets. `crc` and length follow
/// from them.
pub(crate) fn finish(batch: &mut [u8], header: &HeaderFields) {
    let length = (batch.len() - LENGTH_COVERS_FROM) as i32;
    put(batch, BASE_OFFSET, header.base_offset.to_be_bytes());
    put(batch, BATCH_LENGTH, length.to_be_bytes());
    put(batch, LEADER_EPOCH, 0i32.to_be_bytes());
    batch[MAGIC] = MAGIC_V2;
    put(batch, ATTRIBUTES, 0u16.to_be_bytes());
    put(batch, LAST_OFFSET_DELTA, (header.records - 1).to_be_bytes());
    put(batch, BASE_TIMESTAMP, header.base_timestamp_ms.to_be_bytes());
    put(batch, MAX_TIMESTAMP, header.max_timestamp_ms.to_be_bytes());
    put(batch, PRODUCER_ID, (-1i64).to_be_bytes());
    put(batch, PRODUCER_EPOCH, (-1i16).to_be_bytes());
    put(batch, BASE_SEQUENCE, (-1i32).to_be_bytes());
    put(batch, RECORD_COUNT, header.records.to_be_bytes());
    let crc = crc32c::crc32c(&batch[ATTRIBUTES..]);
    put(batch, CRC, crc.to_be_bytes());
}

/// What the appender knows of a batch that the records themselves do not say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeaderFields {
    pub base_offset: i64,
    pub records: u32,
    pub base_timestamp_ms: i64,
    pub max_timestamp_ms: i64,
}

#[inline]
fn octets(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let (length, at) = varint::take(bytes, at)?;
    if length < 0 {
        return Some((&[], at)); // Null.
    }
    let end = at.checked_add(usize::try_from(length).ok()?)?;
    Some((bytes.get(at..end)?, end))
}

fn field<const N: usize>(header: &[u8; HEADER_BYTES], at: usize) -> [u8; N] {
    let mut octets = [0; N];
    octets.copy_from_slice(&header[at..at + N]);
    octets
}

fn put<const N: usize>(batch: &mut [u8], at: usize, octets: [u8; N]) {
    batch[at..at + N].copy_from_slice(&octets);
}

const BASE_OFFSET: usize = 0;
const BATCH_LENGTH: usize = 8;
const LEADER_EPOCH: usize = 12;
const MAGIC: usize = 16;
const CRC: usize = 17;
const ATTRIBUTES: usize = 21;
const LAST_OFFSET_DELTA: usize = 23;
const BASE_TIMESTAMP: usize = 27;
const MAX_TIMESTAMP: usize = 35;
const PRODUCER_ID: usize = 43;
const PRODUCER_EPOCH: usize = 51;
const BASE_SEQUENCE: usize = 53;
const RECORD_COUNT: usize = 57;
/// The length field counts what stands after itself.
const LENGTH_COVERS_FROM: usize = 12;
const MAGIC_V2: u8 = 2;

// A header that were longer than the room left for it would run over the first record.
const _: () = assert!(RECORD_COUNT + size_of::<i32>() == HEADER_BYTES);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commit::CommitBuffer;
    use proptest::prelude::*;

    fn sealed(records: &[(i64, u64, Vec<u8>)], base_offset: i64) -> Vec<u8> {
        let mut commit = CommitBuffer::with_capacity(1 << 10);
        for (index, (timestamp_ms, key, value)) in records.iter().enumerate() {
            commit
                .append(base_offset + index as i64, *timestamp_ms, *key, |buffer| {
                    buffer.extend_from_slice(value)
                })
                .expect("fits");
        }
        commit.finish();
        commit.bytes().to_vec()
    }

    #[test]
    fn a_header_with_any_impossible_field_is_refused() {
        let good = sealed(&[(5, 7, vec![1; 30])], 3);
        assert!(BatchHeader::parse(&good).is_ok());
        let broken: [(usize, &[u8]); 8] = [
            (BASE_OFFSET, &[0x80]),
            (BATCH_LENGTH, &[0xff]),
            (BATCH_LENGTH, &[0, 0, 0, 48]),
            (BATCH_LENGTH, &[0, 0x10, 0, 0]),
            (MAGIC, &[1]),
            (ATTRIBUTES, &[0, 1]),
            (LAST_OFFSET_DELTA, &[0xff]),
            (RECORD_COUNT, &[0, 0, 0, 0]),
        ];
        for (at, octets) in broken {
            let mut bad = good.clone();
            bad[at..at + octets.len()].copy_from_slice(octets);
            assert!(BatchHeader::parse(&bad).is_err(), "{at} {octets:?}");
        }
        assert!(BatchHeader::parse(&good[..HEADER_BYTES - 1]).is_err());
    }

    proptest! {
        #[test]
        fn reading_undoes_writing(
            base in 0i64..1 << 50,
            records in prop::collection::vec((0i64..1 << 45, any::<u64>(), prop::collection::vec(any::<u8>(), 0..300)), 1..50),
        ) {
            let batch = sealed(&records, base);
            let header = BatchHeader::parse(&batch).expect("a header");
            prop_assert_eq!(header.bytes, batch.len());
            prop_assert!(header.checksum_holds(&batch));
            prop_assert_eq!(header.max_timestamp_ms, records.iter().map(|record| record.0).max().unwrap_or(0));
            let mut read = Vec::new();
            header.for_each_record(&batch, |record| read.push(record.to_record())).expect("records");
            for (index, (record, (timestamp_ms, key, value))) in read.iter().zip(&records).enumerate() {
                prop_assert_eq!(record.offset, base + index as i64);
                prop_assert_eq!(record.timestamp_ms, *timestamp_ms);
                prop_assert_eq!(record.key, *key);
                prop_assert_eq!(&record.value, value);
            }
            prop_assert_eq!(read.len(), records.len());
        }

        #[test]
        fn one_changed_bit_after_the_length_is_noticed(at in ATTRIBUTES..90usize, bit in 0u8..8) {
            let mut batch = sealed(&[(5, 7, vec![1; 30])], 3);
            let at = at.min(batch.len() - 1);
            batch[at] ^= 1 << bit;
            let noticed = BatchHeader::parse(&batch).is_err_and(|_| true)
                || BatchHeader::parse(&batch).is_ok_and(|header| !header.checksum_holds(&batch));
            prop_assert!(noticed);
        }

        #[test]
        fn reading_garbage_never_panics(mut garbage in prop::collection::vec(any::<u8>(), 0..400), plausible in any::<bool>()) {
            if plausible && garbage.len() >= HEADER_BYTES {
                let length = (garbage.len() - LENGTH_COVERS_FROM) as i32;
                put(&mut garbage, BATCH_LENGTH, length.to_be_bytes());
                garbage[MAGIC] = MAGIC_V2;
                put(&mut garbage, ATTRIBUTES, [0, 0]);
                put(&mut garbage, LAST_OFFSET_DELTA, [0, 0, 0, 90]);
                put(&mut garbage, RECORD_COUNT, [0, 0, 0, 9]);
                garbage[0] &= 0x7f;
            }
            if let Ok(header) = BatchHeader::parse(&garbage) {
                let _ = header.for_each_record(&garbage, |_| {});
            }
        }
    }
}
