//! The task of the last step, which may stay the current one.
//!
//! Before Python 3.14 the current task is in a dictionary. To make an entry for each step and to delete it again was a sixth of
//! a switch between tasks, so the entry of a step stays until the next one takes its place, if no Python code can run in
//! between.

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
    /// Whether a step may leave its task: not if Python code is asked for the time before the next.
    #[inline]
    pub fn may_keep_last_task(&self) -> bool {
        !self.debug() && !self.has_own_time()
    }

    /// Remembers whether the step has left its task.
    #[inline]
    pub fn keep_last_task(&self, stays: bool) {
        self.last_task.0.store(stays, Relaxed);
    }

    /// Whether the last step has left its task; the caller sees to it from now on.
    #[inline]
    pub fn take_last_task(&self) -> bool {
        self.last_task.0.load(Relaxed) && self.last_task.0.swap(false, Relaxed)
    }
}

impl Loop {
    /// Has no task be the current one, before Python code runs that is no step of a task.
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
