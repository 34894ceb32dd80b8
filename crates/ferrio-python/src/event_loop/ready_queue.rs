//! `_ready`: the queue of what runs next, as the `collections.deque` of handles that asyncio has.
//!
//! What is queued without a handle becomes one when it is looked at, and stays one: who cancels it there cancels it. The
//! rare methods of a deque work on a real one with all that is queued, which is put back afterwards.

use ferrio::LoopCore;
use pyo3::PyTraverseError;
use pyo3::exceptions::PyIndexError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::{Callback, Loop};
use crate::imports;

/// The queue of an event loop: a sequence like a `collections.deque` (CPython: `loop._ready`).
#[pyclass(module = "ferrio", name = "deque", frozen, sequence)]
pub struct ReadyQueue {
    event_loop: Py<Loop>,
}

impl ReadyQueue {
    fn core<R>(&self, py: Python<'_>, f: impl FnOnce(&mut LoopCore<Callback>) -> R) -> R {
        self.event_loop.get().core(py, f)
    }

    /// Takes out all that is queued.
    fn take<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let event_loop = self.event_loop.bind(py);
        let payloads = self.core(py, LoopCore::take_ready);
        let handles = payloads.into_iter();
        let handles: Vec<_> = handles
            .map(|payload| payload.into_handle(event_loop))
            .collect::<PyResult<_>>()?;
        PyList::new(py, handles)
    }

    /// Queues handles before all that is queued.
    fn put_first(&self, handles: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = handles.py();
        let handles = handles.try_iter()?;
        let payloads = handles
            .map(|handle| Ok(Callback::of_handle(&handle?)))
            .collect::<PyResult<_>>()?;
        self.core(py, |core| core.put_ready_first(payloads));
        Ok(())
    }

    /// Everything that is queued, as handles from now on.
    fn handles<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let handles = self.take(py)?;
        self.put_first(&handles)?;
        Ok(handles)
    }

    /// Calls a method of a deque with all that is queued.
    fn call<'py>(
        &self,
        py: Python<'py>,
        method: &str,
        args: impl pyo3::call::PyCallArgs<'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let deque = imports::deque(py)?.call1((self.take(py)?,))?;
        let result = deque.call_method1(method, args);
        self.put_first(&deque).and(result)
    }
}

#[pymethods]
impl ReadyQueue {
    fn __len__(&self, py: Python<'_>) -> usize {
        self.core(py, LoopCore::all_ready)
    }

    fn popleft<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let payload = self.core(py, |core| {
            core.all_ready();
            core.pop()
        });
        match payload {
            Some(payload) => payload.into_handle(self.event_loop.bind(py)),
            None => Err(PyIndexError::new_err("pop from an empty deque")),
        }
    }

    fn append(&self, handle: &Bound<'_, PyAny>) {
        let payload = Callback::of_handle(handle);
        self.core(handle.py(), |core| core.push(payload));
    }

    fn appendleft(&self, handle: &Bound<'_, PyAny>) -> PyResult<()> {
        self.put_first(PyList::new(handle.py(), [handle])?.as_any())
    }

    fn extend(&self, handles: &Bound<'_, PyAny>) -> PyResult<()> {
        for handle in handles.try_iter()? {
            self.append(&handle?);
        }
        Ok(())
    }

    fn extendleft(&self, handles: &Bound<'_, PyAny>) -> PyResult<()> {
        for handle in handles.try_iter()? {
            self.appendleft(&handle?)?;
        }
        Ok(())
    }

    fn clear(&self, py: Python<'_>) {
        let payloads = self.core(py, LoopCore::take_ready);
        drop(payloads);
    }

    fn copy<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        imports::deque(py)?.call1((self.handles(py)?,))
    }

    fn pop<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.call(py, "pop", ())
    }

    fn insert(&self, index: &Bound<'_, PyAny>, handle: &Bound<'_, PyAny>) -> PyResult<()> {
        self.call(index.py(), "insert", (index, handle)).map(drop)
    }

    fn remove(&self, handle: &Bound<'_, PyAny>) -> PyResult<()> {
        self.call(handle.py(), "remove", (handle,)).map(drop)
    }

    #[pyo3(signature = (steps = 1))]
    fn rotate(&self, py: Python<'_>, steps: isize) -> PyResult<()> {
        self.call(py, "rotate", (steps,)).map(drop)
    }

    fn reverse(&self, py: Python<'_>) -> PyResult<()> {
        self.call(py, "reverse", ()).map(drop)
    }

    fn count<'py>(&self, handle: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.call(handle.py(), "count", (handle,))
    }

    fn index<'py>(&self, handle: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.call(handle.py(), "index", (handle,))
    }

    fn __getitem__<'py>(&self, index: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.call(index.py(), "__getitem__", (index,))
    }

    fn __setitem__(&self, index: &Bound<'_, PyAny>, handle: &Bound<'_, PyAny>) -> PyResult<()> {
        let set = self.call(index.py(), "__setitem__", (index, handle));
        set.map(drop)
    }

    fn __delitem__(&self, index: &Bound<'_, PyAny>) -> PyResult<()> {
        self.call(index.py(), "__delitem__", (index,)).map(drop)
    }

    fn __contains__(&self, handle: &Bound<'_, PyAny>) -> PyResult<bool> {
        self.handles(handle.py())?.contains(handle)
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(self.handles(py)?.try_iter()?.into_any())
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("deque({})", self.handles(py)?.repr()?))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.event_loop)
    }
}

#[pymethods]
impl Loop {
    #[getter(_ready)]
    fn get_ready(slf: Py<Self>) -> ReadyQueue {
        ReadyQueue { event_loop: slf }
    }

    /// Handles that a program puts in the place of all that is queued.
    #[setter(_ready)]
    fn set_ready(slf: Py<Self>, handles: &Bound<'_, PyAny>) -> PyResult<()> {
        let queue = ReadyQueue { event_loop: slf };
        let handles = imports::deque(handles.py())?.call1((handles,))?;
        queue.clear(handles.py());
        queue.put_first(&handles)
    }
}
