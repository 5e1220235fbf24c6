//! Binds, their states, and their ends (SMPP 3.4 §2.2, §4.1, §4.2, §4.11).

use std::time::Duration;

use brivas_smpp::pdu::{BindRequest, BindResponse};
use brivas_smpp::tlv::Tlvs;
use brivas_smpp::{BindMode, CommandId, CommandStatus, InterfaceVersion, Pdu};

use super::super::line::{Heard, Silence};
use super::super::report::Finding;
use super::{Checked, Needs, Row, Stop, Tester, refused_with, row};

pub(super) const CHECKS: &[Row] = &[
    row(Needs::Nothing, "bind.transceiver", "4.1.5", "bind_transceiver is accepted", |tester| {
        accepted(tester, BindMode::Transceiver, InterfaceVersion::V3_4)
    }),
    row(Needs::Nothing, "bind.transmitter", "4.1.1", "bind_transmitter is accepted", |tester| {
        accepted(tester, BindMode::Transmitter, InterfaceVersion::V3_4)
    }),
    row(Needs::Nothing, "bind.receiver", "4.1.3", "bind_receiver is accepted", |tester| {
        accepted(tester, BindMode::Receiver, InterfaceVersion::V3_4)
    }),
    row(
        Needs::Nothing,
        "bind.version-3.3",
        "3.4",
        "a bind of 3.3 is accepted and answered without TLVs",
        |tester| accepted(tester, BindMode::Transmitter, InterfaceVersion::V3_3),
    ),
    row(
        Needs::Nothing,
        "bind.version-5.0",
        "5.0 4.1.1",
        "a bind of 5.0 is accepted, at whatever version is told",
        |tester| accepted(tester, BindMode::Transceiver, InterfaceVersion::V5_0),
    ),
    row(
        Needs::Nothing,
        "bind.sc-interface-version",
        "5.3.2.25",
        "the response names the version that the message centre speaks",
        sc_interface_version,
    ),
    row(
        Needs::Nothing,
        "bind.wrong-password",
        "5.1.3",
        "a wrong password is refused with ESME_RINVPASWD",
        wrong_password,
    ),
    row(
        Needs::Nothing,
        "bind.unknown-system-id",
        "5.1.3",
        "an unknown system_id is refused with ESME_RINVSYSID, or as a wrong password",
        unknown_system_id,
    ),
    row(
        Needs::Nothing,
        "bind.long-system-id",
        "4.1.1",
        "a system_id of 64 octets is refused",
        long_system_id,
    ),
    row(
        Needs::Nothing,
        "bind.twice",
        "5.1.3",
        "a second bind on a connection is refused with ESME_RALYBND",
        twice,
    ),
    row(
        Needs::Nothing,
        "state.submit-before-bind",
        "2.2",
        "submit_sm before the bind is refused with ESME_RINVBNDSTS",
        submit_before_bind,
    ),
    row(
        Needs::Nothing,
        "state.submit-on-receiver",
        "2.3",
        "submit_sm on a receiver is refused with ESME_RINVBNDSTS",
        submit_on_receiver,
    ),
    row(
        Needs::Nothing,
        "state.enquire-link-before-bind",
        "2.3",
        "enquire_link before the bind does no harm",
        enquire_link_before_bind,
    ),
    row(Needs::Nothing, "state.enquire-link", "4.11", "enquire_link is answered with ESME_ROK", enquire_link),
    row(
        Needs::Nothing,
        "state.unbind",
        "4.2",
        "unbind is answered with ESME_ROK, and the connection ends",
        unbind,
    ),
    row(
        Needs::Nothing,
        "state.half-closed",
        "2.7",
        "what was asked before we closed our half is still answered",
        half_closed,
    ),
];

fn accepted(tester: &mut Tester<'_>, mode: BindMode, version: InterfaceVersion) -> Checked {
    let mut line = tester.connect()?;
    let request = tester.bind_request(version);
    let answer = line.ask(&Pdu::Bind(mode, request));
    tester.exchange.extend(line.exchange());
    let answer = answer?;
    if answer.status().is_ok() {
        line.part();
    }
    if answer.id() != mode.command_id().response() {
        return Ok(Finding::fail(format!("the answer is {}", answer.words())));
    }
    if !answer.status().is_ok() {
        tester.learned.note_error(&answer);
        let seen = format!("it was refused: {}", answer.status());
        return Ok(if version == InterfaceVersion::V3_4 {
            Finding::fail(seen)
        } else {
            Finding::quirk(seen)
        });
    }
    let Ok(response) = BindResponse::decode(answer.body()) else {
        return Ok(Finding::fail("the body of the response cannot be read"));
    };
    let name = String::from_utf8_lossy(response.system_id.octets).into_owned();
    if !response.system_id.is_terminated {
        return Ok(Finding::quirk("the response has no system_id"));
    }
    if version == InterfaceVersion::V3_3 && !response.tlvs.is_empty() {
        return Ok(Finding::quirk("the response has TLVs, which 3.3 does not know"));
    }
    let told =
        response.interface_version().map_or_else(String::new, |told| format!(", speaks {:#04x}", told.0));
    Ok(Finding::pass(format!("accepted by {name:?}{told}")))
}

fn sc_interface_version(tester: &mut Tester<'_>) -> Checked {
    let mut line = tester.connect()?;
    let answer = line.ask(&Pdu::Bind(BindMode::Transceiver, tester.bind_request(InterfaceVersion::V3_4)));
    tester.exchange.extend(line.exchange());
    let answer = answer?;
    if !answer.status().is_ok() {
        return Err(Stop::Bind(answer.status()));
    }
    line.part();
    let version = BindResponse::decode(answer.body()).ok().and_then(|response| response.interface_version());
    Ok(match version {
        Some(version @ (InterfaceVersion::V3_4 | InterfaceVersion::V5_0)) => {
            Finding::pass(format!("{:#04x}", version.0))
        }
        Some(other) => Finding::quirk(format!("sc_interface_version is {:#04x}", other.0)),
        None => Finding::quirk("sc_interface_version is missing: to the letter, such a peer takes no TLVs"),
    })
}

/// How a bind that must not succeed was answered.
fn refused(
    tester: &mut Tester<'_>,
    change: impl Fn(&mut BindRequest<'_>),
    expected: &[CommandStatus],
) -> Checked {
    let mut line = tester.connect()?;
    let mut request = tester.bind_request(InterfaceVersion::V3_4);
    change(&mut request);
    let answer = line.ask(&Pdu::Bind(BindMode::Transceiver, request));
    tester.exchange.extend(line.exchange());
    Ok(match answer {
        Ok(answer) if answer.status().is_ok() => {
            line.part();
            Finding::fail("the bind was accepted")
        }
        Ok(answer) => refused_with(&mut tester.learned, &answer, CommandId::BIND_TRANSCEIVER, expected),
        Err(Silence::Closed) => Finding::quirk("the connection was closed without a response"),
        Err(silence) => return Err(silence.into()),
    })
}

fn wrong_password(tester: &mut Tester<'_>) -> Checked {
    if tester.options.password.is_empty() {
        return Ok(Finding::skipped("no password was given: any may be right"));
    }
    refused(tester, |request| request.password = b"wrong!", &[CommandStatus::RINVPASWD])
}

fn unknown_system_id(tester: &mut Tester<'_>) -> Checked {
    if tester.options.system_id.is_empty() {
        return Ok(Finding::skipped("no system_id was given: any may be right"));
    }
    let expected = [CommandStatus::RINVSYSID, CommandStatus::RINVPASWD];
    refused(tester, |request| request.system_id = b"nobody-at-all", &expected)
}

fn long_system_id(tester: &mut Tester<'_>) -> Checked {
    let long = [b'x'; 64];
    let expected = [
        CommandStatus::RINVSYSID,
        CommandStatus::RINVPASWD,
        CommandStatus::RBINDFAIL,
        CommandStatus::RINVCMDLEN,
    ];
    if tester.options.system_id.is_empty() {
        return Ok(Finding::skipped("no system_id was given: any may be right"));
    }
    // The longest lifetime of the request is that of the tester's options.
    let mut line = tester.connect()?;
    let request = BindRequest { system_id: &long, ..tester.bind_request(InterfaceVersion::V3_4) };
    let answer = line.ask(&Pdu::Bind(BindMode::Transceiver, request));
    tester.exchange.extend(line.exchange());
    Ok(match answer {
        Ok(answer) if answer.status().is_ok() => Finding::fail("the bind was accepted"),
        Ok(answer) if answer.id() == CommandId::GENERIC_NACK => Finding::pass(answer.words()),
        Ok(answer) => refused_with(&mut tester.learned, &answer, CommandId::BIND_TRANSCEIVER, &expected),
        Err(Silence::Closed) => Finding::quirk("the connection was closed without a response"),
        Err(silence) => return Err(silence.into()),
    })
}

fn twice(tester: &mut Tester<'_>) -> Checked {
    let (system_id, password) = (tester.options.system_id.clone(), tester.options.password.clone());
    tester.on_a_bind(|tester, line| {
        let again = BindRequest {
            system_id: system_id.as_bytes(),
            password: password.as_bytes(),
            ..tester.bind_request(InterfaceVersion::V3_4)
        };
        let answer = match line.ask(&Pdu::Bind(BindMode::Transceiver, again)) {
            Ok(answer) => answer,
            Err(Silence::Closed) => return Ok(Finding::quirk("the connection was closed")),
            Err(silence) => return Err(silence),
        };
        if !line.is_alive() {
            return Ok(Finding::quirk(format!("{}, and the first bind has ended", answer.words())));
        }
        Ok(refused_with(&mut tester.learned, &answer, CommandId::BIND_TRANSCEIVER, &[CommandStatus::RALYBND]))
    })
}

fn submit_before_bind(tester: &mut Tester<'_>) -> Checked {
    tester.before_a_bind(|tester, line| {
        let answer = line.ask(&Pdu::SubmitSm(tester.message(b"before the bind")));
        match answer {
            Ok(answer) if answer.status().is_ok() => {
                Ok(Finding::fail("the message was accepted without a bind"))
            }
            Ok(answer) => {
                let expected = [CommandStatus::RINVBNDSTS];
                Ok(refused_with(&mut tester.learned, &answer, CommandId::SUBMIT_SM, &expected))
            }
            Err(Silence::Closed) => Ok(Finding::quirk("the connection was closed without a response")),
            Err(silence) => Err(silence),
        }
    })
}

fn submit_on_receiver(tester: &mut Tester<'_>) -> Checked {
    tester.on(BindMode::Receiver, |tester, line| {
        match line.ask(&Pdu::SubmitSm(tester.message(b"on a receiver"))) {
            Ok(answer) => {
                let expected = [CommandStatus::RINVBNDSTS];
                Ok(refused_with(&mut tester.learned, &answer, CommandId::SUBMIT_SM, &expected))
            }
            Err(Silence::Closed) => Ok(Finding::quirk("the connection was closed without a response")),
            Err(silence) => Err(silence),
        }
    })
}

fn enquire_link_before_bind(tester: &mut Tester<'_>) -> Checked {
    let request = |tester: &Tester<'_>| {
        let mut octets = Vec::new();
        let bind = Pdu::Bind(BindMode::Transceiver, tester.bind_request(InterfaceVersion::V3_4));
        bind.encode_body(&mut octets);
        octets
    };
    let body = request(tester);
    tester.before_a_bind(|_, line| {
        let first = line.ask(&Pdu::EnquireLink(Tlvs::EMPTY));
        let seen = match &first {
            Ok(answer) => answer.words(),
            Err(Silence::Closed) => return Ok(Finding::quirk("the connection was closed")),
            Err(silence) => silence.to_string(),
        };
        let bind = line.ask_body(CommandId::BIND_TRANSCEIVER, &body);
        Ok(match (first, bind) {
            (Ok(answer), Ok(bind)) if bind.status().is_ok() => {
                Finding::pass_if(answer.id() == CommandId::ENQUIRE_LINK_RESP && answer.status().is_ok(), seen)
            }
            (_, Ok(bind)) if bind.status().is_ok() => Finding::quirk(seen),
            (_, Ok(bind)) => Finding::quirk(format!("{seen}; the bind behind it: {}", bind.status())),
            (_, Err(silence)) => Finding::fail(format!("{seen}; the bind behind it: {silence}")),
        })
    })
}

fn enquire_link(tester: &mut Tester<'_>) -> Checked {
    tester.on_a_bind(|_, line| {
        let answer = line.ask(&Pdu::EnquireLink(Tlvs::EMPTY))?;
        let is_right = answer.id() == CommandId::ENQUIRE_LINK_RESP && answer.status().is_ok();
        if !is_right {
            return Ok(Finding::fail(answer.words()));
        }
        Ok(Finding::pass_if(
            answer.body().is_empty(),
            format!("{}, {} octets", answer.words(), answer.octets.len()),
        ))
    })
}

fn unbind(tester: &mut Tester<'_>) -> Checked {
    let mut line = tester.bound(BindMode::Transceiver)?;
    line.exchange();
    let answer = line.ask(&Pdu::Unbind(Tlvs::EMPTY));
    let then = line.hear(line.timeout().min(AFTER_UNBIND));
    tester.exchange.extend(line.exchange());
    let answer: Heard = answer?;
    if answer.id() != CommandId::UNBIND_RESP || !answer.status().is_ok() {
        return Ok(Finding::fail(answer.words()));
    }
    Ok(match then {
        Err(Silence::Closed) => Finding::pass("unbind_resp, and the connection was closed"),
        // Either side may close it.
        Err(Silence::Nothing(_)) => Finding::pass("unbind_resp; the connection was left to us"),
        Ok(more) => Finding::quirk(format!("{} came behind unbind_resp", more.words())),
        Err(silence) => Finding::fail(silence.to_string()),
    })
}

/// How long a message centre may take to close a connection that has parted.
const AFTER_UNBIND: Duration = Duration::from_secs(1);

fn half_closed(tester: &mut Tester<'_>) -> Checked {
    let mut line = tester.bound(BindMode::Transceiver)?;
    line.exchange();
    let sequence_number = line.say(&Pdu::EnquireLink(Tlvs::EMPTY));
    line.shut();
    let answer = line.answer_to(sequence_number);
    tester.exchange.extend(line.exchange());
    Ok(match answer {
        Ok(answer) => Finding::pass(answer.words()),
        Err(silence) => Finding::quirk(silence.to_string()),
    })
}
