//! The engine as a Python object. Its threads never touch Python; every call that waits releases the GIL.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use brivas_engine::{Census, EngineError, EngineOptions, OPEN_BYTES, RETENTION_BYTES, SEGMENT_BYTES};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// A running engine.
#[pyclass(frozen)]
pub(crate) struct Engine {
    engine: Mutex<brivas_engine::Engine>,
}

/// (level, event, fields).
type PlainNotice = (&'static str, &'static str, Vec<(&'static str, String)>);

impl Engine {
    fn engine(&self) -> std::sync::MutexGuard<'_, brivas_engine::Engine> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Engine {
    /// Starts it.
    #[new]
    #[pyo3(signature = (*, data_dir, smpp_listen, messaging_listen, control_listen, control_token,
                        segment_bytes = SEGMENT_BYTES, retention_bytes = RETENTION_BYTES,
                        open_bytes = OPEN_BYTES))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of a Python constructor")]
    fn new(
        py: Python<'_>,
        data_dir: PathBuf,
        smpp_listen: &str,
        messaging_listen: &str,
        control_listen: &str,
        control_token: String,
        segment_bytes: u64,
        retention_bytes: u64,
        open_bytes: u64,
    ) -> PyResult<Self> {
        let options = EngineOptions {
            data_dir,
            smpp_listen: address(py, "smpp_listen", smpp_listen)?,
            messaging_listen: address(py, "messaging_listen", messaging_listen)?,
            control_listen: address(py, "control_listen", control_listen)?,
            control_token,
            segment_bytes,
            retention_bytes,
            open_bytes,
        };
        let started = py.detach(|| brivas_engine::Engine::start(options));
        let engine = started.map_err(|error| raised(py, "EngineError", &error.to_string(), error.hint()))?;
        Ok(Self { engine: Mutex::new(engine) })
    }

    /// Where it listens, by face.
    fn addresses(&self) -> HashMap<&'static str, String> {
        let addresses = self.engine().addresses();
        HashMap::from([
            ("smpp", addresses.smpp.to_string()),
            ("messaging", addresses.messaging.to_string()),
            ("control", addresses.control.to_string()),
        ])
    }

    /// What happened since the last call, for the log: (level, event, fields).
    fn notices(&self) -> Vec<PlainNotice> {
        let notices = self.engine().notices();
        let plain = |notice: brivas_engine::Notice| (notice.level.name(), notice.event, notice.fields);
        notices.into_iter().map(plain).collect()
    }

    /// Waits for the engine to end by itself; why it did, or None when the time is over first.
    fn wait(&self, py: Python<'_>, timeout_ms: u64) -> Option<String> {
        py.detach(|| self.engine().wait(Duration::from_millis(timeout_ms)))
    }

    /// Ends in order; False when that takes longer.
    fn drain(&self, py: Python<'_>, timeout_ms: u64) -> bool {
        py.detach(|| self.engine().drain(Duration::from_millis(timeout_ms)))
    }

    /// Ends now, with the journal written.
    fn stop(&self, py: Python<'_>) {
        py.detach(|| self.engine().stop());
    }
}

/// Checks a serialised `brivas.v1.Snapshot`; gives its hash.
#[pyfunction]
pub(crate) fn validate_snapshot(py: Python<'_>, snapshot: &[u8]) -> PyResult<String> {
    let checked = brivas_engine::check_serialized_snapshot(snapshot);
    checked.map_err(|error: EngineError| raised(py, "ConfigError", &error.to_string(), error.hint()))
}

/// A PDU in words: one JSON object.
#[pyfunction]
pub(crate) fn describe_pdu(octets: &[u8]) -> String {
    brivas_engine::describe_pdu(octets)
}

/// Counts the events of a stopped engine's journal.
#[pyfunction]
pub(crate) fn journal_census(py: Python<'_>, data_dir: PathBuf) -> PyResult<Vec<(&'static str, u64)>> {
    let counted = py.detach(|| Census::take(&data_dir));
    let census = counted.map_err(|error| raised(py, "EngineError", &error.to_string(), error.hint()))?;
    Ok(census.fields().to_vec())
}

fn address(py: Python<'_>, field: &str, text: &str) -> PyResult<SocketAddr> {
    text.parse().map_err(|_| {
        raised(
            py,
            "UsageError",
            &format!("{field} {text:?} is no address"),
            "an IP address and a port: 127.0.0.1:2775",
        )
    })
}

/// An exception of `brivas.errors`.
fn raised(py: Python<'_>, class: &str, message: &str, hint: &str) -> PyErr {
    let raise = || {
        let arguments = PyDict::new(py);
        arguments.set_item("hint", hint)?;
        py.import("brivas.errors")?.getattr(class)?.call((message,), Some(&arguments))
    };
    raise().map_or_else(|error| error, PyErr::from_value)
}
