//! The task of the last step, which may stay the current one after the step.
//!
//! Before Python 3.14 the current task is in a dictionary. Making an entry for each step and deleting it again took a sixth
//! of the time of a switch between tasks. So the entry of a step stays until the next step replaces it, provided that no
//! Python code can run in between and see it.

#[cfg(not(Py_3_14))]
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use pyo3::prelude::*;

use super::Loop;

/// Whether the loop's last step has left its task as the current one.
#[cfg(not(Py_3_14))]
#[derive(Default)]
pub struct LastTask(AtomicBool);

#[cfg(not(Py_3_14))]
impl Loop {
    /// Whether a step may keep its task as the current one: not in debug mode or with a clock in Python code, which run
    /// Python code before the next step.
    #[inline]
    pub fn may_keep_last_task(&self) -> bool {
        !self.debug() && !self.overrides_time()
    }

    /// Remembers whether the step has kept its task as the current one.
    #[inline]
    pub fn keep_last_task(&self, stays: bool) {
        self.last_task.0.store(stays, Relaxed);
    }

    /// Returns whether the last step has kept its task, and forgets it: the caller replaces or removes the entry.
    #[inline]
    pub fn take_last_task(&self) -> bool {
        self.last_task.0.load(Relaxed) && self.last_task.0.swap(false, Relaxed)
    }
}

impl Loop {
    /// Leaves a task that its step has kept, before Python code runs that is not a task's step.
    #[inline]
    pub fn leave_last_task(slf: &Bound<'_, Self>) -> PyResult<()> {
        #[cfg(not(Py_3_14))]
        if slf.get().take_last_task() {
            return crate::cpython::leave_last_task(slf.as_any());
        }
        let _ = slf;
        Ok(())
    }
}
