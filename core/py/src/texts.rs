//! Texts: what one costs, and what a message says.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// (encoding, data_coding, unit, units, units_per_part, parts, replaced).
type PlainCost = (String, u8, &'static str, usize, usize, usize, usize);

/// The way that is chosen for a text, then the others.
#[pyfunction]
#[pyo3(signature = (text, *, languages = Vec::new(), transliterate = false))]
pub(crate) fn plan_text(text: &str, languages: Vec<u32>, transliterate: bool) -> PyResult<Vec<PlainCost>> {
    let ways = brivas_engine::plan_text(text, &languages, transliterate).map_err(PyValueError::new_err)?;
    let plain = |way: brivas_engine::TextCost| {
        let data_coding = way.data_coding;
        (way.encoding, data_coding, way.unit, way.units, way.units_per_part, way.parts, way.replaced)
    };
    Ok(ways.into_iter().map(plain).collect())
}

/// What a message says; None where it is no text.
#[pyfunction]
#[pyo3(signature = (user_data, data_coding, *, has_udh = false, alphabet = 0))]
pub(crate) fn decode_text(user_data: &[u8], data_coding: u8, has_udh: bool, alphabet: i32) -> Option<String> {
    brivas_engine::decode_text(has_udh, data_coding, user_data, alphabet)
}
