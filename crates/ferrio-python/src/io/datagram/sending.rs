//! `sendto`: the check of the address, and the system call.

use pyo3::PyTraverseError;
use pyo3::exceptions::{PyBufferError, PyOSError, PyTypeError, PyValueError};
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use rustix::net::SocketAddrAny;

use super::{DatagramTransport, Peer};
use crate::base::errors::{is_would_block, leaves_the_loop, os_error, would_block};
use crate::io::address::{Family, decode};
use crate::io::connection::{Transport, TransportPhase};
use crate::io::outgoing::{Data, warn_of_lost_socket_write};
use crate::io::socket::send_to;

/// The destination of a datagram.
pub enum Destination {
    /// The address that the socket is connected to.
    Peer,
    /// An address in the kernel's form.
    Native(SocketAddrAny),
    /// An address that only the Python socket's own method can convert.
    Python(Option<Py<PyAny>>),
}

impl Destination {
    /// Shows the reference to the garbage collector.
    pub fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self {
            Self::Python(address) => visit.call(address),
            Self::Peer | Self::Native(_) => Ok(()),
        }
    }

    pub(super) fn clone_ref(&self, py: Python<'_>) -> Self {
        match self {
            Self::Peer => Self::Peer,
            Self::Native(address) => Self::Native(address.clone()),
            Self::Python(address) => {
                Self::Python(address.as_ref().map(|address| address.clone_ref(py)))
            }
        }
    }

    /// Returns the address as it was passed to `sendto`, `None` for the peer's.
    pub(super) fn as_object<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self {
            Self::Peer => Ok(None),
            Self::Native(address) => decode(py, Some(address)).map(Some),
            Self::Python(address) => Ok(address.as_ref().map(|address| address.bind(py).clone())),
        }
    }

    /// Returns whether a system call can send there. Otherwise, a method of the Python socket has to.
    pub(super) fn is_native(&self) -> bool {
        !matches!(self, Self::Python(_))
    }

    /// Returns the address for the kernel, unless it is the peer's.
    pub(super) fn address(&self) -> Option<&SocketAddrAny> {
        match self {
            Self::Native(address) => Some(address),
            Self::Peer | Self::Python(_) => None,
        }
    }
}

/// The outcome of sending a datagram.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Sent,
    /// The kernel takes no more for now.
    Refused,
}

impl DatagramTransport {
    /// Reports an `OSError` to the protocol. Any other exception ends the transport.
    pub(super) fn send_failed(slf: &Bound<'_, Self>, error: PyErr) -> PyResult<()> {
        let py = slf.py();
        if error.is_instance_of::<PyOSError>(py) {
            slf.get().report_to_protocol(&error, py)
        } else if leaves_the_loop(py, &error) {
            Err(error)
        } else {
            Self::fail(slf, &error, "Fatal write error on datagram transport")
        }
    }

    /// Sends one datagram now.
    fn send(&self, py: Python<'_>, data: &[u8], to: &Destination) -> PyResult<Outcome> {
        if !to.is_native() {
            return self.send_by_method(py, data, to);
        }
        match send_to(self.fd, data, to.address()) {
            Ok(_) => Ok(Outcome::Sent),
            Err(error) if would_block(&error) => Ok(Outcome::Refused),
            Err(error) => Err(os_error(py, &error)),
        }
    }

    /// Sends one datagram by the Python socket's own methods.
    pub(super) fn send_by_method(
        &self,
        py: Python<'_>,
        data: &[u8],
        to: &Destination,
    ) -> PyResult<Outcome> {
        let Some(sock) = self.file(py) else {
            return Ok(Outcome::Refused);
        };
        let data = PyBytes::new(py, data);
        let sent = match (to, self.peer) {
            (Destination::Python(address), Peer::None)
            | (Destination::Python(address @ Some(_)), Peer::Nameless) => {
                sock.call_method1(intern!(py, "sendto"), (data, address))
            }
            _ => sock.call_method1(intern!(py, "send"), (data,)),
        };
        match sent {
            Ok(_) => Ok(Outcome::Sent),
            Err(error) if is_would_block(py, &error) => Ok(Outcome::Refused),
            Err(error) => Err(error),
        }
    }

    fn destination(&self, address: Option<&Bound<'_, PyAny>>) -> Destination {
        if self.family != Family::Other && self.peer == Peer::Connected {
            return Destination::Peer;
        }
        if self.family != Family::Other && self.peer == Peer::Nameless && address.is_none() {
            return Destination::Peer;
        }
        match address.and_then(|address| self.family.encode(address)) {
            Some(native) if self.peer != Peer::Connected => Destination::Native(native),
            _ => Destination::Python(address.map(|address| address.clone().unbind())),
        }
    }

    /// Returns the address to send to. Raises `ValueError` for another than `remote_addr`, if there is one.
    fn check_address<'py>(
        &self,
        py: Python<'py>,
        address: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(own) = &self.address else {
            return Ok(address);
        };
        let own = own.bind(py);
        if let Some(address) = address
            && !address.is(own)
            && !address.eq(own)?
        {
            let text = format!("Invalid address: must be None or {}", own.str()?);
            return Err(PyValueError::new_err(text));
        }
        Ok(Some(own.clone()))
    }

    /// Treats a memoryview that has gaps or was released as asyncio does.
    ///
    /// asyncio passes it to the socket, whose error ends the transport. But behind a queue it queues a copy, and before
    /// Python 3.13 it first asks for the truth of the view, which raises for a released one.
    #[cold]
    fn refuse<'py>(
        slf: &Bound<'py, Self>,
        data: &Bound<'py, PyAny>,
        address: Option<Bound<'py, PyAny>>,
        error: PyErr,
    ) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let has_gaps = error.is_instance_of::<PyBufferError>(py);
        if cfg!(not(Py_3_13)) && !has_gaps {
            return Err(error);
        }
        let (phase, waiting) = me.state.with(py, |state| {
            (state.connection.phase, !state.queue.is_empty())
        });
        if waiting {
            let copy = data.call_method0(intern!(py, "tobytes"))?;
            return Self::sendto(slf, &copy, address);
        }
        me.check_address(py, address)?;
        if me.is_lost(phase) {
            return me.write_lost(py);
        }
        Self::fail(slf, &error, "Fatal write error on datagram transport")
    }

    /// Returns whether a datagram is counted instead of sent in this phase.
    fn is_lost(&self, phase: TransportPhase) -> bool {
        match phase {
            TransportPhase::Open | TransportPhase::Draining => false,
            TransportPhase::Lost => self.address.is_some(),
            TransportPhase::Closed => true,
        }
    }

    /// Counts a datagram that can no longer be sent.
    fn write_lost(&self, py: Python<'_>) -> PyResult<()> {
        let lost_writes = self.state.with(py, |state| {
            state.lost_writes += 1;
            state.lost_writes
        });
        warn_of_lost_socket_write(py, lost_writes)
    }
}

#[pymethods]
impl DatagramTransport {
    /// Send a datagram to addr, which is None on a connected endpoint; does not block.
    ///
    /// Raises TypeError if data is not bytes, a bytearray or a memoryview, ValueError if addr is not the address that
    /// the endpoint was created for. error_received() is called if the datagram cannot be sent.
    #[pyo3(signature = (data, addr = None))]
    fn sendto<'py>(
        slf: &Bound<'py, Self>,
        data: &Bound<'py, PyAny>,
        addr: Option<Bound<'py, PyAny>>,
    ) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let sent = match Data::expect(data, "bytes-like") {
            Ok(sent) => sent,
            Err(error) if error.is_instance_of::<PyTypeError>(py) => return Err(error),
            Err(error) => return Self::refuse(slf, data, addr, error),
        };
        // Empty datagrams are sent since Python 3.13. Before, asyncio asks for the truth of the object, for which a memoryview
        // without dimensions raises.
        if cfg!(not(Py_3_13)) && !data.is_truthy()? {
            return Ok(());
        }
        let address = me.check_address(py, addr)?;
        let (phase, waiting) = me.state.with(py, |state| {
            (state.connection.phase, !state.queue.is_empty())
        });
        if me.is_lost(phase) {
            return me.write_lost(py);
        }
        let destination = me.destination(address.as_ref());
        if !waiting {
            match me.send(py, sent.bytes(py), &destination) {
                Ok(Outcome::Sent) => return Ok(()),
                Ok(Outcome::Refused) if phase == TransportPhase::Lost => return Ok(()),
                Ok(Outcome::Refused) => (),
                Err(error) => return Self::send_failed(slf, error),
            }
        }
        Self::queue(slf, sent.into_chunk(py, 0), destination)
    }
}
