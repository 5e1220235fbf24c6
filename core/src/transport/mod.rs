//! How octets come and go, below SMPP: plain or by TLS, directly or through a proxy, from listeners and to carriers.
//!
//! Everything here is free of sessions and accounts; the shard's connections use it, and the configuration builds its
//! settings. A plain connection pays one comparison a read and a write for it.

mod certificate;
pub(crate) mod foreign;
mod listener;
mod network;
mod proxy;
mod settings;
mod tls;

pub(crate) use listener::{LISTENERS_MAX, ListenerConfig, Opened, listen, open_new};
pub(crate) use network::Networks;
pub(crate) use proxy::{Prologue, Step};
pub(crate) use settings::ClientTls;
pub use settings::{Misfit, check_carrier_tls, check_listener_tls};
pub(crate) use tls::{BEGUN_OCTETS_MAX, Taken, TlsStream};

use mio::net::TcpStream;

/// A connection's way.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream>),
}

impl Stream {
    pub(crate) const fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(tls) => &tls.socket,
        }
    }

    pub(crate) const fn socket_mut(&mut self) -> &mut TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(tls) => &mut tls.socket,
        }
    }

    pub(crate) const fn tls(&self) -> Option<&TlsStream> {
        match self {
            Self::Plain(_) => None,
            Self::Tls(tls) => Some(tls),
        }
    }

    pub(crate) fn is_handshaking(&self) -> bool {
        self.tls().is_some_and(TlsStream::is_handshaking)
    }

    /// Whether something that was handed over is not written yet.
    pub(crate) fn has_output(&self) -> bool {
        self.tls().is_some_and(TlsStream::has_output)
    }

    /// Ends it in order.
    pub(crate) fn say_goodbye(&mut self) {
        if let Self::Tls(tls) = self {
            tls.say_goodbye();
        }
    }
}
