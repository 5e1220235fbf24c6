//! How many messages went where in the last seconds: exact counts in a sliding window.
//!
//! A counter is a list of ticks (seconds; minutes in windows beyond an hour) with as many messages as were taken in each;
//! what lies before the window is dropped when the counter is next touched, and counters that nothing touches are swept
//! up, two for each message. All ticks lie in one slab. When there is no room left, a message is not counted and let
//! pass; [`VelocityState::untracked`] says how many were.
//!
//! Counters belong to the name of a rule and what it counts by, not to a policy: a policy that is swapped keeps them.

use std::collections::HashMap;

use super::spec::{Per, VELOCITY_SECONDS_MAX};
use crate::digits::Digits;
use crate::hash::{Seeded, mix, stable_hash};
use crate::message::Message;
use crate::rules::sender::sender_hash;

/// How much room the counters may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VelocityLimits {
    /// The most counters: places that got messages within their windows. About 80 octets each.
    pub counters_max: usize,
    /// The most ticks of all counters. 12 octets each.
    pub ticks_max: usize,
}

impl Default for VelocityLimits {
    fn default() -> Self {
        Self { counters_max: 262_144, ticks_max: 2_097_152 }
    }
}

/// The counters.
#[derive(Debug)]
pub struct VelocityState {
    limits: VelocityLimits,
    numbers: HashMap<CounterKey, u32, Seeded>,
    counters: Vec<Counter>,
    free_counter: u32,
    ticks: Vec<Tick>,
    free_tick: u32,
    /// The counter that is swept next.
    hand: u32,
    untracked: u64,
}

/// The window of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    tick_seconds: u32,
    window_ticks: u32,
}

/// A velocity rule, compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counting {
    /// Of its name and what it counts by.
    identity: u64,
    per: Per,
    pub(crate) limit: u32,
    pub(crate) span: Span,
}

/// One place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct CounterKey {
    rule: u64,
    digits: u64,
    sender: u64,
    account: u32,
}

/// One place's messages: ticks from the oldest to the newest. A free one has its follower in `head`.
#[derive(Clone, Copy, Debug)]
struct Counter {
    key: CounterKey,
    span: Span,
    head: u32,
    tail: u32,
    /// Of all its ticks; 0 when it is free.
    total: u32,
}

/// The messages of one tick. A free one has its follower in `next`.
#[derive(Clone, Copy, Debug)]
struct Tick {
    tick: u32,
    count: u32,
    next: u32,
}

impl Span {
    /// `None` when the window is empty, too long, or not in whole minutes beyond an hour.
    pub(crate) const fn new(window_seconds: u32) -> Option<Self> {
        match window_seconds {
            1..=HOUR_SECONDS => Some(Self { tick_seconds: 1, window_ticks: window_seconds }),
            0 => None,
            VELOCITY_SECONDS_BEYOND.. => None,
            _ if window_seconds.is_multiple_of(60) => {
                Some(Self { tick_seconds: 60, window_ticks: window_seconds / 60 })
            }
            _ => None,
        }
    }

    const fn tick(self, now_ms: i64) -> u32 {
        let tick = now_ms.div_euclid(1_000 * self.tick_seconds as i64);
        if tick < 0 { 0 } else { tick as u32 }
    }

    /// Whether this tick is in the window no more.
    const fn is_over(self, tick: u32, now: u32) -> bool {
        tick.saturating_add(self.window_ticks) <= now
    }
}

impl Counting {
    pub(crate) fn new(rule: &str, limit: u32, span: Span, per: Per) -> Self {
        let per_word = u64::from(per.account) | u64::from(per.sender) << 1 | u64::from(per.digits) << 2;
        let span_word = u64::from(span.tick_seconds) << 32 | u64::from(span.window_ticks);
        let identity = mix(mix(stable_hash(rule.as_bytes()) ^ per_word) ^ span_word);
        Self { identity, per, limit, span }
    }
}

impl CounterKey {
    /// Where this message goes, as the rule counts.
    #[inline]
    pub(crate) fn new(counting: &Counting, message: &Message<'_>) -> Self {
        let Per { account, sender, digits } = counting.per;
        Self {
            rule: counting.identity,
            digits: Digits::of_destination(message.destination).first(usize::from(digits)).word(),
            sender: if sender { sender_hash(message.sender) } else { 0 },
            account: if account { message.account } else { u32::MAX },
        }
    }
}

impl VelocityState {
    /// No counters yet. `seed` is anything that peers cannot know.
    pub(crate) fn new(limits: VelocityLimits, seed: u64) -> Self {
        let max = END as usize;
        let limits = VelocityLimits {
            counters_max: limits.counters_max.min(max),
            ticks_max: limits.ticks_max.min(max),
        };
        Self {
            limits,
            numbers: HashMap::with_hasher(Seeded(seed)),
            counters: Vec::new(),
            free_counter: END,
            ticks: Vec::new(),
            free_tick: END,
            hand: 0,
            untracked: 0,
        }
    }

    /// How many places are counted.
    #[must_use]
    pub fn counters(&self) -> usize {
        self.numbers.len()
    }

    /// How many messages were not counted for want of room, each rule for itself.
    #[must_use]
    pub const fn untracked(&self) -> u64 {
        self.untracked
    }

    /// How many messages are in the window now.
    #[inline]
    pub(crate) fn count(&self, key: &CounterKey, span: Span, now_ms: i64) -> u32 {
        let Some(&number) = self.numbers.get(key) else { return 0 };
        let counter = self.counters[number as usize];
        let now = span.tick(now_ms);
        let mut total = counter.total;
        let mut at = counter.head;
        while at != END && span.is_over(self.ticks[at as usize].tick, now) {
            total = total.saturating_sub(self.ticks[at as usize].count);
            at = self.ticks[at as usize].next;
        }
        total
    }

    /// Takes over what another one counts there.
    pub(crate) fn take_over(&mut self, other: &Self, key: &CounterKey, span: Span) {
        let Some(&number) = other.numbers.get(key) else { return };
        let mut at = other.counters[number as usize].head;
        while at != END {
            let Tick { tick, count, next } = other.ticks[at as usize];
            let (Some(own), Some(new)) = (self.counter(key, span), self.new_tick(tick)) else { return };
            let counter = &mut self.counters[own as usize];
            match counter.tail {
                END => counter.head = new,
                tail => self.ticks[tail as usize].next = new,
            }
            counter.tail = new;
            counter.total = counter.total.saturating_add(count);
            self.ticks[new as usize].count = count;
            at = next;
        }
    }

    /// The limits it was made with.
    pub(crate) const fn limits(&self) -> VelocityLimits {
        self.limits
    }

    /// Counts one message.
    #[inline]
    pub(crate) fn add(&mut self, key: &CounterKey, span: Span, now_ms: i64) {
        self.sweep(now_ms);
        self.sweep(now_ms);
        let Some(number) = self.counter(key, span) else {
            self.untracked += 1;
            return;
        };
        self.drop_old(number, now_ms);
        let counter = self.counters[number as usize];
        // A clock that goes back counts into the newest tick.
        let now = span.tick(now_ms);
        if counter.tail != END && self.ticks[counter.tail as usize].tick >= now {
            let tick = &mut self.ticks[counter.tail as usize];
            tick.count = tick.count.saturating_add(1);
        } else if let Some(new) = self.new_tick(now) {
            let counter = &mut self.counters[number as usize];
            match counter.tail {
                END => counter.head = new,
                tail => self.ticks[tail as usize].next = new,
            }
            counter.tail = new;
        } else {
            self.untracked += 1;
            if counter.total == 0 {
                self.free(number);
            }
            return;
        }
        let counter = &mut self.counters[number as usize];
        counter.total = counter.total.saturating_add(1);
    }

    /// The number of the counter, a new one if there is none and there is room.
    fn counter(&mut self, key: &CounterKey, span: Span) -> Option<u32> {
        if let Some(&number) = self.numbers.get(key) {
            return Some(number);
        }
        if self.numbers.len() == self.limits.counters_max {
            return None;
        }
        let new = Counter { key: *key, span, head: END, tail: END, total: 0 };
        let number = if self.free_counter == END {
            self.counters.push(new);
            self.counters.len() as u32 - 1
        } else {
            let number = self.free_counter;
            let counter = &mut self.counters[number as usize];
            self.free_counter = counter.head;
            *counter = new;
            number
        };
        self.numbers.insert(*key, number);
        Some(number)
    }

    fn new_tick(&mut self, tick: u32) -> Option<u32> {
        let new = Tick { tick, count: 1, next: END };
        if self.free_tick != END {
            let number = self.free_tick;
            let slot = &mut self.ticks[number as usize];
            self.free_tick = slot.next;
            *slot = new;
            return Some(number);
        }
        if self.ticks.len() == self.limits.ticks_max {
            return None;
        }
        self.ticks.push(new);
        Some(self.ticks.len() as u32 - 1)
    }

    /// Drops the ticks that are in the window no more.
    fn drop_old(&mut self, number: u32, now_ms: i64) {
        let counter = &mut self.counters[number as usize];
        let now = counter.span.tick(now_ms);
        while counter.head != END {
            let at = counter.head;
            let tick = &mut self.ticks[at as usize];
            if !counter.span.is_over(tick.tick, now) {
                return;
            }
            counter.total = counter.total.saturating_sub(tick.count);
            counter.head = tick.next;
            tick.next = self.free_tick;
            self.free_tick = at;
        }
        counter.tail = END;
        counter.total = 0;
    }

    /// Looks at one counter, and frees it if nothing is left in its window.
    fn sweep(&mut self, now_ms: i64) {
        if self.counters.is_empty() {
            return;
        }
        let number = if self.hand as usize >= self.counters.len() { 0 } else { self.hand };
        self.hand = number + 1;
        if self.counters[number as usize].total > 0 {
            self.drop_old(number, now_ms);
            if self.counters[number as usize].total == 0 {
                self.free(number);
            }
        }
    }

    fn free(&mut self, number: u32) {
        let counter = &mut self.counters[number as usize];
        self.numbers.remove(&counter.key);
        counter.head = self.free_counter;
        counter.total = 0;
        self.free_counter = number;
    }
}

const END: u32 = u32::MAX;
const HOUR_SECONDS: u32 = 3_600;
const VELOCITY_SECONDS_BEYOND: u32 = VELOCITY_SECONDS_MAX + 1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Direction;

    fn counting(window_seconds: u32) -> Counting {
        let span = Span::new(window_seconds).expect("a window");
        Counting::new("rule", 5, span, Per { account: true, sender: false, digits: 4 })
    }

    fn key(counting: &Counting, account: u32, destination: &[u8]) -> CounterKey {
        CounterKey::new(counting, &Message::new(Direction::Mt, account, destination))
    }

    fn state(counters_max: usize, ticks_max: usize) -> VelocityState {
        VelocityState::new(VelocityLimits { counters_max, ticks_max }, 1)
    }

    #[test]
    fn windows_are_seconds_to_an_hour_and_whole_minutes_to_a_day() {
        for wrong in [0, 3_601, 3_659, VELOCITY_SECONDS_MAX + 60] {
            assert_eq!(Span::new(wrong), None, "{wrong}");
        }
        for right in [1, 3_599, 3_600, 3_660, VELOCITY_SECONDS_MAX] {
            assert!(Span::new(right).is_some(), "{right}");
        }
    }

    #[test]
    fn a_window_ends_to_the_second() {
        let counting = counting(10);
        let key = key(&counting, 1, b"447700");
        let mut state = state(10, 10);
        state.add(&key, counting.span, 100_999);
        state.add(&key, counting.span, 105_000);
        assert_eq!(state.count(&key, counting.span, 109_999), 2);
        assert_eq!(state.count(&key, counting.span, 110_000), 1);
        assert_eq!(state.count(&key, counting.span, 115_000), 0);
        // Back in time nothing is forgotten.
        assert_eq!(state.count(&key, counting.span, 50_000), 2);
    }

    #[test]
    fn places_are_apart_by_account_and_digits() {
        let counting = counting(10);
        let mut state = state(10, 10);
        state.add(&key(&counting, 1, b"447700"), counting.span, 0);
        assert_eq!(state.count(&key(&counting, 1, b"447799"), counting.span, 0), 1);
        assert_eq!(state.count(&key(&counting, 2, b"447700"), counting.span, 0), 0);
        assert_eq!(state.count(&key(&counting, 1, b"447800"), counting.span, 0), 0);
    }

    #[test]
    fn full_counters_let_pass_and_say_so_until_a_sweep_makes_room() {
        let counting = counting(10);
        let mut state = state(3, 100);
        for number in 0..5_u32 {
            state.add(&key(&counting, number, b"44"), counting.span, 0);
        }
        assert_eq!((state.counters(), state.untracked()), (3, 2));
        // Two counters are swept for each message.
        for number in 10..15_u32 {
            state.add(&key(&counting, number, b"44"), counting.span, 60_000);
        }
        assert_eq!(state.counters(), 3);
        assert_eq!(state.counters.len(), 3);
        assert_eq!(state.count(&key(&counting, 10, b"44"), counting.span, 60_000), 1);
    }

    #[test]
    fn full_ticks_let_pass_and_say_so() {
        let counting = counting(100);
        let mut state = state(100, 4);
        for second in 0..6 {
            state.add(&key(&counting, 1, b"44"), counting.span, second * 1_000);
        }
        state.add(&key(&counting, 2, b"44"), counting.span, 5_000);
        assert_eq!((state.counters(), state.untracked()), (1, 3));
        assert_eq!(state.ticks.len(), 4);
        for second in 200..204 {
            state.add(&key(&counting, 1, b"44"), counting.span, second * 1_000);
        }
        assert_eq!(state.count(&key(&counting, 1, b"44"), counting.span, 203_000), 4);
        assert_eq!(state.ticks.len(), 4);
    }
}
