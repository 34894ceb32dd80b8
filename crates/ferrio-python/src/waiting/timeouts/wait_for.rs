//! `wait_for`: awaiting with a time limit.

use pyo3::PyTraverseError;
use pyo3::exceptions::PyTimeoutError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;

use super::timer::is_over;
#[cfg(Py_3_12)]
use super::{Timeout, timer::deadline_after};
use crate::kernel::coroutine::{Body, Call, Step, Wait, body};
use crate::kernel::done_callback::{DoneCallback, DoneCallbackKind};
use crate::kernel::event_loop::finish_with_none;
use crate::kernel::future::Home;
use crate::kernel::future::any::is_done;
use crate::kernel::task::{cancel_any, ensure_future_on, running_loop};
use crate::waiting::return_await::return_await;
use crate::{base::imports, cpython};

/// Finishes the future that `wait_for` waits for with `None`.
pub(super) static RELEASE: DoneCallbackKind =
    DoneCallbackKind::of("_release_waiter", |callback, future| {
        finish_with_none(callback.object(future.py()))
    });

pub const WAIT_FOR: Body = body!("wait_for", |fut: PyAny, timeout| begin(fut, timeout));

/// Wait for an awaitable, at most timeout seconds; None means forever.
///
/// Return its result. If the time is up, cancel the awaitable, wait until it has ended, and raise TimeoutError. An exception
/// of the awaitable is raised.
#[pyfunction]
#[pyo3(signature = (fut, timeout))]
pub fn wait_for(fut: Py<PyAny>, timeout: Py<PyAny>) -> Call {
    WAIT_FOR.call(fut, Some(timeout))
}

fn begin(fut: &Bound<'_, PyAny>, timeout: Option<Py<PyAny>>) -> PyResult<Step> {
    let py = fut.py();
    let Some(timeout) = timeout.filter(|timeout| !timeout.is_none(py)) else {
        return Ok(return_await(fut.clone().unbind()));
    };
    let timeout = timeout.bind(py);
    if is_over(timeout)? {
        return immediate(fut);
    }
    #[cfg(not(Py_3_12))]
    return super::wait_for_task::begin(fut, timeout);
    #[cfg(Py_3_12)]
    timed(fut, timeout)
}

/// Runs the first step of `async with timeout(timeout): return await fut`.
#[cfg(Py_3_12)]
fn timed(fut: &Bound<'_, PyAny>, timeout: &Bound<'_, PyAny>) -> PyResult<Step> {
    let py = fut.py();
    let block = Timeout::create(py, Some(deadline_after(timeout)?.unbind()))?;
    Timeout::enter(&block)?;
    let timed = Timed(block.unbind());
    Ok(Step::Wait(fut.clone().unbind(), Box::new(timed)))
}

/// The rest of the coroutine, inside the timeout that it contains.
#[cfg(Py_3_12)]
struct Timed(Py<Timeout>);

#[cfg(Py_3_12)]
impl Wait for Timed {
    fn resume(self: Box<Self>, py: Python<'_>, outcome: PyResult<Py<PyAny>>) -> PyResult<Step> {
        let block = self.0.bind(py);
        match outcome {
            Ok(result) => {
                Timeout::exit(block, None)?;
                Ok(Step::Return(result))
            }
            Err(error) => {
                let raised = error.value(py);
                cpython::handling(py, &error, || Timeout::exit(block, Some(raised)))?;
                Err(error)
            }
        }
    }

    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.0)
    }
}

/// Returns the result of an awaitable that is done. Otherwise cancels it, since there is no time to wait.
fn immediate(fut: &Bound<'_, PyAny>) -> PyResult<Step> {
    let py = fut.py();
    let fut = ensure_future_on(fut, None)?;
    if is_done(&fut)? {
        let result = fut.call_method0(intern!(py, "result"))?;
        return Ok(Step::Return(result.unbind()));
    }
    cancel_and_wait(&fut, End::Timeout)
}

/// How `wait_for` ends once the future that it has cancelled has ended.
pub(super) enum End {
    /// With the outcome of the future, where a cancellation becomes a `TimeoutError`.
    Timeout,
    /// With the exception that `wait_for` itself was interrupted by.
    #[cfg_attr(
        Py_3_12,
        expect(dead_code, reason = "wait_for awaits the future directly")
    )]
    Raise(PyErr),
}

/// Cancels a future and waits for its end, without retrieving its result or exception.
pub(super) fn cancel_and_wait(fut: &Bound<'_, PyAny>, end: End) -> PyResult<Step> {
    let py = fut.py();
    let waiter = Home::of(&running_loop(py)?).create_future(py)?;
    DoneCallback::new(&RELEASE, &waiter).attach(fut)?;
    cancel_any(fut, None)?;
    let ending = EndWait {
        fut: fut.clone().unbind(),
        waiter: waiter.clone().unbind(),
        end,
    };
    Ok(Step::Wait(waiter.unbind(), Box::new(ending)))
}

/// The rest of the coroutine, once the cancelled future has ended.
struct EndWait {
    fut: Py<PyAny>,
    waiter: Py<PyAny>,
    end: End,
}

impl Wait for EndWait {
    fn resume(self: Box<Self>, py: Python<'_>, outcome: PyResult<Py<PyAny>>) -> PyResult<Step> {
        let Self { fut, waiter, end } = *self;
        let fut = fut.bind(py);
        let detached = cpython::finally(py, outcome, || {
            DoneCallback::new(&RELEASE, waiter.bind(py)).detach(fut)
        });
        if let End::Raise(error) = end {
            // The exception was being handled meanwhile, so that it is the context of another one.
            detached.map_err(|another| cpython::raised_while(py, &error, another))?;
            return Err(error);
        }
        detached?;
        match fut.call_method0(intern!(py, "result")) {
            Err(error) if error.is_instance(py, imports::cancelled_error(py)?) => {
                cpython::handling(py, &error, || {
                    let timeout = py.get_type::<PyTimeoutError>().call0()?;
                    Err(cpython::raise_from(timeout, &error))
                })
            }
            outcome => outcome.map(|result| Step::Return(result.unbind())),
        }
    }

    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.fut)?;
        visit.call(&self.waiter)
    }
}
