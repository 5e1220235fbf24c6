#![no_main]
//! Feeds `brivas_fuzz::text::check`.

libfuzzer_sys::fuzz_target!(|octets: &[u8]| brivas_fuzz::text::check(octets));
