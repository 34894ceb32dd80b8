//! What every transport tells its protocol or the loop in the same words.

use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::leaves_the_loop;
use crate::event_loop::Loop;
use crate::imports;

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
        Err(error) => {
            let context = PyDict::new(py);
            context.set_item("message", format!("protocol.{method}() failed"))?;
            context.set_item("exception", error)?;
            context.set_item("transport", transport)?;
            context.set_item("protocol", protocol)?;
            Loop::call_exception_handler(event_loop, &context)
        }
    }
}

/// Reports an error that ends a transport, unless it is an `OSError`, which is a line in the debug log. Returns the
/// exception.
pub fn report_fatal_error(
    event_loop: &Bound<'_, Loop>,
    transport: &Bound<'_, PyAny>,
    protocol: Option<&Bound<'_, PyAny>>,
    error: PyErr,
    message: &str,
) -> PyResult<Py<PyAny>> {
    let is_usual = |exception: &Bound<'_, PyAny>| exception.is_instance_of::<PyOSError>();
    report_error(event_loop, transport, protocol, error, message, is_usual)
}

/// Reports an error that ends a transport, unless it `is_usual`, and then a line in the debug log. Returns the exception.
pub fn report_error(
    event_loop: &Bound<'_, Loop>,
    transport: &Bound<'_, PyAny>,
    protocol: Option<&Bound<'_, PyAny>>,
    error: PyErr,
    message: &str,
    is_usual: impl FnOnce(&Bound<'_, PyAny>) -> bool,
) -> PyResult<Py<PyAny>> {
    let py = transport.py();
    let exception = error.into_value(py);
    if is_usual(exception.bind(py)) {
        if event_loop.get().debug() {
            let kwargs = PyDict::new(py);
            kwargs.set_item("exc_info", &exception)?;
            imports::logger(py)?.call_method(
                "debug",
                ("%r: %s", transport, message),
                Some(&kwargs),
            )?;
        }
    } else {
        let context = PyDict::new(py);
        context.set_item("message", message)?;
        context.set_item("exception", &exception)?;
        context.set_item("transport", transport)?;
        context.set_item("protocol", protocol)?;
        Loop::call_exception_handler(event_loop, &context)?;
    }
    Ok(exception.into_any())
}
