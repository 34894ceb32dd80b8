//! Awaiting while an exception is handled: inside `except`, or in `finally` and `__aexit__` after an error.

use pyo3::PyTraverseError;
use pyo3::exceptions::PyBaseException;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;

use super::as_method_result;
use super::throwing::{as_thrown, throw_into};
use crate::cpython;
use crate::kernel::future::native_future;

/// A wrapper for an awaitable that is awaited inside `except` or `finally`: whenever the awaitable is resumed, its code
/// finds the exception that is being handled.
///
/// This does not hold when an exception is thrown in: CPython then runs the innermost coroutine without the exceptions
/// that the coroutines around it handle (`_gen_throw` in Objects/genobject.c).
#[pyclass(module = "ferrio", frozen)]
pub struct AwaitHandling {
    exception: Py<PyBaseException>,
    iterator: Py<PyAny>,
}

impl AwaitHandling {
    /// Wraps an awaitable that is to be awaited while `error` is handled.
    pub fn wrap(py: Python<'_>, error: &PyErr, awaitable: Py<PyAny>) -> PyResult<Py<PyAny>> {
        // A native future runs no Python code, so nobody would notice.
        if native_future(awaitable.bind(py)).is_some() {
            return Ok(awaitable);
        }
        let iterator =
            cpython::handling(py, error, || cpython::await_iterator(awaitable.bind(py)))?;
        let exception = error.value(py).clone().unbind();
        let wrapped = Self {
            exception,
            iterator,
        };
        Ok(Py::new(py, wrapped)?.into_any())
    }

    fn resume(&self, py: Python<'_>, value: Option<&Py<PyAny>>) -> PyResult<Py<PyAny>> {
        let error = PyErr::from_value(self.exception.bind(py).clone().into_any());
        cpython::handling(py, &error, || {
            as_method_result(py, cpython::iter_send(py, &self.iterator, value))
        })
    }
}

#[pymethods]
impl AwaitHandling {
    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.resume(py, None)
    }

    fn send(&self, py: Python<'_>, value: Py<PyAny>) -> PyResult<Py<PyAny>> {
        self.resume(py, Some(&value))
    }

    #[pyo3(signature = (typ, val = None, tb = None))]
    fn throw(
        &self,
        py: Python<'_>,
        typ: Bound<'_, PyAny>,
        val: Option<Bound<'_, PyAny>>,
        tb: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let error = as_thrown(py, typ, val, tb)?;
        as_method_result(py, throw_into(self.iterator.bind(py), error))
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let iterator = self.iterator.bind(py);
        match iterator.getattr_opt(pyo3::intern!(py, "close"))? {
            Some(close) => close.call0().map(drop),
            None => Ok(()),
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.exception)?;
        visit.call(&self.iterator)
    }
}
