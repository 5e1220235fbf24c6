//! Why the engine did not start, refused a configuration, or stopped.

use std::net::SocketAddr;
use std::path::PathBuf;

use brivas_journal::JournalError;
use brivas_route::RouteError;

/// What went wrong, with which value; [`EngineError::hint`] says what to do.
#[derive(Debug)]
pub enum EngineError {
    /// A listening address is taken or not ours.
    Listen {
        /// Which face.
        face: String,
        /// Where.
        address: SocketAddr,
        /// Why.
        error: std::io::Error,
    },
    /// A file or the system refused.
    Io {
        /// What was tried.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The journal.
    Journal(JournalError),
    /// A configuration that makes no sense.
    Config(String),
    /// A route that makes no sense.
    Route(RouteError),
}

impl EngineError {
    /// What the operator can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Listen { error, .. } => match error.kind() {
                std::io::ErrorKind::AddrNotAvailable => "no interface of this machine has this address",
                std::io::ErrorKind::PermissionDenied => {
                    "ports below 1024 need the capability net_bind_service"
                }
                _ => "another process listens there: stop it, or choose another port",
            },
            Self::Io { .. } => "check that the folder exists, is writable, and has room",
            Self::Journal(_) => "see `brivas doctor`; another gateway may be running on this data folder",
            Self::Config(_) | Self::Route(_) => "see `brivas config check`",
        }
    }
}

impl std::fmt::Display for EngineError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Listen { face, address, error } => {
                write!(formatter, "cannot listen for {face} on {address}: {error}")
            }
            Self::Io { operation, path, error } => {
                write!(formatter, "cannot {operation} {}: {error}", path.display())
            }
            Self::Journal(error) => write!(formatter, "journal: {error}"),
            Self::Config(what) => write!(formatter, "configuration: {what}"),
            Self::Route(error) => write!(formatter, "configuration: {error}"),
        }
    }
}

impl std::error::Error for EngineError {}

impl From<JournalError> for EngineError {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

impl From<RouteError> for EngineError {
    fn from(error: RouteError) -> Self {
        Self::Route(error)
    }
}
