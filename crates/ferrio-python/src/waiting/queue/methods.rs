//! What Python calls on a queue: asyncio's methods.

use ferrio::sync::{self, TooManyDone};
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
use crate::waiting::sync::loop_bound::traverse_line;
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
        if me.hooks.items {
            slf.call_method1(intern!(py, "_init"), (maxsize,))?;
        } else {
            me.init_items(py);
        }
        Ok(())
    }

    /// Return how many items are in the queue.
    fn qsize(&self, py: Python<'_>) -> PyResult<usize> {
        self.len(py)
    }

    /// How many items the queue holds at most; 0 or less means that there is no limit.
    #[getter]
    pub(super) fn maxsize(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.maxsize.with(py, |maxsize| {
            let maxsize = maxsize.as_ref();
            maxsize.map(|maxsize| maxsize.clone_ref(py))
        })
    }

    /// Return True if there is no item in the queue.
    fn empty(&self, py: Python<'_>) -> PyResult<bool> {
        self.is_empty_native(py)
    }

    /// Return True if there is no room in the queue; never if there is no limit.
    fn full(slf: &Bound<'_, Self>) -> PyResult<bool> {
        Self::is_full_native(slf)
    }

    /// Put an item in, waiting for room if there is none.
    ///
    /// Raises QueueShutDown if the queue is shut down.
    fn put(slf: Py<Self>, item: Py<PyAny>) -> Call {
        Self::PUT.call(slf.into_any(), Some(item))
    }

    /// Put an item in at once.
    ///
    /// Raises QueueFull if there is no room, and QueueShutDown if the queue is shut down.
    fn put_nowait(slf: &Bound<'_, Self>, item: Py<PyAny>) -> PyResult<()> {
        match Self::try_put(slf, item)? {
            None => Ok(()),
            Some(_) => Err(cpython::raise_new(imports::queue_full(slf.py()), ())),
        }
    }

    /// Take an item out, waiting for one if there is none. The coroutine returns it.
    ///
    /// Raises QueueShutDown if the queue is shut down and empty.
    fn get(slf: Py<Self>) -> Call {
        Self::GET.call(slf.into_any(), None)
    }

    /// Take an item out at once, and return it.
    ///
    /// Raises QueueEmpty if there is none, or QueueShutDown if the queue is shut down besides.
    fn get_nowait(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        match Self::try_get(slf)? {
            Some(item) => Ok(item),
            None => Err(cpython::raise_new(imports::queue_empty(slf.py()), ())),
        }
    }

    /// Say that an item that was taken out is done: when all are, join() ends.
    ///
    /// Raises ValueError if it is called more often than items were put in.
    fn task_done(&self, py: Python<'_>) -> PyResult<()> {
        match self.state.with(py, |state| state.queue.done()) {
            Ok(true) => self.finished.get().set_native(py),
            Ok(false) => Ok(()),
            Err(TooManyDone) => Err(PyValueError::new_err(TooManyDone.to_string())),
        }
    }

    /// Wait until all items that were put in are said to be done.
    fn join(slf: Py<Self>) -> Call {
        Self::JOIN.call(slf.into_any(), None)
    }

    /// Shut the queue down: put() raises QueueShutDown from now on, and get() when the queue is empty.
    ///
    /// Those who wait are woken. With immediate, the items are thrown away and count as done.
    #[pyo3(signature = (immediate = Truth(false)), text_signature = "($self, immediate=False)")]
    fn shutdown(slf: &Bound<'_, Self>, immediate: Truth) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        me.state.with(py, |state| state.queue.shut_down = true);
        if immediate.0 {
            while !Self::is_empty(slf)? {
                drop(Self::take_item(slf)?);
                // One may have been said to be done too early.
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

    /// Begin without items; for subclasses to override.
    fn _init(&self, maxsize: &Bound<'_, PyAny>) {
        self.init_items(maxsize.py());
    }

    /// Take an item out; for subclasses to override.
    fn _get<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.get_item(py)
    }

    /// Put an item in; for subclasses to override.
    fn _put(&self, item: Bound<'_, PyAny>) -> PyResult<()> {
        self.put_item(item)
    }

    /// Queue[int] for annotations (PEP 585).
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
        self.maxsize.visit(|maxsize| visit.call(maxsize))?;
        self.state.traverse(visit, |state, visit| {
            let sync::Queue {
                getters, putters, ..
            } = &state.queue;
            traverse_line(getters, visit)?;
            traverse_line(putters, visit)?;
            state.items.traverse(visit)
        })
    }

    fn __clear__(&self) {
        self.state.clear(State::new());
    }
}

impl Queue {
    /// Assignment to `_maxsize`.
    pub(super) fn set_maxsize(&self, maxsize: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = maxsize.py();
        let limit = limit(maxsize)?;
        self.state.with(py, |state| state.queue.limit = limit);
        drop(self.maxsize.replace(py, Some(maxsize.clone().unbind())));
        Ok(())
    }
}

/// The limit of a queue whose `maxsize` is asked, since it is no plain number. Nothing else gives 0, which means no limit.
pub const ASKED: usize = 0;

/// How many items a queue holds at most: `qsize() >= maxsize` is what asyncio asks, of any object.
fn limit(maxsize: &Bound<'_, PyAny>) -> PyResult<Option<usize>> {
    let is_float = maxsize.is_exact_instance_of::<PyFloat>();
    let is_integer =
        maxsize.is_exact_instance_of::<PyInt>() || maxsize.is_exact_instance_of::<PyBool>();
    if !is_float && !is_integer {
        return Ok(Some(ASKED));
    }
    if maxsize.le(0)? {
        return Ok(None);
    }
    if is_integer {
        // One that does not fit is never reached.
        return Ok(maxsize.extract::<usize>().ok());
    }
    let limit = maxsize.extract::<f64>()?.ceil();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive, and a limit beyond what fits is none that is ever reached"
    )]
    Ok(limit.is_finite().then_some(limit as usize))
}
