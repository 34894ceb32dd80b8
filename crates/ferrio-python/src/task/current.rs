//! Which task runs, kept where the standard library's `current_task` looks.

use pyo3::prelude::*;

use super::Task;
use crate::imports;

/// The thread is inside a step of the task.
pub struct Running<'a, 'py>(&'a Bound<'py, Task>);

impl<'a, 'py> Running<'a, 'py> {
    /// Makes the task the current one of its loop. Raises `RuntimeError` if another one is.
    #[inline]
    pub fn enter(task: &'a Bound<'py, Task>) -> PyResult<Self> {
        let event_loop = task.as_super().get().initialized()?.as_any();
        imports::enter_task(task.py())?.call1((event_loop, task))?;
        Ok(Self(task))
    }

    /// Ends what `enter` began.
    #[inline]
    pub fn leave(self) -> PyResult<()> {
        let task = self.0;
        let event_loop = task.as_super().get().initialized()?.as_any();
        imports::leave_task(task.py())?.call1((event_loop, task))?;
        Ok(())
    }
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
