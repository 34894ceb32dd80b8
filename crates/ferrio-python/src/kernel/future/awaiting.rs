//! `await future`.
//!
//! A future is its own iterator for `await`, which saves an object for each `await`: its type object has the slots of an
//! iterator, but no `__next__`, so it is no iterator to Python code. Python code that asks for the iterator, through
//! `__await__` or `__iter__`, gets a [`FutureIter`]. So does the `await` of a subclass.

use pyo3::PyTraverseError;
use pyo3::exceptions::PyRuntimeError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;

use super::{Future, Outcome};
use crate::base::cell::AttachedCell;
use crate::cpython::{self, Resumed, Sent};
use crate::kernel::coroutine::{as_method_result, as_thrown};

impl cpython::SelfAwait for Future {
    /// Yields the future itself while it is pending, then returns its result or raises its exception.
    #[inline]
    fn resume(slf: &Bound<'_, Self>) -> Resumed {
        enum Answer {
            Wait,
            /// The driver has resumed the coroutine although the future is still pending.
            NotAwaited,
            Return(Py<PyAny>),
            Raise,
        }
        let py = slf.py();
        let me = slf.get();
        let answer = me.with(py, |state| match &state.outcome {
            Outcome::Pending if state.blocking => Answer::NotAwaited,
            Outcome::Pending => {
                state.blocking = true;
                Answer::Wait
            }
            Outcome::Returned(result) => Answer::Return(result.clone_ref(py)),
            Outcome::Raised(_) | Outcome::Cancelled => {
                state.log_traceback = false;
                Answer::Raise
            }
        });
        match answer {
            Answer::Wait => Ok(Sent::Yielded(slf.clone().unbind().into_any())),
            Answer::Return(result) => Ok(Sent::Returned(result)),
            Answer::Raise => Err(me.error(py).into()),
            Answer::NotAwaited => {
                Err(PyRuntimeError::new_err("await wasn't used with future").into())
            }
        }
    }
}

/// The iterator of `Future.__await__` (CPython: `_asyncio.FutureIter`).
#[pyclass(module = "ferrio", frozen)]
pub struct FutureIter {
    /// The future, until the iterator has ended.
    future: AttachedCell<Option<Py<Future>>>,
}

impl FutureIter {
    pub fn new(future: Py<Future>) -> Self {
        Self {
            future: AttachedCell::new(Some(future)),
        }
    }
}

impl cpython::Send for FutureIter {
    fn send(slf: &Bound<'_, Self>, _value: &Bound<'_, PyAny>) -> Resumed {
        let py = slf.py();
        let me = slf.get();
        let Some(future) = me.future.get_bound(py, |future| future.as_ref()) else {
            return Ok(Sent::Returned(py.None()));
        };
        if future.get().is_done(py) {
            let ended = me.future.take(py);
            drop(ended);
        }
        <Future as cpython::SelfAwait>::resume(&future)
    }
}

#[pymethods]
impl FutureIter {
    fn send(slf: &Bound<'_, Self>, value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        as_method_result(slf.py(), <Self as cpython::Send>::send(slf, value))
    }

    #[pyo3(signature = (typ, val = None, tb = None))]
    fn throw(
        &self,
        py: Python<'_>,
        typ: Bound<'_, PyAny>,
        val: Option<Bound<'_, PyAny>>,
        tb: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let error = as_thrown(py, typ, val, tb)?;
        let ended = self.future.take(py);
        drop(ended);
        Err(error)
    }

    fn close(&self, py: Python<'_>) {
        let ended = self.future.take(py);
        drop(ended);
    }

    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        let none = slf.py().None().into_bound(slf.py());
        Self::send(slf, &none)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.future.visit(&visit, |future| visit.call(future))
    }

    fn __clear__(&self) {
        Python::attach(|py| drop(self.future.take(py)));
    }
}
