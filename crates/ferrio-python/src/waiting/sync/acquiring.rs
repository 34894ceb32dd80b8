//! Acquiring, releasing and `async with`: the algorithms that `Lock` and `Semaphore` share (CPython:
//! `asyncio.locks._ContextManagerMixin`).
//!
//! A class implements [`Acquirable`] with the parts in which it differs. `Condition` has the same `async with` over the
//! lock that it contains.

use ferrio::engine::sync::Waiters;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::pyclass::boolean_struct::True;
use pyo3::{PyClass, PyTraverseError, intern};

use super::loop_bound::LoopBound;
use super::returns::{Returns, bool_object};
use super::waiter::SyncWaiter;
use crate::kernel::coroutine::{Step, Wait};

/// An object that tasks acquire and release.
pub trait Acquirable: PyClass<Frozen = True> + Sync {
    /// The engine's part of the object.
    type Core: 'static;
    /// Why the engine refuses a release.
    type ReleaseError;

    fn state(&self) -> &LoopBound<Self::Core>;

    /// Whether a subclass overrides `acquire` or `release`: then `async with` calls these methods.
    fn is_overridden(&self) -> bool;

    fn waiters(core: &mut Self::Core) -> &mut Waiters<SyncWaiter>;

    /// Acquires the object if that is possible without waiting.
    fn try_acquire(slf: &Bound<'_, Self>) -> PyResult<bool>;

    /// Removes a waiter from the line after its wait has ended with `outcome`, and wakes those whose turn has come.
    fn end_wait(
        &self,
        py: Python<'_>,
        future: &Py<PyAny>,
        outcome: PyResult<Py<PyAny>>,
    ) -> PyResult<()>;

    /// Releases the engine's part. Returns the waiter to wake.
    fn release_core(core: &mut Self::Core) -> Result<Option<&SyncWaiter>, Self::ReleaseError>;

    /// Converts the error to the exception that asyncio raises.
    fn release_exception(error: Self::ReleaseError) -> PyErr;
}

/// Runs `acquire` as a step of a coroutine.
pub fn acquire<T: Acquirable>(object: &Bound<'_, T>, returns: Returns) -> PyResult<Step> {
    let py = object.py();
    if T::try_acquire(object)? {
        return Ok(Step::Return(returns.into_object(py)));
    }
    let state = object.get().state();
    let future = state.enqueue_waiter(object.as_any(), T::waiters)?;
    let acquiring = Acquiring {
        object: object.clone().unbind(),
        future: future.clone_ref(py),
        returns,
    };
    Ok(Step::Wait(future, Box::new(acquiring)))
}

/// Releases the object and wakes the next waiter.
#[inline]
pub fn release<T: Acquirable>(object: &T, py: Python<'_>) -> PyResult<()> {
    let state = object.state();
    state.refresh(py, T::waiters, 1)?;
    let next = state.with(py, |core| {
        let next = T::release_core(core)?;
        Ok(next.map(|waiter| waiter.clone_ref(py)))
    });
    match next {
        Ok(None) => Ok(()),
        Ok(Some(waiter)) => waiter.wake(py, bool_object(py, true)),
        Err(error) => Err(T::release_exception(error)),
    }
}

/// Runs `__aenter__` as a step of a coroutine.
#[inline]
pub fn enter<T: Acquirable>(object: &Bound<'_, T>) -> PyResult<Step> {
    if object.get().is_overridden() {
        let acquiring = object
            .as_any()
            .call_method0(intern!(object.py(), "acquire"))?;
        return Ok(Returns::None.after(acquiring.unbind()));
    }
    acquire(object, Returns::None)
}

/// Runs `__aexit__` as a step of a coroutine.
#[inline]
pub fn exit<T: Acquirable>(object: &Bound<'_, T>) -> PyResult<Step> {
    let py = object.py();
    if object.get().is_overridden() {
        object.as_any().call_method0(intern!(py, "release"))?;
    } else {
        release(object.get(), py)?;
    }
    Ok(Step::none(py))
}

/// The rest of `acquire`, once its waiter is woken or cancelled.
struct Acquiring<T> {
    object: Py<T>,
    future: Py<PyAny>,
    returns: Returns,
}

impl<T: Acquirable> Wait for Acquiring<T> {
    fn resume(self: Box<Self>, py: Python<'_>, outcome: PyResult<Py<PyAny>>) -> PyResult<Step> {
        self.object.get().end_wait(py, &self.future, outcome)?;
        Ok(Step::Return(self.returns.into_object(py)))
    }

    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.object)?;
        visit.call(&self.future)
    }
}

/// Defines `__aenter__` and `__aexit__` by the coroutines `ENTER` and `EXIT` of the class.
macro_rules! async_with {
    ($class:ident) => {
        #[pymethods]
        impl $class {
            fn __aenter__(slf: Py<Self>) -> $crate::kernel::coroutine::Call {
                Self::ENTER.call(slf.into_any(), None)
            }

            #[pyo3(signature = (exc_type, exc, tb))]
            fn __aexit__(
                slf: Py<Self>,
                exc_type: &Bound<'_, PyAny>,
                exc: &Bound<'_, PyAny>,
                tb: &Bound<'_, PyAny>,
            ) -> $crate::kernel::coroutine::Call {
                let _ = (exc_type, exc, tb);
                Self::EXIT.call(slf.into_any(), None)
            }
        }
    };
}
pub(crate) use async_with;
