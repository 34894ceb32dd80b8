//! What the transports of both directions have in common.

use std::os::fd::RawFd;

use ferrio::engine::Interest;
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rustix::fs::FileType;

use crate::base::errors::os_error;
use crate::cpython;
use crate::io::connection::{Connection, Transport, TransportPhase};

/// The arguments that a transport is made from.
pub struct PipeArguments<'py> {
    /// A file object over a descriptor.
    pub file: Bound<'py, PyAny>,
    pub protocol: Bound<'py, PyAny>,
    /// A future to finish once `connection_made` was called.
    pub waiter: Option<Bound<'py, PyAny>>,
    /// Extra information to begin with.
    pub extra: Option<Bound<'py, PyDict>>,
}

/// One end of a pipe, connected to a protocol.
pub(super) struct Pipe {
    pub(super) fd: RawFd,
    pub(super) kind: FileType,
    pub(super) connection: Connection,
}

impl Pipe {
    /// Makes a pipe non-blocking. Raises `ValueError` with the text `refusal` for a file of another kind.
    pub(super) fn new(arguments: &PipeArguments<'_>, refusal: &str) -> PyResult<Self> {
        let PipeArguments {
            file,
            protocol,
            extra,
            ..
        } = arguments;
        let py = file.py();
        let extra = match extra {
            Some(extra) => extra.clone(),
            None => PyDict::new(py),
        };
        extra.set_item(intern!(py, "pipe"), file)?;
        let fd: RawFd = file.call_method0(intern!(py, "fileno"))?.extract()?;
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
            fd,
            kind,
            connection: Connection::new(file.clone(), protocol, extra),
        })
    }
}

/// Returns the representation. `polling` describes what the descriptor is watched for.
pub(super) fn describe<T: Transport>(
    transport: &T,
    py: Python<'_>,
    class: &str,
    polling: impl FnOnce(Interest) -> String,
) -> String {
    let (phase, has_file) = transport.connection(py, |connection| {
        (connection.phase, connection.file.is_some())
    });
    let mark = match phase {
        _ if !has_file => " closed",
        TransportPhase::Open => "",
        TransportPhase::Draining | TransportPhase::Lost | TransportPhase::Closed => " closing",
    };
    let event_loop = transport.event_loop(py).get();
    let fd = transport.fd();
    let polling = if !has_file {
        "closed".to_owned()
    } else if event_loop.closed() {
        "open".to_owned()
    } else {
        polling(event_loop.core(py, |core| core.interest(fd)))
    };
    format!("<{class}{mark} fd={fd} {polling}>")
}

/// The methods and attributes of both classes.
macro_rules! pipe_methods {
    ($class:ident) => {
        crate::io::connection::transport_methods!($class, "Fatal error on pipe transport");

        #[pymethods]
        impl $class {
            #[getter(_pipe)]
            fn get_pipe(&self, py: Python<'_>) -> Option<Py<PyAny>> {
                self.file(py).map(Bound::unbind)
            }

            #[setter(_pipe)]
            fn set_pipe(&self, py: Python<'_>, pipe: Option<Py<PyAny>>) {
                let old = self.connection(py, |connection| {
                    std::mem::replace(&mut connection.file, pipe)
                });
                drop(old);
            }

            #[getter(_fileno)]
            fn get_fileno(&self) -> std::os::fd::RawFd {
                self.fd()
            }
        }
    };
}

pub(super) use pipe_methods;
