//! `Lock`.

use ferrio::sync;
use pyo3::PyTraverseError;
use pyo3::exceptions::PyRuntimeError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};

use super::copying::copied;
use super::loop_bound::{self, LoopBound};
use super::{SyncWaiter, attributes};
use crate::cpython::subclasses::overrides;
use crate::kernel::coroutine::{Body, Call, Step, Wait, body};
use crate::{base::imports, cpython};

/// A lock for tasks: one holder at a time, the others in the order in which they came (CPython: `asyncio.Lock`).
///
/// It is not owned by a task: whoever calls release() gives it back. Use it by `async with lock:`.
#[pyclass(module = "ferrio", subclass, frozen, weakref, dict)]
pub struct Lock {
    /// Whether a subclass has its own `acquire` or `release`, which `async with` is to call.
    overridden: bool,
    state: LoopBound<sync::Lock<SyncWaiter>>,
}

/// What a coroutine that has acquired something returns.
#[derive(Clone, Copy)]
pub enum Returns {
    True,
    None,
}

impl Returns {
    pub fn into_object(self, py: Python<'_>) -> Py<PyAny> {
        match self {
            Self::True => true.into_pyobject(py).map_or_else(
                |never| match never {},
                |object| object.to_owned().into_any().unbind(),
            ),
            Self::None => py.None(),
        }
    }
}

impl Lock {
    pub const ACQUIRE: Body = body!("Lock.acquire", |lock: Lock| Lock::acquire_step(
        lock,
        Returns::True
    ));
    pub const ENTER: Body = body!("Lock.__aenter__", |lock: Lock| {
        if lock.get().overridden {
            return enter_overridden(lock.as_any());
        }
        Lock::acquire_step(lock, Returns::None)
    });
    pub const EXIT: Body = body!("Lock.__aexit__", |lock: Lock| {
        if lock.get().overridden {
            return exit_overridden(lock.as_any());
        }
        lock.get().release_native(lock.py())?;
        Ok(Step::none(lock.py()))
    });

    /// A lock of no loop.
    pub const fn free() -> Self {
        Self {
            overridden: false,
            state: LoopBound::new(sync::Lock::new()),
        }
    }

    /// Takes the lock if that is possible at once.
    #[inline]
    pub fn try_acquire(&self, py: Python<'_>) -> PyResult<bool> {
        self.state.refresh(py, |lock| &mut lock.waiters, 1)?;
        Ok(self.state.with(py, sync::Lock::try_acquire))
    }

    /// `acquire`, as a step of a coroutine.
    pub fn acquire_step(slf: &Bound<'_, Self>, returns: Returns) -> PyResult<Step> {
        let py = slf.py();
        let me = slf.get();
        if me.try_acquire(py)? {
            return Ok(Step::Return(returns.into_object(py)));
        }
        let (waiter, future) = me.state.new_waiter(slf.as_any())?;
        me.state.with(py, |lock| lock.waiters.push(waiter));
        let acquiring = Acquiring {
            lock: slf.clone().unbind(),
            future: future.clone_ref(py),
            returns,
        };
        Ok(Step::Wait(future, Box::new(acquiring)))
    }

    /// Gives the lock back. Raises `RuntimeError` if nobody has it.
    #[inline]
    pub fn release_native(&self, py: Python<'_>) -> PyResult<()> {
        self.state.refresh(py, |lock| &mut lock.waiters, 1)?;
        let next = self.state.with(py, |lock| {
            let next = lock.release()?;
            Ok(next.map(|waiter| waiter.clone_ref(py)))
        });
        match next {
            Ok(None) => Ok(()),
            Ok(Some(waiter)) => waiter.wake(py, Returns::True.into_object(py)),
            Err(sync::NotLocked) => Err(PyRuntimeError::new_err(sync::NotLocked.to_string())),
        }
    }

    fn waiters(&self, py: Python<'_>) -> usize {
        self.state.with(py, |lock| lock.waiters.len())
    }

    /// Whether somebody has it.
    pub fn is_locked(&self, py: Python<'_>) -> bool {
        self.state.with(py, |lock| lock.is_locked())
    }

    fn wake_next(&self, py: Python<'_>) -> PyResult<()> {
        self.state.refresh(py, |lock| &mut lock.waiters, 1)?;
        let next = self
            .state
            .with(py, |lock| lock.to_wake().map(|waiter| waiter.clone_ref(py)));
        match next {
            Some(waiter) => waiter.wake(py, Returns::True.into_object(py)),
            None => Ok(()),
        }
    }
}

/// One who waits for the lock.
struct Acquiring {
    lock: Py<Lock>,
    future: Py<PyAny>,
    returns: Returns,
}

impl Wait for Acquiring {
    fn resume(self: Box<Self>, py: Python<'_>, outcome: PyResult<Py<PyAny>>) -> PyResult<Step> {
        let lock = self.lock.get();
        let is_me = |waiter: &SyncWaiter| waiter.is(&self.future);
        let Err(error) = outcome else {
            let me = lock.state.with(py, |lock| lock.woken(is_me));
            drop(me);
            return Ok(Step::Return(self.returns.into_object(py)));
        };
        let me = lock.state.with(py, |lock| lock.left(is_me));
        drop(me);
        if error.is_instance(py, imports::cancelled_error(py)?) {
            cpython::handling(py, &error, || lock.wake_next(py))?;
        }
        Err(error)
    }

    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.lock)?;
        visit.call(&self.future)
    }
}

/// `__aenter__` of what a subclass has put in place of `acquire`.
pub fn enter_overridden(slf: &Bound<'_, PyAny>) -> PyResult<Step> {
    /// Forgets what `acquire` returns.
    struct Forget;

    impl Wait for Forget {
        fn resume(self: Box<Self>, py: Python<'_>, outcome: PyResult<Py<PyAny>>) -> PyResult<Step> {
            outcome?;
            Ok(Step::none(py))
        }

        fn traverse(&self, _: PyVisit<'_>) -> Result<(), PyTraverseError> {
            Ok(())
        }
    }

    let acquiring = slf.call_method0(intern!(slf.py(), "acquire"))?;
    Ok(Step::Wait(acquiring.unbind(), Box::new(Forget)))
}

/// `__aexit__` that calls what a subclass has put in place of `release`.
pub fn exit_overridden(slf: &Bound<'_, PyAny>) -> PyResult<Step> {
    slf.call_method0(intern!(slf.py(), "release"))?;
    Ok(Step::none(slf.py()))
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
            ..Self::free()
        })
    }

    fn __init__(&self, py: Python<'_>) {
        self.state.reset(py, sync::Lock::new());
    }

    /// Return True if somebody has the lock.
    fn locked(&self, py: Python<'_>) -> bool {
        self.is_locked(py)
    }

    /// Take the lock, waiting for it if somebody has it. The coroutine returns True.
    pub fn acquire(slf: Py<Self>) -> Call {
        Self::ACQUIRE.call(slf.into_any(), None)
    }

    /// Give the lock back; the first who waits gets it.
    ///
    /// Raises RuntimeError if nobody has it.
    fn release(&self, py: Python<'_>) -> PyResult<()> {
        self.release_native(py)
    }

    fn __aenter__(slf: Py<Self>) -> Call {
        Self::ENTER.call(slf.into_any(), None)
    }

    #[pyo3(signature = (exc_type, exc, tb))]
    fn __aexit__(
        slf: Py<Self>,
        exc_type: &Bound<'_, PyAny>,
        exc: &Bound<'_, PyAny>,
        tb: &Bound<'_, PyAny>,
    ) -> Call {
        let _ = (exc_type, exc, tb);
        Self::EXIT.call(slf.into_any(), None)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let (me, py) = (slf.get(), slf.py());
        let waiters = me.waiters(py);
        let state = if me.is_locked(py) {
            "locked"
        } else {
            "unlocked"
        };
        loop_bound::repr(slf.as_any(), state, waiters)
    }

    #[pyo3(name = "_wake_up_first")]
    fn wake_up_first(&self, py: Python<'_>) -> PyResult<()> {
        self.wake_next(py)
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
            loop_bound::traverse_line(&lock.waiters, visit)
        })
    }

    fn __clear__(&self) {
        self.state.clear(sync::Lock::new());
    }
}

attributes::of_bound!(Lock, imports::lock_class);
attributes::line!(Lock, _waiters, get_waiters, waiters);
copied!(Lock, ["_locked"], |slf| slf.get().waiters(slf.py()));
