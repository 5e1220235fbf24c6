//! What stands in a segment is what Kafka's own clients read: a golden batch, and an independent decoder.

mod common;

use std::path::Path;

use brivas_journal::FaultyFs;
use common::{Bell, append, commit, replay, small, start};
use kafka_protocol::records::{RecordBatchDecoder, TimestampType};
use proptest::prelude::*;

/// Two records of one batch: key 0x0102030405060708, values "hello" and 70 times 'x', a millisecond apart, from offset
/// 7. kafka-python's `DefaultRecordBatchBuilder` builds the same octets. It is also the stored file that
/// must stay readable: change it only together with the format version.
const GOLDEN: &str = "\
    0000000000000007 0000009c 00000000 02 bec45fa2 0000 00000001 0000019ab4b5c800 0000019ab4b5c801 \
    ffffffffffffffff ffff ffffffff 00000002 \
    26 00 00 00 10 0102030405060708 0a 68656c6c6f 00 \
    aa01 00 02 02 10 0102030405060708 8c01 \
    7878787878787878787878787878787878787878787878787878787878787878787878 \
    7878787878787878787878787878787878787878787878787878787878787878787878 00";

const TIMESTAMP_MS: i64 = 0x19a_b4b5_c800;
const KEY: u64 = 0x0102_0304_0506_0708;

fn golden() -> Vec<u8> {
    let digits: String = GOLDEN.split_whitespace().collect();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hex")).collect()
}

/// The only segment of a partition that begins at `base`.
fn segment_path(base: i64) -> String {
    format!("/j/{base:020}.log")
}

/// The length of the batch at the beginning.
fn batch_bytes(segment: &[u8]) -> usize {
    12 + u32::from_be_bytes([segment[8], segment[9], segment[10], segment[11]]) as usize
}

#[test]
fn the_golden_batch_is_what_is_written() {
    let (fs, bell, config) = (FaultyFs::new(), Bell::default(), small(Path::new("/j")));
    let (mut appender, ..) = start(&config, &fs, &bell).expect("a new journal");
    for offset in 0..7 {
        appender.append(0, offset, |_| {});
    }
    assert!(commit(&mut appender, &bell));
    let before = appender.append(TIMESTAMP_MS, KEY, |buffer| buffer.extend_from_slice(b"hello"));
    appender.append(TIMESTAMP_MS + 1, KEY, |buffer| buffer.resize(buffer.len() + 70, b'x'));
    assert_eq!(before, 7);
    appender.close().expect("closed");
    let segment = fs.content(Path::new(&segment_path(0))).expect("the segment");
    let first = batch_bytes(&segment);
    let written = &segment[first..first + golden().len()];
    let hex: String = written.iter().map(|octet| format!("{octet:02x}")).collect();
    assert_eq!(written, golden(), "{hex}");
}

#[test]
fn the_golden_batch_stays_readable() {
    let (fs, bell, config) = (FaultyFs::new(), Bell::default(), small(Path::new("/j")));
    let (mut appender, ..) = start(&config, &fs, &bell).expect("a new journal");
    for offset in 0..7 {
        appender.append(0, offset, |_| {});
    }
    appender.close().expect("closed");
    let path = segment_path(0);
    let mut segment = fs.content(Path::new(&path)).expect("the segment");
    let end = batch_bytes(&segment);
    segment[end..end + golden().len()].copy_from_slice(&golden());
    fs.set_content(Path::new(&path), &segment);
    let (records, _) = replay(&config, &fs).expect("opens");
    assert_eq!(records.len(), 9);
    let [.., hello, long] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!((hello.offset, hello.timestamp_ms, hello.key), (7, TIMESTAMP_MS, KEY));
    assert_eq!(hello.value, b"hello");
    assert_eq!((long.offset, long.timestamp_ms, long.value.len()), (8, TIMESTAMP_MS + 1, 70));
}

proptest! {
    #[test]
    fn an_independent_decoder_reads_every_segment(
        records in prop::collection::vec((-5i64..50, any::<u64>(), prop::collection::vec(any::<u8>(), 0..300)), 1..60),
        commit_every in 1usize..20,
    ) {
        let (fs, bell, config) = (FaultyFs::new(), Bell::default(), small(Path::new("/j")));
        let (mut appender, ..) = start(&config, &fs, &bell)?;
        let mut written = Vec::new();
        let mut timestamp_ms = TIMESTAMP_MS;
        for (index, (gap_ms, key, value)) in records.into_iter().enumerate() {
            timestamp_ms += gap_ms;
            let offset = index as i64;
            let record = brivas_journal::Record { offset, timestamp_ms, key, value };
            append(&mut appender, &record);
            written.push(record);
            if index % commit_every == 0 {
                prop_assert!(commit(&mut appender, &bell));
            }
        }
        appender.close()?;

        let mut decoded = Vec::new();
        for path in fs.paths() {
            if path.extension().is_none_or(|end| end != "log") {
                continue;
            }
            let mut segment = fs.content(&path).unwrap_or_default();
            // The space reserved behind the last batch.
            while segment.len() > 12 {
                let length = batch_bytes(&segment);
                if length == 12 {
                    break;
                }
                let rest = segment.split_off(length);
                let mut batch = bytes::Bytes::from(std::mem::replace(&mut segment, rest));
                decoded.extend(RecordBatchDecoder::decode(&mut batch).expect("a batch").records);
            }
        }
        prop_assert_eq!(decoded.len(), written.len());
        for (theirs, ours) in decoded.iter().zip(&written) {
            prop_assert_eq!((theirs.offset, theirs.timestamp), (ours.offset, ours.timestamp_ms));
            prop_assert_eq!(theirs.key.as_deref(), Some(&ours.key.to_be_bytes()[..]));
            prop_assert_eq!(theirs.value.as_deref(), Some(ours.value.as_slice()));
            prop_assert_eq!((theirs.producer_id, theirs.producer_epoch), (-1, -1));
            prop_assert_eq!((theirs.partition_leader_epoch, theirs.timestamp_type), (0, TimestampType::Creation));
            prop_assert!(!theirs.transactional && !theirs.control && theirs.headers.is_empty());
        }
    }
}
