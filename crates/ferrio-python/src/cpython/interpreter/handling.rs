//! The exception that is being handled.
//!
//! Inside `except`, and in `finally` and `with` while an exception passes through, Python code finds that exception in
//! `sys.exc_info()`: `logging.exception` prints it, a bare `raise` raises it again, and what is raised there has it as its
//! `__context__`. The interpreter puts it down where an `except` block of Python code begins. Rust code has no such blocks:
//! whoever catches an error and calls the program's code, or raises another error, does so inside [`handling`], and what
//! is to be done whether there was an error or not is done by [`finally`]. [`raise`](super::raise) and the errors that PyO3
//! makes take their context from there.
//!
//! Each generator and each coroutine of Python code has a place of its own for the exception that it handles; all other code
//! shares that of the innermost one that runs. `PyErr_GetHandledException` looks through all places, from the innermost
//! outwards, for one that is taken, and `PyErr_SetHandledException` sets the innermost alone (CPython:
//! `_PyErr_GetTopmostException`, `_PyErr_SetHandledException` in Python/errors.c). So to set again what was found would
//! leave the exception of an outer place in the innermost, where it stays when that generator is resumed by somebody who
//! handles nothing. What has to be found out is what the innermost place itself held.

use std::ptr;

use pyo3::ffi;
use pyo3::prelude::*;

use crate::cpython::{made, raise};

/// Sets the exception that is handled, until it is dropped.
struct Handling<'py> {
    /// What the innermost place held.
    previous: Option<Bound<'py, PyAny>>,
}

impl<'py> Handling<'py> {
    fn begin(error: &PyErr, py: Python<'py>) -> Self {
        // May call Python code: comes first.
        let exception = error.value(py);
        // SAFETY: the thread is attached; a new reference, or null without an exception set.
        let found = unsafe { Bound::from_owned_ptr_or_opt(py, ffi::PyErr_GetHandledException()) };
        let previous = found.filter(|found| {
            // SAFETY: both read or set the thread's own state. The exception stays alive: `found` has a reference.
            unsafe {
                let before = ffi::Py_REFCNT(found.as_ptr());
                ffi::PyErr_SetHandledException(ptr::null_mut());
                // The innermost place has given up its reference if it held one.
                ffi::Py_REFCNT(found.as_ptr()) < before
            }
        });
        // SAFETY: a live exception, to which a reference is taken.
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
        // SAFETY: a live exception or null, set by the thread that has set the other; whatever has run in between has
        // put back what it has set itself.
        unsafe { ffi::PyErr_SetHandledException(previous) };
    }
}

/// Does what an `except` block does that has caught `error`. An error that it returns has been raised inside.
#[cold]
pub fn handling<R>(
    py: Python<'_>,
    error: &PyErr,
    block: impl FnOnce() -> PyResult<R>,
) -> PyResult<R> {
    let _handling = Handling::begin(error, py);
    block().map_err(|error| made(py, error))
}

/// Does what a `finally` block does after what has come to `outcome`: an error of the block is raised in place of another.
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

/// The error as it comes out of an `except` or `finally` block in which `handled` is handled.
#[cold]
pub fn raised_while(py: Python<'_>, handled: &PyErr, error: PyErr) -> PyErr {
    let _handling = Handling::begin(handled, py);
    raise(error.into_value(py).into_bound(py).into_any())
}
