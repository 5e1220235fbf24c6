//! Listeners: they appear, change and vanish with a configuration; the connections that they brought go on.

use std::net::SocketAddr;
use std::sync::Arc;

use brivas_proto::v1;
use brivas_smpp::session::SessionConfig;
use brivas_smpp::{InterfaceVersion, Session};
use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Token};

use super::connection::{Connection, ConnectionRef, Owner};
use super::operations::CUSTOMER_OPERATIONS;
use super::{CUSTOMER_ROLE, Shard};
use crate::notice::Level;
use crate::transport::{LISTENERS_MAX, ListenerConfig, Opened, Prologue, Stream, TlsStream, foreign};

/// Tokens of listeners in the poll: no connection's generation comes so far. The waker's stands above them.
const FIRST_TOKEN: usize = usize::MAX - 1 - LISTENERS_MAX - 1;

/// A socket that peers connect to.
#[derive(Debug)]
pub(crate) struct Listener {
    /// None: the gateway's own, of its start options.
    config: Option<Arc<ListenerConfig>>,
    socket: TcpListener,
    accepted: u64,
}

/// By place; the first is the gateway's own.
#[derive(Debug, Default)]
pub(crate) struct Listeners(Vec<Option<Listener>>);

impl Listeners {
    /// Whether an event of the poll is a listener's: its place.
    pub(crate) fn place(token: Token) -> Option<usize> {
        token.0.checked_sub(FIRST_TOKEN).filter(|&place| place <= LISTENERS_MAX)
    }

    fn live(&self) -> impl Iterator<Item = &Listener> {
        self.0.iter().flatten()
    }
}

impl Shard {
    /// Starts to listen on the gateway's own socket.
    pub(super) fn listen_at_start(
        &mut self,
        socket: TcpListener,
        opened: Vec<Opened>,
    ) -> std::io::Result<()> {
        self.add_listener(Listener { config: None, socket, accepted: 0 })?;
        self.apply_listeners(opened);
        Ok(())
    }

    /// Listens as the configuration says. The sockets of what is new were opened before it was taken.
    pub(super) fn apply_listeners(&mut self, opened: Vec<Opened>) {
        let wanted = self.config.listeners.clone();
        for place in 0..self.listeners.0.len() {
            let Some(listener) = &mut self.listeners.0[place] else { continue };
            let Some(config) = &listener.config else { continue };
            if let Some(new) = wanted.iter().find(|new| new.has_same_socket(config)) {
                listener.config = Some(Arc::clone(new));
            } else if let Some(mut gone) = self.listeners.0[place].take() {
                let _ = self.poll.registry().deregister(&mut gone.socket);
            }
        }
        for Opened { listener, socket } in opened {
            let config = Some(Arc::clone(&listener));
            if let Err(error) = self.add_listener(Listener { config, socket, accepted: 0 }) {
                let fields = vec![("listener", listener.name.to_string()), ("why", error.to_string())];
                self.notices.tell(Level::Error, "listener_failed", fields);
            }
        }
        self.tell_of_expiry();
    }

    fn add_listener(&mut self, mut listener: Listener) -> std::io::Result<()> {
        let places = &mut self.listeners.0;
        let place = places.iter().position(Option::is_none).unwrap_or(places.len());
        let token = Token(FIRST_TOKEN + place);
        self.poll.registry().register(&mut listener.socket, token, Interest::READABLE)?;
        if place == places.len() {
            places.push(None);
        }
        places[place] = Some(listener);
        Ok(())
    }

    /// Takes every connection that waits, on every listener.
    pub(super) fn accept_all(&mut self) {
        for place in 0..self.listeners.0.len() {
            self.accept(place);
        }
    }

    /// Takes every connection that waits on one listener.
    pub(super) fn accept(&mut self, place: usize) {
        while let Some(Some(listener)) = self.listeners.0.get_mut(place) {
            match listener.socket.accept() {
                Ok((socket, peer)) => {
                    self.counters.connections_accepted += 1;
                    listener.accepted += 1;
                    let config = listener.config.clone();
                    if self.draining.is_on() || !self.make_room() {
                        continue;
                    }
                    self.take_connection(socket, peer, config.as_deref());
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                // WouldBlock: none is left. Anything else (no descriptors): the next tick tries again.
                Err(_) => return,
            }
        }
    }

    fn take_connection(&mut self, socket: TcpStream, peer: SocketAddr, config: Option<&ListenerConfig>) {
        let _ = socket.set_nodelay(true);
        // An IPv4 peer on an IPv6 socket is an IPv4 peer, in logs and in lists of addresses.
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        let through_proxy = config.is_some_and(|config| config.proxy_from.contains(peer.ip()));
        let stream = match config.and_then(|config| config.tls.as_ref()) {
            None => Stream::Plain(socket),
            Some(tls) => match TlsStream::server(socket, &tls.config) {
                Ok(stream) => Stream::Tls(Box::new(stream)),
                Err(why) => {
                    let fields = vec![("peer", peer.to_string()), ("why", why)];
                    self.notices.tell(Level::Warning, "tls_handshake_failed", fields);
                    return;
                }
            },
        };
        let session_config = SessionConfig {
            interface_version: InterfaceVersion::V5_0,
            operations: CUSTOMER_OPERATIONS,
            ..SessionConfig::new(CUSTOMER_ROLE)
        };
        let session = Session::new(session_config, self.clock.now_ms());
        let name = self.open(stream, session, Owner::Stranger, peer, String::new());
        if through_proxy && let Some(connection) = name.and_then(|name| self.connections.get_mut(name)) {
            connection.prologue = Some(Box::new(Prologue::default()));
        }
    }

    pub(super) fn open(
        &mut self,
        mut stream: Stream,
        session: Session,
        owner: Owner,
        peer: SocketAddr,
        system_id: String,
    ) -> Option<ConnectionRef> {
        let name = self.connections.next_name();
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(stream.socket_mut(), name.token(), interest).ok()?;
        let connection = Connection::new(stream, session, owner, peer, system_id, self.clock.wall_ms);
        let name = self.connections.insert(connection);
        self.tap_opened(name);
        Some(name)
    }

    /// A stranger's connection ended before its bind: told where that is somebody's fault.
    pub(super) fn tell_of_stranger(&mut self, connection: &Connection, why: &str) {
        let peer = ("peer", connection.peer.to_string());
        if let Some(prologue) = &connection.prologue {
            // A proxy that only looks whether we are there sends nothing.
            if prologue.has_begun() {
                self.counters.proxy_headers_refused += 1;
                let fields = vec![peer, ("why", why.to_owned())];
                self.notices.tell(Level::Warning, "proxy_header_refused", fields);
            }
        } else if let Some(tls) = connection.stream.tls()
            && tls.is_handshaking()
            && tls.has_heard()
        {
            self.counters.tls_handshakes_failed += 1;
            self.notices.tell(Level::Warning, "tls_handshake_failed", vec![peer, ("why", why.to_owned())]);
        }
    }

    /// A session was closed: if that is for a stranger's first octets, which are another protocol's, the log says whose.
    pub(super) fn tell_of_foreign(&mut self, name: ConnectionRef, octets: &[u8]) {
        if let Some(connection) = self.connections.get(name)
            && connection.owner == Owner::Stranger
            && connection.session.counters().pdus_in == 0
            && let Some(what) = foreign::describe(octets)
        {
            let fields = vec![("peer", connection.peer.to_string()), ("why", what.to_owned())];
            self.notices.tell(Level::Warning, "not_smpp", fields);
        }
    }

    pub(super) fn listener_stats(&self) -> Vec<v1::ListenerStats> {
        let stats = |listener: &Listener| {
            let tls = listener.config.as_ref().and_then(|config| config.tls.as_ref());
            v1::ListenerStats {
                name: listener.config.as_ref().map_or_else(String::new, |config| config.name.to_string()),
                address: listener.socket.local_addr().map_or_else(|_| String::new(), |at| at.to_string()),
                tls: tls.is_some(),
                certificate_expires_at_ms: tls.map_or(0, |tls| tls.expires_at_ms),
                connections_accepted: listener.accepted,
                client_certificates: tls.map_or(0, |tls| tls.client_certificates.into()),
                proxied: listener.config.as_ref().is_some_and(|config| !config.proxy_from.is_empty()),
            }
        };
        self.listeners.live().map(stats).collect()
    }
}
