//! The checks of a message centre, each on a connection of its own unless it says otherwise.

mod binds;
mod frames;
mod learned;
mod messages;
mod operations;
mod receipts;
mod refusals;

use std::net::{SocketAddr, ToSocketAddrs};

use brivas_smpp::pdu::{Address, BindRequest};
use brivas_smpp::{
    BindMode, CommandId, CommandStatus, InterfaceVersion, Pdu, RegisteredDelivery, ShortMessage,
};

use super::line::{Heard, Line, Silence};
use super::options::ConformanceOptions;
use super::report::{Check, Finding, Report};
use crate::handle::Shared;
use learned::Learned;

/// What a check does; an error ends it as failed, with what did not come.
type Run = fn(&mut Tester<'_>) -> Result<Finding, Stop>;

/// Why a check cannot go on.
pub(super) enum Stop {
    /// No connection.
    Connect(std::io::Error),
    /// The bind that the check needs was refused.
    Bind(CommandStatus),
    /// What it waits for did not come.
    Silence(Silence),
}

impl From<Silence> for Stop {
    fn from(silence: Silence) -> Self {
        Self::Silence(silence)
    }
}

type Checked = Result<Finding, Stop>;

/// Runs them all.
pub(super) fn run(options: &ConformanceOptions, shared: &Shared) -> Report {
    let mut report = Report::new("smsc", &options.address);
    let address = match options.address.to_socket_addrs().map(|mut found| found.next()) {
        Ok(Some(address)) => address,
        Ok(None) => return failed(report, format!("{}: it has no address", options.address)),
        Err(error) => return failed(report, format!("{}: {error}", options.address)),
    };
    shared.enter("checking");
    let mut tester =
        Tester { options, address, exchange: Vec::new(), learned: Learned::default(), study: None };
    if let Err(error) = Line::connect(address, options.timeout()) {
        return failed(report, format!("cannot connect to {address}: {error}"));
    }
    let all = [
        binds::CHECKS,
        frames::CHECKS,
        messages::CHECKS,
        refusals::CHECKS,
        operations::CHECKS,
        receipts::CHECKS,
        learned::CHECKS,
    ];
    let mut before = "the beginning";
    for &(check, needs, run) in all.into_iter().flatten() {
        if shared.stopped() {
            report.error = Some("stopped".to_owned());
            break;
        }
        if !options.wants(check.id) {
            continue;
        }
        let checked = if needs == Needs::Messages && !options.messages {
            Ok(Finding::skipped("it would send messages"))
        } else {
            run(&mut tester)
        };
        let exchange = std::mem::take(&mut tester.exchange);
        if let Err(Stop::Connect(error)) = &checked {
            // Whatever the check before did has ended it: every other check would say the same.
            let why = format!("no connection is taken any more, since {before}: {error}");
            report.add(check, &Finding::fail(why.clone()), exchange, shared);
            report.error = Some(why);
            break;
        }
        report.add(check, &checked.unwrap_or_else(Stop::into_finding), exchange, shared);
        before = check.id;
        if options.pause_ms > 0 {
            std::thread::sleep(std::time::Duration::from_millis(options.pause_ms));
        }
    }
    tester.learned.tell(&mut report);
    report
}

fn failed(mut report: Report, why: String) -> Report {
    report.error = Some(why);
    report
}

impl Stop {
    fn into_finding(self) -> Finding {
        match self {
            Self::Connect(error) => Finding::fail(format!("no connection: {error}")),
            Self::Bind(status) => Finding::skipped(format!("the bind was refused: {status}")),
            Self::Silence(silence) => Finding::fail(silence.to_string()),
        }
    }
}

/// Whether a check sends messages that are delivered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    Nothing,
    Messages,
}

/// One row of a table of checks.
pub(super) type Row = (Check, Needs, Run);

const fn row(needs: Needs, id: &'static str, section: &'static str, title: &'static str, run: Run) -> Row {
    (Check { id, title, section }, needs, run)
}

/// Who checks, and what it has learned.
pub(super) struct Tester<'o> {
    options: &'o ConformanceOptions,
    address: SocketAddr,
    /// What was said in this check.
    exchange: Vec<String>,
    learned: Learned,
    study: Option<receipts::Study>,
}

impl Tester<'_> {
    /// Once more after a moment: what ends by itself may be started again by whoever watches over it.
    fn connect(&self) -> Result<Line, Stop> {
        let timeout = self.options.timeout();
        let connected = Line::connect(self.address, timeout).or_else(|_| {
            std::thread::sleep(timeout.min(std::time::Duration::from_secs(2)));
            Line::connect(self.address, timeout)
        });
        connected.map_err(Stop::Connect)
    }

    /// As the options say, with another version where it is given.
    fn bind_request(&self, version: InterfaceVersion) -> BindRequest<'_> {
        BindRequest {
            system_id: self.options.system_id.as_bytes(),
            password: self.options.password.as_bytes(),
            system_type: self.options.system_type.as_bytes(),
            interface_version: version,
            ton: 0,
            npi: 0,
            address_range: b"",
            trailing: b"",
        }
    }

    fn bound(&mut self, mode: BindMode) -> Result<Line, Stop> {
        let mut line = self.connect()?;
        let request = self.bind_request(InterfaceVersion::V3_4);
        let answer = line.ask(&Pdu::Bind(mode, request));
        let status = answer.as_ref().map(Heard::status).unwrap_or(CommandStatus::RUNKNOWNERR);
        if !status.is_ok() || answer.is_err() {
            self.exchange.extend(line.exchange());
            answer?;
            return Err(Stop::Bind(status));
        }
        Ok(line)
    }

    /// Binds, lets the check do its part, and parts.
    fn on_a_bind(&mut self, check: impl FnOnce(&mut Self, &mut Line) -> Result<Finding, Silence>) -> Checked {
        self.on(BindMode::Transceiver, check)
    }

    fn on(
        &mut self,
        mode: BindMode,
        check: impl FnOnce(&mut Self, &mut Line) -> Result<Finding, Silence>,
    ) -> Checked {
        // What the bind said is not the check's.
        let mut line = self.bound(mode)?;
        line.exchange();
        let finding = check(self, &mut line);
        self.exchange.extend(line.exchange());
        if finding.is_ok() {
            line.part();
        }
        Ok(finding?)
    }

    /// The same before a bind.
    fn before_a_bind(
        &mut self,
        check: impl FnOnce(&mut Self, &mut Line) -> Result<Finding, Silence>,
    ) -> Checked {
        let mut line = self.connect()?;
        let finding = check(self, &mut line);
        self.exchange.extend(line.exchange());
        Ok(finding?)
    }

    /// A message to the number of the options.
    fn message<'m>(&'m self, text: &'m [u8]) -> ShortMessage<'m> {
        ShortMessage {
            source: self.source(),
            destination: self.destination(),
            registered_delivery: RegisteredDelivery(0),
            short_message: text,
            ..ShortMessage::default()
        }
    }

    fn source(&self) -> Address<'_> {
        let from = self.options.from.as_bytes();
        let digits = from.strip_prefix(b"+").unwrap_or(from);
        match digits.iter().all(u8::is_ascii_digit) {
            false => Address { ton: 5, npi: 0, digits },
            true if digits.len() < 8 => Address { ton: 3, npi: 0, digits },
            true => Address { ton: 1, npi: 1, digits },
        }
    }

    /// Nobody, if no messages may be sent: what is accepted against all rules must not reach a phone.
    fn destination(&self) -> Address<'_> {
        let to = if self.options.messages { self.options.to.as_bytes() } else { b"" };
        Address { ton: 1, npi: 1, digits: to.strip_prefix(b"+").unwrap_or(to) }
    }
}

/// Judges the answer to something that is not allowed: which statuses the specification has for it.
fn refused_with(
    learned: &mut Learned,
    answer: &Heard,
    request: CommandId,
    expected: &[CommandStatus],
) -> Finding {
    learned.note_error(answer);
    let status = answer.status();
    let expected_words = expected.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
    if status.is_ok() {
        return Finding::quirk(format!("it was accepted; {expected_words} was expected"));
    }
    if answer.id() == CommandId::GENERIC_NACK {
        return Finding::quirk(format!("generic_nack {status} instead of the request's own response"));
    }
    if answer.id() != request.response() {
        return Finding::fail(format!("the answer is {}", answer.words()));
    }
    let seen = answer.words();
    if expected.contains(&status) {
        Finding::pass(seen)
    } else {
        Finding::quirk(format!("{seen}; {expected_words} was expected"))
    }
}
