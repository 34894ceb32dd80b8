//! `PipeProtocol`: the protocol of a pipe to a process. It passes each call on to the protocol of the process.

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::SubprocessTransport;
use crate::base::cell::AttachedCell;
use crate::base::imports;
use crate::io::streams::StreamReader;

/// Whether the pipe is connected.
#[derive(Clone, Copy, PartialEq, Eq)]
enum PipePhase {
    Connected,
    Disconnected,
}

struct State {
    phase: PipePhase,
    process: Option<Py<SubprocessTransport>>,
    transport: Option<Py<PyAny>>,
}

/// The protocol of a pipe to a process.
#[pyclass(module = "ferrio", frozen, weakref, dict)]
pub struct PipeProtocol {
    /// The descriptor in the process: 0, 1 or 2.
    fd: usize,
    state: AttachedCell<State>,
}

impl PipeProtocol {
    /// Makes the protocol for descriptor `fd` of a process.
    pub(super) fn new(process: Py<SubprocessTransport>, fd: usize) -> Self {
        Self {
            fd,
            state: AttachedCell::new(State {
                phase: PipePhase::Connected,
                process: Some(process),
                transport: None,
            }),
        }
    }

    /// Returns the transport of the pipe, once it is connected.
    pub(super) fn transport(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.state.get_ref(py, |state| state.transport.as_ref())
    }

    /// Returns the reader of a pipe if received bytes may go to it directly: the protocol of the process is asyncio's
    /// `SubprocessStreamProtocol`, is connected, and has a reader that can be fed directly.
    ///
    /// Otherwise, and always in asyncio, data goes through `pipe_data_received` in the next iteration. Nothing else can reach
    /// the reader in between.
    pub fn reader_behind<'py>(protocol: &Bound<'py, PyAny>) -> Option<Bound<'py, StreamReader>> {
        let py = protocol.py();
        let me = protocol.cast_exact::<Self>().ok()?.get();
        let owner = me.process(py)?.get().protocol(py)?;
        if !owner
            .get_type()
            .is(imports::subprocess_stream_protocol(py).ok()?)
        {
            return None;
        }
        let reader = if me.fd == 1 {
            owner.getattr(intern!(py, "stdout"))
        } else {
            owner.getattr(intern!(py, "stderr"))
        };
        StreamReader::to_feed(reader.ok()?)
    }

    /// Whether the pipe is disconnected.
    pub(super) fn is_disconnected(&self, py: Python<'_>) -> bool {
        self.state
            .with(py, |state| state.phase == PipePhase::Disconnected)
    }

    /// Closes the pipe.
    pub(super) fn close(&self, py: Python<'_>) -> PyResult<()> {
        match self.transport(py) {
            Some(transport) => transport.call_method0(py, intern!(py, "close")).map(drop),
            None => Ok(()),
        }
    }

    fn process<'py>(&self, py: Python<'py>) -> Option<Bound<'py, SubprocessTransport>> {
        self.state.get_bound(py, |state| state.process.as_ref())
    }

    /// Calls a flow-control method of the protocol of the process.
    fn call_flow_control(&self, py: Python<'_>, method: &str) -> PyResult<()> {
        let process = self.process(py);
        match process.and_then(|process| process.get().protocol(py)) {
            Some(protocol) => protocol.call_method0(method).map(drop),
            None => Ok(()),
        }
    }
}

#[pymethods]
impl PipeProtocol {
    fn connection_made(&self, py: Python<'_>, transport: Py<PyAny>) {
        let old = self
            .state
            .with(py, |state| state.transport.replace(transport));
        drop(old);
    }

    fn data_received(&self, py: Python<'_>, data: &Bound<'_, PyAny>) -> PyResult<()> {
        let Some(process) = self.process(py) else {
            return Ok(());
        };
        let Some(protocol) = process.get().protocol(py) else {
            return Ok(());
        };
        let method = protocol.getattr(intern!(py, "pipe_data_received"))?;
        let fd = self.fd.into_pyobject(py)?;
        let args = PyTuple::new(py, [fd.as_any(), data])?;
        process.get().call_protocol(py, method, args)
    }

    fn eof_received(&self) {}

    fn connection_lost(&self, py: Python<'_>, exc: Option<Bound<'_, PyAny>>) -> PyResult<()> {
        let process = self.state.with(py, |state| {
            state.phase = PipePhase::Disconnected;
            state.process.take()
        });
        let Some(process) = process else {
            return Ok(());
        };
        let process = process.bind(py);
        if let Some(protocol) = process.get().protocol(py) {
            let method = protocol.getattr(intern!(py, "pipe_connection_lost"))?;
            let args = (self.fd, exc).into_pyobject(py)?;
            process.get().call_protocol(py, method, args)?;
        }
        SubprocessTransport::try_finish(process)
    }

    fn pause_writing(&self, py: Python<'_>) -> PyResult<()> {
        self.call_flow_control(py, "pause_writing")
    }

    fn resume_writing(&self, py: Python<'_>) -> PyResult<()> {
        self.call_flow_control(py, "resume_writing")
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let transport = self.transport(py).into_pyobject(py)?;
        let class = self.class_name();
        Ok(format!(
            "<{class} fd={} pipe={}>",
            self.fd,
            transport.repr()?
        ))
    }

    #[getter(__class__)]
    fn class(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        let class = if slf.get().fd == 0 {
            imports::write_subprocess_pipe_proto(py)?
        } else {
            imports::read_subprocess_pipe_proto(py)?
        };
        Ok(class.clone().unbind())
    }

    #[getter(fd)]
    fn get_fd(&self) -> usize {
        self.fd
    }

    #[getter(pipe)]
    fn get_pipe(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.transport(py)
    }

    #[getter(proc)]
    fn get_process(&self, py: Python<'_>) -> Option<Py<SubprocessTransport>> {
        self.process(py).map(Bound::unbind)
    }

    #[getter(disconnected)]
    fn get_disconnected(&self, py: Python<'_>) -> bool {
        self.is_disconnected(py)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.state.visit(&visit, |state| {
            visit.call(&state.process)?;
            visit.call(&state.transport)
        })
    }

    fn __clear__(&self) {
        Python::attach(|py| {
            let process = self.state.with(py, |state| state.process.take());
            drop(process);
        });
    }
}

impl PipeProtocol {
    fn class_name(&self) -> &'static str {
        match self.fd {
            0 => "WriteSubprocessPipeProto",
            _ => "ReadSubprocessPipeProto",
        }
    }
}
