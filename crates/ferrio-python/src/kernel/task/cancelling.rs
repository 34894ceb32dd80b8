//! Requests to cancel a task (CPython: `Task.cancel`): a request is passed on to the future that the task awaits, which
//! may be another task. The task counts its requests, so that a timeout or a task group can take its own back
//! (`Task.uncancel`).

use pyo3::exceptions::PyRecursionError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::Task;
use crate::cpython;
use crate::kernel::future::Future;

impl Task {
    /// Does what `Task.cancel` does. It follows the chain of tasks that await each other in a loop, not by recursion, so
    /// that the chain may have any length.
    pub fn request_cancel(
        slf: &Bound<'_, Self>,
        message: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<bool> {
        let mut chain: Vec<Bound<'_, Self>> = Vec::new();
        let mut task = slf.clone();
        let reached = loop {
            let Some(next) = Self::count_request(&task)? else {
                break false; // The task is done.
            };
            chain.push(task);
            match next {
                Awaited::Nothing => break false,
                Awaited::Task(next) if waits_for_itself(&chain) => {
                    let text = format!("{} waits for itself through other tasks", next.repr()?);
                    return Err(PyRecursionError::new_err(text));
                }
                Awaited::Task(next) => task = next,
                Awaited::Other(future) => break cancel_any(&future, message)?,
            }
        };
        // If no future took the request, the next step of the last task in the chain throws the `CancelledError`.
        if !reached {
            let Some(last) = chain.pop() else {
                return Ok(false);
            };
            last.get().with(slf.py(), |state| state.must_cancel = true);
            last.as_super().get().set_cancel_message(slf.py(), message);
        }
        Ok(true)
    }

    /// Counts one request and returns what the task awaits; `None` if the task is done.
    fn count_request<'py>(slf: &Bound<'py, Self>) -> PyResult<Option<Awaited<'py>>> {
        let py = slf.py();
        let future = slf.as_super().get();
        future.initialized(py)?;
        future.with(py, |state| state.log_traceback = false);
        if future.is_done(py) {
            return Ok(None);
        }
        let target = slf.get().state.get_ref(py, |state| {
            state.cancel_requests += 1;
            state.waits_for.as_ref()
        });
        Ok(Some(match target.map(|future| future.into_bound(py)) {
            None => Awaited::Nothing,
            Some(future) if future.is_exact_instance_of::<Self>() => {
                Awaited::Task(future.cast_into()?)
            }
            Some(future) => Awaited::Other(future),
        }))
    }
}

/// Whether the chain has come back to a task that it has passed (Brent's algorithm): it costs one comparison a task, and
/// finds a cycle after at most three rounds.
fn waits_for_itself(chain: &[Bound<'_, Task>]) -> bool {
    let Some((last, before)) = chain.split_last() else {
        return false;
    };
    let landmark = (before.len() + 1).next_power_of_two() / 2;
    before.get(landmark).is_some_and(|task| task.is(last))
}

/// What a task awaits.
enum Awaited<'py> {
    Nothing,
    Task(Bound<'py, Task>),
    /// A future that is not exactly a native task.
    Other(Bound<'py, PyAny>),
}

/// Calls `future.cancel(msg=message)`, for a future of any class.
pub fn cancel_any(future: &Bound<'_, PyAny>, message: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
    if future.is_exact_instance_of::<Future>() {
        return Future::cancel_pending(future.cast()?, message);
    }
    if future.is_exact_instance_of::<Task>() {
        return Task::request_cancel(future.cast()?, message);
    }
    let py = future.py();
    let kwargs = PyDict::new(py);
    kwargs.set_item(intern!(py, "msg"), message)?;
    let cancel = || future.call_method(intern!(py, "cancel"), (), Some(&kwargs));
    cpython::deeper(py, cancel)??.is_truthy()
}

/// Returns `task.cancelling()`, for a task of any class: the number of requests to cancel that were not taken back.
pub fn cancelling(task: &Bound<'_, PyAny>) -> PyResult<i64> {
    match task.cast_exact::<Task>() {
        Ok(native) => Ok(i64::from(native.get().cancelling(task.py()))),
        Err(_) => task
            .call_method0(intern!(task.py(), "cancelling"))?
            .extract(),
    }
}

/// Calls `task.uncancel()`, for a task of any class: takes one request back, and returns the number that is left.
pub fn uncancel(task: &Bound<'_, PyAny>) -> PyResult<i64> {
    match task.cast_exact::<Task>() {
        Ok(native) => Ok(i64::from(native.get().uncancel(task.py()))),
        Err(_) => task.call_method0(intern!(task.py(), "uncancel"))?.extract(),
    }
}
