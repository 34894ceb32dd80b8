//! All native tasks that are not done, for `asyncio.all_tasks()`.
//!
//! The standard library keeps tasks of other classes in a `WeakSet`, which costs a weak reference with a callback for
//! each. Native tasks are in a table of their own instead, and `python/ferrio/_tasks.py` has that `WeakSet` include them
//! when it is iterated.

use pyo3::prelude::*;

use super::Task;
use crate::base::cell::AttachedCell;
use crate::base::imports;
use crate::cpython::WeakTable;
use crate::cpython::tricks::Trick;

/// A task's place in the table.
pub type Key = u32;

static TASKS: AttachedCell<WeakTable> = AttachedCell::new(WeakTable::new());

/// Adds a task that is not done.
#[inline]
pub(super) fn add(task: &Bound<'_, Task>) -> PyResult<()> {
    let py = task.py();
    if task.as_super().get().is_done(py) {
        return Ok(());
    }
    if !Trick::AllTasks.is_allowed() {
        imports::register_task(py)?.call1((task,))?;
    }
    let key = TASKS.with(py, |tasks| tasks.insert(task.as_any()));
    let old = task.get().with(py, |state| state.registration.replace(key));
    remove_if_any(py, old);
    Ok(())
}

/// Removes a task.
#[inline]
pub(super) fn remove(py: Python<'_>, key: Key) {
    TASKS.with(py, |tasks| tasks.remove(key));
}

/// Removes a task that may not be in the table.
#[inline]
pub(super) fn remove_if_any(py: Python<'_>, key: Option<Key>) {
    if let Some(key) = key {
        remove(py, key);
    }
}

/// Return the native tasks that are not done.
#[pyfunction]
pub fn _native_tasks(py: Python<'_>) -> Vec<Py<PyAny>> {
    TASKS.with(py, |tasks| tasks.living(py))
}

/// Makes `asyncio.all_tasks()` include native tasks from now on.
pub fn include_in_all_tasks(py: Python<'_>) -> PyResult<()> {
    imports::include_in_all_tasks(py)?.call0()?;
    Ok(())
}
