//! A running simulation, as its owner holds it: look on, wait, stop, take the result.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use mio::Waker;
use serde_json::{Value, json};

use crate::counters::Live;

/// A simulation in a thread of its own. Dropping it stops it.
#[derive(Debug)]
pub struct Handle {
    shared: Arc<Shared>,
    waker: Waker,
    address: Option<SocketAddr>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread and the handle share.
#[derive(Debug)]
pub(crate) struct Shared {
    stop: AtomicBool,
    pub(crate) live: Live,
    phase: Mutex<&'static str>,
    result: Mutex<Option<Value>>,
    finished: Condvar,
}

impl Shared {
    pub(crate) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    pub(crate) fn enter(&self, phase: &'static str) {
        *lock(&self.phase) = phase;
    }

    fn finish(&self, result: Value) {
        self.enter("finished");
        lock(&self.result).get_or_insert(result);
        self.finished.notify_all();
    }
}

impl Handle {
    /// Runs `body` in a thread of that name; what it returns is the result.
    pub(crate) fn spawn(
        name: &str,
        address: Option<SocketAddr>,
        counter_names: &'static [&'static str],
        waker: Waker,
        body: impl FnOnce(&Shared) -> Value + Send + 'static,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            stop: AtomicBool::new(false),
            live: Live::new(counter_names),
            phase: Mutex::new("starting"),
            result: Mutex::new(None),
            finished: Condvar::new(),
        });
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            let guard = FinishOnUnwind(&theirs);
            let result = body(guard.0);
            guard.0.finish(result);
        })?;
        Ok(Self { shared, waker, address, thread: Some(thread) })
    }

    /// Where it listens, if it listens.
    pub const fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// The counters as they stand, and the phase: one JSON object.
    pub fn progress_json(&self) -> String {
        let mut object = self.shared.live.object();
        object.insert("phase".to_owned(), (*lock(&self.shared.phase)).into());
        Value::Object(object).to_string()
    }

    /// Waits for the end; true when it has come.
    pub fn wait(&self, timeout: Duration) -> bool {
        let result = lock(&self.shared.result);
        let waited = self.shared.finished.wait_timeout_while(result, timeout, |result| result.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.is_some()
    }

    /// Ends it now, and waits until it has ended.
    pub fn stop(&self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        // Where waking fails the poll's own timeout ends the wait.
        let _ = self.waker.wake();
        self.wait(STOP_TIMEOUT);
    }

    /// What came out: one JSON object, with `error` where it failed; before the end the progress.
    pub fn result_json(&self) -> String {
        let result = lock(&self.shared.result);
        match result.as_ref() {
            Some(result) => result.to_string(),
            None => {
                drop(result);
                self.progress_json()
            }
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            // A panic was already turned into a result.
            let _ = thread.join();
        }
    }
}

/// Gives those who wait a result also when the thread panics.
struct FinishOnUnwind<'a>(&'a Shared);

impl Drop for FinishOnUnwind<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.finish(json!({"error": "the simulation failed; its message stands on stderr"}));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A loop looks at the stop flag after each batch, so this is never reached.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);
