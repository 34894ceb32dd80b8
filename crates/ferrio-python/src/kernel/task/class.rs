//! The class [`Task`]: its state, and how a task is made.

use super::registry::Key;
use crate::base::cell::{AttachedCell, AttachedOnce};
use crate::kernel::coroutine::is_known_coroutine;
use crate::kernel::event_loop::{Callback, Loop};
use crate::kernel::future::{Future, Home, Outcome};
use crate::{base::imports, cpython};
use pyo3::PyTraverseError;
use pyo3::exceptions::PyTypeError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A coroutine that the loop drives (CPython: `asyncio.Task`).
///
/// Arguments: coro, the coroutine; loop, the event loop, by default the running one; name, by default Task-N;
/// context, a contextvars.Context to run in, by default a copy of the current one; eager_start, True to run the first
/// step at once if the loop runs. Raises TypeError if coro is not a coroutine.
#[pyclass(module = "ferrio", extends = Future, subclass, frozen)]
#[derive(Default)]
pub struct Task {
    pub(super) state: AttachedCell<TaskState>,
    /// The context that the coroutine runs in.
    pub(super) context: AttachedOnce<Py<PyAny>>,
}

/// A task's name.
pub(super) enum Name {
    /// The number of a task without a name of its own: the string `Task-N` is made at each request.
    Number(u64),
    /// The string that a program has set.
    Text(Py<PyAny>),
}

/// The interior state of a task.
pub(super) struct TaskState {
    pub(super) coroutine: Option<Py<PyAny>>,
    /// The future that the coroutine awaits (`_fut_waiter`).
    pub(super) waits_for: Option<Py<PyAny>>,
    /// The exception that the next step throws into the coroutine.
    pub(super) to_throw: Option<Py<PyAny>>,
    pub(super) name: Name,
    /// The task's place in the table of all tasks.
    pub(super) registration: Option<Key>,
    /// The number of requests to cancel that are not taken back.
    pub(super) cancel_requests: u32,
    /// Whether the next step throws `CancelledError`.
    pub(super) must_cancel: bool,
    /// Whether to report the task if it goes away while it is pending.
    pub(super) log_destroy_pending: bool,
}

impl TaskState {
    /// Returns the coroutine if the next step only has to resume it with `None`.
    #[inline]
    pub(super) fn ready(&self) -> Option<&Py<PyAny>> {
        let unusual = self.must_cancel || self.to_throw.is_some() || self.waits_for.is_some();
        self.coroutine.as_ref().filter(|_| !unusual)
    }
}

pub(super) static NEXT_NUMBER: AtomicU64 = AtomicU64::new(1);

impl Default for TaskState {
    fn default() -> Self {
        Self {
            coroutine: None,
            waits_for: None,
            to_throw: None,
            name: Name::Number(0),
            registration: None,
            cancel_requests: 0,
            must_cancel: false,
            log_destroy_pending: true,
        }
    }
}

/// The arguments that a task is made of, besides its loop.
pub struct TaskParts<'py> {
    pub coroutine: Bound<'py, PyAny>,
    pub name: Option<Bound<'py, PyAny>>,
    pub context: Option<Bound<'py, PyAny>>,
    pub eager_start: bool,
}

impl<'py> TaskParts<'py> {
    /// Takes the parts from the keyword arguments of `create_task`.
    pub fn from_keywords(
        coroutine: Bound<'py, PyAny>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Self> {
        let py = coroutine.py();
        let mut parts = Self {
            coroutine,
            name: None,
            context: None,
            eager_start: false,
        };
        for (key, value) in kwargs.into_iter().flatten() {
            match key.extract::<&str>()? {
                "name" => parts.name = Some(value),
                "context" => parts.context = Some(value),
                "eager_start" if py.version_info() >= (3, 13, 3) => {
                    parts.eager_start = value.is_truthy()?;
                }
                other => return Err(unexpected(other)),
            }
        }
        Ok(parts)
    }
}

/// Makes the `TypeError` for an unknown keyword argument of `create_task`. Since Python 3.14 it names the class `Task`.
pub(crate) fn unexpected(keyword: &str) -> PyErr {
    let function = if cfg!(Py_3_14) { "Task" } else { "create_task" };
    PyTypeError::new_err(format!(
        "{function}() got an unexpected keyword argument '{keyword}'"
    ))
}

impl Task {
    /// Makes a task of a ferrio loop and schedules its first step, or runs that step if the task starts eagerly.
    pub fn create<'py>(
        event_loop: &Bound<'py, Loop>,
        parts: TaskParts<'py>,
    ) -> PyResult<Bound<'py, Self>> {
        let py = event_loop.py();
        let future = || Future::pending(Home::of_native(event_loop));
        let task = cpython::create_extended(py, future, Self::default)?;
        if event_loop.get().debug() {
            task.get()
                .with(py, |state| state.log_destroy_pending = false);
            task.as_super().get().remember_source(py)?;
        }
        Self::begin(&task, parts)?;
        Ok(task)
    }

    /// Initialises a task with its parts and schedules its first step, or runs that step if the task starts eagerly.
    pub(super) fn begin(slf: &Bound<'_, Self>, parts: TaskParts<'_>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if let Err(error) = check_parts(&parts) {
            me.with(py, |state| state.log_destroy_pending = false);
            return Err(error);
        }
        let name = match parts.name {
            Some(name) if !name.is_none() => Name::Text(as_name(name)?),
            _ => Name::Number(NEXT_NUMBER.fetch_add(1, Relaxed)),
        };
        let context = match parts.context {
            Some(context) if !context.is_none() => context.unbind(),
            _ => cpython::copy_context(py)?,
        };
        let old = me.with(py, |state| {
            let coroutine = state.coroutine.replace(parts.coroutine.unbind());
            (coroutine, std::mem::replace(&mut state.name, name))
        });
        drop(old);
        // A second `__init__` keeps the context, which may be entered at this moment.
        drop(me.context.set(py, context));
        let future = slf.as_super().get();
        if parts.eager_start && future.initialized(py)?.is_running(py)? {
            if let Err(error) = Self::start_eagerly(slf) {
                me.with(py, |state| state.log_destroy_pending = false);
                return Err(error);
            }
            return Ok(());
        }
        if let Err(error) = Self::schedule_step(slf) {
            // The task is reported as destroyed, as asyncio's is.
            me.with(py, |state| state.log_destroy_pending = true);
            return Err(error);
        }
        me.with(py, |state| state.log_destroy_pending = true);
        super::registry::add(slf)
    }

    /// Schedules the next step for the loop's next iteration.
    pub(super) fn schedule_step(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        match slf.as_super().get().initialized(py)? {
            Home::Native(event_loop) => event_loop
                .get()
                .push_checked(py, Callback::Step(slf.clone().unbind())),
            home @ Home::Foreign(_) => super::foreign::schedule_step(home, slf),
        }
    }

    /// Runs `f` on the interior state. `f` must not reach Python.
    #[inline]
    pub(super) fn with<R>(&self, py: Python<'_>, f: impl FnOnce(&mut TaskState) -> R) -> R {
        self.state.with(py, f)
    }

    /// Returns the context that the coroutine runs in, `None` before `__init__`.
    pub fn context(&self, py: Python<'_>) -> Py<PyAny> {
        let context = self.context.get(py);
        context.map_or_else(|| py.None(), |context| context.clone_ref(py))
    }

    /// Returns the coroutine, until a task that started eagerly is done or the garbage collector has cleared the task.
    pub(super) fn coroutine(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.state.get_ref(py, |state| state.coroutine.as_ref())
    }

    /// Returns the future that the coroutine awaits.
    pub fn awaited(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.state.get_ref(py, |state| state.waits_for.as_ref())
    }

    /// Suppresses the report if the task goes away while it is pending, for tasks whose maker cannot prevent that.
    pub fn do_not_log_destroy_pending(&self, py: Python<'_>) {
        self.with(py, |state| state.log_destroy_pending = false);
    }

    /// Tells the loop's exception handler that the task goes away, if it is still pending.
    fn report_destroyed(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let future = slf.as_super().get();
        let may_report = slf.get().with(py, |state| {
            state.log_destroy_pending && state.coroutine.is_some()
        });
        let Some(home) = future.home(py) else {
            return Ok(());
        };
        if !may_report || future.is_done(py) {
            return Ok(());
        }
        let context = PyDict::new(py);
        context.set_item("task", slf)?;
        context.set_item("message", "Task was destroyed but it is pending!")?;
        future.add_source_traceback(py, &context)?;
        home.report(py, &context)
    }
}

/// Raises `TypeError` for a coroutine or a context of the wrong class.
pub(super) fn check_parts(parts: &TaskParts<'_>) -> PyResult<()> {
    let coroutine = &parts.coroutine;
    if !is_known_coroutine(coroutine)
        && !imports::is_coroutine(coroutine.py())?
            .call1((coroutine,))?
            .is_truthy()?
    {
        let text = format!("a coroutine was expected, got {}", coroutine.repr()?);
        return Err(PyTypeError::new_err(text));
    }
    match &parts.context {
        // Before 3.15 asyncio does not notice a wrong context before the first step.
        Some(context) if cfg!(Py_3_15) && !context.is_none() && !cpython::is_context(context) => {
            let class = context.get_type();
            let text = format!("a contextvars.Context was expected, got {}", class.name()?);
            Err(PyTypeError::new_err(text))
        }
        _ => Ok(()),
    }
}

/// Converts a name into a string, as tasks keep it.
pub(super) fn as_name(name: Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
    if name.is_exact_instance_of::<pyo3::types::PyString>() {
        return Ok(name.unbind());
    }
    Ok(name.str()?.into_any().unbind())
}

/// Fills the slots of the type object that PyO3 cannot fill.
pub fn install_slots(py: Python<'_>) -> PyResult<()> {
    cpython::install_self_await::<Task>(py);
    cpython::install_finalizer::<Task>(py)
}

impl cpython::SelfAwait for Task {
    fn resume(slf: &Bound<'_, Self>) -> cpython::Resumed {
        <Future as cpython::SelfAwait>::resume(slf.as_super())
    }
}

impl cpython::Finalize for Task {
    const KEEP: Option<cpython::Keep> = Some(cpython::keep_extended::<Self, Future>);
    const RAISES: bool = false;

    #[inline]
    fn is_settled(slf: &Bound<'_, Self>) -> bool {
        slf.as_super().get().with(slf.py(), |state| {
            !state.log_traceback && !matches!(state.outcome, Outcome::Pending)
        })
    }

    fn finalize(slf: &Bound<'_, Self>, _: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let destroyed = Self::report_destroyed(slf);
        destroyed.and(Future::report_unretrieved(slf.as_super()))
    }
}

cpython::recycle!(Task);

impl Drop for Task {
    fn drop(&mut self) {
        Python::attach(|py| {
            if let Some(key) = self.with(py, |state| state.registration.take()) {
                super::registry::remove(py, key);
            }
        });
    }
}

#[pymethods]
impl Task {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(self.context.get(&visit))?;
        self.state.visit(&visit, |state| {
            visit.call(&state.coroutine)?;
            visit.call(&state.waits_for)?;
            visit.call(&state.to_throw)?;
            match &state.name {
                Name::Text(name) => visit.call(name),
                Name::Number(_) => Ok(()),
            }
        })
    }

    /// Keeps the context: a cycle through it is cleared by the context itself.
    fn __clear__(&self) {
        Python::attach(|py| {
            let old = self.with(py, |state| {
                let coroutine = state.coroutine.take();
                (coroutine, state.waits_for.take(), state.to_throw.take())
            });
            drop(old);
        });
    }
}
