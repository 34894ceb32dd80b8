//! Conversions between payloads and the handles that asyncio would have made for them.

use ferrio::engine::TimerKey;
use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::{Callback, Loop};
use crate::base::cell::AttachedCell;
use crate::kernel::handle::{Handle, HandleParts, TimerHandle};
use crate::kernel::task::{StepCallable, WakeupCallable};

/// A callable that runs a payload: the callback of a handle that stands for it.
#[pyclass(module = "ferrio", frozen)]
pub struct Queued {
    event_loop: Py<Loop>,
    payload: AttachedCell<Option<Callback>>,
    /// The key of a timer, with which the code that has scheduled it cancels it.
    timer: Option<TimerKey>,
}

impl Queued {
    /// Makes a callable for a payload, which may be a timer.
    pub fn create<'py>(
        event_loop: &Bound<'py, Loop>,
        payload: Callback,
        timer: Option<TimerKey>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let queued = Self {
            event_loop: event_loop.clone().unbind(),
            payload: AttachedCell::new(Some(payload)),
            timer,
        };
        Ok(Bound::new(event_loop.py(), queued)?.into_any())
    }

    fn payload(&self, py: Python<'_>) -> Option<Callback> {
        self.payload
            .with(py, |payload| Some(payload.as_ref()?.duplicate(py)))
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        if let Some(key) = self.timer {
            Python::attach(|py| self.event_loop.get().forget_listed_timer(py, key));
        }
    }
}

#[pymethods]
impl Queued {
    fn __call__(&self, py: Python<'_>) -> PyResult<()> {
        let event_loop = self.event_loop.bind(py);
        if let Some(key) = self.timer
            && !event_loop.get().forget_listed_timer(py, key)
        {
            return Ok(());
        }
        match self.payload(py) {
            Some(payload) => payload.run(event_loop),
            None => Ok(()),
        }
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        match self.payload(py) {
            Some(payload) => payload.describe(py),
            None => Ok("nothing".to_owned()),
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.event_loop)?;
        self.payload.visit(&visit, |payload| match payload {
            Some(payload) => payload.traverse(visit),
            None => Ok(()),
        })
    }

    fn __clear__(&self) {
        Python::attach(|py| drop(self.payload.take(py)));
    }
}

impl Callback {
    /// Makes the payload for an object that a program has put into the queue: a handle, or an object that is run like one.
    pub fn of_handle(object: &Bound<'_, PyAny>) -> Self {
        let exact =
            object.is_exact_instance_of::<Handle>() || object.is_exact_instance_of::<TimerHandle>();
        match object.cast::<Handle>() {
            Ok(handle) if exact => Self::Handle(handle.clone().unbind()),
            _ => Self::Foreign(object.clone().unbind()),
        }
    }

    /// Makes the handle for the payload that asyncio would have in its queue.
    pub fn into_handle<'py>(self, event_loop: &Bound<'py, Loop>) -> PyResult<Bound<'py, PyAny>> {
        let py = event_loop.py();
        let parts = match self {
            Self::Handle(handle) => return Ok(handle.into_bound(py).into_any()),
            Self::Foreign(handle) => return Ok(handle.into_bound(py)),
            Self::Step(task) => {
                let context = task.get().context(py).into_bound(py);
                let step = Bound::new(py, StepCallable::new(task))?.into_any();
                HandleParts::new(event_loop, step, PyTuple::empty(py), Some(context))?
            }
            Self::Wakeup(task) => {
                let Some(future) = task.get().awaited(py) else {
                    return Self::Step(task).into_handle(event_loop);
                };
                let context = task.get().context(py).into_bound(py);
                let wakeup = Bound::new(py, WakeupCallable::new(task))?.into_any();
                HandleParts::new(
                    event_loop,
                    wakeup,
                    PyTuple::new(py, [future])?,
                    Some(context),
                )?
            }
            Self::FutureDone(done) => {
                let args = PyTuple::new(py, [done.future])?;
                let (callback, context) = (done.callback, done.context);
                let context = Some(context.into_bound(py));
                HandleParts::new(event_loop, callback.into_bound(py), args, context)?
            }
            Self::Notify(notice) => {
                let args = PyTuple::new(py, [notice.future])?;
                let callback = notice.callback.into_callable(py)?;
                HandleParts::new(event_loop, callback.into_bound(py), args, None)?
            }
            other => {
                let queued = Queued::create(event_loop, other, None)?;
                HandleParts::new(event_loop, queued, PyTuple::empty(py), None)?
            }
        };
        Ok(parts.create()?.into_any())
    }
}
