//! The class `TaskGroup`: its state, entering the block, `create_task`, attributes.

use pyo3::PyTraverseError;
use pyo3::exceptions::PyRuntimeError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PySet, PyTuple};

use super::tasks::Children;
use crate::base::attributes::flag_attribute;
use crate::base::cell::AttachedCell;
use crate::base::imports;
use crate::cpython::subclasses::class_of;
use crate::kernel::coroutine::{Body, Call, Coroutine, Step, body};
use crate::kernel::task::{cancel_any, current_task, running_loop, spawn};

/// The interior state.
#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the flags of asyncio's class, under its names"
)]
pub(super) struct State {
    pub(super) event_loop: Option<Py<PyAny>>,
    /// The task that the block runs in.
    pub(super) parent: Option<Py<PyAny>>,
    pub(super) children: Children,
    /// The exceptions of tasks; `None` after the block.
    pub(super) errors: Option<Vec<Py<PyAny>>>,
    /// `KeyboardInterrupt` or `SystemExit`, which is raised without a group.
    pub(super) base_error: Option<Py<PyAny>>,
    /// The future that the end of the block waits for.
    pub(super) completed: Option<Py<PyAny>>,
    pub(super) entered: bool,
    pub(super) exiting: bool,
    pub(super) aborting: bool,
    pub(super) parent_cancel_requested: bool,
    pub(super) cancel_on_enter: bool,
}

/// An asynchronous context manager whose block ends when all tasks made in it have ended.
///
/// If a task or the block raises, the other tasks are cancelled, and the exceptions are raised in a (Base)ExceptionGroup.
#[pyclass(module = "ferrio", subclass, frozen, weakref, dict)]
pub struct TaskGroup {
    pub(super) state: AttachedCell<State>,
}

impl TaskGroup {
    pub const ENTER: Body = body!("TaskGroup.__aenter__", |group: TaskGroup| {
        TaskGroup::enter(group)?;
        Ok(Step::Return(group.clone().into_any().unbind()))
    });

    pub(super) fn with<R>(&self, py: Python<'_>, f: impl FnOnce(&mut State) -> R) -> R {
        self.state.with(py, f)
    }

    /// Returns the task that the block runs in.
    pub fn parent(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.state.get_ref(py, |state| state.parent.as_ref())
    }

    /// Begins the block in the current task, for `__aenter__`.
    fn enter(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if me.with(py, |state| state.entered) {
            let text = format!("TaskGroup {} has already been entered", slf.repr()?);
            return Err(PyRuntimeError::new_err(text));
        }
        let event_loop = running_loop(py)?;
        let parent = current_task(py, Some(event_loop.clone()))?;
        if parent.is_none() {
            let text = format!("TaskGroup {} cannot determine the parent task", slf.repr()?);
            return Err(PyRuntimeError::new_err(text));
        }
        let (event_loop, parent) = (event_loop.unbind(), parent.unbind());
        let cancel = me.with(py, |state| {
            state.event_loop = Some(event_loop);
            state.parent = Some(parent);
            state.entered = true;
            state.cancel_on_enter
        });
        if cancel {
            Self::cancel(slf)?;
        }
        Ok(())
    }

    /// Cancels the task that the block runs in, unless the group has done so before.
    pub(super) fn cancel_parent(&self, py: Python<'_>) -> PyResult<()> {
        let parent = self.state.get_ref(py, |state| {
            if std::mem::replace(&mut state.parent_cancel_requested, true) {
                return None;
            }
            state.parent.as_ref()
        });
        if let Some(parent) = parent {
            cancel_any(parent.bind(py), None)?;
        }
        Ok(())
    }
}

impl TaskGroup {
    /// Creates a task in the group, as `create_task` describes.
    fn spawn<'py>(
        slf: &Bound<'py, Self>,
        coro: &Bound<'py, PyAny>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let me = slf.get();
        let (event_loop, problem) = me.with(py, |state| {
            let problem = if !state.entered {
                Some("has not been entered")
            } else if state.exiting && state.children.is_empty() {
                Some("is finished")
            } else if state.aborting {
                Some("is shutting down")
            } else {
                None
            };
            let event_loop = state.event_loop.as_ref();
            (
                event_loop.map(|event_loop| event_loop.clone_ref(py)),
                problem,
            )
        });
        let (Some(event_loop), None) = (event_loop, problem) else {
            if cfg!(Py_3_13) {
                coro.call_method0(intern!(py, "close"))?;
            }
            let problem = problem.unwrap_or("has not been entered");
            let text = format!("TaskGroup {} {problem}", slf.repr()?);
            return Err(PyRuntimeError::new_err(text));
        };
        let event_loop = event_loop.into_bound(py);
        let task = spawn(&event_loop, coro, kwargs)?;
        Self::add(slf, &task)?;
        Ok(task)
    }
}

#[pymethods]
impl TaskGroup {
    #[new]
    #[pyo3(signature = (*_args, **_kwargs), text_signature = "()")]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        let state = State {
            errors: Some(Vec::new()),
            ..State::default()
        };
        Self {
            state: AttachedCell::new(state),
        }
    }

    /// Refuses arguments, which a subclass may take but does not pass on.
    #[expect(clippy::unused_self, reason = "a method of every class")]
    const fn __init__(&self) {}

    fn __aenter__(slf: Py<Self>) -> Call {
        Self::ENTER.call(slf.into_any(), None)
    }

    fn __aexit__(
        slf: Bound<'_, Self>,
        et: Py<PyAny>,
        exc: Option<Py<PyAny>>,
        tb: Py<PyAny>,
    ) -> PyResult<Py<Coroutine>> {
        drop((et, tb));
        Self::end(&slf, exc)
    }

    /// Create a task in the group and return it.
    ///
    /// The arguments are those of the loop's create_task(): coro; name, the task's; context, the contextvars.Context that it
    /// runs in. Raises RuntimeError before the block, after it, and while the group is being cancelled; the coroutine is
    /// closed then (since Python 3.13).
    #[cfg(not(Py_3_14))]
    #[pyo3(signature = (coro, **kwargs), text_signature = "($self, coro, *, name=None, context=None)")]
    fn create_task<'py>(
        slf: &Bound<'py, Self>,
        coro: Bound<'py, PyAny>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::spawn(slf, &coro, kwargs)
    }

    /// Create a task in the group and return it.
    ///
    /// The arguments are those of the loop's create_task(): coro; name, the task's; context, the contextvars.Context that it
    /// runs in. Raises RuntimeError before the block, after it, and while the group is being cancelled; the coroutine is
    /// closed then (since Python 3.13).
    #[cfg(Py_3_14)]
    #[pyo3(signature = (coro, **kwargs))]
    fn create_task<'py>(
        slf: &Bound<'py, Self>,
        coro: Bound<'py, PyAny>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::spawn(slf, &coro, kwargs)
    }

    /// Cancel the tasks and the block, which ends without CancelledError. Before the block, cancel it when it begins.
    fn cancel(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let go_on = me.with(py, |state| {
            if !state.entered {
                state.cancel_on_enter = true;
            }
            state.entered && !(state.exiting && state.children.is_empty()) && !state.aborting
        });
        if !go_on {
            return Ok(());
        }
        me.abort(py)?;
        me.cancel_parent(py)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> String {
        slf.get().with(slf.py(), |state| {
            let mut text = "<TaskGroup".to_owned();
            if !state.children.is_empty() {
                text = format!("{text} tasks={}", state.children.len());
            }
            match state.errors.as_ref().map(Vec::len) {
                None | Some(0) => {}
                Some(errors) => text = format!("{text} errors={errors}"),
            }
            if state.aborting {
                text += " cancelling";
            } else if state.entered {
                text += " entered";
            }
            text + ">"
        })
    }

    #[getter(__class__)]
    fn class(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        Ok(class_of::<Self>(slf, imports::task_group_class(slf.py())?))
    }

    /// The future that the end of the block waits for.
    #[getter(_on_completed_fut)]
    fn get_completed(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.state.get_ref(py, |state| state.completed.as_ref())
    }

    /// Whether an exception is raised without a group.
    #[staticmethod]
    #[pyo3(name = "_is_base_error")]
    fn is_base_error_method(exc: &Bound<'_, PyAny>) -> bool {
        super::tasks::is_base_error(exc)
    }

    #[getter(_tasks)]
    fn get_tasks<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PySet>> {
        PySet::new(py, self.tasks(py))
    }

    #[getter(_errors)]
    fn get_errors<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyList>>> {
        let errors = self.with(py, |state| {
            let errors = state.errors.as_ref()?.iter();
            Some(errors.map(|error| error.clone_ref(py)).collect::<Vec<_>>())
        });
        errors.map(|errors| PyList::new(py, errors)).transpose()
    }

    #[getter(_base_error)]
    fn get_base_error(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.state.get_ref(py, |state| state.base_error.as_ref())
    }

    #[getter(_parent_task)]
    fn get_parent_task(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.parent(py)
    }

    #[getter(_loop)]
    fn get_loop(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.state.get_ref(py, |state| state.event_loop.as_ref())
    }

    #[pyo3(name = "_abort")]
    fn abort_attribute(&self, py: Python<'_>) -> PyResult<()> {
        self.abort(py)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.state.visit(&visit, |state| {
            visit.call(&state.event_loop)?;
            visit.call(&state.parent)?;
            state
                .children
                .iter()
                .try_for_each(|task| visit.call(task))?;
            for error in state.errors.iter().flatten() {
                visit.call(error)?;
            }
            visit.call(&state.base_error)?;
            visit.call(&state.completed)
        })
    }

    fn __clear__(&self) {
        Python::attach(|py| drop(self.state.take(py)));
    }
}

flag_attribute!(TaskGroup, entered, _entered, get_entered, set_entered);
flag_attribute!(TaskGroup, exiting, _exiting, get_exiting, set_exiting);
flag_attribute!(TaskGroup, aborting, _aborting, get_aborting, set_aborting);
flag_attribute!(
    TaskGroup,
    parent_cancel_requested,
    _parent_cancel_requested,
    get_parent_cancel_requested,
    set_parent_cancel_requested
);
#[cfg(Py_3_15)]
flag_attribute!(
    TaskGroup,
    cancel_on_enter,
    _cancel_on_enter,
    get_cancel_on_enter,
    set_cancel_on_enter
);
