//! Frames and sequence numbers (SMPP 3.4 §3.2, §5.1).

use brivas_smpp::tlv::Tlvs;
use brivas_smpp::{BindMode, CommandId, CommandStatus, InterfaceVersion, Pdu};

use super::super::line::{Line, Silence, octets_of, raw};
use super::super::report::Finding;
use super::{Checked, Needs, Row, Tester, refused_with, row};

pub(super) const CHECKS: &[Row] = &[
    row(
        Needs::Nothing,
        "frame.unknown-command",
        "4.3",
        "an unknown command is answered with generic_nack ESME_RINVCMDID, and the bind goes on",
        unknown_command,
    ),
    row(
        Needs::Nothing,
        "frame.unexpected-response",
        "2.6",
        "a response to nothing is ignored",
        unexpected_response,
    ),
    row(
        Needs::Nothing,
        "frame.length-15",
        "5.1.1",
        "a command_length of 15 is answered with ESME_RINVCMDLEN, or ends the connection",
        |tester| bad_length(tester, 15),
    ),
    row(
        Needs::Nothing,
        "frame.length-huge",
        "5.1.1",
        "a command_length of 2 GiB is answered with ESME_RINVCMDLEN, or ends the connection",
        |tester| bad_length(tester, 0x7FFF_FFFF),
    ),
    row(
        Needs::Nothing,
        "frame.cut-body",
        "5.1.3",
        "a submit_sm that ends early is refused with ESME_RINVCMDLEN",
        cut_body,
    ),
    row(
        Needs::Nothing,
        "frame.sequence-echo",
        "5.1.4",
        "responses have the sequence number of their requests, also 0 and those with the high bit",
        sequence_echo,
    ),
    row(
        Needs::Nothing,
        "frame.one-octet-at-a-time",
        "2.7",
        "a PDU may come one octet at a time",
        one_octet_at_a_time,
    ),
    row(
        Needs::Nothing,
        "frame.many-at-once",
        "2.6",
        "many PDUs in one segment are all answered",
        many_at_once,
    ),
    row(
        Needs::Nothing,
        "frame.behind-the-bind",
        "2.6",
        "what comes in one segment with the bind is answered behind it",
        behind_the_bind,
    ),
    row(
        Needs::Nothing,
        "frame.trailing-octets",
        "3.2.1",
        "octets behind the last field of an enquire_link are passed over",
        trailing_octets,
    ),
];

fn unknown_command(tester: &mut Tester<'_>) -> Checked {
    tester.on_a_bind(|tester, line| {
        let answer = match line.ask_body(CommandId(0x0000_0777), b"whatever") {
            Ok(answer) => answer,
            Err(Silence::Closed) => return Ok(Finding::quirk("the connection was closed")),
            Err(silence) => return Ok(Finding::fail(silence.to_string())),
        };
        tester.learned.note_error(&answer);
        if !line.is_alive() {
            return Ok(Finding::fail(format!("{}, and the bind has ended", answer.words())));
        }
        let is_nack = answer.id() == CommandId::GENERIC_NACK;
        Ok(Finding::pass_if(is_nack && answer.status() == CommandStatus::RINVCMDID, answer.words()))
    })
}

fn unexpected_response(tester: &mut Tester<'_>) -> Checked {
    tester.on_a_bind(|_, line| {
        line.send(&octets_of(&Pdu::EnquireLinkResp(Tlvs::EMPTY), CommandStatus::ROK, 0x0012_3456));
        if line.is_alive() {
            Ok(Finding::pass("the bind goes on"))
        } else {
            Ok(Finding::fail("the bind has ended"))
        }
    })
}

fn bad_length(tester: &mut Tester<'_>, length: u32) -> Checked {
    tester.on_a_bind(|tester, line| {
        let mut octets = raw(CommandId::ENQUIRE_LINK, 7, b"");
        octets[..4].copy_from_slice(&length.to_be_bytes());
        line.send(&octets);
        let first = line.hear(line.timeout());
        if let Ok(answer) = &first {
            tester.learned.note_error(answer);
        }
        Ok(match first {
            Err(Silence::Closed) => Finding::pass("the connection was closed"),
            Ok(answer) if answer.status() == CommandStatus::RINVCMDLEN => Finding::pass(answer.words()),
            Ok(answer) => Finding::quirk(answer.words()),
            // It waits for the rest; a connection in which nothing can be told apart any more.
            Err(silence) => Finding::quirk(format!("{silence}, and the connection stays")),
        })
    })
}

fn cut_body(tester: &mut Tester<'_>) -> Checked {
    tester.on_a_bind(|tester, line| {
        let mut body = Vec::new();
        tester.message(b"cut").encode(&mut body);
        body.truncate(6);
        match line.ask_body(CommandId::SUBMIT_SM, &body) {
            Ok(answer) => {
                let expected = [CommandStatus::RINVCMDLEN];
                Ok(refused_with(&mut tester.learned, &answer, CommandId::SUBMIT_SM, &expected))
            }
            Err(Silence::Closed) => Ok(Finding::quirk("the connection was closed")),
            Err(silence) => Err(silence),
        }
    })
}

fn sequence_echo(tester: &mut Tester<'_>) -> Checked {
    tester.on_a_bind(|_, line| {
        let mut wrong = Vec::new();
        for sequence_number in [1, 0x7FFF_FFFF, 0, 0x8000_0001, 0xFFFF_FFFF] {
            line.send(&raw(CommandId::ENQUIRE_LINK, sequence_number, b""));
            match line.answer_to(sequence_number) {
                Ok(answer) if answer.id() == CommandId::ENQUIRE_LINK_RESP => {}
                Ok(answer) => wrong.push(format!("{sequence_number:#x}: {}", answer.words())),
                Err(Silence::Closed) => {
                    wrong.push(format!("{sequence_number:#x}: the connection was closed"));
                    break;
                }
                Err(silence) => wrong.push(format!("{sequence_number:#x}: {silence}")),
            }
        }
        Ok(match wrong.as_slice() {
            [] => Finding::pass("0, 1, 0x7fffffff, 0x80000001 and 0xffffffff came back"),
            // The specification's own range is 1 to 0x7fffffff.
            wrong if wrong.iter().any(|one| one.starts_with("0x1:") || one.starts_with("0x7f")) => {
                Finding::fail(wrong.join("; "))
            }
            wrong => Finding::quirk(wrong.join("; ")),
        })
    })
}

fn one_octet_at_a_time(tester: &mut Tester<'_>) -> Checked {
    tester.on_a_bind(|_, line| {
        let sequence_number = line.sequence();
        line.send_singly(&raw(CommandId::ENQUIRE_LINK, sequence_number, b""));
        let answer = line.answer_to(sequence_number)?;
        Ok(Finding::pass(answer.words()))
    })
}

fn many_at_once(tester: &mut Tester<'_>) -> Checked {
    tester.on_a_bind(|_, line| {
        let first = ask_at_once(line, MANY);
        Ok(judge_many(line, first))
    })
}

/// What one segment may hold without asking for much.
const MANY: u32 = 50;

fn ask_at_once(line: &mut Line, count: u32) -> u32 {
    let first = line.sequence();
    let mut octets = raw(CommandId::ENQUIRE_LINK, first, b"");
    for _ in 1..count {
        let sequence_number = line.sequence();
        octets.extend(raw(CommandId::ENQUIRE_LINK, sequence_number, b""));
    }
    line.send(&octets);
    first
}

fn judge_many(line: &mut Line, first: u32) -> Finding {
    let mut came = Vec::new();
    while came.len() < MANY as usize {
        match line.hear_until(line.timeout(), |heard| heard.id() == CommandId::ENQUIRE_LINK_RESP) {
            Ok(answer) => came.push(answer.header.sequence_number),
            Err(silence) => {
                return Finding::fail(format!("{} of {MANY} were answered: {silence}", came.len()));
            }
        }
    }
    let in_order = came.iter().copied().eq(first..first + MANY);
    came.sort_unstable();
    if !came.into_iter().eq(first..first + MANY) {
        return Finding::fail("the answers have other sequence numbers");
    }
    Finding::pass(format!(
        "all {MANY} were answered, {}",
        if in_order { "in order" } else { "in another order" }
    ))
}

fn behind_the_bind(tester: &mut Tester<'_>) -> Checked {
    let request = tester.bind_request(InterfaceVersion::V3_4);
    let mut octets = octets_of(&Pdu::Bind(BindMode::Transceiver, request), CommandStatus::ROK, 1);
    octets.extend(raw(CommandId::ENQUIRE_LINK, 2, b""));
    tester.before_a_bind(|_, line| {
        line.send(&octets);
        let bind = line.answer_to(1)?;
        if !bind.status().is_ok() {
            return Ok(Finding::skipped(format!("the bind was refused: {}", bind.status())));
        }
        Ok(match line.answer_to(2) {
            Ok(answer) => Finding::pass(answer.words()),
            Err(silence) => Finding::quirk(format!("what stood behind the bind: {silence}")),
        })
    })
}

fn trailing_octets(tester: &mut Tester<'_>) -> Checked {
    tester.on_a_bind(|_, line| {
        let answer = match line.ask_body(CommandId::ENQUIRE_LINK, b"\0\0\0") {
            Ok(answer) => answer,
            Err(silence) => return Ok(Finding::quirk(silence.to_string())),
        };
        let is_taken = answer.id() == CommandId::ENQUIRE_LINK_RESP && answer.status().is_ok();
        Ok(Finding::pass_if(is_taken, answer.words()))
    })
}
