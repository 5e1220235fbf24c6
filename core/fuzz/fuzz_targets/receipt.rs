#![no_main]
//! Feeds `brivas_fuzz::receipt::check`.

libfuzzer_sys::fuzz_target!(|octets: &[u8]| brivas_fuzz::receipt::check(octets));
