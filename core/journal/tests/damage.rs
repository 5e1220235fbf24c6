//! Real files, really damaged: what each recovery mode makes of them.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use brivas_journal::{Journal, JournalConfig, JournalError, RealFs, Record, Recovery};
use common::{Bell, append_next, commit, expected, replay, small, start};
use tempfile::TempDir;

const RECORDS: i64 = 160;

/// A partition of several segments with a record a batch, all of it durable.
fn partition() -> (TempDir, JournalConfig, Vec<PathBuf>) {
    let dir = TempDir::new().expect("a folder");
    let config = small(dir.path());
    let bell = Bell::default();
    let (mut appender, ..) = start(&config, &RealFs, &bell).expect("a new journal");
    for _ in 0..RECORDS {
        append_next(&mut appender, 1);
        assert!(commit(&mut appender, &bell));
    }
    appender.close().expect("closed");
    let segments = segments(dir.path());
    assert!(segments.len() >= 4, "{segments:?}");
    (dir, config, segments)
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).expect("the folder").map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<_> = entries.filter(|path| path.extension().is_some_and(|end| end == "log")).collect();
    paths.sort();
    paths
}

fn base(path: &Path) -> i64 {
    path.file_stem().and_then(|stem| stem.to_str()?.parse().ok()).expect("a segment name")
}

fn with(config: &JournalConfig, recovery: Recovery) -> JournalConfig {
    JournalConfig { recovery, ..config.clone() }
}

/// Where the batches of a file begin, and where the last one ends.
fn batch_positions(path: &Path) -> Vec<usize> {
    let bytes = fs::read(path).expect("the segment");
    let mut positions = vec![0];
    loop {
        let at = positions[positions.len() - 1];
        match bytes.get(at + 8..at + 12).map(|length| u32::from_be_bytes(length.try_into().expect("four"))) {
            Some(length) if length > 0 => positions.push(at + 12 + length as usize),
            _ => return positions,
        }
    }
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).expect("the segment");
    bytes[at] ^= 0x40;
    fs::write(path, bytes).expect("written");
}

/// As a power cut may leave it: the beginning of one more batch, which was never called durable.
fn tear_tail(path: &Path) -> usize {
    let positions = batch_positions(path);
    let end = positions[positions.len() - 1];
    let mut bytes = fs::read(path).expect("the segment");
    let mut torn = bytes[..positions[1]].to_vec();
    torn[..8].copy_from_slice(&RECORDS.to_be_bytes());
    torn.truncate(70);
    bytes[end..end + torn.len()].copy_from_slice(&torn);
    fs::write(path, bytes).expect("written");
    end
}

fn without(records: Vec<Record>, offset: i64) -> Vec<Record> {
    records.into_iter().filter(|record| record.offset != offset).collect()
}

#[test]
fn an_undamaged_partition_opens_in_every_mode() {
    let (_dir, config, _) = partition();
    for recovery in [Recovery::Strict, Recovery::TruncateTail, Recovery::SkipCorrupt] {
        let (records, report) = replay(&with(&config, recovery), &RealFs).expect("opens");
        assert_eq!(records, expected(0..RECORDS));
        assert_eq!((report.truncated, report.skipped), (None, vec![]));
        assert_eq!((report.start_offset, report.end_offset), (0, RECORDS));
    }
}

#[test]
fn a_torn_tail_is_cut_and_writing_goes_on_behind_it() {
    for recovery in [Recovery::TruncateTail, Recovery::SkipCorrupt] {
        let (_dir, config, segments) = partition();
        let last = segments.last().expect("a segment");
        let position = tear_tail(last);
        let bell = Bell::default();
        let (mut appender, _, records, report) =
            start(&with(&config, recovery), &RealFs, &bell).expect("opens");
        assert_eq!(records, expected(0..RECORDS));
        let cut = report.truncated.expect("the cut is reported");
        assert_eq!((cut.position, &cut.file), (position as u64, last));
        append_next(&mut appender, 5);
        appender.close().expect("closed");
        let (records, report) =
            replay(&with(&config, Recovery::Strict), &RealFs).expect("nothing is torn now");
        assert_eq!((records, report.truncated), (expected(0..RECORDS + 5), None));
    }
}

#[test]
fn a_torn_tail_is_an_error_in_strict_mode_and_the_file_is_left_alone() {
    let (_dir, config, segments) = partition();
    let last = segments.last().expect("a segment");
    let position = tear_tail(last) as u64;
    let before = fs::read(last).expect("the segment");
    let error = replay(&with(&config, Recovery::Strict), &RealFs).expect_err("damaged");
    assert!(
        matches!(&error, JournalError::Corrupt { file, position: at, .. } if file == last && *at == position)
    );
    assert_eq!(fs::read(last).expect("the segment"), before);
}

#[test]
fn a_torn_tail_whose_first_sector_was_lost_is_noticed_behind_the_zeroes() {
    let (_dir, config, segments) = partition();
    let last = segments.last().expect("a segment");
    let positions = batch_positions(last);
    let mut bytes = fs::read(last).expect("the segment");
    bytes[positions[positions.len() - 1] + 600] = 1;
    fs::write(last, bytes).expect("written");
    assert!(replay(&with(&config, Recovery::Strict), &RealFs).is_err());
    let (records, report) = replay(&config, &RealFs).expect("cut");
    assert_eq!((records, report.truncated.is_some()), (expected(0..RECORDS), true));
    assert!(replay(&with(&config, Recovery::Strict), &RealFs).is_ok(), "the rest was removed");
}

#[test]
fn durable_records_are_never_cut() {
    for damage in ["checksum", "length", "magic", "cut"] {
        let (_dir, config, segments) = partition();
        let last = segments.last().expect("a segment");
        let positions = batch_positions(last);
        let victim = positions[positions.len() - 2];
        match damage {
            "checksum" => flip(last, victim + 61),
            "length" => flip(last, victim + 10),
            "magic" => flip(last, victim + 16),
            _ => fs::OpenOptions::new()
                .write(true)
                .open(last)
                .and_then(|file| file.set_len(victim as u64 + 70))
                .expect("cut"),
        }
        for recovery in [Recovery::TruncateTail, Recovery::Strict] {
            let error = replay(&with(&config, recovery), &RealFs).expect_err(damage);
            assert!(
                matches!(&error, JournalError::Corrupt { file, .. } if file == last),
                "{damage}: {error}"
            );
        }
        let (records, report) = replay(&with(&config, Recovery::SkipCorrupt), &RealFs).expect(damage);
        assert_eq!(records, expected(0..RECORDS - 1), "{damage}");
        assert_eq!(report.end_offset, RECORDS, "an offset is not given twice");
    }
}

#[test]
fn a_bad_checksum_in_the_middle_is_an_error_or_skipped_with_a_report() {
    for segment in [0, 1, 3] {
        let (_dir, config, segments) = partition();
        let file = &segments[segment];
        let position = batch_positions(file)[2];
        flip(file, position + 62);
        for recovery in [Recovery::TruncateTail, Recovery::Strict] {
            let error = replay(&with(&config, recovery), &RealFs).expect_err("damaged");
            let JournalError::Corrupt { file: named, position: at, reason } = error else {
                panic!("{error}");
            };
            assert_eq!((&named, at), (file, position as u64));
            assert!(reason.contains("checksum"), "{reason}");
        }
        let (records, report) = replay(&with(&config, Recovery::SkipCorrupt), &RealFs).expect("skipped");
        assert_eq!(records, without(expected(0..RECORDS), base(file) + 2));
        assert_eq!(report.skipped.len(), 1, "{report}");
        assert_eq!((&report.skipped[0].file, report.skipped[0].position), (file, position as u64));
    }
}

#[test]
fn a_damaged_length_in_the_middle_loses_one_batch_when_skipped() {
    let (_dir, config, segments) = partition();
    let file = &segments[1];
    flip(file, batch_positions(file)[3] + 9);
    assert!(matches!(replay(&config, &RealFs), Err(JournalError::Corrupt { .. })));
    let (records, _) = replay(&with(&config, Recovery::SkipCorrupt), &RealFs).expect("skipped");
    assert_eq!(records, without(expected(0..RECORDS), base(file) + 3));
}

#[test]
fn a_reader_passes_over_what_replay_passed_over() {
    let (_dir, config, segments) = partition();
    let file = &segments[1];
    flip(file, batch_positions(file)[2] + 62);
    let bell = Bell::default();
    let (appender, reader, ..) =
        start(&with(&config, Recovery::SkipCorrupt), &RealFs, &bell).expect("skipped");
    let records = reader.read(0, usize::MAX, true).expect("read");
    assert_eq!(records, without(expected(0..RECORDS), base(file) + 2));
    drop(appender);
}

#[test]
fn a_missing_segment_is_an_error_wherever_it_was() {
    for missing in 0.. {
        let (_dir, config, segments) = partition();
        let Some(file) = segments.get(missing) else { break };
        fs::remove_file(file).expect("removed");
        let next = segments.get(missing + 1).map(|path| base(path));
        for recovery in [Recovery::TruncateTail, Recovery::Strict] {
            match replay(&with(&config, recovery), &RealFs) {
                Err(JournalError::MissingSegment { expected, found, .. }) => {
                    assert_eq!((expected, found), (base(file), next));
                }
                other => panic!("segment {missing}: {other:?}"),
            }
        }
        let (records, report) = replay(&with(&config, Recovery::SkipCorrupt), &RealFs).expect("skipped");
        let gone = base(file)..next.unwrap_or(RECORDS);
        let left: Vec<_> =
            expected(0..RECORDS).into_iter().filter(|record| !gone.contains(&record.offset)).collect();
        assert_eq!(records, left);
        assert_eq!(report.end_offset, RECORDS);
    }
}

#[test]
fn another_format_version_is_an_error_that_names_file_and_version() {
    let (dir, config, _) = partition();
    let meta = dir.path().join("partition.meta");
    let text = fs::read_to_string(&meta).expect("the file");
    fs::write(&meta, text.replace("format 1", "format 2")).expect("written");
    let error = replay(&config, &RealFs).expect_err("another version");
    assert_eq!(error, JournalError::Version { file: meta.clone(), found: "2".into(), supported: 1 });
    assert!(error.to_string().contains("partition.meta: format version 2"), "{error}");
}

#[test]
fn a_folder_of_another_partition_or_without_its_meta_file_is_refused() {
    let (dir, mut config, _) = partition();
    config.partition = 4;
    assert!(matches!(replay(&config, &RealFs), Err(JournalError::Meta { .. })));
    config.partition = 3;
    fs::remove_file(dir.path().join("partition.meta")).expect("removed");
    assert!(matches!(replay(&config, &RealFs), Err(JournalError::Meta { .. })));
}

#[test]
fn a_second_opener_is_refused_and_told_who_has_it() {
    let (dir, config, _) = partition();
    let bell = Bell::default();
    let (appender, ..) = start(&config, &RealFs, &bell).expect("opens");
    let error = Journal::open(config.clone(), Arc::new(RealFs)).map(drop).expect_err("in use");
    let (pid, folder) = (std::process::id(), dir.path().to_path_buf());
    assert_eq!(error, JournalError::Locked { dir: folder, pid: Some(pid) });
    assert!(error.to_string().contains(&pid.to_string()), "{error}");
    drop(appender);
    assert!(Journal::open(config, Arc::new(RealFs)).is_ok());
}

#[test]
fn replay_changes_no_file() {
    let (_dir, config, segments) = partition();
    let before: Vec<_> = segments.iter().map(|path| fs::read(path).expect("a segment")).collect();
    let (mut journal, _) = Journal::open(config, Arc::new(RealFs)).expect("opens");
    for _ in 0..2 {
        journal.replay(|_| {}).expect("replays");
    }
    let after: Vec<_> = segments.iter().map(|path| fs::read(path).expect("a segment")).collect();
    assert!(before == after);
}
