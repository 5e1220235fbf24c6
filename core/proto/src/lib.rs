//! The border between Rust and Python: the code generated from `proto/brivas/v1`.
//!
//! Holds no logic. The Python side is generated from the same files by `make build`.

/// Package `brivas.v1`: events, the `Messaging` and the `Control` service.
#[allow(
    clippy::large_enum_variant,
    reason = "generated: an event of the largest kind is as rare as it is large"
)]
pub mod v1 {
    tonic::include_proto!("brivas.v1");
}
