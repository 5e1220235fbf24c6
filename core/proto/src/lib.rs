//! The border between Rust and Python: the code generated from `proto/brivas/v1`.
//!
//! Holds no logic. The Python side is generated from the same files by `make build`.

/// Package `brivas.v1`: events, the `Messaging` and the `Control` service.
#[expect(clippy::large_enum_variant, reason = "an event is read, used and dropped: a box would cost more")]
pub mod v1 {
    tonic::include_proto!("brivas.v1");
}
