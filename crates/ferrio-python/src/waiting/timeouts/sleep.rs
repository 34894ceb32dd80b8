//! `sleep`: a coroutine that ends after a time.

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyFloat, PyInt};

use super::Timer;
use super::timer::{is_over, native_loop, time};
use crate::base::imports;
use crate::kernel::coroutine::{Body, Call, Step, Wait, body};
use crate::kernel::event_loop::{Callback, Loop, time_after, time_at};
use crate::kernel::task::running_loop;

pub const SLEEP: Body = body!("sleep", |delay: PyAny, result| begin(delay, result));

/// Return result after delay seconds; with a delay of 0 or less, after giving way to others once.
///
/// Raises ValueError if delay is NaN.
#[pyfunction]
#[pyo3(signature = (delay, result = None))]
pub fn sleep(delay: Py<PyAny>, result: Option<Py<PyAny>>) -> Call {
    SLEEP.call(delay, result)
}

/// Begins to wait: for a future, and a timer that finishes it.
fn begin(delay: &Bound<'_, PyAny>, result: Option<Py<PyAny>>) -> PyResult<Step> {
    let py = delay.py();
    let result = result.unwrap_or_else(|| py.None());
    // To ask an integer for a floating-point number makes an object.
    if delay.is_exact_instance_of::<PyInt>() && delay.extract::<i64>().is_ok_and(|delay| delay <= 0)
    {
        return Ok(Step::YieldOnce(result));
    }
    if is_over(delay)? {
        return Ok(Step::YieldOnce(result));
    }
    // Since Python 3.13 asyncio asks `math.isnan`, which wants a number.
    if cfg!(Py_3_13) || delay.is_exact_instance_of::<PyFloat>() {
        time_at(delay.extract()?)?;
    }
    let event_loop = running_loop(py)?;
    let (future, timer) = if let Some(native) = native_loop(&event_loop) {
        let future = Loop::create_future(native)?.into_any();
        let payload = Callback::Finish(future.clone().unbind());
        let at = time_at(time_after(time(&event_loop)?, delay)?.seconds())?;
        let timer = Timer::native(native, at, payload)?;
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

/// The rest of the coroutine.
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
