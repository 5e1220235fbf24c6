//! Parts that a customer sends one by one: all of one message take one carrier.
//!
//! The first part chooses. As long as none has gone out they may still go elsewhere, all of them; from then on the rest follows,
//! and waits if it must: half a message here and half there is none.

use std::collections::{HashMap, VecDeque};

use brivas_route::group_hash;
use brivas_smpp::ShortMessage;
use brivas_smpp::segment::Segmented;

use crate::shard::messages::{MessageRef, Messages, Phase};

/// The messages whose parts came lately.
#[derive(Debug, Default)]
pub(crate) struct Together {
    groups: HashMap<u64, Group, ahash::RandomState>,
    /// In the order of their time.
    order: VecDeque<(u64, u64)>,
}

#[derive(Debug)]
struct Group {
    carrier: u32,
    since_ms: u64,
    parts: Vec<MessageRef>,
}

/// Messages that are remembered; beyond it the oldest is forgotten.
const GROUPS_MAX: usize = 20_000;
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

impl Together {
    /// What names the message that a part belongs to; None: it is no part.
    pub(crate) fn key(account: u32, message: &ShortMessage<'_>) -> Option<u64> {
        let part = Segmented::read(message).ok().filter(Segmented::is_part)?;
        let reference = u64::from(part.reference) << 16 | u64::from(part.total) << 8 | part.kind as u64;
        Some(group_hash(account, message.source.digits, message.destination.digits, reference))
    }

    /// Where the next part, or `but`, which is one of them, has to go.
    pub(crate) fn course(&self, key: u64, but: Option<MessageRef>, messages: &Messages) -> Course {
        let Some(group) = self.groups.get(&key) else { return Course::Free };
        let waits = |name: &MessageRef| {
            let phase = messages.get(*name).map(|message| message.phase);
            matches!(
                phase,
                Some(
                    Phase::Accepting
                        | Phase::Scheduled
                        | Phase::InReview
                        | Phase::Queued
                        | Phase::Retrying
                        | Phase::Held
                )
            )
        };
        let mut others = group.parts.iter().filter(|&&name| Some(name) != but).peekable();
        if but.is_some() && others.peek().is_none() {
            return Course::Free;
        }
        if others.all(waits) { Course::With(group.carrier) } else { Course::Only(group.carrier) }
    }

    /// A part goes to a carrier.
    pub(crate) fn add(&mut self, now_ms: u64, key: u64, carrier: u32, name: MessageRef) {
        if !self.groups.contains_key(&key) {
            if self.groups.len() >= GROUPS_MAX {
                self.forget_oldest();
            }
            self.order.push_back((now_ms, key));
        }
        let group =
            self.groups.entry(key).or_insert_with(|| Group { carrier, since_ms: now_ms, parts: Vec::new() });
        group.carrier = carrier;
        if group.parts.len() < usize::from(u8::MAX) && !group.parts.contains(&name) {
            group.parts.push(name);
        }
    }

    /// Forgets what is old.
    pub(crate) fn expire(&mut self, now_ms: u64) {
        while self.order.front().is_some_and(|(since_ms, _)| now_ms.saturating_sub(*since_ms) >= GROUP_MS) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        while let Some((since_ms, key)) = self.order.pop_front() {
            if self.groups.get(&key).is_some_and(|group| group.since_ms == since_ms) {
                self.groups.remove(&key);
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_so_many_are_remembered_and_none_for_ever() {
        let mut together = Together::default();
        let messages = Messages::new(1, usize::MAX);
        let nobody = MessageRef::from_token(u64::MAX);
        for key in 0..GROUPS_MAX as u64 + 1 {
            together.add(key, key, 7, nobody);
        }
        assert_eq!((together.groups.len(), together.order.len()), (GROUPS_MAX, GROUPS_MAX));
        assert_eq!(together.course(0, None, &messages), Course::Free);
        // A part that is not there any more has gone out, as far as anybody knows.
        assert_eq!(together.course(1, None, &messages), Course::Only(7));
        assert_eq!(together.course(1, Some(nobody), &messages), Course::Free);
        together.expire(GROUPS_MAX as u64 + GROUP_MS);
        assert!(together.groups.is_empty() && together.order.is_empty());
    }

    #[test]
    fn parts_of_one_message_have_one_key() {
        let part = |text: &'static [u8]| ShortMessage {
            esm_class: brivas_smpp::EsmClass(0x40),
            short_message: text,
            ..ShortMessage::default()
        };
        let first = Together::key(1, &part(b"\x05\0\x03\x07\x02\x01a"));
        assert!(first.is_some());
        assert_eq!(first, Together::key(1, &part(b"\x05\0\x03\x07\x02\x02b")));
        assert_ne!(first, Together::key(2, &part(b"\x05\0\x03\x07\x02\x01a")));
        assert_ne!(first, Together::key(1, &part(b"\x05\0\x03\x08\x02\x01a")));
        assert_eq!(Together::key(1, &ShortMessage::default()), None);
    }
}
