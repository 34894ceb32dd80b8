//! Behaviours that differ between releases of Python.
//!
//! asyncio's subprocesses were corrected in patch releases, at different times in each minor version. So the names in the
//! code objects of the running Python tell which behaviour is its own. They are read rarely: at most once for an exit.

use pyo3::prelude::*;

use crate::base::imports;
use crate::base::running_code::code_names;

/// A behaviour of asyncio that some releases have and others lack.
#[derive(Clone, Copy)]
pub(super) enum Behaviour {
    /// Coroutines that wait for the exit are woken at the exit, even if a grandchild still has the pipes open (gh-119710).
    /// Otherwise they are woken after `connection_lost`.
    ExitWakesWaiters,
    /// `close` does not close the pipes if the loop is closed (gh-114177). Otherwise it raises `RuntimeError`.
    ClosedLoopKeepsPipes,
    /// `close` ignores that it may not kill the process. Otherwise it raises `PermissionError`.
    CloseIgnoresPermission,
    /// Signals are sent by `os.kill` (gh-87744). Otherwise `Popen` sends them, which looks for the exit code first.
    SignalsByKill,
    /// The exit takes effect in the iteration after the one that notices it. Otherwise it does at once (gh-127049).
    ExitIsDelayed,
}

impl Behaviour {
    /// Whether the running Python has the behaviour.
    pub(super) fn holds(self, py: Python<'_>) -> PyResult<bool> {
        let transport = imports::base_subprocess_transport(py)?;
        let (class, method, name) = match self {
            Self::ExitWakesWaiters => (transport, "_process_exited", "_exit_waiters"),
            Self::ClosedLoopKeepsPipes => (transport, "close", "is_closed"),
            Self::CloseIgnoresPermission => (transport, "close", "PermissionError"),
            Self::SignalsByKill => (transport, "send_signal", "kill"),
            Self::ExitIsDelayed => (
                imports::selector_event_loop(py)?,
                "_child_watcher_callback",
                "call_soon_threadsafe",
            ),
        };
        // An unknown release is taken for the newest known one.
        let newest = !matches!(self, Self::ExitIsDelayed);
        Ok(code_names(class, method, name).unwrap_or(newest))
    }
}
