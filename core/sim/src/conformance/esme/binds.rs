//! How an ESME binds, parts, and comes back (SMPP 3.4 §2.2, §4.1, §4.2).

use std::time::Instant;

use brivas_smpp::tlv::Tlvs;
use brivas_smpp::{CommandId, InterfaceVersion, Pdu};

use super::super::line::Silence;
use super::super::report::Finding;
use super::{Checked, Needs, Row, Tester, row};

pub(super) const CHECKS: &[Row] = &[
    row(Needs::Bind, "bind.fields", "4.1", "its bind is well formed, and no field too long", fields),
    row(Needs::Bind, "bind.version", "5.2.4", "it says which version it speaks", version),
    row(Needs::Bind, "bind.sequence", "5.1.4", "its first sequence number is 1", sequence),
    row(Needs::Bind, "link.enquire-link", "4.11", "enquire_link is answered with ESME_ROK", |tester| {
        let answer = tester.line()?.ask(&Pdu::EnquireLink(Tlvs::EMPTY))?;
        let is_right = answer.id() == CommandId::ENQUIRE_LINK_RESP && answer.status().is_ok();
        Ok(if is_right { Finding::pass(answer.words()) } else { Finding::fail(answer.words()) })
    }),
];

/// These end the bind: they come last.
pub(super) const ENDS: &[Row] = &[
    row(Needs::Bind, "end.unbind", "4.2", "unbind is answered with ESME_ROK", unbind),
    row(
        Needs::Bind,
        "end.back-after-unbind",
        "2.2",
        "after an unbind it comes back, or stays away in order",
        |tester| {
            // The check before has parted: that this one runs shows that it came back.
            Ok(if tester.line()?.is_alive() {
                Finding::pass("it has bound again")
            } else {
                Finding::fail("it bound again, and does not answer")
            })
        },
    ),
    row(Needs::Bind, "end.back-after-cut", "2.7", "after a cut connection it comes back", cut),
];

fn fields(tester: &mut Tester<'_>) -> Checked {
    let Some(bind) = &tester.bind else { return Err(Silence::Closed) };
    let Some(Pdu::Bind(mode, request)) = bind.request.pdu() else {
        return Ok(Finding::fail("its bind cannot be read"));
    };
    let lengths = [
        ("system_id", request.system_id.len(), 15),
        ("password", request.password.len(), 8),
        ("system_type", request.system_type.len(), 12),
        ("address_range", request.address_range.len(), 40),
    ];
    let too_long: Vec<_> = lengths
        .iter()
        .filter(|(_, length, most)| length > most)
        .map(|(name, length, most)| format!("{name} has {length} characters, {most} is the most"))
        .collect();
    if !too_long.is_empty() {
        return Ok(Finding::quirk(too_long.join("; ")));
    }
    if bind.request.header.command_status != 0 {
        return Ok(Finding::quirk(format!(
            "its command_status is {:#x}",
            bind.request.header.command_status
        )));
    }
    if !request.trailing.is_empty() {
        return Ok(Finding::quirk(format!("{} octets stand behind the last field", request.trailing.len())));
    }
    let name = request.system_id.escape_ascii();
    Ok(Finding::pass(format!("{mode:?} of {name}")))
}

fn version(tester: &mut Tester<'_>) -> Checked {
    let Some(bind) = &tester.bind else { return Err(Silence::Closed) };
    let Some(Pdu::Bind(_, request)) = bind.request.pdu() else { return Err(Silence::Closed) };
    let version = request.interface_version;
    let known = [InterfaceVersion::V3_3, InterfaceVersion::V3_4, InterfaceVersion::V5_0];
    Ok(Finding::pass_if(known.contains(&version), format!("{:#04x}", version.0)))
}

fn sequence(tester: &mut Tester<'_>) -> Checked {
    let Some(bind) = &tester.bind else { return Err(Silence::Closed) };
    let number = bind.request.header.sequence_number;
    Ok(Finding::pass_if(number == 1, format!("{number:#x}")))
}

fn unbind(tester: &mut Tester<'_>) -> Checked {
    let answer = tester.line()?.ask(&Pdu::Unbind(Tlvs::EMPTY));
    if let Some(mut bind) = tester.bind.take() {
        tester.exchange.extend(bind.line.exchange());
    }
    let answer = answer?;
    let is_right = answer.id() == CommandId::UNBIND_RESP && answer.status().is_ok();
    Ok(if is_right { Finding::pass(answer.words()) } else { Finding::fail(answer.words()) })
}

fn cut(tester: &mut Tester<'_>) -> Checked {
    drop(tester.bind.take());
    let began = Instant::now();
    if !tester.wait_for_bind() {
        return Ok(Finding::quirk(format!("not within {} ms", tester.options.patience_ms)));
    }
    let after = began.elapsed().as_millis();
    Ok(if tester.line()?.is_alive() {
        Finding::pass(format!("after {after} ms"))
    } else {
        Finding::fail("it bound again, and does not answer")
    })
}
