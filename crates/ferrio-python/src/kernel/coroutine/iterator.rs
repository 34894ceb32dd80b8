//! The iterator of `Coroutine.__await__`, where a coroutine cannot be its own (CPython: `_PyCoroWrapper_Type`).

use pyo3::PyTraverseError;
use pyo3::exceptions::PyRuntimeError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;

use super::Coroutine;
use crate::cpython::SelfAwait;
use crate::cpython::tricks::Trick;

/// An iterator that drives a coroutine.
#[pyclass(module = "ferrio", name = "coroutine_wrapper", frozen)]
pub struct CoroutineIterator(Py<Coroutine>);

impl CoroutineIterator {
    /// Returns the iterator that `await coroutine` drives: the coroutine itself if its slots make it one.
    ///
    /// Raises `RuntimeError` if the coroutine is being awaited already.
    pub fn of(coroutine: Bound<'_, Coroutine>) -> PyResult<Bound<'_, PyAny>> {
        if Trick::Slots.is_allowed() {
            return Ok(coroutine.into_any());
        }
        let py = coroutine.py();
        if coroutine.get().is_awaited(py) {
            return Err(PyRuntimeError::new_err(
                "coroutine is being awaited already",
            ));
        }
        Ok(Bound::new(py, Self(coroutine.unbind()))?.into_any())
    }
}

#[pymethods]
impl CoroutineIterator {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.0.get().send(py, py.None().bind(py))
    }

    fn send(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        self.0.get().send(py, value)
    }

    #[pyo3(signature = (typ, val = None, tb = None))]
    fn throw(
        &self,
        py: Python<'_>,
        typ: Bound<'_, PyAny>,
        val: Option<Bound<'_, PyAny>>,
        tb: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        self.0.get().throw(py, typ, val, tb)
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.0.get().close(py)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.0)
    }
}
