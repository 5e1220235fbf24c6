//! `brivas._core`: the border to Python. Converts, releases the GIL, maps errors; holds no logic.

mod engine;
mod route_bench;
mod simulation;
mod texts;
mod tls;

use pyo3::prelude::*;

/// The extension module.
#[pymodule(gil_used = false)]
mod _core {
    use super::*;

    #[pymodule_export]
    use super::engine::{Engine, describe_pdu, journal_census, validate_snapshot};
    #[pymodule_export]
    use super::route_bench::RouteBench;
    #[pymodule_export]
    use super::simulation::Simulation;
    #[pymodule_export]
    use super::texts::{decode_text, plan_text};
    #[pymodule_export]
    use super::tls::{check_carrier_tls, check_listener_tls};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("PROFILE", if cfg!(debug_assertions) { "debug" } else { "release" })?;
        Ok(())
    }
}
