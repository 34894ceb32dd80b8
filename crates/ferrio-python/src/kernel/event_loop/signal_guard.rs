//! The guard of polls: every signal ends a poll that blocks, also one that arrives just before it or in another thread, which
//! a system call of the main thread does not notice.
//!
//! A loop without signal handlers that runs in the main thread sets the wake-up descriptor for that, if nobody else has set
//! it. It does so only while a poll blocks, so that Python code never sees the descriptor. Before Python 3.13 the interpreter
//! does not export the function that exchanges the descriptor, and Python's own costs three system calls; there the loop
//! has the descriptor while it runs.

#[cfg(Py_3_13)]
use std::os::fd::AsRawFd;
use std::os::fd::RawFd;

#[cfg(Py_3_13)]
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;

use super::Loop;
use super::signals::set_wakeup_fd;
use crate::base::imports;
#[cfg(Py_3_13)]
use crate::cpython;

/// Sets the wake-up descriptor of somebody else again. If it was closed in the meantime, there is none.
#[cfg(Py_3_13)]
fn give_back(py: Python<'_>, fd: RawFd) -> PyResult<()> {
    match set_wakeup_fd(py, fd) {
        Err(error) if error.is_instance_of::<PyOSError>(py) => Ok(()),
        outcome => outcome.map(drop),
    }
}

fn in_main_thread(py: Python<'_>) -> PyResult<bool> {
    let main = imports::main_thread(py)?.call0()?;
    Ok(imports::current_thread(py)?.call0()?.is(&main))
}

/// Sets the descriptor for a whole run. Returns whether it is this loop's to unset: nobody else has set it.
fn take_for_a_run(py: Python<'_>, fd: RawFd) -> PyResult<bool> {
    match set_wakeup_fd(py, fd) {
        Ok(-1) => Ok(true),
        Ok(previous) if previous != fd => set_wakeup_fd(py, previous).map(|_| false),
        // It is set already; or this is the main thread of a subinterpreter, which cannot set it.
        _ => Ok(false),
    }
}

impl Loop {
    /// Has polls guarded from now on, if this is the main thread.
    pub(super) fn guard_polls(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        if !in_main_thread(py)? {
            return Ok(());
        }
        let fd = Self::wakeup_fd(slf)?;
        if cfg!(Py_3_13) || take_for_a_run(py, fd)? {
            (slf.get().signals).with(py, |signals| signals.guards_polls = true);
        }
        Ok(())
    }

    /// Undoes [`Loop::guard_polls`].
    pub(super) fn stop_guarding_polls(&self, py: Python<'_>) -> PyResult<()> {
        let guarded = (self.signals).with(py, |signals| std::mem::take(&mut signals.guards_polls));
        if cfg!(not(Py_3_13)) && guarded && !self.has_signal_handlers(py) {
            set_wakeup_fd(py, -1)?;
        }
        Ok(())
    }
}

/// Around a single poll.
#[cfg(Py_3_13)]
impl Loop {
    /// Has every signal end the poll that follows, until [`Loop::end_guard`] is called with the wake-up descriptor that this returns.
    ///
    /// Returns `None`, and changes nothing, if polls are not guarded, if the loop has handlers and thus the descriptor, or
    /// if somebody else has set it, who is not asked again in this run.
    pub(super) fn begin_guard(&self, py: Python<'_>) -> PyResult<Option<RawFd>> {
        let fd = self.signals.with(py, |signals| {
            let pipe = signals.pipe.as_ref()?;
            (signals.guards_polls && !signals.has_handlers(py)).then(|| pipe.writer.as_raw_fd())
        });
        let Some(fd) = fd else { return Ok(None) };
        let before = cpython::replace_wakeup_fd(py, fd);
        if before == -1 || before == fd {
            return Ok(Some(fd));
        }
        self.stop_guarding_polls(py)?;
        give_back(py, before)?;
        Ok(None)
    }

    /// Undoes [`Loop::begin_guard`], unless a signal handler that ran in the meantime has set a descriptor.
    pub(super) fn end_guard(&self, py: Python<'_>, fd: RawFd) -> PyResult<()> {
        if self.has_signal_handlers(py) {
            return Ok(());
        }
        match cpython::replace_wakeup_fd(py, -1) {
            found if found == fd => Ok(()),
            theirs => give_back(py, theirs),
        }
    }
}

/// Nothing is to be done around a single poll: the descriptor is set.
#[cfg(not(Py_3_13))]
#[allow(clippy::unused_self, clippy::unnecessary_wraps)] // As above.
impl Loop {
    pub(super) fn begin_guard(&self, _: Python<'_>) -> PyResult<Option<RawFd>> {
        Ok(None)
    }

    pub(super) fn end_guard(&self, _: Python<'_>, _: RawFd) -> PyResult<()> {
        Ok(())
    }
}
