//! Which way a message goes: the route, the carrier, and what the policy says of it.
//!
//! A message remembers its route by number, so that every later attempt is made by the same one; with a new table it is
//! found again. With prefix routes only and no policy, all this is one look-up. Explanations are made elsewhere
//! (`grpc/explain.rs`), from the same facts.

use std::sync::Arc;

use brivas_route::{Balance, Decision, Direction, NO_ROUTE, Route, group_hash};
use brivas_smpp::text::DefaultAlphabet;
use brivas_smpp::tlv::{Tag, append};
use brivas_smpp::{CommandStatus, ShortMessage};

use super::Shard;
use super::messages::{Message, MessageRef};
use super::parties::Carrier;
use super::parts::{Course, Decided, Membership};
use crate::config::Config;
use crate::facts::{Addressed, Judging, digits, part_of, read_text};

/// Whether a message that was taken waits before it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// It goes on.
    Not,
    /// For review, by this rule of the policy.
    ForReview(u32),
    /// Until then, by the wall's clock.
    Until(i64),
}

/// The way of a message that may be taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    pub(super) route: u32,
    pub(super) carrier: u32,
    pub(super) hold: Hold,
}

/// What is known of a message before its way is looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    /// The account's throttle has one left: what it has not is not counted by the policy either.
    pub(super) may_take: bool,
    /// It is sent later: its carriers need no room now.
    pub(super) waits: bool,
    /// What data_coding 0 means in it.
    pub(super) alphabet: DefaultAlphabet,
}

/// Why a message is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoWay {
    NoRoute,
    QueuesFull,
    Throttled,
    /// The policy says so.
    Refused(CommandStatus),
}

/// A shard's own of routing and policy.
#[derive(Debug)]
pub(super) struct Routing {
    pub(super) judging: Judging,
    /// For what is changed on its way out.
    mandatory: Vec<u8>,
    tlvs: Vec<u8>,
}

impl Routing {
    pub(super) fn new(seed: u64) -> Self {
        Self { judging: Judging::new(seed), mandatory: Vec::new(), tlvs: Vec::new() }
    }

    /// The route of an open message: the one it had, or, with another table, what that says now.
    pub(super) fn route<'config>(
        &mut self,
        config: &'config Config,
        message: &mut Message,
        wall_ms: i64,
    ) -> Option<&'config Route> {
        if message.table != config.table_generation {
            let content = message.content().ok()?;
            let from = (message.account, message.alphabet(config));
            let route = self.judging.find(config, from, &content, wall_ms);
            (message.route, message.table) = (route.map_or(NO_ROUTE, Route::number), config.table_generation);
        }
        config.table.route(message.route)
    }

    /// The message as it goes to this carrier of its route: its own octets, or changed ones.
    pub(super) fn rewritten<'a>(
        &'a mut self,
        config: &Config,
        message: &'a mut Message,
        carrier: u32,
        wall_ms: i64,
    ) -> (&'a [u8], &'a [u8]) {
        let rewrite = self.route(config, message, wall_ms).and_then(|route| route.rewrite(carrier));
        let (Some(rewrite), Ok(content)) = (rewrite, message.content()) else {
            return (message.mandatory(), message.tlvs());
        };
        let mut changed = content;
        if let Some(sender) = &rewrite.sender {
            changed.source.ton = sender.ton;
            changed.source.npi = sender.npi;
            changed.source.digits = &sender.address;
        }
        self.mandatory.clear();
        changed.encode_mandatory(&mut self.mandatory);
        self.tlvs.clear();
        let added = |tag: Tag| rewrite.tlvs.iter().find(|added| added.tag == tag.0);
        for tlv in content.tlvs.iter() {
            if added(tlv.tag).is_none_or(|added| added.keep_own) {
                append(&mut self.tlvs, tlv.tag, tlv.value);
            }
        }
        for new in &rewrite.tlvs {
            let tag = Tag(new.tag);
            if !new.keep_own || content.tlvs.find(tag).is_none() {
                append(&mut self.tlvs, tag, &new.value);
            }
        }
        (&self.mandatory, &self.tlvs)
    }
}

impl Judging {
    /// The route that the table has for a customer's message.
    pub(crate) fn find<'config>(
        &mut self,
        config: &'config Config,
        (account, alphabet): (u32, DefaultAlphabet),
        message: &ShortMessage<'_>,
        wall_ms: i64,
    ) -> Option<&'config Route> {
        let addressed = Addressed::of(message);
        if !config.table.has_rules(Direction::Mt) {
            return config.table.lookup(Direction::Mt, account, addressed.destination);
        }
        if config.table.reads_text(Direction::Mt) {
            read_text(message, alphabet, &mut self.text);
        } else {
            self.text.clear();
        }
        config.table.find(&addressed.sent_by_account(config, account, &self.text), wall_ms, &mut self.scratch)
    }
}

impl Judging {
    /// What the policy says of a message that was counted before.
    pub(super) fn recheck(
        &mut self,
        config: &Config,
        (account, alphabet): (u32, DefaultAlphabet),
        message: &ShortMessage<'_>,
        wall_ms: i64,
    ) -> Result<Hold, CommandStatus> {
        if config.policy.is_empty() {
            return Ok(Hold::Not);
        }
        read_text(message, alphabet, &mut self.text);
        let facts = Addressed::of(message).sent_by_account(config, account, &self.text);
        verdict(config.policy.recheck(&mut self.state, &facts, wall_ms))
    }
}

/// What draws the order of a route's carriers for a message. `single` tells messages of one part apart.
pub(super) fn draw(route: &Route, account: u32, message: &ShortMessage<'_>, hash: u64, single: u64) -> u64 {
    if route.balance() != Balance::Message {
        return hash;
    }
    let (sender, destination) = (digits(message.source.digits), digits(message.destination.digits));
    let reference = part_of(message).map_or(single, |part| part.reference);
    route.draw(hash, group_hash(account, sender, destination, reference))
}

/// The first carrier in the order of trial that is up and has room; else the first that has room.
fn choose(carriers: &[Carrier], route: &Route, draw: u64) -> Option<u32> {
    let has_room = |number: u32| carriers.get(number as usize).is_some_and(Carrier::has_room);
    let is_up = |number: u32| has_room(number) && !carriers[number as usize].up.is_empty();
    route.choose(draw, is_up).or_else(|| route.choose(draw, has_room))
}

/// The same; for what is sent later the first in the order of trial will do.
fn choose_or_wait(carriers: &[Carrier], route: &Route, draw: u64, asked: Asked) -> Option<u32> {
    choose(carriers, route, draw).or_else(|| route.candidates(draw).next().filter(|_| asked.waits))
}

impl Shard {
    /// The way of a customer's message. `hash` is the destination's.
    pub(super) fn find_way(
        &mut self,
        account: u32,
        message: &ShortMessage<'_>,
        hash: u64,
        asked: Asked,
    ) -> Result<Way, NoWay> {
        let part = Membership::of(account, message);
        let course = part.map_or(Course::Free, |part| self.course_by(part, None));
        let Self { config, routing, carriers, clock, ids, together, .. } = self;
        let (wall_ms, now_ms) = (clock.wall_ms, clock.now_ms());
        let judging = &mut routing.judging;
        if !config.judges_mt && part.is_none() {
            let destination = digits(message.destination.digits);
            let route = config.table.lookup(Direction::Mt, account, destination).ok_or(NoWay::NoRoute)?;
            let draw = draw(route, account, message, hash, ids.peek(wall_ms));
            let carrier = choose_or_wait(carriers, route, draw, asked).ok_or(NoWay::QueuesFull)?;
            return asked
                .may_take
                .then_some(Way { route: route.number(), carrier, hold: Hold::Not })
                .ok_or(NoWay::Throttled);
        }
        let addressed = Addressed::of(message);
        if config.table.reads_text(Direction::Mt) || config.policy.reads_text() {
            read_text(message, asked.alphabet, &mut judging.text);
        } else {
            judging.text.clear();
        }
        let facts = addressed.sent_by_account(config, account, &judging.text);
        let known = part.and_then(|part| together.decided(part, now_ms));
        // The number of a route is one of its table's.
        let of_table = known.filter(|known| known.table == config.table_generation);
        let route = match of_table {
            Some(known) => config.table.route(known.route),
            None => config.table.find(&facts, wall_ms, &mut judging.scratch),
        };
        let route = route.ok_or(NoWay::NoRoute)?;
        let group = part.map(Membership::group);
        let draw = route.draw(
            hash,
            group.unwrap_or_else(|| {
                group_hash(account, addressed.source, addressed.destination, ids.peek(wall_ms))
            }),
        );
        let carrier = match course {
            Course::Free => choose_or_wait(carriers, route, draw, asked),
            // Half a message here and half there is none: it follows, or is not taken.
            Course::With(carrier) | Course::Only(carrier) => {
                Some(carrier).filter(|&number| asked.waits || carriers[number as usize].has_room())
            }
        };
        let carrier = carrier.ok_or(NoWay::QueuesFull)?;
        if !asked.may_take {
            return Err(NoWay::Throttled);
        }
        let state = &mut judging.state;
        let verdict = match of_table.and_then(|known| known.verdict) {
            // What was let pass is let pass part by part: counted once, looked at each time.
            Some(Ok(Hold::Not)) => verdict(config.policy.recheck(state, &facts, wall_ms)),
            Some(known) => known,
            None if config.policy.is_empty() => Ok(Hold::Not),
            None => verdict(config.policy.decide(state, &facts, wall_ms)),
        };
        let route = route.number();
        if let Some(part) = part {
            let decided = Decided { route, table: config.table_generation, verdict: Some(verdict) };
            together.decide(now_ms, part, carrier, decided);
        }
        let hold = verdict.map_err(NoWay::Refused)?;
        Ok(Way { route, carrier, hold })
    }

    /// The account that gets a carrier's message.
    pub(super) fn incoming_account(&mut self, carrier: u32, message: &ShortMessage<'_>) -> Option<u32> {
        let (table, judging) = (&self.config.table, &mut self.routing.judging);
        let addressed = Addressed::of(message);
        if !table.has_rules(Direction::Mo) {
            return table.lookup(Direction::Mo, u32::MAX, addressed.destination)?.to_account();
        }
        if table.reads_text(Direction::Mo) {
            read_text(message, self.config.carrier_alphabet(carrier), &mut judging.text);
        } else {
            judging.text.clear();
        }
        let facts = addressed.sent_by_carrier(&self.config, Some(carrier), &judging.text);
        table.find(&facts, self.clock.wall_ms, &mut judging.scratch)?.to_account()
    }

    /// The carrier that an open message goes to now: chosen anew from its route, whether one is up or not.
    pub(super) fn carrier_of(&mut self, name: MessageRef) -> Option<u32> {
        let config = Arc::clone(&self.config);
        let message = self.messages.get_mut(name)?;
        let route = self.routing.route(&config, message, self.clock.wall_ms)?;
        let draw = draw_again(route, message);
        choose(&self.carriers, route, draw).or_else(|| route.candidates(draw).next())
    }

    /// The carrier of a message whose time has come: of the route that it has now.
    pub(super) fn carrier_when_due(&mut self, name: MessageRef) -> Result<u32, NoWay> {
        let config = Arc::clone(&self.config);
        let message = self.messages.get_mut(name).ok_or(NoWay::NoRoute)?;
        // What its route was when it was taken says nothing now: there are routes by time.
        message.table = 0;
        let route = self.routing.route(&config, message, self.clock.wall_ms).ok_or(NoWay::NoRoute)?;
        let draw = draw_again(route, message);
        choose(&self.carriers, route, draw).ok_or(NoWay::QueuesFull)
    }

    /// The carrier of a message that was open before a restart: the one it had, the one that other parts of it have, or
    /// the first of its route, whether it is up or not.
    pub(super) fn restore_way(&mut self, name: MessageRef, named: Option<u32>) -> Option<u32> {
        let config = Arc::clone(&self.config);
        let (table, now_ms) = (config.table_generation, self.clock.now_ms());
        let message = self.messages.get_mut(name)?;
        let part = Membership::of(message.account, &message.content().ok()?);
        if let Some(known) = part.and_then(|part| self.together.decided(part, now_ms)) {
            (message.route, message.table) = (known.route, known.table);
        }
        let route = self.routing.route(&config, message, self.clock.wall_ms);
        let first = route.and_then(|route| route.candidates(draw_again(route, message)).next());
        let route = message.route;
        let others = part.and_then(|part| match self.course_by(part, None) {
            Course::With(carrier) | Course::Only(carrier) => Some(carrier),
            Course::Free => None,
        });
        let carrier = named.or(others).or(first)?;
        if let Some(part) = part {
            // The policy has forgotten its counts as well: it looks at the parts that are to come.
            self.together.decide(now_ms, part, carrier, Decided { route, table, verdict: None });
            self.together.add(now_ms, part, carrier, name);
        }
        Some(carrier)
    }

    /// The carriers of an open message's route in the order of trial, if it has one.
    pub(super) fn candidates_of(&mut self, name: MessageRef) -> Option<brivas_route::Candidates> {
        let message = self.messages.get_mut(name)?;
        let route = self.routing.route(&self.config, message, self.clock.wall_ms)?;
        Some(route.candidates(draw_again(route, message)))
    }
}

/// The draw of an open message, as it was when it was taken.
fn draw_again(route: &Route, message: &Message) -> u64 {
    let hash = message.destination_hash;
    if route.balance() != Balance::Message {
        return hash;
    }
    message.content().map_or(hash, |content| draw(route, message.account, &content, hash, message.id))
}

/// What the shard does by a decision.
fn verdict(decision: Decision) -> Result<Hold, CommandStatus> {
    match decision {
        Decision::Accept => Ok(Hold::Not),
        Decision::Refuse { status, .. } => Err(CommandStatus(status)),
        Decision::Quarantine { rule } => Ok(Hold::ForReview(rule)),
        Decision::Delay { until_ms, .. } => Ok(Hold::Until(until_ms)),
    }
}
