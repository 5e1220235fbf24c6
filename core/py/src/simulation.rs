//! Simulated customers, carriers and the mover, each in a thread that never touches Python.

use std::time::Duration;

use brivas_sim::{
    Conformance, ConformanceOptions, Handle, Load, LoadOptions, Mover, MoverOptions, Smsc, SmscOptions,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// A simulation that runs.
#[pyclass(frozen)]
pub(crate) struct Simulation(Handle);

#[pymethods]
impl Simulation {
    /// A simulated carrier.
    #[staticmethod]
    fn smsc(py: Python<'_>, options_json: &str) -> PyResult<Self> {
        started(py.detach(|| SmscOptions::from_json(options_json).and_then(Smsc::start)))
    }

    /// Simulated customers.
    #[staticmethod]
    fn load(py: Python<'_>, options_json: &str) -> PyResult<Self> {
        started(py.detach(|| LoadOptions::from_json(options_json).and_then(Load::start)))
    }

    /// The floor of benchmarks.
    #[staticmethod]
    fn mover(py: Python<'_>, options_json: &str) -> PyResult<Self> {
        started(py.detach(|| MoverOptions::from_json(options_json).and_then(Mover::start)))
    }

    /// The conformance tester.
    #[staticmethod]
    fn conformance(py: Python<'_>, options_json: &str) -> PyResult<Self> {
        started(py.detach(|| ConformanceOptions::from_json(options_json).and_then(Conformance::start)))
    }

    /// `host:port`, if it listens.
    fn address(&self) -> Option<String> {
        self.0.address().map(|address| address.to_string())
    }

    /// Counters and phase as they stand: one JSON object.
    fn progress(&self) -> String {
        self.0.progress_json()
    }

    /// Waits for the end; True when it has come.
    fn wait(&self, py: Python<'_>, timeout_ms: u64) -> bool {
        py.detach(|| self.0.wait(Duration::from_millis(timeout_ms)))
    }

    /// Ends it now.
    fn stop(&self, py: Python<'_>) {
        py.detach(|| self.0.stop());
    }

    /// What came out: one JSON object, with `error` where it failed.
    fn result(&self) -> String {
        self.0.result_json()
    }
}

fn started(handle: std::io::Result<Handle>) -> PyResult<Simulation> {
    handle.map(Simulation).map_err(|error| PyValueError::new_err(error.to_string()))
}
