//! What a message becomes for a peer: nothing else than it is, one PDU or several others, or a part that waits for the rest.
//!
//! Pure: the same message, manner and reference make the same PDUs, which is what a restart relies on. Nothing is lost on
//! the way: what cannot be changed without loss goes as it came.

use brivas_smpp::ShortMessage;
use brivas_smpp::segment::{Form, Kind, PartBody, Segmented, Udh, Whole, split, udh};
use brivas_smpp::text::{Alphabet, Charset, DataCoding, DefaultAlphabet, Encoding, Shift, Unit};

use super::manner::Manner;

/// What becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Prepared {
    /// It goes as it came.
    AsItIs,
    /// It goes in these.
    Pdus(Vec<Pdu>),
    /// It is a part, and goes with the others.
    Waits,
}

/// One PDU: what of it differs from the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pdu {
    pub(super) body: PartBody,
    pub(super) data_coding: u8,
}

/// Whose words the message is in, and what else is to be known of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    /// What its data_coding 0 means.
    pub(super) alphabet: DefaultAlphabet,
    /// It came whole by API, however long: nobody has chosen a form.
    pub(super) by_api: bool,
    /// As a part it may wait for the rest.
    pub(super) may_wait: bool,
}

/// Decides.
pub(super) fn prepare(message: &ShortMessage<'_>, from: Origin, to: Manner, reference: u16) -> Prepared {
    if to.form.is_none() && to.alphabet == from.alphabet && !from.by_api {
        return Prepared::AsItIs;
    }
    // A header that does not add up is the peers' affair.
    let Ok(part) = Segmented::read(message) else { return Prepared::AsItIs };
    let encoding = Encoding::of(DataCoding(message.data_coding), from.alphabet, part.header.shift());
    if part.is_part() {
        return as_part(message, &part, encoding, from, to);
    }
    let form = match (to.form, part.kind) {
        (Some(form), _) => form,
        (None, Kind::Payload) if !from.by_api => Form::Payload,
        (None, _) => Form::Udh8,
    };
    let is_alike = Charset::of(DataCoding(message.data_coding), to.alphabet) == encoding.charset;
    if is_alike {
        let fits = match part.kind {
            // Who asks for parts, and who has no form, gets short what is short.
            Kind::Payload => form == Form::Payload,
            _ => form == Form::Payload || to.form.is_none() || fits(&part, &encoding),
        };
        if fits {
            return Prepared::AsItIs;
        }
    }
    let whole = Whole::join([part], &encoding);
    let was_payload = part.kind == Kind::Payload;
    let pdus = whole_as(whole, encoding, form, to.alphabet, reference, !was_payload);
    pdus.map_or(Prepared::AsItIs, Prepared::Pdus)
}

/// All PDUs of a whole message. None: it cannot be done without loss. `may_be_short`: if it fits into one short_message,
/// it need not be a payload.
pub(super) fn whole_as(
    mut whole: Whole,
    encoding: Encoding,
    form: Form,
    alphabet: DefaultAlphabet,
    reference: u16,
    may_be_short: bool,
) -> Option<Vec<Pdu>> {
    let (encoding, content) = translate(&whole.content, encoding, alphabet);
    if let Some(content) = content {
        whole.content = content;
    }
    if !encoding.charset.is_gsm() {
        whole.header = without_shifts(whole.udh());
    }
    let alone_octets = if whole.header.is_empty() { 0 } else { 1 + whole.header.len() };
    let is_short = may_be_short && encoding.fits(&whole.content, alone_octets);
    let form = if is_short { Form::Udh8 } else { form };
    let bodies = split(&whole, &encoding, form, reference).ok()?;
    Some(bodies.into_iter().map(|body| Pdu { body, data_coding: encoding.data_coding.0 }).collect())
}

/// A part that came as one.
fn as_part(
    message: &ShortMessage<'_>,
    part: &Segmented<'_>,
    encoding: Encoding,
    from: Origin,
    to: Manner,
) -> Prepared {
    let kind = match to.form {
        None => part.kind,
        Some(Form::Udh8) => Kind::Udh8,
        Some(Form::Udh16) => Kind::Udh16,
        Some(Form::Sar) => Kind::Sar,
        Some(Form::Payload) if from.may_wait => return Prepared::Waits,
        Some(Form::Payload) => part.kind,
    };
    // Each part alone where none needs more room for its header than it had; else all are cut anew.
    let may_grow =
        matches!((part.kind, kind), (Kind::Udh8, Kind::Udh16) | (Kind::Sar, Kind::Udh8 | Kind::Udh16));
    if may_grow && from.may_wait {
        return Prepared::Waits;
    }
    let mut content = Vec::new();
    part.append_unpacked(&encoding, &mut content);
    let (new, translated) = translate(&content, encoding, to.alphabet);
    let kind = if may_grow { part.kind } else { kind };
    if kind == part.kind && new == encoding {
        return Prepared::AsItIs;
    }
    let content = translated.as_deref().unwrap_or(&content);
    let others =
        if new.charset.is_gsm() { part.header.octets().to_vec() } else { without_shifts(part.header) };
    let others = Udh::parse(&others).unwrap_or_default();
    let position = brivas_smpp::segment::Position { kind, ..part.position() };
    let mut body = PartBody::new(position, others, &new, content);
    if !message.short_message.is_empty() || body.short_message.is_empty() {
        return Prepared::Pdus(vec![Pdu { body, data_coding: new.data_coding.0 }]);
    }
    // It came in message_payload, with a header: that is how it stays.
    let octets = std::mem::take(&mut body.short_message);
    brivas_smpp::tlv::append(&mut body.tlvs, brivas_smpp::tlv::Tag::MESSAGE_PAYLOAD, &octets);
    Prepared::Pdus(vec![Pdu { body, data_coding: new.data_coding.0 }])
}

fn fits(part: &Segmented<'_>, encoding: &Encoding) -> bool {
    let mut content = Vec::new();
    part.append_unpacked(encoding, &mut content);
    encoding.fits(&content, part.header_octets)
}

/// The same text where data_coding 0 means something else: with 0 if it can be, else with the data_coding that says it. No
/// content: the octets are the same, but for packing.
fn translate(content: &[u8], from: Encoding, to: DefaultAlphabet) -> (Encoding, Option<Vec<u8>>) {
    let said = Encoding { charset: Charset::of(from.data_coding, to), ..from };
    if said.charset == from.charset || (said.charset.is_gsm() && from.charset.is_gsm()) {
        return (said, None);
    }
    let text = from.decode(content);
    if text.contains(char::REPLACEMENT_CHARACTER) {
        // Not what it says that it is: octets pass.
        return (from, None);
    }
    let by_name = match from.charset {
        Charset::Latin1 => Some(Alphabet::Latin1),
        Charset::Ascii => Some(Alphabet::Ascii),
        _ => None,
    };
    let candidates = [Some(Alphabet::Default), by_name, Some(Alphabet::Ucs2)];
    for alphabet in candidates.into_iter().flatten() {
        let data_coding = if alphabet == Alphabet::Default {
            from.data_coding
        } else {
            DataCoding::new(alphabet, None).unwrap_or_default()
        };
        let encoding = Encoding::of(data_coding, to, Shift::NONE);
        let mut octets = Vec::with_capacity(text.len());
        let is_said = encoding.charset.encode(Shift::NONE, &text, &mut octets).is_ok();
        // A carrier that makes septets of it must have one for each character.
        let arrives = encoding.unit() == Unit::Octets
            || text.chars().all(|character| Shift::NONE.septets(character).is_some());
        if is_said && arrives && encoding.decode(&octets) == text {
            return (encoding, Some(octets));
        }
    }
    (from, None)
}

/// A header's elements without the tables of a GSM text.
fn without_shifts(header: Udh<'_>) -> Vec<u8> {
    use udh::Identifier;
    let mut others = Vec::new();
    for element in header.iter() {
        if !matches!(element.identifier, Identifier::SINGLE_SHIFT | Identifier::LOCKING_SHIFT) {
            udh::append(&mut others, element.identifier, element.data);
        }
    }
    others
}

#[cfg(test)]
#[path = "prepare_tests.rs"]
mod tests;
