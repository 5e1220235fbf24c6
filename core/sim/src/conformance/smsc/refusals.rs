//! Messages that are wrong: each ought to be refused, with the status of its field (SMPP 3.4 §5.1.3, §5.2).

use brivas_smpp::pdu::Address;
use brivas_smpp::tlv::{self, Tag, Tlvs};
use brivas_smpp::{CommandId, CommandStatus, EsmClass, RegisteredDelivery, ShortMessage};

use super::super::line::{Line, Silence, raw};
use super::super::report::Finding;
use super::{Checked, Needs, Row, Tester, refused_with, row};

/// Something wrong in a message.
type Change = fn(&mut ShortMessage<'_>);

macro_rules! refusals {
    ($($needs:ident $id:literal $section:literal $title:literal: $change:expr => $($status:ident)|+;)*) => {
        &[
            $(row(Needs::$needs, $id, $section, $title, |tester| {
                refused(tester, $change, &[$(CommandStatus::$status),+])
            }),)*
            row(
                Needs::Messages,
                "refusal.short-message-and-payload",
                "4.4.1",
                "a text in both short_message and message_payload is refused with ESME_RINVMSGLEN",
                both_texts,
            ),
            row(Needs::Messages, "refusal.broken-tlv", "5.1.3", "a TLV that ends behind the PDU is refused with ESME_RINVOPTPARSTREAM", broken_tlv),
            row(Needs::Messages, "refusal.sar-incomplete", "5.3.2.22", "one sar TLV without the others is refused with ESME_RMISSINGOPTPARAM", sar_incomplete),
            row(
                Needs::Nothing,
                "refusal.flood",
                "2.6",
                "two hundred messages at once are each answered, taken or not",
                flood,
            ),
        ]
    };
}

pub(super) const CHECKS: &[Row] = refusals! {
    Nothing "refusal.no-destination" "5.2.9" "an empty destination is refused with ESME_RINVDSTADR":
        |message| message.destination.digits = b"" => RINVDSTADR;
    Nothing "refusal.long-destination" "5.2.9" "a destination of 21 digits is refused with ESME_RINVDSTADR":
        |message| message.destination.digits = LONG_ADDRESS => RINVDSTADR;
    Messages "refusal.destination-ton" "5.2.5" "an undefined TON of the destination is refused with ESME_RINVDSTTON":
        |message| message.destination.ton = 0xFF => RINVDSTTON | RINVDSTADR;
    Messages "refusal.long-source" "5.2.8" "a source of 21 characters is refused with ESME_RINVSRCADR":
        |message| message.source = Address { ton: 1, npi: 1, digits: LONG_ADDRESS } => RINVSRCADR;
    Messages "refusal.service-type" "5.2.11" "a service_type of 6 characters is refused with ESME_RINVSERTYP":
        |message| message.service_type = b"TOOLNG" => RINVSERTYP;
    Messages "refusal.esm-class" "5.2.12" "a reserved esm_class is refused with ESME_RINVESMCLASS":
        |message| message.esm_class = EsmClass(0x3C) => RINVESMCLASS;
    Messages "refusal.priority" "5.2.14" "priority_flag 9 is refused with ESME_RINVPRTFLG":
        |message| message.priority_flag = 9 => RINVPRTFLG;
    Messages "refusal.schedule" "7.1.1" "a schedule_delivery_time that is none is refused with ESME_RINVSCHED":
        |message| message.schedule_delivery_time = b"next Monday, at 9" => RINVSCHED;
    Messages "refusal.validity" "7.1.1" "a validity_period that is none is refused with ESME_RINVEXPIRY":
        |message| message.validity_period = b"for a week......" => RINVEXPIRY;
    Messages "refusal.validity-past" "7.1.1" "a validity_period in the past is refused with ESME_RINVEXPIRY":
        |message| message.validity_period = b"010101000000000+" => RINVEXPIRY;
    Messages "refusal.registered-delivery" "5.2.17" "reserved bits of registered_delivery are refused with ESME_RINVREGDLVFLG":
        |message| message.registered_delivery = RegisteredDelivery(0xE0) => RINVREGDLVFLG;
    Messages "refusal.replace-if-present" "5.2.18" "replace_if_present_flag 7 is refused with ESME_RINVREPFLAG":
        |message| message.replace_if_present_flag = 7 => RINVREPFLAG | RINVSUBREP;
    Messages "refusal.sm-length-255" "5.2.21" "a short_message of 255 octets is refused with ESME_RINVMSGLEN":
        |message| message.short_message = &[b'x'; 255] => RINVMSGLEN;
};

const LONG_ADDRESS: &[u8] = b"491701234567890123456";

fn refused(tester: &mut Tester<'_>, change: Change, expected: &[CommandStatus]) -> Checked {
    tester.on_a_bind(|tester, line| {
        let mut body = Vec::new();
        let mut message = tester.message(b"This message is wrong");
        change(&mut message);
        message.encode(&mut body);
        judge(tester, line, &body, expected)
    })
}

fn judge(
    tester: &mut Tester<'_>,
    line: &mut Line,
    body: &[u8],
    expected: &[CommandStatus],
) -> Result<Finding, Silence> {
    match line.ask_body(CommandId::SUBMIT_SM, body) {
        Ok(answer) => Ok(refused_with(&mut tester.learned, &answer, CommandId::SUBMIT_SM, expected)),
        Err(Silence::Closed) => Ok(Finding::quirk("the connection was closed")),
        Err(silence) => Err(silence),
    }
}

/// With TLVs behind it, right or wrong.
fn with_area(tester: &mut Tester<'_>, area: &[u8], expected: &[CommandStatus]) -> Checked {
    tester.on_a_bind(|tester, line| {
        let mut body = Vec::new();
        let message = ShortMessage { tlvs: Tlvs::lenient(area), ..tester.message(b"This message is wrong") };
        message.encode(&mut body);
        judge(tester, line, &body, expected)
    })
}

fn both_texts(tester: &mut Tester<'_>) -> Checked {
    let mut area = Vec::new();
    tlv::append(&mut area, Tag::MESSAGE_PAYLOAD, b"another text");
    with_area(tester, &area, &[CommandStatus::RINVMSGLEN])
}

fn broken_tlv(tester: &mut Tester<'_>) -> Checked {
    with_area(tester, b"\x04\x24\x00\xFFcut", &[CommandStatus::RINVTLVSTREAM, CommandStatus::RINVTLVLEN])
}

fn sar_incomplete(tester: &mut Tester<'_>) -> Checked {
    let mut area = Vec::new();
    tlv::append_octet(&mut area, Tag::SAR_TOTAL_SEGMENTS, 2);
    with_area(tester, &area, &[CommandStatus::RMISSINGTLV])
}

/// They go to nobody, so that none is sent.
fn flood(tester: &mut Tester<'_>) -> Checked {
    tester.on_a_bind(|tester, line| {
        let nowhere = Address { digits: b"", ..Address::default() };
        let mut body = Vec::new();
        ShortMessage { destination: nowhere, ..tester.message(b"to nobody") }.encode(&mut body);
        let numbers: Vec<_> = (0..FLOOD).map(|_| line.sequence()).collect();
        let octets: Vec<_> =
            numbers.iter().flat_map(|number| raw(CommandId::SUBMIT_SM, *number, &body)).collect();
        line.send(&octets);
        let (mut came, mut told) = (0, Vec::<(CommandStatus, usize)>::new());
        while came < FLOOD {
            match line.hear_until(line.timeout(), |heard| heard.id().is_response()) {
                Ok(answer) => {
                    came += 1;
                    tester.learned.note_error(&answer);
                    match told.iter_mut().find(|(status, _)| *status == answer.status()) {
                        Some((_, count)) => *count += 1,
                        None => told.push((answer.status(), 1)),
                    }
                }
                Err(silence) => {
                    return Ok(Finding::fail(format!("{came} of {FLOOD} were answered: {silence}")));
                }
            }
        }
        let words: Vec<_> = told.iter().map(|(status, count)| format!("{count} {status}")).collect();
        Ok(Finding::pass(words.join(", ")))
    })
}

const FLOOD: usize = 200;
