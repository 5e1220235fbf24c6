#![no_main]
//! Feeds `brivas_fuzz::proxy::check`.

libfuzzer_sys::fuzz_target!(|octets: &[u8]| brivas_fuzz::proxy::check(octets));
