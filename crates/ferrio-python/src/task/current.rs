//! Which task runs, as the standard library's `current_task` sees it.

use pyo3::prelude::*;

use super::Task;
use crate::ffi::CurrentTask;
use crate::imports;

/// Makes the task the current one of its loop, until it is left. Raises `RuntimeError` if another one is.
#[inline]
pub fn enter<'a, 'py>(task: &'a Bound<'py, Task>) -> PyResult<CurrentTask<'a, 'py>> {
    let event_loop = task.as_super().get().initialized()?.as_any();
    CurrentTask::enter(event_loop.bind(task.py()), task.as_any())
}

/// Makes another task, or none, the current one of `task`'s loop; returns the one before.
pub fn swap<'py>(
    task: &Bound<'py, Task>,
    next: Option<&Bound<'py, PyAny>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = task.py();
    let event_loop = task.as_super().get().initialized()?.as_any();
    #[cfg(Py_3_12)]
    let previous = imports::swap_current_task(py)?.call1((event_loop, next))?;
    #[cfg(not(Py_3_12))]
    let previous = {
        let tasks = imports::current_tasks(py)?.cast::<pyo3::types::PyDict>()?;
        let previous = tasks.get_item(event_loop)?;
        match next {
            Some(next) => tasks.set_item(event_loop, next)?,
            None if previous.is_some() => tasks.del_item(event_loop)?,
            None => {}
        }
        previous.unwrap_or_else(|| py.None().into_bound(py))
    };
    Ok(Some(previous).filter(|previous| !previous.is_none()))
}
