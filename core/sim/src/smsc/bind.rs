//! One connection of a simulated carrier.

use brivas_smpp::BindMode;
use mio::net::TcpStream;

use super::receipt::Receipt;
use crate::link::Link;
use crate::outstanding::Outstanding;

/// A connection, from accept to close.
#[derive(Debug)]
pub(super) struct Bind {
    pub(super) link: Link,
    /// Tells this connection from another one that had its place before.
    pub(super) generation: u32,
    /// Set once bound.
    pub(super) mode: Option<BindMode>,
    /// The customer, as an index.
    pub(super) group: usize,
    /// Whether the peer knows TLVs.
    pub(super) tlvs: bool,
    /// What the peer has not answered.
    pub(super) outstanding: Outstanding<Sent>,
    /// It was asked to part.
    pub(super) parting: bool,
    /// Ends once what is to be written is written.
    pub(super) closing: bool,
}

/// A deliver_sm that was sent.
#[derive(Debug)]
pub(super) enum Sent {
    Receipt(Receipt),
    MobileOriginated,
}

impl Bind {
    pub(super) fn new(stream: TcpStream, generation: u32) -> Self {
        Self {
            link: Link::new(stream),
            generation,
            mode: None,
            group: 0,
            tlvs: false,
            outstanding: Outstanding::new(),
            parting: false,
            closing: false,
        }
    }

    /// How many deliver_sm more it may be sent now.
    pub(super) fn room(&self, deliver_window: usize) -> usize {
        if !self.mode.is_some_and(BindMode::receives)
            || self.closing
            || self.parting
            || self.link.pending() > OUT_MAX_BYTES
        {
            return 0;
        }
        deliver_window.saturating_sub(self.outstanding.len())
    }

    /// Whether to take more from it: a peer that reads no responses sends no messages.
    pub(super) const fn reads(&self) -> bool {
        self.link.readable && !self.closing && self.link.pending() <= OUT_MAX_BYTES
    }
}

/// Beyond it a peer that does not read is not read either.
const OUT_MAX_BYTES: usize = 4 * 1024 * 1024;
