//! `Barrier`.

use ferrio::sync::{self, Broken, Entry, Phase};
use pyo3::PyTraverseError;
use pyo3::exceptions::{PyAttributeError, PyValueError};
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};

use super::lock::Returns;
use super::{Condition, copying};
use crate::base::cell::AttachedCell;
use crate::cpython::subclasses::{class_of, overrides};
use crate::kernel::coroutine::{Body, Call, Step, Wait, body};
use crate::{base::imports, cpython};

/// A place that nobody passes until so many tasks have come (CPython: `asyncio.Barrier`).
///
/// Arguments: parties, how many, at least 1. Raises ValueError if it is less.
#[pyclass(module = "ferrio", subclass, frozen, weakref, dict)]
pub struct Barrier {
    /// Whether a subclass has its own `wait`, which `async with` is to call.
    overridden: bool,
    /// What everybody waits on. `None` before `__init__`.
    condition: AttachedCell<Option<Py<Condition>>>,
    state: AttachedCell<sync::Barrier>,
}

impl Barrier {
    fn condition<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Condition>> {
        let condition = self.condition.with(py, |condition| {
            condition
                .as_ref()
                .map(|condition| condition.bind(py).clone())
        });
        condition
            .ok_or_else(|| PyAttributeError::new_err("'Barrier' object has no attribute '_cond'"))
    }

    fn notify_all(&self, py: Python<'_>) -> PyResult<()> {
        self.condition(py)?.get().notify_native(py, usize::MAX)
    }

    /// `wait`, as a step of a coroutine.
    fn wait_step(slf: &Bound<'_, Self>) -> PyResult<Step> {
        Self::locked(slf, Then::Enter)
    }

    /// Takes the condition's lock, then goes on.
    fn locked(slf: &Bound<'_, Self>, then: Then) -> PyResult<Step> {
        let py = slf.py();
        let guard = slf.get().condition(py)?.get().guard(py)?;
        let passing = Box::new(Passing {
            barrier: slf.clone().unbind(),
            phase: Holding::Acquiring(then),
        });
        Step::then(guard.acquire_step(py, Returns::None), py, passing)
    }
}

/// What somebody does who has taken the lock.
#[derive(Clone, Copy)]
enum Then {
    Enter,
    Reset,
    Abort,
}

/// What somebody waits for at a barrier.
enum Holding {
    /// The lock.
    Acquiring(Then),
    /// To be let in.
    Outside,
    /// The others. With the number to be returned.
    Inside(usize),
}

/// Somebody at a barrier.
struct Passing {
    barrier: Py<Barrier>,
    phase: Holding,
}

impl Passing {
    /// Waits for a notification.
    fn wait(mut self: Box<Self>, py: Python<'_>, phase: Holding) -> PyResult<Step> {
        self.phase = phase;
        let condition = self.barrier.get().condition(py)?;
        Step::then(Condition::wait_step(&condition), py, self)
    }

    /// Gives the lock back and ends.
    fn end(&self, py: Python<'_>, outcome: PyResult<Py<PyAny>>) -> PyResult<Step> {
        let outcome = cpython::finally(py, outcome, || {
            let condition = self.barrier.get().condition(py)?;
            condition.get().guard(py)?.release(py)
        });
        outcome.map(Step::Return)
    }

    /// The same for somebody who was in.
    fn leave(&self, py: Python<'_>, outcome: PyResult<Py<PyAny>>) -> PyResult<Step> {
        let barrier = self.barrier.get();
        let outcome = cpython::finally(py, outcome, || {
            if barrier.state.with(py, sync::Barrier::leave) {
                barrier.notify_all(py)?;
            }
            Ok(())
        });
        self.end(py, outcome)
    }

    fn enter(self: Box<Self>, py: Python<'_>) -> PyResult<Step> {
        let barrier = self.barrier.get();
        match barrier.state.with(py, sync::Barrier::enter) {
            Ok(Entry::Later) => self.wait(py, Holding::Outside),
            Ok(Entry::Wait(number)) => self.wait(py, Holding::Inside(number)),
            Ok(Entry::Last(number)) => {
                barrier.notify_all(py)?;
                let number = number.into_pyobject(py)?.into_any().unbind();
                self.leave(py, Ok(number))
            }
            Err(Broken) => self.end(py, Err(broken(py, "Barrier aborted"))),
        }
    }

    /// Changes the phase for everybody.
    fn change(&self, py: Python<'_>, change: fn(&mut sync::Barrier)) -> PyResult<Step> {
        let barrier = self.barrier.get();
        barrier.state.with(py, change);
        let outcome = barrier.notify_all(py).map(|()| py.None());
        self.end(py, outcome)
    }
}

impl Wait for Passing {
    fn resume(self: Box<Self>, py: Python<'_>, outcome: PyResult<Py<PyAny>>) -> PyResult<Step> {
        match (&self.phase, outcome) {
            (Holding::Acquiring(_), Err(error)) => Err(error),
            (Holding::Outside, Err(error)) => self.end(py, Err(error)),
            (Holding::Inside(_), Err(error)) => self.leave(py, Err(error)),
            (Holding::Acquiring(Then::Enter) | Holding::Outside, Ok(_)) => self.enter(py),
            (Holding::Acquiring(Then::Reset), Ok(_)) => self.change(py, sync::Barrier::reset),
            (Holding::Acquiring(Then::Abort), Ok(_)) => self.change(py, sync::Barrier::abort),
            (&Holding::Inside(number), Ok(_)) => {
                match self.barrier.get().state.with(py, |state| state.passed()) {
                    None => self.wait(py, Holding::Inside(number)),
                    Some(Ok(())) => {
                        let number = number.into_pyobject(py)?.into_any().unbind();
                        self.leave(py, Ok(number))
                    }
                    Some(Err(Broken)) => {
                        self.leave(py, Err(broken(py, "Abort or reset of barrier")))
                    }
                }
            }
        }
    }

    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.barrier)
    }
}

/// A `BrokenBarrierError`.
fn broken(py: Python<'_>, text: &str) -> PyErr {
    cpython::raise_new(imports::broken_barrier_error(py), (text,))
}

const fn name(phase: Phase) -> &'static str {
    match phase {
        Phase::Filling => "filling",
        Phase::Draining => "draining",
        Phase::Resetting => "resetting",
        Phase::Broken => "broken",
    }
}

impl Barrier {
    pub const ENTER: Body = body!("Barrier.__aenter__", |barrier: Barrier| {
        if barrier.get().overridden {
            let waiting = barrier.call_method0(intern!(barrier.py(), "wait"))?;
            return Ok(Step::Wait(waiting.unbind(), Box::new(Same)));
        }
        Barrier::wait_step(barrier)
    });
    pub const EXIT: Body = body!("Barrier.__aexit__", |barrier: Barrier| Ok(Step::none(
        barrier.py()
    )));
    pub const WAIT: Body = body!("Barrier.wait", |barrier: Barrier| Barrier::wait_step(
        barrier
    ));
    pub const RESET: Body = body!("Barrier.reset", |barrier: Barrier| Barrier::locked(
        barrier,
        Then::Reset
    ));
    pub const ABORT: Body = body!("Barrier.abort", |barrier: Barrier| Barrier::locked(
        barrier,
        Then::Abort
    ));
}

#[pymethods]
impl Barrier {
    #[new]
    #[classmethod]
    #[pyo3(signature = (*_args, **_kwargs), text_signature = "(parties)")]
    fn new(
        cls: &Bound<'_, PyType>,
        _args: &Bound<'_, PyTuple>,
        _kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        Ok(Self {
            overridden: overrides::<Self>(cls, &[intern!(cls.py(), "wait")])?,
            condition: AttachedCell::new(None),
            state: AttachedCell::new(sync::Barrier::new(1)),
        })
    }

    fn __init__(&self, parties: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = parties.py();
        if parties.lt(1)? {
            return Err(PyValueError::new_err(if cfg!(Py_3_14) {
                "parties must be >= 1"
            } else {
                "parties must be > 0"
            }));
        }
        let state = sync::Barrier::new(parties.extract()?);
        let condition = Condition::create(py)?.unbind();
        self.state.with(py, |current| *current = state);
        drop(self.condition.replace(py, Some(condition)));
        Ok(())
    }

    /// Wait until as many tasks as it takes have come. The coroutine returns a number from 0 on, each task another.
    ///
    /// Raises BrokenBarrierError if the barrier is aborted, or reset while the task waits.
    fn wait(slf: Py<Self>) -> Call {
        Self::WAIT.call(slf.into_any(), None)
    }

    /// Send the tasks that wait away, with BrokenBarrierError, and begin anew.
    fn reset(slf: Py<Self>) -> Call {
        Self::RESET.call(slf.into_any(), None)
    }

    /// Break the barrier: those who wait and those who come get BrokenBarrierError.
    fn abort(slf: Py<Self>) -> Call {
        Self::ABORT.call(slf.into_any(), None)
    }

    /// How many tasks it takes.
    #[getter]
    fn parties(&self, py: Python<'_>) -> usize {
        self.state.with(py, |barrier| barrier.parties())
    }

    /// How many tasks wait for the others.
    #[getter]
    fn n_waiting(&self, py: Python<'_>) -> usize {
        self.state.with(py, |barrier| match barrier.phase() {
            Phase::Filling => barrier.count(),
            _ => 0,
        })
    }

    /// Whether the barrier was aborted.
    #[getter]
    fn broken(&self, py: Python<'_>) -> bool {
        self.state
            .with(py, |barrier| barrier.phase() == Phase::Broken)
    }

    fn __aenter__(slf: Py<Self>) -> Call {
        Self::ENTER.call(slf.into_any(), None)
    }

    #[pyo3(signature = (*_args))]
    fn __aexit__(slf: Py<Self>, _args: &Bound<'_, PyTuple>) -> Call {
        Self::EXIT.call(slf.into_any(), None)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let py = slf.py();
        let me = slf.get();
        let mut state = name(me.state.with(py, |barrier| barrier.phase())).to_owned();
        if !me.broken(py) {
            state = format!("{state}, waiters:{}/{}", me.n_waiting(py), me.parties(py));
        }
        super::loop_bound::repr(slf.as_any(), &state, 0)
    }

    #[getter(__class__)]
    fn class(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        Ok(class_of::<Self>(slf, imports::barrier_class(slf.py())?))
    }

    /// A barrier belongs to its condition's loop.
    #[getter(_loop)]
    fn get_loop_attribute(&self) -> Option<Py<PyAny>> {
        None
    }

    #[pyo3(name = "_get_loop")]
    fn event_loop<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.condition(py)?.call_method0(intern!(py, "_get_loop"))
    }

    #[getter(_cond)]
    fn get_condition<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Condition>> {
        self.condition(py)
    }

    #[getter(_count)]
    fn get_count(&self, py: Python<'_>) -> usize {
        self.state.with(py, |barrier| barrier.count())
    }

    #[getter(_parties)]
    fn get_parties(&self, py: Python<'_>) -> usize {
        self.parties(py)
    }

    /// The member of asyncio's enumeration.
    #[getter(_state)]
    fn get_state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let phase = self.state.with(py, |barrier| barrier.phase());
        imports::barrier_state(py)?.call1((name(phase),))
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<copying::Reduced<'py>> {
        copying::reduce(slf.as_any())
    }

    fn __getstate__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyDict>> {
        let count = slf.get().get_count(slf.py());
        copying::state(slf.as_any(), count, &["_parties", "broken"])
    }

    fn __setstate__(slf: &Bound<'_, Self>, state: &Bound<'_, PyDict>) -> PyResult<()> {
        let me = slf.get();
        let own = state.copy()?;
        for (name, value) in state {
            match name.extract::<&str>()? {
                "_parties" => me.__init__(&value)?,
                "broken" if value.is_truthy()? => me.state.with(slf.py(), sync::Barrier::abort),
                "broken" => {}
                _ => continue,
            }
            own.del_item(name)?;
        }
        copying::restore(slf.as_any(), &own)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.condition.visit(|condition| visit.call(condition))
    }

    fn __clear__(&self) {
        Python::attach(|py| drop(self.condition.take(py)));
    }
}

/// Returns what was awaited.
struct Same;

impl Wait for Same {
    fn resume(self: Box<Self>, _: Python<'_>, outcome: PyResult<Py<PyAny>>) -> PyResult<Step> {
        outcome.map(Step::Return)
    }

    fn traverse(&self, _: PyVisit<'_>) -> Result<(), PyTraverseError> {
        Ok(())
    }
}
