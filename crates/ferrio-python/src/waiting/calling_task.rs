//! The task that waits behind a combinator or a task group, for the call graph of Python 3.14.

use pyo3::PyClass;
use pyo3::prelude::*;
use pyo3::pyclass::boolean_struct::True;

use crate::kernel::done_callback::DoneCallback;
use crate::kernel::task::current_task;

/// An object of done-callbacks that knows the task that waits.
pub trait CallingTask: PyClass<Frozen = True> + Sync {
    /// Returns the task, as long as it waits.
    fn calling_task(&self, py: Python<'_>) -> Option<Py<PyAny>>;
}

/// Returns the task behind a done-callback whose object is a `T`.
pub fn waiting_task<T: CallingTask>(callback: &DoneCallback, py: Python<'_>) -> Option<Py<PyAny>> {
    let object = callback.object(py).cast::<T>().ok()?;
    object.get().calling_task(py)
}

/// Returns the current task of a loop, by default of the running one.
pub fn current_task_or_none<'py>(
    py: Python<'py>,
    event_loop: Option<Bound<'py, PyAny>>,
) -> PyResult<Option<Py<PyAny>>> {
    let task = current_task(py, event_loop)?;
    Ok((!task.is_none()).then(|| task.unbind()))
}
