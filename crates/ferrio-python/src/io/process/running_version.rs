//! What the running Python's patch release does.
//!
//! asyncio's subprocesses were corrected in patch releases, differently for each minor version. So it is the running
//! Python's own code that is asked which of two behaviours is its own. It is asked rarely: at most once for an exit.

use pyo3::prelude::*;

use crate::base::imports;
use crate::base::running_code::code_names;

/// A behaviour that differs between releases.
#[derive(Clone, Copy)]
pub(super) enum Stock {
    /// Who waits for the exit is told at the exit, even if a grandchild still has the pipes (gh-119710); else only
    /// when `connection_lost` was called.
    WaitersToldAtExit,
    /// `close` leaves the pipes alone if the loop is closed (gh-114177); else it raises `RuntimeError`.
    CloseAfterLoop,
    /// `close` keeps silent about a process that may not be killed; else it raises `PermissionError`.
    ClosesProtected,
    /// Signals are sent by `os.kill` (gh-87744); else by `Popen`, which looks for the exit code first.
    SignalsDirectly,
    /// The exit becomes known in the iteration after the one that notices it; else at once (gh-127049).
    ExitKnownLater,
}

impl Stock {
    /// Whether it is the running Python's behaviour.
    pub(super) fn holds(self, py: Python<'_>) -> PyResult<bool> {
        let transport = imports::base_subprocess_transport(py)?;
        let (class, method, name) = match self {
            Self::WaitersToldAtExit => (transport, "_process_exited", "_exit_waiters"),
            Self::CloseAfterLoop => (transport, "close", "is_closed"),
            Self::ClosesProtected => (transport, "close", "PermissionError"),
            Self::SignalsDirectly => (transport, "send_signal", "kill"),
            Self::ExitKnownLater => (
                imports::selector_event_loop(py)?,
                "_child_watcher_callback",
                "call_soon_threadsafe",
            ),
        };
        // An unknown release is taken for the newest known one.
        let newest = !matches!(self, Self::ExitKnownLater);
        Ok(code_names(class, method, name).unwrap_or(newest))
    }
}
