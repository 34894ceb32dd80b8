//! Putting an item and getting one without waiting.

use ferrio::engine::sync::Refused;
use pyo3::intern;
use pyo3::prelude::*;

use super::items::Items;
use super::methods::COMPARED;
use super::{Queue, State};
use crate::waiting::sync::SyncWaiter;
use crate::{base::imports, cpython};

/// A line of waiters of a queue.
#[derive(Clone, Copy)]
pub enum Side {
    /// Tasks that wait for an item.
    Getters,
    /// Tasks that wait for room.
    Putters,
}

impl Side {
    /// Returns a function that finds the line in the state.
    pub const fn waiters(self) -> fn(&mut State) -> &mut ferrio::engine::sync::Waiters<SyncWaiter> {
        match self {
            Self::Getters => |state| &mut state.queue.getters,
            Self::Putters => |state| &mut state.queue.putters,
        }
    }
}

/// The outcome of an attempt to move an item in one access to the state. `B` is the item that comes back.
enum Attempt<D, B> {
    Done(D),
    Refused(Refused, B),
    /// The items are in a Python object, or methods are overridden: Python has to be called.
    ByMethods(B),
}

impl Queue {
    /// Puts an item, as `Queue.put_nowait` does. Returns the item if there is no room.
    pub(super) fn try_put(slf: &Bound<'_, Self>, item: Py<PyAny>) -> PyResult<Option<Py<PyAny>>> {
        let py = slf.py();
        let me = slf.get();
        me.state.refresh(py, Side::Getters.waiters(), 1)?;
        let mut gone = Vec::new();
        let attempt = me.state.with(py, |state| match &mut state.items {
            Items::Native(items) if !me.overrides.any => {
                let is_full = state.queue.is_full(items.len());
                if let Err(refused) = state.queue.may_put(is_full) {
                    return Attempt::Refused(refused, item);
                }
                items.push_back(item);
                Attempt::Done(state.queue.added(&mut gone))
            }
            _ => Attempt::ByMethods(item),
        });
        drop(gone);
        match attempt {
            Attempt::Done(waiter) => {
                me.finished.get().clear_native(py);
                wake(py, waiter)?;
                Ok(None)
            }
            Attempt::Refused(Refused::Wait, item) => match me.compared_maxsize(py) {
                None => Ok(Some(item)),
                Some(_) => Self::try_put_by_methods(slf, item),
            },
            Attempt::Refused(Refused::ShutDown, _) => Err(shut_down(py)),
            Attempt::ByMethods(item) => Self::try_put_by_methods(slf, item),
        }
    }

    fn try_put_by_methods(slf: &Bound<'_, Self>, item: Py<PyAny>) -> PyResult<Option<Py<PyAny>>> {
        let py = slf.py();
        let me = slf.get();
        me.check_not_shut_down(py)?;
        if Self::is_full(slf)? {
            return Ok(Some(item));
        }
        let item = item.into_bound(py);
        if me.overrides.items {
            slf.call_method1(intern!(py, "_put"), (item,))?;
        } else {
            me.put_item(item)?;
        }
        me.state.refresh(py, Side::Getters.waiters(), 1)?;
        let mut gone = Vec::new();
        let waiter = me.state.with(py, |state| state.queue.added(&mut gone));
        drop(gone);
        me.finished.get().clear_native(py);
        wake(py, waiter)?;
        Ok(None)
    }

    /// Gets an item, as `Queue.get_nowait` does. Returns `None` if there is no item.
    pub(super) fn try_get(slf: &Bound<'_, Self>) -> PyResult<Option<Py<PyAny>>> {
        let py = slf.py();
        let me = slf.get();
        me.state.refresh(py, Side::Putters.waiters(), 1)?;
        let mut gone = Vec::new();
        let attempt = me.state.with(py, |state| match &mut state.items {
            Items::Native(items) if !me.overrides.any => {
                let item = items.pop_front();
                match state.queue.may_get(item.is_none()) {
                    Ok(()) => Attempt::Done((item, state.queue.taken(&mut gone))),
                    Err(refused) => Attempt::Refused(refused, ()),
                }
            }
            _ => Attempt::ByMethods(()),
        });
        drop(gone);
        match attempt {
            Attempt::Done((item, waiter)) => {
                wake(py, waiter)?;
                Ok(item)
            }
            Attempt::Refused(Refused::Wait, ()) => Ok(None),
            Attempt::Refused(Refused::ShutDown, ()) => Err(shut_down(py)),
            Attempt::ByMethods(()) => Self::try_get_by_methods(slf),
        }
    }

    fn try_get_by_methods(slf: &Bound<'_, Self>) -> PyResult<Option<Py<PyAny>>> {
        let py = slf.py();
        let me = slf.get();
        let is_empty = Self::is_empty(slf)?;
        match me.state.with(py, |state| state.queue.may_get(is_empty)) {
            Ok(()) => {}
            Err(Refused::Wait) => return Ok(None),
            Err(Refused::ShutDown) => return Err(shut_down(py)),
        }
        let item = Self::take_item(slf)?;
        me.wake_next(py, Side::Putters)?;
        Ok(Some(item.unbind()))
    }

    /// Calls `_get`, or the method of a subclass that overrides it.
    pub(super) fn take_item<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let me = slf.get();
        if me.overrides.items {
            return slf.call_method0(intern!(py, "_get"));
        }
        me.get_item(py)
    }

    /// Calls `full`, or the method of a subclass that overrides it.
    pub(super) fn is_full(slf: &Bound<'_, Self>) -> PyResult<bool> {
        if slf.get().overrides.sizes {
            return slf.call_method0(intern!(slf.py(), "full"))?.is_truthy();
        }
        Self::is_full_native(slf)
    }

    /// Implements `full`.
    pub(super) fn is_full_native(slf: &Bound<'_, Self>) -> PyResult<bool> {
        let py = slf.py();
        let me = slf.get();
        let compared = me.compared_maxsize(py);
        let limited = match &compared {
            None => me.state.with(py, |state| state.queue.limit.is_some()),
            Some(maxsize) => !maxsize.bind(py).le(0)?,
        };
        if !limited {
            return Ok(false);
        }
        let items: usize = if me.overrides.sizes {
            slf.call_method0(intern!(py, "qsize"))?.extract()?
        } else {
            me.len(py)?
        };
        match compared {
            None => Ok(me.state.with(py, |state| state.queue.is_full(items))),
            Some(maxsize) => items.into_pyobject(py)?.ge(maxsize),
        }
    }

    /// Returns `maxsize` if it is not a plain number: then it is compared each time.
    fn compared_maxsize(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        let limit = self.state.with(py, |state| state.queue.limit);
        (limit == Some(COMPARED))
            .then(|| self.maxsize(py))
            .flatten()
    }

    /// Calls `empty`, or the method of a subclass that overrides it.
    pub(super) fn is_empty(slf: &Bound<'_, Self>) -> PyResult<bool> {
        let py = slf.py();
        let me = slf.get();
        if me.overrides.sizes {
            return slf.call_method0(intern!(py, "empty"))?.is_truthy();
        }
        me.is_empty_native(py)
    }

    /// Implements `empty`.
    pub(super) fn is_empty_native(&self, py: Python<'_>) -> PyResult<bool> {
        match self.items_object(py) {
            Some(items) => Ok(!items.is_truthy()?),
            None => Ok(self.len(py)? == 0),
        }
    }

    /// Raises `QueueShutDown` if the queue is shut down.
    pub(super) fn check_not_shut_down(&self, py: Python<'_>) -> PyResult<()> {
        if self.state.with(py, |state| state.queue.shut_down) {
            return Err(shut_down(py));
        }
        Ok(())
    }

    /// Wakes the first task that waits in a line. Returns whether there was one.
    pub(super) fn wake_next(&self, py: Python<'_>, side: Side) -> PyResult<bool> {
        let waiters = side.waiters();
        self.state.refresh(py, waiters, 1)?;
        let mut gone = Vec::new();
        let waiter = self
            .state
            .with(py, |state| waiters(state).pop_waiting(&mut gone));
        drop(gone);
        let is_any = waiter.is_some();
        wake(py, waiter)?;
        Ok(is_any)
    }
}

#[inline]
fn wake(py: Python<'_>, waiter: Option<SyncWaiter>) -> PyResult<()> {
    match waiter {
        Some(waiter) => waiter.wake(py, py.None()),
        None => Ok(()),
    }
}

/// Makes a `QueueShutDown`.
#[cold]
pub fn shut_down(py: Python<'_>) -> PyErr {
    cpython::raise_new(imports::queue_shut_down(py), ())
}
