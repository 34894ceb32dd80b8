//! The requests to cancel that a task of any class counts: structured waiting takes its own request back.

use pyo3::intern;
use pyo3::prelude::*;

use crate::kernel::task::Task;

/// Returns `task.cancelling()`: the number of requests.
pub fn cancelling(task: &Bound<'_, PyAny>) -> PyResult<i64> {
    match task.cast_exact::<Task>() {
        Ok(native) => Ok(i64::from(native.get().cancelling(task.py()))),
        Err(_) => task
            .call_method0(intern!(task.py(), "cancelling"))?
            .extract(),
    }
}

/// Takes one request back and returns the number that is left: `task.uncancel()`.
pub fn uncancel(task: &Bound<'_, PyAny>) -> PyResult<i64> {
    match task.cast_exact::<Task>() {
        Ok(native) => Ok(i64::from(native.get().uncancel(task.py()))),
        Err(_) => task.call_method0(intern!(task.py(), "uncancel"))?.extract(),
    }
}
