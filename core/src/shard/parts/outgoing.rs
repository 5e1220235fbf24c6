//! Parts on their way to a carrier: made when their message comes into its queue, all on one bind in order, taken back when none
//! has gone out and the message goes elsewhere, counted when they end.
//!
//! Once a carrier has one part it gets them all. When one has failed, those that have not gone out do not go any more: nobody
//! can read the rest, and somebody pays for it.

use brivas_proto::v1;
use brivas_smpp::ShortMessage;

use super::link::{Link, Part, PartRecord, Whole};
use super::manner::Manner;
use super::outcome::derive;
use super::prepare::{Origin, Pdu, Prepared, prepare, whole_as};
use super::together::{Course, Membership};
use crate::event;
use crate::shard::Shard;
use crate::shard::commit::{Awaiting, Then};
use crate::shard::connection::ConnectionRef;
use crate::shard::messages::{MessageRef, NewMessage, Outcome, Phase};
use crate::shard::receipts::is_success;

impl Shard {
    /// Looks at a message that comes into a carrier's queue. True: it waits for the rest of its parts instead.
    pub(in crate::shard) fn has_to_wait(&mut self, name: MessageRef, carrier: u32) -> bool {
        let manner = self.carrier_manner(carrier);
        let changes = match self.prepared(name, manner, Some(0)).0 {
            Prepared::AsItIs if self.disband(name) => return true,
            Prepared::AsItIs => false,
            Prepared::Waits => return self.hold(name) || self.has_to_wait(name, carrier),
            Prepared::Pdus(_) => true,
        };
        if let Some(message) = self.messages.get_mut(name) {
            message.changes = changes;
        }
        false
    }

    /// A message that changes has come to the front of a bind's queue: its parts take its place.
    pub(in crate::shard) fn open_up(&mut self, name: MessageRef, carrier: u32, bind: u32) {
        let manner = self.carrier_manner(carrier);
        let (prepared, reference) = self.prepared(name, manner, None);
        if let Some(message) = self.messages.get_mut(name) {
            message.changes = false;
        }
        match prepared {
            Prepared::Pdus(pdus) => self.spread(name, &pdus, manner, reference),
            // The carrier takes another form by now.
            Prepared::Waits if self.hold(name) => return,
            Prepared::AsItIs if self.disband(name) => return,
            Prepared::Waits | Prepared::AsItIs => {}
        }
        let parts = self.parts_of(name);
        let parts = if parts.is_empty() { vec![name] } else { parts };
        if let Some(bind) = self.carriers[carrier as usize].binds.get_mut(bind as usize) {
            for &part in parts.iter().rev() {
                bind.queue.push_front(part);
            }
        }
    }

    pub(in crate::shard) fn carrier_manner(&self, carrier: u32) -> Manner {
        self.carriers[carrier as usize].config.as_ref().map_or(Manner::default(), |config| config.manner())
    }

    /// What a message becomes. A reference is given where none is.
    pub(super) fn prepared(
        &mut self,
        name: MessageRef,
        to: Manner,
        reference: Option<u16>,
    ) -> (Prepared, u16) {
        let as_it_is = (Prepared::AsItIs, 0);
        let Some(message) = self.messages.get(name) else { return as_it_is };
        let account = self.accounts[message.account as usize].config.as_ref();
        let by_api = message.api.is_some();
        let from = match (message.incoming, account) {
            (true, _) => self.carrier_manner(message.carrier),
            (false, Some(config)) if !by_api => config.manner(),
            _ => Manner::default(),
        };
        let origin = Origin { alphabet: from.alphabet, by_api, may_wait: !message.has_waited };
        let joined = match message.link.as_deref() {
            Some(Link::Whole(whole)) if !whole.joined.is_empty() => Some(&whole.body),
            _ => None,
        };
        let octets = joined.map_or(message.body(), Vec::as_slice);
        let Ok(content) = ShortMessage::decode(octets) else { return as_it_is };
        let (source, destination) = (content.source.digits, content.destination.digits);
        let reference = reference.unwrap_or_else(|| self.references.give(source, destination));
        if joined.is_some() {
            // Whatever the peer takes: one of the parts that came would not be the message.
            let pdus = joined_pdus(&content, origin, to, reference);
            return (pdus.map_or(Prepared::AsItIs, Prepared::Pdus), reference);
        }
        (prepare(&content, origin, to, reference), reference)
    }

    /// Makes the parts, in no queue yet.
    pub(super) fn spread(&mut self, name: MessageRef, pdus: &[Pdu], manner: Manner, reference: u16) {
        let Some(message) = self.messages.get(name) else { return };
        let body = match message.link.as_deref() {
            Some(Link::Whole(whole)) if !whole.body.is_empty() => whole.body.clone(),
            _ => message.body().to_vec(),
        };
        let Ok(content) = ShortMessage::decode(&body) else { return };
        let (incoming, account, carrier) = (message.incoming, message.account, message.carrier);
        let (id, hash, attempts) = (message.id, message.destination_hash, message.attempts);
        let (accepted_ms, expires_ms, ended_ms) = (message.accepted_ms, message.expires_ms, message.ended_ms);
        let route = (message.route, message.table);
        let mut parts = Vec::with_capacity(pdus.len());
        let mut area = Vec::new();
        for (number, pdu) in (1..).zip(pdus) {
            let part = pdu.body.message(&content, &mut area);
            let part = ShortMessage { data_coding: pdu.data_coding, ..part };
            let part_name = self.messages.insert(NewMessage {
                content: &part,
                incoming,
                account,
                carrier,
                id,
                accepted_ms,
                expires_ms,
                destination_hash: hash,
                connection: ConnectionRef::NONE,
                api: None,
                schedule_ms: 0,
                submission: 0,
                alias: 0,
            });
            self.messages.link_part(part_name, name, number);
            if let Some(part) = self.messages.get_mut(part_name) {
                part.attempts = attempts;
                part.ended_ms = ended_ms;
                (part.route, part.table) = route;
                part.phase = Phase::Queued;
            }
            parts.push(Part { name: Some(part_name), outcome: None });
        }
        if !incoming {
            // The message itself is counted already.
            self.carriers[carrier as usize].queued += pdus.len() as u64 - 1;
        }
        let Some(message) = self.messages.get_mut(name) else { return };
        message.phase = Phase::InParts;
        let joined = match message.link.take().map(|link| *link) {
            Some(Link::Whole(whole)) => (whole.joined, whole.body),
            _ => Default::default(),
        };
        let whole = Whole { parts, joined: joined.0, body: joined.1, manner, reference };
        message.link = Some(Box::new(Link::Whole(whole)));
    }

    /// Its parts that are open, in order.
    pub(super) fn parts_of(&self, name: MessageRef) -> Vec<MessageRef> {
        match self.messages.get(name).and_then(|message| message.link.as_deref()) {
            Some(Link::Whole(whole)) => whole.parts.iter().filter_map(|part| part.name).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether a carrier has, or may have, a part of this message other than `but`.
    pub(in crate::shard) fn has_gone_out(&self, whole: MessageRef, but: Option<MessageRef>) -> bool {
        let Some(Link::Whole(link)) = self.messages.get(whole).and_then(|message| message.link.as_deref())
        else {
            return false;
        };
        link.parts.iter().any(|part| match part.name {
            None => part.outcome.is_some(),
            name if name == but => false,
            Some(name) => self
                .messages
                .get(name)
                .is_some_and(|part| matches!(part.phase, Phase::InFlight | Phase::AwaitingReceipt)),
        })
    }

    /// Where a message stands in the journal's words: which part, and what goes with it.
    pub(in crate::shard) fn part_record(&self, name: MessageRef) -> Option<(PartRecord, Vec<u64>)> {
        let (of, number) = self.messages.get(name)?.part_of()?;
        match self.messages.get(of)?.link.as_deref()? {
            Link::Whole(whole) => Some((whole.record(number), self.ids_of(&whole.joined))),
            _ => None,
        }
    }

    pub(super) fn ids_of(&self, names: &[MessageRef]) -> Vec<u64> {
        names.iter().filter_map(|&name| Some(self.messages.get(name)?.id)).collect()
    }

    /// Takes the parts back, since the message goes elsewhere: none has gone out. Gives the message, which stands in `carrier`'s
    /// count of what is queued as one.
    pub(in crate::shard) fn gather(&mut self, name: MessageRef, carrier: u32) -> MessageRef {
        let Some((whole, _)) = self.messages.get(name).and_then(|message| message.part_of()) else {
            return name;
        };
        let mut attempts = 0;
        for part in self.parts_of(whole) {
            attempts = attempts.max(self.messages.get(part).map_or(0, |part| part.attempts));
            self.messages.remove(part);
            let carrier = &mut self.carriers[carrier as usize];
            carrier.queued = carrier.queued.saturating_sub(1);
        }
        self.carriers[carrier as usize].queued += 1;
        if let Some(message) = self.messages.get_mut(whole) {
            message.attempts = attempts;
            message.phase = Phase::Queued;
            match message.link.as_deref_mut() {
                Some(Link::Whole(link)) if !link.joined.is_empty() => link.parts.clear(),
                _ => message.link = None,
            }
        }
        whole
    }

    /// A part has reached its final state. Gives the offset of the record that says so.
    pub(in crate::shard) fn part_ended(&mut self, name: MessageRef, outcome: Outcome, then: Then) -> i64 {
        let nothing = self.journal.next_offset() - 1;
        let Some(part) = self.messages.get(name) else { return nothing };
        let Some((whole, number)) = part.part_of() else { return nothing };
        let (carrier, attempts, id) = (part.carrier, part.attempts, part.id);
        let carrier_message_id = part.carrier_message_id().to_vec();
        let on_disk = self.accounts[part.account as usize].on_disk();
        self.messages.remove(name);
        let wall_ms = self.clock.wall_ms;
        let Some(message) = self.messages.get_mut(whole) else { return nothing };
        message.attempts = message.attempts.max(attempts);
        message.carrier = carrier;
        let accepted_ms = message.accepted_ms;
        let Some(Link::Whole(link)) = message.link.as_deref_mut() else { return nothing };
        let mut outcome = outcome;
        outcome.done_ms = outcome.done_ms.max(accepted_ms);
        let total = link.parts.len();
        link.parts[usize::from(number) - 1] = Part { name: None, outcome: Some(outcome) };
        if total == 1 {
            message.set_carrier_message_id(&carrier_message_id);
            return self.end_as(whole, outcome, then);
        }
        let carrier_name = &self.carriers[carrier as usize].name;
        let offset = self.journal.append(wall_ms, id, |out| {
            event::part_ended(
                out,
                number,
                outcome.state,
                carrier_name,
                outcome.error(),
                outcome.done_ms,
                attempts.into(),
            );
        });
        if then != Then::Deliver {
            // The whole may not be ended yet: nobody is to hear of it.
            self.commits.push(on_disk, Awaiting { offset, message: NOBODY, then });
        }
        if !is_success(outcome.state) {
            self.abandon_unsent(whole, outcome);
        }
        self.end_if_all_have(whole);
        offset
    }

    /// What has not gone out does not go any more, and ends like the part that failed.
    pub(super) fn abandon_unsent(&mut self, whole: MessageRef, outcome: Outcome) {
        for part in self.parts_of(whole) {
            let Some(state) = self.messages.get(part) else { continue };
            if !matches!(state.phase, Phase::Queued | Phase::Retrying) {
                continue;
            }
            let Some((_, number)) = state.part_of() else { continue };
            self.count_out(part);
            self.messages.remove(part);
            if let Some(Link::Whole(link)) =
                self.messages.get_mut(whole).and_then(|it| it.link.as_deref_mut())
            {
                link.parts[usize::from(number) - 1] = Part { name: None, outcome: Some(outcome) };
            }
        }
    }

    /// The last part has ended: so has the message.
    pub(super) fn end_if_all_have(&mut self, whole: MessageRef) {
        let Some(Link::Whole(link)) = self.messages.get(whole).and_then(|message| message.link.as_deref())
        else {
            return;
        };
        if link.parts.iter().any(|part| part.outcome.is_none()) {
            return;
        }
        if let Some(outcome) = derive(link.parts.iter().filter_map(|part| part.outcome)) {
            self.end_as(whole, outcome, Then::Deliver);
        }
    }

    /// A message has ended: its parts with it, and what went out in it ends alike.
    pub(in crate::shard) fn end_linked(&mut self, name: MessageRef, outcome: Outcome) {
        let link = self.messages.get_mut(name).and_then(|message| message.link.take());
        let Some(Link::Whole(whole)) = link.map(|link| *link) else { return };
        for part in whole.parts.iter().filter_map(|part| part.name) {
            self.count_out(part);
            if let Some(state) = self.messages.get(part)
                && state.phase == Phase::AwaitingReceipt
            {
                let (carrier, id) = (state.carrier, state.carrier_message_id().to_vec());
                self.receipts.forget(carrier, &id, part);
            }
            self.messages.remove(part);
        }
        let carrier = self.messages.get(name).map(|message| (message.carrier, message.attempts));
        for joined in whole.joined {
            if let Some(message) = self.messages.get_mut(joined)
                && let Some((carrier, attempts)) = carrier
            {
                (message.carrier, message.attempts) = (carrier, attempts);
                message.link = None;
                self.end_as(joined, outcome, Then::Deliver);
            }
        }
    }

    /// Where a part that a customer sends has to go: a new one, or `but`, which is open.
    pub(in crate::shard) fn course_by(&self, part: Membership, but: Option<MessageRef>) -> Course {
        match self.together.course(part, but, &self.messages) {
            // It was removed: nothing goes there any more.
            Course::With(carrier) | Course::Only(carrier)
                if self.carriers[carrier as usize].config.is_none() =>
            {
                Course::Free
            }
            course => course,
        }
    }

    /// The same of a message that is open, and may be such a part.
    pub(in crate::shard) fn course_of(&self, name: MessageRef) -> Course {
        self.membership(name).map_or(Course::Free, |part| self.course_by(part, Some(name)))
    }

    /// Remembers where it goes, for the others.
    pub(in crate::shard) fn keep_together(&mut self, name: MessageRef) {
        if let Some(part) = self.membership(name)
            && let Some(message) = self.messages.get(name)
        {
            self.together.add(self.clock.now_ms(), part, message.carrier, name);
        }
    }

    fn membership(&self, name: MessageRef) -> Option<Membership> {
        let message =
            self.messages.get(name).filter(|it| it.may_change && !it.incoming && it.part_of().is_none())?;
        Membership::of(message.account, &message.content().ok()?)
    }

    /// What is known of its parts, for the journal.
    pub(in crate::shard) fn open_parts(&self, name: MessageRef, carrier: &str) -> Vec<v1::OpenPart> {
        let link = self.messages.get(name).and_then(|message| message.link.as_deref());
        let Some(Link::Whole(whole)) = link else { return Vec::new() };
        let open = |part: &Part| part.name.and_then(|name| self.messages.get(name));
        let mut known = Vec::new();
        for (number, part) in (1..).zip(&whole.parts) {
            let sent = open(part).filter(|message| message.phase == Phase::AwaitingReceipt);
            if sent.is_none() && part.outcome.is_none() {
                continue;
            }
            let ended = part.outcome.map(|outcome| v1::PartEnded {
                number: u32::from(number),
                state: outcome.state as i32,
                error: String::from_utf8_lossy(outcome.error()).into_owned(),
                done_at_ms: outcome.done_ms,
                ..v1::PartEnded::default()
            });
            // Also of one that has ended: it says how the parts are made.
            let sent = v1::Sent {
                carrier: carrier.to_owned(),
                carrier_message_id: sent
                    .map(|message| message.carrier_message_id().to_vec())
                    .unwrap_or_default(),
                attempt: sent.map_or(0, |message| message.attempts.into()),
                part: Some(whole.record(number).to_proto()),
                joined: self.ids_of(&whole.joined),
            };
            known.push(v1::OpenPart { number: number.into(), sent: Some(sent), ended });
        }
        known
    }

    /// Whether a message that goes out in parts can still be called back.
    pub(in crate::shard) fn is_whole_unsent(&self, name: MessageRef) -> bool {
        let link = self.messages.get(name).and_then(|message| message.link.as_deref());
        matches!(link, Some(Link::Whole(whole)) if whole.joined.is_empty()) && !self.has_gone_out(name, None)
    }
}

fn joined_pdus(content: &ShortMessage<'_>, origin: Origin, to: Manner, reference: u16) -> Option<Vec<Pdu>> {
    use brivas_smpp::segment::{Form, Segmented};
    use brivas_smpp::text::{DataCoding, Encoding};
    let part = Segmented::read(content).ok()?;
    let encoding = Encoding::of(DataCoding(content.data_coding), origin.alphabet, part.header.shift());
    let whole = brivas_smpp::segment::Whole::join([part], &encoding);
    // What came in parts can go in parts.
    let form = to.form.unwrap_or(Form::Udh8);
    let short = whole_as(whole.clone(), encoding, form, to.alphabet, reference, true);
    short.or_else(|| whole_as(whole, encoding, Form::Udh8, to.alphabet, reference, true))
}

/// A name that no message has.
pub(super) const NOBODY: MessageRef = MessageRef::from_token(u64::MAX);
