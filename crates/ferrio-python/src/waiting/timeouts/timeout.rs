//! `Timeout`: a block that is cancelled when its time is up (CPython: `asyncio/timeouts.py`).

mod attributes;

use pyo3::PyTraverseError;
use pyo3::exceptions::{PyBaseExceptionGroup, PyRuntimeError, PyTimeoutError};
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::Timer;
use super::timer::{deadline_after, native_loop, time, time_ahead};
use crate::base::cell::AttachedCell;
use crate::cpython::subclasses::{class_of, has_own};
use crate::kernel::coroutine::{Body, Call, Step, body};
use crate::kernel::event_loop::{Action, Callback};
use crate::kernel::future::Home;
use crate::kernel::task::{Task, cancel_any, current_task, running_loop};
use crate::{base::imports, cpython};

static EXPIRY: Action = Action::of("expiry of", |object| Timeout::on_expiry(object.cast()?));

#[derive(Copy, Clone, PartialEq, Eq)]
enum TimeoutPhase {
    Created,
    Entered,
    Expiring,
    Expired,
    Exited,
}

impl TimeoutPhase {
    /// asyncio's word for it.
    const fn word(self) -> &'static str {
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
struct State {
    phase: TimeoutPhase,
    /// The time on the loop's clock, as it was given.
    when: Option<Py<PyAny>>,
    timer: Option<Timer>,
    /// The time was up when it was set: the expiry is queued already.
    due: bool,
    task: Option<Py<PyAny>>,
    /// How many requests to cancel the task had when the block began.
    cancelling: i64,
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

/// An asynchronous context manager that cancels its block when a time is up, and then raises TimeoutError.
///
/// Use timeout() or timeout_at() to make one.
#[pyclass(module = "ferrio", subclass, frozen, weakref, dict)]
pub struct Timeout {
    state: AttachedCell<State>,
}

/// Cancel the `async with` block after delay seconds, and raise TimeoutError; None means never.
#[pyfunction]
pub fn timeout<'py>(
    py: Python<'py>,
    delay: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, Timeout>> {
    let when = match delay {
        // asyncio asks for the loop all the same.
        None => running_loop(py).map(|_| None)?,
        Some(delay) => Some(deadline_after(&delay)?.unbind()),
    };
    Timeout::create(py, when)
}

/// Cancel the `async with` block at a time on the clock of loop.time(), in seconds; None means never.
#[pyfunction]
pub fn timeout_at(when: Option<Py<PyAny>>) -> Timeout {
    Timeout::until(when)
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

    const fn until(when: Option<Py<PyAny>>) -> Self {
        Self {
            state: AttachedCell::new(State::new(when)),
        }
    }

    /// A timeout as an object.
    pub fn create(py: Python<'_>, when: Option<Py<PyAny>>) -> PyResult<Bound<'_, Self>> {
        cpython::create(py, || Self::until(when))
    }

    /// Begins the block in the current task.
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
        let cancelling = cancel_requests(&task)?;
        let task = task.unbind();
        let when = me.state.with(py, |state| {
            state.phase = TimeoutPhase::Entered;
            state.task = Some(task);
            state.cancelling = cancelling;
            state.when.as_ref().map(|when| when.clone_ref(py))
        });
        let reschedule = intern!(py, "reschedule");
        if has_own::<Self>(slf, reschedule)? {
            return slf.call_method1(reschedule, (when,)).map(drop);
        }
        Self::start_timer(slf, when)
    }

    /// Ends the block with what it has raised. Fails with `TimeoutError` if the time was up and that is why.
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
        let left: i64 = match task.bind(py).cast_exact::<Task>() {
            Ok(task) => i64::from(task.get().uncancel(py)),
            Err(_) => task
                .call_method0(py, intern!(py, "uncancel"))?
                .extract(py)?,
        };
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
            put_timeout_error_between(raised)?;
            if raised.is_instance_of::<PyBaseExceptionGroup>()
                && raised.is_instance(imports::exception_group(py)?)?
            {
                for inner in raised.getattr(intern!(py, "exceptions"))?.try_iter()? {
                    put_timeout_error_between(&inner?)?;
                }
            }
        }
        Ok(())
    }

    /// The payload of the timer: cancels the task.
    pub fn on_expiry(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        // One that was queued before another time was set does not count any more.
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
                Ok(task) => cancel_any(task.as_any(), None)?,
                Err(_) => task
                    .call_method0(py, intern!(py, "cancel"))?
                    .is_truthy(py)?,
            };
            me.state
                .with(py, |state| state.phase = TimeoutPhase::Expiring);
        }
        Ok(())
    }

    fn phase(&self, py: Python<'_>) -> TimeoutPhase {
        self.state.with(py, |state| state.phase)
    }

    /// Starts the timer, in place of one that may be running.
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
                // As `call_soon`: before what is made ready from now on.
                Home::push(native.get(), py, expire)?;
                me.state.with(py, |state| state.due = true);
                return Ok(());
            };
            Timer::native(native, at, expire)?
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
        Self::until(None)
    }

    fn __init__(&self, py: Python<'_>, when: Option<Py<PyAny>>) {
        let old = self
            .state
            .with(py, |state| std::mem::replace(state, State::new(when)));
        drop(old);
    }

    /// Return the time when the block is cancelled, on the loop's clock in seconds, or None.
    fn when(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.state.with(py, |state| {
            let when = state.when.as_ref();
            when.map(|when| when.clone_ref(py))
        })
    }

    /// Set another time; None means never. Raises RuntimeError before and after the block.
    fn reschedule(slf: &Bound<'_, Self>, when: Option<Py<PyAny>>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        match me.phase(py) {
            TimeoutPhase::Entered => {}
            TimeoutPhase::Created => {
                return Err(PyRuntimeError::new_err("Timeout has not been entered"));
            }
            phase => {
                let text = format!("Cannot change state of {} Timeout", phase.word());
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
        let asyncio_s = imports::timeout_class(slf.py())?;
        Ok(class_of::<Self>(slf, asyncio_s))
    }

    #[pyo3(name = "_on_timeout")]
    fn on_timeout(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::on_expiry(slf)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let py = slf.py();
        let me = slf.get();
        let phase = me.phase(py);
        let mut text = format!("<Timeout [{}]", phase.word());
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
        self.state.visit(|state| {
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

/// `task.cancelling()`.
fn cancel_requests(task: &Bound<'_, PyAny>) -> PyResult<i64> {
    let py = task.py();
    match task.cast_exact::<Task>() {
        Ok(task) => Ok(i64::from(task.get().cancelling(py))),
        Err(_) => task.call_method0(intern!(py, "cancelling"))?.extract(),
    }
}

/// Where the exception came up while a cancellation was handled, says that the cancellation was a timeout.
fn put_timeout_error_between(exception: &Bound<'_, PyAny>) -> PyResult<()> {
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
