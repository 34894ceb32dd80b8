//! A future as a waiter of the engine.

use ferrio::engine::sync::Status;
use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;

use crate::kernel::future::{Future, Outcome};

/// A future that waits in a line until its result is set.
pub enum SyncWaiter {
    /// ferrio's own future, whose status the algorithm can read.
    Native(Py<Future>),
    /// Any other object, and its status when it was last asked (see `LoopBound::refresh`).
    Foreign(Py<PyAny>, Status),
}

impl SyncWaiter {
    /// Returns an object as a waiter.
    pub fn of(object: &Bound<'_, PyAny>) -> Self {
        match object.cast_exact::<Future>() {
            Ok(future) => Self::Native(future.clone().unbind()),
            Err(_) => Self::Foreign(object.clone().unbind(), Status::Waiting),
        }
    }

    /// Returns the future as an object.
    pub fn as_any(&self) -> &Py<PyAny> {
        match self {
            Self::Native(future) => future.as_any(),
            Self::Foreign(future, _) => future,
        }
    }

    /// Whether the waiter is this future.
    #[inline]
    pub fn is(&self, future: &Py<PyAny>) -> bool {
        self.as_any().is(future)
    }

    #[inline]
    pub fn clone_ref(&self, py: Python<'_>) -> Self {
        match self {
            Self::Native(future) => Self::Native(future.clone_ref(py)),
            Self::Foreign(future, status) => Self::Foreign(future.clone_ref(py), *status),
        }
    }

    /// Sets the result of the future, which must be pending.
    #[inline]
    pub fn wake(self, py: Python<'_>, result: Py<PyAny>) -> PyResult<()> {
        match self {
            Self::Native(future) => Future::finish(future.bind(py), Outcome::Returned(result)),
            Self::Foreign(future, _) => {
                future.call_method1(py, intern!(py, "set_result"), (result,))?;
                Ok(())
            }
        }
    }

    /// Returns the status of a future of any class.
    pub fn status_of(future: &Bound<'_, PyAny>) -> PyResult<Status> {
        let py = future.py();
        if let Ok(future) = future.cast_exact::<Future>() {
            return Ok(status(py, future.get()));
        }
        if !future.call_method0(intern!(py, "done"))?.is_truthy()? {
            return Ok(Status::Waiting);
        }
        let cancelled = future.call_method0(intern!(py, "cancelled"))?.is_truthy()?;
        Ok(if cancelled {
            Status::Cancelled
        } else {
            Status::Woken
        })
    }

    pub fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self {
            Self::Native(future) => visit.call(future),
            Self::Foreign(future, _) => visit.call(future),
        }
    }
}

impl ferrio::engine::sync::Waiter for SyncWaiter {
    #[inline]
    fn status(&self) -> Status {
        match self {
            Self::Native(future) => Python::attach(|py| status(py, future.get())),
            Self::Foreign(_, status) => *status,
        }
    }
}

#[inline]
fn status(py: Python<'_>, future: &Future) -> Status {
    future.with(py, |state| match state.outcome {
        Outcome::Pending => Status::Waiting,
        Outcome::Cancelled => Status::Cancelled,
        Outcome::Returned(_) | Outcome::Raised(_) => Status::Woken,
    })
}
