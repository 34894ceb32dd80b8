//! `put`, `get` and `join`: the coroutines that may wait.

use ferrio::sync::Status;
use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;

use super::Queue;
use super::moving::{Side, shut_down};
use crate::cpython;
use crate::kernel::coroutine::{Step, Wait};
use crate::kernel::task::cancel_any;
use crate::waiting::sync::lock::Returns;
use crate::waiting::sync::{Event, SyncWaiter};

impl Queue {
    /// `put`, as a step of a coroutine.
    pub(super) fn put_step(slf: &Bound<'_, Self>, item: Py<PyAny>) -> PyResult<Step> {
        let py = slf.py();
        let me = slf.get();
        let item = if me.hooks.any {
            if Self::is_full(slf)? {
                me.check_taking_in(py)?;
                item
            } else {
                let put = slf.call_method1(intern!(py, "put_nowait"), (item,))?;
                return Ok(Step::Return(put.unbind()));
            }
        } else {
            match Self::try_put(slf, item)? {
                None => return Ok(Step::none(py)),
                Some(item) => item,
            }
        };
        Self::wait(slf, Side::Putters, Some(item))
    }

    /// `get`, as a step of a coroutine.
    pub(super) fn get_step(slf: &Bound<'_, Self>) -> PyResult<Step> {
        let py = slf.py();
        let me = slf.get();
        if me.hooks.any {
            if !Self::is_empty(slf)? {
                let item = slf.call_method0(intern!(py, "get_nowait"))?;
                return Ok(Step::Return(item.unbind()));
            }
            if me.state.with(py, |state| state.queue.shut_down) && Self::is_empty(slf)? {
                return Err(shut_down(py));
            }
        } else if let Some(item) = Self::try_get(slf)? {
            return Ok(Step::Return(item));
        }
        Self::wait(slf, Side::Getters, None)
    }

    /// `join`, as a step of a coroutine.
    pub(super) fn join_step(slf: &Bound<'_, Self>) -> PyResult<Step> {
        let py = slf.py();
        let me = slf.get();
        if me.state.with(py, |state| state.queue.unfinished == 0) {
            return Ok(Step::none(py));
        }
        Event::wait_step(me.finished.bind(py), Returns::None)
    }

    fn wait(slf: &Bound<'_, Self>, side: Side, item: Option<Py<PyAny>>) -> PyResult<Step> {
        let py = slf.py();
        let state = &slf.get().state;
        let (waiter, future) = state.new_waiter(slf.as_any())?;
        let line = side.line();
        state.with(py, |state| line(state).push(waiter));
        let waiting = QueueWait {
            queue: slf.clone().unbind(),
            future: future.clone_ref(py),
            side,
            item,
        };
        Ok(Step::Wait(future, Box::new(waiting)))
    }
}

/// One who waits for an item, or for room for one.
struct QueueWait {
    queue: Py<Queue>,
    future: Py<PyAny>,
    side: Side,
    item: Option<Py<PyAny>>,
}

impl QueueWait {
    /// Goes away although it may have been woken: then somebody else is to be.
    fn give_up(&self, py: Python<'_>) -> PyResult<()> {
        let queue = self.queue.bind(py);
        let me = queue.get();
        // In case that somebody has thrown something into the coroutine that does not come from the future.
        cancel_any(self.future.bind(py), None)?;
        let line = self.side.line();
        let removed = me.state.with(py, |state| {
            line(state).remove(|waiter| waiter.is(&self.future))
        });
        drop(removed);
        let in_vain = match self.side {
            Side::Getters => Queue::is_empty(queue)?,
            Side::Putters => Queue::is_full(queue)?,
        };
        if !in_vain && SyncWaiter::ask(self.future.bind(py))? != Status::Cancelled {
            me.wake_next(py, self.side)?;
        }
        Ok(())
    }
}

impl Wait for QueueWait {
    fn resume(self: Box<Self>, py: Python<'_>, outcome: PyResult<Py<PyAny>>) -> PyResult<Step> {
        if let Err(error) = outcome {
            cpython::handling(py, &error, || self.give_up(py))?;
            return Err(error);
        }
        let queue = self.queue.bind(py);
        match self.item {
            Some(item) => Queue::put_step(queue, item),
            None => Queue::get_step(queue),
        }
    }

    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.queue)?;
        visit.call(&self.future)?;
        visit.call(&self.item)
    }
}
