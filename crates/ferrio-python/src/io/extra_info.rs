//! `get_extra_info` of every transport.
//!
//! asyncio's transports inherit the method from `asyncio.BaseTransport`, and tests replace it there. So a replaced method
//! is called for ferrio's transports, too.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

use crate::base::imports;

/// asyncio's own method.
static ORIGINAL: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// Remembers asyncio's own method, so that a replaced one can be told from it later.
pub fn remember_original(py: Python<'_>) -> PyResult<()> {
    let method = current(py)?.unbind();
    ORIGINAL.get_or_init(py, || method);
    Ok(())
}

fn current(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    imports::base_transport(py)?.getattr(intern!(py, "get_extra_info"))
}

/// Answers `transport.get_extra_info(name, default)` for a transport with this extra information.
pub fn look_up<'py>(
    transport: &Bound<'py, PyAny>,
    extra: &Bound<'py, PyDict>,
    name: &Bound<'py, PyAny>,
    default: Option<Bound<'py, PyAny>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = transport.py();
    let method = current(py)?;
    if ORIGINAL
        .get(py)
        .is_some_and(|original| !method.is(original))
    {
        // A mock is not a function, and so does not become a bound method.
        let method = match method.getattr_opt(intern!(py, "__get__"))? {
            Some(get) => get.call1((transport,))?,
            None => method,
        };
        let answer = match default {
            Some(default) => method.call1((name, default)),
            None => method.call1((name,)),
        };
        return answer.map(Some);
    }
    Ok(extra.get_item(name)?.or(default))
}
