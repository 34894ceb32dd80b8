//! Signals, `close` and `connection_lost`.

use std::ffi::CStr;

use pyo3::exceptions::{PyPermissionError, PyProcessLookupError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::running_version::Behaviour;
use super::{ProcessPhase, Stream, SubprocessTransport};
use crate::kernel::coroutine::Coroutine;
use crate::{base::imports, base::warning, cpython};

/// Removes a future from those that wait for the exit, when the coroutine that waits ends for any reason.
struct ExitWait {
    transport: Py<SubprocessTransport>,
    waiter: Py<PyAny>,
}

impl Drop for ExitWait {
    fn drop(&mut self) {
        Python::attach(|py| self.transport.get().forget_waiter(py, &self.waiter));
    }
}

impl SubprocessTransport {
    /// Schedules `connection_lost` if the process has exited and every pipe is disconnected.
    pub(super) fn try_finish(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let (exited, connecting) = me.state.with(py, |state| {
            let connecting = state
                .streams
                .iter()
                .any(|stream| matches!(stream, Stream::Connecting));
            (state.returncode.is_some() && !state.finished, connecting)
        });
        let mut pipes = me.pipes(py).into_iter().flatten();
        if !exited || connecting || !pipes.all(|pipe| pipe.get().is_disconnected(py)) {
            return Ok(());
        }
        me.state.with(py, |state| state.finished = true);
        let lost = slf.getattr(intern!(py, "_call_connection_lost"))?;
        me.call_protocol(py, lost, PyTuple::new(py, [py.None()])?)
    }

    /// Closes the pipes, and kills the process if it still runs.
    fn shut_down(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        for pipe in me.pipes(py).into_iter().flatten() {
            if !me.event_loop.get().closed() || !Behaviour::ClosedLoopKeepsPipes.holds(py)? {
                pipe.get().close(py)?;
            }
        }
        let Some(popen) = me.popen(py) else {
            return Ok(());
        };
        // `Popen` may know of the exit before the loop does.
        if me.returncode(py).is_some() || !popen.call_method0(intern!(py, "poll"))?.is_none() {
            return Ok(());
        }
        Self::log(
            slf,
            "warning",
            ("Close running child process: kill %r", slf),
        )?;
        match popen.call_method0(intern!(py, "kill")) {
            Ok(_) => Ok(()),
            Err(error) if error.is_instance_of::<PyProcessLookupError>(py) => Ok(()),
            // The process runs as another user.
            Err(error)
                if error.is_instance_of::<PyPermissionError>(py)
                    && Behaviour::CloseIgnoresPermission.holds(py)? =>
            {
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Marks the transport as closed. Returns whether it was open.
    fn mark_closed(&self, py: Python<'_>) -> bool {
        self.state.with(py, |state| {
            std::mem::replace(&mut state.phase, ProcessPhase::Closed) == ProcessPhase::Open
        })
    }
}

#[pymethods]
impl SubprocessTransport {
    /// Close the pipes, and kill the process if it still runs.
    pub fn close(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        if !slf.get().mark_closed(py) {
            return Ok(());
        }
        Self::shut_down(slf)
    }

    /// Send a signal to the process.
    ///
    /// Raises ProcessLookupError once connection_lost() was called. A process that has exited before gets no signal.
    fn send_signal(&self, py: Python<'_>, signal: &Bound<'_, PyAny>) -> PyResult<()> {
        let Some(popen) = self.popen(py) else {
            return Err(PyProcessLookupError::new_err(()));
        };
        if self.returncode(py).is_some() {
            return Ok(());
        }
        if !Behaviour::SignalsByKill.holds(py)? {
            return popen
                .call_method1(intern!(py, "send_signal"), (signal,))
                .map(drop);
        }
        let pid = popen.getattr(intern!(py, "pid"))?;
        match py.import("os")?.call_method1("kill", (pid, signal)) {
            Ok(_) => Ok(()),
            Err(error) if error.is_instance_of::<PyProcessLookupError>(py) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Send SIGTERM to the process; otherwise like send_signal().
    fn terminate(&self, py: Python<'_>) -> PyResult<()> {
        self.send_signal(py, libc::SIGTERM.into_pyobject(py)?.as_any())
    }

    /// Send SIGKILL to the process; otherwise like send_signal().
    fn kill(&self, py: Python<'_>) -> PyResult<()> {
        self.send_signal(py, libc::SIGKILL.into_pyobject(py)?.as_any())
    }

    /// Wait until the process has exited. The coroutine returns the exit code.
    #[pyo3(name = "_wait")]
    fn wait(slf: Py<Self>, py: Python<'_>) -> PyResult<Py<Coroutine>> {
        Coroutine::create(py, "SubprocessTransport._wait", async move |co| {
            let waiter = Python::attach(|py| Self::exit_waiter(slf.bind(py)))?;
            let Some(waiter) = waiter else {
                return Python::attach(|py| {
                    let returncode = slf.get().returncode(py);
                    Ok(returncode.into_pyobject(py)?.unbind())
                });
            };
            let waiting = Python::attach(|py| ExitWait {
                transport: slf.clone_ref(py),
                waiter: waiter.clone_ref(py),
            });
            let returncode = co.wait(waiter).await;
            drop(waiting);
            returncode
        })
    }

    #[pyo3(name = "_call_connection_lost")]
    fn call_connection_lost(&self, py: Python<'_>, exc: Option<Py<PyAny>>) -> PyResult<()> {
        let called = match self.protocol(py) {
            Some(protocol) => protocol
                .call_method1(intern!(py, "connection_lost"), (exc,))
                .map(drop),
            None => Ok(()),
        };
        cpython::finally(py, called, || {
            let woken = self.wake_waiters(py);
            let references = self
                .state
                .with(py, |state| (state.popen.take(), state.protocol.take()));
            drop(references);
            woken
        })
    }
}

impl cpython::Finalize for SubprocessTransport {
    #[inline]
    fn is_settled(slf: &Bound<'_, Self>) -> bool {
        slf.get().is_closing(slf.py())
    }

    const WARNER: Option<&'static CStr> = Some(c"_warn");

    /// Issues a `ResourceWarning` for a transport that the program has not closed, and closes it.
    fn finalize(slf: &Bound<'_, Self>, warner: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if me.is_closing(py) {
            return Ok(());
        }
        let text = format!("unclosed transport {}", me.describe(py)?);
        warning::warn(imports::warn_of_process(py), text, Some(slf), warner)?;
        Self::close(slf)
    }
}
