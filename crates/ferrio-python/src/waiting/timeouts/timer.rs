//! A timer on ferrio's loop, where it is a payload in the heap, or on another.

use ferrio::{Time, TimerKey};
use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyFloat;

use crate::base::imports;
use crate::kernel::event_loop::{Callback, Loop, plain_seconds, time_after, time_at};
use crate::kernel::handle::run_was_replaced;
use crate::kernel::task::running_loop;

/// Something that is scheduled for a time and can be taken back.
pub enum Timer {
    /// On a ferrio loop.
    Native(Py<Loop>, TimerKey),
    /// A handle of another loop.
    Handle(Py<PyAny>),
}

impl Timer {
    /// Schedules a payload for a time on the loop's clock.
    pub fn native(event_loop: &Bound<'_, Loop>, at: Time, payload: Callback) -> PyResult<Self> {
        let me = event_loop.get();
        me.check_open()?;
        if me.debug() {
            me.check_thread()?;
        }
        let key = me.core(event_loop.py(), |core| core.schedule(at, payload));
        Ok(Self::Native(event_loop.clone().unbind(), key))
    }

    /// Schedules that a future is finished with `None` after a delay in seconds, unless it is done.
    pub fn to_wake<'py>(
        event_loop: &Bound<'py, PyAny>,
        waiter: &Bound<'py, PyAny>,
        delay: &Bound<'py, PyAny>,
    ) -> PyResult<Self> {
        let py = waiter.py();
        if let Some(native) = native_loop(event_loop) {
            let at = time_at(time_after(time(event_loop)?, delay)?.seconds())?;
            return Self::native(native, at, Callback::Finish(waiter.clone().unbind()));
        }
        let release = imports::release_waiter(py)?.call1((waiter,))?;
        let handle = event_loop.call_method1(intern!(py, "call_later"), (delay, release))?;
        Ok(Self::Handle(handle.unbind()))
    }

    /// Takes it back. It may have run.
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

/// The loop as one of ferrio's whose queue may be used directly. A program that has replaced `asyncio.Handle._run` is to see
/// handles of timers.
pub fn native_loop<'a, 'py>(event_loop: &'a Bound<'py, PyAny>) -> Option<&'a Bound<'py, Loop>> {
    let event_loop = event_loop.cast::<Loop>().ok()?;
    let is_plain = !event_loop.get().overrides_scheduling() && !run_was_replaced();
    is_plain.then_some(event_loop)
}

/// `loop.time()`.
pub fn time(event_loop: &Bound<'_, PyAny>) -> PyResult<f64> {
    match native_loop(event_loop) {
        Some(native) => Loop::now(native),
        None => event_loop
            .call_method0(intern!(event_loop.py(), "time"))?
            .extract(),
    }
}

/// `loop.time() + delay`, on the running loop.
pub fn deadline_after<'py>(delay: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = delay.py();
    let now = time(&running_loop(py)?)?;
    Ok(time_after(now, delay)?.object(py))
}

/// `delay <= 0`.
pub fn is_over(delay: &Bound<'_, PyAny>) -> PyResult<bool> {
    match delay.cast_exact::<PyFloat>() {
        Ok(seconds) => Ok(seconds.value() <= 0.0),
        Err(_) => delay.le(0),
    }
}

/// When a deadline is on the loop's clock, or None if it is over. What is no plain number is compared by its own methods.
pub fn time_ahead(event_loop: &Bound<'_, Loop>, when: &Bound<'_, PyAny>) -> PyResult<Option<Time>> {
    let Some(seconds) = plain_seconds(when) else {
        let past = when.le(Loop::now(event_loop)?)?;
        return (!past).then(|| time_at(when.extract()?)).transpose();
    };
    let at = time_at(seconds)?;
    let far = event_loop.get().has_system_time() && at.is_far();
    Ok((far || seconds > Loop::now(event_loop)?).then_some(at))
}
