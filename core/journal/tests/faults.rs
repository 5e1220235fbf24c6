//! Every file operation fails once, the disk fills, the power goes: what was called durable is still there.

mod common;

use std::ops::Range;
use std::path::Path;

use brivas_journal::{FaultyFs, JournalConfig, JournalError, Record};
use common::{Bell, append_next, commit, expected, replay, small, start, submit};

/// What a run was promised before it ended, however it ended.
#[derive(Debug, Default)]
struct Promised {
    written: i64,
    durable: i64,
    /// The appender allowed everything before this to be dropped.
    dropped: i64,
    error: Option<JournalError>,
}

impl Promised {
    fn note(&mut self, appender: &brivas_journal::Appender) {
        let progress = appender.progress();
        self.written = self.written.max(progress.written);
        self.durable = self.durable.max(progress.durable);
        if let Some(error) = appender.failed() {
            self.error = Some(error.clone());
        }
    }
}

fn config() -> JournalConfig {
    let mut config = small(Path::new("/j"));
    config.retention_bytes = 12_000;
    config
}

/// Opens twice, rolls often, drops: until the end, or until something fails.
fn run(fs: &FaultyFs) -> Promised {
    let mut promised = Promised::default();
    for round in 0..2 {
        let bell = Bell::default();
        let (mut appender, ..) = match start(&config(), fs, &bell) {
            Ok(started) => started,
            Err(error) => {
                promised.error = Some(error);
                return promised;
            }
        };
        for step in 0..25 {
            append_next(&mut appender, 6);
            let going = if step % 3 == 0 {
                submit(&mut appender, &bell, false)
            } else {
                commit(&mut appender, &bell)
            };
            if let (true, Some(oldest)) = (going, appender.oldest_segment()) {
                promised.dropped = oldest.end;
                appender.drop_oldest(oldest.end);
            }
            promised.note(&appender);
            if !going {
                return promised;
            }
        }
        if round == 0 {
            let next = appender.next_offset();
            match appender.close() {
                Ok(()) => (promised.written, promised.durable) = (next, next),
                Err(error) => {
                    promised.error = Some(error);
                    return promised;
                }
            }
        }
    }
    promised
}

/// Whether the records found keep the promise for offsets up to `end`: why not, otherwise.
fn keeps(found: &[Record], promised: &Promised, end: i64) -> Result<(), String> {
    let first = found.first().map_or(promised.dropped.max(end), |record| record.offset);
    if first > promised.dropped {
        return Err(format!("the log starts at {first}, only {} was dropped", promised.dropped));
    }
    let found_end = found.last().map_or(0, |record| record.offset + 1);
    if found_end < end {
        return Err(format!("the log ends at {found_end}, {end} was promised"));
    }
    if found != expected(Range { start: first, end: found_end }) {
        return Err("the log holds something that was not appended".into());
    }
    Ok(())
}

#[test]
fn a_run_without_faults_keeps_everything() {
    let fs = FaultyFs::new();
    let promised = run(&fs);
    assert_eq!(promised.error, None);
    assert!(promised.dropped > 0, "the run drops segments");
    let (found, _) = replay(&config(), &fs).expect("opens");
    keeps(&found, &promised, 300).expect("kept");
}

#[test]
fn any_operation_may_fail_and_nothing_promised_is_lost() {
    let counted = FaultyFs::new();
    run(&counted);
    let mut noticed = 0;
    for operation in 0..counted.operations() {
        for (and_after, power_cut) in [(false, false), (true, false), (false, true), (true, true)] {
            let fs = FaultyFs::new();
            fs.fail_at(operation, and_after);
            let promised = run(&fs);
            fs.heal();
            let mut end = promised.written;
            if power_cut {
                fs.power_cut(operation);
                end = promised.durable;
            }
            let context = format!("operation {operation} {and_after} {power_cut} {promised:?}");
            let (found, _) = replay(&config(), &fs).unwrap_or_else(|error| panic!("{context}: {error}"));
            keeps(&found, &promised, end).unwrap_or_else(|loss| panic!("{context}: {loss}"));
            noticed += u64::from(promised.error.is_some());
        }
    }
    // A fault in the last commands may come after the run has looked.
    assert!(noticed * 100 > counted.operations() * 4 * 95, "{noticed} of {} x 4", counted.operations());
}

/// Cuts the power at an arbitrary operation, as seen by a disk that keeps its word or does not.
fn power_cut(seed: u64, operations: u64, disk_lies: bool) -> Result<(), String> {
    let fs = FaultyFs::new();
    if disk_lies {
        fs.ignore_syncs();
    }
    fs.fail_at(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) % operations, true);
    let promised = run(&fs);
    fs.power_cut(seed);
    let (found, _) = replay(&config(), &fs).map_err(|error| error.to_string())?;
    keeps(&found, &promised, promised.durable)
}

#[test]
fn a_power_cut_at_any_moment_loses_nothing_durable() {
    let counted = FaultyFs::new();
    run(&counted);
    for seed in 0..600 {
        power_cut(seed, counted.operations(), false).unwrap_or_else(|loss| panic!("seed {seed}: {loss}"));
    }
}

#[test]
fn the_power_cut_test_notices_a_disk_that_does_not_sync() {
    let counted = FaultyFs::new();
    run(&counted);
    let noticed = (0..50).filter(|seed| power_cut(*seed, counted.operations(), true).is_err()).count();
    assert!(noticed > 25, "{noticed} of 50");
}

#[test]
fn a_full_disk_ends_the_journal_and_loses_nothing_durable() {
    let (fs, bell, config) = (FaultyFs::new(), Bell::default(), small(Path::new("/j")));
    fs.limit_space(14_000);
    let (mut appender, reader, ..) = start(&config, &fs, &bell).expect("a new journal");
    let mut durable = 0;
    for _ in 0..100 {
        append_next(&mut appender, 6);
        if !commit(&mut appender, &bell) {
            break;
        }
        durable = appender.progress().durable;
    }
    assert!(matches!(appender.failed(), Some(JournalError::DiskFull { .. })), "{:?}", appender.failed());
    assert!(!appender.has_room());
    assert!(!appender.submit(true), "nothing is retried");
    assert_eq!(
        reader.read(0, usize::MAX, true).expect("readable still").len() as i64,
        reader.durable_offset()
    );
    let after = appender.append(0, 0, |_| {});
    assert!(after >= appender.progress().written, "what is appended afterwards is never written");
    drop(appender);
    fs.heal();
    let (found, _) = replay(&config, &fs).expect("opens");
    assert!(found.len() as i64 >= durable);
    assert_eq!(found, expected(0..found.len() as i64));
}

#[test]
fn a_failed_sync_is_not_tried_again() {
    let (fs, bell, config) = (FaultyFs::new(), Bell::default(), small(Path::new("/j")));
    let (mut appender, ..) = start(&config, &fs, &bell).expect("a new journal");
    append_next(&mut appender, 1);
    // The write is the next operation, the sync the one after it.
    fs.fail_at(fs.operations() + 1, false);
    assert!(!commit(&mut appender, &bell));
    let error = appender.failed().cloned().expect("an error");
    assert!(matches!(&error, JournalError::Io { operation: "sync", .. }), "{error}");
    let operations = fs.operations();
    append_next(&mut appender, 1);
    assert!(!appender.submit(true));
    assert_eq!(appender.progress().durable, 0);
    assert_eq!(appender.close(), Err(error));
    assert_eq!(fs.operations(), operations, "the disk was left alone");
}

#[test]
fn going_on_without_room_fails_the_journal_at_the_stated_bound() {
    let (fs, bell, config) = (FaultyFs::new(), Bell::default(), small(Path::new("/j")));
    let (mut appender, ..) = start(&config, &fs, &bell).expect("a new journal");
    let bound = config.commit_bytes_max * 4;
    while appender.failed().is_none() {
        assert_eq!(appender.has_room(), appender.pending_bytes() < config.commit_bytes_max);
        append_next(&mut appender, 1);
        assert!(appender.pending_bytes() <= bound + 1000);
    }
    assert!(
        matches!(appender.failed(), Some(JournalError::Overrun { limit_bytes, .. }) if *limit_bytes == bound)
    );
    assert!(!appender.submit(true));
    drop(appender);
    assert_eq!(replay(&config, &fs).expect("opens").0, vec![]);
}

#[test]
fn a_value_that_is_too_long_fails_the_journal_by_name() {
    let (fs, bell, config) = (FaultyFs::new(), Bell::default(), small(Path::new("/j")));
    let (mut appender, ..) = start(&config, &fs, &bell).expect("a new journal");
    let bytes = brivas_journal::VALUE_BYTES_MAX + 1;
    appender.append(0, 0, |buffer| buffer.resize(buffer.len() + bytes, 0));
    assert!(matches!(appender.failed(), Some(JournalError::RecordTooLarge { bytes: b, .. }) if *b == bytes));
}
