//! A timer: on ferrio's loop a payload in the heap, on another loop the handle that `call_at` or `call_later` returns.

use ferrio::engine::{Time, TimerKey};
use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyFloat;

use crate::base::imports;
use crate::kernel::event_loop::{Callback, Loop, native_loop, plain_seconds, time_after, time_at};
use crate::kernel::task::running_loop;

/// A scheduled timer, which can be cancelled.
pub enum Timer {
    /// A payload in the heap of a ferrio loop.
    Native(Py<Loop>, TimerKey),
    /// A handle of another loop, or one that a program has asked for.
    Handle(Py<PyAny>),
}

impl Timer {
    /// Schedules a payload for a time on the clock of a ferrio loop.
    pub fn schedule(event_loop: &Bound<'_, Loop>, at: Time, payload: Callback) -> PyResult<Self> {
        let me = event_loop.get();
        me.check_scheduling()?;
        let key = me.core(event_loop.py(), |core| core.schedule(at, payload));
        Ok(Self::Native(event_loop.clone().unbind(), key))
    }

    /// Schedules on a ferrio loop that a future is finished with `None` after a delay in seconds, unless it is done.
    pub fn wake_after(
        event_loop: &Bound<'_, Loop>,
        future: &Bound<'_, PyAny>,
        delay: &Bound<'_, PyAny>,
    ) -> PyResult<Self> {
        let at = time_at(time_after(Loop::now(event_loop)?, delay)?.seconds())?;
        Self::schedule(event_loop, at, Callback::Finish(future.clone().unbind()))
    }

    /// Schedules the same on a loop of any class, where asyncio's `_release_waiter` finishes the future.
    pub fn release_after(
        event_loop: &Bound<'_, PyAny>,
        waiter: &Bound<'_, PyAny>,
        delay: &Bound<'_, PyAny>,
    ) -> PyResult<Self> {
        if let Some(native) = native_loop(event_loop) {
            return Self::wake_after(native, waiter, delay);
        }
        let py = waiter.py();
        let release = imports::release_waiter(py)?.call1((waiter,))?;
        let handle = event_loop.call_method1(intern!(py, "call_later"), (delay, release))?;
        Ok(Self::Handle(handle.unbind()))
    }

    /// Cancels the timer. It may have run already.
    pub fn cancel(self, py: Python<'_>) -> PyResult<()> {
        match self {
            Self::Native(event_loop, key) => drop(event_loop.get().cancel_timer(py, key)?),
            Self::Handle(handle) => {
                handle.call_method0(py, intern!(py, "cancel"))?;
            }
        }
        Ok(())
    }

    /// Shows the references to the garbage collector.
    pub fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self {
            Self::Native(event_loop, _) => visit.call(event_loop),
            Self::Handle(handle) => visit.call(handle),
        }
    }
}

/// Returns `loop.time()`.
pub fn time(event_loop: &Bound<'_, PyAny>) -> PyResult<f64> {
    match native_loop(event_loop) {
        Some(native) => Loop::now(native),
        None => event_loop
            .call_method0(intern!(event_loop.py(), "time"))?
            .extract(),
    }
}

/// Returns `loop.time() + delay` for the running loop.
pub fn deadline_after<'py>(delay: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = delay.py();
    let now = time(&running_loop(py)?)?;
    Ok(time_after(now, delay)?.object(py))
}

/// Returns `delay <= 0`.
pub fn is_over(delay: &Bound<'_, PyAny>) -> PyResult<bool> {
    match delay.cast_exact::<PyFloat>() {
        Ok(seconds) => Ok(seconds.value() <= 0.0),
        Err(_) => delay.le(0),
    }
}

/// Returns a deadline on the loop's clock, or `None` if it has passed. An object that is not a plain number is compared by
/// its own methods.
pub fn time_ahead(event_loop: &Bound<'_, Loop>, when: &Bound<'_, PyAny>) -> PyResult<Option<Time>> {
    let Some(seconds) = plain_seconds(when) else {
        let past = when.le(Loop::now(event_loop)?)?;
        return (!past).then(|| time_at(when.extract()?)).transpose();
    };
    let at = time_at(seconds)?;
    let far = event_loop.get().has_system_time() && at.is_far();
    Ok((far || seconds > Loop::now(event_loop)?).then_some(at))
}
