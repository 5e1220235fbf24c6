//! What the engine needs to start; everything else is configuration and comes by `Control.Apply`.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Start options.
#[derive(Clone)]
pub struct EngineOptions {
    /// The engine's folder: `journal/`, `snapshot.bin`.
    pub data_dir: PathBuf,
    /// Where ESMEs bind.
    pub smpp_listen: SocketAddr,
    /// Where callers call.
    pub messaging_listen: SocketAddr,
    /// Where the platform controls.
    pub control_listen: SocketAddr,
    /// The bearer token of `Control`.
    pub control_token: String,
    /// Octets of a journal segment.
    pub segment_bytes: u64,
    /// Octets of journal to keep.
    pub retention_bytes: u64,
    /// Octets of memory that open messages may take; beyond it they are refused with ESME_RMSGQFUL.
    pub open_bytes: u64,
}

/// Octets of a journal segment by default.
pub const SEGMENT_BYTES: u64 = 256 << 20;
/// Octets of journal kept by default.
pub const RETENTION_BYTES: u64 = 4 << 30;
/// Octets of memory for open messages by default.
pub const OPEN_BYTES: u64 = 4 << 30;
