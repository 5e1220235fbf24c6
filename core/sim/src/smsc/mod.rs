//! A simulated carrier: takes binds and messages, sends receipts, and misbehaves as told.
//!
//! One thread: this file has its loop, and connections; [`carrier`] decides about
//! messages, [`sending`] has what goes out and its timers.
//! Receipts that cannot be sent now (no bind receives, its window is full) wait for their customer's next
//! chance; those that were not acknowledged when a connection ended are sent again on another.

mod bind;
mod carrier;
mod conduct;
mod options;
mod receipt;
mod sending;
mod stats;

pub use options::{
    ErrorRate, MessageIdForm, MobileOriginated, ReceiptForm, Receipts, SmscOptions, StateRate, Version,
};

use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use mio::Events;
use mio::net::TcpListener;
use serde_json::{Value, json};

use crate::handle::{Handle, Shared};
use crate::link::{self, READ_BYTES};
use crate::os;
use crate::reactor::{EVENTS_MAX, LISTENER, Reactor};
use bind::Bind;
use carrier::Carrier;
use stats::Stats;

/// A simulated carrier.
#[derive(Debug)]
pub struct Smsc;

impl Smsc {
    /// Listens, and serves until it is stopped.
    ///
    /// # Errors
    /// Options that are wrong, an address that cannot be listened on.
    pub fn start(options: SmscOptions) -> io::Result<Handle> {
        options.check()?;
        let reactor = Reactor::new()?;
        let (listener, address) = reactor.listen(&options.listen)?;
        let carrier = Carrier::new(options)?;
        let waker = reactor.waker()?;
        Handle::spawn("smsc", Some(address), Stats::NAMES, waker, move |shared| {
            let mut server = Server { reactor, listener, binds: Vec::new(), generation: 0, carrier };
            let failed = server.run(shared).err();
            server.result(failed)
        })
    }
}

struct Server {
    reactor: Reactor,
    listener: TcpListener,
    /// By token. Boxed, so that one can be taken out while it is served.
    binds: Vec<Option<Box<Bind>>>,
    generation: u32,
    carrier: Carrier,
}

impl Server {
    fn run(&mut self, shared: &Shared) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS_MAX);
        let mut buffer = vec![0; READ_BYTES];
        shared.enter("running");
        while !shared.stopped() {
            let due = self.carrier.due_ns();
            self.reactor.wait(&mut events, due)?;
            let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            self.carrier.set_time(self.reactor.now_ns(), wall.as_millis() as i64);
            for event in &events {
                match event.token() {
                    LISTENER => self.accept(),
                    token => {
                        if let Some(bind) = self.binds.get_mut(token.0).and_then(Option::as_mut) {
                            bind.link.note(event);
                            self.serve(token.0, &mut buffer);
                        }
                    }
                }
            }
            self.carrier.fire_timers(&mut self.binds);
            self.close_broken();
            self.carrier.stats.publish(&shared.live);
        }
        Ok(())
    }

    fn accept(&mut self) {
        // An error is the connection's own (aborted meanwhile), or too many descriptors: the next one may do.
        while let Ok((stream, _)) = self.listener.accept() {
            let token = self.binds.iter().position(Option::is_none).unwrap_or(self.binds.len());
            if token >= CONNECTIONS_MAX {
                continue;
            }
            self.generation = self.generation.wrapping_add(1);
            let mut bind = Box::new(Bind::new(stream, self.generation));
            if self.reactor.register(&mut bind.link.stream, token).is_err() {
                continue;
            }
            self.carrier.stats.connects += 1;
            if token == self.binds.len() {
                self.binds.push(None);
            }
            self.binds[token] = Some(bind);
        }
    }

    /// Reads, acts and writes until the socket is empty.
    fn serve(&mut self, token: usize, buffer: &mut [u8]) {
        let Some(mut bind) = self.binds[token].take() else { return };
        let mut alive = true;
        // What the peer takes now may make room to read more.
        alive &= bind.link.flush().is_ok();
        while alive && bind.reads() {
            alive = self.read_once(token, &mut bind, buffer).is_ok() && bind.link.flush().is_ok();
        }
        if bind.closing && bind.link.pending() == 0 {
            alive = false;
        }
        if alive {
            let group = bind.mode.is_some().then_some(bind.group);
            self.binds[token] = Some(bind);
            if let Some(group) = group {
                self.carrier.pump(group, &mut self.binds);
            }
        } else {
            self.carrier.closed(token, *bind);
        }
    }

    fn read_once(&mut self, token: usize, bind: &mut Bind, buffer: &mut [u8]) -> io::Result<()> {
        let filled = bind.link.fill(buffer)?;
        let (input, mut at) = (&buffer[..filled], 0);
        while !bind.closing {
            match link::next(input, &mut at) {
                Ok(Some(frame)) => self.carrier.handle(token, bind, frame)?,
                Ok(None) => break,
                Err(_) => {
                    self.carrier.bad_length(bind);
                    return Ok(());
                }
            }
        }
        bind.link.keep(&input[at..]);
        Ok(())
    }

    /// Ends what was found broken while others were served.
    fn close_broken(&mut self) {
        for token in self.carrier.take_broken() {
            if let Some(bind) = self.binds.get_mut(token).and_then(Option::take) {
                self.carrier.closed(token, *bind);
            }
        }
    }

    fn result(&mut self, failed: Option<io::Error>) -> Value {
        let failed = failed.or_else(|| self.carrier.write_bitmap().err());
        let (user, system) = os::thread_cpu_seconds();
        let mut result = json!(self.carrier.stats);
        result["cpu_seconds"] = json!({"user": user, "system": system});
        result["error"] = failed.map_or(Value::Null, |error| error.to_string().into());
        result
    }
}

/// Connections at a time; more are closed at once.
const CONNECTIONS_MAX: usize = 16_384;
