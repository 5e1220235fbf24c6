//! Ported numbers: which network a single number has gone to. Ten million take less than eleven octets each.
//!
//! A table is loaded whole from a file and never changes; a new file is a new table, swapped for the old one. The
//! numbers with their networks lie in [`Slots`]; a network is an index of 14 bits into the list of those in the file.

mod load;

use crate::network::Network;
use crate::slots::{Slots, integer};

pub use load::{PORTED_LINE_OCTETS_MAX, PORTED_MAX, PORTED_NETWORKS_MAX, PortedError};

/// Numbers and the networks they are in. Made by [`PortedNumbers::load`].
#[derive(Debug)]
pub struct PortedNumbers {
    slots: Slots,
    networks: Box<[Network]>,
    content_hash: [u8; 32],
}

impl PortedNumbers {
    /// The network of this number (without '+'), if it is in the table. Allocates nothing.
    #[inline]
    #[must_use]
    pub fn network(&self, number: &[u8]) -> Option<Network> {
        let index = self.slots.find(integer(number)?)?;
        self.networks.get(usize::from(index)).copied()
    }

    /// How many numbers there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is no number.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.slots.len() == 0
    }

    /// SHA-256 of the octets that were loaded: what `sha256sum` says of the file.
    #[must_use]
    pub const fn content_hash(&self) -> [u8; 32] {
        self.content_hash
    }

    /// Octets on the heap.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.slots.heap_bytes() + size_of_val(&*self.networks)
    }
}
