//! Results, exceptions and cancellation; reports of exceptions that were never retrieved.

use pyo3::exceptions::{PyBaseException, PyRuntimeError, PyStopIteration, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};

use super::{Future, Outcome};
use crate::{base::imports, cpython};

impl Future {
    /// Gives a pending future its outcome and schedules its waiters.
    #[inline]
    pub fn finish(slf: &Bound<'_, Self>, outcome: Outcome) -> PyResult<()> {
        let py = slf.py();
        let old = slf
            .get()
            .with(py, |state| std::mem::replace(&mut state.outcome, outcome));
        debug_assert!(matches!(old, Outcome::Pending), "a future finishes once");
        Self::tell_waiters(slf)
    }

    /// Finishes the future with an exception object. A `StopIteration` is replaced.
    pub fn fail(slf: &Bound<'_, Self>, exception: Bound<'_, PyAny>) -> PyResult<()> {
        let py = slf.py();
        let exception = without_stop_iteration(exception)?;
        let traceback = exception.getattr(pyo3::intern!(py, "__traceback__"))?;
        let old = slf.get().with(py, |state| {
            state.log_traceback = true;
            if traceback.is_none() {
                None
            } else {
                state.rare().traceback.replace(traceback.unbind())
            }
        });
        drop(old);
        Self::finish(slf, Outcome::Raised(exception.unbind()))
    }

    /// Does what `Future.cancel` does, whatever a subclass has in its place. Returns whether the future was pending.
    pub fn cancel_pending(
        slf: &Bound<'_, Self>,
        message: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<bool> {
        let py = slf.py();
        let me = slf.get();
        let pending = me.with(py, |state| {
            state.log_traceback = false;
            matches!(state.outcome, Outcome::Pending)
        });
        if !pending {
            return Ok(false);
        }
        me.set_cancel_message(py, message);
        Self::finish(slf, Outcome::Cancelled)?;
        Ok(true)
    }

    /// Remembers the argument of `cancel`.
    pub fn set_cancel_message(&self, py: Python<'_>, message: Option<&Bound<'_, PyAny>>) {
        let message = message.filter(|message| !message.is_none());
        let message = message.map(|message| message.clone().unbind());
        let old = self.with(py, |state| match (message, state.rare_if_any()) {
            (None, None) => None,
            (None, Some(rare)) => rare.cancel_message.take(),
            (Some(message), _) => state.rare().cancel_message.replace(message),
        });
        drop(old);
    }

    /// Returns the argument of `cancel`, if there was one.
    pub fn cancel_message(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.state
            .get_ref(py, |state| state.rare_if_any()?.cancel_message.as_ref())
    }

    /// Remembers the `CancelledError` that has ended the task.
    pub fn set_cancelled_error(&self, py: Python<'_>, error: Py<PyAny>) {
        let old = self.with(py, |state| state.rare().cancelled_error.replace(error));
        drop(old);
    }

    /// Returns the `CancelledError` to raise for a cancelled future: at the first call, the one that has ended the task.
    pub fn cancelled_error<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (saved, message) = self.with(py, |state| match state.rare_if_any() {
            None => (None, None),
            Some(rare) => {
                let message = rare.cancel_message.as_ref();
                (
                    rare.cancelled_error.take(),
                    message.map(|message| message.clone_ref(py)),
                )
            }
        });
        match (saved, message) {
            (Some(error), _) => Ok(error.into_bound(py)),
            (None, Some(message)) => imports::cancelled_error(py)?.call1((message,)),
            (None, None) => imports::cancelled_error(py)?.call0(),
        }
    }

    /// Does what `Future.result` does: returns the result or raises the exception.
    #[inline]
    pub fn retrieve(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let returned = self.state.get_ref(py, |state| {
            state.log_traceback = false;
            match &state.outcome {
                Outcome::Returned(result) => Some(result),
                _ => None,
            }
        });
        returned.map_or_else(|| Err(self.error(py)), Ok)
    }

    /// Returns the error that `result` raises for a future without a result.
    #[cold]
    pub fn error(&self, py: Python<'_>) -> PyErr {
        self.failure(py).map_or_else(|error| error, cpython::raise)
    }

    /// Returns the exception to throw into a task that waits for the future. As when CPython raises it, a `CancelledError`
    /// gets the exception that is being handled as its context.
    #[cold]
    pub fn failure<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        enum Kind {
            Pending,
            Cancelled,
            Raised(Py<PyAny>, Option<Py<PyAny>>),
        }
        let kind = self.with(py, |state| {
            let raised = match &state.outcome {
                Outcome::Raised(exception) => exception.clone_ref(py),
                Outcome::Cancelled => return Kind::Cancelled,
                Outcome::Pending | Outcome::Returned(_) => return Kind::Pending,
            };
            let traceback = state.rare_if_any().and_then(|rare| rare.traceback.as_ref());
            Kind::Raised(raised, traceback.map(|traceback| traceback.clone_ref(py)))
        });
        match kind {
            Kind::Pending => Err(invalid_state(py, "Result is not set.")),
            Kind::Cancelled => {
                let error = cpython::raise(self.cancelled_error(py)?);
                Ok(error.into_value(py).into_bound(py).into_any())
            }
            Kind::Raised(exception, traceback) => {
                let exception = exception.into_bound(py);
                let traceback = traceback.unwrap_or_else(|| py.None());
                exception.setattr(pyo3::intern!(py, "__traceback__"), traceback)?;
                Ok(exception)
            }
        }
    }

    /// Turns the argument of `set_exception` into an exception object: an exception class is called.
    pub(super) fn as_exception(exception: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
        let class = exception.cast::<PyType>().ok();
        let is_class = class.is_some_and(|class| {
            class
                .is_subclass_of::<PyBaseException>()
                .unwrap_or_default()
        });
        let exception = if is_class {
            exception.call0()?
        } else {
            exception
        };
        if !exception.is_instance_of::<PyBaseException>() {
            return Err(PyTypeError::new_err("invalid exception object"));
        }
        Ok(exception)
    }

    /// Tells the loop's exception handler about an exception that was never retrieved, when the future goes away.
    pub fn report_unretrieved(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let exception = me.state.get_ref(py, |state| {
            if !std::mem::take(&mut state.log_traceback) {
                return None;
            }
            match &state.outcome {
                Outcome::Raised(exception) => Some(exception),
                _ => None,
            }
        });
        let (Some(exception), Some(home)) = (exception, me.home(py)) else {
            return Ok(());
        };
        let context = PyDict::new(py);
        let name = slf.get_type().name()?;
        context.set_item("message", format!("{name} exception was never retrieved"))?;
        context.set_item("exception", exception)?;
        context.set_item("future", slf)?;
        me.add_source_traceback(py, &context)?;
        home.report(py, &context)
    }

    /// Adds the place where the future was created to a report, if it is known.
    pub fn add_source_traceback(
        &self,
        py: Python<'_>,
        context: &Bound<'_, PyDict>,
    ) -> PyResult<()> {
        match self.source_traceback(py) {
            Some(traceback) => context.set_item("source_traceback", traceback),
            None => Ok(()),
        }
    }

    /// Returns the place where the future was created, if that was in debug mode.
    pub fn source_traceback(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.state
            .get_ref(py, |state| state.rare_if_any()?.source_traceback.as_ref())
    }
}

/// Makes an `asyncio.InvalidStateError`.
#[cold]
pub(super) fn invalid_state(py: Python<'_>, text: &str) -> PyErr {
    cpython::raise_new(imports::invalid_state_error(py), (text,))
}

/// Replaces a `StopIteration`, which cannot be raised into a coroutine, by a `RuntimeError` with it as the cause. Before
/// 3.11.8 and 3.12.2 it is refused with a `TypeError`.
fn without_stop_iteration(exception: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
    let py = exception.py();
    if !exception.is_instance_of::<PyStopIteration>() {
        return Ok(exception);
    }
    let text = "StopIteration interacts badly with generators and cannot be raised into a Future";
    let version = py.version_info();
    if version < (3, 11, 8) || (version >= (3, 12) && version < (3, 12, 2)) {
        return Err(PyTypeError::new_err(text));
    }
    let error = PyRuntimeError::new_err(text)
        .into_value(py)
        .into_bound(py)
        .into_any();
    error.setattr("__cause__", &exception)?;
    error.setattr("__context__", &exception)?;
    Ok(error)
}
