//! Requests that wait for their response: a ring indexed by sequence number.
//!
//! Registering and resolving are one array access each. The ring grows with what waits; a slot that is
//! held by a request left unanswered for a whole round has its number skipped.

/// Requests of one connection, each with what its sender wants back.
#[derive(Debug)]
pub(crate) struct Outstanding<T> {
    slots: Vec<Option<(u32, T)>>,
    last: u32,
    count: usize,
}

impl<T> Outstanding<T> {
    pub(crate) fn new() -> Self {
        Self { slots: none(SLOTS_MIN), last: 0, count: 0 }
    }

    pub(crate) const fn len(&self) -> usize {
        self.count
    }

    /// Gives the next sequence number to a request that is not kept.
    pub(crate) const fn skip(&mut self) -> u32 {
        self.last = following(self.last);
        self.last
    }

    /// Keeps `value` under the next sequence number. The caller bounds how many wait.
    #[inline]
    pub(crate) fn insert(&mut self, value: T) -> u32 {
        if self.count * 2 >= self.slots.len() {
            self.grow();
        }
        let mut sequence_number = following(self.last);
        while self.slots[self.index(sequence_number)].is_some() {
            sequence_number = following(sequence_number);
        }
        let index = self.index(sequence_number);
        self.slots[index] = Some((sequence_number, value));
        self.last = sequence_number;
        self.count += 1;
        sequence_number
    }

    /// Gives back what waited under a sequence number.
    #[inline]
    pub(crate) fn take(&mut self, sequence_number: u32) -> Option<T> {
        let index = self.index(sequence_number);
        let slot = self.slots.get_mut(index)?;
        if slot.as_ref().is_none_or(|held| held.0 != sequence_number) {
            return None;
        }
        self.count -= 1;
        slot.take().map(|held| held.1)
    }

    /// Gives back all for which `over` holds.
    pub(crate) fn take_where(&mut self, mut over: impl FnMut(&T) -> bool) -> Vec<T> {
        let mut taken = Vec::new();
        for slot in &mut self.slots {
            if let Some((_, value)) = slot.take_if(|held| over(&held.1)) {
                taken.push(value);
            }
        }
        self.count -= taken.len();
        taken
    }

    fn index(&self, sequence_number: u32) -> usize {
        sequence_number as usize & (self.slots.len() - 1)
    }

    /// Doubles the ring. Numbers that differ modulo n differ modulo 2n: nothing collides.
    fn grow(&mut self) {
        let grown = none(self.slots.len() * 2);
        for held in std::mem::replace(&mut self.slots, grown).into_iter().flatten() {
            let index = self.index(held.0);
            self.slots[index] = Some(held);
        }
    }
}

/// Sequence numbers are 1 to 0x7FFFFFFF (SMPP 3.4 §5.1.4).
pub(crate) const fn following(sequence_number: u32) -> u32 {
    if sequence_number >= 0x7FFF_FFFF { 1 } else { sequence_number + 1 }
}

fn none<T>(count: usize) -> Vec<Option<(u32, T)>> {
    std::iter::repeat_with(|| None).take(count).collect()
}

/// A power of two, as every later size.
const SLOTS_MIN: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_request_that_is_never_answered_stalls_nobody() {
        let mut outstanding = Outstanding::new();
        let stuck = outstanding.insert(99);
        for round in 0..100 {
            let number = outstanding.insert(round);
            assert_eq!(outstanding.take(number), Some(round));
            assert_eq!(outstanding.take(number), None);
        }
        assert_eq!(outstanding.take(stuck), Some(99));
        assert_eq!(outstanding.take(0), None);
    }

    #[test]
    fn sequence_numbers_wrap_to_one() {
        assert_eq!(following(0x7FFF_FFFF), 1);
    }

    proptest! {
        #[test]
        fn outstanding_requests_are_a_map(operations in prop::collection::vec((any::<bool>(), 0usize..32), 0..300)) {
            let mut outstanding = Outstanding::new();
            let mut model = BTreeMap::new();
            for (value, (insert, pick)) in operations.into_iter().enumerate() {
                if insert {
                    prop_assert!(model.insert(outstanding.insert(value), value).is_none());
                } else {
                    let number = model.keys().nth(pick % model.len().max(1)).copied().unwrap_or(77);
                    prop_assert_eq!(outstanding.take(number), model.remove(&number));
                }
                prop_assert_eq!(outstanding.len(), model.len());
            }
            let mut left = outstanding.take_where(|_| true);
            left.sort_unstable();
            prop_assert_eq!(left, model.into_values().collect::<Vec<_>>());
            prop_assert_eq!(outstanding.len(), 0);
        }
    }
}
