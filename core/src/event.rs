//! The journal's events, written without a detour: protobuf as in `events.proto`, straight from what is at hand.
//!
//! The generated types read them (`prost`); tests hold both against each other. Field numbers are
//! those of `events.proto`.

use brivas_smpp::{MessageState, ShortMessage};

use crate::shard::PartRecord;

/// Appends `Event { accepted }`.
pub(crate) fn accepted(
    out: &mut Vec<u8>,
    account: &str,
    message: &ShortMessage<'_>,
    more: &AcceptedMore<'_>,
) {
    nested(out, 1, |out| {
        octets(out, 1, account.as_bytes());
        nested(out, 2, |out| content(out, message));
        number(out, 3, more.expires_at_ms as u64);
        number(out, 4, u64::from(more.by_api));
        octets(out, 5, more.idempotency_key.as_bytes());
        if more.idempotency_fingerprint != 0 {
            key(out, 6, FIXED64);
            out.extend_from_slice(&more.idempotency_fingerprint.to_le_bytes());
        }
        octets(out, 7, more.reference.as_bytes());
        number(out, 30, more.schedule_at_ms as u64);
        number(out, 31, more.submission_id);
        number(out, 32, u64::from(more.alias));
        octets(out, 40, more.held_by.as_bytes());
    });
}

/// What an accepted event has beside the message.
#[derive(Default)]
pub(crate) struct AcceptedMore<'a> {
    pub(crate) expires_at_ms: i64,
    pub(crate) by_api: bool,
    pub(crate) idempotency_key: &'a str,
    pub(crate) idempotency_fingerprint: u64,
    pub(crate) reference: &'a str,
    pub(crate) schedule_at_ms: i64,
    pub(crate) submission_id: u64,
    pub(crate) alias: u32,
    /// The policy rule that holds it for review; empty where none does.
    pub(crate) held_by: &'a str,
}

/// Appends `Event { released }`.
pub(crate) fn released(out: &mut Vec<u8>) {
    nested(out, 40, |_| {});
}

/// Appends `Event { consent_changed }`.
pub(crate) fn consent_changed(
    out: &mut Vec<u8>,
    account: &str,
    sender: &[u8],
    number_digits: &str,
    suppressed: bool,
) {
    nested(out, 41, |out| {
        octets(out, 1, account.as_bytes());
        octets(out, 2, sender);
        octets(out, 3, number_digits.as_bytes());
        number(out, 4, u64::from(suppressed));
    });
}

/// Appends `Event { replaced }`. The policy was asked again: `held_by` is the rule that holds the message now, if one does.
pub(crate) fn replaced(
    out: &mut Vec<u8>,
    message: &ShortMessage<'_>,
    expires_at_ms: i64,
    schedule_at_ms: i64,
    held_by: &str,
) {
    nested(out, 30, |out| {
        nested(out, 1, |out| content(out, message));
        number(out, 2, expires_at_ms as u64);
        number(out, 3, schedule_at_ms as u64);
        octets(out, 85, held_by.as_bytes());
        number(out, 86, 1);
    });
}

/// Appends `Event { sent }`. Of a part, with the messages that went out with it.
pub(crate) fn sent(
    out: &mut Vec<u8>,
    carrier: &str,
    carrier_message_id: &[u8],
    attempt: u32,
    of_part: Option<&(PartRecord, Vec<u64>)>,
) {
    nested(out, 2, |out| {
        octets(out, 1, carrier.as_bytes());
        octets(out, 2, carrier_message_id);
        number(out, 3, u64::from(attempt));
        if let Some((record, joined)) = of_part {
            part(out, record);
            if !joined.is_empty() {
                key(out, 61, LENGTH_DELIMITED);
                varint(out, joined.len() as u64 * 8);
                out.extend(joined.iter().flat_map(|id| id.to_le_bytes()));
            }
        }
    });
}

/// Field 60 of what is told of a part.
fn part(out: &mut Vec<u8>, record: &PartRecord) {
    nested(out, 60, |out| {
        number(out, 1, record.number.into());
        number(out, 2, record.total.into());
        number(out, 3, record.reference.into());
        number(out, 4, record.manner.form_number() as u64);
        number(out, 5, record.manner.alphabet_number() as u64);
    });
}

/// Appends `Event { part_ended }`.
pub(crate) fn part_ended(
    out: &mut Vec<u8>,
    part: u8,
    state: MessageState,
    carrier: &str,
    error: &[u8],
    done_at_ms: i64,
    attempt: u32,
) {
    nested(out, 60, |out| {
        number(out, 1, part.into());
        number(out, 2, state as u64);
        octets(out, 3, carrier.as_bytes());
        if error.is_ascii() {
            octets(out, 4, error);
        }
        number(out, 5, done_at_ms as u64);
        number(out, 6, attempt.into());
    });
}

/// Appends `Event { attempt_failed }`.
pub(crate) fn attempt_failed(
    out: &mut Vec<u8>,
    carrier: &str,
    attempt: u32,
    command_status: u32,
    reason: &str,
    retry_at_ms: i64,
    of_part: Option<&PartRecord>,
) {
    nested(out, 3, |out| {
        octets(out, 1, carrier.as_bytes());
        number(out, 2, u64::from(attempt));
        number(out, 3, u64::from(command_status));
        octets(out, 4, reason.as_bytes());
        number(out, 5, retry_at_ms as u64);
        if let Some(record) = of_part {
            part(out, record);
        }
    });
}

/// Appends `Event { attempt_failed }` of a message whose answer is still waited for.
pub(crate) fn held(out: &mut Vec<u8>, carrier: &str, attempt: u32, reason: &str) {
    nested(out, 3, |out| {
        octets(out, 1, carrier.as_bytes());
        number(out, 2, u64::from(attempt));
        octets(out, 4, reason.as_bytes());
        long_number(out, 50, 1);
    });
}

/// Appends `Event { final }`.
pub(crate) fn ended(
    out: &mut Vec<u8>,
    state: MessageState,
    carrier: &str,
    error: &[u8],
    done_at_ms: i64,
    attempt: u32,
) {
    nested(out, 4, |out| {
        number(out, 1, state as u64);
        octets(out, 2, carrier.as_bytes());
        // `error` is a string: only what is ASCII may stand there.
        if error.is_ascii() {
            octets(out, 3, error);
        }
        number(out, 4, done_at_ms as u64);
        number(out, 5, u64::from(attempt));
    });
}

/// How something reached the customer; the numbers are `Channel`'s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    Smpp = 0,
    Webhook = 1,
    Expired = 2,
}

/// Appends `Event { receipt_delivered }`.
pub(crate) fn receipt_delivered(out: &mut Vec<u8>, channel: Channel) {
    nested(out, 5, |out| number(out, 1, channel as u64));
}

/// Appends `Event { mo_accepted }`.
pub(crate) fn mo_accepted(out: &mut Vec<u8>, account: &str, carrier: &str, message: &ShortMessage<'_>) {
    nested(out, 6, |out| {
        octets(out, 1, account.as_bytes());
        octets(out, 2, carrier.as_bytes());
        nested(out, 3, |out| content(out, message));
    });
}

/// Appends `Event { mo_delivered }`.
pub(crate) fn mo_delivered(out: &mut Vec<u8>, channel: Channel) {
    nested(out, 7, |out| number(out, 1, channel as u64));
}

fn content(out: &mut Vec<u8>, message: &ShortMessage<'_>) {
    octets(out, 1, message.service_type);
    for (field, address) in [(2, &message.source), (3, &message.destination)] {
        nested(out, field, |out| {
            number(out, 1, u64::from(address.ton));
            number(out, 2, u64::from(address.npi));
            octets(out, 3, address.digits);
        });
    }
    number(out, 4, u64::from(message.esm_class.0));
    number(out, 5, u64::from(message.protocol_id));
    number(out, 6, u64::from(message.priority_flag));
    number(out, 7, u64::from(message.registered_delivery.0));
    number(out, 8, u64::from(message.data_coding));
    number(out, 9, u64::from(message.sm_default_msg_id));
    octets(out, 10, message.short_message);
    octets(out, 11, message.tlvs.octets());
}

// Wire types of the protobuf encoding.
const VARINT: u8 = 0;
const FIXED64: u8 = 1;
const LENGTH_DELIMITED: u8 = 2;

/// A field's number and wire type: numbers above 15 take two octets.
fn key(out: &mut Vec<u8>, field: u8, wire_type: u8) {
    varint(out, (u64::from(field) << 3) | u64::from(wire_type));
}

fn number(out: &mut Vec<u8>, field: u8, value: u64) {
    if value != 0 {
        key(out, field, VARINT);
        varint(out, value);
    }
}

/// A number in a field beyond 15, whose key has two octets.
fn long_number(out: &mut Vec<u8>, field: u32, value: u64) {
    varint(out, u64::from(field << 3) | u64::from(VARINT));
    varint(out, value);
}

fn octets(out: &mut Vec<u8>, field: u8, value: &[u8]) {
    if !value.is_empty() {
        key(out, field, LENGTH_DELIMITED);
        varint(out, value.len() as u64);
        out.extend_from_slice(value);
    }
}

/// A message within: its length stands before it and is known after it, so a longer length moves it.
fn nested(out: &mut Vec<u8>, field: u8, write: impl FnOnce(&mut Vec<u8>)) {
    key(out, field, LENGTH_DELIMITED);
    let at = out.len();
    out.push(0);
    write(out);
    let length = out.len() - at - 1;
    if length < 0x80 {
        out[at] = length as u8;
        return;
    }
    let mut prefix = [0; 10];
    let mut used = 0;
    let mut rest = length;
    while rest >= 0x80 {
        prefix[used] = rest as u8 | 0x80;
        rest >>= 7;
        used += 1;
    }
    prefix[used] = rest as u8;
    let more = used;
    let end = out.len();
    out.resize(end + more, 0);
    out.copy_within(at + 1..end, at + 1 + more);
    out[at..=at + used].copy_from_slice(&prefix[..=used]);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use brivas_proto::v1;
    use brivas_smpp::pdu::Address;
    use brivas_smpp::tlv::Tlvs;
    use proptest::prelude::*;
    use prost::Message;
    use v1::event::Kind;

    fn read(octets: &[u8]) -> Kind {
        v1::Event::decode(octets).unwrap().kind.unwrap()
    }

    #[test]
    fn every_event_is_read_by_the_generated_types() {
        let mut out = Vec::new();
        sent(&mut out, "alpha", b"77", 2, None);
        let expected = v1::Sent {
            carrier: "alpha".into(),
            carrier_message_id: b"77".to_vec(),
            attempt: 2,
            ..Default::default()
        };
        assert_eq!(read(&out), Kind::Sent(expected.clone()));
        out.clear();
        let manner = crate::shard::Manner::new(2, 1);
        let record = PartRecord { number: 2, total: 3, reference: 0x1234, manner };
        sent(&mut out, "alpha", b"77", 2, Some(&(record, vec![7, u64::MAX])));
        let expected = v1::Sent { part: Some(record.to_proto()), joined: vec![7, u64::MAX], ..expected };
        assert_eq!(read(&out), Kind::Sent(expected));
        assert_eq!(PartRecord::from_proto(&record.to_proto()), Some(record));
        out.clear();
        part_ended(&mut out, 3, MessageState::Delivered, "alpha", b"000", 9, 1);
        let expected = v1::PartEnded {
            number: 3,
            state: v1::MessageState::Delivered.into(),
            carrier: "alpha".into(),
            error: "000".into(),
            done_at_ms: 9,
            attempt: 1,
        };
        assert_eq!(read(&out), Kind::PartEnded(expected));
        out.clear();
        attempt_failed(&mut out, "alpha", 1, 0x58, "throttled", 5, Some(&record));
        let expected = v1::AttemptFailed {
            part: Some(record.to_proto()),
            carrier: "alpha".into(),
            attempt: 1,
            command_status: 0x58,
            reason: "throttled".into(),
            retry_at_ms: 5,
            held: false,
        };
        assert_eq!(read(&out), Kind::AttemptFailed(expected));
        out.clear();
        held(&mut out, "alpha", 2, "late");
        let expected = v1::AttemptFailed {
            carrier: "alpha".into(),
            attempt: 2,
            reason: "late".into(),
            held: true,
            ..v1::AttemptFailed::default()
        };
        assert_eq!(read(&out), Kind::AttemptFailed(expected));
        out.clear();
        ended(&mut out, MessageState::Undeliverable, "alpha", b"0a1", 9, 3);
        let expected = v1::Final {
            state: v1::MessageState::Undeliverable.into(),
            carrier: "alpha".into(),
            error: "0a1".into(),
            done_at_ms: 9,
            attempt: 3,
        };
        assert_eq!(read(&out), Kind::Final(expected));
        out.clear();
        released(&mut out);
        assert_eq!(read(&out), Kind::Released(v1::Released {}));
        out.clear();
        consent_changed(&mut out, "sample", b"40404", "447700900123", true);
        let expected = v1::ConsentChanged {
            account: "sample".into(),
            sender: b"40404".to_vec(),
            number: "447700900123".into(),
            suppressed: true,
        };
        assert_eq!(read(&out), Kind::ConsentChanged(expected));
        out.clear();
        receipt_delivered(&mut out, Channel::Webhook);
        assert_eq!(read(&out), Kind::ReceiptDelivered(v1::ReceiptDelivered { channel: 1 }));
        out.clear();
        mo_delivered(&mut out, Channel::Smpp);
        assert_eq!(read(&out), Kind::MoDelivered(v1::MoDelivered { channel: 0 }));
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_read_back(text in prop::collection::vec(any::<u8>(), 0..254), payload in 0usize..70_000, digits in "[0-9]{0,20}") {
            let mut area = Vec::new();
            if payload > 0 {
                brivas_smpp::tlv::append(&mut area, brivas_smpp::tlv::Tag::MESSAGE_PAYLOAD, &vec![7; payload.min(65_535)]);
            }
            let message = ShortMessage {
                destination: Address { ton: 1, npi: 1, digits: digits.as_bytes() },
                short_message: &text,
                data_coding: 8,
                tlvs: Tlvs::parse(&area).unwrap(),
                ..ShortMessage::default()
            };
            let more = AcceptedMore { expires_at_ms: 1_795_348_800_000, by_api: true, idempotency_key: "k/0", idempotency_fingerprint: 9, reference: "r", schedule_at_ms: 1_795_348_700_000, submission_id: 77 << 40, alias: 0xFFFF_FFFE, held_by: "rule" };
            let mut out = vec![1, 2, 3];
            accepted(&mut out, "sample", &message, &more);
            let Kind::Accepted(read) = read(&out[3..]) else { panic!() };
            let content = read.content.unwrap();
            prop_assert_eq!(&content.short_message, &text);
            prop_assert_eq!(&content.tlvs, &area);
            prop_assert_eq!(&content.destination.unwrap().digits[..], digits.as_bytes());
            prop_assert_eq!((read.account.as_str(), read.reference.as_str(), read.idempotency_key.as_str()), ("sample", "r", "k/0"));
            prop_assert_eq!((read.expires_at_ms, read.idempotency_fingerprint, read.origin), (1_795_348_800_000, 9, 1));
            prop_assert_eq!((read.schedule_at_ms, read.submission_id, read.alias), (1_795_348_700_000, 77 << 40, 0xFFFF_FFFE));
            let mut again = Vec::new();
            replaced(&mut again, &message, 5, 6, "rule");
            let Kind::Replaced(new) = self::read(&again) else { panic!() };
            prop_assert_eq!((new.expires_at_ms, new.schedule_at_ms), (5, 6));
            prop_assert_eq!((new.held_by.as_str(), new.judged), ("rule", true));
            prop_assert_eq!(&new.content.unwrap().short_message, &text);
            again.clear();
            mo_accepted(&mut again, "sample", "alpha", &message);
            let Kind::MoAccepted(mo) = self::read(&again) else { panic!() };
            prop_assert_eq!(mo.carrier, "alpha");
        }
    }
}
