//! Writes that are sent at the end of an iteration, so that one system call can send all that one transport has written in it.

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;

use super::Loop;

/// A transport that has collected writes in this iteration, and the function that sends them.
pub struct Unflushed {
    object: Py<PyAny>,
    flush: fn(&Bound<'_, PyAny>) -> PyResult<()>,
}

impl Unflushed {
    /// Makes an entry for an object, which `flush` is called with.
    pub fn new<T>(object: &Bound<'_, T>, flush: fn(&Bound<'_, PyAny>) -> PyResult<()>) -> Self {
        Self {
            object: object.as_any().clone().unbind(),
            flush,
        }
    }

    /// Sends the collected writes.
    pub fn flush(&self, py: Python<'_>) -> PyResult<()> {
        (self.flush)(self.object.bind(py))
    }

    /// Reports what `flush` has raised, as if a callback of the loop had.
    #[cold]
    pub fn report(&self, event_loop: &Bound<'_, Loop>, error: &PyErr) -> PyResult<()> {
        Loop::report(event_loop, error, |context| {
            let object = self.object.bind(event_loop.py()).repr()?;
            context.set_item(
                "message",
                format!("Exception in callback writing to {object}"),
            )
        })
    }

    /// Shows the reference to the garbage collector.
    pub fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.object)
    }
}
