//! What leaves at the end of an iteration.

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;

/// An object that has collected writes in this iteration, and how it sends them.
pub struct Unflushed {
    object: Py<PyAny>,
    flush: fn(&Bound<'_, PyAny>) -> PyResult<()>,
}

impl Unflushed {
    /// Has `flush` called with the object.
    pub fn new<T>(object: &Bound<'_, T>, flush: fn(&Bound<'_, PyAny>) -> PyResult<()>) -> Self {
        Self {
            object: object.as_any().clone().unbind(),
            flush,
        }
    }

    /// Sends what was collected.
    pub fn flush(&self, py: Python<'_>) -> PyResult<()> {
        (self.flush)(self.object.bind(py))
    }

    /// Shows the reference to the garbage collector.
    pub fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.object)
    }
}
