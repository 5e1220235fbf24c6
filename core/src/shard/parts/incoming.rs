//! Incoming messages on their way to a customer, in the form that the account takes.
//!
//! What was delivered in parts before a restart is delivered in parts again, all of it: a customer may get a message twice,
//! as always when the answer was not heard.

use brivas_smpp::MessageState;

use super::link::{Link, Part};
use super::manner::Manner;
use super::prepare::Prepared;
use crate::event::Channel;
use crate::shard::Shard;
use crate::shard::messages::{MessageRef, Outcome};

impl Shard {
    /// Looks whether an incoming message is delivered as it is. False: its parts wait for the customer, or it waits for the rest
    /// of them.
    pub(in crate::shard) fn is_delivered_as_it_is(&mut self, name: MessageRef) -> bool {
        let Some(message) = self.messages.get(name) else { return false };
        let account = self.accounts[message.account as usize].config.as_ref();
        let manner = account.map_or(Manner::default(), |config| config.manner());
        match self.prepared(name, manner, None) {
            (Prepared::AsItIs, _) => !self.disband(name),
            (Prepared::Waits, _) => !self.hold(name) && self.is_delivered_as_it_is(name),
            (Prepared::Pdus(pdus), reference) => {
                self.spread(name, &pdus, manner, reference);
                for part in self.parts_of(name) {
                    self.deliver(part);
                }
                false
            }
        }
    }

    /// The customer has a part, or never will. The message is done when that is so of all.
    pub(in crate::shard) fn part_delivered(&mut self, name: MessageRef, channel: Channel) {
        let Some((whole, number)) = self.messages.get(name).and_then(|message| message.part_of()) else {
            return;
        };
        self.messages.remove(name);
        let now_ms = self.clock.wall_ms;
        let Some(Link::Whole(link)) =
            self.messages.get_mut(whole).and_then(|message| message.link.as_deref_mut())
        else {
            return;
        };
        let state = if channel == Channel::Expired { MessageState::Expired } else { MessageState::Delivered };
        link.parts[usize::from(number) - 1] =
            Part { name: None, outcome: Some(Outcome::new(state, now_ms, b"")) };
        let states = link.parts.iter().map(|part| part.outcome.map(|outcome| outcome.state));
        let (mut is_done, mut is_expired) = (true, false);
        for state in states {
            is_done &= state.is_some();
            is_expired |= state == Some(MessageState::Expired);
        }
        if is_done {
            self.finish_delivery(whole, if is_expired { Channel::Expired } else { channel });
        }
    }

    /// What was delivered with a message is done with it.
    pub(in crate::shard) fn finish_linked(&mut self, name: MessageRef, channel: Channel) {
        let link = self.messages.get_mut(name).and_then(|message| message.link.take());
        if let Some(Link::Whole(whole)) = link.map(|link| *link) {
            for joined in whole.joined {
                if let Some(message) = self.messages.get_mut(joined) {
                    message.link = None;
                    self.finish_delivery(joined, channel);
                }
            }
        }
    }
}
