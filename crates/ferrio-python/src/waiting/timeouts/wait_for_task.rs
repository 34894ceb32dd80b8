//! `wait_for` as it was before Python 3.12: a coroutine becomes a task, and if a result and a cancellation arrive together,
//! the result wins.

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;

use super::Timer;
use super::wait_for::{End, RELEASE, cancel_and_wait};
use crate::kernel::coroutine::{Step, Wait};
use crate::kernel::done_callback::DoneCallback;
use crate::kernel::future::Home;
use crate::kernel::future::any::is_done;
use crate::kernel::task::{ensure_future_on, running_loop};
use crate::{base::imports, cpython};

/// Runs the first step: makes a task of a coroutine, starts the timer, and waits for either.
pub fn begin(fut: &Bound<'_, PyAny>, timeout: &Bound<'_, PyAny>) -> PyResult<Step> {
    let py = fut.py();
    let event_loop = running_loop(py)?;
    let waiter = Home::of(&event_loop).create_future(py)?;
    let timer = Timer::release_after(&event_loop, &waiter, timeout)?;
    let fut = ensure_future_on(fut, Some(&event_loop))?;
    DoneCallback::new(&RELEASE, &waiter).attach(&fut)?;
    let waiting = TaskWait {
        fut: fut.unbind(),
        waiter: waiter.clone().unbind(),
        timer,
    };
    Ok(Step::Wait(waiter.unbind(), Box::new(waiting)))
}

/// The rest of the coroutine, once the future is done, the time is up, or `wait_for` is cancelled.
struct TaskWait {
    fut: Py<PyAny>,
    waiter: Py<PyAny>,
    timer: Timer,
}

impl TaskWait {
    /// Returns the result if the future is done. Otherwise cancels the future and waits for its end.
    fn end(self, py: Python<'_>, end: End) -> PyResult<Step> {
        self.timer.cancel(py)?;
        let fut = self.fut.bind(py);
        if is_done(fut)? {
            let result = fut.call_method0(intern!(py, "result"))?;
            return Ok(Step::Return(result.unbind()));
        }
        DoneCallback::new(&RELEASE, self.waiter.bind(py)).detach(fut)?;
        cancel_and_wait(fut, end)
    }
}

impl Wait for TaskWait {
    fn resume(self: Box<Self>, py: Python<'_>, outcome: PyResult<Py<PyAny>>) -> PyResult<Step> {
        match outcome {
            Ok(_) => self.end(py, End::Timeout),
            Err(error) if error.is_instance(py, imports::cancelled_error(py)?) => {
                cpython::handling(py, &error, || self.end(py, End::Raise(error.clone_ref(py))))
            }
            Err(error) => cpython::finally(py, Err(error), || self.timer.cancel(py)),
        }
    }

    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.fut)?;
        visit.call(&self.waiter)?;
        self.timer.traverse(visit)
    }
}
