//! Replays the corpora of the fuzz targets (`core/fuzz`): what they once found stays found, on stable and in each run of tests.

#[path = "../../fuzz/src/lib.rs"]
mod fuzz;

use std::path::Path;

#[test]
fn what_the_fuzz_targets_found_is_still_right() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    for (name, check) in fuzz::TARGETS {
        let folder = corpora.join(name);
        let files: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(files.len() >= 20, "{}: {} files", folder.display(), files.len());
        for file in files {
            // The name of the file stands in the output of a panic.
            println!("{}", file.display());
            check(&std::fs::read(&file).unwrap());
        }
    }
}

#[test]
fn the_checks_take_no_octets_and_few() {
    for (_, check) in fuzz::TARGETS {
        check(&[]);
        for first in 0..=u8::MAX {
            check(&[first]);
            check(&[first, 0]);
            check(&[first, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        }
    }
}
