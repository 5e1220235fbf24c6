//! The messages whose parts customers send one by one: all parts of one take one route and one carrier, by one decision of the
//! policy.
//!
//! The first part chooses. As long as none has gone out they may still go elsewhere, all of them; from then on the rest follows,
//! and waits if it must: half a message here and half there is none.
//!
//! What belongs together is told by account, addresses and reference (3GPP TS 23.040 §9.2.3.24.1). References come again, after 256
//! messages at the latest: when every part of a message has been here, the next one is of another.

use std::collections::{HashMap, VecDeque};

use brivas_route::{NO_ROUTE, group_hash};
use brivas_smpp::{CommandStatus, ShortMessage};

use crate::facts::{digits, part_of};
use crate::shard::messages::{MessageRef, Messages, Phase};
use crate::shard::routing::Hold;

/// The messages whose parts came lately.
#[derive(Debug, Default)]
pub(crate) struct Together {
    groups: HashMap<u64, Group, ahash::RandomState>,
    /// In the order of their first parts.
    order: VecDeque<(u64, u64)>,
    serial: u64,
    /// Of all groups.
    parts: usize,
}

/// What was decided about the first part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decided {
    /// By number, in the table of this generation.
    pub(crate) route: u32,
    pub(crate) table: u32,
    /// By the policy; None where it was not asked.
    pub(crate) verdict: Option<Result<Hold, CommandStatus>>,
}

/// A part, and the message that it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Membership {
    group: u64,
    sequence: u8,
    total: u8,
}

#[derive(Debug)]
struct Group {
    serial: u64,
    since_ms: u64,
    carrier: u32,
    decided: Decided,
    /// With their sequence numbers; one that came twice stands here twice.
    parts: Vec<(u8, MessageRef)>,
}

/// Messages that are remembered, and parts of all of them; beyond it the oldest message is forgotten.
const GROUPS_MAX: usize = 65_536;
const PARTS_MAX: usize = 262_144;
/// Parts of one message: a few may have come again.
const MEMBERS_MAX: usize = 256;
/// How long, from their first part.
const GROUP_MS: u64 = 600_000;

/// Where a part has to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Course {
    /// Nobody has chosen, or no part has gone out yet.
    Free,
    /// Where the others are, none of which has gone out.
    With(u32),
    /// Where the others went.
    Only(u32),
}

impl Membership {
    /// Of a customer's message; None: it is no part.
    pub(crate) fn of(account: u32, message: &ShortMessage<'_>) -> Option<Self> {
        let part = part_of(message)?;
        let (sender, destination) = (digits(message.source.digits), digits(message.destination.digits));
        let group = group_hash(account, sender, destination, part.reference);
        Some(Self { group, sequence: part.sequence, total: part.total })
    }

    /// What draws a carrier for the message.
    pub(crate) const fn group(self) -> u64 {
        self.group
    }
}

impl Together {
    /// Where the next part, or `but`, which is one of them, has to go.
    pub(crate) fn course(&self, part: Membership, but: Option<MessageRef>, messages: &Messages) -> Course {
        let Some(group) = self.groups.get(&part.group) else { return Course::Free };
        if but.is_none() && group.is_complete(part.total) {
            return Course::Free;
        }
        let waits = |name: MessageRef| {
            messages
                .get(name)
                .is_some_and(|message| message.phase.is_unsent() || message.phase == Phase::Held)
        };
        let mut others =
            group.parts.iter().map(|&(_, name)| name).filter(|&name| Some(name) != but).peekable();
        if others.peek().is_none() {
            return Course::Free;
        }
        if others.all(waits) { Course::With(group.carrier) } else { Course::Only(group.carrier) }
    }

    /// What was decided about the message, unless this part has been here before: that one is another, or a part that is sent
    /// again, and the policy counts it.
    pub(crate) fn decided(&self, part: Membership, now_ms: u64) -> Option<Decided> {
        let group = self.groups.get(&part.group)?;
        let is_new = group.parts.iter().all(|&(sequence, _)| sequence != part.sequence);
        (is_new && now_ms.saturating_sub(group.since_ms) < GROUP_MS).then_some(group.decided)
    }

    /// What is decided about a part that is new here; also of one that is not taken, so that its others are not either.
    pub(crate) fn decide(&mut self, now_ms: u64, part: Membership, carrier: u32, decided: Decided) {
        let group = self.group(now_ms, part, carrier, true);
        group.decided = decided;
    }

    /// A part goes to a carrier.
    pub(crate) fn add(&mut self, now_ms: u64, part: Membership, carrier: u32, name: MessageRef) {
        let is_known = |group: &Group| {
            group.parts.iter().any(|&(_, known)| known == name) || group.parts.len() >= MEMBERS_MAX
        };
        let group = self.group(now_ms, part, carrier, false);
        group.carrier = carrier;
        if !is_known(group) {
            group.parts.push((part.sequence, name));
            self.parts += 1;
        }
        while self.parts > PARTS_MAX && self.groups.len() > 1 {
            self.forget_oldest();
        }
    }

    /// Forgets what is old.
    pub(crate) fn expire(&mut self, now_ms: u64) {
        while let Some(&(serial, key)) = self.order.front() {
            let group = self.groups.get(&key).filter(|group| group.serial == serial);
            if group.is_some_and(|group| now_ms.saturating_sub(group.since_ms) < GROUP_MS) {
                return;
            }
            if group.is_some() {
                self.forget(key);
            }
            self.order.pop_front();
        }
    }

    /// The group of a part. `is_new`: a part that comes, which may be the first of another message.
    fn group(&mut self, now_ms: u64, part: Membership, carrier: u32, is_new: bool) -> &mut Group {
        let known = self.groups.get(&part.group);
        let is_over = known.is_some_and(|group| is_new && group.is_complete(part.total));
        if known.is_none() || is_over {
            self.forget(part.group);
            while self.groups.len() >= GROUPS_MAX {
                self.forget_oldest();
            }
            // What was forgotten out of its turn has left its place in the order behind.
            if self.order.len() >= 2 * GROUPS_MAX {
                let groups = &self.groups;
                self.order
                    .retain(|(serial, key)| groups.get(key).is_some_and(|group| group.serial == *serial));
            }
            self.serial += 1;
            self.order.push_back((self.serial, part.group));
        }
        let serial = self.serial;
        self.groups.entry(part.group).or_insert_with(|| Group {
            serial,
            since_ms: now_ms,
            carrier,
            decided: Decided { route: NO_ROUTE, table: 0, verdict: None },
            parts: Vec::new(),
        })
    }

    fn forget(&mut self, key: u64) {
        if let Some(group) = self.groups.remove(&key) {
            self.parts -= group.parts.len();
        }
    }

    fn forget_oldest(&mut self) {
        while let Some((serial, key)) = self.order.pop_front() {
            if self.groups.get(&key).is_some_and(|group| group.serial == serial) {
                self.forget(key);
                return;
            }
        }
    }
}

impl Group {
    /// Whether all parts have been here.
    fn is_complete(&self, total: u8) -> bool {
        if self.parts.len() < usize::from(total) {
            return false;
        }
        let mut seen = [0_u64; 4];
        for (sequence, _) in &self.parts {
            seen[usize::from(sequence / 64)] |= 1 << (sequence % 64);
        }
        seen.iter().map(|word| word.count_ones()).sum::<u32>() >= total.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECIDED: Decided = Decided { route: 3, table: 1, verdict: Some(Ok(Hold::Not)) };

    fn part(group: u64, sequence: u8, total: u8) -> Membership {
        Membership { group, sequence, total }
    }

    fn name(number: u64) -> MessageRef {
        MessageRef::from_token(number)
    }

    #[test]
    fn no_more_than_so_many_messages_are_remembered_and_none_for_ever() {
        let mut together = Together::default();
        let messages = Messages::new(1, usize::MAX);
        for key in 0..GROUPS_MAX as u64 + 1 {
            together.decide(key, part(key, 1, 2), 7, DECIDED);
            together.add(key, part(key, 1, 2), 7, name(0));
        }
        assert_eq!((together.groups.len(), together.order.len()), (GROUPS_MAX, GROUPS_MAX));
        assert_eq!(together.course(part(0, 2, 2), None, &messages), Course::Free);
        assert_eq!(together.decided(part(0, 2, 2), 1), None);
        // A part that is not there any more has gone out, as far as anybody knows.
        assert_eq!(together.course(part(1, 2, 2), None, &messages), Course::Only(7));
        assert_eq!(together.course(part(1, 1, 2), Some(name(0)), &messages), Course::Free);
        together.expire(GROUPS_MAX as u64 + GROUP_MS);
        assert!(together.groups.is_empty() && together.order.is_empty());
        assert_eq!(together.parts, 0);
    }

    #[test]
    fn no_more_than_so_many_parts_are_remembered() {
        let mut together = Together::default();
        for number in 0..=PARTS_MAX as u64 {
            let part = part(number / 255, (number % 255) as u8 + 1, 255);
            together.add(1, part, 7, name(number));
        }
        assert!(together.parts <= PARTS_MAX && together.parts > PARTS_MAX - 255, "{}", together.parts);
        // The same part again and again is one message.
        let mut together = Together::default();
        for number in 0..=PARTS_MAX as u64 {
            together.add(1, part(1, 1, 2), 7, name(number));
        }
        assert_eq!((together.groups.len(), together.parts), (1, MEMBERS_MAX));
    }

    #[test]
    fn one_reference_that_is_used_again_and_again_leaves_nothing_behind() {
        let mut together = Together::default();
        for number in 0..4 * GROUPS_MAX as u64 {
            let part = part(7, (number % 2) as u8 + 1, 2);
            together.decide(1, part, 7, DECIDED);
            together.add(1, part, 7, name(number));
        }
        assert_eq!((together.groups.len(), together.parts), (1, 2));
        assert!(together.order.len() <= 2 * GROUPS_MAX);
    }

    #[test]
    fn when_all_parts_were_here_the_next_is_of_another_message() {
        let mut together = Together::default();
        let messages = Messages::new(1, usize::MAX);
        together.decide(1, part(7, 2, 2), 5, DECIDED);
        together.add(1, part(7, 2, 2), 5, name(1));
        assert_eq!(together.decided(part(7, 1, 2), 2), Some(DECIDED));
        // It is sent again: it follows the others, but the policy looks at it anew.
        assert_eq!(together.decided(part(7, 2, 2), 2), None);
        assert_eq!(together.course(part(7, 2, 2), None, &messages), Course::Only(5));
        together.decide(2, part(7, 1, 2), 5, DECIDED);
        together.add(2, part(7, 1, 2), 5, name(2));
        for sequence in [1, 2] {
            assert_eq!(together.decided(part(7, sequence, 2), 2), None);
            assert_eq!(together.course(part(7, sequence, 2), None, &messages), Course::Free);
        }
        // The two that are open still belong together.
        assert_eq!(together.course(part(7, 1, 2), Some(name(2)), &messages), Course::Only(5));
        together.decide(3, part(7, 1, 2), 6, DECIDED);
        together.add(3, part(7, 1, 2), 6, name(3));
        assert_eq!(together.course(part(7, 2, 2), None, &messages), Course::Only(6));
        assert_eq!(together.groups[&7].parts, [(1, name(3))]);
    }

    #[test]
    fn a_decision_ends_with_its_time() {
        let mut together = Together::default();
        together.decide(1_000, part(7, 1, 3), 5, DECIDED);
        assert_eq!(together.decided(part(7, 2, 3), 999 + GROUP_MS), Some(DECIDED));
        assert_eq!(together.decided(part(7, 2, 3), 1_000 + GROUP_MS), None);
    }

    #[test]
    fn parts_of_one_message_have_one_group() {
        let of = |account, text: &'static [u8]| {
            let esm_class = brivas_smpp::EsmClass(0x40);
            Membership::of(
                account,
                &ShortMessage { esm_class, short_message: text, ..ShortMessage::default() },
            )
        };
        let first = of(1, b"\x05\0\x03\x07\x02\x01a").unwrap();
        let second = of(1, b"\x05\0\x03\x07\x02\x02b").unwrap();
        assert_eq!(first.group, second.group);
        assert_eq!((first.sequence, second.sequence, second.total), (1, 2, 2));
        assert_ne!(first.group, of(2, b"\x05\0\x03\x07\x02\x01a").unwrap().group);
        assert_ne!(first.group, of(1, b"\x05\0\x03\x08\x02\x01a").unwrap().group);
        assert_ne!(first.group, of(1, b"\x05\0\x03\x07\x03\x01a").unwrap().group);
        assert_eq!(Membership::of(1, &ShortMessage::default()), None);
    }
}
