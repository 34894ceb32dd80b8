//! `put`, `get` and `join`: the coroutines that may wait.

use ferrio::engine::sync::Status;
use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;

use super::Queue;
use super::moving::{Side, shut_down};
use crate::cpython;
use crate::kernel::coroutine::{Step, Wait};
use crate::kernel::task::cancel_any;

use crate::waiting::sync::{Event, Returns, SyncWaiter};

impl Queue {
    /// Runs `put` as a step of a coroutine.
    pub(super) fn put_step(slf: &Bound<'_, Self>, item: Py<PyAny>) -> PyResult<Step> {
        let py = slf.py();
        let me = slf.get();
        let item = if me.overrides.any {
            if Self::is_full(slf)? {
                me.check_not_shut_down(py)?;
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

    /// Runs `get` as a step of a coroutine.
    pub(super) fn get_step(slf: &Bound<'_, Self>) -> PyResult<Step> {
        let py = slf.py();
        let me = slf.get();
        if me.overrides.any {
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

    /// Runs `join` as a step of a coroutine.
    pub(super) fn join_step(slf: &Bound<'_, Self>) -> PyResult<Step> {
        let py = slf.py();
        let me = slf.get();
        if me.state.with(py, |state| state.queue.unfinished == 0) {
            return Ok(Step::none(py));
        }
        Event::wait_step(me.finished.bind(py), Returns::None)
    }

    /// Waits in a line. `item` is the item to put.
    fn wait(slf: &Bound<'_, Self>, side: Side, item: Option<Py<PyAny>>) -> PyResult<Step> {
        let py = slf.py();
        let future = slf
            .get()
            .state
            .enqueue_waiter(slf.as_any(), side.waiters())?;
        let waiting = QueueWait {
            queue: slf.clone().unbind(),
            future: future.clone_ref(py),
            side,
            item,
        };
        Ok(Step::Wait(future, Box::new(waiting)))
    }
}

/// The rest of `put` or `get`, once its waiter is woken or cancelled.
struct QueueWait {
    queue: Py<Queue>,
    future: Py<PyAny>,
    side: Side,
    /// The item to put.
    item: Option<Py<PyAny>>,
}

impl QueueWait {
    /// Leaves the line. If this waiter was woken, wakes another one in its place.
    fn give_up(&self, py: Python<'_>) -> PyResult<()> {
        let queue = self.queue.bind(py);
        let me = queue.get();
        // The exception may have been thrown into the coroutine without the future being cancelled.
        cancel_any(self.future.bind(py), None)?;
        let waiters = self.side.waiters();
        let removed = me.state.with(py, |state| {
            waiters(state).remove(|waiter| waiter.is(&self.future))
        });
        drop(removed);
        let in_vain = match self.side {
            Side::Getters => Queue::is_empty(queue)?,
            Side::Putters => Queue::is_full(queue)?,
        };
        if !in_vain && SyncWaiter::status_of(self.future.bind(py))? != Status::Cancelled {
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
