//! A TCP connection with its buffers: reads whole batches, keeps half a PDU, writes once a batch.

use std::io::{self, Read, Write};

use brivas_smpp::frame::{self, Check, Frame};
use mio::net::TcpStream;

/// One read takes this much; every loop has one such buffer for all its connections.
pub(crate) const READ_BYTES: usize = 256 * 1024;

/// One connection. Its events come as edges: `readable` is remembered until a read has emptied the socket.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) stream: TcpStream,
    /// The beginning of a PDU whose end has not come yet.
    rest: Vec<u8>,
    /// What is to be written; append to it, then [`Link::flush`].
    pub(crate) out: Vec<u8>,
    written: usize,
    pub(crate) readable: bool,
    writable: bool,
}

impl Link {
    pub(crate) fn new(stream: TcpStream) -> Self {
        // Without it the receipts of a small window would wait for delayed acknowledgements; a socket
        // that refuses is slower, not wrong.
        let _ = stream.set_nodelay(true);
        Self {
            stream,
            rest: Vec::new(),
            out: Vec::with_capacity(OUT_KEPT_BYTES),
            written: 0,
            readable: false,
            writable: false,
        }
    }

    /// Takes note of an event.
    pub(crate) fn note(&mut self, event: &mio::event::Event) {
        self.readable |= event.is_readable() || event.is_read_closed() || event.is_error();
        self.writable |= event.is_writable();
    }

    /// Reads once into `buffer`, behind the rest of the last time. Gives how much of the buffer is filled;
    /// the owner hands back what it did not use with [`Link::keep`].
    ///
    /// # Errors
    /// The connection's end is `UnexpectedEof`.
    pub(crate) fn fill(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let kept = self.rest.len();
        buffer[..kept].copy_from_slice(&self.rest);
        self.rest.clear();
        match self.stream.read(&mut buffer[kept..]) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                // A short read has emptied the socket: the next octet is a new edge (epoll(7)).
                self.readable = kept + count == buffer.len();
                Ok(kept + count)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.readable = false;
                Ok(kept)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(kept),
            Err(error) => Err(error),
        }
    }

    /// Keeps what was read and not used.
    pub(crate) fn keep(&mut self, rest: &[u8]) {
        self.rest.extend_from_slice(rest);
    }

    /// Octets that wait to be written.
    pub(crate) const fn pending(&self) -> usize {
        self.out.len() - self.written
    }

    /// Writes what the socket takes.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        while self.writable && self.written < self.out.len() {
            match self.stream.write(&self.out[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.writable = false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if self.written == self.out.len() {
            self.out.clear();
            self.written = 0;
            self.out.shrink_to(OUT_KEPT_BYTES * 16);
        } else if self.written > OUT_KEPT_BYTES {
            self.out.drain(..self.written);
            self.written = 0;
        }
        Ok(())
    }
}

/// Takes the next PDU off `input[*at..]`, moving `at`. None: the rest is incomplete.
///
/// # Errors
/// A command_length that no PDU has: the stream cannot be read further (SMPP 3.4 §5.1.3).
#[inline]
pub(crate) fn next<'a>(input: &'a [u8], at: &mut usize) -> Result<Option<Frame<'a>>, u32> {
    match frame::check(&input[*at..], frame::PDU_BYTES_MAX) {
        Check::Complete(frame) => {
            *at += frame.header.command_length as usize;
            Ok(Some(frame))
        }
        Check::Incomplete => Ok(None),
        Check::BadLength(length, _) => Err(length),
    }
}

const OUT_KEPT_BYTES: usize = 64 * 1024;
// A kept rest is less than a PDU, so a read always has room.
const _: () = assert!(READ_BYTES > 2 * frame::PDU_BYTES_MAX);
