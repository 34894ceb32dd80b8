//! Signals: `add_signal_handler`, and the descriptor that wakes the loop up when a signal arrives.
//!
//! Python's C-level handler writes the number of every signal that has a Python handler to the wake-up descriptor
//! (`signal.set_wakeup_fd`), which the loop's first handler sets to the loop's own pipe. The byte says which of
//! `add_signal_handler`'s handlers to call.
//!
//! A loop without handlers uses the descriptor, too, to have signals end its polls (`signal_guard.rs`).

use std::os::fd::{AsRawFd, OwnedFd};

use pyo3::PyTraverseError;
use pyo3::exceptions::{PyOSError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyTuple};
use rustix::pipe::{PipeFlags, pipe_with};

use super::watching::Direction;
use super::{Callback, Loop};
use crate::base::errors::os_error;
use crate::kernel::handle::HandleParts;
use crate::{base::imports, base::warning, cpython};

/// The loop's signal handlers and its wake-up pipe.
#[derive(Default)]
pub struct Signals {
    /// Handles by signal numbers: a dictionary that programs can see, made when it is first needed.
    handlers: Option<Py<PyDict>>,
    /// Whether a program has the dictionary, and may put handlers into it at any time.
    shown: bool,
    /// The pipe, made when the loop first runs in the main thread or gets its first handler.
    pub(super) pipe: Option<WakeupPipe>,
    /// Whether polls are guarded: the loop runs in the main thread, and nobody else's wake-up descriptor was found.
    pub(super) guards_polls: bool,
}

impl Signals {
    /// Shows the references to the garbage collector.
    pub fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.handlers)
    }

    pub(super) fn has_handlers(&self, py: Python<'_>) -> bool {
        (self.handlers.as_ref()).is_some_and(|handlers| !handlers.bind(py).is_empty())
    }
}

/// A non-blocking pipe: Python writes signal numbers into one end, the loop reads them from the other.
///
/// asyncio uses a socket pair. That is full after a few hundred numbers, each of which is a packet with its overhead, and
/// the numbers of further signals are lost. A pipe holds 65,536 of them (`pipe(7)`).
pub(super) struct WakeupPipe {
    reader: OwnedFd,
    pub(super) writer: OwnedFd,
}

impl WakeupPipe {
    fn new() -> std::io::Result<Self> {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        Ok(Self { reader, writer })
    }

    /// Reads the numbers of the signals that have arrived, in their order.
    fn drain(&mut self) -> Vec<u8> {
        let mut signals = Vec::new();
        let mut chunk = [0; 4096];
        while let Ok(n @ 1..) = rustix::io::read(&self.reader, &mut chunk) {
            signals.extend_from_slice(&chunk[..n]);
        }
        signals
    }
}

/// Calls `signal.set_wakeup_fd`, without a warning when the pipe is full: the loop is being woken up then anyway.
pub(super) fn set_wakeup_fd(py: Python<'_>, fd: i32) -> PyResult<i32> {
    let kwargs = PyDict::new(py);
    kwargs.set_item("warn_on_full_buffer", false)?;
    imports::set_wakeup_fd(py)?
        .call((fd,), Some(&kwargs))?
        .extract()
}

impl Loop {
    /// Returns the dictionary of handles, which is made at the first call.
    fn signal_handlers<'py>(&self, py: Python<'py>) -> Bound<'py, PyDict> {
        let known = (self.signals).get_bound(py, |signals| signals.handlers.as_ref());
        known.unwrap_or_else(|| {
            let handlers = PyDict::new(py);
            let kept = handlers.clone().unbind();
            let old = (self.signals).with(py, |signals| signals.handlers.replace(kept));
            drop(old);
            handlers
        })
    }

    pub(super) fn has_signal_handlers(&self, py: Python<'_>) -> bool {
        self.signals.with(py, |signals| signals.has_handlers(py))
    }

    /// Returns the descriptor to which Python is to write signal numbers.
    pub(super) fn wakeup_fd(slf: &Bound<'_, Self>) -> PyResult<i32> {
        let py = slf.py();
        let me = slf.get();
        let known = me.signals.with(py, |signals| {
            signals.pipe.as_ref().map(|pipe| pipe.writer.as_raw_fd())
        });
        if let Some(fd) = known {
            return Ok(fd);
        }
        let pipe = WakeupPipe::new().map_err(|error| os_error(py, &error))?;
        let (reader, writer) = (pipe.reader.as_raw_fd(), pipe.writer.as_raw_fd());
        me.watch(py, reader, Direction::Read, Callback::Signals)?;
        me.signals.with(py, |signals| signals.pipe = Some(pipe));
        me.update_patience(py);
        Ok(writer)
    }

    /// Tells the engine whether the pipe matters only to a poll that blocks: signals for which this loop has no handlers
    /// are handled by Python itself.
    fn update_patience(&self, py: Python<'_>) {
        let own = (self.signals).with(py, |signals| signals.pipe.is_some() && !signals.shown);
        let patient = own && !self.has_signal_handlers(py);
        self.core(py, |core| core.set_patient(usize::from(patient)));
    }

    /// Schedules the handlers of the signals that have arrived.
    pub(super) fn on_signals(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let arrived = me
            .signals
            .with(py, |signals| signals.pipe.as_mut().map(WakeupPipe::drain))
            .unwrap_or_default();
        for signal in arrived {
            let signal = i32::from(signal);
            let Some(handle) = me.signal_handlers(py).get_item(signal)? else {
                continue;
            };
            if handle.getattr(intern!(py, "_cancelled"))?.is_truthy()? {
                Self::forget_signal(slf, signal)?;
            } else {
                me.push(py, Callback::of_handle(&handle));
            }
        }
        Ok(())
    }

    /// Restores the default action of a signal. Returns whether the signal had a handler.
    fn forget_signal(slf: &Bound<'_, Self>, signal: i32) -> PyResult<bool> {
        let py = slf.py();
        let me = slf.get();
        let handlers = me.signal_handlers(py);
        if !handlers.contains(signal)? {
            return Ok(false);
        }
        handlers.del_item(signal)?;
        me.update_patience(py);
        let action = if signal == libc::SIGINT {
            imports::default_int_handler(py)?
        } else {
            imports::sig_dfl(py)?
        };
        imports::signal(py)?
            .call1((signal, action))
            .map_err(|error| uncatchable(py, signal, error))?;
        Self::release_wakeup(slf);
        Ok(true)
    }

    /// Unsets the wake-up descriptor if the last handler is gone, unless a run of the loop has it.
    fn release_wakeup(slf: &Bound<'_, Self>) {
        let py = slf.py();
        let me = slf.get();
        let is_kept = cfg!(not(Py_3_13)) && me.signals.with(py, |signals| signals.guards_polls);
        if !is_kept
            && !me.has_signal_handlers(py)
            && let Err(error) = set_wakeup_fd(py, -1)
        {
            let logged = cpython::handling(py, &error, || {
                let message = ("set_wakeup_fd(-1) failed: %s", error.value(py));
                imports::logger(py)?.call_method1("info", message)
            });
            drop(logged);
        }
    }

    /// Removes every handler and closes the descriptors.
    pub(super) fn close_signals(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let signals: Vec<i32> = me.signal_handlers(py).keys().extract()?;
        let mut outcome = Ok(());
        if imports::is_finalizing(py)?.call0()?.is_truthy()? {
            if !signals.is_empty() {
                let text = format!(
                    "Closing the loop {} on interpreter shutdown stage, skipping signal handlers removal",
                    slf.repr()?
                );
                let function = imports::warn_of_loop_with_signal_handlers(py);
                outcome = warning::warn(function, text, Some(slf), None);
            }
        } else {
            for signal in signals {
                outcome = outcome.and(Self::forget_signal(slf, signal).map(drop));
            }
        }
        let rest = me.signals.take(py);
        drop(rest);
        outcome
    }
}

/// Returns the `RuntimeError` for a signal that cannot be caught, or another error as it is.
fn uncatchable(py: Python<'_>, signal: i32, error: PyErr) -> PyErr {
    let invalid = error.is_instance_of::<PyOSError>(py)
        && error
            .value(py)
            .getattr("errno")
            .and_then(|errno| errno.extract::<i32>())
            .is_ok_and(|errno| errno == libc::EINVAL);
    if invalid {
        let text = format!("sig {signal} cannot be caught");
        return cpython::raised_while(py, &error, PyRuntimeError::new_err(text));
    }
    error
}

/// Returns the signal number, with asyncio's checks.
fn signal_number(signal: &Bound<'_, PyAny>) -> PyResult<i32> {
    let py = signal.py();
    if !signal.is_instance_of::<PyInt>() {
        return Err(PyTypeError::new_err(format!(
            "sig must be an int, not {}",
            signal.repr()?
        )));
    }
    if !imports::valid_signals(py)?.call0()?.contains(signal)? {
        return Err(PyValueError::new_err(format!(
            "invalid signal number {}",
            signal.str()?
        )));
    }
    signal.extract()
}

#[pymethods]
impl Loop {
    /// Call callback(*args) in the loop when a signal arrives.
    ///
    /// Raises TypeError if sig is not an int or callback is a coroutine (function), ValueError if there is no such
    /// signal, RuntimeError if it cannot be caught or this is not the main thread.
    #[pyo3(signature = (sig, callback, *args))]
    fn add_signal_handler<'py>(
        slf: &Bound<'py, Self>,
        sig: &Bound<'py, PyAny>,
        callback: Bound<'py, PyAny>,
        args: Bound<'py, PyTuple>,
    ) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if Self::is_coroutine_callback(&callback)? {
            return Err(PyTypeError::new_err(
                "coroutines cannot be used with add_signal_handler()",
            ));
        }
        let signal = signal_number(sig)?;
        me.check_open()?;
        // Raises ValueError in any thread but the main one, before anything has changed.
        let fd = Self::wakeup_fd(slf)?;
        set_wakeup_fd(py, fd).map_err(|error| {
            let text = error.value(py).to_string();
            cpython::raised_while(py, &error, PyRuntimeError::new_err(text))
        })?;
        let handle = HandleParts::new(slf, callback, args, None)?
            .create()?
            .unbind();
        let handlers = me.signal_handlers(py);
        handlers.set_item(sig, handle)?;
        me.update_patience(py);
        let caught = imports::signal(py)?
            .call1((signal, imports::sighandler_noop(py)?))
            // SA_RESTART limits how often system calls are interrupted.
            .and_then(|_| imports::siginterrupt(py)?.call1((signal, false)));
        if let Err(error) = caught {
            handlers.del_item(sig)?;
            me.update_patience(py);
            cpython::handling(py, &error, || {
                Self::release_wakeup(slf);
                Ok(())
            })?;
            return Err(uncatchable(py, signal, error));
        }
        Ok(())
    }

    #[getter(_signal_handlers)]
    fn get_signal_handlers<'py>(&self, py: Python<'py>) -> Bound<'py, PyDict> {
        self.signals.with(py, |signals| signals.shown = true);
        self.update_patience(py);
        self.signal_handlers(py)
    }

    /// Replaces the dictionary of handles by a program's, in which handlers are looked up from now on.
    #[setter(_signal_handlers)]
    fn set_signal_handlers(&self, py: Python<'_>, handlers: Py<PyDict>) {
        let old = self.signals.with(py, |signals| {
            signals.shown = true;
            signals.handlers.replace(handlers)
        });
        drop(old);
        self.update_patience(py);
    }

    /// Remove a signal's handler and restore the default action. Return True if there was one.
    fn remove_signal_handler(slf: &Bound<'_, Self>, sig: &Bound<'_, PyAny>) -> PyResult<bool> {
        Self::forget_signal(slf, signal_number(sig)?)
    }
}

impl Loop {
    fn is_coroutine_callback(callback: &Bound<'_, PyAny>) -> PyResult<bool> {
        let py = callback.py();
        Ok(imports::is_coroutine(py)?.call1((callback,))?.is_truthy()?
            || imports::is_coroutine_function(py)?
                .call1((callback,))?
                .is_truthy()?)
    }
}
