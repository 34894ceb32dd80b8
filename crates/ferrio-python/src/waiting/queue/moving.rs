//! Putting an item in and taking one out, at once.

use ferrio::sync::Refused;
use pyo3::intern;
use pyo3::prelude::*;

use super::items::Items;
use super::methods::ASKED;
use super::{Queue, State};
use crate::waiting::sync::SyncWaiter;
use crate::{base::imports, cpython};

/// Which line is meant.
#[derive(Clone, Copy)]
pub enum Side {
    Getters,
    Putters,
}

impl Side {
    pub const fn line(self) -> fn(&mut State) -> &mut ferrio::sync::Waiters<SyncWaiter> {
        match self {
            Self::Getters => |state| &mut state.queue.getters,
            Self::Putters => |state| &mut state.queue.putters,
        }
    }
}

/// What has come of an attempt to do something in one access to the state.
enum Attempt<D, B> {
    Done(D),
    Refused(Refused, B),
    /// The items are in an object, or methods are overridden.
    NotHere(B),
}

impl Queue {
    /// `put_nowait`, without an override of that itself; the item comes back if there is no room.
    pub(super) fn try_put(slf: &Bound<'_, Self>, item: Py<PyAny>) -> PyResult<Option<Py<PyAny>>> {
        let py = slf.py();
        let me = slf.get();
        me.state.refresh(py, Side::Getters.line(), 1)?;
        let mut gone = Vec::new();
        let attempt = me.state.with(py, |state| match &mut state.items {
            Items::Native(items) if !me.hooks.any => {
                let is_full = state.queue.is_full(items.len());
                if let Err(refused) = state.queue.may_put(is_full) {
                    return Attempt::Refused(refused, item);
                }
                items.push_back(item);
                Attempt::Done(state.queue.added(&mut gone))
            }
            _ => Attempt::NotHere(item),
        });
        drop(gone);
        match attempt {
            Attempt::Done(waiter) => {
                me.finished.get().clear_native(py);
                wake(py, waiter)?;
                Ok(None)
            }
            Attempt::Refused(Refused::Wait, item) => match me.asked_maxsize(py) {
                None => Ok(Some(item)),
                Some(_) => Self::try_put_by_methods(slf, item),
            },
            Attempt::Refused(Refused::ShutDown, _) => Err(shut_down(py)),
            Attempt::NotHere(item) => Self::try_put_by_methods(slf, item),
        }
    }

    fn try_put_by_methods(slf: &Bound<'_, Self>, item: Py<PyAny>) -> PyResult<Option<Py<PyAny>>> {
        let py = slf.py();
        let me = slf.get();
        me.check_taking_in(py)?;
        if Self::is_full(slf)? {
            return Ok(Some(item));
        }
        let item = item.into_bound(py);
        if me.hooks.items {
            slf.call_method1(intern!(py, "_put"), (item,))?;
        } else {
            me.put_item(item)?;
        }
        me.state.refresh(py, Side::Getters.line(), 1)?;
        let mut gone = Vec::new();
        let waiter = me.state.with(py, |state| state.queue.added(&mut gone));
        drop(gone);
        me.finished.get().clear_native(py);
        wake(py, waiter)?;
        Ok(None)
    }

    /// `get_nowait`, without an override of that itself; nothing if there is no item.
    pub(super) fn try_get(slf: &Bound<'_, Self>) -> PyResult<Option<Py<PyAny>>> {
        let py = slf.py();
        let me = slf.get();
        me.state.refresh(py, Side::Putters.line(), 1)?;
        let mut gone = Vec::new();
        let attempt = me.state.with(py, |state| match &mut state.items {
            Items::Native(items) if !me.hooks.any => match items.pop_front() {
                Some(item) => Attempt::Done((item, state.queue.taken(&mut gone))),
                None => match state.queue.may_get(true) {
                    Err(refused) => Attempt::Refused(refused, ()),
                    Ok(()) => Attempt::NotHere(()),
                },
            },
            _ => Attempt::NotHere(()),
        });
        drop(gone);
        match attempt {
            Attempt::Done((item, waiter)) => {
                wake(py, waiter)?;
                Ok(Some(item))
            }
            Attempt::Refused(Refused::Wait, ()) => Ok(None),
            Attempt::Refused(Refused::ShutDown, ()) => Err(shut_down(py)),
            Attempt::NotHere(()) => Self::try_get_by_methods(slf),
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

    /// `_get`, or what a subclass has in place of it.
    pub(super) fn take_item<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let me = slf.get();
        if me.hooks.items {
            return slf.call_method0(intern!(py, "_get"));
        }
        me.get_item(py)
    }

    /// `full`, or what a subclass has in place of it.
    pub(super) fn is_full(slf: &Bound<'_, Self>) -> PyResult<bool> {
        if slf.get().hooks.sizes {
            return slf.call_method0(intern!(slf.py(), "full"))?.is_truthy();
        }
        Self::is_full_native(slf)
    }

    /// `full` itself.
    pub(super) fn is_full_native(slf: &Bound<'_, Self>) -> PyResult<bool> {
        let py = slf.py();
        let me = slf.get();
        let asked = me.asked_maxsize(py);
        let limited = match &asked {
            None => me.state.with(py, |state| state.queue.limit.is_some()),
            Some(maxsize) => !maxsize.bind(py).le(0)?,
        };
        if !limited {
            return Ok(false);
        }
        let items: usize = if me.hooks.sizes {
            slf.call_method0(intern!(py, "qsize"))?.extract()?
        } else {
            me.len(py)?
        };
        match asked {
            None => Ok(me.state.with(py, |state| state.queue.is_full(items))),
            Some(maxsize) => items.into_pyobject(py)?.ge(maxsize),
        }
    }

    /// The limit, if it is no plain number but an object that is compared whenever it matters.
    fn asked_maxsize(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        let limit = self.state.with(py, |state| state.queue.limit);
        (limit == Some(ASKED)).then(|| self.maxsize(py)).flatten()
    }

    /// `empty`, or what a subclass has in place of it.
    pub(super) fn is_empty(slf: &Bound<'_, Self>) -> PyResult<bool> {
        let py = slf.py();
        let me = slf.get();
        if me.hooks.sizes {
            return slf.call_method0(intern!(py, "empty"))?.is_truthy();
        }
        me.is_empty_native(py)
    }

    /// `empty` itself.
    pub(super) fn is_empty_native(&self, py: Python<'_>) -> PyResult<bool> {
        match self.object(py) {
            Some(items) => Ok(!items.is_truthy()?),
            None => Ok(self.len(py)? == 0),
        }
    }

    /// Raises `QueueShutDown` if nothing more is taken in.
    pub(super) fn check_taking_in(&self, py: Python<'_>) -> PyResult<()> {
        if self.state.with(py, |state| state.queue.shut_down) {
            return Err(shut_down(py));
        }
        Ok(())
    }

    /// Wakes the first who waits in a line. False if there is nobody.
    pub(super) fn wake_next(&self, py: Python<'_>, side: Side) -> PyResult<bool> {
        let line = side.line();
        self.state.refresh(py, line, 1)?;
        let mut gone = Vec::new();
        let waiter = self
            .state
            .with(py, |state| line(state).pop_waiting(&mut gone));
        drop(gone);
        let somebody = waiter.is_some();
        wake(py, waiter)?;
        Ok(somebody)
    }
}

#[inline]
fn wake(py: Python<'_>, waiter: Option<SyncWaiter>) -> PyResult<()> {
    match waiter {
        Some(waiter) => waiter.wake(py, py.None()),
        None => Ok(()),
    }
}

/// A `QueueShutDown`.
#[cold]
pub fn shut_down(py: Python<'_>) -> PyErr {
    cpython::raise_new(imports::queue_shut_down(py), ())
}
