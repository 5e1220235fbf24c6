//! A caller's message as the body of a submit_sm.

use brivas_proto::v1;
use brivas_smpp::frame::{HEADER_BYTES, PDU_BYTES_MAX};
use brivas_smpp::pdu::Address;
use brivas_smpp::text::{Alphabet, Cost, MessageClass, Plan, PlanError};
use brivas_smpp::tlv::Tlvs;
use brivas_smpp::{CommandStatus, EsmClass, RegisteredDelivery, ShortMessage, time};

use crate::texts::{self, TextCost};

/// Why a message was refused before it reached the shard.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: CommandStatus,
    pub(super) error: String,
    pub(super) hint: &'static str,
}

/// What the wire takes at most is what the API takes at most: everything behind it is made for that.
const BODY_OCTETS_MAX: usize = PDU_BYTES_MAX - HEADER_BYTES;
/// 2100: the field has two digits for the year.
const SCHEDULE_MS_END: i64 = 4_102_444_800_000;
const REFERENCE_OCTETS_MAX: usize = 64;
/// Digits of an E.164 number.
const NUMBER_DIGITS_MAX: usize = 15;
/// Letters of an alphanumeric sender (3GPP TS 23.040 §9.1.2.5).
const SENDER_LETTERS_MAX: usize = 11;
/// Up to this many digits a sender is a short code.
const SHORT_CODE_DIGITS_MAX: usize = 6;

/// Builds the body, or says what is wrong with the message.
pub(super) fn body(
    message: &v1::NewMessage,
    account: Option<&v1::Account>,
) -> Result<(Vec<u8>, Option<v1::TextCost>), Refusal> {
    if message.reference.len() > REFERENCE_OCTETS_MAX {
        return Err(refusal(
            CommandStatus::RINVMSGLEN,
            format!("reference has {} octets", message.reference.len()),
            "at most 64 octets",
        ));
    }
    let content = match &message.body {
        Some(v1::new_message::Body::Content(content)) => Some(content),
        _ => None,
    };
    let given_destination = content.and_then(|content| content.destination.as_ref());
    let given_source = content.and_then(|content| content.source.as_ref());
    let destination = match given_destination {
        Some(address) if message.to.is_empty() => address_of(address),
        _ => number(&message.to)?,
    };
    let source = match given_source {
        Some(address) if message.from.is_empty() => address_of(address),
        _ => sender(&message.from)?,
    };
    let validity = relative_time(message.validity_seconds);
    // A field has tenths of a second: rounded up, it is not before what was asked for.
    let schedule = time::absolute(message.schedule_at_ms.saturating_add(99));
    if message.schedule_at_ms != 0 && !(0..SCHEDULE_MS_END).contains(&message.schedule_at_ms) {
        return Err(refusal(
            CommandStatus::RINVSCHED,
            format!("schedule_at_ms {} is before 1970 or after 2099", message.schedule_at_ms),
            "milliseconds since 1970 UTC",
        ));
    }
    let mut composed = ShortMessage {
        source,
        destination,
        registered_delivery: RegisteredDelivery::ALWAYS,
        validity_period: &validity,
        schedule_delivery_time: if message.schedule_at_ms == 0 { b"" } else { &schedule },
        ..ShortMessage::default()
    };
    let planned_body;
    let mut cost = None;
    let mut area = Vec::new();
    match &message.body {
        Some(v1::new_message::Body::Text(text)) => {
            let planned = plan(text, message, account)?;
            composed.data_coding = planned.cost.encoding.data_coding.0;
            cost = Some(cost_of(&planned));
            // Whole: who splits it is decided when it goes out.
            planned_body = planned.bodies(0).ok().and_then(|mut bodies| bodies.pop()).unwrap_or_default();
            composed.esm_class = planned_body.esm_class(composed.esm_class);
            composed.short_message = &planned_body.short_message;
            area.extend_from_slice(&planned_body.tlvs);
        }
        Some(v1::new_message::Body::Content(content)) => {
            composed.service_type = &content.service_type;
            composed.esm_class = EsmClass(content.esm_class as u8);
            composed.protocol_id = content.protocol_id as u8;
            composed.priority_flag = content.priority as u8;
            composed.data_coding = content.data_coding as u8;
            composed.sm_default_msg_id = content.default_message_id as u8;
            if content.short_message.len() > 254 {
                return Err(refusal(
                    CommandStatus::RINVMSGLEN,
                    format!("short_message has {} octets", content.short_message.len()),
                    "at most 254; longer content goes in the TLV message_payload",
                ));
            }
            composed.short_message = &content.short_message;
            area.extend_from_slice(&content.tlvs);
        }
        None => {
            return Err(refusal(
                CommandStatus::RINVMSGLEN,
                "text is missing".to_owned(),
                "send text or content",
            ));
        }
    }
    composed.tlvs = Tlvs::parse(&area).ok_or_else(|| {
        refusal(
            CommandStatus::RINVTLVSTREAM,
            "tlvs do not add up".to_owned(),
            "tag, length, value, each whole",
        )
    })?;
    let mut body = Vec::new();
    composed.encode(&mut body);
    if body.len() > BODY_OCTETS_MAX {
        return Err(refusal(
            CommandStatus::RINVMSGLEN,
            format!("content has {} octets once encoded", body.len()),
            "at most 65,984, as in a PDU",
        ));
    }
    // What the wire refuses, the API refuses as well: fields that are too long among others.
    ShortMessage::decode(&body).and_then(|message| message.check_submit()).map_err(|error| Refusal {
        status: error.status,
        error: format!("{} is invalid", error.field),
        hint: error.status.text(),
    })?;
    Ok((body, cost))
}

/// The way with the fewest parts, as the message and the account allow.
fn plan(text: &str, message: &v1::NewMessage, account: Option<&v1::Account>) -> Result<Plan, Refusal> {
    let class = match message.message_class {
        None => None,
        Some(0) => Some(MessageClass::Flash),
        Some(1) => Some(MessageClass::Phone),
        Some(2) => Some(MessageClass::Sim),
        Some(3) => Some(MessageClass::Terminal),
        Some(other) => {
            return Err(refusal(
                CommandStatus::RINVDCS,
                format!("message_class {other} is none"),
                "0 (flash) to 3 (3GPP TS 23.038)",
            ));
        }
    };
    let languages = account.map_or(&[][..], |account| &account.languages);
    let transliterate =
        message.transliterate.unwrap_or_else(|| account.is_some_and(|account| account.transliterate));
    let encoding = v1::TextEncoding::try_from(message.encoding).map_err(|_| {
        let error = format!("encoding {} is none", message.encoding);
        refusal(CommandStatus::RINVDCS, error, "0 (the smallest), 1 (gsm7), 2 (latin1), 3 (ucs2)")
    })?;
    let only = match encoding {
        v1::TextEncoding::Auto => None,
        v1::TextEncoding::Gsm7 => Some(Alphabet::Default),
        v1::TextEncoding::Latin1 => Some(Alphabet::Latin1),
        v1::TextEncoding::Ucs2 => Some(Alphabet::Ucs2),
    };
    texts::plan(text, languages, transliterate, class, only).map_err(|error| match error {
        PlanError::Split(error) => {
            refusal(CommandStatus::RINVMSGLEN, format!("the text has {error}"), "shorten it, or send several")
        }
        PlanError::Unencodable(lacks) => {
            let error =
                format!("encoding {} lacks {:?}, at octet {}", name_of(encoding), lacks.character, lacks.at);
            refusal(
                CommandStatus::RINVDCS,
                error,
                "ucs2 has every character; transliterate replaces some in gsm7",
            )
        }
        PlanError::Class => {
            let error = format!("encoding {} has no message class", name_of(encoding));
            refusal(CommandStatus::RINVDCS, error, "flash goes in gsm7 or ucs2")
        }
    })
}

/// As callers write it.
const fn name_of(encoding: v1::TextEncoding) -> &'static str {
    match encoding {
        v1::TextEncoding::Auto => "auto",
        v1::TextEncoding::Gsm7 => "gsm7",
        v1::TextEncoding::Latin1 => "latin1",
        v1::TextEncoding::Ucs2 => "ucs2",
    }
}

fn cost_of(planned: &Plan) -> v1::TextCost {
    let TextCost { encoding, data_coding, units, parts, replaced, .. } = TextCost::from(&planned.cost);
    let other = |cost: &&Cost| (cost.replaced == 0) == (replaced > 0);
    let others = planned.alternatives.iter().filter(other).map(|cost| cost.parts).min();
    v1::TextCost {
        encoding,
        data_coding: data_coding.into(),
        parts: parts as u32,
        units: units as u32,
        replaced: replaced as u32,
        parts_saved: others.map_or(0, |others| others.abs_diff(parts)) as u32,
    }
}

fn address_of(address: &v1::Address) -> Address<'_> {
    Address { ton: address.ton as u8, npi: address.npi as u8, digits: &address.digits }
}

fn number(to: &str) -> Result<Address<'_>, Refusal> {
    let digits = to.strip_prefix('+').unwrap_or(to);
    let is_number = digits.bytes().all(|octet| octet.is_ascii_digit());
    if !is_number || digits.is_empty() || digits.len() > NUMBER_DIGITS_MAX {
        return Err(refusal(
            CommandStatus::RINVDSTADR,
            format!("to {to:?} is no number"),
            "E.164: up to 15 digits with the country code, such as +491701234567",
        ));
    }
    Ok(Address { ton: 1, npi: 1, digits: digits.as_bytes() })
}

fn sender(from: &str) -> Result<Address<'_>, Refusal> {
    let digits = from.strip_prefix('+').unwrap_or(from);
    let is_number = !digits.is_empty() && digits.bytes().all(|octet| octet.is_ascii_digit());
    if is_number && digits.len() <= SHORT_CODE_DIGITS_MAX {
        // Network specific: a short code.
        return Ok(Address { ton: 3, npi: 0, digits: digits.as_bytes() });
    }
    if is_number && digits.len() <= NUMBER_DIGITS_MAX {
        return Ok(Address { ton: 1, npi: 1, digits: digits.as_bytes() });
    }
    if !from.is_empty() && from.is_ascii() && from.len() <= SENDER_LETTERS_MAX {
        return Ok(Address { ton: 5, npi: 0, digits: from.as_bytes() });
    }
    Err(refusal(
        CommandStatus::RINVSRCADR,
        format!("from {from:?} is no sender"),
        "a number, a short code, or up to 11 letters and digits",
    ))
}

/// Seconds as `YYMMDDhhmmss000R`; empty for 0. Hours carry the rest: peers count 30 days to a month.
fn relative_time(seconds: u32) -> Vec<u8> {
    if seconds == 0 {
        return Vec::new();
    }
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (months, days) = (days / 30, days % 30);
    let months = months.min(12);
    format!("00{months:02}{days:02}{:02}{:02}{:02}000R", rest / 3_600, rest / 60 % 60, rest % 60).into_bytes()
}

fn refusal(status: CommandStatus, error: String, hint: &'static str) -> Refusal {
    Refusal { status, error, hint }
}

#[cfg(test)]
mod tests {
    use super::*;
    use brivas_smpp::tlv::{self, Tag};

    fn body(message: &v1::NewMessage) -> Result<Vec<u8>, Refusal> {
        super::body(message, None).map(|(body, _)| body)
    }

    fn text(to: &str, from: &str, text: &str) -> v1::NewMessage {
        let body = Some(v1::new_message::Body::Text(text.to_owned()));
        v1::NewMessage { to: to.to_owned(), from: from.to_owned(), body, ..Default::default() }
    }

    #[test]
    fn numbers_short_codes_and_names_get_their_type() {
        for (from, ton, npi) in [("+491701234567", 1, 1), ("40404", 3, 0), ("Brivas", 5, 0)] {
            let body = body(&text("+491701234568", from, "hi")).unwrap();
            let message = ShortMessage::decode(&body).unwrap();
            assert_eq!((message.source.ton, message.source.npi), (ton, npi), "{from}");
            assert_eq!(message.destination.digits, b"491701234568");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let status = |message: &v1::NewMessage| body(message).unwrap_err().status;
        assert_eq!(status(&text("phone", "40404", "hi")), CommandStatus::RINVDSTADR);
        assert_eq!(status(&text("4917", "much too long a name", "hi")), CommandStatus::RINVSRCADR);
        assert_eq!(
            status(&v1::NewMessage { body: None, ..text("4917", "1", "") }),
            CommandStatus::RINVMSGLEN
        );
        let huge = "x".repeat(70_000);
        assert_eq!(status(&text("4917", "1", &huge)), CommandStatus::RINVMSGLEN);
    }

    #[test]
    fn what_no_pdu_could_hold_is_refused() {
        let mut tlvs = Vec::new();
        for _ in 0..3 {
            tlv::append(&mut tlvs, Tag(0x1400), &[7; 60_000]);
        }
        let content = v1::Content { tlvs, ..v1::Content::default() };
        let content = Some(v1::new_message::Body::Content(content));
        let message = v1::NewMessage { body: content, ..text("4917", "1", "") };
        assert_eq!(body(&message).unwrap_err().status, CommandStatus::RINVMSGLEN);
    }

    #[test]
    fn long_text_goes_as_payload() {
        let long = "x".repeat(161);
        let octets = body(&text("4917", "1", &long)).unwrap();
        let message = ShortMessage::decode(&octets).unwrap();
        assert_eq!((message.short_message.len(), message.text().len()), (0, 161));
    }

    #[test]
    fn a_schedule_is_written_so_that_it_is_not_earlier() {
        for at_ms in [1_795_348_800_000, 1_795_348_800_001, 1_795_348_800_100] {
            let message = v1::NewMessage { schedule_at_ms: at_ms, ..text("4917", "1", "hi") };
            let octets = body(&message).unwrap();
            let read = ShortMessage::decode(&octets).unwrap();
            let scheduled_ms = time::parse(read.schedule_delivery_time, 0).unwrap();
            assert!((at_ms..at_ms + 100).contains(&scheduled_ms));
        }
        let wrong = v1::NewMessage { schedule_at_ms: -1, ..text("4917", "1", "hi") };
        assert_eq!(body(&wrong).unwrap_err().status, CommandStatus::RINVSCHED);
    }

    #[test]
    fn a_text_goes_in_the_fewest_parts_that_are_allowed_and_says_what_they_cost() {
        let quoted = text("4917", "1", &format!("“{}”", "a".repeat(150)));
        let account = v1::Account { transliterate: true, languages: vec![1], ..v1::Account::default() };
        let cost = |message: &v1::NewMessage| super::body(message, Some(&account)).unwrap().1.unwrap();
        let applied = cost(&quoted);
        assert_eq!(
            (applied.encoding.as_str(), applied.parts, applied.replaced, applied.parts_saved),
            ("gsm", 1, 2, 2)
        );
        let shown = cost(&v1::NewMessage { transliterate: Some(false), ..quoted });
        assert_eq!(
            (shown.encoding.as_str(), shown.parts, shown.replaced, shown.parts_saved),
            ("ucs2", 3, 0, 2)
        );
        let turkish = text("4917", "1", &"ığdır şğı İstanbul ".repeat(8));
        assert_eq!(cost(&turkish).encoding, "gsm-turkish");
        let (octets, _) = super::body(&turkish, Some(&account)).unwrap();
        let message = ShortMessage::decode(&octets).unwrap();
        assert!(message.esm_class.has_udh() && message.short_message.starts_with(&[3, 0x25, 1, 1]));
    }

    #[test]
    fn a_class_is_said_in_data_coding() {
        let flash = |class| v1::NewMessage { message_class: Some(class), ..text("4917", "1", "hi") };
        let octets = body(&flash(0)).unwrap();
        assert_eq!(ShortMessage::decode(&octets).unwrap().data_coding, 0xF0);
        assert_eq!(body(&flash(4)).unwrap_err().status, CommandStatus::RINVDCS);
    }

    #[test]
    fn an_encoding_that_is_asked_for_is_taken_or_refused_by_what_it_lacks() {
        let asked = |encoding: v1::TextEncoding, words: &str| {
            let message = v1::NewMessage { encoding: encoding.into(), ..text("4917", "1", words) };
            body(&message).map(|octets| ShortMessage::decode(&octets).unwrap().data_coding)
        };
        assert_eq!(asked(v1::TextEncoding::Gsm7, "hi"), Ok(0));
        assert_eq!(asked(v1::TextEncoding::Latin1, "h\u{ef}"), Ok(3));
        assert_eq!(asked(v1::TextEncoding::Ucs2, "hi"), Ok(8));
        let refused = asked(v1::TextEncoding::Latin1, "5 \u{20ac}").unwrap_err();
        assert_eq!(
            (refused.status, refused.error.as_str()),
            (CommandStatus::RINVDCS, "encoding latin1 lacks '\u{20ac}', at octet 2")
        );
        let unknown = v1::NewMessage { encoding: 9, ..text("4917", "1", "hi") };
        assert_eq!(body(&unknown).unwrap_err().error, "encoding 9 is none");
        let flash = v1::NewMessage {
            encoding: v1::TextEncoding::Latin1.into(),
            message_class: Some(0),
            ..text("4917", "1", "hi")
        };
        assert_eq!(body(&flash).unwrap_err().error, "encoding latin1 has no message class");
    }

    #[test]
    fn validity_is_written_so_that_it_is_read_back() {
        for seconds in [1, 59, 3_600, 86_400, 2_591_999, 2_592_000] {
            assert_eq!(time::parse(&relative_time(seconds), 0), Some(i64::from(seconds) * 1_000));
        }
    }
}
