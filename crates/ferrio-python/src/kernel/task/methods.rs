//! The methods of `asyncio.Task`.

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::{Name, Task, TaskParts, as_name, registry};
use crate::base::imports;
use crate::kernel::future::{Future, Home};

#[pymethods]
impl Task {
    #[new]
    #[pyo3(
        signature = (*args, **kwargs),
        text_signature = "(coro, *, loop=None, name=None, context=None, eager_start=False)"
    )]
    fn new(
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyClassInitializer<Self> {
        PyClassInitializer::from(Future::new(args, kwargs)).add_subclass(Self::default())
    }

    #[pyo3(signature = (coro, *, r#loop = None, name = None, context = None, eager_start = None))]
    fn __init__<'py>(
        slf: &Bound<'py, Self>,
        coro: Bound<'py, PyAny>,
        r#loop: Option<Bound<'py, PyAny>>,
        name: Option<Bound<'py, PyAny>>,
        context: Option<Bound<'py, PyAny>>,
        eager_start: Option<Bound<'py, PyAny>>,
    ) -> PyResult<()> {
        let future = slf.as_super().get();
        future.initialize(slf.py(), r#loop)?;
        if let Some(Home::Foreign(_)) = future.home(slf.py()) {
            // A loop of ferrio's has done this when it was made.
            registry::include_in_all_tasks(slf.py())?;
        }
        let parts = TaskParts {
            coroutine: coro,
            name,
            context,
            eager_start: match eager_start {
                Some(eager_start) => eager_start.is_truthy()?,
                None => false,
            },
        };
        Self::begin(slf, parts)
    }

    /// Request that the task cancel itself: CancelledError is thrown into the coroutine in the next iteration.
    ///
    /// msg becomes the argument of the CancelledError. Return False if the task is done, else True.
    #[pyo3(signature = (msg = None))]
    fn cancel(slf: &Bound<'_, Self>, msg: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        Self::request_cancel(slf, msg)
    }

    /// Return how many requests to cancel are pending: calls of cancel() less calls of uncancel().
    pub fn cancelling(&self, py: Python<'_>) -> u32 {
        self.with(py, |state| state.cancel_requests)
    }

    /// Take one request to cancel back; return how many are left.
    pub fn uncancel(&self, py: Python<'_>) -> u32 {
        self.with(py, |state| {
            state.cancel_requests = state.cancel_requests.saturating_sub(1);
            if cfg!(Py_3_13) && state.cancel_requests == 0 {
                state.must_cancel = false;
            }
            state.cancel_requests
        })
    }

    /// Return the coroutine that the task runs.
    fn get_coro(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.coroutine(py)
    }

    /// Return the contextvars.Context that the coroutine runs in.
    fn get_context(&self, py: Python<'_>) -> Py<PyAny> {
        self.context(py)
    }

    /// Return the name of the task.
    fn get_name<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        let name = self.with(py, |state| match &state.name {
            Name::Number(number) => Err(*number),
            Name::Text(name) => Ok(name.clone_ref(py)),
        });
        match name {
            Ok(name) => name.into_bound(py),
            Err(number) => pyo3::types::PyString::new(py, &format!("Task-{number}")).into_any(),
        }
    }

    /// Set the name to str(value).
    #[pyo3(signature = (value, /))]
    fn set_name(&self, py: Python<'_>, value: Bound<'_, PyAny>) -> PyResult<()> {
        let name = Name::Text(as_name(value)?);
        let old = self.with(py, |state| std::mem::replace(&mut state.name, name));
        drop(old);
        Ok(())
    }

    /// Raise RuntimeError: a task's result is its coroutine's.
    #[pyo3(signature = (result, /))]
    fn set_result(&self, result: Bound<'_, PyAny>) -> PyResult<()> {
        drop(result);
        Err(PyRuntimeError::new_err(
            "Task does not support set_result operation",
        ))
    }

    /// Raise RuntimeError: a task's exception is its coroutine's.
    #[pyo3(signature = (exception, /))]
    fn set_exception(&self, exception: Bound<'_, PyAny>) -> PyResult<()> {
        drop(exception);
        Err(PyRuntimeError::new_err(
            "Task does not support set_exception operation",
        ))
    }

    /// Return the stack frames of the coroutine where it is suspended, or the traceback's if it has raised.
    #[pyo3(signature = (*, limit = None))]
    fn get_stack<'py>(
        slf: &Bound<'py, Self>,
        limit: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        imports::task_get_stack(slf.py())?.call1((slf, limit))
    }

    /// Print what get_stack() returns to file, by default sys.stderr.
    #[pyo3(signature = (*, limit = None, file = None))]
    fn print_stack<'py>(
        slf: &Bound<'py, Self>,
        limit: Option<Bound<'py, PyAny>>,
        file: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        imports::task_print_stack(slf.py())?.call1((slf, limit, file))
    }
}
