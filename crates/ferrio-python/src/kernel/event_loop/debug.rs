//! Debug mode: the checks of callers and callbacks, and the warning about slow callbacks.

use std::sync::atomic::Ordering::Relaxed;

use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;

use super::{Callback, Loop};
use crate::base::arguments::Truth;
use crate::{base::imports, kernel::coroutine};

impl Loop {
    /// Raises `RuntimeError` when another thread runs the loop.
    pub fn check_thread(&self) -> PyResult<()> {
        if self.runs_in_another_thread() {
            return Err(PyRuntimeError::new_err(
                "Non-thread-safe operation invoked on an event loop other than the current one",
            ));
        }
        Ok(())
    }

    /// Raises asyncio's `TypeError` for an object that cannot be a callback.
    pub(super) fn check_callback(
        slf: &Bound<'_, Self>,
        callback: &Bound<'_, PyAny>,
        method: &str,
    ) -> PyResult<()> {
        slf.call_method1(intern!(slf.py(), "_check_callback"), (callback, method))?;
        Ok(())
    }

    /// Turns the recording of the places where coroutines are created on or off.
    pub(super) fn track_coroutine_origins(slf: &Bound<'_, Self>, enabled: bool) -> PyResult<()> {
        if enabled {
            coroutine::may_trace_origins();
        }
        slf.call_method1(
            intern!(slf.py(), "_set_coroutine_origin_tracking"),
            (enabled,),
        )?;
        Ok(())
    }

    /// Runs a callback and logs a warning if it has blocked the loop for too long.
    pub(super) fn run_timed(slf: &Bound<'_, Self>, callback: Callback) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        Self::leave_last_task(slf)?;
        let handle = match &callback {
            Callback::Handle(handle) => Some(handle.clone_ref(py).into_any()),
            Callback::Foreign(handle) => Some(handle.clone_ref(py)),
            _ => None,
        };
        me.set_current_handle(py, handle);
        let start = Self::now(slf)?;
        let outcome = callback.duplicate(py).run(slf);
        me.set_current_handle(py, None);
        outcome?;
        let seconds = Self::now(slf)? - start;
        if seconds >= me.get_slow_callback_duration(py) {
            let text = callback.describe(py)?;
            let message = "Executing %s took %.3f seconds";
            imports::logger(py)?.call_method1("warning", (message, text, seconds))?;
        }
        Ok(())
    }
}

#[pymethods]
impl Loop {
    /// Return True if debug mode is on.
    fn get_debug(&self) -> bool {
        self.debug()
    }

    /// Turn debug mode on or off.
    fn set_debug(slf: &Bound<'_, Self>, enabled: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        me.debug.store(enabled.is_truthy()?, Relaxed);
        if me.is_running() {
            coroutine::may_trace_origins();
            let track = slf.getattr("_set_coroutine_origin_tracking")?;
            slf.call_method1(intern!(py, "call_soon_threadsafe"), (track, enabled))?;
        }
        Ok(())
    }

    #[getter(_debug)]
    fn get_debug_attribute(&self) -> bool {
        self.debug()
    }

    #[setter(_debug)]
    fn set_debug_attribute(&self, enabled: Truth) {
        self.debug.store(enabled.0, Relaxed);
    }

    /// Seconds from which a callback counts as slow in debug mode; 0.1 by default.
    #[getter(slow_callback_duration)]
    fn get_slow_callback_duration(&self, py: Python<'_>) -> f64 {
        self.hooks.with(py, |hooks| hooks.slow_callback_duration)
    }

    #[setter(slow_callback_duration)]
    fn set_slow_callback_duration(&self, py: Python<'_>, seconds: f64) {
        self.hooks
            .with(py, |hooks| hooks.slow_callback_duration = seconds);
    }

    #[getter(_current_handle)]
    fn get_current_handle(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.hooks
            .get_ref(py, |hooks| hooks.current_handle.as_ref())
    }

    #[setter(_current_handle)]
    fn set_current_handle(&self, py: Python<'_>, handle: Option<Py<PyAny>>) {
        let old = self.hooks.with(py, |hooks| {
            std::mem::replace(&mut hooks.current_handle, handle)
        });
        drop(old);
    }
}
