//! The waiters of an object as a sequence that Python code can read and change.

use ferrio::engine::sync::Waiters;
use pyo3::PyTraverseError;
use pyo3::exceptions::{PyIndexError, PyValueError};
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::SyncWaiter;

/// A function of a line of waiters.
type WithWaiters<'a> = &'a mut dyn FnMut(&mut Waiters<SyncWaiter>);

/// Calls a function with a line of the owner.
pub type Access = fn(&Bound<'_, PyAny>, WithWaiters<'_>);

/// The futures that wait for an object: a sequence like a `collections.deque` (CPython: `_waiters`).
#[pyclass(module = "ferrio", name = "deque", frozen, sequence)]
pub struct WaitersView {
    owner: Py<PyAny>,
    access: Access,
}

impl WaitersView {
    /// Returns a view of the line that `access` finds in the owner.
    pub fn new(owner: &Bound<'_, PyAny>, access: Access) -> Self {
        Self {
            owner: owner.clone().unbind(),
            access,
        }
    }

    fn with<R>(&self, py: Python<'_>, f: impl FnOnce(&mut Waiters<SyncWaiter>) -> R) -> Option<R> {
        let mut f = Some(f);
        let mut result = None;
        (self.access)(self.owner.bind(py), &mut |waiters| {
            result = f.take().map(|f| f(waiters));
        });
        result
    }

    fn futures(&self, py: Python<'_>) -> Vec<Py<PyAny>> {
        let futures = self.with(py, |waiters| {
            let futures = waiters.iter().map(|waiter| waiter.as_any().clone_ref(py));
            futures.collect()
        });
        futures.unwrap_or_default()
    }
}

#[pymethods]
impl WaitersView {
    fn append(&self, future: &Bound<'_, PyAny>) {
        let waiter = SyncWaiter::of(future);
        self.with(future.py(), |waiters| waiters.push(waiter));
    }

    fn popleft(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        match self.with(py, Waiters::pop).flatten() {
            Some(waiter) => Ok(waiter.as_any().clone_ref(py)),
            None => Err(PyIndexError::new_err("pop from an empty deque")),
        }
    }

    fn remove(&self, future: &Bound<'_, PyAny>) -> PyResult<()> {
        let removed = self.with(future.py(), |waiters| {
            waiters.remove(|waiter| waiter.as_any().is(future))
        });
        match removed.flatten() {
            Some(_) => Ok(()),
            None => Err(PyValueError::new_err("deque.remove(x): x not in deque")),
        }
    }

    fn clear(&self, py: Python<'_>) {
        drop(self.with(py, Waiters::take));
    }

    fn __len__(&self, py: Python<'_>) -> usize {
        self.with(py, |waiters| waiters.len()).unwrap_or(0)
    }

    fn __getitem__(&self, py: Python<'_>, index: isize) -> PyResult<Py<PyAny>> {
        let futures = self.futures(py);
        let index = if index < 0 {
            index + isize::try_from(futures.len())?
        } else {
            index
        };
        let future = usize::try_from(index)
            .ok()
            .and_then(|index| futures.get(index));
        match future {
            Some(future) => Ok(future.clone_ref(py)),
            None => Err(PyIndexError::new_err("deque index out of range")),
        }
    }

    fn __contains__(&self, future: &Bound<'_, PyAny>) -> bool {
        let found = self.with(future.py(), |waiters| {
            waiters.iter().any(|waiter| waiter.as_any().is(future))
        });
        found.unwrap_or(false)
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let list = PyList::new(py, self.futures(py))?;
        Ok(list.try_iter()?.into_any())
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let list = PyList::new(py, self.futures(py))?;
        Ok(format!("deque({})", list.repr()?))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.owner)
    }
}
