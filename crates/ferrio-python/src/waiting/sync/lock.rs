//! `Lock`. A release only wakes the first waiter; the lock is held again when that task is resumed.

use ferrio::engine::sync::{self, Waiters};
use pyo3::PyTraverseError;
use pyo3::exceptions::PyRuntimeError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};

use super::acquiring::{self, Acquirable, async_with};
use super::copying::copyable;
use super::loop_bound::{self, LoopBound};
use super::{Returns, SyncWaiter, attributes};
use crate::cpython::subclasses::overrides;
use crate::kernel::coroutine::{Body, Call, body};
use crate::{base::imports, cpython};

/// A lock for tasks: one task holds it, and the others get it in the order in which they asked (CPython:
/// `asyncio.Lock`).
///
/// No task owns the lock: whoever calls release() releases it. Use it by `async with lock:`.
#[pyclass(module = "ferrio", subclass, frozen, weakref, dict)]
pub struct Lock {
    overridden: bool,
    state: LoopBound<sync::Lock<SyncWaiter>>,
}

impl Lock {
    pub const ACQUIRE: Body = body!("Lock.acquire", |lock: Lock| acquiring::acquire(
        lock,
        Returns::True
    ));
    pub const ENTER: Body = body!("Lock.__aenter__", |lock: Lock| acquiring::enter(lock));
    pub const EXIT: Body = body!("Lock.__aexit__", |lock: Lock| acquiring::exit(lock));

    /// Returns an unlocked lock that is bound to no loop.
    pub const fn unlocked() -> Self {
        Self {
            overridden: false,
            state: LoopBound::new(sync::Lock::new()),
        }
    }

    /// Whether the lock is held.
    pub fn is_locked(&self, py: Python<'_>) -> bool {
        self.state.with(py, |lock| lock.is_locked())
    }

    fn waiter_count(&self, py: Python<'_>) -> usize {
        self.state.with(py, |lock| lock.waiters.len())
    }

    /// Wakes the first waiter if the lock is free.
    fn wake_first(&self, py: Python<'_>) -> PyResult<()> {
        self.state.refresh(py, Self::waiters, 1)?;
        self.state.wake(py, |lock| lock.to_wake(), true).map(drop)
    }
}

impl Acquirable for Lock {
    type Core = sync::Lock<SyncWaiter>;
    type ReleaseError = sync::NotLocked;

    #[inline]
    fn state(&self) -> &LoopBound<Self::Core> {
        &self.state
    }

    #[inline]
    fn is_overridden(&self) -> bool {
        self.overridden
    }

    #[inline]
    fn waiters(lock: &mut Self::Core) -> &mut Waiters<SyncWaiter> {
        &mut lock.waiters
    }

    #[inline]
    fn try_acquire(slf: &Bound<'_, Self>) -> PyResult<bool> {
        let (me, py) = (slf.get(), slf.py());
        me.state.refresh(py, Self::waiters, 1)?;
        Ok(me.state.with(py, sync::Lock::try_acquire))
    }

    fn end_wait(
        &self,
        py: Python<'_>,
        future: &Py<PyAny>,
        outcome: PyResult<Py<PyAny>>,
    ) -> PyResult<()> {
        let is_me = |waiter: &SyncWaiter| waiter.is(future);
        let Err(error) = outcome else {
            let waiter = self.state.with(py, |lock| lock.woken(is_me));
            drop(waiter);
            return Ok(());
        };
        let waiter = self.state.with(py, |lock| lock.left(is_me));
        drop(waiter);
        if error.is_instance(py, imports::cancelled_error(py)?) {
            cpython::handling(py, &error, || self.wake_first(py))?;
        }
        Err(error)
    }

    #[inline]
    fn release_core(lock: &mut Self::Core) -> Result<Option<&SyncWaiter>, sync::NotLocked> {
        lock.release()
    }

    fn release_exception(error: sync::NotLocked) -> PyErr {
        PyRuntimeError::new_err(error.to_string())
    }
}

#[pymethods]
impl Lock {
    #[new]
    #[classmethod]
    #[pyo3(signature = (*_args, **_kwargs), text_signature = "()")]
    fn new(
        cls: &Bound<'_, PyType>,
        _args: &Bound<'_, PyTuple>,
        _kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let py = cls.py();
        let names = [intern!(py, "acquire"), intern!(py, "release")];
        Ok(Self {
            overridden: overrides::<Self>(cls, &names)?,
            ..Self::unlocked()
        })
    }

    fn __init__(&self, py: Python<'_>) {
        self.state.reset(py, sync::Lock::new());
    }

    /// Return True if the lock is held.
    fn locked(&self, py: Python<'_>) -> bool {
        self.is_locked(py)
    }

    /// Acquire the lock, waiting until it is free. The coroutine returns True.
    pub fn acquire(slf: Py<Self>) -> Call {
        Self::ACQUIRE.call(slf.into_any(), None)
    }

    /// Release the lock and wake the first task that waits for it.
    ///
    /// Raises RuntimeError if the lock is not held.
    fn release(&self, py: Python<'_>) -> PyResult<()> {
        acquiring::release(self, py)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let (me, py) = (slf.get(), slf.py());
        let waiters = me.waiter_count(py);
        let state = if me.is_locked(py) {
            "locked"
        } else {
            "unlocked"
        };
        loop_bound::repr(slf.as_any(), state, waiters)
    }

    #[pyo3(name = "_wake_up_first")]
    fn wake_up_first(&self, py: Python<'_>) -> PyResult<()> {
        self.wake_first(py)
    }

    #[getter(_locked)]
    fn get_locked(&self, py: Python<'_>) -> bool {
        self.is_locked(py)
    }

    #[setter(_locked)]
    fn set_locked(&self, py: Python<'_>, locked: bool) {
        self.state.with(py, |lock| lock.set_locked(locked));
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.state.traverse(visit, |lock, visit| {
            loop_bound::traverse_waiters(&lock.waiters, visit)
        })
    }

    fn __clear__(&self) {
        self.state.clear(sync::Lock::new());
    }
}

async_with!(Lock);
attributes::loop_bound_attributes!(Lock, imports::lock_class);
attributes::waiters_attribute!(Lock, _waiters, get_waiters, waiters);
copyable!(Lock, ["_locked"], |slf| slf.get().waiter_count(slf.py()));
