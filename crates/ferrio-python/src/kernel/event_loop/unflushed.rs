//! Writes that are sent at the end of an iteration, so that one system call can send all that one transport has written in it.

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;

use super::Loop;
use crate::base::errors::leaves_the_loop;

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

impl Loop {
    /// Schedules the transport's writes for the end of this iteration. Returns the transport if the loop is not running.
    pub fn flush_later(&self, py: Python<'_>, transport: Unflushed) -> Option<Unflushed> {
        if !self.is_running() {
            return Some(transport);
        }
        self.unflushed
            .with(py, |transports| transports.push(transport));
        None
    }

    /// Sends what transports have written in this iteration.
    #[inline]
    pub(super) fn flush(slf: &Bound<'_, Self>) -> PyResult<()> {
        if slf.get().unflushed.with(slf.py(), |all| all.is_empty()) {
            return Ok(());
        }
        Self::leave_last_task(slf)?;
        Self::flush_all(slf)
    }

    /// Sends until nothing is left, and then raises the first exception that leaves the loop. All others are reported.
    fn flush_all(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let mut outcome = Ok(());
        loop {
            // Flushing may lead to further writes: TLS passes ciphertext to its transport, or a protocol writes.
            let transports = slf.get().unflushed.with(py, |transports| {
                (!transports.is_empty()).then(|| std::mem::take(transports))
            });
            let Some(transports) = transports else {
                return outcome;
            };
            for transport in transports {
                outcome = outcome.and(match transport.flush(py) {
                    Err(error) if !leaves_the_loop(py, &error) => transport.report(slf, &error),
                    flushed => flushed,
                });
            }
        }
    }
}
