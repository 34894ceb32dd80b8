//! What the loop flushes at the end of an iteration.

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;

use crate::io::pipe::WritePipeTransport;
use crate::io::tls::TlsProtocol;
use crate::io::transport::SocketTransport;

/// A transport that has collected writes in this iteration.
pub enum Unflushed {
    /// A socket's.
    Socket(Py<SocketTransport>),
    /// A pipe's.
    Pipe(Py<WritePipeTransport>),
    /// What a TLS connection is to encrypt.
    Tls(Py<TlsProtocol>),
}

impl Unflushed {
    /// Sends what was collected.
    pub fn flush(&self, py: Python<'_>) -> PyResult<()> {
        match self {
            Self::Socket(transport) => SocketTransport::on_iteration_end(transport.bind(py)),
            Self::Pipe(transport) => WritePipeTransport::on_iteration_end(transport.bind(py)),
            Self::Tls(protocol) => TlsProtocol::flush(protocol.bind(py)),
        }
    }

    /// Shows the reference to the garbage collector.
    pub fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self {
            Self::Socket(transport) => visit.call(transport),
            Self::Pipe(transport) => visit.call(transport),
            Self::Tls(protocol) => visit.call(protocol),
        }
    }
}

impl From<Py<SocketTransport>> for Unflushed {
    fn from(transport: Py<SocketTransport>) -> Self {
        Self::Socket(transport)
    }
}

impl From<Py<WritePipeTransport>> for Unflushed {
    fn from(transport: Py<WritePipeTransport>) -> Self {
        Self::Pipe(transport)
    }
}
