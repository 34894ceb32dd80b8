//! `return await awaitable`, as a step of a coroutine.

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;

use crate::kernel::coroutine::{Step, Wait};

/// Awaits an awaitable and returns its result.
pub fn return_await(awaitable: Py<PyAny>) -> Step {
    Step::Wait(awaitable, Box::new(ReturnAwait))
}

struct ReturnAwait;

impl Wait for ReturnAwait {
    fn resume(self: Box<Self>, _: Python<'_>, outcome: PyResult<Py<PyAny>>) -> PyResult<Step> {
        outcome.map(Step::Return)
    }

    fn traverse(&self, _: PyVisit<'_>) -> Result<(), PyTraverseError> {
        Ok(())
    }
}
