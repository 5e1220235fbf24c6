//! Sockets that peers connect to: opened before a configuration is taken, so that a port that is taken refuses it.

use std::net::SocketAddr;
use std::sync::Arc;

use brivas_proto::v1;
use mio::net::TcpListener;

use super::network::Networks;
use super::settings::ServerTls;
use crate::error::EngineError;

/// Listeners beside the gateway's own.
pub(crate) const LISTENERS_MAX: usize = 64;
/// Connections that the kernel holds for us between two rounds.
const BACKLOG: i32 = 4_096;

/// A listener as it was configured.
#[derive(Debug)]
pub(crate) struct ListenerConfig {
    pub(crate) name: Arc<str>,
    pub(crate) address: SocketAddr,
    pub(crate) tls: Option<ServerTls>,
    /// Whose connections start with a PROXY header.
    pub(crate) proxy_from: Networks,
}

impl ListenerConfig {
    /// # Errors
    /// What is wrong.
    pub(crate) fn new(spec: &v1::Listener) -> Result<Self, EngineError> {
        let wrong = |why: String| EngineError::Config(format!("listener {:?}: {why}", spec.name));
        if spec.name.is_empty() || spec.name.len() > 63 {
            return Err(wrong("its name needs 1 to 63 octets".to_owned()));
        }
        let address = spec.address.parse().map_err(|_| {
            wrong(format!(
                "address {:?} is none: an IP address and a port, 127.0.0.1:3550 or [::1]:3550",
                spec.address
            ))
        })?;
        Ok(Self {
            name: spec.name.as_str().into(),
            address,
            tls: spec
                .tls
                .as_ref()
                .map(ServerTls::new)
                .transpose()
                .map_err(|misfit| wrong(misfit.to_string()))?,
            proxy_from: Networks::parse(&spec.proxy_from)
                .map_err(|why| wrong(format!("proxyProtocol.from: {why}")))?,
        })
    }

    /// What makes its socket the same one as before. With port 0 the system chooses: one for each name.
    fn key(&self) -> (SocketAddr, &str) {
        (self.address, if self.address.port() == 0 { &self.name } else { "" })
    }

    pub(crate) fn has_same_socket(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

/// An open socket, and whose it is.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) listener: Arc<ListenerConfig>,
    pub(crate) socket: TcpListener,
}

/// Opens the sockets of those listeners that no old one has.
///
/// # Errors
/// Which address cannot be listened on.
pub(crate) fn open_new(
    old: &[Arc<ListenerConfig>],
    new: &[Arc<ListenerConfig>],
) -> Result<Vec<Opened>, EngineError> {
    let is_new = |listener: &&Arc<ListenerConfig>| !old.iter().any(|before| before.has_same_socket(listener));
    let open = |listener: &Arc<ListenerConfig>| {
        let socket = listen(&format!("listener {}", listener.name), listener.address)?;
        Ok(Opened { listener: Arc::clone(listener), socket })
    };
    new.iter().filter(is_new).map(open).collect()
}

/// Listens. An IPv6 address of all interfaces takes IPv4 too, whatever the system's default is.
///
/// # Errors
/// The address is taken, or not ours.
pub(crate) fn listen(face: &str, address: SocketAddr) -> Result<TcpListener, EngineError> {
    let failed = |error| EngineError::Listen { face: face.to_owned(), address, error };
    let domain = socket2::Domain::for_address(address);
    let socket = socket2::Socket::new(domain, socket2::Type::STREAM, None).map_err(failed)?;
    if address.is_ipv6() {
        socket.set_only_v6(false).map_err(failed)?;
    }
    socket.set_reuse_address(true).map_err(failed)?;
    socket.set_nonblocking(true).map_err(failed)?;
    socket.bind(&address.into()).map_err(failed)?;
    socket.listen(BACKLOG).map_err(failed)?;
    Ok(TcpListener::from_std(socket.into()))
}
