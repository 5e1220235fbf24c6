//! What rules see of a message: made in one place for the shard, which decides by it, and for whoever explains.

use brivas_route::{Direction, Message, PolicyState, Scratch, VelocityLimits};
use brivas_smpp::ShortMessage;
use brivas_smpp::segment::Segmented;
use brivas_smpp::text::{Charset, DataCoding, DefaultAlphabet, Encoding, Shift};

use crate::config::Config;

/// A message that has addresses, in the terms of this module.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addressed<'a> {
    /// Without '+'.
    pub(crate) source: &'a [u8],
    pub(crate) destination: &'a [u8],
    pub(crate) data_coding: u8,
}

/// Which part of a message this is, where it is one of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PartOf {
    /// What all of them share.
    pub(crate) reference: u64,
    pub(crate) sequence: u8,
    pub(crate) total: u8,
}

impl<'a> Addressed<'a> {
    pub(crate) fn of(message: &ShortMessage<'a>) -> Self {
        Self {
            source: digits(message.source.digits),
            destination: digits(message.destination.digits),
            data_coding: message.data_coding,
        }
    }

    /// What rules see of a customer's message.
    pub(crate) fn sent_by_account(self, config: &Config, account: u32, text: &'a str) -> Message<'a> {
        let tags = config.account(account).map_or(0, |account| account.tags);
        let network = config.numbers.network(self.destination);
        self.facts(Direction::Mt, account, network.map(|(network, _)| network), tags, text)
    }

    /// What rules see of a carrier's message: whose it is comes of the rules, so it has no account; the network is the
    /// sender's.
    pub(crate) fn sent_by_carrier(self, config: &Config, carrier: Option<u32>, text: &'a str) -> Message<'a> {
        let carrier = carrier.and_then(|carrier| config.carrier(carrier));
        let network = config.numbers.network(self.source);
        let tags = carrier.map_or(0, |carrier| carrier.tags);
        self.facts(Direction::Mo, u32::MAX, network.map(|(network, _)| network), tags, text)
    }

    const fn facts(
        self,
        direction: Direction,
        account: u32,
        network: Option<brivas_route::Network>,
        tags: u64,
        text: &'a str,
    ) -> Message<'a> {
        let Self { source, destination, data_coding } = self;
        Message { direction, account, sender: source, destination, network, data_coding, tags, text }
    }
}

/// Puts the text of a message into `out`; what is binary leaves it empty. `alphabet` is what data_coding 0 means where it
/// comes from.
pub(crate) fn read_text(message: &ShortMessage<'_>, alphabet: DefaultAlphabet, out: &mut String) {
    out.clear();
    let part = Segmented::read(message);
    let (content, shift) = match &part {
        Ok(part) => (part.content, part.header.shift()),
        // A header that does not add up: the whole is looked at.
        Err(_) => (message.text(), Shift::NONE),
    };
    let encoding = Encoding::of(DataCoding(message.data_coding), alphabet, shift);
    match (encoding.charset, &part) {
        (Charset::Octets, _) => {}
        (Charset::GsmPacked(_), Ok(part)) => {
            let mut unpacked = Vec::with_capacity(content.len() * 8 / 7 + 1);
            part.append_unpacked(&encoding, &mut unpacked);
            encoding.charset.decode(encoding.shift, &unpacked, out);
        }
        (charset, _) => charset.decode(encoding.shift, content, out),
    }
}

/// Whether a message is one part of several.
pub(crate) fn part_of(message: &ShortMessage<'_>) -> Option<PartOf> {
    if !message.esm_class.has_udh() && message.tlvs.is_empty() {
        return None;
    }
    let part = Segmented::read(message).ok().filter(Segmented::is_part)?;
    // Kinds count their references apart.
    Some(PartOf {
        reference: (part.kind as u64) << 32 | u64::from(part.total) << 16 | u64::from(part.reference),
        sequence: part.sequence,
        total: part.total,
    })
}

/// Digits of a number, without the '+' that some write.
pub(crate) fn digits(address: &[u8]) -> &[u8] {
    address.strip_prefix(b"+").unwrap_or(address)
}

/// Changes of consent that are newer than the lists, at most.
pub(crate) const CONSENTS_MAX: usize = 1_000_000;

/// What a shard needs to decide, beside the configuration. Its buffers are kept from message to message.
#[derive(Debug)]
pub(crate) struct Judging {
    pub(crate) state: PolicyState,
    pub(crate) scratch: Scratch,
    pub(crate) text: String,
}

impl Judging {
    /// `seed` is anything that peers cannot know.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            state: PolicyState::new(VelocityLimits::default(), CONSENTS_MAX, seed),
            scratch: Scratch::default(),
            text: String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use brivas_smpp::EsmClass;

    use super::*;

    #[test]
    fn a_text_is_read_behind_its_header_and_binary_is_none() {
        let mut text = String::from("old");
        let part = ShortMessage {
            esm_class: EsmClass(0x40),
            short_message: b"\x05\x00\x03\x07\x02\x01STOP \x00",
            ..ShortMessage::default()
        };
        read_text(&part, DefaultAlphabet::Gsm, &mut text);
        assert_eq!(text, "STOP @");
        assert_eq!(part_of(&part).map(|part| part.reference & 0xffff), Some(7));
        read_text(&ShortMessage { data_coding: 4, ..part }, DefaultAlphabet::Gsm, &mut text);
        assert_eq!(text, "");
        let latin1 = ShortMessage { short_message: b"St\xf8p@", ..ShortMessage::default() };
        read_text(&latin1, DefaultAlphabet::Latin1, &mut text);
        assert_eq!(text, "Støp@");
        let packed = DefaultAlphabet::GsmPacked(brivas_smpp::text::Padding::CarriageReturn);
        let hello = ShortMessage { short_message: b"\xe8\x32\x9b\xfd\x06", ..ShortMessage::default() };
        read_text(&hello, packed, &mut text);
        assert_eq!(text, "hello");
        let alone = ShortMessage { short_message: b"hello", ..ShortMessage::default() };
        assert_eq!(part_of(&alone), None);
    }
}
