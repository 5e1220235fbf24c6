//! Reference numbers of the messages that are split here: those of one pair of addresses follow each other, so that a phone
//! never has two of them at once.

use brivas_route::group_hash;

/// The last reference of each pair of addresses; pairs that share a place share its numbers, which harms nobody.
#[derive(Debug)]
pub(crate) struct References {
    last: Box<[u16]>,
}

/// Places: 128 KiB.
const PLACES: usize = 1 << 16;

impl References {
    /// Starts anywhere, so that a restart does not give the numbers of before again.
    pub(crate) fn new(start: u64) -> Self {
        Self { last: vec![start as u16; PLACES].into() }
    }

    /// The next one for a message from `source` to `destination`.
    pub(crate) fn give(&mut self, source: &[u8], destination: &[u8]) -> u16 {
        let place = group_hash(0, source, destination, 0) as usize % PLACES;
        self.last[place] = self.last[place].wrapping_add(1);
        self.last[place]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_of_addresses_counts_on_and_wraps() {
        let mut references = References::new(0xFFFE);
        let mut give = || references.give(b"40404", b"491701");
        assert_eq!([give(), give(), give()], [0xFFFF, 0, 1]);
    }
}
