//! `Condition`: its lock, its methods, and notifying. `notified` has how a task waits.

use ferrio::engine::sync::{self, Cursor};
use pyo3::PyTraverseError;
use pyo3::exceptions::{PyAttributeError, PyRuntimeError};
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};

use super::acquiring::{self, async_with};
use super::copying::copyable;
use super::loop_bound::{self, LoopBound};
use super::{Lock, Returns, SyncWaiter, attributes};
use crate::base::arguments::Omittable;
use crate::base::cell::AttachedCell;
use crate::base::imports;
use crate::cpython::subclasses::overrides;
use crate::kernel::coroutine::{Body, Call, Step, body};

/// A lock together with tasks that wait to be notified of a change that it protects (CPython: `asyncio.Condition`).
///
/// Use it by `async with condition:`. Arguments: lock, an object of any class with the methods of asyncio.Lock; by
/// default a new lock.
#[pyclass(module = "ferrio", subclass, frozen, weakref, dict)]
pub struct Condition {
    /// Whether a subclass overrides `wait`: then `wait_for` calls the method.
    wait_overridden: bool,
    /// Whether a subclass overrides `notify`: then `notify_all` calls the method.
    notify_overridden: bool,
    /// The lock; `None` before `__init__`.
    guard: AttachedCell<Option<Guard>>,
    pub(super) state: LoopBound<sync::Condition<SyncWaiter>>,
}

/// The lock of a condition.
pub(super) enum Guard {
    /// A lock of the exact class [`Lock`].
    Native(Py<Lock>),
    /// Any other lock, and its bound methods.
    Other {
        lock: Py<PyAny>,
        locked: Py<PyAny>,
        acquire: Py<PyAny>,
        release: Py<PyAny>,
    },
}

impl Guard {
    fn of(lock: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(lock) = lock.cast_exact::<Lock>() {
            return Ok(Self::Native(lock.clone().unbind()));
        }
        let py = lock.py();
        // asyncio's conditions take over the bound methods of their locks, so that one call reaches the innermost lock.
        let inner = match lock.cast_exact::<Condition>() {
            Ok(condition) => Some(condition.get().guard(py)?),
            Err(_) => None,
        };
        let methods_of = match inner {
            Some(Self::Other {
                locked,
                acquire,
                release,
                ..
            }) => {
                return Ok(Self::Other {
                    lock: lock.clone().unbind(),
                    locked,
                    acquire,
                    release,
                });
            }
            Some(Self::Native(inner)) => inner.into_bound(py).into_any(),
            None => lock.clone(),
        };
        Ok(Self::Other {
            lock: lock.clone().unbind(),
            locked: methods_of.getattr(intern!(py, "locked"))?.unbind(),
            acquire: methods_of.getattr(intern!(py, "acquire"))?.unbind(),
            release: methods_of.getattr(intern!(py, "release"))?.unbind(),
        })
    }

    fn clone_ref(&self, py: Python<'_>) -> Self {
        match self {
            Self::Native(lock) => Self::Native(lock.clone_ref(py)),
            Self::Other {
                lock,
                locked,
                acquire,
                release,
            } => Self::Other {
                lock: lock.clone_ref(py),
                locked: locked.clone_ref(py),
                acquire: acquire.clone_ref(py),
                release: release.clone_ref(py),
            },
        }
    }

    fn is_locked(&self, py: Python<'_>) -> PyResult<bool> {
        match self {
            Self::Native(lock) => Ok(lock.get().is_locked(py)),
            Self::Other { locked, .. } => locked.call0(py)?.is_truthy(py),
        }
    }

    /// Runs `acquire` as a step of a coroutine.
    pub(super) fn acquire_step(&self, py: Python<'_>, returns: Returns) -> PyResult<Step> {
        match self {
            Self::Native(lock) => acquiring::acquire(lock.bind(py), returns),
            Self::Other { acquire, .. } => Ok(returns.after(acquire.call0(py)?)),
        }
    }

    pub(super) fn release(&self, py: Python<'_>) -> PyResult<()> {
        match self {
            Self::Native(lock) => acquiring::release(lock.get(), py),
            Self::Other { release, .. } => release.call0(py).map(drop),
        }
    }

    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self {
            Self::Native(lock) => visit.call(lock),
            Self::Other {
                lock,
                locked,
                acquire,
                release,
            } => {
                visit.call(lock)?;
                visit.call(locked)?;
                visit.call(acquire)?;
                visit.call(release)
            }
        }
    }
}

impl Condition {
    /// Returns a condition with a lock of its own.
    pub fn create(py: Python<'_>) -> PyResult<Bound<'_, Self>> {
        let lock = Py::new(py, Lock::unlocked())?;
        Bound::new(
            py,
            Self {
                wait_overridden: false,
                notify_overridden: false,
                guard: AttachedCell::new(Some(Guard::Native(lock))),
                state: LoopBound::new(sync::Condition::new()),
            },
        )
    }

    pub(super) fn guard(&self, py: Python<'_>) -> PyResult<Guard> {
        self.guard
            .with(py, |guard| guard.as_ref().map(|guard| guard.clone_ref(py)))
            .ok_or_else(|| PyAttributeError::new_err("'Condition' object has no attribute '_lock'"))
    }

    /// Whether a subclass overrides `wait`.
    pub(super) const fn overrides_wait(&self) -> bool {
        self.wait_overridden
    }

    /// Raises `RuntimeError` unless the lock is held. `action` stands in the message.
    pub(super) fn check_locked(&self, py: Python<'_>, action: &str) -> PyResult<()> {
        if self.guard(py)?.is_locked(py)? {
            return Ok(());
        }
        let text = format!("cannot {action} on un-acquired lock");
        Err(PyRuntimeError::new_err(text))
    }

    /// Wakes up to `count` waiters.
    pub fn notify_native(&self, py: Python<'_>, count: usize) -> PyResult<()> {
        self.state
            .refresh(py, |condition| &mut condition.waiters, count)?;
        let mut cursor = Cursor::default();
        for _ in 0..count {
            let woken = self
                .state
                .wake(py, |condition| condition.to_wake(&mut cursor), false)?;
            if !woken {
                break;
            }
        }
        Ok(())
    }

    fn waiter_count(&self, py: Python<'_>) -> usize {
        self.state.with(py, |condition| condition.waiters.len())
    }
}

impl Condition {
    pub const ENTER: Body = body!("Condition.__aenter__", |condition: Condition| {
        let py = condition.py();
        let guard = condition.get().guard(py)?;
        guard.acquire_step(py, Returns::None)
    });
    pub const EXIT: Body = body!("Condition.__aexit__", |condition: Condition| {
        let py = condition.py();
        condition.get().guard(py)?.release(py)?;
        Ok(Step::none(py))
    });
    pub const WAIT: Body = body!("Condition.wait", |condition: Condition| {
        Condition::wait_step(condition)
    });
    pub const WAIT_FOR: Body = body!("Condition.wait_for", |condition: Condition, predicate| {
        let predicate = predicate.unwrap_or_else(|| condition.py().None());
        Condition::wait_for_step(condition, predicate)
    });
}

#[pymethods]
impl Condition {
    #[new]
    #[classmethod]
    #[pyo3(signature = (*_args, **_kwargs), text_signature = "(lock=None)")]
    fn new(
        cls: &Bound<'_, PyType>,
        _args: &Bound<'_, PyTuple>,
        _kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let py = cls.py();
        Ok(Self {
            wait_overridden: overrides::<Self>(cls, &[intern!(py, "wait")])?,
            notify_overridden: overrides::<Self>(cls, &[intern!(py, "notify")])?,
            guard: AttachedCell::new(None),
            state: LoopBound::new(sync::Condition::new()),
        })
    }

    #[pyo3(signature = (lock = None))]
    fn __init__(&self, py: Python<'_>, lock: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let guard = match lock {
            Some(lock) => Guard::of(lock)?,
            None => Guard::Native(Py::new(py, Lock::unlocked())?),
        };
        drop(self.guard.replace(py, Some(guard)));
        self.state.reset(py, sync::Condition::new());
        Ok(())
    }

    /// Return True if the lock is held.
    fn locked(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        match self.guard(py)? {
            Guard::Native(lock) => {
                let locked = lock.get().is_locked(py).into_pyobject(py)?;
                Ok(locked.to_owned().into_any().unbind())
            }
            Guard::Other { locked, .. } => locked.call0(py),
        }
    }

    /// Acquire the lock, waiting until it is free. The coroutine returns True.
    fn acquire(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        match self.guard(py)? {
            Guard::Native(lock) => Ok(Lock::acquire(lock).into_pyobject(py)?.into_any().unbind()),
            Guard::Other { acquire, .. } => acquire.call0(py),
        }
    }

    /// Release the lock. Raises RuntimeError if it is not acquired.
    fn release(&self, py: Python<'_>) -> PyResult<()> {
        self.guard(py)?.release(py)
    }

    /// Release the lock, wait for a notification, and acquire the lock again. The coroutine returns True.
    ///
    /// Raises RuntimeError if the lock is not held. It may return without a notification: check what you wait for.
    fn wait(slf: Py<Self>) -> Call {
        Self::WAIT.call(slf.into_any(), None)
    }

    /// Wait until predicate() is true. It is called at once and after each notification. The coroutine returns its result.
    fn wait_for(slf: Py<Self>, predicate: Py<PyAny>) -> Call {
        Self::WAIT_FOR.call(slf.into_any(), Some(predicate))
    }

    /// Wake n tasks that wait, or all if there are fewer; each goes on when it gets the lock.
    ///
    /// Raises RuntimeError if the lock is not held.
    #[pyo3(signature = (n = Omittable(None)), text_signature = "($self, n=1)")]
    fn notify(&self, py: Python<'_>, n: Omittable) -> PyResult<()> {
        self.check_locked(py, "notify")?;
        self.notify_unchecked(&n.or_number(py, 1)?)
    }

    /// Wake all tasks that wait. Raises RuntimeError if the lock is not held.
    fn notify_all(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if me.notify_overridden {
            slf.call_method1(intern!(py, "notify"), (me.waiter_count(py),))?;
            return Ok(());
        }
        me.check_locked(py, "notify")?;
        me.notify_native(py, me.waiter_count(py))
    }

    #[pyo3(name = "_notify")]
    fn notify_unchecked(&self, n: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = n.py();
        // `n` may be any object: asyncio wakes waiters until `woken >= n`, and does not compare if none waits.
        let mut count = 0_usize;
        while count < self.waiter_count(py) && !count.into_pyobject(py)?.ge(n)? {
            count += 1;
        }
        self.notify_native(py, count)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let py = slf.py();
        let me = slf.get();
        let locked = me.guard(py)?.is_locked(py)?;
        let state = if locked { "locked" } else { "unlocked" };
        loop_bound::repr(slf.as_any(), state, me.waiter_count(py))
    }

    #[getter(_lock)]
    fn get_lock(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(match self.guard(py)? {
            Guard::Native(lock) => lock.into_any(),
            Guard::Other { lock, .. } => lock,
        })
    }

    #[setter(_lock)]
    fn set_lock(&self, lock: &Bound<'_, PyAny>) -> PyResult<()> {
        let guard = Guard::of(lock)?;
        drop(self.guard.replace(lock.py(), Some(guard)));
        Ok(())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.guard.visit(&visit, |guard| match guard {
            Some(guard) => guard.traverse(visit),
            None => Ok(()),
        })?;
        self.state.traverse(visit, |condition, visit| {
            loop_bound::traverse_waiters(&condition.waiters, visit)
        })
    }

    fn __clear__(&self) {
        Python::attach(|py| drop(self.guard.take(py)));
        self.state.clear(sync::Condition::new());
    }
}

async_with!(Condition);
attributes::loop_bound_attributes!(Condition, imports::condition_class);
attributes::waiters_attribute!(Condition, _waiters, get_waiters, waiters);
copyable!(Condition, ["_lock"], |slf| slf.get().waiter_count(slf.py()));
