//! [`TimerHandle`]: a handle with the time at which it runs.

use ferrio::engine::TimerKey;
use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pyclass::CompareOp;
use pyo3::types::{PyFloat, PyList};

use super::lock::Sharing;
use super::{Handle, HandleParts};
use crate::base::cell::AttachedCell;
use crate::{base::imports, cpython};

/// The time of a call in seconds of the loop's clock. An object other than a float that a program has passed to `call_at`
/// is kept, since the program may ask for it.
pub enum When {
    /// A float: what `call_later` computes and most callers pass.
    Float(f64),
    /// Another number, such as an `int`, with its value.
    Number(Py<PyAny>, f64),
}

impl When {
    /// Takes the argument of `call_at`. Raises `TypeError` if it is not a real number.
    pub fn new(when: &Bound<'_, PyAny>) -> PyResult<Self> {
        let seconds = when.extract()?;
        Ok(if when.is_exact_instance_of::<PyFloat>() {
            Self::Float(seconds)
        } else {
            Self::Number(when.clone().unbind(), seconds)
        })
    }

    /// Returns the time as a number.
    pub fn seconds(&self) -> f64 {
        match self {
            Self::Float(seconds) | Self::Number(_, seconds) => *seconds,
        }
    }

    /// Returns the time as the object that programs see.
    pub fn object<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        match self {
            Self::Float(seconds) => PyFloat::new(py, *seconds).into_any(),
            Self::Number(number, _) => number.bind(py).clone(),
        }
    }
}

/// A callback wrapper returned by `call_later` and `call_at` (CPython: `asyncio.TimerHandle`).
#[pyclass(module = "ferrio", extends = Handle, frozen)]
pub struct TimerHandle {
    when: When,
    place: AttachedCell<Place>,
}

/// Where a timer is scheduled.
#[derive(Clone, Copy, Default)]
enum Place {
    /// Not yet, or no longer.
    #[default]
    Nowhere,
    /// In the engine's heap, until it is due.
    Heap(TimerKey),
    /// In the list that programs see (`loop._scheduled`).
    List,
}

impl TimerHandle {
    /// Makes a timer handle that is not scheduled yet.
    #[inline]
    pub fn create(handle: HandleParts<'_>, when: When) -> PyResult<Bound<'_, Self>> {
        let timer = || Self {
            when,
            place: AttachedCell::default(),
        };
        let py = handle.event_loop.py();
        cpython::create_extended(py, || handle.into_handle(Sharing::OneThread), timer)
    }

    /// Remembers the key of the handle among the engine's timers.
    pub fn set_key(&self, py: Python<'_>, key: TimerKey) {
        self.place.replace(py, Place::Heap(key));
    }

    /// Remembers that the handle is in the list that programs see.
    pub fn set_listed(&self, py: Python<'_>) {
        self.place.replace(py, Place::List);
    }

    /// Returns the objects that asyncio compares when two timers are due at the same time.
    fn identity<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyList>> {
        let py = slf.py();
        match slf.as_super().get().call(py) {
            Some(call) => {
                let (callback, args) = call.into_pair(py)?;
                PyList::new(py, [callback, args.into_any()])
            }
            None => PyList::new(py, [py.None(), py.None()]),
        }
    }
}

cpython::recycle!(TimerHandle, {
    const KEEP: cpython::Keep = cpython::keep_extended::<Self, Handle>;

    #[inline]
    fn dispose(self, py: Python<'_>) {
        if let When::Number(number, _) = self.when {
            drop(number.into_bound(py));
        }
    }
});

#[pymethods]
impl TimerHandle {
    /// Cancel the callback. Does nothing if it has been cancelled or has run.
    pub fn cancel(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let handle = slf.as_super();
        match me.place.with(py, |place| *place) {
            Place::Nowhere => {}
            Place::Heap(key) => {
                me.place.take(py);
                let freed = handle.get().event_loop.get().cancel_timer(py, key)?;
                drop(freed);
            }
            // The handle stays in the list; the loop counts the cancelled ones.
            Place::List if handle.get().is_cancelled(py) => {}
            Place::List => {
                let event_loop = handle.get().event_loop.bind(py);
                event_loop.call_method1(intern!(py, "_timer_handle_cancelled"), (slf,))?;
            }
        }
        Handle::cancel_call(handle, Some(&me.when))
    }

    /// Return the time of the call in seconds, on the clock of loop.time().
    fn when<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.when.object(py)
    }

    #[getter(_when)]
    fn get_when<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.when.object(py)
    }

    #[getter(_scheduled)]
    fn get_scheduled(slf: &Bound<'_, Self>) -> bool {
        let py = slf.py();
        let event_loop = slf.as_super().get().event_loop.get();
        match slf.get().place.with(py, |place| *place) {
            Place::Nowhere => false,
            Place::Heap(key) => event_loop.core(py, |core| core.is_scheduled(key)),
            Place::List => true,
        }
    }

    /// Set by the code that puts the handle into the list or takes it out.
    #[setter(_scheduled)]
    fn set_scheduled(&self, py: Python<'_>, scheduled: bool) {
        let place = if scheduled {
            Place::List
        } else {
            Place::Nowhere
        };
        self.place.replace(py, place);
    }

    #[getter(__class__)]
    fn class(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        Ok(imports::timer_handle_class(slf.py())?.clone().unbind())
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        Handle::describe(slf.as_super(), Some(&slf.get().when))
    }

    #[pyo3(name = "_repr_info")]
    fn repr_info(slf: &Bound<'_, Self>) -> PyResult<Vec<String>> {
        Handle::current_info(slf.as_super(), Some(&slf.get().when))
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        self.when.object(py).hash()
    }

    fn __richcmp__(
        slf: &Bound<'_, Self>,
        other: &Bound<'_, PyAny>,
        op: CompareOp,
    ) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        let Ok(other) = other.cast::<Self>() else {
            return Ok(py.NotImplemented());
        };
        let (a, b) = (slf.get().when.seconds(), other.get().when.seconds());
        #[allow(clippy::float_cmp, reason = "asyncio compares the very numbers")]
        let same =
            || -> PyResult<bool> { Ok(a == b && Self::identity(slf)?.eq(Self::identity(other)?)?) };
        let answer = match op {
            CompareOp::Lt => a < b,
            CompareOp::Gt => a > b,
            CompareOp::Le => a < b || same()?,
            CompareOp::Ge => a > b || same()?,
            CompareOp::Eq => same()?,
            CompareOp::Ne => !same()?,
        };
        Ok(answer.into_pyobject(py)?.to_owned().into_any().unbind())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match &self.when {
            When::Float(_) => Ok(()),
            When::Number(number, _) => visit.call(number),
        }
    }
}
