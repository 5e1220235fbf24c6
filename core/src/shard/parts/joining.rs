//! Parts that wait for the rest of their message, since who gets it wants it whole or cut in another way.
//!
//! Each is a message of its own: accepted, journaled, answered. When all are there, the first one goes out for them, and they
//! share what becomes of it. When they are not in time, or too many wait, each goes as it came. Every account has its own
//! bounds: nobody is pushed out by others.

use brivas_smpp::segment::{
    Assembled, Kind, Offer, PartBody, Position, Reassembler, ReassemblerConfig, Segmented,
};
use brivas_smpp::text::{DataCoding, Encoding};
use brivas_smpp::{RegisteredDelivery, ShortMessage};

use super::link::{Link, Whole};
use super::manner::Manner;
use crate::shard::Shard;
use crate::shard::messages::{MessageRef, Phase};

/// An account's parts that wait.
#[derive(Debug)]
pub(crate) struct Joining {
    timeout_ms: u64,
    outgoing: Reassembler<MessageRef>,
    incoming: Reassembler<MessageRef>,
}

/// Messages of an account that wait for parts at once, and octets of them, in each direction.
const MESSAGES_MAX: usize = 1_000;
const OCTETS_MAX: usize = 4 << 20;
/// What message_payload takes, with room for the header.
const JOINED_OCTETS_MAX: usize = 64_000;
/// How long parts wait, where the account does not say.
const TIMEOUT_SECONDS: u32 = 60;

impl Joining {
    fn new(timeout_ms: u64) -> Self {
        let config = ReassemblerConfig {
            messages_max: MESSAGES_MAX,
            octets_max: OCTETS_MAX,
            timeout_ms,
            ..ReassemblerConfig::default()
        };
        Self { timeout_ms, outgoing: Reassembler::new(config), incoming: Reassembler::new(config) }
    }

    fn is_idle(&self) -> bool {
        self.outgoing.waiting() == 0 && self.incoming.waiting() == 0
    }
}

impl Shard {
    /// Lets a part wait for the rest, or lets all go that were waiting for it. False: it cannot wait.
    pub(super) fn hold(&mut self, name: MessageRef) -> bool {
        let Some(message) = self.messages.get_mut(name) else { return false };
        // Whatever comes of it: it waits once.
        message.has_waited = true;
        let (account_number, incoming) = (message.account, message.incoming);
        let Some(message) = self.messages.get(name) else { return false };
        let account = &self.accounts[account_number as usize];
        let seconds = account.config.as_ref().map_or(0, |config| config.spec.reassembly_timeout_seconds);
        let timeout_ms = u64::from(if seconds == 0 { TIMEOUT_SECONDS } else { seconds }) * 1_000;
        let alphabet = if incoming {
            self.carrier_manner(message.carrier).alphabet
        } else {
            account.config.as_ref().map_or(Manner::default(), |config| config.manner()).alphabet
        };
        let Ok(content) = message.content() else { return false };
        let Ok(part) = Segmented::read(&content) else { return false };
        let encoding = Encoding::of(DataCoding(content.data_coding), alphabet, part.header.shift());
        let joining = &mut self.accounts[account_number as usize].joining;
        if joining.as_ref().is_none_or(|joining| joining.timeout_ms != timeout_ms && joining.is_idle()) {
            *joining = Some(Box::new(Joining::new(timeout_ms)));
        }
        let Some(joining) = joining else { return false };
        let side = if incoming { &mut joining.incoming } else { &mut joining.outgoing };
        let addresses = (content.source.digits, content.destination.digits);
        let mut dropped = Vec::new();
        let offer = side.offer(self.clock.now_ms(), addresses, &part, &encoding, name, &mut dropped);
        let is_held = match offer {
            Offer::Held => {
                if let Some(message) = self.messages.get_mut(name) {
                    message.phase = Phase::Held;
                }
                true
            }
            Offer::Complete(assembled) => {
                if let Some(message) = self.messages.get_mut(name) {
                    message.phase = Phase::Held;
                }
                self.join(&assembled);
                true
            }
            Offer::Alone(_) | Offer::Duplicate(_) | Offer::Refused(_) => false,
        };
        for incomplete in dropped {
            self.let_go(incomplete.parts.into_iter().map(|part| part.token).collect());
        }
        is_held
    }

    /// What has waited long enough goes as it came.
    pub(in crate::shard) fn expire_joining(&mut self) {
        let now_ms = self.clock.now_ms();
        for number in 0..self.accounts.len() {
            while let Some(joining) = &mut self.accounts[number].joining {
                let expired = joining.outgoing.expire(now_ms).or_else(|| joining.incoming.expire(now_ms));
                let Some(expired) = expired else { break };
                self.let_go(expired.parts.into_iter().map(|part| part.token).collect());
            }
        }
    }

    /// Messages that waited for each other do not any more.
    fn let_go(&mut self, names: Vec<MessageRef>) {
        for name in names {
            let Some(message) = self.messages.get(name) else { continue };
            if message.phase != Phase::Held {
                continue;
            }
            if message.incoming {
                self.deliver(name);
            } else {
                self.dispatch(name);
            }
        }
    }

    /// All parts are there: the first one goes out for all.
    fn join(&mut self, assembled: &Assembled<MessageRef>) {
        let names = &assembled.tokens;
        let Some((&leader, others)) = names.split_first() else { return };
        let Some((body, carrier)) = self.joined_body(assembled) else {
            self.let_go(names.clone());
            return;
        };
        for &other in others {
            self.count_out(other);
            if let Some(message) = self.messages.get_mut(other) {
                message.phase = Phase::InParts;
                message.carrier = carrier;
                message.link = Some(Box::new(Link::Joined));
            }
        }
        let Some(message) = self.messages.get_mut(leader) else { return };
        let whole = Whole { joined: others.to_vec(), body, ..Whole::default() };
        message.link = Some(Box::new(Link::Whole(whole)));
        message.may_change = true;
        if message.incoming {
            self.deliver(leader);
        } else {
            self.dispatch(leader);
        }
    }

    /// The body of the whole, and its carrier. None: one of the parts has ended meanwhile, or they do not belong together after
    /// all.
    fn joined_body(&self, assembled: &Assembled<MessageRef>) -> Option<(Vec<u8>, u32)> {
        let (whole, encoding) = (&assembled.whole, &assembled.encoding);
        if whole.headers_differ || whole.content.len() + whole.header.len() > JOINED_OCTETS_MAX {
            return None;
        }
        let leader = self.messages.get(*assembled.tokens.first()?)?;
        let content = leader.content().ok()?;
        let mut registered_delivery = content.registered_delivery;
        for &name in &assembled.tokens {
            let message = self.messages.get(name).filter(|message| message.phase == Phase::Held)?;
            let other = message.content().ok()?;
            if other.data_coding != content.data_coding || other.protocol_id != content.protocol_id {
                return None;
            }
            if other.registered_delivery.wants_receipt() {
                registered_delivery = RegisteredDelivery::ALWAYS;
            }
        }
        let position = Position { kind: Kind::Payload, reference: 0, total: 1, sequence: 1 };
        let payload = PartBody::new(position, whole.udh(), encoding, &whole.content);
        let mut area = Vec::new();
        let joined = payload.message(&content, &mut area);
        let mut body = Vec::new();
        ShortMessage { registered_delivery, ..joined }.encode(&mut body);
        Some((body, leader.carrier))
    }

    /// A message that was put together cannot go out as one: its parts go as they came. False: it was not put together.
    pub(super) fn disband(&mut self, name: MessageRef) -> bool {
        let Some(message) = self.messages.get_mut(name) else { return false };
        let Some(Link::Whole(_)) = message.link.as_deref() else { return false };
        let carrier = message.carrier;
        let incoming = message.incoming;
        let Some(Link::Whole(whole)) = message.link.take().map(|link| *link) else { return false };
        for joined in std::iter::once(name).chain(whole.joined) {
            let Some(message) = self.messages.get_mut(joined) else { continue };
            message.link = None;
            message.phase = Phase::Held;
            message.carrier = carrier;
            if !incoming && joined != name {
                self.carriers[carrier as usize].queued += 1;
            }
            self.let_go(vec![joined]);
        }
        true
    }

    /// Puts parts together again of which the journal says that they went out together, in the order of their sequence.
    pub(super) fn rejoin(&mut self, leader: MessageRef, others: &[MessageRef]) -> bool {
        let tokens: Vec<_> = std::iter::once(leader).chain(others.iter().copied()).collect();
        for &name in &tokens {
            if let Some(message) = self.messages.get_mut(name) {
                message.phase = Phase::Held;
            }
        }
        let Some(assembled) = self.assembled(tokens) else { return false };
        let Some((body, _)) = self.joined_body(&assembled) else { return false };
        for &other in others {
            if let Some(message) = self.messages.get_mut(other) {
                message.phase = Phase::InParts;
                message.link = Some(Box::new(Link::Joined));
            }
        }
        if let Some(message) = self.messages.get_mut(leader) {
            let whole = Whole { joined: others.to_vec(), body, ..Whole::default() };
            message.link = Some(Box::new(Link::Whole(whole)));
            message.may_change = true;
        }
        true
    }

    fn assembled(&self, tokens: Vec<MessageRef>) -> Option<Assembled<MessageRef>> {
        let leader = self.messages.get(*tokens.first()?)?;
        let account = self.accounts[leader.account as usize].config.as_ref();
        let alphabet = account.map_or(Manner::default(), |config| config.manner()).alphabet;
        let mut parts = Vec::with_capacity(tokens.len());
        let mut data_coding = DataCoding::default();
        for &name in &tokens {
            let content = self.messages.get(name)?.content().ok()?;
            data_coding = DataCoding(content.data_coding);
            parts.push(Segmented::read(&content).ok()?);
        }
        let encoding = Encoding::of(data_coding, alphabet, parts.first()?.header.shift());
        let whole = brivas_smpp::segment::Whole::join(parts, &encoding);
        Some(Assembled { whole, encoding, tokens })
    }

    /// Forgets that messages belonged together.
    pub(super) fn unlink(&mut self, names: impl IntoIterator<Item = MessageRef>) {
        for name in names {
            if let Some(message) = self.messages.get_mut(name) {
                message.link = None;
                message.phase = Phase::Queued;
            }
        }
    }
}
