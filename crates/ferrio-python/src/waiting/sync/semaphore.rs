//! `Semaphore` and `BoundedSemaphore`.

use ferrio::sync::{self, UNLIMITED};
use pyo3::PyTraverseError;
use pyo3::exceptions::PyValueError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};

use super::copying::copied;
use super::lock::{Returns, enter_overridden, exit_overridden};
use super::loop_bound::{self, LoopBound};
use super::{SyncWaiter, attributes};
use crate::base::arguments::Omittable;
use crate::cpython::subclasses::{class_of, overrides};
use crate::kernel::coroutine::{Body, Call, Step, Wait, body};
use crate::{base::imports, cpython};

/// A counter of permits that tasks take and give back, in the order in which they came (CPython: `asyncio.Semaphore`).
///
/// Use it by `async with semaphore:`. Arguments: value, how many permits there are, an integer of at least 0, or
/// infinity. Raises ValueError if it is less.
#[pyclass(module = "ferrio", subclass, frozen, weakref, dict)]
pub struct Semaphore {
    /// Whether a subclass has its own `acquire` or `release`, which `async with` is to call.
    overridden: bool,
    /// Whether a subclass has its own `locked`, which says whether there is a permit.
    locked_overridden: bool,
    state: LoopBound<sync::Semaphore<SyncWaiter>>,
}

impl Semaphore {
    pub const ACQUIRE: Body = body!("Semaphore.acquire", |semaphore: Semaphore| {
        Semaphore::acquire_step(semaphore, Returns::True)
    });
    pub const ENTER: Body = body!("Semaphore.__aenter__", |semaphore: Semaphore| {
        if semaphore.get().overridden {
            return enter_overridden(semaphore.as_any());
        }
        Semaphore::acquire_step(semaphore, Returns::None)
    });
    pub const EXIT: Body = body!("Semaphore.__aexit__", |semaphore: Semaphore| {
        if semaphore.get().overridden {
            return exit_overridden(semaphore.as_any());
        }
        semaphore.get().release_native(semaphore.py())?;
        Ok(Step::none(semaphore.py()))
    });

    fn acquire_step(slf: &Bound<'_, Self>, returns: Returns) -> PyResult<Step> {
        let py = slf.py();
        let me = slf.get();
        if Self::try_acquire(slf)? {
            return Ok(Step::Return(returns.into_object(py)));
        }
        let (waiter, future) = me.state.new_waiter(slf.as_any())?;
        me.state
            .with(py, |semaphore| semaphore.waiters.push(waiter));
        let acquiring = Acquiring {
            semaphore: slf.clone().unbind(),
            future: future.clone_ref(py),
            returns,
        };
        Ok(Step::Wait(future, Box::new(acquiring)))
    }

    /// Takes a permit if there is one.
    fn try_acquire(slf: &Bound<'_, Self>) -> PyResult<bool> {
        let py = slf.py();
        let me = slf.get();
        if me.locked_overridden {
            let acquired = !Self::asks_locked(slf)?;
            me.state
                .with(py, |semaphore| semaphore.value -= i64::from(acquired));
            return Ok(acquired);
        }
        me.refresh(py)?;
        Ok(me.state.with(py, sync::Semaphore::try_acquire))
    }

    /// `locked`, or what a subclass has in place of it.
    fn asks_locked(slf: &Bound<'_, Self>) -> PyResult<bool> {
        if slf.get().locked_overridden {
            return slf.call_method0(intern!(slf.py(), "locked"))?.is_truthy();
        }
        slf.get().locked(slf.py())
    }

    fn waiters(&self, py: Python<'_>) -> usize {
        self.state.with(py, |semaphore| semaphore.waiters.len())
    }

    fn release_native(&self, py: Python<'_>) -> PyResult<()> {
        self.refresh(py)?;
        let next = self.state.with(py, |semaphore| {
            let next = semaphore.release()?;
            Ok(next.map(|waiter| waiter.clone_ref(py)))
        });
        match next {
            Ok(None) => Ok(()),
            Ok(Some(waiter)) => waiter.wake(py, Returns::True.into_object(py)),
            Err(sync::ReleasedTooOften) => {
                Err(PyValueError::new_err(sync::ReleasedTooOften.to_string()))
            }
        }
    }

    fn refresh(&self, py: Python<'_>) -> PyResult<()> {
        self.state
            .refresh(py, |semaphore| &mut semaphore.waiters, 1)
    }

    /// Begins anew with this value, as `__init__` does.
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

/// A number of permits: an integer, also as a floating-point number, or infinity.
fn permits(value: &Bound<'_, PyAny>) -> PyResult<i64> {
    value.extract().or_else(|error| match value.extract() {
        Ok(f64::INFINITY) => Ok(UNLIMITED),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "what does not fit is cut to what does, and a negative number only has to stay one"
        )]
        Ok(number) if number < 0.0 || number.fract() == 0.0 => Ok(number.floor() as i64),
        _ => Err(error),
    })
}

fn as_object(py: Python<'_>, permits: i64) -> PyResult<Py<PyAny>> {
    Ok(match permits {
        UNLIMITED => f64::INFINITY.into_pyobject(py)?.into_any().unbind(),
        permits => permits.into_pyobject(py)?.into_any().unbind(),
    })
}

/// One who waits for a permit.
struct Acquiring {
    semaphore: Py<Semaphore>,
    future: Py<PyAny>,
    returns: Returns,
}

impl Wait for Acquiring {
    fn resume(self: Box<Self>, py: Python<'_>, outcome: PyResult<Py<PyAny>>) -> PyResult<Step> {
        let semaphore = self.semaphore.get();
        let cancelled = match &outcome {
            Ok(_) => false,
            Err(error) => error.is_instance(py, imports::cancelled_error(py)?),
        };
        // What has become of a future that is not ferrio's has to be known if it was cancelled.
        let state = &semaphore.state;
        cpython::finally(py, outcome, || {
            state.refresh(py, |semaphore| &mut semaphore.waiters, usize::MAX)?;
            let me = state.with(py, |semaphore| {
                semaphore.ended(|waiter| waiter.is(&self.future), cancelled)
            });
            drop(me);
            while let Some(waiter) = state.with(py, |semaphore| {
                let next = semaphore.to_wake();
                next.map(|waiter| waiter.clone_ref(py))
            }) {
                waiter.wake(py, Returns::True.into_object(py))?;
                semaphore.refresh(py)?;
            }
            Ok(())
        })?;
        Ok(Step::Return(self.returns.into_object(py)))
    }

    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.semaphore)?;
        visit.call(&self.future)
    }
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

    /// Return True if there is no permit to be had at once.
    fn locked(&self, py: Python<'_>) -> PyResult<bool> {
        self.refresh(py)?;
        Ok(self.state.with(py, |semaphore| semaphore.is_locked()))
    }

    /// Take a permit, waiting for one if there is none. The coroutine returns True.
    fn acquire(slf: Py<Self>) -> Call {
        Self::ACQUIRE.call(slf.into_any(), None)
    }

    /// Give a permit back; the first who waits gets it.
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
        let py = slf.py();
        let me = slf.get();
        let waiters = me.waiters(py);
        let state = if Self::asks_locked(slf)? {
            "locked".to_owned()
        } else {
            format!("unlocked, value:{}", me.get_value(py)?.bind(py).repr()?)
        };
        loop_bound::repr(slf.as_any(), &state, waiters)
    }

    /// Wake the first who waits, if there is a permit. Return whether there was somebody.
    #[pyo3(name = "_wake_up_next")]
    fn wake_up_next(&self, py: Python<'_>) -> PyResult<bool> {
        self.refresh(py)?;
        let next = self.state.with(py, |semaphore| {
            let next = semaphore.to_wake();
            next.map(|waiter| waiter.clone_ref(py))
        });
        let Some(waiter) = next else {
            return Ok(false);
        };
        waiter.wake(py, Returns::True.into_object(py))?;
        Ok(true)
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
            loop_bound::traverse_line(&semaphore.waiters, visit)
        })
    }

    fn __clear__(&self) {
        self.state.clear(sync::Semaphore::new(0, None));
    }
}

attributes::of_bound!(Semaphore, imports::semaphore_class);
attributes::line!(Semaphore, _waiters, get_waiters, waiters);
copied!(Semaphore, ["_value"], |slf| slf.get().waiters(slf.py()));

/// A semaphore whose release() raises ValueError if it was called more often than acquire() (CPython:
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

copied!(BoundedSemaphore, ["_value", "_bound_value"], |slf| {
    slf.as_super().get().waiters(slf.py())
});
