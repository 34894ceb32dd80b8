//! `_ready`: the queue of ready callbacks, presented as asyncio's `collections.deque` of handles.
//!
//! A payload that is not a handle is replaced by one when a program looks at it, and stays one, so that the program can
//! cancel it. The rare methods of a deque move the whole queue into a real deque, and back afterwards.

use ferrio::engine::LoopCore;
use pyo3::PyTraverseError;
use pyo3::exceptions::PyIndexError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::pyclass::CompareOp;
use pyo3::types::{PyInt, PyList, PyTuple};

use super::{Callback, Loop};
use crate::base::imports;

/// The queue of an event loop: a sequence like a `collections.deque` (CPython: `loop._ready`).
#[pyclass(module = "ferrio", name = "deque", frozen, sequence)]
pub struct ReadyQueue {
    event_loop: Py<Loop>,
}

impl ReadyQueue {
    fn core<R>(&self, py: Python<'_>, f: impl FnOnce(&mut LoopCore<Callback>) -> R) -> R {
        self.event_loop.get().core(py, f)
    }

    /// Takes all payloads out of the queue, as handles.
    fn take<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let event_loop = self.event_loop.bind(py);
        let handles = PyList::empty(py);
        let mut payloads = self.core(py, LoopCore::take_ready);
        while let Some(payload) = payloads.front().map(|payload| payload.duplicate(py)) {
            let handle = payload.into_handle(event_loop);
            if let Err(error) = handle.and_then(|handle| handles.append(handle)) {
                // Put everything back, so that nothing is lost.
                self.core(py, |core| core.put_ready_first(payloads));
                return self.put_first(&handles).and(Err(error));
            }
            drop(payloads.pop_front());
        }
        Ok(handles)
    }

    /// Puts handles in front of the queue.
    fn put_first(&self, handles: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = handles.py();
        let handles = handles.try_iter()?;
        let payloads = handles
            .map(|handle| Ok(Callback::of_handle(&handle?)))
            .collect::<PyResult<_>>()?;
        self.core(py, |core| core.put_ready_first(payloads));
        Ok(())
    }

    /// Returns a list of all handles, after the queued payloads were replaced by handles.
    fn handles<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let handles = self.take(py)?;
        self.put_first(&handles)?;
        Ok(handles)
    }

    /// Returns a deque of all handles, after the queued payloads were replaced by handles.
    fn to_deque<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        imports::deque(py)?.call1((self.handles(py)?,))
    }

    /// Returns the handle at an index, if the payload there is a handle already.
    fn handle_at<'py>(&self, index: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
        let py = index.py();
        let index = index.cast::<PyInt>().ok()?.extract::<isize>().ok()?;
        let payload = self.core(py, |core| {
            let len = core.take_over_injected();
            let index = if index < 0 {
                len.checked_sub(index.unsigned_abs())?
            } else {
                index.unsigned_abs()
            };
            match core.ready_at(index)? {
                known @ (Callback::Handle(_) | Callback::Foreign(_)) => Some(known.duplicate(py)),
                _ => None,
            }
        })?;
        payload.into_handle(self.event_loop.bind(py)).ok()
    }

    /// Moves the queue into a deque, runs `f` on it, and moves its content back.
    fn with_deque<'py, R>(
        &self,
        py: Python<'py>,
        f: impl FnOnce(&Bound<'py, PyAny>) -> PyResult<R>,
    ) -> PyResult<R> {
        let deque = imports::deque(py)?.call0()?;
        let handles = self.take(py)?;
        let result = match deque.call_method1("extend", (&handles,)) {
            Ok(_) => f(&deque),
            Err(error) => return self.put_first(&handles).and(Err(error)),
        };
        self.put_first(&deque).and(result)
    }

    /// Calls a method of a deque into which the queue is moved.
    fn call<'py>(
        &self,
        py: Python<'py>,
        method: &str,
        args: impl pyo3::call::PyCallArgs<'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.with_deque(py, |deque| deque.call_method1(method, args))
    }
}

#[pymethods]
impl ReadyQueue {
    fn __len__(&self, py: Python<'_>) -> usize {
        self.core(py, LoopCore::take_over_injected)
    }

    fn popleft<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let payload = self.core(py, |core| {
            core.take_over_injected();
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
        self.to_deque(py)
    }

    fn __copy__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.to_deque(py)
    }

    #[getter]
    fn maxlen(&self) -> Option<usize> {
        None
    }

    /// Compares as a deque does, with a deque or the queue of another loop.
    fn __richcmp__<'py>(
        &self,
        other: &Bound<'py, PyAny>,
        op: CompareOp,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = other.py();
        let other = deque_of(other)?;
        if !other.is_instance(imports::deque(py)?)? {
            return Ok(py.NotImplemented().into_bound(py));
        }
        self.to_deque(py)?.rich_compare(other, op)
    }

    fn __add__<'py>(&self, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.to_deque(other.py())?.add(deque_of(other)?)
    }

    fn __radd__<'py>(&self, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        other.add(self.to_deque(other.py())?)
    }

    fn __mul__<'py>(&self, times: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.to_deque(times.py())?.mul(times)
    }

    fn __rmul__<'py>(&self, times: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.__mul__(times)
    }

    fn __imul__(&self, times: &Bound<'_, PyAny>) -> PyResult<()> {
        self.with_deque(times.py(), |deque| {
            let repeated = deque.mul(times)?;
            deque.call_method0("clear")?;
            deque.call_method1("extend", (repeated,)).map(drop)
        })
    }

    fn __iadd__(&self, handles: &Bound<'_, PyAny>) -> PyResult<()> {
        self.extend(handles)
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

    /// Returns the index of a handle, optionally between two indices.
    #[pyo3(signature = (*args))]
    fn index<'py>(&self, args: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
        self.call(args.py(), "index", args.clone())
    }

    fn __getitem__<'py>(&self, index: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        if let Some(handle) = self.handle_at(index) {
            return Ok(handle);
        }
        // All queued payloads become handles.
        self.with_deque(index.py(), |deque| deque.get_item(index))
    }

    fn __setitem__(&self, index: &Bound<'_, PyAny>, handle: &Bound<'_, PyAny>) -> PyResult<()> {
        self.with_deque(index.py(), |deque| deque.set_item(index, handle))
    }

    fn __delitem__(&self, index: &Bound<'_, PyAny>) -> PyResult<()> {
        self.with_deque(index.py(), |deque| deque.del_item(index))
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

/// Returns the queue of a loop as a deque, and any other object as it is.
fn deque_of<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    match object.cast::<ReadyQueue>() {
        Ok(queue) => queue.get().to_deque(object.py()),
        Err(_) => Ok(object.clone()),
    }
}

#[pymethods]
impl Loop {
    #[getter(_ready)]
    fn get_ready(slf: Py<Self>) -> ReadyQueue {
        ReadyQueue { event_loop: slf }
    }

    /// Replaces everything that is queued by a program's handles.
    #[setter(_ready)]
    fn set_ready(slf: Py<Self>, handles: &Bound<'_, PyAny>) -> PyResult<()> {
        let queue = ReadyQueue { event_loop: slf };
        let handles = imports::deque(handles.py())?.call1((handles,))?;
        queue.clear(handles.py());
        queue.put_first(&handles)
    }
}
