//! The routing of `brivas bench route`.

use brivas_engine::RouteBenchOptions;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// A random table, and numbers to look up in it.
#[pyclass(frozen)]
pub(crate) struct RouteBench(brivas_engine::RouteBench);

#[pymethods]
impl RouteBench {
    /// Draws it.
    #[new]
    #[pyo3(signature = (*, prefixes, ported, rules, seed))]
    fn new(py: Python<'_>, prefixes: usize, ported: usize, rules: usize, seed: u64) -> PyResult<Self> {
        let options = RouteBenchOptions { prefixes, ported, rules, seed };
        py.detach(|| brivas_engine::RouteBench::new(options)).map(Self).map_err(PyValueError::new_err)
    }

    /// What making it took: by name.
    fn facts(&self) -> Vec<(&'static str, u64)> {
        let facts = self.0.facts();
        vec![
            ("build_ms", facts.build_ms),
            ("rules_build_ms", facts.rules_build_ms),
            ("ported_load_ms", facts.ported_load_ms),
            ("prefix_bytes", facts.prefix_bytes as u64),
            ("ported_bytes", facts.ported_bytes as u64),
            ("rule_bytes", facts.rule_bytes as u64),
        ]
    }

    /// All prefixes.
    fn prefixes(&self) -> Vec<String> {
        self.0.prefixes()
    }

    /// Numbers that are looked up.
    fn numbers(&self, count: usize) -> Vec<String> {
        self.0.numbers(count)
    }

    /// The longest prefix of a number.
    fn lookup(&self, number: &str) -> Option<&str> {
        self.0.lookup(number)
    }

    /// One round: figures by name.
    fn round(&self, py: Python<'_>, lookups: usize) -> Vec<(&'static str, f64)> {
        let round = py.detach(|| self.0.round(lookups));
        vec![
            ("lookup_ns", round.lookup_ns),
            ("ported_ns", round.ported_ns),
            ("decision_ns", round.decision_ns),
            ("floor_ns", round.floor_ns),
            ("found_share", round.found_share),
            ("by_rule_share", round.by_rule_share),
        ]
    }
}
