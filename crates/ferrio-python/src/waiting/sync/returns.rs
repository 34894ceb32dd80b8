//! The constant that a coroutine of this module returns.

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;

use crate::kernel::coroutine::{Step, Wait};

/// The constant that a coroutine returns: `acquire` and `wait` return True, `__aenter__` returns None.
#[derive(Clone, Copy)]
pub enum Returns {
    True,
    None,
}

impl Returns {
    pub fn into_object(self, py: Python<'_>) -> Py<PyAny> {
        match self {
            Self::True => bool_object(py, true),
            Self::None => py.None(),
        }
    }

    /// Awaits an awaitable and returns this constant in place of its result.
    pub fn after(self, awaitable: Py<PyAny>) -> Step {
        Step::Wait(awaitable, Box::new(ConstantAfter(self)))
    }
}

/// Python's `True` or `False`.
pub fn bool_object(py: Python<'_>, value: bool) -> Py<PyAny> {
    value.into_pyobject(py).map_or_else(
        |never| match never {},
        |object| object.to_owned().into_any().unbind(),
    )
}

struct ConstantAfter(Returns);

impl Wait for ConstantAfter {
    fn resume(self: Box<Self>, py: Python<'_>, outcome: PyResult<Py<PyAny>>) -> PyResult<Step> {
        outcome?;
        Ok(Step::Return(self.0.into_object(py)))
    }

    fn traverse(&self, _: PyVisit<'_>) -> Result<(), PyTraverseError> {
        Ok(())
    }
}
