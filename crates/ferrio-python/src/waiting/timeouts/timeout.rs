//! `Timeout`: an `async with` block with a deadline (CPython: `asyncio/timeouts.py`).
//!
//! When the time is up, the timer cancels the task that the block runs in. The end of the block takes this request back and
//! turns the `CancelledError` into a `TimeoutError`, unless others have asked to cancel the task meanwhile.

use pyo3::PyTraverseError;
use pyo3::exceptions::{PyBaseExceptionGroup, PyRuntimeError, PyTimeoutError};
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::Timer;
use super::timer::{deadline_after, time, time_ahead};
use crate::base::cell::AttachedCell;
use crate::cpython::subclasses::{class_of, has_own};
use crate::kernel::coroutine::{Body, Call, Step, body};
use crate::kernel::event_loop::{Action, Callback, native_loop};
use crate::kernel::task::{Task, cancelling, current_task, running_loop, uncancel};
use crate::{base::imports, cpython};

static EXPIRY: Action = Action::of("expiry of", |object| Timeout::on_expiry(object.cast()?));

/// How far the block is.
#[derive(Copy, Clone, PartialEq, Eq)]
pub(super) enum TimeoutPhase {
    Created,
    Entered,
    Expiring,
    Expired,
    Exited,
}

impl TimeoutPhase {
    /// Returns asyncio's name of the phase.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Entered => "active",
            Self::Expiring => "expiring",
            Self::Expired => "expired",
            Self::Exited => "finished",
        }
    }
}

/// The interior state.
pub(super) struct State {
    pub(super) phase: TimeoutPhase,
    /// The deadline on the loop's clock, as the program has passed it.
    pub(super) when: Option<Py<PyAny>>,
    pub(super) timer: Option<Timer>,
    /// Whether the deadline had passed when it was set, so that the expiry is in the ready queue.
    due: bool,
    /// The task that the block runs in.
    pub(super) task: Option<Py<PyAny>>,
    /// The number of requests to cancel the task when the block began.
    pub(super) cancelling: i64,
}

impl State {
    const fn new(when: Option<Py<PyAny>>) -> Self {
        Self {
            phase: TimeoutPhase::Created,
            when,
            timer: None,
            due: false,
            task: None,
            cancelling: 0,
        }
    }
}

/// An asynchronous context manager that cancels its block when the time is up, and then raises TimeoutError.
///
/// Use timeout() or timeout_at() to make one.
#[pyclass(module = "ferrio", subclass, frozen, weakref, dict)]
pub struct Timeout {
    pub(super) state: AttachedCell<State>,
}

/// Cancel the `async with` block after delay seconds, and raise TimeoutError; None means never.
#[pyfunction]
pub fn timeout<'py>(
    py: Python<'py>,
    delay: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, Timeout>> {
    let when = match delay {
        // asyncio raises `RuntimeError` without a running loop, even if there is no deadline.
        None => running_loop(py).map(|_| None)?,
        Some(delay) => Some(deadline_after(&delay)?.unbind()),
    };
    Timeout::create(py, when)
}

/// Cancel the `async with` block at a time on the clock of loop.time(), in seconds; None means never.
#[pyfunction]
pub fn timeout_at(when: Option<Py<PyAny>>) -> Timeout {
    Timeout::with_deadline(when)
}

cpython::recycle!(Timeout);

impl Timeout {
    pub const ENTER: Body = body!("Timeout.__aenter__", |timeout: Timeout| {
        Timeout::enter(timeout)?;
        Ok(Step::Return(timeout.clone().into_any().unbind()))
    });
    pub const EXIT: Body = body!("Timeout.__aexit__", |timeout: Timeout, raised| {
        let py = timeout.py();
        let raised = raised.map(|raised| raised.into_bound(py));
        Timeout::exit(timeout, raised.as_ref().filter(|raised| !raised.is_none()))?;
        Ok(Step::none(py))
    });

    const fn with_deadline(when: Option<Py<PyAny>>) -> Self {
        Self {
            state: AttachedCell::new(State::new(when)),
        }
    }

    /// Makes a timeout as an object.
    pub fn create(py: Python<'_>, when: Option<Py<PyAny>>) -> PyResult<Bound<'_, Self>> {
        cpython::create(py, || Self::with_deadline(when))
    }

    /// Begins the block in the current task, for `__aenter__`.
    pub fn enter(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if me.phase(py) != TimeoutPhase::Created {
            return Err(PyRuntimeError::new_err("Timeout has already been entered"));
        }
        let task = current_task(py, None)?;
        if task.is_none() {
            return Err(PyRuntimeError::new_err(
                "Timeout should be used inside a task",
            ));
        }
        let cancelling = cancelling(&task)?;
        let task = task.unbind();
        let when = me.state.get_ref(py, |state| {
            state.phase = TimeoutPhase::Entered;
            state.task = Some(task);
            state.cancelling = cancelling;
            state.when.as_ref()
        });
        let reschedule = intern!(py, "reschedule");
        if has_own::<Self>(slf, reschedule)? {
            return slf.call_method1(reschedule, (when,)).map(drop);
        }
        Self::start_timer(slf, when)
    }

    /// Ends the block, for `__aexit__`. Raises `TimeoutError` if the block has raised `CancelledError` because of the timeout.
    pub fn exit(slf: &Bound<'_, Self>, raised: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let (phase, timer, task, cancelling) = me.state.with(py, |state| {
            let phase = state.phase;
            state.phase = match phase {
                TimeoutPhase::Expiring => TimeoutPhase::Expired,
                TimeoutPhase::Entered => TimeoutPhase::Exited,
                other => other,
            };
            (
                phase,
                state.timer.take(),
                state.task.take(),
                state.cancelling,
            )
        });
        if let Some(timer) = timer {
            timer.cancel(py)?;
        }
        let (TimeoutPhase::Expiring, Some(task)) = (phase, task) else {
            return Ok(());
        };
        let left = uncancel(task.bind(py))?;
        let Some(raised) = raised.filter(|_| left <= cancelling) else {
            return Ok(());
        };
        let class = imports::cancelled_error(py)?;
        let cancelled = if cfg!(Py_3_13) {
            raised.is_instance(class)?
        } else {
            raised.get_type().is(class)
        };
        if cancelled {
            let error = py.get_type::<PyTimeoutError>().call0()?;
            return Err(cpython::raise_from(
                error,
                &PyErr::from_value(raised.clone()),
            ));
        }
        if cfg!(Py_3_13) {
            insert_timeout_error(raised)?;
            if raised.is_instance_of::<PyBaseExceptionGroup>()
                && raised.is_instance(imports::exception_group(py)?)?
            {
                for inner in raised.getattr(intern!(py, "exceptions"))?.try_iter()? {
                    insert_timeout_error(&inner?)?;
                }
            }
        }
        Ok(())
    }

    /// Cancels the task, when the timer fires.
    pub fn on_expiry(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        // An expiry that was queued before `reschedule` does not count.
        let fired = me.state.with(py, |state| match &state.timer {
            Some(Timer::Native(event_loop, key)) => Err((event_loop.clone_ref(py), *key)),
            Some(Timer::Handle(_)) => Ok(true),
            None => Ok(state.due),
        });
        let fired = match fired {
            Ok(fired) => fired,
            Err((event_loop, key)) => !event_loop.get().is_scheduled(py, key),
        };
        let (task, timer) = me.state.with(py, |state| {
            if state.phase != TimeoutPhase::Entered || !fired {
                return (None, None);
            }
            let task = state.task.as_ref().map(|task| task.clone_ref(py));
            (task, state.timer.take())
        });
        drop(timer);
        if let Some(task) = task {
            match task.bind(py).cast_exact::<Task>() {
                Ok(task) => Task::request_cancel(task, None)?,
                Err(_) => task
                    .call_method0(py, intern!(py, "cancel"))?
                    .is_truthy(py)?,
            };
            me.state
                .with(py, |state| state.phase = TimeoutPhase::Expiring);
        }
        Ok(())
    }

    pub(super) fn phase(&self, py: Python<'_>) -> TimeoutPhase {
        self.state.with(py, |state| state.phase)
    }

    /// Starts the timer and cancels the one that may be running.
    fn start_timer(slf: &Bound<'_, Self>, when: Option<Py<PyAny>>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let timer = me.state.with(py, |state| {
            state.due = false;
            state.timer.take()
        });
        if let Some(timer) = timer {
            timer.cancel(py)?;
        }
        let Some(when) = when else {
            return Ok(());
        };
        let event_loop = running_loop(py)?;
        let on_timeout = intern!(py, "_on_timeout");
        let native = native_loop(&event_loop);
        let timer = if let Some(native) = native
            && !has_own::<Self>(slf, on_timeout)?
        {
            let expire = Callback::action(&EXPIRY, slf);
            let Some(at) = time_ahead(native, when.bind(py))? else {
                // As `call_soon` does: the expiry runs before callbacks that become ready from now on.
                native.get().push_checked(py, expire)?;
                me.state.with(py, |state| state.due = true);
                return Ok(());
            };
            Timer::schedule(native, at, expire)?
        } else {
            let on_timeout = slf.getattr(on_timeout)?;
            let past = when.bind(py).le(time(&event_loop)?)?;
            let handle = if past {
                event_loop.call_method1(intern!(py, "call_soon"), (on_timeout,))?
            } else {
                event_loop.call_method1(intern!(py, "call_at"), (when, on_timeout))?
            };
            Timer::Handle(handle.unbind())
        };
        me.state.with(py, |state| state.timer = Some(timer));
        Ok(())
    }
}

#[pymethods]
impl Timeout {
    #[new]
    #[pyo3(signature = (*_args, **_kwargs), text_signature = "(when)")]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        Self::with_deadline(None)
    }

    fn __init__(&self, py: Python<'_>, when: Option<Py<PyAny>>) {
        let old = self
            .state
            .with(py, |state| std::mem::replace(state, State::new(when)));
        drop(old);
    }

    /// Return the deadline on the loop's clock in seconds, or None.
    pub(super) fn when(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.state.get_ref(py, |state| state.when.as_ref())
    }

    /// Set another deadline; None means never. Raises RuntimeError before and after the block.
    fn reschedule(slf: &Bound<'_, Self>, when: Option<Py<PyAny>>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        match me.phase(py) {
            TimeoutPhase::Entered => {}
            TimeoutPhase::Created => {
                return Err(PyRuntimeError::new_err("Timeout has not been entered"));
            }
            phase => {
                let text = format!("Cannot change state of {} Timeout", phase.name());
                return Err(PyRuntimeError::new_err(text));
            }
        }
        let kept = when.as_ref().map(|when| when.clone_ref(py));
        let old = me
            .state
            .with(py, |state| std::mem::replace(&mut state.when, kept));
        drop(old);
        Self::start_timer(slf, when)
    }

    /// Return True if the time was up before the block ended.
    fn expired(&self, py: Python<'_>) -> bool {
        matches!(
            self.phase(py),
            TimeoutPhase::Expiring | TimeoutPhase::Expired
        )
    }

    fn __aenter__(slf: Py<Self>) -> Call {
        Self::ENTER.call(slf.into_any(), None)
    }

    fn __aexit__(
        slf: Py<Self>,
        exc_type: Py<PyAny>,
        exc_val: Py<PyAny>,
        exc_tb: Py<PyAny>,
    ) -> Call {
        drop((exc_type, exc_tb));
        Self::EXIT.call(slf.into_any(), Some(exc_val))
    }

    #[getter(__class__)]
    fn class(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        Ok(class_of::<Self>(slf, imports::timeout_class(slf.py())?))
    }

    #[pyo3(name = "_on_timeout")]
    fn on_timeout(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::on_expiry(slf)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let py = slf.py();
        let me = slf.get();
        let phase = me.phase(py);
        let mut text = format!("<Timeout [{}]", phase.name());
        if phase == TimeoutPhase::Entered {
            let when = match me.when(py) {
                None => "None".to_owned(),
                Some(when) => imports::round(py)?.call1((when, 3))?.repr()?.to_string(),
            };
            text = format!("{text} when={when}");
        }
        Ok(text + ">")
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.state.visit(&visit, |state| {
            visit.call(&state.when)?;
            visit.call(&state.task)?;
            state
                .timer
                .as_ref()
                .map_or(Ok(()), |timer| timer.traverse(visit))
        })
    }

    fn __clear__(&self) {
        Python::attach(|py| {
            let old = self.state.with(py, |state| {
                (state.when.take(), state.task.take(), state.timer.take())
            });
            drop(old);
        });
    }
}

/// Inserts a `TimeoutError` before the `CancelledError` in the chain of contexts of an exception, to say that the
/// cancellation was a timeout.
pub(super) fn insert_timeout_error(exception: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = exception.py();
    let attribute = intern!(py, "__context__");
    let mut exception = exception.clone();
    loop {
        let context = exception.getattr(attribute)?;
        if context.is_none() {
            return Ok(());
        }
        if context.is_instance(imports::cancelled_error(py)?)? {
            let error = py.get_type::<PyTimeoutError>().call0()?;
            error.setattr(intern!(py, "__cause__"), &context)?;
            error.setattr(attribute, &context)?;
            return exception.setattr(attribute, error);
        }
        exception = context;
    }
}
