//! The running journal: several commits to a sync, readers beside the writer, retention.

mod common;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use brivas_journal::{FaultyFs, JournalError, RealFs, SegmentSpan};
use common::{Bell, append_next, commit, expected, replay, small, start, submit};
use tempfile::TempDir;

#[test]
fn readers_see_whole_records_in_order_while_they_are_written() {
    let dir = TempDir::new().expect("a folder");
    let (bell, config) = (Bell::default(), small(dir.path()));
    let (mut appender, reader, ..) = start(&config, &RealFs, &bell).expect("a new journal");
    let total = 3000;
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for durable_only in [true, false] {
            let (reader, done) = (reader.clone(), &done);
            scope.spawn(move || {
                let mut next = 0;
                while next < total {
                    let ended = done.load(Ordering::Acquire);
                    let records = reader.read(next, 2000, durable_only).expect("read");
                    let read = records.len() as i64;
                    assert_eq!(records, expected(next..next + read));
                    assert!(!durable_only || next + read <= reader.durable_offset());
                    next += read;
                    assert!(!ended || read > 0 || next == total, "ended at {next}");
                    thread::yield_now();
                }
            });
        }
        while appender.next_offset() < total {
            append_next(&mut appender, 10);
            let sync = appender.next_offset() % 50 == 0;
            assert!(submit(&mut appender, &bell, sync));
        }
        assert!(commit(&mut appender, &bell));
        done.store(true, Ordering::Release);
    });
    let stats = reader.stats();
    assert_eq!(stats.records, total as u64);
    assert!(stats.syncs <= stats.commits && stats.segments > 10, "{stats:?}");
    assert_eq!(stats.size_bytes, stats.bytes);
}

#[test]
fn at_most_two_commits_are_in_flight_and_the_rest_waits_in_one() {
    let (fs, bell, config) = (FaultyFs::new(), Bell::default(), small(Path::new("/j")));
    let (mut appender, reader, ..) = start(&config, &fs, &bell).expect("a new journal");
    let held = fs.hold();
    let mut taken = 0;
    for _ in 0..10 {
        append_next(&mut appender, 1);
        taken += i32::from(appender.submit(true));
    }
    assert_eq!(taken, 2);
    assert_eq!(appender.progress().durable, 0);
    drop(held);
    assert!(commit(&mut appender, &bell));
    assert_eq!(reader.read(0, usize::MAX, true).expect("read"), expected(0..10));
}

#[test]
fn what_was_written_unsynced_is_durable_after_an_empty_synced_commit() {
    let (fs, bell, config) = (FaultyFs::new(), Bell::default(), small(Path::new("/j")));
    let (mut appender, reader, ..) = start(&config, &fs, &bell).expect("a new journal");
    append_next(&mut appender, 3);
    assert!(appender.submit(false));
    bell.wait(|| appender.progress().written == 3);
    assert_eq!(appender.progress().durable, 0);
    assert_eq!(reader.read(0, usize::MAX, true).expect("read"), vec![]);
    assert_eq!(reader.read(0, usize::MAX, false).expect("read"), expected(0..3));
    assert!(submit(&mut appender, &bell, true));
    bell.wait(|| appender.progress().durable == 3);
    let operations = fs.operations();
    assert!(appender.submit(true));
    assert_eq!(fs.operations(), operations, "there was nothing to do");
}

#[test]
fn the_oldest_segments_are_named_and_dropped_when_the_log_is_too_long() {
    let (fs, bell) = (FaultyFs::new(), Bell::default());
    let mut config = small(Path::new("/j"));
    config.retention_bytes = 9000;
    let (mut appender, reader, ..) = start(&config, &fs, &bell).expect("a new journal");
    let mut dropped = 0;
    while dropped < 5 {
        append_next(&mut appender, 4);
        assert!(commit(&mut appender, &bell));
        let Some(SegmentSpan { start, end }) = appender.oldest_segment() else { continue };
        assert_eq!(start, reader.start_offset());
        assert!(reader.stats().size_bytes > config.retention_bytes);
        appender.drop_oldest(end - 1);
        assert_eq!(
            appender.oldest_segment(),
            Some(SegmentSpan { start, end }),
            "a part of it is still needed"
        );
        appender.drop_oldest(end);
        assert_eq!(appender.oldest_segment(), None, "it is not named twice");
        bell.wait(|| reader.start_offset() == end);
        dropped += 1;
        let next = appender.next_offset();
        assert_eq!(reader.read(start, 1, true), Err(JournalError::OffsetGone { offset: start, start: end }));
        assert_eq!(reader.read(end, usize::MAX, true).expect("read"), expected(end..next));
    }
    let (start_offset, next) = (reader.start_offset(), appender.next_offset());
    appender.close().expect("closed");
    let (records, report) = replay(&config, &fs).expect("opens");
    assert_eq!(records, expected(start_offset..next));
    assert_eq!(report.start_offset, start_offset);
}

#[test]
fn the_active_segment_is_never_dropped() {
    let (fs, bell) = (FaultyFs::new(), Bell::default());
    let mut config = small(Path::new("/j"));
    config.retention_bytes = 0;
    let (mut appender, reader, ..) = start(&config, &fs, &bell).expect("a new journal");
    append_next(&mut appender, 100);
    assert!(commit(&mut appender, &bell));
    appender.drop_oldest(i64::MAX);
    bell.wait(|| reader.stats().segments == 1);
    assert_eq!(appender.oldest_segment(), None);
    let start_offset = reader.start_offset();
    assert!(start_offset > 0);
    assert_eq!(reader.read(start_offset, usize::MAX, true).expect("read"), expected(start_offset..100));
}

#[test]
fn a_batch_longer_than_a_segment_gets_a_segment_of_its_own() {
    let (fs, bell, config) = (FaultyFs::new(), Bell::default(), small(Path::new("/j")));
    let (mut appender, reader, ..) = start(&config, &fs, &bell).expect("a new journal");
    for _ in 0..3 {
        appender.append(1, 1, |buffer| buffer.resize(buffer.len() + 6000, 5));
    }
    assert!(commit(&mut appender, &bell));
    assert_eq!(reader.stats().segments, 3);
    assert_eq!(reader.read(0, usize::MAX, true).expect("read").len(), 3);
    appender.close().expect("closed");
    assert_eq!(replay(&config, &fs).expect("opens").0.len(), 3);
}

#[test]
fn a_closed_segment_is_batches_and_nothing_else() {
    let (fs, bell, config) = (FaultyFs::new(), Bell::default(), small(Path::new("/j")));
    let (mut appender, ..) = start(&config, &fs, &bell).expect("a new journal");
    append_next(&mut appender, 100);
    assert!(commit(&mut appender, &bell));
    let first = fs.content(Path::new("/j/00000000000000000000.log")).expect("the first segment");
    let mut at = 0;
    while at < first.len() {
        let length: [u8; 4] = first[at + 8..at + 12].try_into().expect("four");
        assert_eq!(first[at + 16], 2, "the magic");
        at += 12 + u32::from_be_bytes(length) as usize;
    }
    assert_eq!(at, first.len());
}
