//! The addresses of a carrier's host, IPv4 and IPv6 alike: one after the other is tried, and the one that works stays.
//!
//! The name is looked up before each try, so a carrier that moves is followed. An address that does not answer gives way
//! to the next at once; only when none of them has answered is there a pause.

use std::net::SocketAddr;

/// Where a bind stands among them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Turn {
    place: usize,
    /// Of this round, those that are still to be tried; none outside of a round.
    left: usize,
}

impl Turn {
    /// The address to try now. Binds start at different ones.
    pub(crate) fn address(&mut self, bind: usize, addresses: &[SocketAddr]) -> Option<SocketAddr> {
        let count = addresses.len();
        self.left = if self.left == 0 { count } else { self.left.min(count) };
        addresses.get(bind.wrapping_add(self.place).checked_rem(count)?).copied()
    }

    /// It did not answer. True: others of this round are left.
    pub(crate) const fn failed(&mut self) -> bool {
        self.place = self.place.wrapping_add(1);
        self.left = self.left.saturating_sub(1);
        self.left > 0
    }

    /// It answered, whatever it said.
    pub(crate) const fn answered(&mut self) {
        self.left = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(count: u16) -> Vec<SocketAddr> {
        (0..count).map(|port| SocketAddr::from(([192, 0, 2, 1], port))).collect()
    }

    fn next(turn: &mut Turn, bind: usize, count: u16) -> Option<u16> {
        turn.address(bind, &addresses(count)).map(|address| address.port())
    }

    #[test]
    fn all_are_tried_before_there_is_a_pause_and_the_one_that_works_stays() {
        let mut turn = Turn::default();
        assert_eq!((next(&mut turn, 1, 3), turn.failed()), (Some(1), true));
        assert_eq!((next(&mut turn, 1, 3), turn.failed()), (Some(2), true));
        assert_eq!((next(&mut turn, 1, 3), turn.failed()), (Some(0), false));
        assert_eq!((next(&mut turn, 1, 3), turn.failed()), (Some(1), true));
        assert_eq!(next(&mut turn, 1, 3), Some(2));
        turn.answered();
        // Lost later, and tried again where it worked; then another round begins.
        assert_eq!((next(&mut turn, 1, 3), turn.failed()), (Some(2), true));
    }

    #[test]
    fn a_host_may_lose_its_addresses_between_two_tries() {
        let mut turn = Turn::default();
        assert_eq!((next(&mut turn, 0, 3), turn.failed()), (Some(0), true));
        assert_eq!((next(&mut turn, 0, 1), turn.failed()), (Some(0), false));
        assert_eq!(next(&mut turn, 0, 0), None);
        assert!(!turn.failed());
        assert!(next(&mut turn, usize::MAX, 2).is_some());
    }
}
