//! What each fuzz target checks: a function of octets that panics when a promise of `core/smpp`, or of the
//! engine's reader of PROXY headers, is broken.
//!
//! The targets call these with what libFuzzer makes up; `core/smpp/tests/corpus.rs` calls them with the corpora, on stable.

pub mod pdu;
pub mod proxy;
pub mod receipt;
pub mod segment;
pub mod session;
pub mod text;
pub mod tlv;

/// A target's name and its check.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 7] = [
    ("pdu", pdu::check),
    ("proxy", proxy::check),
    ("receipt", receipt::check),
    ("segment", segment::check),
    ("session", session::check),
    ("text", text::check),
    ("tlv", tlv::check),
];
