//! asyncio's functions that make tasks: `create_task` and `ensure_future`.

use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::lookups::{known_running_loop, running_loop};
use crate::kernel::coroutine::is_known_coroutine;
use crate::kernel::event_loop::Loop;
use crate::kernel::future::native_future;
use crate::{base::imports, cpython};

/// Schedule a coroutine on the running loop and return its Task.
///
/// name is the task's (by default "Task-" and a number), context the contextvars.Context that it runs in (by default a copy of
/// the current one). Both go to the loop's create_task(). Raises RuntimeError if no loop runs, TypeError if coro is not a
/// coroutine.
#[cfg(not(Py_3_14))]
#[pyfunction]
#[pyo3(signature = (coro, **kwargs), text_signature = "(coro, *, name=None, context=None)")]
pub fn create_task<'py>(
    coro: Bound<'py, PyAny>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    if let Some(kwargs) = kwargs
        && kwargs.contains("eager_start")?
    {
        return Err(super::class::unexpected("eager_start"));
    }
    spawn(&running_loop(coro.py())?, &coro, kwargs)
}

/// Schedule a coroutine on the running loop and return its Task.
///
/// Keyword arguments go to the loop's create_task(): name, the task's (by default "Task-" and a number); context, the
/// contextvars.Context that it runs in (by default a copy of the current one); eager_start, whether its first step runs at
/// once. Raises RuntimeError if no loop runs, TypeError if coro is not a coroutine.
#[cfg(Py_3_14)]
#[pyfunction]
#[pyo3(signature = (coro, **kwargs))]
pub fn create_task<'py>(
    coro: Bound<'py, PyAny>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    spawn(&running_loop(coro.py())?, &coro, kwargs)
}

/// Calls `event_loop.create_task(coro, **kwargs)`.
#[inline]
pub fn spawn<'py>(
    event_loop: &Bound<'py, PyAny>,
    coro: &Bound<'py, PyAny>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    if kwargs.is_none()
        && let Ok(event_loop) = event_loop.cast::<Loop>()
        && !event_loop.get().overrides_create_task()
    {
        return Loop::spawn(event_loop, coro, None);
    }
    event_loop.call_method(intern!(coro.py(), "create_task"), (coro,), kwargs)
}

/// Return a future for an awaitable: the argument if it is one, else a task of the loop, by default the running one.
///
/// Raises ValueError if the argument is a future of another loop, TypeError if it is not an awaitable.
#[pyfunction]
#[pyo3(signature = (coro_or_future, *, r#loop = None))]
pub fn ensure_future<'py>(
    coro_or_future: &Bound<'py, PyAny>,
    r#loop: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let event_loop = r#loop.filter(|event_loop| !event_loop.is_none());
    ensure_future_on(coro_or_future, event_loop.as_ref())
}

/// Does what `ensure_future` does. An object that is neither a future nor a coroutine of a known class is left to
/// asyncio's own function, which wraps it or raises.
#[inline]
pub fn ensure_future_on<'py>(
    awaitable: &Bound<'py, PyAny>,
    event_loop: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = awaitable.py();
    if let Some(future) = native_future(awaitable)
        && let Ok(home) = future.get().initialized(py)
        && event_loop.is_none_or(|event_loop| home.as_any().is(event_loop))
    {
        return Ok(awaitable.clone());
    }
    let running = match event_loop {
        Some(event_loop) => Some(event_loop.clone()),
        None => known_running_loop(py),
    };
    if let Some(event_loop) = running
        && is_known_coroutine(awaitable)
    {
        let task = spawn(&event_loop, awaitable, None);
        if let Err(error) = &task
            && error.is_instance_of::<PyRuntimeError>(py)
        {
            cpython::handling(py, error, || awaitable.call_method0(intern!(py, "close")))?;
        }
        return task;
    }
    let kwargs = PyDict::new(py);
    kwargs.set_item(intern!(py, "loop"), event_loop)?;
    imports::ensure_future(py)?.call((awaitable,), Some(&kwargs))
}
