//! Noticing that the process has exited, and its exit code.
//!
//! On Linux a descriptor of the process (`pidfd_open(2)`) becomes readable when the process exits. `waitid(2)` on this
//! descriptor reaps exactly this process, even if its number belongs to another one by then. Where there is no descriptor
//! (another system, a sandbox that forbids the call, no descriptors left), the running Python's own child watcher waits in
//! a thread.

use std::os::fd::{AsRawFd, OwnedFd};

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::running_version::Behaviour;
use super::{ProtocolCalls, SubprocessTransport};
use crate::base::errors::os_error;
use crate::kernel::event_loop::{Action, Callback, Direction, Loop};
use crate::{base::imports, cpython};

static EXITED: Action = Action::of("reaping", |object| {
    SubprocessTransport::on_exit(object.cast()?)
});

/// The exit code that asyncio reports if the process was reaped by others.
const UNKNOWN: i32 = 255;

/// How the exit is going to be noticed.
pub(super) enum Watch {
    /// By the descriptor of the process, which the loop watches.
    Descriptor(OwnedFd),
    /// By a thread that waits.
    Thread,
    /// Not at all: the exit is known, or the process is not watched yet.
    Over,
}

/// The outcome of reaping a process that has exited.
enum Reaped {
    Code(i32),
    /// The process was reaped by others, so that its exit code is not known.
    Elsewhere,
}

impl SubprocessTransport {
    /// Begins to watch for the exit.
    pub(super) fn watch_exit(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let pid = me.state.get_ref(py, |state| state.pid.as_ref());
        let Some(pid) = pid else {
            return Ok(());
        };
        let pid = pid.into_bound(py);
        let watch = if let Some(descriptor) = open_pidfd(pid.extract()?) {
            let callback = Callback::action(&EXITED, slf);
            let event_loop = me.event_loop.get();
            event_loop.watch(py, descriptor.as_raw_fd(), Direction::Read, callback)?;
            if cfg!(Py_3_12) {
                let context = cpython::copy_context(py)?;
                me.state.with(py, |state| state.context = Some(context));
            }
            Watch::Descriptor(descriptor)
        } else {
            let callback = slf.getattr(intern!(py, "_child_exited"))?;
            let watcher = imports::threaded_child_watcher(py)?;
            watcher.call_method1("add_child_handler", (pid, callback))?;
            Watch::Thread
        };
        me.state.with(py, |state| state.watch = watch);
        Ok(())
    }

    /// Handles the exit. The loop calls this when the descriptor of the process is readable.
    pub fn on_exit(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let fd = me.state.with(py, |state| match &state.watch {
            Watch::Descriptor(descriptor) => Some(descriptor.as_raw_fd()),
            Watch::Thread | Watch::Over => None,
        });
        let Some(fd) = fd else {
            return Ok(());
        };
        me.event_loop.get().unwatch(py, fd, Direction::Read)?;
        let context = me.state.with(py, |state| state.context.take());
        match context {
            Some(context) => cpython::in_context(context.bind(py), || Self::reap_or_schedule(slf)),
            None => Self::reap_or_schedule(slf),
        }
    }

    /// Reaps the process, now or in the next iteration.
    fn reap_or_schedule(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if Behaviour::ExitIsDelayed.holds(py)? {
            // Until the exit takes effect, signals go to the process's number, so another process must not get it.
            let reap = slf.getattr(intern!(py, "_reap"))?;
            return Loop::schedule(me.event_loop(py), reap, PyTuple::empty(py), None);
        }
        Self::reap(slf)
    }

    /// Stores the exit code, schedules `process_exited` of the protocol, and wakes coroutines that wait for the exit.
    fn process_exited(slf: &Bound<'_, Self>, returncode: i32) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let log_args = ("%r exited with return code %r", slf, returncode);
        Self::log(slf, "info", log_args)?;
        me.state
            .with(py, |state| state.returncode = Some(returncode));
        if let Some(popen) = me.popen(py)
            && popen.getattr(intern!(py, "returncode"))?.is_none()
        {
            popen.setattr(intern!(py, "returncode"), returncode)?;
        }
        if let Some(protocol) = me.protocol(py) {
            let process_exited = protocol.getattr(intern!(py, "process_exited"))?;
            me.call_protocol(py, process_exited, PyTuple::empty(py))?;
        }
        Self::try_finish(slf)?;
        // If the pipes could not be connected, `connection_lost` is never called.
        let unconnected = me
            .state
            .with(py, |state| matches!(state.calls, ProtocolCalls::Kept(_)));
        if unconnected || Behaviour::ExitWakesWaiters.holds(py)? {
            me.wake_waiters(py)?;
        }
        Ok(())
    }

    /// Wakes the coroutines that wait for the exit.
    pub(super) fn wake_waiters(&self, py: Python<'_>) -> PyResult<()> {
        let (waiters, returncode) = self
            .state
            .with(py, |state| (state.waiters.take(), state.returncode));
        for waiter in waiters.iter().flatten() {
            let waiter = waiter.bind(py);
            if !waiter.call_method0(intern!(py, "done"))?.is_truthy()? {
                waiter.call_method1(intern!(py, "set_result"), (returncode,))?;
            }
        }
        Ok(())
    }

    /// Returns a future that is done when the process has exited, or `None` if it has exited already.
    pub fn exit_waiter(slf: &Bound<'_, Self>) -> PyResult<Option<Py<PyAny>>> {
        let py = slf.py();
        let me = slf.get();
        if me.returncode(py).is_some() {
            return Ok(None);
        }
        let waiter = Loop::create_future(me.event_loop(py))?.into_any().unbind();
        me.state.with(py, |state| {
            if let Some(waiters) = &mut state.waiters {
                waiters.push(waiter.clone_ref(py));
            }
        });
        Ok(Some(waiter))
    }

    /// Removes a future from those that wait for the exit.
    pub(super) fn forget_waiter(&self, py: Python<'_>, waiter: &Py<PyAny>) {
        let found = self.state.with(py, |state| {
            let waiters = state.waiters.as_mut()?;
            let index = waiters.iter().position(|other| other.is(waiter))?;
            Some(waiters.swap_remove(index))
        });
        drop(found);
    }

    /// Returns the exit code of a process that was reaped by others. `Popen` has it if the program has called its methods;
    /// otherwise logs a warning.
    fn code_from_popen(&self, py: Python<'_>, warning: &str) -> PyResult<i32> {
        if let Some(popen) = self.popen(py)
            && let Ok(Some(code)) = popen.getattr(intern!(py, "returncode"))?.extract()
        {
            return Ok(code);
        }
        let pid = self.state.get_ref(py, |state| state.pid.as_ref());
        imports::logger(py)?.call_method1("warning", (warning, pid))?;
        Ok(UNKNOWN)
    }
}

#[pymethods]
impl SubprocessTransport {
    #[pyo3(name = "_reap")]
    fn reap(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let watch = me
            .state
            .with(py, |state| std::mem::replace(&mut state.watch, Watch::Over));
        let Watch::Descriptor(descriptor) = watch else {
            return Ok(());
        };
        let code = match wait(&descriptor).map_err(|error| os_error(py, &error))? {
            Reaped::Code(code) => code,
            Reaped::Elsewhere => {
                // The default child watcher of Python 3.11 uses threads, and has a message of its own.
                let warning = if cfg!(Py_3_12) {
                    "child process pid %d exit status already read:  will report returncode 255"
                } else {
                    "Unknown child process pid %d, will report returncode 255"
                };
                me.code_from_popen(py, warning)?
            }
        };
        Self::process_exited(slf, code)
    }

    /// Handle the exit that a child watcher with threads reports. It calls this in the loop's thread.
    #[pyo3(name = "_child_exited")]
    fn child_exited(
        slf: &Bound<'_, Self>,
        pid: &Bound<'_, PyAny>,
        returncode: i32,
    ) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let _ = pid;
        me.state.with(py, |state| state.watch = Watch::Over);
        let code = if returncode == UNKNOWN {
            // `Popen` may have reaped the process before the watcher.
            let known = me.popen(py).map(|popen| popen.getattr("returncode"));
            known
                .and_then(|code| code.ok()?.extract().ok())
                .unwrap_or(returncode)
        } else {
            returncode
        };
        if Behaviour::ExitIsDelayed.holds(py)? {
            let exited = slf.getattr(intern!(py, "_process_exited"))?;
            let args = PyTuple::new(py, [code])?;
            return Loop::schedule(me.event_loop(py), exited, args, None);
        }
        Self::process_exited(slf, code)
    }

    #[pyo3(name = "_process_exited")]
    fn process_exited_method(slf: &Bound<'_, Self>, returncode: i32) -> PyResult<()> {
        Self::process_exited(slf, returncode)
    }
}

/// Returns a descriptor of a process, or `None` if there is none.
#[cfg(target_os = "linux")]
fn open_pidfd(pid: i32) -> Option<OwnedFd> {
    use rustix::process::{Pid, PidfdFlags, pidfd_open};
    // The process has not been reaped, so the number still belongs to it.
    pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()
}

#[cfg(not(target_os = "linux"))]
fn open_pidfd(_: i32) -> Option<OwnedFd> {
    None
}

/// Reaps a process that has exited. The exit code is negative for a signal.
#[cfg(target_os = "linux")]
fn wait(descriptor: &OwnedFd) -> std::io::Result<Reaped> {
    use rustix::io::Errno;
    use rustix::process::{WaitId, WaitIdOptions, waitid};
    use std::os::fd::AsFd;

    let status = loop {
        match waitid(WaitId::PidFd(descriptor.as_fd()), WaitIdOptions::EXITED) {
            Ok(status) => break status,
            Err(Errno::INTR) => (),
            Err(Errno::CHILD) => return Ok(Reaped::Elsewhere),
            Err(error) => return Err(error.into()),
        }
    };
    let code = status.and_then(|status| {
        let signal = status.terminating_signal().map(|signal| -signal);
        status.exit_status().or(signal)
    });
    Ok(code.map_or(Reaped::Elsewhere, Reaped::Code))
}

#[cfg(not(target_os = "linux"))]
fn wait(_: &OwnedFd) -> std::io::Result<Reaped> {
    Ok(Reaped::Elsewhere)
}
