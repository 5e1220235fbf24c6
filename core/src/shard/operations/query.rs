//! query_sm: what became of a message (SMPP 3.4 §4.8, 5.0 §4.5.2).

use brivas_smpp::pdu::{QuerySm, QuerySmResponse};
use brivas_smpp::tlv::Tlvs;
use brivas_smpp::{CommandStatus, InterfaceVersion, MessageState, Pdu, time};

use super::super::Shard;
use super::super::messages::Phase;
use super::index::error_code;
use super::{Asked, Known, Stand};

/// What a query is told.
#[derive(Clone, Copy)]
struct Report {
    state: MessageState,
    error: u8,
    done_ms: i64,
}

impl Shard {
    pub(super) fn query_message(&mut self, asked: Asked, query: &QuerySm<'_>) -> Result<(), CommandStatus> {
        let first = self.find_told(asked.account, query.message_id).ok_or(CommandStatus::RINVMSGID)?;
        if !self.index.is_from(&first, query.source.digits) {
            return Err(CommandStatus::RQUERYFAIL);
        }
        let reports = self.recipients(first).map(|known| self.report(&known));
        let report = reports.reduce(of_both).ok_or(CommandStatus::RQUERYFAIL)?;
        let Some(open) = self.connections.get_mut(asked.connection) else { return Ok(()) };
        let final_date = time::absolute(report.done_ms);
        let response = QuerySmResponse {
            message_id: query.message_id,
            final_date: if report.state.is_final() { &final_date } else { b"" },
            message_state: for_version(report.state, open.session.version()) as u8,
            error_code: report.error,
            tlvs: Tlvs::EMPTY,
        };
        open.session.answer(asked.sequence_number, Pdu::QuerySmResp(Some(response)), CommandStatus::ROK);
        Ok(())
    }

    fn report(&self, known: &Known) -> Report {
        match known.stand {
            Stand::Ended { state, error, done_ms } => Report { state, error, done_ms },
            Stand::Open(name) => {
                let message = self.messages.get(name);
                match message.and_then(|message| message.outcome) {
                    Some(outcome) => Report {
                        state: outcome.state,
                        error: error_code(outcome.error()),
                        done_ms: outcome.done_ms,
                    },
                    None => {
                        let waits = message.is_some_and(|message| message.phase == Phase::Scheduled);
                        let state = if waits { MessageState::Scheduled } else { MessageState::Enroute };
                        Report { state, error: 0, done_ms: 0 }
                    }
                }
            }
        }
    }
}

/// Of several recipients: under way while one of them is, and delivered when all are.
fn of_both(one: Report, other: Report) -> Report {
    let rank = |report: &Report| match report.state {
        MessageState::Enroute => 0,
        MessageState::Scheduled => 1,
        MessageState::Delivered => 4,
        MessageState::Accepted => 3,
        _ => 2,
    };
    let (first, second) = if rank(&one) <= rank(&other) { (one, other) } else { (other, one) };
    Report { done_ms: first.done_ms.max(second.done_ms), ..first }
}

/// SCHEDULED is a state of 5.0 (§4.7.15).
fn for_version(state: MessageState, version: InterfaceVersion) -> MessageState {
    match state {
        MessageState::Scheduled if !version.is_5_0() => MessageState::Enroute,
        MessageState::Skipped if !version.is_5_0() => MessageState::Undeliverable,
        other => other,
    }
}
