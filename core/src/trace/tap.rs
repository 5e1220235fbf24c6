//! The tap of one connection: puts what is read and written together to whole PDUs, and copies them to the traces.
//!
//! It frames by itself, so that what finds no room is lost by whole PDUs, and a trace may begin in the middle of one.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use brivas_smpp::frame::{self, Check, HEADER_BYTES, PDU_BYTES_MAX};

use super::feed::{Chunk, Feed, Identity};

/// A connection's tap.
#[derive(Debug)]
pub(crate) struct Tap {
    identity: Arc<Identity>,
    feeds: Vec<Tapped>,
    incoming: Framing,
    outgoing: Framing,
}

/// A trace that this connection feeds.
#[derive(Debug)]
struct Tapped {
    feed: Arc<Feed>,
    /// Octets that it has lost since the last chunk that it got: incoming, outgoing.
    lost: [u64; 2],
}

impl Tap {
    /// Of a connection that has read `leftover` without taking it, and has `output` left to write.
    pub(crate) fn new(
        identity: Identity,
        feeds: impl Iterator<Item = Arc<Feed>>,
        leftover: &[u8],
        output: &[u8],
    ) -> Self {
        let mut tap = Self {
            identity: Arc::new(identity),
            feeds: feeds.map(|feed| Tapped { feed, lost: [0; 2] }).collect(),
            incoming: Framing { pending: leftover.to_vec(), ..Framing::default() },
            outgoing: Framing { skip: unaligned(output), ..Framing::default() },
        };
        // What was read but waits for the session has arrived by now.
        tap.saw(false, &[]);
        tap
    }

    /// Who it is has become known, and with it who wants it; false: nobody does.
    pub(crate) fn identify(&mut self, identity: Identity) -> bool {
        self.identity = Arc::new(identity);
        let identity = &self.identity;
        self.feeds.retain(|tapped| tapped.feed.filter.wants(identity) != Some(false));
        !self.feeds.is_empty()
    }

    /// A trace begins.
    pub(crate) fn add(&mut self, feed: Arc<Feed>) {
        self.feeds.push(Tapped { feed, lost: [0; 2] });
    }

    /// A trace has ended; false: nobody is left.
    pub(crate) fn remove(&mut self, id: u64) -> bool {
        self.feeds.retain(|tapped| tapped.feed.id != id);
        !self.feeds.is_empty()
    }

    /// Octets that were read, or written.
    pub(crate) fn saw(&mut self, outgoing: bool, octets: &[u8]) {
        let framing = if outgoing { &mut self.outgoing } else { &mut self.incoming };
        framing.take(octets);
        let count = framing.whole();
        if count == 0 {
            return;
        }
        let whole = framing.pending[..count].to_vec();
        framing.pending.drain(..count);
        self.send(outgoing, &whole);
    }

    /// The connection has ended.
    pub(crate) fn end(mut self) {
        self.send(false, &[]);
    }

    fn send(&mut self, outgoing: bool, octets: &[u8]) {
        let at_us = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as i64);
        for tapped in &mut self.feeds {
            let lost = &mut tapped.lost[usize::from(outgoing)];
            let chunk = Chunk {
                identity: Arc::clone(&self.identity),
                at_us,
                outgoing,
                octets: octets.to_vec(),
                lost_before: *lost,
            };
            if tapped.feed.send(chunk) {
                *lost = 0;
            } else {
                *lost += octets.len() as u64;
            }
        }
    }
}

/// One direction of a connection.
#[derive(Debug, Default)]
struct Framing {
    /// Never more than a PDU between two calls.
    pending: Vec<u8>,
    /// Octets of a PDU that had begun before the tap.
    skip: usize,
    /// A length that none has was seen: nothing behind it can be told apart, and its session ends.
    is_broken: bool,
}

impl Framing {
    fn take(&mut self, octets: &[u8]) {
        let skipped = self.skip.min(octets.len());
        self.skip -= skipped;
        if !self.is_broken {
            self.pending.extend_from_slice(&octets[skipped..]);
        }
    }

    /// How many octets of `pending` are whole PDUs. Of one with an impossible length the header counts as such.
    fn whole(&mut self) -> usize {
        let mut count = 0;
        loop {
            match frame::check(&self.pending[count..], PDU_BYTES_MAX) {
                Check::Complete(frame) => count += frame.header.command_length as usize,
                Check::Incomplete => return count,
                Check::BadLength(..) => {
                    self.pending.truncate(count + HEADER_BYTES);
                    self.is_broken = true;
                    return self.pending.len();
                }
            }
        }
    }
}

/// Octets before the first PDU that begins in `output`, whose end is a PDU's end.
fn unaligned(output: &[u8]) -> usize {
    let is_aligned = |start: &usize| {
        let mut rest = &output[*start..];
        while let Check::Complete(frame) = frame::check(rest, PDU_BYTES_MAX) {
            if frame.header.command_id.name().is_none() {
                return false;
            }
            rest = &rest[frame.header.command_length as usize..];
        }
        rest.is_empty()
    };
    // The last: none begins there, what is written next does.
    (0..output.len()).find(is_aligned).unwrap_or(output.len())
}

#[cfg(test)]
mod tests {
    use super::super::feed::{OCTETS_MAX, Side};
    use super::*;
    use brivas_smpp::CommandId;
    use std::net::SocketAddr;
    use std::sync::mpsc::Receiver;

    fn identity() -> Identity {
        Identity {
            connection: 1,
            side: Side::Customer,
            name: String::new(),
            system_id: String::new(),
            peer: SocketAddr::from(([127, 0, 0, 1], 40_000)),
            local: None,
        }
    }

    fn pdus(count: u32) -> Vec<u8> {
        let mut out = Vec::new();
        for number in 1..=count {
            frame::append(&mut out, CommandId::DATA_SM, 0, number, |body| {
                body.extend(std::iter::repeat_n(7, number as usize));
            });
        }
        out
    }

    fn tap(leftover: &[u8], output: &[u8]) -> (Tap, Receiver<Chunk>) {
        let (feed, receiver, _) = Feed::new(1, Arc::default());
        (Tap::new(identity(), std::iter::once(Arc::new(feed)), leftover, output), receiver)
    }

    fn received(receiver: &Receiver<Chunk>) -> Vec<u8> {
        receiver.try_iter().flat_map(|chunk| chunk.octets).collect()
    }

    #[test]
    fn chunks_are_whole_pdus_however_they_were_read() {
        let all = pdus(20);
        for step in [1, 3, 16, 50, all.len()] {
            let (mut tap, receiver) = tap(&all[..5], &[]);
            for octets in all[5..].chunks(step) {
                tap.saw(false, octets);
            }
            let chunks: Vec<_> = receiver.try_iter().map(|chunk| chunk.octets).collect();
            assert!(chunks.iter().all(|chunk| unaligned(chunk) == 0));
            assert_eq!(chunks.concat(), all);
        }
    }

    #[test]
    fn a_tap_that_begins_in_the_middle_of_a_write_begins_with_the_next_pdu() {
        let all = pdus(5);
        let first = 17;
        for written in 1..first {
            let (mut tap, receiver) = tap(&[], &all[written..]);
            tap.saw(true, &all[written..40]);
            tap.saw(true, &all[40..]);
            assert_eq!(received(&receiver), all[first..], "after {written}");
        }
        let (mut tap, receiver) = tap(&[], b"the end of one");
        tap.saw(true, b"the end of one");
        tap.saw(true, &all);
        assert_eq!(received(&receiver), all);
    }

    #[test]
    fn behind_a_bad_length_nothing_is_kept() {
        let (mut tap, receiver) = tap(&[], &[]);
        tap.saw(false, &[0, 0, 0, 15, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 1, b'p', b'a', b's', b's']);
        tap.saw(false, &pdus(3));
        assert_eq!(received(&receiver), [0, 0, 0, 15, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 1]);
    }

    #[test]
    fn what_found_no_room_is_counted_with_the_next_chunk() {
        let (feed, receiver, waiting) = Feed::new(1, Arc::default());
        let mut tap = Tap::new(identity(), std::iter::once(Arc::new(feed)), &[], &[]);
        let one = pdus(1);
        tap.saw(false, &one.repeat(OCTETS_MAX / one.len()));
        tap.saw(false, &one);
        tap.saw(false, &one);
        tap.saw(true, &one);
        let all: Vec<_> = receiver.try_iter().collect();
        assert_eq!((all.len(), waiting.lost()), (1, 3 * one.len() as u64));
        waiting.taken(&all[0]);
        for expected in [2 * one.len() as u64, 0] {
            tap.saw(false, &one);
            assert_eq!(receiver.recv().unwrap().lost_before, expected);
        }
        tap.saw(true, &one);
        assert_eq!(receiver.recv().unwrap().lost_before, one.len() as u64);
    }

    #[test]
    fn a_tap_serves_several_traces_and_ends_with_the_last() {
        let (mut tap, first) = tap(&[], &[]);
        let (feed, second, _) = Feed::new(2, Arc::default());
        tap.add(Arc::new(feed));
        tap.saw(true, &pdus(2));
        assert!(tap.remove(1));
        tap.saw(false, &pdus(1));
        assert_eq!(received(&first), pdus(2));
        assert_eq!(received(&second), [pdus(2), pdus(1)].concat());
        assert!(!tap.remove(2));
    }
}
