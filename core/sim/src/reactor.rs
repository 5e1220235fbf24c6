//! One epoll, the clock of its loop, and the tokens that are not connections.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::{Duration, Instant};

use mio::event::Source;
use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token, Waker};

pub(crate) const LISTENER: Token = Token(usize::MAX - 1);
pub(crate) const TICKER: Token = Token(usize::MAX - 2);
const WAKER: Token = Token(usize::MAX - 3);

/// The loop's poll and time.
#[derive(Debug)]
pub(crate) struct Reactor {
    poll: Poll,
    start: Instant,
}

impl Reactor {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { poll: Poll::new()?, start: Instant::now() })
    }

    pub(crate) fn waker(&self) -> io::Result<Waker> {
        Waker::new(self.poll.registry(), WAKER)
    }

    /// Nanoseconds since the start.
    pub(crate) fn now_ns(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }

    /// A connection: every edge of reading and writing.
    pub(crate) fn register(&self, source: &mut impl Source, token: usize) -> io::Result<()> {
        self.poll.registry().register(source, Token(token), Interest::READABLE | Interest::WRITABLE)
    }

    /// Something that is only read.
    pub(crate) fn register_readable(&self, source: &mut impl Source, token: Token) -> io::Result<()> {
        self.poll.registry().register(source, token, Interest::READABLE)
    }

    /// Waits until something is ready, `due_ns` has come, or a while has gone.
    pub(crate) fn wait(&mut self, events: &mut Events, due_ns: Option<u64>) -> io::Result<()> {
        let wait = match due_ns {
            Some(due) => IDLE.min(Duration::from_nanos(due.saturating_sub(self.now_ns()))),
            None => IDLE,
        };
        match self.poll.poll(events, Some(wait)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            other => other,
        }
    }

    /// Opens a listener; the error names the address.
    pub(crate) fn listen(&self, address: &str) -> io::Result<(TcpListener, SocketAddr)> {
        let mut listener =
            TcpListener::bind(resolve(address)?).map_err(|error| named(&error, "listen on", address))?;
        self.register_readable(&mut listener, LISTENER)?;
        let local = listener.local_addr()?;
        Ok((listener, local))
    }
}

/// The first address of `host:port`.
pub(crate) fn resolve(address: &str) -> io::Result<SocketAddr> {
    let found = address.to_socket_addrs().map_err(|error| named(&error, "resolve", address))?.next();
    found.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, format!("{address}: has no address")))
}

fn named(error: &io::Error, what: &str, address: &str) -> io::Error {
    io::Error::new(error.kind(), format!("cannot {what} {address:?}: {error}"))
}

/// Loops look at their timers and at the stop flag at least this often.
const IDLE: Duration = Duration::from_millis(500);
/// Events taken at a time.
pub(crate) const EVENTS_MAX: usize = 256;
