//! Simulated customers: they bind, send, and know of every message what became of it.
//!
//! One thread. A run has phases: bind all; send (warm-up, then measured); drain, waiting for the receipts
//! that are missing; unbind. A closed loop sends whenever a window has room; an open loop sends at a rate,
//! and counts latency from when a message was to be sent, so that a stall is not hidden by sending less.

mod customer;
mod ledger;
mod options;
mod schedule;
mod template;
mod work;

pub use options::LoadOptions;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use mio::Events;
use mio::unix::SourceFd;

use crate::bitmap;
use crate::handle::{Handle, Shared};
use crate::link::READ_BYTES;
use crate::os::Ticker;
use crate::reactor::{EVENTS_MAX, Reactor, TICKER, resolve};
use customer::{Customer, End, State};
use ledger::{Ledger, Stats};
use schedule::{Schedule, TICK_NS};
use template::Template;
use work::Work;

/// Simulated customers.
#[derive(Debug)]
pub struct Load;

impl Load {
    /// Connects, sends, counts; ends by itself.
    ///
    /// # Errors
    /// Options that are wrong, a target without address, a record file that cannot be written.
    pub fn start(options: LoadOptions) -> io::Result<Handle> {
        options.check()?;
        let target = resolve(&options.target)?;
        let reactor = Reactor::new()?;
        let waker = reactor.waker()?;
        let runner = Runner::new(options, target, reactor)?;
        Handle::spawn("load", None, Stats::NAMES, waker, move |shared| {
            let mut runner = runner;
            let error = runner.run(shared).err();
            runner.work.ledger.stats.publish(&shared.live);
            runner.work.ledger.result(error)
        })
    }
}

struct Runner {
    reactor: Reactor,
    target: SocketAddr,
    customers: Vec<Customer>,
    work: Work,
    phase: Phase,
    ticker: Option<Ticker>,
    /// When the phase ends at the latest.
    phase_ends_ns: u64,
    measure_at_ns: Option<u64>,
    pauses_end_ns: u64,
    timeouts_at_ns: u64,
    /// Whose turn it is in an open loop.
    turn: usize,
    last_end: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Binding,
    Sending,
    Draining,
    Unbinding,
    Finished,
}

impl Runner {
    fn new(options: LoadOptions, target: SocketAddr, reactor: Reactor) -> io::Result<Self> {
        let numbering = options.numbering()?;
        let number_end = numbering.count().min(bitmap::NUMBER_MAX);
        Ok(Self {
            target,
            customers: std::iter::repeat_with(Customer::new).take(options.binds).collect(),
            phase: Phase::Binding,
            ticker: None,
            phase_ends_ns: nanoseconds(options.connect_seconds),
            measure_at_ns: None,
            pauses_end_ns: 0,
            timeouts_at_ns: 0,
            turn: 0,
            last_end: None,
            work: Work {
                template: Template::new(&options, numbering),
                schedule: Schedule::new(&options, number_end),
                ledger: Ledger::new(&options)?,
                retries: std::collections::VecDeque::new(),
                something_paused: false,
                sending: false,
                now_ns: reactor.now_ns(),
                options,
            },
            reactor,
        })
    }

    /// # Errors
    /// What the result's `error` says.
    fn run(&mut self, shared: &Shared) -> Result<(), String> {
        let mut events = Events::with_capacity(EVENTS_MAX);
        let mut buffer = vec![0; READ_BYTES];
        shared.enter("binding");
        self.connect_due()?;
        while self.phase != Phase::Finished && !shared.stopped() {
            let due = self.due_ns();
            self.reactor.wait(&mut events, due).map_err(|error| format!("epoll: {error}"))?;
            self.work.now_ns = self.reactor.now_ns();
            for event in &events {
                match event.token() {
                    TICKER => self.ticker.iter_mut().for_each(Ticker::take),
                    token => {
                        let Some(customer) = self.customers.get_mut(token.0) else { continue };
                        let Some(link) = &mut customer.link else { continue };
                        link.note(event);
                        if let Err(end) = customer.serve(&mut self.work, &mut buffer) {
                            self.ended(token.0, &end)?;
                        }
                    }
                }
            }
            self.fire_timers(shared)?;
            self.work.ledger.stats.publish(&shared.live);
        }
        Ok(())
    }

    /// A connection ended: back later, or never.
    fn ended(&mut self, token: usize, end: &End) -> Result<(), String> {
        let customer = &mut self.customers[token];
        let was = customer.state;
        customer.closed(&mut self.work);
        if self.phase >= Phase::Unbinding {
            return Ok(());
        }
        self.work.ledger.stats.disconnects += 1;
        if self.work.options.reconnect && end.may_pass_later() {
            customer.come_back(self.work.now_ns);
        } else if was != State::Bound {
            return Err(format!("{}: {end}", self.work.options.target));
        }
        self.last_end = Some(end.to_string());
        Ok(())
    }

    fn connect_due(&mut self) -> Result<(), String> {
        for token in 0..self.customers.len() {
            let customer = &mut self.customers[token];
            if customer.connect_at_ns.is_some_and(|at_ns| at_ns <= self.work.now_ns)
                && let Err(end) = customer.connect(&self.reactor, self.target, token)
            {
                self.ended(token, &end)?;
            }
        }
        Ok(())
    }

    fn due_ns(&self) -> Option<u64> {
        let reconnects = self.work.options.reconnect;
        let connect =
            if reconnects { self.customers.iter().filter_map(|one| one.connect_at_ns).min() } else { None };
        let pauses = self.work.something_paused.then_some(self.pauses_end_ns);
        let deadline = (self.phase == Phase::Sending).then_some(self.work.schedule.deadline_ns());
        [connect, pauses, deadline, self.measure_at_ns, Some(self.phase_ends_ns)].into_iter().flatten().min()
    }

    fn fire_timers(&mut self, shared: &Shared) -> Result<(), String> {
        let now_ns = self.work.now_ns;
        if self.phase < Phase::Unbinding && self.work.options.reconnect {
            self.connect_due()?;
        }
        if self.work.something_paused {
            self.end_pauses()?;
        }
        if now_ns >= self.timeouts_at_ns {
            self.timeouts_at_ns = now_ns + SECOND_NS;
            self.expire_responses();
        }
        if self.measure_at_ns.is_some_and(|at_ns| at_ns <= now_ns) {
            self.measure_at_ns = None;
            self.work.ledger.start_measuring(now_ns);
        }
        self.send_due()?;
        self.advance(shared)
    }

    /// All that were told to slow down try again together: one clock for all keeps this cheap.
    fn end_pauses(&mut self) -> Result<(), String> {
        let now_ns = self.work.now_ns;
        if self.pauses_end_ns == 0 {
            self.pauses_end_ns = now_ns + self.work.options.retry_pause_ms * 1_000_000;
        } else if self.pauses_end_ns <= now_ns {
            self.pauses_end_ns = 0;
            self.work.something_paused = false;
            self.wake_all()?;
        }
        Ok(())
    }

    /// Lets every customer send what it may.
    fn wake_all(&mut self) -> Result<(), String> {
        for token in 0..self.customers.len() {
            let customer = &mut self.customers[token];
            customer.paused = false;
            customer.refill(&mut self.work);
            if let Err(end) = customer.flush() {
                self.ended(token, &end)?;
            }
        }
        Ok(())
    }

    fn expire_responses(&mut self) {
        let timeout_ns = nanoseconds(self.work.options.response_timeout_seconds);
        let Some(sent_before_ns) = self.work.now_ns.checked_sub(timeout_ns) else { return };
        for customer in &mut self.customers {
            for flight in customer.flights.take_where(|flight| flight.at_ns < sent_before_ns) {
                self.work.ledger.unknown(flight.number);
                self.work.ledger.stats.in_flight -= 1;
            }
        }
    }

    /// An open loop's messages go to the binds in turn, some to each, while any has room.
    fn send_due(&mut self) -> Result<(), String> {
        if self.work.options.rate == 0.0 {
            return Ok(());
        }
        let mut without_room = 0;
        while without_room < self.customers.len() && self.work.is_due() {
            self.turn = (self.turn + 1) % self.customers.len();
            let customer = &mut self.customers[self.turn];
            without_room =
                if customer.send(&mut self.work, TURN_MESSAGES) == 0 { without_room + 1 } else { 0 };
            if let Err(end) = customer.flush() {
                self.ended(self.turn, &end)?;
            }
        }
        Ok(())
    }

    // Phases.

    fn advance(&mut self, shared: &Shared) -> Result<(), String> {
        let now_ns = self.work.now_ns;
        let late = now_ns >= self.phase_ends_ns;
        match self.phase {
            Phase::Binding if self.work.ledger.stats.binds == self.customers.len() as u64 => {
                shared.enter("sending");
                self.start_sending()
            }
            Phase::Binding if late => Err(format!(
                "only {} of {} binds within {} s{}",
                self.work.ledger.stats.binds,
                self.customers.len(),
                self.work.options.connect_seconds,
                self.last_end
                    .as_ref()
                    .map(|end| format!("; the last connection ended: {end}"))
                    .unwrap_or_default()
            )),
            Phase::Sending if self.is_deserted() => Err(format!(
                "every connection ended; the last: {}",
                self.last_end.as_deref().unwrap_or("unknown")
            )),
            Phase::Sending if self.work.schedule.is_over(now_ns) => {
                shared.enter("draining");
                self.phase = Phase::Draining;
                self.phase_ends_ns = now_ns + nanoseconds(self.work.options.drain_seconds);
                // A run of so many messages is measured to its last receipt.
                if self.work.options.seconds > 0.0 && now_ns >= self.work.schedule.deadline_ns() {
                    self.work.ledger.stop_measuring(now_ns);
                }
                self.advance(shared)
            }
            Phase::Draining
                if late
                    || self.is_deserted()
                    || self.work.is_settled() && !self.work.ledger.awaits_receipts() =>
            {
                shared.enter("unbinding");
                self.start_unbinding();
                Ok(())
            }
            Phase::Unbinding if late || self.is_deserted() => {
                self.phase = Phase::Finished;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Whether nobody is connected, nor will be.
    fn is_deserted(&self) -> bool {
        let stays_away =
            |customer: &Customer| customer.state == State::Closed && customer.connect_at_ns.is_none();
        self.work.ledger.stats.binds == 0 && self.customers.iter().all(stays_away)
    }

    fn start_sending(&mut self) -> Result<(), String> {
        let now_ns = self.reactor.now_ns();
        self.work.now_ns = now_ns;
        self.phase = Phase::Sending;
        self.phase_ends_ns = u64::MAX;
        self.work.schedule.start(now_ns);
        self.work.sending = true;
        self.work.ledger.start_measuring(now_ns);
        let warm_up_ns = nanoseconds(self.work.options.warm_up_seconds);
        self.measure_at_ns = (warm_up_ns > 0).then_some(now_ns + warm_up_ns);
        if self.work.options.rate > 0.0 {
            self.start_ticking().map_err(|error| format!("timer: {error}"))
        } else {
            self.wake_all()
        }
    }

    fn start_ticking(&mut self) -> io::Result<()> {
        let ticker = Ticker::start(Duration::from_nanos(TICK_NS))?;
        self.reactor.register_readable(&mut SourceFd(&ticker.fd()), TICKER)?;
        self.ticker = Some(ticker);
        Ok(())
    }

    fn start_unbinding(&mut self) {
        self.work.sending = false;
        for retry in std::mem::take(&mut self.work.retries) {
            self.work.ledger.refused(retry.status, self.work.now_ns);
        }
        self.phase = Phase::Unbinding;
        self.phase_ends_ns = self.work.now_ns + SECOND_NS;
        for customer in &mut self.customers {
            customer.connect_at_ns = None;
            if customer.unbind().is_err() || customer.state != State::Unbinding {
                customer.closed(&mut self.work);
            }
        }
    }
}

fn nanoseconds(seconds: f64) -> u64 {
    (seconds * 1e9) as u64
}

const SECOND_NS: u64 = 1_000_000_000;
/// Messages that one bind sends in its turn of an open loop.
const TURN_MESSAGES: usize = 8;
