#![no_main]
//! Feeds `brivas_fuzz::session::check`.

libfuzzer_sys::fuzz_target!(|octets: &[u8]| brivas_fuzz::session::check(octets));
