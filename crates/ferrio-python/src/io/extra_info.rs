//! `get_extra_info`, which asyncio's transports inherit from `asyncio.BaseTransport`, where tests put another in its place.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

use crate::base::imports;

static STOCK: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// Takes note of asyncio's own method, to see later whether there is another.
pub fn remember_stock(py: Python<'_>) -> PyResult<()> {
    let method = current(py)?.unbind();
    STOCK.get_or_init(py, || method);
    Ok(())
}

fn current(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    imports::base_transport(py)?.getattr(intern!(py, "get_extra_info"))
}

/// What a transport answers that has this extra information.
pub fn look_up<'py>(
    transport: &Bound<'py, PyAny>,
    extra: &Bound<'py, PyDict>,
    name: &Bound<'py, PyAny>,
    default: Option<Bound<'py, PyAny>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = transport.py();
    let method = current(py)?;
    if STOCK.get(py).is_some_and(|stock| !method.is(stock)) {
        // A mock is no function, and is not bound.
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
