//! The transport that carries the ciphertext.

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;

use super::session::Ciphertext;
use crate::io::transport::SocketTransport;

/// The transport that carries the ciphertext.
pub enum Underlying {
    /// ferrio's own, whose methods are called in Rust.
    Socket(Py<SocketTransport>),
    /// Any other transport.
    Other(Py<PyAny>),
}

impl Underlying {
    pub fn new(transport: Bound<'_, PyAny>) -> Self {
        match transport.cast_into::<SocketTransport>() {
            Ok(socket) => Self::Socket(socket.unbind()),
            Err(error) => Self::Other(error.into_inner().unbind()),
        }
    }

    pub fn clone_ref(&self, py: Python<'_>) -> Self {
        match self {
            Self::Socket(socket) => Self::Socket(socket.clone_ref(py)),
            Self::Other(transport) => Self::Other(transport.clone_ref(py)),
        }
    }

    pub fn as_any<'py>(&self, py: Python<'py>) -> &Bound<'py, PyAny> {
        match self {
            Self::Socket(socket) => socket.bind(py).as_any(),
            Self::Other(transport) => transport.bind(py),
        }
    }

    pub fn write(&self, py: Python<'_>, data: Ciphertext<'_>) -> PyResult<()> {
        match self {
            Self::Socket(socket) => SocketTransport::write_ciphertext(socket.bind(py), data.into()),
            Self::Other(transport) => {
                transport.call_method1(py, intern!(py, "write"), (data.into_bytes(py),))?;
                Ok(())
            }
        }
    }

    pub fn pause_reading(&self, py: Python<'_>) -> PyResult<()> {
        match self {
            Self::Socket(socket) => SocketTransport::pause_reading(socket.bind(py)),
            Self::Other(transport) => transport
                .call_method0(py, intern!(py, "pause_reading"))
                .map(drop),
        }
    }

    pub fn resume_reading(&self, py: Python<'_>) -> PyResult<()> {
        match self {
            Self::Socket(socket) => SocketTransport::resume_reading(socket.bind(py)),
            Self::Other(transport) => transport
                .call_method0(py, intern!(py, "resume_reading"))
                .map(drop),
        }
    }

    /// Closes the transport at once. `_force_close`, which takes the reason, exists only in asyncio's transports; without a
    /// reason the public method is called.
    pub fn force_close(&self, py: Python<'_>, exception: Option<&Py<PyAny>>) -> PyResult<()> {
        let transport = self.as_any(py);
        match exception {
            Some(_) => transport.call_method1(intern!(py, "_force_close"), (exception,))?,
            None => transport.call_method0(intern!(py, "abort"))?,
        };
        Ok(())
    }

    pub fn is_closing(&self, py: Python<'_>) -> PyResult<bool> {
        self.as_any(py)
            .call_method0(intern!(py, "is_closing"))?
            .is_truthy()
    }

    pub fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self {
            Self::Socket(socket) => visit.call(socket),
            Self::Other(transport) => visit.call(transport),
        }
    }
}
