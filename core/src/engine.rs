//! Starts the threads in the right order, watches them, and ends them.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use brivas_journal::{Journal, JournalConfig, RealFs};
use mio::{Poll, Waker};
use tokio::sync::{Notify, oneshot};

use crate::config::{Files, Names, build, last_good};
use crate::error::EngineError;
use crate::grpc::{self, Current, Listeners, Shared};
use crate::notice::{self, Level, Notice, NoticeBoard};
use crate::offload::{LookUp, Offload, system_addresses};
use crate::options::EngineOptions;
use crate::shard::{Command, Mailbox, Restored, Shard, ShardParts};
use crate::transport::{listen, open_new};

/// Where the engine listens.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// ESMEs.
    pub smpp: SocketAddr,
    /// gRPC `Messaging`.
    pub messaging: SocketAddr,
    /// gRPC `Control`.
    pub control: SocketAddr,
}

/// A running engine.
pub struct Engine {
    addresses: Addresses,
    mailbox: Mailbox,
    threads: Vec<JoinHandle<()>>,
    stop_grpc: Option<oneshot::Sender<()>>,
    ended: Arc<Ended>,
    notices: NoticeBoard,
}

/// Why a thread of the engine ended, once one has.
#[derive(Default)]
struct Ended {
    why: Mutex<Option<String>>,
    told: Condvar,
}

impl Ended {
    fn tell(&self, why: &str) {
        let mut slot = self.why.lock().unwrap_or_else(PoisonError::into_inner);
        slot.get_or_insert_with(|| why.to_owned());
        self.told.notify_all();
    }
}

/// The shard's token in its own poll.
const WAKER: mio::Token = mio::Token(usize::MAX - 1);

impl Engine {
    /// Opens the journal, takes over what was open, and listens.
    ///
    /// # Errors
    /// An address is taken, the journal is damaged or in use, the last good configuration cannot be read.
    pub fn start(options: EngineOptions) -> Result<Self, EngineError> {
        Self::start_with(options, Arc::new(system_addresses))
    }

    /// The same, with another way to look up carriers' host names than the system's.
    ///
    /// # Errors
    /// As of `start`.
    pub fn start_with(options: EngineOptions, look_up: LookUp) -> Result<Self, EngineError> {
        let listener = listen("SMPP", options.smpp_listen)?;
        let listeners = Listeners::bind(options.messaging_listen, options.control_listen)?;
        let io = |operation, path: &Path| {
            let path = path.to_owned();
            move |error| EngineError::Io { operation, path, error }
        };
        fs::create_dir_all(&options.data_dir).map_err(io("create", &options.data_dir))?;
        let addresses = Addresses {
            smpp: listener.local_addr().map_err(io("listen in", &options.data_dir))?,
            messaging: listeners.messaging.local_addr().map_err(io("listen in", &options.data_dir))?,
            control: listeners.control.local_addr().map_err(io("listen in", &options.data_dir))?,
        };
        let snapshot = last_good::load(&options.data_dir)?.unwrap_or_default();

        let mut journal_config = JournalConfig::new(journal_dir(&options.data_dir), 0);
        journal_config.segment_bytes = options.segment_bytes;
        journal_config.retention_bytes = options.retention_bytes;
        let (mut journal, report) = Journal::open(journal_config, Arc::new(RealFs))?;
        let mut restored = Restored::default();
        let began = Instant::now();
        journal.replay(|record| {
            restored.apply(record.offset, record.timestamp_ms, record.key_u64(), record.value);
        })?;
        let (mut notices, board) = notice::channel();
        let damaged = report.truncated.is_some() || !report.skipped.is_empty() || restored.unreadable > 0;
        let level = if damaged { Level::Warning } else { Level::Info };
        let fields = vec![
            ("recovery", report.to_string()),
            ("replay_ms", began.elapsed().as_millis().to_string()),
            ("open_messages", restored.open_messages().to_string()),
            ("unreadable_records", restored.unreadable.to_string()),
        ];
        notices.tell(level, "journal_replayed", fields);

        let (mut account_names, mut carrier_names) = (Names::default(), Names::default());
        restored.number_names(&mut account_names, &mut carrier_names);
        let config = Arc::new(build(
            &snapshot,
            account_names,
            carrier_names,
            &Files::kept_in(&options.data_dir),
            None,
        )?);
        let opened = open_new(&[], &config.listeners)?;

        let poll = Poll::new().map_err(io("poll in", &options.data_dir))?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER).map_err(io("poll in", &options.data_dir))?);
        let (sender, commands) = sync_channel(crate::shard::COMMANDS_MAX);
        let mailbox = Mailbox { sender, waker: Arc::clone(&waker) };
        let offload =
            Offload::start(mailbox.clone(), look_up).map_err(io("start a thread in", &options.data_dir))?;
        let committed = Arc::new(Notify::new());
        let wake = {
            let committed = Arc::clone(&committed);
            move || {
                let _ = waker.wake();
                committed.notify_waiters();
            }
        };
        let (appender, reader) = journal.start(Arc::new(wake))?;
        let mut secret = [0; 32];
        getrandom::fill(&mut secret)
            .map_err(|error| EngineError::Config(format!("no randomness: {error}")))?;
        let shard = Shard::new(ShardParts {
            poll,
            mailbox: commands,
            offload,
            listener,
            opened,
            config: Arc::clone(&config),
            journal: appender,
            restored,
            secret,
            open_bytes: options.open_bytes,
            notices,
        })
        .map_err(io("poll in", &options.data_dir))?;
        let shared = Arc::new(Shared {
            mailbox: mailbox.clone(),
            reader,
            committed,
            data_dir: options.data_dir.clone(),
            control_token: options.control_token.clone(),
            current: Mutex::new(Current { config, snapshot: Arc::new(snapshot) }),
            applying: tokio::sync::Mutex::default(),
            traces: grpc::Traces::default(),
        });

        let ended = Arc::new(Ended::default());
        let (stop_grpc, stopped) = oneshot::channel();
        let threads = vec![
            spawn("shard-0", &ended, move || {
                shard.run();
                "the shard has stopped".to_owned()
            }),
            spawn("grpc", &ended, move || match grpc::serve(listeners, shared, stopped) {
                Ok(()) => "gRPC has stopped".to_owned(),
                Err(error) => format!("gRPC: {error}"),
            }),
        ];
        Ok(Self { addresses, mailbox, threads, stop_grpc: Some(stop_grpc), ended, notices: board })
    }

    /// Where it listens.
    pub const fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// Waits until the engine has ended by itself, or `timeout` is over; why it ended.
    pub fn wait(&self, timeout: Duration) -> Option<String> {
        let slot = self.ended.why.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.ended.told.wait_timeout_while(slot, timeout, |why| why.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    /// What happened since the last call, for the log; call it every now and then.
    pub fn notices(&self) -> Vec<Notice> {
        self.notices.take()
    }

    /// Takes nothing new, lets what is under way end, parts with everybody; false when that takes longer than `timeout`.
    pub fn drain(&self, timeout: Duration) -> bool {
        let (done, mut drained) = oneshot::channel();
        if self.mailbox.send_in_turn(Command::Drain { done }).is_err() {
            return false;
        }
        let deadline = Instant::now() + timeout;
        loop {
            match drained.try_recv() {
                Ok(_) => return true,
                Err(oneshot::error::TryRecvError::Closed) => return false,
                Err(oneshot::error::TryRecvError::Empty) if Instant::now() >= deadline => return false,
                // Once at the end of a process' life: not worth a runtime.
                Err(oneshot::error::TryRecvError::Empty) => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }

    /// Stops at once, with the journal written and closed.
    pub fn stop(&mut self) {
        let _ = self.mailbox.send_in_turn(Command::Stop);
        if let Some(stop) = self.stop_grpc.take() {
            let _ = stop.send(());
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Where the partition of the only shard lies.
pub(crate) fn journal_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("journal").join("0")
}

/// A thread whose panic ends the process: half an engine would answer for messages that nobody carries.
fn spawn(name: &str, ended: &Arc<Ended>, run: impl FnOnce() -> String + Send + 'static) -> JoinHandle<()> {
    struct AbortOnPanic;
    impl Drop for AbortOnPanic {
        fn drop(&mut self) {
            if std::thread::panicking() {
                std::process::abort();
            }
        }
    }
    let ended = Arc::clone(ended);
    let body = move || {
        let _guard = AbortOnPanic;
        ended.tell(&run());
    };
    // A process that cannot start two threads cannot go on.
    std::thread::Builder::new().name(name.to_owned()).spawn(body).expect("threads can be started")
}
