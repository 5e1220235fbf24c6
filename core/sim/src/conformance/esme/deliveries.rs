//! What an ESME makes of messages and receipts (SMPP 3.4 §4.6, §4.7, §4.12).

use std::time::Instant;

use brivas_smpp::pdu::{Address, AlertNotification, DataSm};
use brivas_smpp::receipt::NewReceipt;
use brivas_smpp::tlv::{self, Tag, Tlvs};
use brivas_smpp::{CommandId, EsmClass, MessageState, Pdu, ShortMessage};

use super::super::report::Finding;
use super::{Checked, Needs, Row, Tester, row, taken};

pub(super) const CHECKS: &[Row] = &[
    row(Needs::Receiver, "deliver.plain", "4.6", "a plain message is taken", |tester| {
        deliver(tester, |_| {})
    }),
    row(Needs::Receiver, "deliver.ucs2", "5.2.19", "a message in UCS2 is taken", |tester| {
        deliver(tester, |message| {
            message.data_coding = 8;
            message.short_message = b"\x04\x1F\x04\x40";
        })
    }),
    row(Needs::Receiver, "deliver.binary", "5.2.19", "octets of every value are taken", |tester| {
        deliver(tester, |message| {
            message.data_coding = 4;
            message.short_message = &[0, 1, 0x1B, 0x7F, 0x80, 0xFF];
        })
    }),
    row(
        Needs::Receiver,
        "deliver.unknown-data-coding",
        "5.2.19",
        "a reserved data_coding does no harm",
        |tester| deliver(tester, |message| message.data_coding = 0xBF),
    ),
    row(Needs::Receiver, "deliver.empty", "5.2.21", "a message without a text is taken", |tester| {
        deliver(tester, |message| message.short_message = b"")
    }),
    row(Needs::Receiver, "deliver.part", "5.2.12", "a part with a user data header is taken", |tester| {
        deliver(tester, |message| {
            message.esm_class = EsmClass(0x40);
            message.short_message = b"\x05\x00\x03\x2A\x02\x01One";
        })
    }),
    row(
        Needs::Receiver,
        "deliver.payload",
        "5.3.2.32",
        "a text of 1,000 octets in message_payload is taken",
        |tester| {
            let mut area = Vec::new();
            tlv::append(&mut area, Tag::MESSAGE_PAYLOAD, &[b'x'; 1_000]);
            deliver(tester, |message| {
                message.short_message = b"";
                message.tlvs = Tlvs::lenient(&area);
            })
        },
    ),
    row(
        Needs::Receiver,
        "deliver.unknown-tlv",
        "3.3",
        "TLVs that are not known, and a vendor's, are ignored",
        |tester| deliver(tester, |message| message.tlvs = Tlvs::lenient(b"\x09\x99\0\x01x\x14\0\0\x02hi")),
    ),
    row(Needs::Receiver, "receipt.both", "Appendix B", "a receipt in text and TLVs is taken", |tester| {
        receipt(tester, true, true)
    }),
    row(Needs::Receiver, "receipt.text", "Appendix B", "a receipt in text alone is taken", |tester| {
        receipt(tester, true, false)
    }),
    row(Needs::Receiver, "receipt.tlvs", "5.3.2.12", "a receipt in TLVs alone is taken", |tester| {
        receipt(tester, false, true)
    }),
    row(
        Needs::Receiver,
        "deliver.data-sm",
        "4.7",
        "data_sm is taken, or refused in its own response",
        data_sm,
    ),
    row(Needs::Receiver, "deliver.alert", "4.12", "alert_notification is not answered", alert),
];

fn message() -> ShortMessage<'static> {
    ShortMessage {
        source: Address { ton: 1, npi: 1, digits: b"491700000001" },
        destination: Address { ton: 3, npi: 0, digits: b"40404" },
        short_message: b"A test of conformance",
        ..ShortMessage::default()
    }
}

fn deliver<'m>(tester: &mut Tester<'_>, change: impl FnOnce(&mut ShortMessage<'m>)) -> Checked {
    let mut body = Vec::new();
    let mut message = message();
    change(&mut message);
    message.encode(&mut body);
    let began = Instant::now();
    let answer = tester.line()?.ask_body(CommandId::DELIVER_SM, &body)?;
    tester.response_ms.push(answer.at.duration_since(began).as_millis() as u64);
    Ok(taken(&answer, CommandId::DELIVER_SM))
}

fn receipt(tester: &mut Tester<'_>, in_text: bool, in_tlvs: bool) -> Checked {
    let receipt = NewReceipt {
        message_id: b"0000abcd",
        state: MessageState::Delivered,
        error: b"000",
        submitted_at_ms: 1_795_348_800_000,
        done_at_ms: 1_795_348_860_000,
        text: b"A test",
    };
    let (mut text, mut area) = (Vec::new(), Vec::new());
    if in_text {
        receipt.append_text(&mut text);
    }
    if in_tlvs {
        receipt.append_tlvs(&mut area);
    }
    deliver(tester, |message| {
        message.esm_class = EsmClass::RECEIPT;
        message.short_message = &text;
        message.tlvs = Tlvs::lenient(&area);
    })
}

fn data_sm(tester: &mut Tester<'_>) -> Checked {
    let mut area = Vec::new();
    tlv::append(&mut area, Tag::MESSAGE_PAYLOAD, b"A test of conformance");
    let ShortMessage { source, destination, .. } = message();
    let pdu = Pdu::DataSm(DataSm { source, destination, tlvs: Tlvs::lenient(&area), ..DataSm::default() });
    let answer = tester.line()?.ask(&pdu)?;
    if answer.id() == CommandId::DATA_SM_RESP {
        return Ok(Finding::pass(answer.words()));
    }
    let is_nack = answer.id() == CommandId::GENERIC_NACK;
    let seen = format!("the answer is {}", answer.words());
    Ok(if is_nack { Finding::quirk(seen) } else { Finding::fail(seen) })
}

fn alert(tester: &mut Tester<'_>) -> Checked {
    let ShortMessage { source, destination, .. } = message();
    let line = tester.line()?;
    let sequence_number =
        line.say(&Pdu::AlertNotification(AlertNotification { source, esme: destination, tlvs: Tlvs::EMPTY }));
    // What answers it would come before the answer to this.
    let link = line.say(&Pdu::EnquireLink(Tlvs::EMPTY));
    let first = line.hear_until(line.timeout(), |heard| heard.id().is_response())?;
    if first.header.sequence_number == link {
        return Ok(Finding::pass("no answer, and the bind goes on"));
    }
    if first.header.sequence_number != sequence_number {
        return Ok(Finding::fail(format!("{} came, to nothing", first.words())));
    }
    line.answer_to(link)?;
    Ok(Finding::quirk(format!("it was answered: {}", first.words())))
}
