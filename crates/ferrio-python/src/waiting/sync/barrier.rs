//! `Barrier`. Its tasks wait on a condition, and the phase changes under the lock of that condition.

use ferrio::engine::sync::{self, Broken, Entry, Phase};
use pyo3::PyTraverseError;
use pyo3::exceptions::{PyAttributeError, PyValueError};
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};

use super::{Condition, Returns, copying};
use crate::base::cell::AttachedCell;
use crate::cpython::subclasses::{class_of, overrides};
use crate::kernel::coroutine::{Body, Call, Step, Wait, body};
use crate::waiting::return_await::return_await;
use crate::{base::imports, cpython};

/// A point that tasks pass together: each waits until enough tasks have come (CPython: `asyncio.Barrier`).
///
/// Arguments: parties, the number of tasks, at least 1. Raises ValueError if it is less.
#[pyclass(module = "ferrio", subclass, frozen, weakref, dict)]
pub struct Barrier {
    /// Whether a subclass overrides `wait`: then `async with` calls the method.
    overridden: bool,
    /// The condition that all tasks wait on; `None` before `__init__`.
    condition: AttachedCell<Option<Py<Condition>>>,
    state: AttachedCell<sync::Barrier>,
}

impl Barrier {
    fn condition<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Condition>> {
        let condition = self.condition.get_bound(py, |condition| condition.as_ref());
        condition
            .ok_or_else(|| PyAttributeError::new_err("'Barrier' object has no attribute '_cond'"))
    }

    fn notify_all(&self, py: Python<'_>) -> PyResult<()> {
        self.condition(py)?.get().notify_native(py, usize::MAX)
    }

    /// Acquires the condition's lock and does an action under it, as a step of a coroutine.
    fn begin(slf: &Bound<'_, Self>, action: Action) -> PyResult<Step> {
        let py = slf.py();
        let guard = slf.get().condition(py)?.get().guard(py)?;
        let passage = Box::new(Passage {
            barrier: slf.clone().unbind(),
            stage: PassageStage::Acquiring(action),
        });
        Step::then(guard.acquire_step(py, Returns::None), py, passage)
    }
}

/// What a task does once it holds the lock.
#[derive(Clone, Copy)]
enum Action {
    Enter,
    Reset,
    Abort,
}

/// What a task waits for at a barrier.
enum PassageStage {
    /// For the lock.
    Acquiring(Action),
    /// For the tasks of the round before to leave.
    Outside,
    /// For the other tasks of its round. Holds the number that `wait` returns.
    Inside(usize),
}

/// A coroutine of a barrier, from acquiring the lock to releasing it.
struct Passage {
    barrier: Py<Barrier>,
    stage: PassageStage,
}

impl Passage {
    /// Waits on the condition.
    fn wait(mut self: Box<Self>, py: Python<'_>, stage: PassageStage) -> PyResult<Step> {
        self.stage = stage;
        let condition = self.barrier.get().condition(py)?;
        Step::then(Condition::wait_step(&condition), py, self)
    }

    /// Releases the lock and ends with an outcome.
    fn end(&self, py: Python<'_>, outcome: PyResult<Py<PyAny>>) -> PyResult<Step> {
        let outcome = cpython::finally(py, outcome, || {
            let condition = self.barrier.get().condition(py)?;
            condition.get().guard(py)?.release(py)
        });
        outcome.map(Step::Return)
    }

    /// Ends as [`end`](Self::end) does, for a task that was inside: the last one to leave lets others in.
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

    /// Enters the barrier, or waits outside.
    fn enter(self: Box<Self>, py: Python<'_>) -> PyResult<Step> {
        let barrier = self.barrier.get();
        match barrier.state.with(py, sync::Barrier::enter) {
            Ok(Entry::Later) => self.wait(py, PassageStage::Outside),
            Ok(Entry::Wait(number)) => self.wait(py, PassageStage::Inside(number)),
            Ok(Entry::Last(number)) => {
                barrier.notify_all(py)?;
                let number = number.into_pyobject(py)?.into_any().unbind();
                self.leave(py, Ok(number))
            }
            Err(Broken) => self.end(py, Err(broken(py, "Barrier aborted"))),
        }
    }

    /// Changes the phase of the barrier and wakes all tasks.
    fn change(&self, py: Python<'_>, change: fn(&mut sync::Barrier)) -> PyResult<Step> {
        let barrier = self.barrier.get();
        barrier.state.with(py, change);
        let outcome = barrier.notify_all(py).map(|()| py.None());
        self.end(py, outcome)
    }
}

impl Wait for Passage {
    fn resume(self: Box<Self>, py: Python<'_>, outcome: PyResult<Py<PyAny>>) -> PyResult<Step> {
        match (&self.stage, outcome) {
            (PassageStage::Acquiring(_), Err(error)) => Err(error),
            (PassageStage::Outside, Err(error)) => self.end(py, Err(error)),
            (PassageStage::Inside(_), Err(error)) => self.leave(py, Err(error)),
            (PassageStage::Acquiring(Action::Enter) | PassageStage::Outside, Ok(_)) => {
                self.enter(py)
            }
            (PassageStage::Acquiring(Action::Reset), Ok(_)) => {
                self.change(py, sync::Barrier::reset)
            }
            (PassageStage::Acquiring(Action::Abort), Ok(_)) => {
                self.change(py, sync::Barrier::abort)
            }
            (&PassageStage::Inside(number), Ok(_)) => {
                match self.barrier.get().state.with(py, |state| state.passed()) {
                    None => self.wait(py, PassageStage::Inside(number)),
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

/// Makes a `BrokenBarrierError`.
fn broken(py: Python<'_>, text: &str) -> PyErr {
    cpython::raise_new(imports::broken_barrier_error(py), (text,))
}

/// Returns asyncio's name of a phase.
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
            return Ok(return_await(waiting.unbind()));
        }
        Barrier::begin(barrier, Action::Enter)
    });
    pub const EXIT: Body = body!("Barrier.__aexit__", |barrier: Barrier| Ok(Step::none(
        barrier.py()
    )));
    pub const WAIT: Body = body!("Barrier.wait", |barrier: Barrier| Barrier::begin(
        barrier,
        Action::Enter
    ));
    pub const RESET: Body = body!("Barrier.reset", |barrier: Barrier| Barrier::begin(
        barrier,
        Action::Reset
    ));
    pub const ABORT: Body = body!("Barrier.abort", |barrier: Barrier| Barrier::begin(
        barrier,
        Action::Abort
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

    /// Wait until enough tasks have come. The coroutine returns a number from 0 to parties - 1, different in each task.
    ///
    /// Raises BrokenBarrierError if the barrier is aborted, or reset while the task waits.
    fn wait(slf: Py<Self>) -> Call {
        Self::WAIT.call(slf.into_any(), None)
    }

    /// Raise BrokenBarrierError in the tasks that wait, and start again with an empty barrier.
    fn reset(slf: Py<Self>) -> Call {
        Self::RESET.call(slf.into_any(), None)
    }

    /// Break the barrier: raise BrokenBarrierError in the tasks that wait and in those that come.
    fn abort(slf: Py<Self>) -> Call {
        Self::ABORT.call(slf.into_any(), None)
    }

    /// The number of tasks that pass together.
    #[getter]
    fn parties(&self, py: Python<'_>) -> usize {
        self.state.with(py, |barrier| barrier.parties())
    }

    /// The number of tasks that wait for the others.
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

    /// Always None, as in asyncio: the condition is bound to the loop.
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

    /// The phase, as a member of asyncio's enumeration.
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
        self.condition
            .visit(&visit, |condition| visit.call(condition))
    }

    fn __clear__(&self) {
        Python::attach(|py| drop(self.condition.take(py)));
    }
}
