//! What an ESME makes of frames and sequence numbers (SMPP 3.4 §3.2, §5.1).

use brivas_smpp::pdu::MessageResponse;
use brivas_smpp::tlv::Tlvs;
use brivas_smpp::{CommandId, CommandStatus, Pdu};

use super::super::line::{Silence, octets_of, raw};
use super::super::report::Finding;
use super::{Checked, Needs, Row, Tester, row};

pub(super) const CHECKS: &[Row] = &[
    row(
        Needs::Bind,
        "frame.sequence-echo",
        "5.1.4",
        "responses have the sequence number of their requests, also 0 and those with the high bit",
        sequence_echo,
    ),
    row(Needs::Bind, "frame.one-octet-at-a-time", "2.7", "a PDU may come one octet at a time", |tester| {
        let line = tester.line()?;
        let number = line.sequence();
        line.send_singly(&raw(CommandId::ENQUIRE_LINK, number, b""));
        Ok(Finding::pass(line.answer_to(number)?.words()))
    }),
    row(Needs::Bind, "frame.many-at-once", "2.6", "ten PDUs in one segment are all answered", many_at_once),
    row(
        Needs::Bind,
        "frame.unknown-command",
        "4.3",
        "an unknown command is answered with generic_nack ESME_RINVCMDID, and the bind goes on",
        unknown_command,
    ),
    row(Needs::Bind, "frame.unexpected-response", "2.6", "a response to nothing is ignored", |tester| {
        let unasked = Pdu::SubmitSmResp(MessageResponse::new(b"0000ffff"));
        still_there(tester, &octets_of(&unasked, CommandStatus::ROK, 0x0012_3456))
    }),
    row(Needs::Bind, "frame.generic-nack", "4.3", "a generic_nack to nothing is ignored", |tester| {
        let nack = Pdu::GenericNack(Tlvs::EMPTY);
        still_there(tester, &octets_of(&nack, CommandStatus::RINVCMDID, 0x0012_3457))
    }),
];

fn sequence_echo(tester: &mut Tester<'_>) -> Checked {
    let line = tester.line()?;
    let mut wrong = Vec::new();
    for number in [0x7FFF_FFFF, 0, 0x8000_0001, 0xFFFF_FFFF] {
        line.send(&raw(CommandId::ENQUIRE_LINK, number, b""));
        match line.answer_to(number) {
            Ok(answer) if answer.id() == CommandId::ENQUIRE_LINK_RESP => {}
            Ok(answer) => wrong.push(format!("{number:#x}: {}", answer.words())),
            Err(silence @ Silence::Nothing(_)) => wrong.push(format!("{number:#x}: {silence}")),
            Err(silence) => return Err(silence),
        }
    }
    Ok(match wrong.as_slice() {
        [] => Finding::pass("0, 0x7fffffff, 0x80000001 and 0xffffffff came back"),
        // The specification's own range is 1 to 0x7fffffff.
        [first, ..] if first.starts_with("0x7f") => Finding::fail(wrong.join("; ")),
        wrong => Finding::quirk(wrong.join("; ")),
    })
}

fn many_at_once(tester: &mut Tester<'_>) -> Checked {
    let line = tester.line()?;
    let numbers: Vec<_> = (0..10).map(|_| line.sequence()).collect();
    let octets: Vec<_> =
        numbers.iter().flat_map(|number| raw(CommandId::ENQUIRE_LINK, *number, b"")).collect();
    line.send(&octets);
    let mut came = Vec::new();
    while came.len() < numbers.len() {
        match line.hear_until(line.timeout(), |heard| heard.id() == CommandId::ENQUIRE_LINK_RESP) {
            Ok(answer) => came.push(answer.header.sequence_number),
            Err(Silence::Nothing(_)) => {
                return Ok(Finding::fail(format!("{} of 10 were answered", came.len())));
            }
            Err(silence) => return Err(silence),
        }
    }
    came.sort_unstable();
    Ok(if came == numbers {
        Finding::pass("all were answered")
    } else {
        Finding::fail("the answers have other sequence numbers")
    })
}

fn unknown_command(tester: &mut Tester<'_>) -> Checked {
    let line = tester.line()?;
    match line.ask_body(CommandId(0x0000_0777), b"whatever") {
        Ok(answer) if !line.is_alive() => {
            Ok(Finding::fail(format!("{}, and the bind has ended", answer.words())))
        }
        Ok(answer) => {
            let is_nack = answer.id() == CommandId::GENERIC_NACK;
            Ok(Finding::pass_if(is_nack && answer.status() == CommandStatus::RINVCMDID, answer.words()))
        }
        Err(silence @ Silence::Nothing(_)) => Ok(Finding::quirk(silence.to_string())),
        Err(silence) => Err(silence),
    }
}

/// Whether the bind outlives these octets.
fn still_there(tester: &mut Tester<'_>, octets: &[u8]) -> Checked {
    let line = tester.line()?;
    line.send(octets);
    Ok(if line.is_alive() { Finding::pass("the bind goes on") } else { Finding::fail("the bind has ended") })
}
