//! The engine's two gRPC faces: `Messaging` for callers, `Control` for the platform; apart in port and credentials.
//!
//! They run on one thread of their own and reach the shard by its mailbox, and the journal by its reader: a slow
//! caller holds nothing up.

mod alphabets;
mod auth;
mod compose;
mod control;
mod explain;
mod history;
mod messaging;
mod review;
mod trace;
mod watch;

pub(crate) use trace::Traces;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use brivas_journal::Reader;
use brivas_proto::v1;
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::Status;
use tonic::transport::Server;

use crate::config::Config;
use crate::error::EngineError;
use crate::shard::{Command, Mailbox};

/// What both services share.
pub(crate) struct Shared {
    pub(crate) mailbox: Mailbox,
    pub(crate) reader: Reader,
    /// Told after every commit of the journal.
    pub(crate) committed: Arc<Notify>,
    pub(crate) data_dir: PathBuf,
    pub(crate) control_token: String,
    pub(crate) current: Mutex<Current>,
    pub(crate) traces: Traces,
    /// One configuration at a time.
    pub(crate) applying: tokio::sync::Mutex<()>,
}

/// The configuration in force.
#[derive(Clone)]
pub(crate) struct Current {
    pub(crate) config: Arc<Config>,
    pub(crate) snapshot: Arc<v1::Snapshot>,
}

impl Shared {
    pub(crate) fn current(&self) -> Current {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks the shard and waits for its answer.
    pub(crate) async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, Status> {
        let (reply, answer) = oneshot::channel();
        self.mailbox.send(command(reply)).map_err(Status::unavailable)?;
        answer.await.map_err(|_| Status::unavailable("the engine has stopped"))
    }
}

/// Both listening sockets, bound before anything else starts.
pub(crate) struct Listeners {
    pub(crate) messaging: std::net::TcpListener,
    pub(crate) control: std::net::TcpListener,
}

impl Listeners {
    pub(crate) fn bind(messaging: SocketAddr, control: SocketAddr) -> Result<Self, EngineError> {
        let bind = |face: &str, address| {
            let failed = |error| EngineError::Listen { face: face.to_owned(), address, error };
            let listener = std::net::TcpListener::bind(address).map_err(failed)?;
            listener.set_nonblocking(true).map_err(failed)?;
            Ok::<_, EngineError>(listener)
        };
        Ok(Self { messaging: bind("Messaging", messaging)?, control: bind("Control", control)? })
    }
}

/// Calls that a connection may have open at once.
const STREAMS_MAX: u32 = 1_024;
/// A caller that is silent for so long is asked whether it is there.
const KEEPALIVE: Duration = Duration::from_secs(30);

fn server() -> Server {
    Server::builder().max_concurrent_streams(STREAMS_MAX).http2_keepalive_interval(Some(KEEPALIVE))
}

/// Serves until `stop` is told; blocks its thread.
pub(crate) fn serve(
    listeners: Listeners,
    shared: Arc<Shared>,
    stop: oneshot::Receiver<()>,
) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let messaging = TcpListenerStream::new(TcpListener::from_std(listeners.messaging)?);
        let control = TcpListenerStream::new(TcpListener::from_std(listeners.control)?);
        let messaging_service = messaging::service(Arc::clone(&shared));
        let control_service = control::service(shared);
        let servers = async {
            tokio::try_join!(
                server().add_service(messaging_service).serve_with_incoming(messaging),
                server().add_service(control_service).serve_with_incoming(control),
            )
        };
        tokio::select! {
            served = servers => served.map(|_| ()).map_err(std::io::Error::other),
            _ = stop => Ok(()),
        }
    })
}
