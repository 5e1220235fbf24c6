//! One connection of the mover, towards a customer or towards the carrier.

use brivas_smpp::{CommandId, CommandStatus};
use mio::net::TcpStream;

use crate::link::Link;
use crate::outstanding::following;
use crate::wire;

/// A connection, and the last sequence number that was given on it.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) link: Link,
    pub(super) bound: bool,
    pub(super) closing: bool,
    /// Has something to write since the last round.
    pub(super) dirty: bool,
    sequence_number: u32,
}

impl Peer {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { link: Link::new(stream), bound: false, closing: false, dirty: false, sequence_number: 0 }
    }

    pub(super) const fn next_sequence_number(&mut self) -> u32 {
        self.sequence_number = following(self.sequence_number);
        self.sequence_number
    }

    /// Sends a PDU on, under this connection's own sequence number.
    #[inline]
    pub(super) fn forward(&mut self, pdu: &[u8]) {
        let sequence_number = self.next_sequence_number();
        let at = self.link.out.len() + 12;
        self.link.out.extend_from_slice(pdu);
        self.link.out[at..at + 4].copy_from_slice(&sequence_number.to_be_bytes());
    }

    /// Whether it takes more.
    pub(super) const fn has_room(&self) -> bool {
        self.link.pending() < OUT_MAX_BYTES
    }

    pub(super) fn answer(&mut self, response: CommandId, sequence_number: u32) {
        wire::bare(&mut self.link.out, response, CommandStatus::ROK, sequence_number);
    }
}

/// Whoever would add to more than this is not read.
const OUT_MAX_BYTES: usize = 4 * 1024 * 1024;
