//! The queue of a bind to a carrier: by priority_flag, and by age within one priority. What the carrier has asked to have
//! later goes before all others, in its order.
//!
//! Higher goes first, and lower is not starved: after [`RUN_MAX`] messages in a row that passed waiting ones of lower
//! priority, the next comes from below, each lower priority in its turn. With one priority in use it is a plain queue.

use std::collections::VecDeque;

use super::messages::MessageRef;

/// priority_flag 0 to 4 (SMPP 5.0 §4.7.16); what is above counts as the highest.
const LEVELS: usize = 5;
/// Messages that may pass waiting ones of lower priority before one of those goes.
const RUN_MAX: u8 = 8;

#[derive(Debug, Default)]
pub(crate) struct BindQueue {
    /// Those that the carrier has asked to have later, at most a window of them; and the parts of the message that is going.
    again: VecDeque<MessageRef>,
    levels: [VecDeque<MessageRef>; LEVELS],
    /// One bit for each level that holds something.
    occupied: u8,
    fairness: Fairness,
    /// As it was before the last one was taken; None: that was one of those that go again.
    before: Option<Fairness>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Fairness {
    /// Messages that passed waiting ones since one from below went.
    run: u8,
    /// The level that had the last turn from below.
    turn: u8,
}

impl BindQueue {
    pub(crate) fn is_empty(&self) -> bool {
        self.occupied == 0 && self.again.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.again.len() + self.levels.iter().map(VecDeque::len).sum::<usize>()
    }

    pub(crate) fn push_back(&mut self, priority: u8, name: MessageRef) {
        let level = level(priority);
        self.levels[level].push_back(name);
        self.occupied |= 1 << level;
    }

    /// Puts a message that the carrier has asked to have later before those that were not sent yet.
    pub(crate) fn push_again(&mut self, name: MessageRef) {
        self.again.push_back(name);
    }

    /// Puts a message before all others: the parts of one that was taken go in its place, together.
    pub(crate) fn push_front(&mut self, name: MessageRef) {
        self.again.push_front(name);
    }

    /// Puts back what was taken last and could not go.
    pub(crate) fn put_back(&mut self, priority: u8, name: MessageRef) {
        let Some(before) = self.before else { return self.again.push_front(name) };
        let level = level(priority);
        self.levels[level].push_front(name);
        self.occupied |= 1 << level;
        self.fairness = before;
    }

    /// The next one.
    pub(crate) fn pop_front(&mut self) -> Option<MessageRef> {
        if let Some(name) = self.again.pop_front() {
            self.before = None;
            return Some(name);
        }
        if self.occupied == 0 {
            return None;
        }
        self.before = Some(self.fairness);
        let highest = 7 - self.occupied.leading_zeros() as usize;
        let below = self.occupied & !(1 << highest);
        let level = if below == 0 {
            self.fairness.run = 0;
            highest
        } else if self.fairness.run < RUN_MAX {
            self.fairness.run += 1;
            highest
        } else {
            self.fairness.run = 0;
            let level = next_below(below, self.fairness.turn);
            self.fairness.turn = level;
            usize::from(level)
        };
        let name = self.levels[level].pop_front();
        if self.levels[level].is_empty() {
            self.occupied &= !(1 << level);
        }
        name
    }

    /// Those that most likely come next.
    pub(crate) fn upcoming(&self, count: usize) -> impl Iterator<Item = MessageRef> {
        let highest = (7 - (self.occupied | 1).leading_zeros()) as usize;
        self.levels[highest].iter().copied().take(count)
    }

    /// Takes all, in the order of their priorities.
    pub(crate) fn take_all(&mut self) -> impl Iterator<Item = MessageRef> + use<> {
        let Self { again, levels, .. } = std::mem::take(self);
        again.into_iter().chain(levels.into_iter().rev().flatten())
    }

    pub(crate) fn retain(&mut self, mut keeps: impl FnMut(MessageRef) -> bool) {
        self.again.retain(|&name| keeps(name));
        for (level, queue) in self.levels.iter_mut().enumerate() {
            queue.retain(|&name| keeps(name));
            if queue.is_empty() {
                self.occupied &= !(1 << level);
            }
        }
    }
}

fn level(priority: u8) -> usize {
    usize::from(priority).min(LEVELS - 1)
}

/// The next occupied level under `turn`, or else the highest of them.
fn next_below(occupied: u8, turn: u8) -> u8 {
    let under = occupied & ((1 << turn) - 1);
    let of = if under == 0 { occupied } else { under };
    7 - of.leading_zeros() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(number: u64) -> MessageRef {
        MessageRef::from_token(number)
    }

    fn queue(counts: [u64; LEVELS]) -> BindQueue {
        let mut queue = BindQueue::default();
        for (priority, count) in counts.into_iter().enumerate() {
            for number in 0..count {
                queue.push_back(priority as u8, name(priority as u64 * 1_000 + number));
            }
        }
        queue
    }

    fn priorities(queue: &mut BindQueue, count: usize) -> Vec<u64> {
        (0..count).map(|_| queue.pop_front().unwrap().token() / 1_000).collect()
    }

    #[test]
    fn one_priority_is_a_plain_queue() {
        let mut queue = queue([0, 100, 0, 0, 0]);
        let order: Vec<_> = std::iter::from_fn(|| queue.pop_front()).collect();
        assert_eq!(order, (0..100).map(|number| name(1_000 + number)).collect::<Vec<_>>());
        assert!(queue.is_empty());
    }

    #[test]
    fn higher_goes_first_and_each_lower_one_has_its_turn() {
        let mut queue = queue([100, 100, 0, 100, 0]);
        let order = priorities(&mut queue, 27);
        assert_eq!(order[..9], [3, 3, 3, 3, 3, 3, 3, 3, 1]);
        assert_eq!(order[9..18], [3, 3, 3, 3, 3, 3, 3, 3, 0]);
        assert_eq!(order[18..], [3, 3, 3, 3, 3, 3, 3, 3, 1]);
    }

    #[test]
    fn what_is_put_back_is_the_next_and_no_turn_is_lost() {
        let mut queue = queue([3, 0, 0, 20, 0]);
        for _ in 0..50 {
            let taken = queue.pop_front().unwrap();
            assert_eq!(taken, name(3_000));
            queue.put_back(3, taken);
        }
        assert_eq!(priorities(&mut queue, 9), [3, 3, 3, 3, 3, 3, 3, 3, 0]);
    }

    #[test]
    fn what_goes_again_goes_first_and_in_its_order_also_when_it_is_put_back() {
        let mut queue = queue([0, 0, 0, 2, 0]);
        for number in [7, 8, 9] {
            queue.push_again(name(number));
        }
        let first = queue.pop_front().unwrap();
        queue.put_back(3, first);
        queue.push_again(name(10));
        let order: Vec<_> = std::iter::from_fn(|| queue.pop_front()).map(MessageRef::token).collect();
        assert_eq!(order, [7, 8, 9, 10, 3_000, 3_001]);
    }

    #[test]
    fn what_is_left_after_a_clean_up_is_all_there_is() {
        let mut queue = queue([2, 2, 2, 2, 2]);
        queue.retain(|name| name.token() >= 2_001);
        assert_eq!(queue.len(), 5);
        let all: Vec<_> = queue.take_all().map(MessageRef::token).collect();
        assert_eq!(all, [4_000, 4_001, 3_000, 3_001, 2_001]);
        assert!(queue.is_empty() && queue.pop_front().is_none());
        queue.push_back(200, name(7));
        assert_eq!(queue.pop_front(), Some(name(7)));
    }
}
