//! Ported numbers: what a file says against a map, and what the loader says of files that are wrong.

use std::collections::BTreeMap;

use brivas_route::{Network, NetworkRanges, PORTED_LINE_OCTETS_MAX, PORTED_NETWORKS_MAX, PortedNumbers};
use proptest::collection::btree_map;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

fn load(text: &str) -> PortedNumbers {
    PortedNumbers::load(text.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

fn network(text: &str) -> Network {
    Network::parse(text).expect("a network")
}

#[track_caller]
fn refused(text: &str, words: &[&str]) {
    let error = PortedNumbers::load(text.as_bytes()).expect_err("must be refused").to_string();
    for word in words {
        assert!(error.contains(word), "{error:?} does not say {word:?}");
    }
    assert!(error.contains("hint: "), "{error:?} has no hint");
}

proptest! {
    #[test]
    fn every_number_of_the_file_is_found_and_no_other(
        entries in btree_map(
            prop_oneof![1..90_u64, 447_700_900_000..447_700_900_400_u64, 1..1_000_000_000_000_000_u64],
            (200..210_u32, 10..20_u32),
            0..300,
        ),
        others in proptest::collection::vec(1..120_u64, 0..60),
        seed in any::<u64>(),
    ) {
        let mut lines: Vec<String> = entries
            .iter()
            .map(|(number, (country, code))| format!("{number},{country}-{code}\n"))
            .collect();
        lines.sort_by_key(|line| brivas_route::stable_hash(format!("{seed}{line}").as_bytes()));
        let table = load(&lines.concat());
        prop_assert_eq!(table.len(), entries.len());
        for number in entries.keys().copied().chain(others) {
            let expected =
                entries.get(&number).map(|(country, code)| network(&format!("{country}-{code}")));
            prop_assert_eq!(table.network(number.to_string().as_bytes()), expected);
        }
    }

    #[test]
    fn no_file_makes_the_loader_panic(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = PortedNumbers::load(octets.as_slice());
    }
}

#[test]
fn header_byte_order_mark_plus_signs_carriage_returns_and_further_columns_are_read() {
    let text =
        "\u{feff}number,network,since\r\n+447700900123,23415,2026-01-01\r\n 33612345678 , 208-01 \r\n\r\n";
    let table = load(text);
    assert_eq!(table.len(), 2);
    assert_eq!(table.network(b"447700900123"), Some(network("234-15")));
    assert_eq!(table.network(b"33612345678"), Some(network("208-01")));
    assert_eq!(table.content_hash(), <[u8; 32]>::from(Sha256::digest(text)));
}

#[test]
fn a_number_twice_in_one_network_is_one_and_in_two_is_refused_by_its_line() {
    assert_eq!(load("44770,234-15\n44771,234-15\n44770,23415\n").len(), 1 + 1);
    refused(
        "number,network\n44770,234-15\n44771,234-15\n44770,234-10\n",
        &["line 4", "44770", "234-10", "234-15"],
    );
}

#[test]
fn a_wrong_line_is_named_with_its_value() {
    let fine = "number,network\n44770,234-15\n";
    refused(&format!("{fine}044770,234-15\n"), &["line 3", "\"044770\""]);
    refused(&format!("{fine}1234567890123456,234-15\n"), &["line 3", "\"1234567890123456\""]);
    refused(&format!("{fine}44770,2341\n"), &["line 3", "\"2341\""]);
    refused(&format!("{fine}44770\n"), &["line 3", "columns"]);
    refused(&format!("{fine}\n44771,234-15\n"), &["line 3", "columns"]);
    refused(&format!("{fine}44771,{}\n", "1".repeat(PORTED_LINE_OCTETS_MAX)), &["line 3", "longer"]);
}

#[test]
fn a_reader_that_fails_is_an_error_with_its_line() {
    struct Failing;
    impl std::io::Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk is gone"))
        }
    }
    let text = std::io::Read::chain(&b"44770,234-15\n"[..], std::io::BufReader::new(Failing));
    let error = PortedNumbers::load(text).expect_err("must fail").to_string();
    assert!(error.contains("line 2") && error.contains("the disk is gone"), "{error}");
}

#[test]
fn more_networks_than_a_table_may_have_are_refused() {
    let lines = |count: usize| -> String {
        (0..count).map(|turn| format!("44{turn},{}-{:03}\n", 200 + turn / 1_000, turn % 1_000)).collect()
    };
    assert_eq!(load(&lines(PORTED_NETWORKS_MAX)).len(), PORTED_NETWORKS_MAX);
    refused(&lines(PORTED_NETWORKS_MAX + 1), &["line 16385", "networks"]);
}

#[test]
fn a_ported_number_goes_before_the_range_of_its_prefix() {
    let ported = load("447700900123,234-15\n");
    let ranges = NetworkRanges::build([("4477", network("234-10"))]).expect("valid");
    assert_eq!(ranges.resolve(Some(&ported), b"447700900123"), Some(network("234-15")));
    assert_eq!(ranges.resolve(Some(&ported), b"447700900124"), Some(network("234-10")));
    assert_eq!(ranges.resolve(None, b"447700900123"), Some(network("234-10")));
    assert_eq!(ranges.resolve(Some(&ported), b"1"), None);
}

#[test]
fn a_million_numbers_take_less_than_eleven_octets_each() {
    let numbers: BTreeMap<u64, ()> =
        (0..1_000_000_u64).map(|number| (447_000_000_000 + number * 7, ())).collect();
    let text: String = numbers.keys().map(|number| format!("{number},234-15\n")).collect();
    let table = load(&text);
    assert_eq!(table.len(), 1_000_000);
    assert!(table.heap_bytes() < 11_000_000, "{}", table.heap_bytes());
    assert!(numbers.keys().all(|number| table.network(number.to_string().as_bytes()).is_some()));
}
