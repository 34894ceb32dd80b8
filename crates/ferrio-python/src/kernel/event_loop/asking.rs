//! Iterations that go through Python attributes, for a loop whose `_run_once`, clock, selector or timers a program has
//! replaced.
//!
//! Packages that make loops re-entrant replace `_run_once`; clocks for tests replace the selector's `select`. Such an
//! iteration calls the attributes of these names, as asyncio's does. It runs at most as many callbacks as were ready when
//! it began to run them, and fewer if an iteration inside one of them has run the others.

use std::sync::atomic::Ordering::Relaxed;

use pyo3::intern;
use pyo3::prelude::*;

use super::Loop;
use crate::cpython;

impl Loop {
    /// Runs one iteration through the attribute `_run_once`, if that was replaced.
    pub(super) fn iterate(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        Self::leave_last_task(slf)?;
        Self::look_for_overrides(slf)?;
        if !slf.get().overrides_run_once() {
            return Self::run_own_once(slf);
        }
        let outcome = slf.call_method0(intern!(py, "_run_once")).map(drop);
        cpython::finally(py, outcome, || Self::flush(slf))
    }

    /// Runs one iteration of the loop's own, through the attributes for its parts if these were replaced.
    pub(super) fn run_own_once(slf: &Bound<'_, Self>) -> PyResult<()> {
        let me = slf.get();
        Self::leave_last_task(slf)?;
        Self::look_for_overrides(slf)?;
        Self::take_timers_back(slf)?;
        if me.overrides_parts() {
            return Self::run_once_by_parts(slf);
        }
        Self::run_once(slf)
    }

    fn run_once_by_parts(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let timeout = Self::timeout_by_parts(slf)?;
        let selector = slf.getattr(intern!(py, "_selector"))?;
        let events = selector.call_method1(intern!(py, "select"), (timeout,))?;
        slf.call_method1(intern!(py, "_process_events"), (events,))?;
        Self::queue_due_timers(slf)?;
        let turn = slf
            .get()
            .core(py, ferrio::engine::LoopCore::take_over_injected);
        Self::run_turn(slf, turn)
    }

    /// Returns the selector's timeout in seconds; `None` for none.
    fn timeout_by_parts(slf: &Bound<'_, Self>) -> PyResult<Option<f64>> {
        let me = slf.get();
        let next = Self::next_listed_time(slf)?;
        let ready = me.core(slf.py(), ferrio::engine::LoopCore::take_over_injected);
        if ready > 0 || me.stopping.load(Relaxed) {
            return Ok(Some(0.0));
        }
        let Some(next) = next else {
            return Ok(None);
        };
        let longest = ferrio::engine::MAX_WAIT.as_secs_f64();
        Ok(Some((next - Self::now(slf)?).clamp(0.0, longest)))
    }
}
