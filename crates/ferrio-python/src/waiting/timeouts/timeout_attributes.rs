//! The private attributes of timeouts, under asyncio's names.

use pyo3::exceptions::PyAttributeError;
use pyo3::intern;
use pyo3::prelude::*;

use super::timeout::TimeoutPhase;
use super::{Timeout, Timer};
use crate::base::attributes::object_attribute;
use crate::base::imports;
use crate::kernel::task::running_loop;

#[pymethods]
impl Timeout {
    /// The phase, as a member of asyncio's enumeration.
    #[getter(_state)]
    fn get_state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        imports::timeout_state(py)?.call1((self.phase(py).name(),))
    }

    /// The number of requests to cancel the task when the block began.
    #[getter(_cancelling)]
    fn get_cancelling(&self, py: Python<'_>) -> PyResult<i64> {
        let cancelling = self.state.with(py, |state| {
            (state.phase != TimeoutPhase::Created).then_some(state.cancelling)
        });
        cancelling.ok_or_else(|| {
            PyAttributeError::new_err("'Timeout' object has no attribute '_cancelling'")
        })
    }

    /// The handle of the timer. A native timer has none, so it is replaced by a handle that the program can cancel.
    #[getter(_timeout_handler)]
    fn get_timeout_handler<'py>(slf: &Bound<'py, Self>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = slf.py();
        let me = slf.get();
        let native = me.state.with(py, |state| match &state.timer {
            Some(Timer::Handle(handle)) => Err(handle.bind(py).clone()),
            Some(Timer::Native(..)) => Ok(true),
            None => Ok(false),
        });
        match native {
            Err(handle) => return Ok(Some(handle)),
            Ok(false) => return Ok(None),
            Ok(true) => {}
        }
        let on_timeout = slf.getattr(intern!(py, "_on_timeout"))?;
        let handle =
            running_loop(py)?.call_method1(intern!(py, "call_at"), (me.when(py), on_timeout))?;
        let timer = Timer::Handle(handle.clone().unbind());
        let native = me.state.with(py, |state| state.timer.replace(timer));
        if let Some(native) = native {
            native.cancel(py)?;
        }
        Ok(Some(handle))
    }

    /// Insert a `TimeoutError` before the `CancelledError` in the chain of contexts of an exception.
    #[staticmethod]
    #[pyo3(name = "_insert_timeout_error")]
    fn insert_timeout_error(exc_val: &Bound<'_, PyAny>) -> PyResult<()> {
        super::timeout::insert_timeout_error(exc_val)
    }
}

object_attribute!(Timeout, when, _when, get_when, set_when);
object_attribute!(Timeout, task, _task, get_task, set_task);
