//! The methods of `asyncio.Future`.

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};

use super::finishing::invalid_state;
use super::{Future, FutureIter, Outcome, Waiter};
use crate::kernel::done_callback::CallableDoneCallback;
use crate::{base::imports, cpython};

#[pymethods]
impl Future {
    #[new]
    #[pyo3(signature = (*_args, **_kwargs), text_signature = "(*, loop=None)")]
    pub fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        Self {
            home: crate::base::cell::AttachedOnce::new(),
            state: crate::base::cell::AttachedCell::default(),
        }
    }

    #[pyo3(signature = (*, r#loop = None))]
    fn __init__(&self, py: Python<'_>, r#loop: Option<Bound<'_, PyAny>>) -> PyResult<()> {
        self.initialize(py, r#loop)
    }

    /// Return the result.
    ///
    /// Raises the exception if one was set, CancelledError if the future was cancelled, and InvalidStateError if it is
    /// not done.
    fn result(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.initialized_or_invalid(py)?;
        self.retrieve(py)
    }

    /// Return the exception that was set, or None if there is a result.
    ///
    /// Raises CancelledError if the future was cancelled, and InvalidStateError if it is not done.
    fn exception(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        enum Kind {
            Pending,
            Cancelled,
            Done(Option<Py<PyAny>>),
        }
        self.initialized_or_invalid(py)?;
        let kind = self.with(py, |state| {
            let kind = match &state.outcome {
                Outcome::Pending => return Kind::Pending,
                Outcome::Cancelled => return Kind::Cancelled,
                Outcome::Returned(_) => Kind::Done(None),
                Outcome::Raised(exception) => Kind::Done(Some(exception.clone_ref(py))),
            };
            state.log_traceback = false;
            kind
        });
        match kind {
            Kind::Pending => Err(invalid_state(py, "Exception is not set.")),
            Kind::Cancelled => Err(cpython::raise(self.cancelled_error(py)?)),
            Kind::Done(exception) => Ok(exception),
        }
    }

    /// Mark the future done with a result.
    ///
    /// Raises InvalidStateError if it is done.
    #[pyo3(signature = (result, /))]
    fn set_result(slf: &Bound<'_, Self>, result: Py<PyAny>) -> PyResult<()> {
        Self::check_pending(slf)?;
        Self::finish(slf, Outcome::Returned(result))
    }

    /// Mark the future done with an exception: an instance, or a class, which is called.
    ///
    /// StopIteration is wrapped in a RuntimeError (PEP 479). Raises InvalidStateError if the future is done, TypeError
    /// if the argument is not an exception.
    #[pyo3(signature = (exception, /))]
    fn set_exception(slf: &Bound<'_, Self>, exception: Bound<'_, PyAny>) -> PyResult<()> {
        Self::check_pending(slf)?;
        Self::fail(slf, Self::as_exception(exception)?)
    }

    /// Cancel the future and schedule its callbacks; msg becomes the argument of the CancelledError.
    ///
    /// Return False if it was done, else True.
    #[pyo3(signature = (msg = None))]
    fn cancel(slf: &Bound<'_, Self>, msg: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        slf.get().initialized(slf.py())?;
        Self::cancel_pending(slf, msg)
    }

    /// Return whether the future was cancelled.
    fn cancelled(&self, py: Python<'_>) -> bool {
        self.is_cancelled(py)
    }

    /// Return True if there is a result or an exception, or if the future was cancelled.
    fn done(&self, py: Python<'_>) -> bool {
        self.is_done(py)
    }

    /// Call fn(future) when the future is done, in context or a copy of the current one; soon if it is done already.
    #[pyo3(signature = (r#fn, /, *, context = None))]
    fn add_done_callback<'py>(
        slf: &Bound<'py, Self>,
        r#fn: Py<PyAny>,
        context: Option<Bound<'py, PyAny>>,
    ) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        me.initialized(py)?;
        let context = match context {
            Some(context) if !context.is_none() => context.unbind(),
            _ => cpython::copy_context(py)?,
        };
        let waiter = Waiter::Callback {
            callback: r#fn,
            context,
        };
        if me.is_done(py) {
            return Self::tell(slf, waiter);
        }
        me.add_waiter(py, waiter);
        Ok(())
    }

    /// Remove all instances of a callback; return how many there were.
    #[pyo3(signature = (r#fn, /))]
    fn remove_done_callback(&self, py: Python<'_>, r#fn: Bound<'_, PyAny>) -> PyResult<usize> {
        self.initialized(py)?;
        let mut removed = 0;
        let mut index = 0;
        // The comparison runs Python code, which may change the list, so the list is not borrowed meanwhile.
        while let Some(waiter) = self.with(py, |state| {
            let waiter = state.waiters.iter().nth(index)?;
            Some(waiter.clone_ref(py))
        }) {
            let is_meant = match &waiter {
                Waiter::Callback { callback, .. } => callback.bind(py).eq(&r#fn)?,
                Waiter::Task(task) => crate::kernel::task::is_wakeup_of(&r#fn, task),
                Waiter::Native(callback) => r#fn
                    .cast::<CallableDoneCallback>()
                    .is_ok_and(|callable| callable.get().callback().is(callback)),
            };
            let taken = if is_meant {
                self.with(py, |state| {
                    state.waiters.take_first(|other| other.is(&waiter))
                })
            } else {
                None
            };
            match taken {
                Some(_) => removed += 1,
                None => index += 1,
            }
        }
        Ok(removed)
    }

    /// Return the event loop that the future belongs to.
    fn get_loop(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(self.initialized(py)?.as_any().clone_ref(py))
    }

    fn __await__(slf: Bound<'_, Self>) -> PyResult<FutureIter> {
        slf.get().initialized(slf.py())?;
        Ok(FutureIter::new(slf.unbind()))
    }

    fn __iter__(slf: Bound<'_, Self>) -> PyResult<FutureIter> {
        Self::__await__(slf)
    }

    /// Future[int] for annotations (PEP 585).
    #[classmethod]
    #[pyo3(signature = (item, /))]
    fn __class_getitem__<'py>(
        cls: &Bound<'py, PyType>,
        item: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        imports::generic_alias(cls.py())?.call1((cls, item))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.traverse(visit)
    }

    fn __clear__(&self) {
        self.clear();
    }
}

impl Future {
    /// Raises `InvalidStateError` if the future is done.
    pub fn check_pending(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        me.initialized(py)?;
        if !me.is_done(py) {
            return Ok(());
        }
        // The text of CPython's C implementation; the one in Python adds the state and the future.
        Err(invalid_state(py, "invalid state"))
    }

    /// Raises `InvalidStateError` if the future was never initialised.
    fn initialized_or_invalid(&self, py: Python<'_>) -> PyResult<()> {
        match self.home(py) {
            Some(_) => Ok(()),
            None => Err(invalid_state(py, "Future object is not initialized.")),
        }
    }
}
