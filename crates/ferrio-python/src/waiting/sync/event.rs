//! `Event`. Setting the flag wakes the waiters, which return even if the flag is cleared before they are resumed.

use ferrio::engine::sync::{self, Cursor, Waiters};
use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::copying::copyable;
use super::loop_bound::{self, LoopBound};
use super::{Returns, SyncWaiter, attributes};
use crate::base::imports;
use crate::kernel::coroutine::{Body, Call, Step, Wait, body};

/// A flag that tasks can wait for (CPython: `asyncio.Event`).
#[pyclass(module = "ferrio", subclass, frozen, weakref, dict)]
pub struct Event {
    state: LoopBound<sync::Event<SyncWaiter>>,
}

impl Event {
    /// Returns an event that is not set, and bound to no loop.
    pub const fn unset() -> Self {
        Self {
            state: LoopBound::new(sync::Event::new()),
        }
    }

    fn waiters(event: &mut sync::Event<SyncWaiter>) -> &mut Waiters<SyncWaiter> {
        &mut event.waiters
    }

    /// Sets the flag and wakes all waiters.
    pub fn set_native(&self, py: Python<'_>) -> PyResult<()> {
        if !self.state.with(py, sync::Event::set) {
            return Ok(());
        }
        self.state.refresh(py, Self::waiters, usize::MAX)?;
        let mut cursor = Cursor::default();
        while self
            .state
            .wake(py, |event| event.to_wake(&mut cursor), true)?
        {}
        Ok(())
    }

    /// Clears the flag.
    pub fn clear_native(&self, py: Python<'_>) {
        self.state.with(py, sync::Event::clear);
    }

    /// Runs `wait` as a step of a coroutine.
    pub fn wait_step(slf: &Bound<'_, Self>, returns: Returns) -> PyResult<Step> {
        let py = slf.py();
        let me = slf.get();
        if me.state.with(py, |event| event.is_set()) {
            return Ok(Step::Return(returns.into_object(py)));
        }
        let future = me.state.enqueue_waiter(slf.as_any(), Self::waiters)?;
        let waiting = EventWait {
            event: slf.clone().unbind(),
            future: future.clone_ref(py),
            returns,
        };
        Ok(Step::Wait(future, Box::new(waiting)))
    }
}

/// The rest of `wait`, once its waiter is woken or cancelled.
struct EventWait {
    event: Py<Event>,
    future: Py<PyAny>,
    returns: Returns,
}

impl Wait for EventWait {
    fn resume(self: Box<Self>, py: Python<'_>, outcome: PyResult<Py<PyAny>>) -> PyResult<Step> {
        let waiter = self.event.get().state.with(py, |event| {
            event.waiters.remove(|waiter| waiter.is(&self.future))
        });
        drop(waiter);
        outcome?;
        Ok(Step::Return(self.returns.into_object(py)))
    }

    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.event)?;
        visit.call(&self.future)
    }
}

impl Event {
    pub const WAIT: Body = body!("Event.wait", |event: Event| Event::wait_step(
        event,
        Returns::True
    ));
}

#[pymethods]
impl Event {
    #[new]
    #[pyo3(signature = (*_args, **_kwargs), text_signature = "()")]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        Self::unset()
    }

    fn __init__(&self, py: Python<'_>) {
        self.state.reset(py, sync::Event::new());
    }

    /// Return True if the flag is set.
    fn is_set(&self, py: Python<'_>) -> bool {
        self.state.with(py, |event| event.is_set())
    }

    /// Set the flag and wake all tasks that wait for it.
    fn set(&self, py: Python<'_>) -> PyResult<()> {
        self.set_native(py)
    }

    /// Clear the flag: tasks that wait from now on wait for the next set().
    fn clear(&self, py: Python<'_>) {
        self.clear_native(py);
    }

    /// Wait until the flag is set; return at once if it is. The coroutine returns True.
    fn wait(slf: Py<Self>) -> Call {
        Self::WAIT.call(slf.into_any(), None)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let (set, waiters) = slf
            .get()
            .state
            .with(slf.py(), |event| (event.is_set(), event.waiters.len()));
        loop_bound::repr(slf.as_any(), if set { "set" } else { "unset" }, waiters)
    }

    #[getter(_value)]
    fn get_value(&self, py: Python<'_>) -> bool {
        self.is_set(py)
    }

    /// Sets or clears the flag without waking waiters.
    #[setter(_value)]
    fn set_value(&self, py: Python<'_>, value: bool) {
        self.state.with(py, |event| {
            event.clear();
            if value {
                let _ = event.set();
            }
        });
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.state.traverse(visit, |event, visit| {
            loop_bound::traverse_waiters(&event.waiters, visit)
        })
    }

    fn __clear__(&self) {
        self.state.clear(sync::Event::new());
    }
}

attributes::loop_bound_attributes!(Event, imports::event_class);
attributes::waiters_attribute!(Event, _waiters, get_waiters, waiters);
copyable!(Event, ["_value"], |slf| {
    slf.get().state.with(slf.py(), |event| event.waiters.len())
});
