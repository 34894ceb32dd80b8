//! [`End`]: what the transports of both directions have.

use std::os::fd::RawFd;

use pyo3::PyTraverseError;
use pyo3::exceptions::PyValueError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use rustix::fs::FileType;

use crate::base::cell::AttachedCell;
use crate::base::errors::os_error;
use crate::kernel::event_loop::{Direction, Loop};
use crate::{base::imports, base::warning, cpython, io::extra_info};

/// How far a transport is on its way from open to closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum PipePhase {
    /// Neither side has closed it.
    Open,
    /// It was closed with data still buffered, which still leaves. Only for writing.
    Draining,
    /// `connection_lost` is scheduled.
    Lost,
    /// `connection_lost` was called, the file is closed.
    Closed,
}

struct State {
    phase: PipePhase,
    file: Option<Py<PyAny>>,
    protocol: Option<Py<PyAny>>,
}

/// What a transport is made from, as the loop's hooks get it.
pub struct Ends<'py> {
    /// A file object over a descriptor.
    pub file: Bound<'py, PyAny>,
    /// Whom to tell.
    pub protocol: Bound<'py, PyAny>,
    /// A future to finish once `connection_made` was called.
    pub waiter: Option<Bound<'py, PyAny>>,
    /// Extra information to begin with.
    pub extra: Option<Bound<'py, PyDict>>,
}

/// One end of a pipe, under a protocol.
pub(super) struct End {
    event_loop: Py<Loop>,
    fd: RawFd,
    /// What kind of file it is.
    kind: FileType,
    extra: Py<PyDict>,
    state: AttachedCell<State>,
}

impl End {
    /// Takes a pipe, which becomes non-blocking. Raises `ValueError` with the text if it is a file of another kind.
    pub(super) fn new(
        event_loop: &Bound<'_, Loop>,
        ends: &Ends<'_>,
        refusal: &str,
    ) -> PyResult<Self> {
        let py = event_loop.py();
        let extra = match &ends.extra {
            Some(extra) => extra.clone(),
            None => PyDict::new(py),
        };
        extra.set_item(intern!(py, "pipe"), &ends.file)?;
        let fd: RawFd = ends.file.call_method0(intern!(py, "fileno"))?.extract()?;
        let raised = |error: std::io::Error| os_error(py, &error);
        let borrowed = cpython::borrow_fd(fd).map_err(raised)?;
        let stat = rustix::fs::fstat(borrowed).map_err(|error| raised(error.into()))?;
        let kind = FileType::from_raw_mode(stat.st_mode);
        if !matches!(
            kind,
            FileType::Fifo | FileType::Socket | FileType::CharacterDevice
        ) {
            return Err(PyValueError::new_err(refusal.to_owned()));
        }
        rustix::io::ioctl_fionbio(borrowed, true).map_err(|error| raised(error.into()))?;
        Ok(Self {
            event_loop: event_loop.clone().unbind(),
            fd,
            kind,
            extra: extra.unbind(),
            state: AttachedCell::new(State {
                phase: PipePhase::Open,
                file: Some(ends.file.clone().unbind()),
                protocol: Some(ends.protocol.clone().unbind()),
            }),
        })
    }

    pub(super) fn event_loop<'py>(&self, py: Python<'py>) -> &Bound<'py, Loop> {
        self.event_loop.bind(py)
    }

    pub(super) fn fd(&self) -> RawFd {
        self.fd
    }

    pub(super) fn kind(&self) -> FileType {
        self.kind
    }

    pub(super) fn extra(&self, py: Python<'_>) -> Py<PyDict> {
        self.extra.clone_ref(py)
    }

    pub(super) fn phase(&self, py: Python<'_>) -> PipePhase {
        self.state.with(py, |state| state.phase)
    }

    pub(super) fn set_phase(&self, py: Python<'_>, phase: PipePhase) {
        self.state.with(py, |state| state.phase = phase);
    }

    pub(super) fn is_open(&self, py: Python<'_>) -> bool {
        self.phase(py) == PipePhase::Open
    }

    pub(super) fn protocol<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.state.with(py, |state| {
            state
                .protocol
                .as_ref()
                .map(|protocol| protocol.bind(py).clone())
        })
    }

    pub(super) fn set_protocol(&self, protocol: Bound<'_, PyAny>) {
        let py = protocol.py();
        let old = self
            .state
            .with(py, |state| state.protocol.replace(protocol.unbind()));
        drop(old);
    }

    pub(super) fn file(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.state.with(py, |state| {
            state.file.as_ref().map(|file| file.clone_ref(py))
        })
    }

    pub(super) fn set_file(&self, py: Python<'_>, file: Option<Py<PyAny>>) {
        let old = self
            .state
            .with(py, |state| std::mem::replace(&mut state.file, file));
        drop(old);
    }

    pub(super) fn extra_info<'py>(
        &self,
        transport: &Bound<'py, PyAny>,
        name: &Bound<'py, PyAny>,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        extra_info::look_up(transport, self.extra.bind(name.py()), name, default)
    }

    /// Schedules `connection_made`, then the transport's method that begins to watch, then the waiter.
    pub(super) fn begin(
        &self,
        transport: &Bound<'_, PyAny>,
        start: Option<&str>,
        ends: Ends<'_>,
    ) -> PyResult<()> {
        let py = transport.py();
        let soon = |callback: Bound<'_, PyAny>, args: Bound<'_, PyTuple>| {
            let event_loop = self.event_loop(py);
            event_loop.get().check_open()?;
            Loop::schedule(event_loop, callback.into_any(), args, None)
        };
        let connection_made = ends.protocol.getattr(intern!(py, "connection_made"))?;
        soon(connection_made, PyTuple::new(py, [transport])?)?;
        if let Some(start) = start {
            soon(transport.getattr(start)?, PyTuple::empty(py))?;
        }
        if let Some(waiter) = ends.waiter {
            let none = PyTuple::new(py, [waiter.as_any(), py.None().bind(py)])?;
            soon(imports::set_result_unless_cancelled(py)?.clone(), none)?;
        }
        Ok(())
    }

    pub(super) fn stop_watching(&self, py: Python<'_>, direction: Direction) -> PyResult<()> {
        self.event_loop
            .get()
            .unwatch(py, self.fd, direction)
            .map(drop)
    }

    /// Has the loop call `_call_connection_lost`.
    pub(super) fn schedule_connection_lost(
        &self,
        transport: &Bound<'_, PyAny>,
        exception: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        let py = transport.py();
        let event_loop = self.event_loop(py);
        event_loop.get().check_open()?;
        let callback = transport.getattr(intern!(py, "_call_connection_lost"))?;
        Loop::schedule(event_loop, callback, PyTuple::new(py, [exception])?, None)
    }

    /// Tells the protocol that the connection is lost and closes the file.
    pub(super) fn lose_connection(
        &self,
        py: Python<'_>,
        exception: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        let told = match self.protocol(py) {
            Some(protocol) => protocol
                .call_method1(intern!(py, "connection_lost"), (exception,))
                .map(drop),
            None => Ok(()),
        };
        cpython::finally(py, told, || {
            let (file, protocol) = self.state.with(py, |state| {
                state.phase = PipePhase::Closed;
                (state.file.take(), state.protocol.take())
            });
            let closed = match file {
                Some(file) => file.call_method0(py, intern!(py, "close")).map(drop),
                None => Ok(()),
            };
            drop(protocol);
            closed
        })
    }

    /// Logs a line about the transport in debug mode.
    pub(super) fn log(
        &self,
        transport: &Bound<'_, PyAny>,
        level: &str,
        text: &str,
    ) -> PyResult<()> {
        if self.event_loop.get().debug() {
            imports::logger(transport.py())?.call_method1(level, (text, transport))?;
        }
        Ok(())
    }

    /// The representation; `polling` is what it says of a transport whose loop is not closed.
    pub(super) fn describe(
        &self,
        py: Python<'_>,
        class: &str,
        polling: impl FnOnce(&Loop) -> String,
    ) -> String {
        let (phase, has_file) = self
            .state
            .with(py, |state| (state.phase, state.file.is_some()));
        let mark = match phase {
            _ if !has_file => " closed",
            PipePhase::Open => "",
            PipePhase::Draining | PipePhase::Lost | PipePhase::Closed => " closing",
        };
        let event_loop = self.event_loop.get();
        let polling = if !has_file {
            "closed".to_owned()
        } else if event_loop.closed() {
            "open".to_owned()
        } else {
            polling(event_loop)
        };
        format!("<{class}{mark} fd={} {polling}>", self.fd)
    }

    /// For a transport that nobody has closed, when it is about to go away: whoever forgot it is told, and the file closed.
    pub(super) fn forget(
        &self,
        transport: &Bound<'_, PyAny>,
        place: PyResult<&Bound<'_, PyAny>>,
        warner: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let py = transport.py();
        if self.is_disposed(py) {
            return Ok(());
        }
        let text = format!("unclosed transport {}", transport.repr()?);
        warning::warn(place, text, Some(transport), warner)?;
        match self.file(py) {
            Some(file) => file.call_method0(py, intern!(py, "close")).map(drop),
            None => Ok(()),
        }
    }

    /// Whether the file is gone.
    #[inline]
    pub(super) fn is_disposed(&self, py: Python<'_>) -> bool {
        self.state.with(py, |state| state.file.is_none())
    }

    pub(super) fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.event_loop)?;
        visit.call(&self.extra)?;
        self.state.visit(|state| {
            visit.call(&state.file)?;
            visit.call(&state.protocol)
        })
    }

    pub(super) fn clear(&self, py: Python<'_>) {
        let references = self
            .state
            .with(py, |state| (state.file.take(), state.protocol.take()));
        drop(references);
    }
}
