//! Entering and leaving a task, so that `asyncio.current_task()` returns it while its step runs.

use pyo3::prelude::*;

use super::Task;
use crate::base::imports;
use crate::cpython::CurrentTask;
use crate::kernel::event_loop::Loop;
use crate::kernel::future::Home;

/// Makes the task the current one of its loop, until it is left. Raises `RuntimeError` if another task is current.
#[inline]
pub fn enter<'a, 'py>(task: &'a Bound<'py, Task>) -> PyResult<CurrentTask<'a, 'py>> {
    let home = task.as_super().get().initialized(task.py())?;
    let event_loop = home.as_any().bind(task.py());
    #[cfg(not(Py_3_14))]
    if let Home::Native(native) = home
        && native.get().take_last_task()
    {
        return CurrentTask::enter_after(event_loop, task.as_any());
    }
    CurrentTask::enter(event_loop, task.as_any())
}

/// Leaves a task that has stayed the current one after its step (`kernel/event_loop/last_task.rs`), before Python code
/// runs that does not belong to a step.
pub fn leave_last(task: &Bound<'_, Task>) -> PyResult<()> {
    match task.as_super().get().home(task.py()) {
        Some(Home::Native(native)) => Loop::leave_last_task(native.bind(task.py())),
        _ => Ok(()),
    }
}

/// Leaves a task that is ready again. It may stay the current one, since another step may follow at once.
#[inline]
pub fn leave_ready(current: CurrentTask<'_, '_>, task: &Bound<'_, Task>) -> PyResult<()> {
    #[cfg(not(Py_3_14))]
    if let Some(Home::Native(native)) = task.as_super().get().home(task.py())
        && native.get().may_keep_last_task()
    {
        return current
            .stay()
            .map(|stays| native.get().keep_last_task(stays));
    }
    let _ = task;
    current.leave()
}

/// Makes `next`, a task or none, the current one of `task`'s loop; returns the previous one.
pub fn swap<'py>(
    task: &Bound<'py, Task>,
    next: Option<&Bound<'py, PyAny>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = task.py();
    let event_loop = task.as_super().get().initialized(py)?.as_any();
    #[cfg(Py_3_12)]
    let previous = imports::swap_current_task(py)?.call1((event_loop, next))?;
    #[cfg(not(Py_3_12))]
    let previous = {
        let previous = imports::current_task(py)?.call1((event_loop,))?;
        if !previous.is_none() {
            imports::leave_task(py)?.call1((event_loop, &previous))?;
        }
        if let Some(next) = next {
            imports::enter_task(py)?.call1((event_loop, next))?;
        }
        previous
    };
    Ok(Some(previous).filter(|previous| !previous.is_none()))
}
