//! What every transport tells its protocol or the loop in the same words.

use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::base::errors::leaves_the_loop;
use crate::kernel::event_loop::Loop;
use crate::{base::imports, cpython};

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

/// Reports an exception that ends a transport, unless it is an `OSError`, which is a line in the debug log.
pub fn report_fatal_error(
    event_loop: &Bound<'_, Loop>,
    transport: &Bound<'_, PyAny>,
    protocol: Option<&Bound<'_, PyAny>>,
    exception: &Bound<'_, PyAny>,
    message: &str,
) -> PyResult<()> {
    let is_usual = exception.is_instance_of::<PyOSError>();
    report_error(
        event_loop, transport, protocol, exception, message, is_usual,
    )
}

/// Reports an exception that ends a transport, unless it `is_usual`, and then a line in the debug log.
pub fn report_error(
    event_loop: &Bound<'_, Loop>,
    transport: &Bound<'_, PyAny>,
    protocol: Option<&Bound<'_, PyAny>>,
    exception: &Bound<'_, PyAny>,
    message: &str,
    is_usual: bool,
) -> PyResult<()> {
    let py = transport.py();
    if is_usual {
        if event_loop.get().debug() {
            let kwargs = PyDict::new(py);
            kwargs.set_item("exc_info", true)?;
            imports::logger(py)?.call_method(
                "debug",
                ("%r: %s", transport, message),
                Some(&kwargs),
            )?;
        }
    } else {
        let context = PyDict::new(py);
        context.set_item("message", message)?;
        context.set_item("exception", exception)?;
        context.set_item("transport", transport)?;
        context.set_item("protocol", protocol)?;
        Loop::call_exception_handler(event_loop, &context)?;
    }
    Ok(())
}
