//! Fatal errors, as sockets, pipes and TLS treat them.

use pyo3::prelude::*;

use crate::cpython;

/// Calls `end`, a transport's `_fatal_error`, as an `except` block does: with the traceback of the caught `error`, and
/// while the error is being handled.
#[cold]
pub fn fail(
    py: Python<'_>,
    error: &PyErr,
    end: impl FnOnce(&Bound<'_, PyAny>) -> PyResult<()>,
) -> PyResult<()> {
    cpython::ensure_traceback(py, error);
    cpython::handling(py, error, || end(error.value(py)))
}
