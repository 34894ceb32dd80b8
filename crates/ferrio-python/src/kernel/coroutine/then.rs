//! One piece of a coroutine after another: how a coroutine awaits another one's steps without an object for it.

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;

use super::{Step, Wait};

/// The rest of a first chain of pieces, and the second chain, which goes on with the first one's result or exception.
struct Then {
    first: Box<dyn Wait>,
    rest: Box<dyn Wait>,
}

impl Step {
    /// Goes on with `rest` when the pieces that begin with this step have ended, as if `rest` had awaited them.
    pub fn then(step: PyResult<Self>, py: Python<'_>, rest: Box<dyn Wait>) -> PyResult<Self> {
        match step {
            Ok(Self::Return(result)) => rest.resume(py, Ok(result)),
            Err(error) => rest.resume(py, Err(error)),
            Ok(Self::Wait(awaitable, first)) => {
                Ok(Self::Wait(awaitable, Box::new(Then { first, rest })))
            }
            Ok(Self::Yield(first)) => Ok(Self::Yield(Box::new(Then { first, rest }))),
            Ok(Self::YieldOnce(result)) => Ok(Self::Yield(Box::new(Then {
                first: Box::new(Returning(result)),
                rest,
            }))),
        }
    }
}

/// The rest of a `Step::YieldOnce`: its result.
struct Returning(Py<PyAny>);

impl Wait for Returning {
    fn resume(self: Box<Self>, _: Python<'_>, outcome: PyResult<Py<PyAny>>) -> PyResult<Step> {
        outcome.map(|_| Step::Return(self.0))
    }

    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.0)
    }
}

impl Wait for Then {
    fn resume(self: Box<Self>, py: Python<'_>, outcome: PyResult<Py<PyAny>>) -> PyResult<Step> {
        Step::then(self.first.resume(py, outcome), py, self.rest)
    }

    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.first.traverse(visit)?;
        self.rest.traverse(visit)
    }
}
