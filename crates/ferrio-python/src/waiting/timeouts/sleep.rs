//! `sleep`: a coroutine that ends after a delay.
//!
//! It waits for a future that a timer finishes. On ferrio's loop the future is the payload of the timer, so that there is
//! no handle and no callback.

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyInt;

use super::Timer;
use super::timer::is_over;
use crate::base::imports;
use crate::kernel::coroutine::{Body, Call, Step, Wait, body};
use crate::kernel::event_loop::{Loop, native_loop, time_at};
use crate::kernel::task::running_loop;

pub const SLEEP: Body = body!("sleep", |delay: PyAny, result| begin(delay, result));

/// Return result after delay seconds. With a delay of 0 or less, let other tasks run once.
///
/// Raises ValueError if delay is NaN.
#[pyfunction]
#[pyo3(signature = (delay, result = None))]
pub fn sleep(delay: Py<PyAny>, result: Option<Py<PyAny>>) -> Call {
    SLEEP.call(delay, result)
}

/// Runs the first step: starts the timer and waits for the future.
fn begin(delay: &Bound<'_, PyAny>, result: Option<Py<PyAny>>) -> PyResult<Step> {
    let py = delay.py();
    let result = result.unwrap_or_else(|| py.None());
    // An integer is compared as an i64: comparing or converting the object would make another one.
    if delay.is_exact_instance_of::<PyInt>() && delay.extract::<i64>().is_ok_and(|delay| delay <= 0)
    {
        return Ok(Step::YieldOnce(result));
    }
    if is_over(delay)? {
        return Ok(Step::YieldOnce(result));
    }
    // asyncio calls `math.isnan(delay)` since Python 3.13, which raises `TypeError` unless the delay is a number.
    if cfg!(Py_3_13) {
        time_at(delay.extract()?)?;
    }
    let event_loop = running_loop(py)?;
    let (future, timer) = if let Some(native) = native_loop(&event_loop) {
        let future = Loop::create_future(native)?.into_any();
        let timer = Timer::wake_after(native, &future, delay)?;
        (future, timer)
    } else {
        let future = event_loop.call_method0(intern!(py, "create_future"))?;
        let set_result = imports::set_result_unless_cancelled(py)?;
        let args = (delay, set_result, &future, &result);
        let handle = event_loop.call_method1(intern!(py, "call_later"), args)?;
        (future, Timer::Handle(handle.unbind()))
    };
    Ok(Step::Wait(
        future.unbind(),
        Box::new(Sleeping { timer, result }),
    ))
}

/// The rest of `sleep`, once its future is done or cancelled.
struct Sleeping {
    timer: Timer,
    result: Py<PyAny>,
}

impl Wait for Sleeping {
    fn resume(self: Box<Self>, py: Python<'_>, outcome: PyResult<Py<PyAny>>) -> PyResult<Step> {
        self.timer.cancel(py)?;
        outcome?;
        Ok(Step::Return(self.result))
    }

    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.timer.traverse(visit)?;
        visit.call(&self.result)
    }
}
