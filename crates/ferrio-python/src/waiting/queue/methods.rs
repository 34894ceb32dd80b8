//! The public methods of queues, and the methods that subclasses override.

use ferrio::engine::sync::{self, TooManyDone};
use pyo3::PyTraverseError;
use pyo3::exceptions::PyValueError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyTuple, PyType};

use super::moving::Side;
use super::{Kind, Queue, State};
use crate::base::arguments::{Omittable, Truth};
use crate::kernel::coroutine::{Body, Call, body};
use crate::waiting::sync::loop_bound::traverse_waiters;
use crate::{base::imports, cpython};

impl Queue {
    pub const PUT: Body = body!("Queue.put", |queue: Queue, item| {
        let item = item.unwrap_or_else(|| queue.py().None());
        Queue::put_step(queue, item)
    });
    pub const GET: Body = body!("Queue.get", |queue: Queue| Queue::get_step(queue));
    pub const JOIN: Body = body!("Queue.join", |queue: Queue| Queue::join_step(queue));
}

#[pymethods]
impl Queue {
    #[new]
    #[classmethod]
    #[pyo3(signature = (*_args, **_kwargs), text_signature = "(maxsize=0)")]
    fn new(
        cls: &Bound<'_, PyType>,
        _args: &Bound<'_, PyTuple>,
        _kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        Self::create(cls, Kind::Fifo)
    }

    #[pyo3(signature = (maxsize = Omittable(None)))]
    fn __init__(slf: &Bound<'_, Self>, maxsize: Omittable) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let maxsize = maxsize.or_number(py, 0)?;
        me.state.reset(py, State::new());
        me.set_maxsize(&maxsize)?;
        me.finished.get().set_native(py)?;
        if me.overrides.items {
            slf.call_method1(intern!(py, "_init"), (maxsize,))?;
        } else {
            me.init_items(py);
        }
        Ok(())
    }

    /// Return the number of items in the queue.
    fn qsize(&self, py: Python<'_>) -> PyResult<usize> {
        self.len(py)
    }

    /// The largest number of items in the queue; 0 or less means no limit.
    #[getter]
    pub(super) fn maxsize(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.maxsize.get_ref(py, |maxsize| maxsize.as_ref())
    }

    /// Return True if the queue is empty.
    fn empty(&self, py: Python<'_>) -> PyResult<bool> {
        self.is_empty_native(py)
    }

    /// Return True if the queue is full. A queue without a limit never is.
    fn full(slf: &Bound<'_, Self>) -> PyResult<bool> {
        Self::is_full_native(slf)
    }

    /// Put an item into the queue, waiting while it is full.
    ///
    /// Raises QueueShutDown if the queue is shut down.
    fn put(slf: Py<Self>, item: Py<PyAny>) -> Call {
        Self::PUT.call(slf.into_any(), Some(item))
    }

    /// Put an item into the queue without waiting.
    ///
    /// Raises QueueFull if the queue is full, and QueueShutDown if it is shut down.
    fn put_nowait(slf: &Bound<'_, Self>, item: Py<PyAny>) -> PyResult<()> {
        match Self::try_put(slf, item)? {
            None => Ok(()),
            Some(_) => Err(cpython::raise_new(imports::queue_full(slf.py()), ())),
        }
    }

    /// Remove an item from the queue, waiting while it is empty. The coroutine returns the item.
    ///
    /// Raises QueueShutDown if the queue is shut down and empty.
    fn get(slf: Py<Self>) -> Call {
        Self::GET.call(slf.into_any(), None)
    }

    /// Remove an item from the queue without waiting, and return it.
    ///
    /// Raises QueueEmpty if the queue is empty, or QueueShutDown if it is also shut down.
    fn get_nowait(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        match Self::try_get(slf)? {
            Some(item) => Ok(item),
            None => Err(cpython::raise_new(imports::queue_empty(slf.py()), ())),
        }
    }

    /// Say that an item from the queue has been processed. When all have been, join() ends.
    ///
    /// Raises ValueError if it is called more often than items were put into the queue.
    fn task_done(&self, py: Python<'_>) -> PyResult<()> {
        match self.state.with(py, |state| state.queue.done()) {
            Ok(true) => self.finished.get().set_native(py),
            Ok(false) => Ok(()),
            Err(TooManyDone) => Err(PyValueError::new_err(TooManyDone.to_string())),
        }
    }

    /// Wait until task_done() was called for each item that was put into the queue.
    fn join(slf: Py<Self>) -> Call {
        Self::JOIN.call(slf.into_any(), None)
    }

    /// Shut the queue down: put() raises QueueShutDown from now on, and get() does when the queue is empty.
    ///
    /// Tasks that wait are woken. With immediate, the items are dropped and count as processed.
    #[pyo3(signature = (immediate = Truth(false)), text_signature = "($self, immediate=False)")]
    fn shutdown(slf: &Bound<'_, Self>, immediate: Truth) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        me.state.with(py, |state| state.queue.shut_down = true);
        if immediate.0 {
            while !Self::is_empty(slf)? {
                drop(Self::take_item(slf)?);
                // `task_done` may have been called for an item before it was removed.
                let _ = me.state.with(py, |state| state.queue.done());
            }
            if me.state.with(py, |state| state.queue.unfinished == 0) {
                me.finished.get().set_native(py)?;
            }
        }
        while me.wake_next(py, Side::Getters)? {}
        while me.wake_next(py, Side::Putters)? {}
        Ok(())
    }

    /// Start without items; subclasses may override this.
    fn _init(&self, maxsize: &Bound<'_, PyAny>) {
        self.init_items(maxsize.py());
    }

    /// Remove an item and return it; subclasses may override this.
    fn _get<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.get_item(py)
    }

    /// Add an item; subclasses may override this.
    fn _put(&self, item: Bound<'_, PyAny>) -> PyResult<()> {
        self.put_item(item)
    }

    /// Return a generic alias for annotations, as in Queue[int] (PEP 585).
    #[classmethod]
    #[pyo3(signature = (item, /))]
    fn __class_getitem__<'py>(
        cls: &Bound<'py, PyType>,
        item: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        imports::generic_alias(cls.py())?.call1((cls, item))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.finished)?;
        self.maxsize.visit(&visit, |maxsize| visit.call(maxsize))?;
        self.state.traverse(visit, |state, visit| {
            let sync::Queue {
                getters, putters, ..
            } = &state.queue;
            traverse_waiters(getters, visit)?;
            traverse_waiters(putters, visit)?;
            state.items.traverse(visit)
        })
    }

    fn __clear__(&self) {
        self.state.clear(State::new());
    }
}

impl Queue {
    /// Sets `maxsize` and the limit that it means.
    pub(super) fn set_maxsize(&self, maxsize: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = maxsize.py();
        let limit = limit(maxsize)?;
        self.state.with(py, |state| state.queue.limit = limit);
        drop(self.maxsize.replace(py, Some(maxsize.clone().unbind())));
        Ok(())
    }
}

/// The limit of a queue whose `maxsize` is not a plain number: `maxsize` itself is compared with the number of items each
/// time. No other queue has the limit 0.
pub const COMPARED: usize = 0;

/// Converts `maxsize` to a limit. asyncio compares `qsize() >= maxsize`, where `maxsize` may be any object.
fn limit(maxsize: &Bound<'_, PyAny>) -> PyResult<Option<usize>> {
    let is_float = maxsize.is_exact_instance_of::<PyFloat>();
    let is_integer =
        maxsize.is_exact_instance_of::<PyInt>() || maxsize.is_exact_instance_of::<PyBool>();
    if !is_float && !is_integer {
        return Ok(Some(COMPARED));
    }
    if maxsize.le(0)? {
        return Ok(None);
    }
    if is_integer {
        // A limit that does not fit is never reached.
        return Ok(maxsize.extract::<usize>().ok());
    }
    let limit = maxsize.extract::<f64>()?.ceil();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive, and a limit that saturates is never reached"
    )]
    Ok(limit.is_finite().then_some(limit as usize))
}
