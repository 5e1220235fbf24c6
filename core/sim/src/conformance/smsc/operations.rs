//! Operations beside submit_sm (SMPP 3.4 §4.5, §4.7 to §4.10). A message centre need not offer them: then it says so.

use std::time::Instant;

use brivas_smpp::pdu::{
    Address, CancelSm, DataSm, Destination, Destinations, QuerySm, ReplaceSm, SubmitMulti,
};
use brivas_smpp::tlv::{self, Tag, Tlvs};
use brivas_smpp::{CommandId, CommandStatus, MessageState, Pdu};

use super::super::line::{Heard, Line, Silence};
use super::super::report::Finding;
use super::learned::is_not_offered;
use super::{Checked, Needs, Row, Tester, refused_with, row};

pub(super) const CHECKS: &[Row] = &[
    row(Needs::Messages, "operation.data-sm", "4.7.1", "data_sm with message_payload is accepted", data_sm),
    row(
        Needs::Nothing,
        "operation.data-sm-without-text",
        "4.7.1",
        "data_sm to nobody and without a text is refused",
        data_sm_without_text,
    ),
    row(
        Needs::Messages,
        "operation.submit-multi",
        "4.5",
        "submit_multi to the number and to nobody is accepted for one, and names the other",
        submit_multi,
    ),
    row(
        Needs::Nothing,
        "operation.submit-multi-to-none",
        "4.5.1",
        "submit_multi without destinations is refused with ESME_RINVNUMDESTS",
        submit_multi_to_none,
    ),
    row(Needs::Messages, "operation.schedule", "5.2.15", "a message for in one hour is accepted", schedule),
    row(Needs::Messages, "operation.query", "4.8", "query_sm of that message names it, and its state", query),
    row(Needs::Messages, "operation.replace", "4.10", "replace_sm gives it another text", replace),
    row(Needs::Messages, "operation.cancel", "4.9", "cancel_sm cancels it", cancel),
    row(
        Needs::Messages,
        "operation.query-cancelled",
        "4.8",
        "query_sm then says that it was deleted",
        query_cancelled,
    ),
    row(
        Needs::Nothing,
        "operation.query-unknown",
        "5.1.3",
        "query_sm of no message is refused with ESME_RINVMSGID or ESME_RQUERYFAIL",
        |tester| {
            let query = QuerySm { message_id: UNKNOWN, ..QuerySm::default() };
            let expected = [CommandStatus::RINVMSGID, CommandStatus::RQUERYFAIL];
            of_nothing(tester, Pdu::QuerySm(query), &expected)
        },
    ),
    row(
        Needs::Nothing,
        "operation.cancel-unknown",
        "5.1.3",
        "cancel_sm of no message is refused with ESME_RINVMSGID or ESME_RCANCELFAIL",
        |tester| {
            let cancel = CancelSm { message_id: UNKNOWN, ..CancelSm::default() };
            let expected = [CommandStatus::RINVMSGID, CommandStatus::RCANCELFAIL];
            of_nothing(tester, Pdu::CancelSm(cancel), &expected)
        },
    ),
    row(
        Needs::Nothing,
        "operation.replace-unknown",
        "5.1.3",
        "replace_sm of no message is refused with ESME_RINVMSGID or ESME_RREPLACEFAIL",
        |tester| {
            let replace = ReplaceSm { message_id: UNKNOWN, short_message: b"other", ..ReplaceSm::default() };
            let expected = [CommandStatus::RINVMSGID, CommandStatus::RREPLACEFAIL];
            of_nothing(tester, Pdu::ReplaceSm(replace), &expected)
        },
    ),
];

/// The id of no message, and short enough for every version.
const UNKNOWN: &[u8] = b"0ddba11";

fn not_offered(answer: &Heard) -> Finding {
    Finding::skipped(format!("not offered: {}", answer.words()))
}

/// Asks for something about a message that there never was.
fn of_nothing(tester: &mut Tester<'_>, pdu: Pdu<'_>, expected: &[CommandStatus]) -> Checked {
    tester.on_a_bind(|tester, line| {
        let answer = match with_source(tester, line, pdu) {
            Ok(answer) => answer,
            Err(Silence::Closed) => return Ok(Finding::quirk("the connection was closed")),
            Err(silence) => return Err(silence),
        };
        if is_not_offered(&answer) {
            tester.learned.note_error(&answer);
            return Ok(not_offered(&answer));
        }
        let request = pdu.command_id();
        if answer.status().is_ok() {
            return Ok(Finding::fail("it was done, with a message that there never was"));
        }
        Ok(refused_with(&mut tester.learned, &answer, request, expected))
    })
}

/// A message's operations name its source, and a cancellation its destination.
fn with_source(tester: &Tester<'_>, line: &mut Line, pdu: Pdu<'_>) -> Result<Heard, Silence> {
    let (source, destination) = (tester.source(), tester.destination());
    match pdu {
        Pdu::QuerySm(query) => line.ask(&Pdu::QuerySm(QuerySm { source, ..query })),
        Pdu::CancelSm(cancel) => line.ask(&Pdu::CancelSm(CancelSm { source, destination, ..cancel })),
        Pdu::ReplaceSm(replace) => line.ask(&Pdu::ReplaceSm(ReplaceSm { source, ..replace })),
        other => line.ask(&other),
    }
}

fn data_sm(tester: &mut Tester<'_>) -> Checked {
    tester.on_a_bind(|tester, line| {
        let mut area = Vec::new();
        tlv::append(&mut area, Tag::MESSAGE_PAYLOAD, b"A test of conformance");
        let (source, destination) = (tester.source(), tester.destination());
        let tlvs = Tlvs::lenient(&area);
        let began = Instant::now();
        let answer = line.ask(&Pdu::DataSm(DataSm { source, destination, tlvs, ..DataSm::default() }))?;
        if is_not_offered(&answer) {
            return Ok(not_offered(&answer));
        }
        Ok(tester.taken(&answer, CommandId::DATA_SM, began).1)
    })
}

fn data_sm_without_text(tester: &mut Tester<'_>) -> Checked {
    tester.on_a_bind(|tester, line| {
        let source = tester.source();
        let answer = line.ask(&Pdu::DataSm(DataSm { source, ..DataSm::default() }))?;
        if is_not_offered(&answer) {
            return Ok(not_offered(&answer));
        }
        let expected = [CommandStatus::RMISSINGTLV, CommandStatus::RINVDSTADR, CommandStatus::RINVMSGLEN];
        Ok(refused_with(&mut tester.learned, &answer, CommandId::DATA_SM, &expected))
    })
}

fn submit_multi(tester: &mut Tester<'_>) -> Checked {
    tester.on_a_bind(|tester, line| {
        let mut list = Vec::new();
        Destination::Address(tester.destination()).encode(&mut list);
        Destination::Address(Address { ton: 1, npi: 1, digits: b"" }).encode(&mut list);
        let Ok(destinations) = Destinations::parse(2, &list) else {
            return Ok(Finding::skipped("the number is no address"));
        };
        let message = SubmitMulti {
            source: tester.source(),
            destinations,
            short_message: b"A test of conformance",
            ..SubmitMulti::default()
        };
        let answer = line.ask(&Pdu::SubmitMulti(message))?;
        if is_not_offered(&answer) {
            return Ok(not_offered(&answer));
        }
        if !answer.status().is_ok() {
            // To refuse it as a whole is no breach: one address is wrong.
            let expected = [CommandStatus::RINVDSTADR];
            return Ok(refused_with(&mut tester.learned, &answer, CommandId::SUBMIT_MULTI, &expected));
        }
        let Some(Pdu::SubmitMultiResp(Some(response))) = answer.pdu() else {
            return Ok(Finding::fail("the body of the response cannot be read"));
        };
        let refused: Vec<_> = response.unsuccessful.iter().map(|failure| failure.status).collect();
        let id = response.message_id.octets.escape_ascii();
        Ok(match refused.as_slice() {
            [status] if !status.is_ok() => Finding::pass(format!("accepted as {id}, one refused: {status}")),
            [] => Finding::quirk(format!("accepted as {id}, also to nobody")),
            more => Finding::quirk(format!("accepted as {id}, {} refused", more.len())),
        })
    })
}

fn submit_multi_to_none(tester: &mut Tester<'_>) -> Checked {
    tester.on_a_bind(|tester, line| {
        let source = tester.source();
        let answer = line.ask(&Pdu::SubmitMulti(SubmitMulti { source, ..SubmitMulti::default() }))?;
        if is_not_offered(&answer) {
            return Ok(not_offered(&answer));
        }
        let expected = [CommandStatus::RINVNUMDESTS];
        Ok(refused_with(&mut tester.learned, &answer, CommandId::SUBMIT_MULTI, &expected))
    })
}

fn schedule(tester: &mut Tester<'_>) -> Checked {
    tester.on_a_bind(|tester, line| {
        let (id, finding) =
            tester.submit_for_id(line, |message| message.schedule_delivery_time = b"000000010000000R")?;
        tester.learned.scheduled = id;
        Ok(finding)
    })
}

/// Asks for something about the message that waits for its hour.
fn of_scheduled(
    tester: &mut Tester<'_>,
    pdu: fn(&[u8]) -> Pdu<'_>,
    judge: impl FnOnce(&[u8], &Heard) -> Finding,
) -> Checked {
    let Some(id) = tester.learned.scheduled.clone() else {
        return Ok(Finding::skipped("no message waits for its time"));
    };
    tester.on_a_bind(|tester, line| {
        let answer = with_source(tester, line, pdu(&id))?;
        if is_not_offered(&answer) {
            return Ok(not_offered(&answer));
        }
        tester.learned.note_error(&answer);
        Ok(judge(&id, &answer))
    })
}

fn query_of(id: &[u8]) -> Pdu<'_> {
    Pdu::QuerySm(QuerySm { message_id: id, ..QuerySm::default() })
}

fn replace_of(id: &[u8]) -> Pdu<'_> {
    Pdu::ReplaceSm(ReplaceSm { message_id: id, short_message: b"Another text", ..ReplaceSm::default() })
}

fn cancel_of(id: &[u8]) -> Pdu<'_> {
    Pdu::CancelSm(CancelSm { message_id: id, ..CancelSm::default() })
}

fn query(tester: &mut Tester<'_>) -> Checked {
    of_scheduled(tester, query_of, |id, answer| {
        let state = match state_of(id, answer) {
            Ok(state) => state,
            Err(finding) => return finding,
        };
        let is_open =
            matches!(state, Some(MessageState::Enroute | MessageState::Scheduled | MessageState::Accepted));
        Finding::pass_if(is_open, in_words(state))
    })
}

fn query_cancelled(tester: &mut Tester<'_>) -> Checked {
    of_scheduled(tester, query_of, |id, answer| {
        // It may be forgotten by now.
        if [CommandStatus::RINVMSGID, CommandStatus::RQUERYFAIL].contains(&answer.status()) {
            return Finding::pass(answer.words());
        }
        match state_of(id, answer) {
            Ok(state) => Finding::pass_if(state == Some(MessageState::Deleted), in_words(state)),
            Err(finding) => finding,
        }
    })
}

fn in_words(state: Option<MessageState>) -> String {
    state.map_or_else(|| "a reserved state".to_owned(), |state| format!("{state:?}"))
}

fn state_of(id: &[u8], answer: &Heard) -> Result<Option<MessageState>, Finding> {
    if !answer.status().is_ok() {
        return Err(Finding::quirk(answer.words()));
    }
    match answer.pdu() {
        Some(Pdu::QuerySmResp(Some(response))) if response.message_id == id => Ok(response.state()),
        Some(Pdu::QuerySmResp(Some(response))) => {
            let other = response.message_id.escape_ascii();
            Err(Finding::quirk(format!("the answer names another message: {other}")))
        }
        _ => Err(Finding::fail(format!("the answer is {}, and cannot be read", answer.words()))),
    }
}

fn replace(tester: &mut Tester<'_>) -> Checked {
    of_scheduled(tester, replace_of, |_, answer| done(answer, CommandId::REPLACE_SM))
}

fn cancel(tester: &mut Tester<'_>) -> Checked {
    of_scheduled(tester, cancel_of, |_, answer| done(answer, CommandId::CANCEL_SM))
}

fn done(answer: &Heard, request: CommandId) -> Finding {
    if answer.id() != request.response() {
        return Finding::fail(format!("the answer is {}", answer.words()));
    }
    Finding::pass_if(answer.status().is_ok(), answer.words())
}
