//! Requests that wait for their response, indexed by sequence number.
//!
//! A ring of slots: registering and resolving are one array access each, whatever the window. Sequence
//! numbers grow by one; only where a slot is still held by a request that the peer has left
//! unanswered for a whole round is its number skipped, so that one lost response stalls nobody.

/// A request that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pending {
    pub(super) sequence_number: u32,
    /// The response's command_id that resolves it.
    pub(super) response_id: u32,
    /// The owner's name for the request.
    pub(super) token: u64,
    pub(super) sent_ms: u64,
}

const FREE: Pending = Pending { sequence_number: 0, response_id: 0, token: 0, sent_ms: 0 };

/// Slots of a new window; a power of two, as every later size.
const SLOTS_MIN: usize = 16;

/// Sequence numbers are 1 to 0x7FFFFFFF (SMPP 3.4 §5.1.4).
const SEQUENCE_NUMBER_MAX: u32 = 0x7FFF_FFFF;

#[derive(Debug)]
pub(super) struct Window {
    slots: Box<[Pending]>,
    in_flight: usize,
    /// The last number given.
    last: u32,
    /// No request older than this number waits.
    oldest: u32,
}

impl Window {
    /// Starts small and grows with use: thousands of idle sessions with wide windows cost little.
    pub(super) fn new() -> Self {
        Self { slots: vec![FREE; SLOTS_MIN].into_boxed_slice(), in_flight: 0, last: 0, oldest: 1 }
    }

    #[cfg(test)]
    pub(super) const fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub(super) const fn last_sequence_number(&self) -> u32 {
        self.last
    }

    fn index(&self, sequence_number: u32) -> usize {
        sequence_number as usize & (self.slots.len() - 1)
    }

    /// Gives the number of a request that is not answered.
    pub(super) fn spend(&mut self) -> u32 {
        let mut candidate = next(self.last);
        while self.slots[self.index(candidate)] != FREE {
            candidate = next(candidate);
        }
        self.last = candidate;
        candidate
    }

    /// Registers a request and gives its sequence number. The caller bounds how many wait.
    pub(super) fn register(&mut self, response_id: u32, token: u64, now_ms: u64) -> u32 {
        if self.in_flight * 2 >= self.slots.len() {
            self.grow();
        }
        if self.in_flight == 0 {
            self.oldest = next(self.last);
        }
        let candidate = self.spend();
        let index = self.index(candidate);
        self.slots[index] = Pending { sequence_number: candidate, response_id, token, sent_ms: now_ms };
        self.in_flight += 1;
        candidate
    }

    /// Doubles the ring. Numbers that differ modulo n differ modulo 2n: nothing collides.
    fn grow(&mut self) {
        let grown = vec![FREE; self.slots.len() * 2].into_boxed_slice();
        let slots = std::mem::replace(&mut self.slots, grown);
        for pending in slots.into_iter().filter(|pending| *pending != FREE) {
            let index = self.index(pending.sequence_number);
            self.slots[index] = pending;
        }
    }

    /// The token of a request that waits.
    pub(super) fn token(&self, sequence_number: u32) -> Option<u64> {
        let pending = self.slots[self.index(sequence_number)];
        (sequence_number != 0 && pending.sequence_number == sequence_number).then_some(pending.token)
    }

    /// Takes out the request that a response resolves. A `generic_nack` resolves whatever has its number.
    pub(super) fn resolve(&mut self, sequence_number: u32, response_id: Option<u32>) -> Option<Pending> {
        let index = self.index(sequence_number);
        let pending = self.slots[index];
        let same = sequence_number != 0
            && pending.sequence_number == sequence_number
            && response_id.is_none_or(|id| id == pending.response_id);
        same.then(|| self.free(index))
    }

    /// Takes out the oldest request, if it was sent at or before `sent_ms`.
    pub(super) fn expire(&mut self, sent_ms: u64) -> Option<Pending> {
        let index = self.oldest_index()?;
        (self.slots[index].sent_ms <= sent_ms).then(|| self.free(index))
    }

    /// When the oldest request was sent.
    pub(super) fn oldest_sent_ms(&mut self) -> Option<u64> {
        self.oldest_index().map(|index| self.slots[index].sent_ms)
    }

    fn oldest_index(&mut self) -> Option<usize> {
        if self.in_flight == 0 {
            return None;
        }
        loop {
            let index = self.index(self.oldest);
            if self.slots[index].sequence_number == self.oldest {
                return Some(index);
            }
            self.oldest = next(self.oldest);
        }
    }

    fn free(&mut self, index: usize) -> Pending {
        self.in_flight -= 1;
        std::mem::replace(&mut self.slots[index], FREE)
    }
}

const fn next(sequence_number: u32) -> u32 {
    if sequence_number >= SEQUENCE_NUMBER_MAX { 1 } else { sequence_number + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn numbers_wrap_to_one() {
        let mut window = Window::new();
        window.last = SEQUENCE_NUMBER_MAX - 1;
        assert_eq!(window.register(1, 0, 0), SEQUENCE_NUMBER_MAX);
        assert_eq!(window.register(1, 0, 0), 1);
        assert_eq!(window.expire(0).map(|pending| pending.sequence_number), Some(SEQUENCE_NUMBER_MAX));
        assert_eq!(window.expire(0).map(|pending| pending.sequence_number), Some(1));
        assert_eq!(window.expire(0), None);
    }

    #[test]
    fn a_request_that_is_never_answered_does_not_stall_the_others() {
        let mut window = Window::new();
        let stuck = window.register(1, 99, 0);
        for round in 0..100 {
            let number = window.register(1, round, 1);
            assert_ne!(window.index(number), window.index(stuck));
            assert_eq!(window.resolve(number, Some(1)).unwrap().token, round);
        }
        assert_eq!(window.expire(0).unwrap().token, 99);
    }

    #[test]
    fn a_response_of_another_kind_resolves_nothing() {
        let mut window = Window::new();
        let number = window.register(4, 1, 0);
        assert_eq!(window.resolve(number, Some(5)), None);
        assert_eq!(window.resolve(0, None), None);
        assert_eq!(window.resolve(number, None).unwrap().token, 1);
        assert_eq!(window.resolve(number, Some(4)), None);
    }

    proptest! {
        #[test]
        fn a_window_is_a_map(operations in prop::collection::vec((0u8..3, 0usize..16), 0..200)) {
            let mut window = Window::new();
            let mut model = BTreeMap::new();
            for (time, (operation, pick)) in operations.into_iter().enumerate() {
                match operation {
                    0 => {
                        let number = window.register(4, time as u64, time as u64);
                        prop_assert!(model.insert(number, time as u64).is_none());
                    }
                    1 => {
                        let number = model.keys().nth(pick % model.len().max(1)).copied().unwrap_or(77);
                        let token = window.resolve(number, Some(4)).map(|pending| pending.token);
                        prop_assert_eq!(token, model.remove(&number));
                    }
                    _ => {
                        let token = window.expire(u64::MAX).map(|pending| pending.token);
                        prop_assert_eq!(token, model.pop_first().map(|(_, token)| token));
                    }
                }
                prop_assert_eq!(window.in_flight(), model.len());
            }
        }
    }
}
