//! The exception that is being handled.
//!
//! Inside `except`, and in `finally` and `with` while an exception passes through, Python code finds that exception in
//! `sys.exc_info()`: `logging.exception` prints it, a bare `raise` raises it again, and it becomes the `__context__` of
//! exceptions that are raised there. The interpreter sets it where an `except` block of Python code begins. Rust code has no
//! such blocks. Rust code that catches an error and then calls the program's code, or raises another error, does so inside
//! [`handling`]; what must be done with or without an error is done by [`finally`]. [`raise`](super::raise) and the errors
//! that PyO3 makes take their context from there.
//!
//! Each generator and each coroutine of Python code has its own place for the exception that it handles; all other code
//! shares the place of the innermost one that is running. `PyErr_GetHandledException` returns the first exception that it
//! finds from the innermost place outwards, but `PyErr_SetHandledException` sets the innermost place (CPython:
//! `_PyErr_GetTopmostException`, `_PyErr_SetHandledException` in Python/errors.c). To restore what the former has found
//! could therefore leave the exception of an outer place in the innermost one, and there it would stay, even when that
//! generator is resumed outside of any `except`. So [`handling`] has to find out what the innermost place itself held.

use std::ptr;

use pyo3::ffi;
use pyo3::prelude::*;

use crate::cpython::{normalized, raise};

/// A guard that sets the exception that is being handled until it is dropped.
struct Handling<'py> {
    /// The exception that the innermost place held before.
    previous: Option<Bound<'py, PyAny>>,
}

impl<'py> Handling<'py> {
    fn begin(error: &PyErr, py: Python<'py>) -> Self {
        // This may run Python code, so it comes first.
        let exception = error.value(py);
        // SAFETY: the thread is attached; a new reference, or null without an exception set.
        let found = unsafe { Bound::from_owned_ptr_or_opt(py, ffi::PyErr_GetHandledException()) };
        let previous = found.filter(|found| {
            // SAFETY: both read or set the thread's own state. The exception stays alive: `found` has a reference.
            unsafe {
                let before = ffi::Py_REFCNT(found.as_ptr());
                ffi::PyErr_SetHandledException(ptr::null_mut());
                // If the innermost place held the exception, it has dropped its reference.
                ffi::Py_REFCNT(found.as_ptr()) < before
            }
        });
        // SAFETY: a live exception; the interpreter takes a reference of its own.
        unsafe { ffi::PyErr_SetHandledException(exception.as_ptr()) };
        Self { previous }
    }
}

impl Drop for Handling<'_> {
    fn drop(&mut self) {
        let previous = self
            .previous
            .as_ref()
            .map_or(ptr::null_mut(), Bound::as_ptr);
        // SAFETY: a live exception or null, set by the same thread as in `begin`. Code that ran in between has restored what
        // it has set itself.
        unsafe { ffi::PyErr_SetHandledException(previous) };
    }
}

/// Runs `block` like an `except` block that has caught `error`. An error that `block` returns counts as raised inside.
#[cold]
pub fn handling<R>(
    py: Python<'_>,
    error: &PyErr,
    block: impl FnOnce() -> PyResult<R>,
) -> PyResult<R> {
    let _handling = Handling::begin(error, py);
    block().map_err(|error| normalized(py, error))
}

/// Runs `block` like a `finally` block after code with this outcome. An error of `block` replaces an error of that code.
#[inline]
pub fn finally<R>(
    py: Python<'_>,
    outcome: PyResult<R>,
    block: impl FnOnce() -> PyResult<()>,
) -> PyResult<R> {
    match outcome {
        Ok(result) => block().map(|()| result),
        Err(error) => {
            handling(py, &error, block)?;
            Err(error)
        }
    }
}

/// Returns `error` as it leaves an `except` or `finally` block that handles `handled`: with the latter as its context.
#[cold]
pub fn raised_while(py: Python<'_>, handled: &PyErr, error: PyErr) -> PyErr {
    let _handling = Handling::begin(handled, py);
    raise(error.into_value(py).into_bound(py).into_any())
}
