//! Contexts (`contextvars`, PEP 567).

use pyo3::ffi;
use pyo3::prelude::*;

/// Calls `contextvars.copy_context()`.
#[inline]
pub fn copy_context(py: Python<'_>) -> PyResult<Py<PyAny>> {
    // SAFETY: PyContext_CopyCurrent returns a new reference, or null with an exception set.
    unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyContext_CopyCurrent()) }.map(Bound::unbind)
}

/// Whether the object is a `contextvars.Context`.
pub fn is_context(object: &Bound<'_, PyAny>) -> bool {
    // SAFETY: a live object.
    unsafe { ffi::PyContext_CheckExact(object.as_ptr()) != 0 }
}

/// A guard that leaves a context when it is dropped.
pub struct Entered<'a, 'py>(&'a Bound<'py, PyAny>);

impl Drop for Entered<'_, '_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: this value exists only after PyContext_Enter of this context succeeded. PyContext_Exit fails only if
        // another context is on top, which enter/exit pairs on one stack exclude.
        unsafe { ffi::PyContext_Exit(self.0.as_ptr()) };
    }
}

/// Enters a `contextvars.Context` until the returned guard is dropped.
///
/// Raises `RuntimeError` if the context is already entered and `TypeError` if `context` is not a `contextvars.Context`.
#[inline]
pub fn enter_context<'a, 'py>(context: &'a Bound<'py, PyAny>) -> PyResult<Entered<'a, 'py>> {
    // SAFETY: the argument is a live object; PyContext_Enter checks its type itself.
    if unsafe { ffi::PyContext_Enter(context.as_ptr()) } != 0 {
        return Err(PyErr::fetch(context.py()));
    }
    Ok(Entered(context))
}

/// Runs `f` inside a `contextvars.Context`, as `context.run` does.
///
/// `f` must return its error and not leave it set in the interpreter. Raises the errors of [`enter_context`].
#[inline]
pub fn in_context<R>(context: &Bound<'_, PyAny>, f: impl FnOnce() -> PyResult<R>) -> PyResult<R> {
    let _entered = enter_context(context)?;
    f()
}
