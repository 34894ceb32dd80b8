//! [`Connection`]: the state that every transport over a descriptor has.

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// How far a transport is on its way from open to closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TransportPhase {
    /// Neither side has closed the connection.
    Open,
    /// `close` was called. Buffered data is still sent.
    Draining,
    /// `connection_lost` is scheduled.
    Lost,
    /// `connection_lost` was called, and the descriptor is closed.
    Closed,
}

impl TransportPhase {
    /// Returns whether nothing can be sent any more.
    pub fn is_lost(self) -> bool {
        matches!(self, Self::Lost | Self::Closed)
    }
}

/// A file and the protocol that is connected to it.
pub struct Connection {
    /// How far the transport is on its way to closed.
    pub phase: TransportPhase,
    /// The socket, or the file object of a pipe; `None` once it is closed.
    pub file: Option<Py<PyAny>>,
    /// The protocol; `None` once `connection_lost` was called.
    pub protocol: Option<Py<PyAny>>,
    /// The answers of `get_extra_info`, by name.
    pub extra: Py<PyDict>,
}

impl Connection {
    /// Connects `protocol` to `file`.
    pub fn new(
        file: Bound<'_, PyAny>,
        protocol: &Bound<'_, PyAny>,
        extra: Bound<'_, PyDict>,
    ) -> Self {
        Self {
            phase: TransportPhase::Open,
            file: Some(file.unbind()),
            protocol: Some(protocol.clone().unbind()),
            extra: extra.unbind(),
        }
    }

    /// Shows the references to the garbage collector.
    pub fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.file)?;
        visit.call(&self.protocol)?;
        visit.call(&self.extra)
    }

    /// Takes out the file and the protocol, for the caller to drop when the state is not borrowed.
    pub fn take_references(&mut self) -> (Option<Py<PyAny>>, Option<Py<PyAny>>) {
        (self.file.take(), self.protocol.take())
    }
}
