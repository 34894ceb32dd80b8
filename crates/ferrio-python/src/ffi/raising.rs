//! Raising exceptions that are there already.
//!
//! An exception that is raised while another is handled has that one as its context (`__context__`). The interpreter sees to
//! it, also for the errors that PyO3 makes of a type and arguments, but not for those that it is given complete.

use pyo3::call::PyCallArgs;
use pyo3::exceptions::PyBaseException;
use pyo3::ffi;
use pyo3::prelude::*;

/// What `raise exception` raises: the exception, with what is being handled as its context.
#[cold]
pub fn raise(exception: Bound<'_, PyAny>) -> PyErr {
    let py = exception.py();
    if !exception.is_instance_of::<PyBaseException>() {
        return PyErr::from_value(exception); // A TypeError.
    }
    // SAFETY: a live exception and its class; the thread is attached.
    unsafe { ffi::PyErr_SetObject(exception.get_type().as_ptr(), exception.as_ptr()) };
    PyErr::fetch(py)
}

/// The error with its exception made. PyO3 makes it when somebody looks at it, and cannot while the interpreter ends.
#[cold]
pub fn made(py: Python<'_>, error: PyErr) -> PyErr {
    error.restore(py);
    PyErr::fetch(py)
}

/// What `raise class(*args)` raises.
#[cold]
pub fn raise_new<'py>(class: PyResult<&Bound<'py, PyAny>>, args: impl PyCallArgs<'py>) -> PyErr {
    let exception = class.and_then(|class| class.call1(args));
    exception.map_or_else(|error| error, raise)
}
