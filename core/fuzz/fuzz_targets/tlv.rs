#![no_main]
//! Feeds `brivas_fuzz::tlv::check`.

libfuzzer_sys::fuzz_target!(|octets: &[u8]| brivas_fuzz::tlv::check(octets));
