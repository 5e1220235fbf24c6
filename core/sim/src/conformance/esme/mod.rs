//! The checks of an ESME: the tester listens, takes its binds, and sends what a message centre may send.
//!
//! One bind serves most checks; the ESME is expected to come back after an unbind and after a cut.

mod binds;
mod deliveries;
mod frames;

use std::net::TcpListener;
use std::time::{Duration, Instant};

use brivas_smpp::pdu::{BindResponse, MessageResponse};
use brivas_smpp::{BindMode, CommandId, CommandStatus, Pdu};

use super::line::{Heard, Line, Silence};
use super::options::ConformanceOptions;
use super::report::{Check, Finding, Report};
use crate::handle::Shared;

/// What a check does; an error ends it as failed, with what did not come.
type Run = fn(&mut Tester<'_>) -> Result<Finding, Silence>;
type Checked = Result<Finding, Silence>;

/// One row of a table of checks, and whether it needs a bind that receives.
type Row = (Check, Needs, Run);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    Bind,
    Receiver,
}

const fn row(needs: Needs, id: &'static str, section: &'static str, title: &'static str, run: Run) -> Row {
    (Check { id, title, section }, needs, run)
}

/// How often a waiting tester looks whether it shall stop.
const LOOK: Duration = Duration::from_millis(20);
/// What we call ourselves.
const SYSTEM_ID: &[u8] = b"conformance";

/// Listens where the ESME binds to.
pub(super) fn listen(options: &ConformanceOptions) -> std::io::Result<TcpListener> {
    let listener = TcpListener::bind(&options.address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Waits for a bind, and runs the checks.
pub(super) fn run(options: &ConformanceOptions, listener: &TcpListener, shared: &Shared) -> Report {
    let mut report = Report::new("esme", &options.address);
    shared.enter("waiting for a bind");
    let mut tester =
        Tester { options, listener, shared, bind: None, exchange: Vec::new(), response_ms: Vec::new() };
    if !tester.wait_for_bind() {
        report.error = Some(format!("nobody bound within {} ms", options.patience_ms));
        return report;
    }
    shared.enter("checking");
    for &(check, needs, run) in
        [binds::CHECKS, deliveries::CHECKS, frames::CHECKS, binds::ENDS].into_iter().flatten()
    {
        if shared.stopped() {
            report.error = Some("stopped".to_owned());
            break;
        }
        if !options.wants(check.id) {
            continue;
        }
        let finding = tester.run(needs, run);
        report.add(check, &finding, std::mem::take(&mut tester.exchange), shared);
    }
    tester.tell(&mut report);
    report
}

struct Tester<'o> {
    options: &'o ConformanceOptions,
    listener: &'o TcpListener,
    shared: &'o Shared,
    bind: Option<Bound>,
    /// What was said in this check.
    exchange: Vec<String>,
    response_ms: Vec<u64>,
}

/// The ESME's bind.
struct Bound {
    line: Line,
    mode: BindMode,
    /// As it came.
    request: Heard,
}

impl Tester<'_> {
    fn run(&mut self, needs: Needs, run: Run) -> Finding {
        // An ESME that a check lost may come back.
        if self.bind.is_none() && !self.wait_for_bind() {
            return Finding::skipped(format!("it did not bind again within {} ms", self.options.patience_ms));
        }
        if needs == Needs::Receiver && self.bind.as_ref().is_some_and(|bind| !bind.mode.receives()) {
            return Finding::skipped("its bind receives nothing");
        }
        let finding = run(self).unwrap_or_else(|silence| {
            if silence != Silence::Nothing(self.options.timeout()) {
                self.bind = None;
            }
            Finding::fail(silence.to_string())
        });
        if let Some(bind) = &mut self.bind {
            self.exchange.extend(bind.line.exchange());
        }
        finding
    }

    /// The line of the bind; a check runs only while there is one.
    fn line(&mut self) -> Result<&mut Line, Silence> {
        self.bind.as_mut().map(|bind| &mut bind.line).ok_or(Silence::Closed)
    }

    /// Takes connections until one of them binds; false: none did in time.
    fn wait_for_bind(&mut self) -> bool {
        let deadline = Instant::now() + self.options.patience();
        while Instant::now() < deadline && !self.shared.stopped() {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    let is_usable = stream.set_nonblocking(false).is_ok();
                    if is_usable && let Ok(line) = Line::over(stream, self.options.timeout()) {
                        self.bind = self.take_bind(line);
                    }
                    if self.bind.is_some() {
                        return true;
                    }
                }
                // None yet.
                Err(_) => std::thread::sleep(LOOK),
            }
        }
        false
    }

    fn take_bind(&mut self, mut line: Line) -> Option<Bound> {
        let wanted = |heard: &Heard| BindMode::from_command_id(heard.id()).is_some();
        let request = line.hear_until(self.options.timeout(), wanted).ok()?;
        let mode = BindMode::from_command_id(request.id())?;
        let sequence_number = request.header.sequence_number;
        let refusal = match request.pdu() {
            Some(Pdu::Bind(_, bind)) => self.refusal(bind.system_id, bind.password),
            _ => Some(CommandStatus::RINVCMDLEN),
        };
        let answer = match mode {
            _ if refusal.is_some() => Pdu::BindResp(mode, BindResponse::default()),
            _ => Pdu::BindResp(mode, BindResponse::new(SYSTEM_ID, None)),
        };
        line.answer(&answer, refusal.unwrap_or(CommandStatus::ROK), sequence_number);
        if refusal.is_some() {
            self.exchange.extend(line.exchange());
            return None;
        }
        Some(Bound { line, mode, request })
    }

    fn refusal(&self, system_id: &[u8], password: &[u8]) -> Option<CommandStatus> {
        let is = |wanted: &str, given: &[u8]| wanted.is_empty() || wanted.as_bytes() == given;
        if !is(&self.options.system_id, system_id) {
            Some(CommandStatus::RINVSYSID)
        } else if !is(&self.options.password, password) {
            Some(CommandStatus::RINVPASWD)
        } else {
            None
        }
    }

    fn tell(mut self, report: &mut Report) {
        self.response_ms.sort_unstable();
        if let Some(median) = self.response_ms.get(self.response_ms.len() / 2) {
            report.facts.insert("response_ms_p50".to_owned(), (*median).into());
        }
    }
}

/// Judges the answer to a message that the ESME ought to take.
fn taken(answer: &Heard, request: CommandId) -> Finding {
    if answer.id() != request.response() {
        return Finding::fail(format!("the answer is {}", answer.words()));
    }
    if !answer.status().is_ok() {
        return Finding::quirk(format!("it was refused: {}", answer.status()));
    }
    let id = MessageResponse::decode(answer.body()).map(|response| response.message_id);
    match id {
        Ok(id) if !id.octets.is_empty() => {
            Finding::quirk(format!("its message_id, which is unused, is {}", id.octets.escape_ascii()))
        }
        Ok(id) if !id.is_terminated => {
            Finding::quirk("the response has no message_id, not even an empty one")
        }
        _ => Finding::pass(answer.words()),
    }
}
