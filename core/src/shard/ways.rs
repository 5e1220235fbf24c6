//! The ways that parts of long messages took, so that the later ones follow the first: one route, one carrier, one
//! decision of the policy.
//!
//! Remembered for as long as parts of one message may be apart, and at most so many: beyond that the oldest is forgotten,
//! and its later parts are looked at for themselves.

use std::collections::{HashMap, VecDeque};

use brivas_smpp::CommandStatus;

use super::routing::Hold;

/// Messages of several parts that are remembered at most.
const WAYS_MAX: usize = 65_536;
/// How long.
const WAY_MS: u64 = 10 * 60 * 1_000;

/// What was decided about the first part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KnownWay {
    /// Of the table in force then.
    pub(super) table: u32,
    pub(super) route: u32,
    pub(super) carrier: u32,
    pub(super) verdict: Result<Hold, CommandStatus>,
}

/// The ways of parts, by what all parts of a message share.
#[derive(Debug, Default)]
pub(super) struct Ways {
    known: HashMap<u64, (KnownWay, u64)>,
    order: VecDeque<(u64, u64)>,
}

impl Ways {
    /// The way of this message's parts before, if there were any. A way of another table is none.
    pub(super) fn find(&self, message: u64, table: u32, now_ms: u64) -> Option<KnownWay> {
        let &(way, at_ms) = self.known.get(&message)?;
        (way.table == table && at_ms + WAY_MS > now_ms).then_some(way)
    }

    /// Remembers a way, in the place of an older one.
    pub(super) fn remember(&mut self, message: u64, way: KnownWay, now_ms: u64) {
        while self
            .order
            .front()
            .is_some_and(|&(_, at_ms)| at_ms + WAY_MS <= now_ms || self.order.len() >= WAYS_MAX)
        {
            if let Some((oldest, at_ms)) = self.order.pop_front()
                && self.known.get(&oldest).is_some_and(|&(_, known_at_ms)| known_at_ms == at_ms)
            {
                self.known.remove(&oldest);
            }
        }
        if self.known.insert(message, (way, now_ms)).is_none_or(|(_, at_ms)| at_ms != now_ms) {
            self.order.push_back((message, now_ms));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(carrier: u32) -> KnownWay {
        KnownWay { table: 1, route: 0, carrier, verdict: Ok(Hold::Not) }
    }

    #[test]
    fn a_way_is_forgotten_with_its_table_and_with_time() {
        let mut ways = Ways::default();
        ways.remember(7, way(3), 1_000);
        assert_eq!(ways.find(7, 1, 1_000), Some(way(3)));
        assert_eq!(ways.find(7, 2, 1_000), None);
        assert_eq!(ways.find(7, 1, 1_000 + WAY_MS), None);
        ways.remember(7, way(4), 2_000 + WAY_MS);
        ways.remember(8, way(4), 2_000 + WAY_MS);
        assert_eq!(ways.find(7, 1, 2_000 + WAY_MS), Some(way(4)));
        assert_eq!((ways.known.len(), ways.order.len()), (2, 2));
    }

    #[test]
    fn the_oldest_goes_where_there_are_too_many() {
        let mut ways = Ways::default();
        for message in 0..=WAYS_MAX as u64 {
            ways.remember(message, way(0), message / 1_000);
        }
        assert_eq!((ways.known.len(), ways.order.len()), (WAYS_MAX, WAYS_MAX));
        assert_eq!(ways.find(0, 1, 0), None);
        assert!(ways.find(WAYS_MAX as u64, 1, 100).is_some());
    }
}
