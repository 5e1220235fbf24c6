//! Any octets as the beginning of a connection behind a proxy: read in pieces of any size, a PROXY header ends where it ends,
//! and not one octet more is taken.
//!
//! Octets: how many are read at once, whether a genuine beginning stands before them, the octets.

// The engine's own reader: it has no other dependency than the standard library.
#[path = "../../src/transport/proxy.rs"]
#[allow(dead_code, reason = "the engine calls more of it")]
mod header;

use std::io::{ErrorKind, Read};

use header::{Prologue, Step};

/// What HAProxy's specification (2.2) says that a header has at most, and we take.
const OCTETS_MAX: usize = 4_096;

pub fn check(octets: &[u8]) {
    let Some((&[piece, genuine], rest)) = octets.split_first_chunk::<2>() else { return };
    let mut octets = Vec::new();
    if genuine & 1 == 1 {
        octets.extend_from_slice(b"\r\n\r\n\0\r\nQUIT\n");
        octets.push(if genuine & 2 == 2 { 0x21 } else { 0x20 });
        octets.push([0x11, 0x21, 0x00, 0x31][usize::from(genuine >> 6)]);
    }
    octets.extend_from_slice(rest);
    let at_once = read(&octets, usize::MAX);
    let in_pieces = read(&octets, usize::from(piece % 40) + 1);
    assert_eq!(at_once, in_pieces);
    let (end, taken) = at_once;
    assert!(taken <= OCTETS_MAX.min(octets.len()));
    // A header that has ended is as long as it says.
    if let End::Done(_) = end {
        let length = usize::from(u16::from_be_bytes([octets[14], octets[15]]));
        assert_eq!(taken, 16 + length);
    }
}

#[derive(Debug, PartialEq, Eq)]
enum End {
    Waits,
    Done(Option<std::net::SocketAddr>),
    Wrong,
}

/// How it ended, and how many octets were taken.
fn read(octets: &[u8], piece: usize) -> (End, usize) {
    let mut socket = Pieces { left: octets, piece };
    let mut prologue = Prologue::default();
    let end = match prologue.read(&mut socket) {
        Ok(Step::Waits) => End::Waits,
        Ok(Step::Done(source)) => End::Done(source),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidData);
            assert!(!error.to_string().is_empty());
            End::Wrong
        }
    };
    let is_wrong = end == End::Wrong;
    // Where it is wrong is seen as soon as it can be, which depends on the pieces.
    (end, if is_wrong { 0 } else { octets.len() - socket.left.len() })
}

/// Gives so many octets at once, and then nothing for now.
struct Pieces<'a> {
    left: &'a [u8],
    piece: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.left.is_empty() {
            return Err(ErrorKind::WouldBlock.into());
        }
        let count = self.left.len().min(self.piece).min(into.len());
        let (now, later) = self.left.split_at(count);
        into[..count].copy_from_slice(now);
        self.left = later;
        Ok(count)
    }
}
