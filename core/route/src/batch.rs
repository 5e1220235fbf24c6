//! Many lookups at once.
//!
//! In a large table a lookup waits for memory two to four times in a row, each about a hundred times the work between.
//! Searches that advance in turns wait for all of their reads together: this is what makes a million of routes cheap
//! for an engine that reads in batches. The answers are those of [`Table::lookup`].

use crate::digits::Digits;
use crate::route::Route;
use crate::spec::Direction;
use crate::table::Table;
use crate::trie::{NONE, Trie, Walk};

/// One message to find a route for.
#[derive(Clone, Copy, Debug)]
pub struct Query<'message> {
    /// Which way it goes.
    pub direction: Direction,
    /// Whose message it is.
    pub account: u32,
    /// The number without '+'.
    pub destination: &'message [u8],
}

impl Table {
    /// Answers `queries[n]` in `found[n]`, for as many as both have. Allocates nothing.
    pub fn lookup_batch<'table>(&'table self, queries: &[Query<'_>], found: &mut [Option<&'table Route>]) {
        for (queries, found) in queries.chunks(LANES).zip(found.chunks_mut(LANES)) {
            self.lookup_lanes(queries, found);
        }
    }

    fn lookup_lanes<'table>(&'table self, queries: &[Query<'_>], found: &mut [Option<&'table Route>]) {
        let mut lanes = [const { None }; LANES];
        for (lane, query) in lanes.iter_mut().zip(queries) {
            let digits = Digits::of_destination(query.destination);
            *lane = Some(Lane::new(&self.tries(query.direction).general, digits));
        }
        let general = finish(&mut lanes);
        let mut owned = false;
        for (lane, query) in lanes.iter_mut().zip(queries) {
            let own = self.tries(query.direction).own(query.account);
            *lane = lane.take().zip(own).map(|(lane, own)| Lane::new(own, lane.digits));
            owned |= lane.is_some();
        }
        let own = if owned { finish(&mut lanes) } else { [NONE; LANES] };
        for (answer, (own, general)) in found.iter_mut().zip(own.into_iter().zip(general)) {
            *answer = match own {
                NONE => self.routes.get(general as usize),
                own => self.better(own, general),
            };
        }
    }
}

/// One search under way.
#[derive(Clone, Copy)]
struct Lane<'table> {
    trie: &'table Trie,
    digits: Digits,
    walk: Walk,
}

impl<'table> Lane<'table> {
    fn new(trie: &'table Trie, digits: Digits) -> Self {
        Self { trie, digits, walk: trie.enter(digits) }
    }
}

/// Advances every search by one node in turn until all have ended, and answers their routes.
fn finish(lanes: &mut [Option<Lane<'_>>; LANES]) -> [u32; LANES] {
    let mut under_way = true;
    while under_way {
        under_way = false;
        for lane in lanes.iter_mut().flatten() {
            under_way |= lane.trie.step(lane.digits, &mut lane.walk);
        }
    }
    lanes.map(|lane| lane.map_or(NONE, |lane| lane.walk.route))
}

/// About as many reads as a core keeps in flight.
const LANES: usize = 32;
