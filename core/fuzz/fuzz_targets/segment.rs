#![no_main]
//! Feeds `brivas_fuzz::segment::check`.

libfuzzer_sys::fuzz_target!(|octets: &[u8]| brivas_fuzz::segment::check(octets));
