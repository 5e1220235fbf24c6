//! What the engine would refuse of a configuration's TLS.

use brivas_engine::Misfit;
use pyo3::prelude::*;

/// (field, why).
type PlainMisfit = (&'static str, String);

/// What is wrong with a serialised `brivas.v1.ListenerTls`.
#[pyfunction]
pub(crate) fn check_listener_tls(tls: &[u8]) -> Option<PlainMisfit> {
    plain(brivas_engine::check_listener_tls(tls))
}

/// What is wrong with a serialised `brivas.v1.CarrierTls`.
#[pyfunction]
pub(crate) fn check_carrier_tls(tls: &[u8], host: &str) -> Option<PlainMisfit> {
    plain(brivas_engine::check_carrier_tls(tls, host))
}

fn plain(checked: Result<(), Misfit>) -> Option<PlainMisfit> {
    checked.err().map(|misfit| (misfit.field, misfit.why))
}
