#![no_main]
//! Feeds `brivas_fuzz::pdu::check`.

libfuzzer_sys::fuzz_target!(|octets: &[u8]| brivas_fuzz::pdu::check(octets));
