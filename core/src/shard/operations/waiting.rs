//! What of an account waits, by source and destination: for replace_if_present_flag and for cancel_sm without an id.
//!
//! Most accounts never ask by addresses, and pay one branch a message for it. The first question makes the list from the
//! messages that are open (so a restart has nothing to restore), new ones are added from then on, and when nobody has asked
//! for an hour it goes. Names of what was sent or has ended stay in it until they are met, or are many.

use std::collections::{HashMap, VecDeque};

use brivas_smpp::pdu::Address;

use super::super::Shard;
use super::super::messages::{Message, MessageRef, Phase, digits};

/// How long an account may not ask before its list goes.
const IDLE_MS: u64 = 3_600_000;
/// Names that may be stale beyond twice the account's open messages.
const STALE_MAX: usize = 1_024;

/// An account's messages that no carrier has, by their addresses; those that came last stand last.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    lists: HashMap<u64, VecDeque<MessageRef>, ahash::RandomState>,
    names: usize,
    asked_ms: u64,
}

impl Waiting {
    pub(crate) fn insert(&mut self, source: &Address<'_>, destination: &Address<'_>, name: MessageRef) {
        let key = self.key(source, destination);
        self.lists.entry(key).or_default().push_back(name);
        self.names += 1;
    }

    /// Type of number and numbering plan do not count, and neither does a '+'.
    fn key(&self, source: &Address<'_>, destination: &Address<'_>) -> u64 {
        self.lists.hasher().hash_one((digits(source), digits(destination)))
    }

    /// Forgets stale names, if there are many beside an account's open messages.
    fn compact(&mut self, open_messages: u64, mut keeps: impl FnMut(MessageRef) -> bool) {
        if self.names as u64 <= open_messages * 2 + STALE_MAX as u64 {
            return;
        }
        self.lists.retain(|_, list| {
            list.retain(|&name| keeps(name));
            !list.is_empty()
        });
        self.names = self.lists.values().map(VecDeque::len).sum();
    }

    /// Takes out one list.
    fn take(&mut self, source: &Address<'_>, destination: &Address<'_>) -> VecDeque<MessageRef> {
        let key = self.key(source, destination);
        let list = self.lists.remove(&key).unwrap_or_default();
        self.names -= list.len();
        list
    }

    /// Puts back what was taken out.
    fn put_back(&mut self, source: &Address<'_>, destination: &Address<'_>, list: VecDeque<MessageRef>) {
        if !list.is_empty() {
            let key = self.key(source, destination);
            self.names += list.len();
            self.lists.insert(key, list);
        }
    }
}

/// Whether a message may still wait, now or when its attempt has failed.
fn may_wait(message: &Message) -> bool {
    let may =
        message.phase.is_unsent() || matches!(message.phase, Phase::InFlight | Phase::Held | Phase::InParts);
    may && !message.incoming && message.part_of().is_none()
}

impl Shard {
    /// A message of an account waits: noted where somebody asks by addresses.
    pub(in super::super) fn note_waiting(
        &mut self,
        account: u32,
        source: &Address<'_>,
        destination: &Address<'_>,
        name: MessageRef,
    ) {
        if let Some(waiting) = &mut self.accounts[account as usize].waiting {
            waiting.insert(source, destination, name);
        }
    }

    /// Goes through what waits between two addresses until `take` says that it has enough; the newest first where
    /// `newest_first`. Looks at `most` names at most.
    pub(super) fn look_through_waiting(
        &mut self,
        account: u32,
        (source, destination): (&Address<'_>, &Address<'_>),
        newest_first: bool,
        most: usize,
        mut take: impl FnMut(&Self, MessageRef, &Message) -> Look,
    ) {
        let mut waiting = self.take_waiting(account);
        let mut list = waiting.take(source, destination);
        let mut passed = VecDeque::new();
        for _ in 0..most {
            let Some(name) = (if newest_first { list.pop_back() } else { list.pop_front() }) else { break };
            let Some(message) = self.messages.get(name).filter(|message| may_wait(message)) else { continue };
            // Two pairs of addresses may have one key.
            let is_between = message.content().is_ok_and(|content| {
                digits(&content.source) == digits(source)
                    && digits(&content.destination) == digits(destination)
            });
            let look = if is_between { take(self, name, message) } else { Look::PassOn };
            if newest_first {
                passed.push_front(name);
            } else {
                passed.push_back(name);
            }
            if look == Look::Enough {
                break;
            }
        }
        if newest_first {
            list.append(&mut passed);
        } else {
            passed.append(&mut list);
            list = passed;
        }
        waiting.put_back(source, destination, list);
        self.accounts[account as usize].waiting = Some(waiting);
    }

    /// The list of an account, made if there is none.
    fn take_waiting(&mut self, account: u32) -> Box<Waiting> {
        let now_ms = self.clock.now_ms();
        let mut waiting = self.accounts[account as usize].waiting.take().unwrap_or_else(|| {
            let mut made = Box::<Waiting>::default();
            let open = (0..self.messages.slots()).filter_map(|slot| self.messages.at_slot(slot));
            let mut found: Vec<_> =
                open.filter(|(_, message)| message.account == account && may_wait(message)).collect();
            found.sort_unstable_by_key(|(_, message)| message.id);
            for (name, message) in found {
                if let Ok(content) = message.content() {
                    made.insert(&content.source, &content.destination, name);
                }
            }
            made
        });
        waiting.asked_ms = now_ms;
        waiting
    }

    /// Forgets stale names where they are many, and lists that nobody asks for.
    pub(in super::super) fn compact_waiting(&mut self) {
        let now_ms = self.clock.now_ms();
        for account in &mut self.accounts {
            let Some(waiting) = &mut account.waiting else { continue };
            if now_ms.saturating_sub(waiting.asked_ms) >= IDLE_MS {
                account.waiting = None;
            } else {
                let messages = &self.messages;
                waiting.compact(account.open_messages, |name| messages.get(name).is_some_and(may_wait));
            }
        }
    }
}

/// What becomes of a look through a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    PassOn,
    Enough,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(digits: &[u8]) -> Address<'_> {
        Address { ton: 1, npi: 1, digits }
    }

    #[test]
    fn a_list_is_of_one_pair_of_addresses_whatever_their_type() {
        let mut waiting = Waiting::default();
        let name = MessageRef::from_token;
        for token in 0..3 {
            waiting.insert(&address(b"40404"), &address(b"491701"), name(token));
        }
        waiting.insert(&address(b"491701"), &address(b"40404"), name(3));
        let national = Address { ton: 2, npi: 0, digits: b"+491701" };
        let list = waiting.take(&address(b"40404"), &national);
        assert_eq!(list, [name(0), name(1), name(2)]);
        assert_eq!(waiting.names, 1);
        waiting.put_back(&address(b"40404"), &national, list);
        assert_eq!((waiting.names, waiting.lists.len()), (4, 2));
    }

    #[test]
    fn stale_names_are_few_beside_the_open_messages() {
        let mut waiting = Waiting::default();
        let most = STALE_MAX as u64 + 2 * 3;
        for token in 0..=most {
            waiting.compact(3, |_| false);
            assert_eq!(waiting.names as u64, token);
            let numbers = [token as u8 % 7 + b'0'];
            waiting.insert(&address(b"40404"), &address(&numbers), MessageRef::from_token(token));
        }
        // One more than there may be: those that are still open stay.
        waiting.compact(3, |name| name.token() >= most - 2);
        assert_eq!((waiting.names, waiting.lists.len()), (3, 3));
    }
}
