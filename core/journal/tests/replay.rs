//! Whatever is appended comes back, in order and once: by replay, by readers, by key and by time.

mod common;

use std::path::Path;

use brivas_journal::{FaultyFs, Record};
use common::{Bell, append, commit, small, start, submit};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Action {
    Append { key: u64, gap_ms: i64, value_bytes: usize },
    Submit { sync: bool },
    Close,
    Kill,
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        12 => (0u64..40, -2i64..5, prop_oneof![0usize..300, 600..900usize])
            .prop_map(|(key, gap_ms, value_bytes)| Action::Append { key, gap_ms, value_bytes }),
        3 => any::<bool>().prop_map(|sync| Action::Submit { sync }),
        1 => Just(Action::Close),
        1 => Just(Action::Kill),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_log_is_what_was_appended(actions in prop::collection::vec(action(), 1..200)) {
        let (fs, bell, config) = (FaultyFs::new(), Bell::default(), small(Path::new("/j")));
        let mut model: Vec<Record> = Vec::new();
        let mut handed_over = 0;
        let mut now_ms = 1_764_000_000_000;
        let (mut appender, mut reader, found, report) = start(&config, &fs, &bell)?;
        prop_assert!(report.created && found.is_empty());

        for action in actions {
            match action {
                Action::Append { key, gap_ms, value_bytes } => {
                    now_ms += gap_ms;
                    let offset = model.len() as i64;
                    let record = Record { offset, timestamp_ms: now_ms, key, value: vec![key as u8; value_bytes] };
                    prop_assert_eq!(append(&mut appender, &record), offset);
                    model.push(record);
                    if !appender.has_room() {
                        prop_assert!(submit(&mut appender, &bell, false));
                        handed_over = model.len();
                    }
                }
                Action::Submit { sync } => {
                    prop_assert!(submit(&mut appender, &bell, sync));
                    handed_over = model.len();
                }
                Action::Close | Action::Kill => {
                    if matches!(action, Action::Close) {
                        appender.close()?;
                    } else {
                        drop(appender);
                        model.truncate(handed_over);
                    }
                    let found;
                    (appender, reader, found, _) = start(&config, &fs, &bell)?;
                    prop_assert_eq!(&found, &model);
                    handed_over = model.len();
                }
            }
        }

        prop_assert!(commit(&mut appender, &bell));
        prop_assert_eq!(reader.end_offset(), model.len() as i64);
        let middle = model.len() / 2;
        prop_assert_eq!(&reader.read(middle as i64, usize::MAX, true)?, &model[middle..]);
        for key in 0..40 {
            let from = middle as i64 / 2;
            let with_key: Vec<_> =
                model.iter().filter(|record| record.key == key && record.offset >= from).take(5).cloned().collect();
            prop_assert_eq!(reader.lookup(key, Some(from), 5)?, with_key);
        }
        for timestamp_ms in [0, now_ms - 10, now_ms, now_ms + 1000] {
            let first = model.iter().find(|record| record.timestamp_ms >= timestamp_ms);
            let offset = first.map_or(model.len() as i64, |record| record.offset);
            prop_assert_eq!(reader.offset_at_or_after(timestamp_ms)?, offset);
        }
    }

    #[test]
    fn reading_in_pieces_is_reading_at_once(piece in 1usize..3000) {
        let (fs, bell, config) = (FaultyFs::new(), Bell::default(), small(Path::new("/j")));
        let (mut appender, reader, ..) = start(&config, &fs, &bell)?;
        for _ in 0..20 {
            common::append_next(&mut appender, 7);
            prop_assert!(commit(&mut appender, &bell));
        }
        let (mut next, mut read) = (0, Vec::new());
        while next < reader.end_offset() {
            let more = reader.read(next, piece, true)?;
            prop_assert!(!more.is_empty());
            prop_assert!(more.len() == 1 || more.iter().map(|record| record.value.len()).sum::<usize>() <= piece);
            next = more[more.len() - 1].offset + 1;
            read.extend(more);
        }
        prop_assert_eq!(read, common::expected(0..140));
    }
}
