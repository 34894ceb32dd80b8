//! The class `SubprocessTransport`: its state, its representation and its public methods.

use pyo3::PyTraverseError;
use pyo3::exceptions::PyProcessLookupError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PySet, PyTuple};

use super::exit::Watch;
use super::pipes::PipeProtocol;
use crate::base::cell::AttachedCell;
use crate::kernel::event_loop::Loop;
use crate::{base::imports, io::extra_info};

/// One of the process's three standard streams.
#[derive(Default)]
pub(super) enum Stream {
    /// Not a pipe of the transport.
    #[default]
    Elsewhere,
    /// A pipe that is not connected yet.
    Connecting,
    /// A pipe that is connected, by its protocol.
    Connected(Py<PipeProtocol>),
}

/// Whether `close` was called.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ProcessPhase {
    Open,
    Closed,
}

/// A call of a method of the protocol that was postponed.
pub(super) struct ProtocolCall {
    pub(super) method: Py<PyAny>,
    pub(super) args: Py<PyTuple>,
}

/// When methods of the protocol are called.
pub(super) enum ProtocolCalls {
    /// After `connection_made`, when all pipes are connected. Holds the calls.
    Kept(Vec<ProtocolCall>),
    /// In the next iteration.
    Scheduled,
}

pub(super) struct State {
    pub(super) phase: ProcessPhase,
    pub(super) protocol: Option<Py<PyAny>>,
    /// The `subprocess.Popen`, until `connection_lost` was called.
    pub(super) popen: Option<Py<PyAny>>,
    pub(super) pid: Option<Py<PyAny>>,
    pub(super) returncode: Option<i32>,
    pub(super) streams: [Stream; 3],
    pub(super) calls: ProtocolCalls,
    /// The futures of the coroutines that wait for the exit; `None` once they are woken.
    pub(super) waiters: Option<Vec<Py<PyAny>>>,
    /// Whether `connection_lost` is scheduled.
    pub(super) finished: bool,
    pub(super) watch: Watch,
    /// The context in which the exit is handled: that of the call that has started the process, since Python 3.12.
    pub(super) context: Option<Py<PyAny>>,
}

/// The transport of a process.
#[pyclass(module = "ferrio", frozen, weakref, dict)]
pub struct SubprocessTransport {
    pub(super) event_loop: Py<Loop>,
    pub(super) extra: Py<PyDict>,
    pub(super) state: AttachedCell<State>,
}

impl SubprocessTransport {
    pub(super) fn event_loop<'py>(&self, py: Python<'py>) -> &Bound<'py, Loop> {
        self.event_loop.bind(py)
    }

    pub(super) fn protocol<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.state.get_bound(py, |state| state.protocol.as_ref())
    }

    pub(super) fn popen<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.state.get_bound(py, |state| state.popen.as_ref())
    }

    pub(super) fn returncode(&self, py: Python<'_>) -> Option<i32> {
        self.state.with(py, |state| state.returncode)
    }

    /// Returns the pipes that are connected, by their descriptors in the process.
    pub(super) fn pipes(&self, py: Python<'_>) -> [Option<Py<PipeProtocol>>; 3] {
        self.state.with(py, |state| {
            std::array::from_fn(|fd| match &state.streams[fd] {
                Stream::Connected(pipe) => Some(pipe.clone_ref(py)),
                Stream::Elsewhere | Stream::Connecting => None,
            })
        })
    }

    /// Calls a method of the protocol in the next iteration, or after `connection_made`.
    pub(super) fn call_protocol(
        &self,
        py: Python<'_>,
        method: Bound<'_, PyAny>,
        args: Bound<'_, PyTuple>,
    ) -> PyResult<()> {
        let mut call = Some(ProtocolCall {
            method: method.clone().unbind(),
            args: args.clone().unbind(),
        });
        self.state.with(py, |state| {
            if let ProtocolCalls::Kept(calls) = &mut state.calls {
                calls.extend(call.take());
            }
        });
        if call.is_none() {
            return Ok(());
        }
        let event_loop = self.event_loop(py);
        event_loop.get().check_open()?;
        Loop::schedule(event_loop, method, args, None)
    }

    /// Returns the representation of the transport.
    pub(super) fn describe(&self, py: Python<'_>) -> PyResult<String> {
        let (phase, pid, returncode) = self.state.with(py, |state| {
            let pid = state.pid.as_ref().map(|pid| pid.clone_ref(py));
            (state.phase, pid, state.returncode)
        });
        let mut info = vec!["SubprocessTransport".to_owned()];
        if phase == ProcessPhase::Closed {
            info.push("closed".into());
        }
        if let Some(pid) = &pid {
            info.push(format!("pid={}", pid.bind(py).str()?));
        }
        info.push(match returncode {
            Some(returncode) => format!("returncode={returncode}"),
            None if pid.is_some() => "running".into(),
            None => "not started".into(),
        });
        for (name, pipe) in ["stdin", "stdout", "stderr"].iter().zip(self.pipes(py)) {
            if let Some(pipe) = pipe {
                let transport = pipe.get().transport(py);
                let text = match transport {
                    Some(transport) => transport.bind(py).repr()?.to_string(),
                    None => "None".into(),
                };
                info.push(format!("{name}={text}"));
            }
        }
        Ok(format!("<{}>", info.join(" ")))
    }

    /// Logs a message in debug mode.
    pub(super) fn log<'py>(
        slf: &Bound<'py, Self>,
        level: &str,
        args: impl pyo3::call::PyCallArgs<'py>,
    ) -> PyResult<()> {
        if slf.get().event_loop.get().debug() {
            imports::logger(slf.py())?.call_method1(level, args)?;
        }
        Ok(())
    }
}

#[pymethods]
impl SubprocessTransport {
    /// Return the id of the process.
    fn get_pid(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.state.get_ref(py, |state| state.pid.as_ref())
    }

    /// Return the exit code, negative for a signal, or None while the process runs.
    fn get_returncode(&self, py: Python<'_>) -> Option<i32> {
        self.returncode(py)
    }

    /// Return the transport of the pipe to descriptor fd of the process (0, 1 or 2), or None if there is none.
    fn get_pipe_transport(&self, py: Python<'_>, fd: &Bound<'_, PyAny>) -> Option<Py<PyAny>> {
        let fd: usize = fd.extract().ok()?;
        let [stdin, stdout, stderr] = self.pipes(py);
        let pipe = match fd {
            0 => stdin,
            1 => stdout,
            2 => stderr,
            _ => None,
        };
        pipe?.get().transport(py)
    }

    /// Return the information of this name ('subprocess'), or default if there is none.
    #[pyo3(signature = (name, default = None))]
    fn get_extra_info<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyAny>,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        extra_info::look_up(slf, slf.get().extra.bind(slf.py()), name, default)
    }

    /// Set the protocol whose methods are called from now on.
    fn set_protocol(&self, py: Python<'_>, protocol: Py<PyAny>) {
        let old = self
            .state
            .with(py, |state| state.protocol.replace(protocol));
        drop(old);
    }

    /// Return the protocol, or None once the connection is lost.
    fn get_protocol(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.protocol(py).map(Bound::unbind)
    }

    /// Return True if close() was called.
    pub(super) fn is_closing(&self, py: Python<'_>) -> bool {
        self.state
            .with(py, |state| state.phase == ProcessPhase::Closed)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        self.describe(py)
    }

    #[getter(__class__)]
    fn class(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        Ok(imports::subprocess_transport_class(slf.py())?
            .clone()
            .unbind())
    }

    #[getter(_proc)]
    fn get_popen(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.popen(py).map(Bound::unbind)
    }

    #[getter(_pid)]
    fn get_pid_attribute(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.get_pid(py)
    }

    #[getter(_returncode)]
    fn get_returncode_attribute(&self, py: Python<'_>) -> Option<i32> {
        self.returncode(py)
    }

    #[getter(_protocol)]
    fn get_protocol_attribute(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.get_protocol(py)
    }

    #[getter(_closed)]
    fn get_closed(&self, py: Python<'_>) -> bool {
        self.is_closing(py)
    }

    #[getter(_extra)]
    fn get_extra(&self, py: Python<'_>) -> Py<PyDict> {
        self.extra.clone_ref(py)
    }

    #[getter(_pipes)]
    fn get_pipes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let pipes = PyDict::new(py);
        for (fd, pipe) in self.pipes(py).into_iter().enumerate() {
            let is_pipe = self
                .state
                .with(py, |state| !matches!(state.streams[fd], Stream::Elsewhere));
            if is_pipe {
                pipes.set_item(fd, pipe)?;
            }
        }
        Ok(pipes)
    }

    /// The futures of the coroutines that wait for the exit; None once they are woken.
    #[getter(_exit_waiters)]
    fn get_exit_waiters<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let waiters = self.state.with(py, |state| {
            let waiters = state.waiters.as_ref()?.iter();
            Some(waiters.map(|waiter| waiter.clone_ref(py)).collect())
        });
        let Some::<Vec<_>>(waiters) = waiters else {
            return Ok(None);
        };
        // asyncio's collection is a set since Python 3.14.
        if cfg!(Py_3_14) {
            Ok(Some(PySet::new(py, waiters)?.into_any()))
        } else {
            Ok(Some(PyList::new(py, waiters)?.into_any()))
        }
    }

    /// Whether `connection_lost` is scheduled.
    #[getter(_finished)]
    fn get_finished(&self, py: Python<'_>) -> bool {
        self.state.with(py, |state| state.finished)
    }

    /// Calls of the protocol that wait for `connection_made`; None once it was called.
    #[getter(_pending_calls)]
    fn get_pending_calls<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let kept = self.state.with(py, |state| match &state.calls {
            ProtocolCalls::Kept(calls) => Some(
                calls
                    .iter()
                    .map(|call| (call.method.clone_ref(py), call.args.clone_ref(py)))
                    .collect::<Vec<_>>(),
            ),
            ProtocolCalls::Scheduled => None,
        });
        match kept {
            Some(kept) => imports::deque(py)?.call1((kept,)).map(Some),
            None => Ok(None),
        }
    }

    /// Call a method of the protocol in the next iteration, or after `connection_made`.
    #[pyo3(name = "_call", signature = (cb, *data))]
    fn call(&self, cb: Bound<'_, PyAny>, data: Bound<'_, PyTuple>) -> PyResult<()> {
        self.call_protocol(cb.py(), cb, data)
    }

    /// Raise ProcessLookupError if the transport is closed.
    #[pyo3(name = "_check_proc")]
    fn check_process(&self, py: Python<'_>) -> PyResult<()> {
        match self.popen(py) {
            Some(_) => Ok(()),
            None => Err(PyProcessLookupError::new_err(())),
        }
    }

    #[pyo3(name = "_try_finish")]
    fn try_finish_method(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::try_finish(slf)
    }

    #[getter(_loop)]
    fn get_loop(&self, py: Python<'_>) -> Option<Py<Loop>> {
        self.popen(py).map(|_| self.event_loop.clone_ref(py))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.event_loop)?;
        visit.call(&self.extra)?;
        self.state.visit(&visit, |state| {
            visit.call(&state.protocol)?;
            visit.call(&state.popen)?;
            for stream in &state.streams {
                if let Stream::Connected(pipe) = stream {
                    visit.call(pipe)?;
                }
            }
            if let ProtocolCalls::Kept(calls) = &state.calls {
                for call in calls {
                    visit.call(&call.method)?;
                    visit.call(&call.args)?;
                }
            }
            for waiter in state.waiters.iter().flatten() {
                visit.call(waiter)?;
            }
            visit.call(&state.context)
        })
    }

    fn __clear__(&self) {
        Python::attach(|py| {
            let references = self.state.with(py, |state| {
                let calls = std::mem::replace(&mut state.calls, ProtocolCalls::Scheduled);
                let process = (state.popen.take(), std::mem::take(&mut state.streams));
                (state.protocol.take(), process, calls, state.waiters.take())
            });
            drop(references);
        });
    }
}
