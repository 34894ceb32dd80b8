//! What every transport tells its protocol or the loop in the same words.

use pyo3::prelude::*;

use crate::base::errors::leaves_the_loop;
use crate::cpython;
use crate::kernel::event_loop::Loop;

/// Calls `pause_writing` or `resume_writing`; an exception goes to the loop's exception handler.
pub fn call_flow_method(
    event_loop: &Bound<'_, Loop>,
    transport: &Bound<'_, PyAny>,
    protocol: Option<&Bound<'_, PyAny>>,
    method: &str,
) -> PyResult<()> {
    let py = transport.py();
    let Some(protocol) = protocol else {
        return Ok(());
    };
    match protocol.call_method0(method) {
        Ok(_) => Ok(()),
        Err(error) if leaves_the_loop(py, &error) => Err(error),
        Err(error) => Loop::report(event_loop, &error, |context| {
            context.set_item("message", format!("protocol.{method}() failed"))?;
            context.set_item("transport", transport)?;
            context.set_item("protocol", protocol)
        }),
    }
}

/// Ends a transport because of an error that was caught: `end` is its `_fatal_error`, which itself handles nothing.
#[cold]
pub fn fail(
    py: Python<'_>,
    error: &PyErr,
    end: impl FnOnce(&Bound<'_, PyAny>) -> PyResult<()>,
) -> PyResult<()> {
    cpython::ensure_traceback(py, error);
    cpython::handling(py, error, || end(error.value(py)))
}
