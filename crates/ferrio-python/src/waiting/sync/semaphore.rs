//! `Semaphore` and `BoundedSemaphore`. A released permit goes to the first waiter at once, so that no task that comes later
//! can take it.

use ferrio::engine::sync::{self, UNLIMITED, Waiters};
use pyo3::PyTraverseError;
use pyo3::exceptions::PyValueError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};

use super::acquiring::{self, Acquirable, async_with};
use super::copying::copyable;
use super::loop_bound::{self, LoopBound};
use super::{Returns, SyncWaiter, attributes};
use crate::base::arguments::Omittable;
use crate::cpython::subclasses::{class_of, overrides};
use crate::kernel::coroutine::{Body, Call, body};
use crate::{base::imports, cpython};

/// A counter of permits that tasks acquire and release, in the order in which they asked (CPython: `asyncio.Semaphore`).
///
/// Use it by `async with semaphore:`. Arguments: value, the number of permits, an integer of at least 0, or infinity.
/// Raises ValueError if it is negative.
#[pyclass(module = "ferrio", subclass, frozen, weakref, dict)]
pub struct Semaphore {
    overridden: bool,
    /// Whether a subclass overrides `locked`: then `acquire` calls it to learn whether there is a permit.
    locked_overridden: bool,
    state: LoopBound<sync::Semaphore<SyncWaiter>>,
}

impl Semaphore {
    pub const ACQUIRE: Body = body!("Semaphore.acquire", |semaphore: Semaphore| {
        acquiring::acquire(semaphore, Returns::True)
    });
    pub const ENTER: Body = body!("Semaphore.__aenter__", |semaphore: Semaphore| {
        acquiring::enter(semaphore)
    });
    pub const EXIT: Body = body!("Semaphore.__aexit__", |semaphore: Semaphore| {
        acquiring::exit(semaphore)
    });

    /// Calls `locked`, or the method of a subclass that overrides it.
    fn call_locked(slf: &Bound<'_, Self>) -> PyResult<bool> {
        if slf.get().locked_overridden {
            return slf.call_method0(intern!(slf.py(), "locked"))?.is_truthy();
        }
        slf.get().locked(slf.py())
    }

    fn waiter_count(&self, py: Python<'_>) -> usize {
        self.state.with(py, |semaphore| semaphore.waiters.len())
    }

    fn refresh(&self, py: Python<'_>) -> PyResult<()> {
        self.state.refresh(py, Self::waiters, 1)
    }

    /// Gives a permit to the first waiter, if there are both. Returns whether it has.
    fn wake_next(&self, py: Python<'_>) -> PyResult<bool> {
        self.refresh(py)?;
        self.state.wake(py, sync::Semaphore::to_wake, true)
    }

    /// Starts again with a number of permits, for `__init__`.
    fn begin(&self, value: &Bound<'_, PyAny>, bounded: bool) -> PyResult<()> {
        let py = value.py();
        if value.lt(0)? {
            return Err(PyValueError::new_err(
                "Semaphore initial value must be >= 0",
            ));
        }
        let value = permits(value)?;
        let bound = bounded.then_some(value);
        self.state.reset(py, sync::Semaphore::new(value, bound));
        Ok(())
    }
}

impl Acquirable for Semaphore {
    type Core = sync::Semaphore<SyncWaiter>;
    type ReleaseError = sync::ReleasedTooOften;

    #[inline]
    fn state(&self) -> &LoopBound<Self::Core> {
        &self.state
    }

    #[inline]
    fn is_overridden(&self) -> bool {
        self.overridden
    }

    #[inline]
    fn waiters(semaphore: &mut Self::Core) -> &mut Waiters<SyncWaiter> {
        &mut semaphore.waiters
    }

    #[inline]
    fn try_acquire(slf: &Bound<'_, Self>) -> PyResult<bool> {
        let py = slf.py();
        let me = slf.get();
        if me.locked_overridden {
            let acquired = !Self::call_locked(slf)?;
            me.state
                .with(py, |semaphore| semaphore.value -= i64::from(acquired));
            return Ok(acquired);
        }
        me.refresh(py)?;
        Ok(me.state.with(py, sync::Semaphore::try_acquire))
    }

    fn end_wait(
        &self,
        py: Python<'_>,
        future: &Py<PyAny>,
        outcome: PyResult<Py<PyAny>>,
    ) -> PyResult<()> {
        let cancelled = match &outcome {
            Ok(_) => false,
            Err(error) => error.is_instance(py, imports::cancelled_error(py)?),
        };
        cpython::finally(py, outcome, || {
            // A foreign future that was cancelled may have been woken before: its status has to be known.
            self.state.refresh(py, Self::waiters, usize::MAX)?;
            let waiter = self.state.with(py, |semaphore| {
                semaphore.ended(|waiter| waiter.is(future), cancelled)
            });
            drop(waiter);
            while self.wake_next(py)? {}
            Ok(())
        })
        .map(drop)
    }

    #[inline]
    fn release_core(
        semaphore: &mut Self::Core,
    ) -> Result<Option<&SyncWaiter>, sync::ReleasedTooOften> {
        semaphore.release()
    }

    fn release_exception(error: sync::ReleasedTooOften) -> PyErr {
        PyValueError::new_err(error.to_string())
    }
}

/// Converts a number of permits: an integer, also as a floating-point number, or infinity.
fn permits(value: &Bound<'_, PyAny>) -> PyResult<i64> {
    value.extract().or_else(|error| match value.extract() {
        Ok(f64::INFINITY) => Ok(UNLIMITED),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a large number saturates, and a negative one only has to stay negative"
        )]
        Ok(number) if number < 0.0 || number.fract() == 0.0 => Ok(number.floor() as i64),
        _ => Err(error),
    })
}

/// Converts a number of permits to the object that Python code sees.
fn as_object(py: Python<'_>, permits: i64) -> PyResult<Py<PyAny>> {
    Ok(match permits {
        UNLIMITED => f64::INFINITY.into_pyobject(py)?.into_any().unbind(),
        permits => permits.into_pyobject(py)?.into_any().unbind(),
    })
}

#[pymethods]
impl Semaphore {
    #[new]
    #[classmethod]
    #[pyo3(signature = (*_args, **_kwargs), text_signature = "(value=1)")]
    fn new(
        cls: &Bound<'_, PyType>,
        _args: &Bound<'_, PyTuple>,
        _kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let py = cls.py();
        let names = [intern!(py, "acquire"), intern!(py, "release")];
        Ok(Self {
            overridden: overrides::<Self>(cls, &names)?,
            locked_overridden: overrides::<Self>(cls, &[intern!(py, "locked")])?,
            state: LoopBound::new(sync::Semaphore::new(1, None)),
        })
    }

    #[pyo3(signature = (value = Omittable(None)))]
    fn __init__(&self, py: Python<'_>, value: Omittable) -> PyResult<()> {
        self.begin(&value.or_number(py, 1)?, false)
    }

    /// Return True if acquire() would have to wait.
    fn locked(&self, py: Python<'_>) -> PyResult<bool> {
        self.refresh(py)?;
        Ok(self.state.with(py, |semaphore| semaphore.is_locked()))
    }

    /// Acquire a permit, waiting until there is one. The coroutine returns True.
    fn acquire(slf: Py<Self>) -> Call {
        Self::ACQUIRE.call(slf.into_any(), None)
    }

    /// Release a permit and wake the first task that waits for one.
    fn release(&self, py: Python<'_>) -> PyResult<()> {
        acquiring::release(self, py)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let py = slf.py();
        let me = slf.get();
        let waiters = me.waiter_count(py);
        let state = if Self::call_locked(slf)? {
            "locked".to_owned()
        } else {
            format!("unlocked, value:{}", me.get_value(py)?.bind(py).repr()?)
        };
        loop_bound::repr(slf.as_any(), &state, waiters)
    }

    /// Wake the first task that waits, if there is a permit. Return whether a task was woken.
    #[pyo3(name = "_wake_up_next")]
    fn wake_up_next(&self, py: Python<'_>) -> PyResult<bool> {
        self.wake_next(py)
    }

    #[getter(_value)]
    fn get_value(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        as_object(py, self.state.with(py, |semaphore| semaphore.value))
    }

    #[setter(_value)]
    fn set_value(&self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let permits = permits(value)?;
        self.state
            .with(value.py(), |semaphore| semaphore.value = permits);
        Ok(())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.state.traverse(visit, |semaphore, visit| {
            loop_bound::traverse_waiters(&semaphore.waiters, visit)
        })
    }

    fn __clear__(&self) {
        self.state.clear(sync::Semaphore::new(0, None));
    }
}

async_with!(Semaphore);
attributes::loop_bound_attributes!(Semaphore, imports::semaphore_class);
attributes::waiters_attribute!(Semaphore, _waiters, get_waiters, waiters);
copyable!(Semaphore, ["_value"], |slf| slf
    .get()
    .waiter_count(slf.py()));

/// A semaphore whose release() raises ValueError if it is called more often than acquire() (CPython:
/// `asyncio.BoundedSemaphore`).
#[pyclass(module = "ferrio", extends = Semaphore, subclass, frozen, weakref, dict)]
pub struct BoundedSemaphore;

#[pymethods]
impl BoundedSemaphore {
    #[new]
    #[classmethod]
    #[pyo3(signature = (*args, **kwargs), text_signature = "(value=1)")]
    fn new(
        cls: &Bound<'_, PyType>,
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<PyClassInitializer<Self>> {
        let base = Semaphore::new(cls, args, kwargs)?;
        Ok(PyClassInitializer::from(base).add_subclass(Self))
    }

    #[pyo3(signature = (value = Omittable(None)))]
    fn __init__(slf: &Bound<'_, Self>, value: Omittable) -> PyResult<()> {
        let value = value.or_number(slf.py(), 1)?;
        slf.as_super().get().begin(&value, true)
    }

    #[getter(_bound_value)]
    fn get_bound_value(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        let bound = slf
            .as_super()
            .get()
            .state
            .with(py, |semaphore| semaphore.bound);
        as_object(py, bound.unwrap_or(0))
    }

    #[setter(_bound_value)]
    fn set_bound_value(slf: &Bound<'_, Self>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let permits = permits(value)?;
        slf.as_super()
            .get()
            .state
            .with(slf.py(), |semaphore| semaphore.bound = Some(permits));
        Ok(())
    }

    #[getter(__class__)]
    fn class(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        Ok(class_of::<Self>(
            slf,
            imports::bounded_semaphore_class(slf.py())?,
        ))
    }
}

copyable!(BoundedSemaphore, ["_value", "_bound_value"], |slf| {
    slf.as_super().get().waiter_count(slf.py())
});
