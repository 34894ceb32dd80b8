//! `sendto`: the address, and the one system call.

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

/// Where a datagram goes.
pub enum Destination {
    /// To the address that the socket is connected to.
    Peer,
    /// To an address in the kernel's form.
    Native(SocketAddrAny),
    /// To whatever the Python socket's own method makes of it.
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

    /// The address as `sendto` was given it; `None` for the peer's.
    pub(super) fn as_object<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self {
            Self::Peer => Ok(None),
            Self::Native(address) => decode(py, Some(address)).map(Some),
            Self::Python(address) => Ok(address.as_ref().map(|address| address.bind(py).clone())),
        }
    }

    /// Whether the kernel can be asked; otherwise sending is the Python socket's to do.
    pub(super) fn is_native(&self) -> bool {
        !matches!(self, Self::Python(_))
    }

    /// The address for the kernel, unless it is the peer's.
    pub(super) fn address(&self) -> Option<&SocketAddrAny> {
        match self {
            Self::Native(address) => Some(address),
            Self::Peer | Self::Python(_) => None,
        }
    }
}

/// What has become of a datagram.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Sent,
    /// The kernel takes no more now.
    Refused,
}

impl DatagramTransport {
    /// An error of the network is the protocol's to know; any other ends the transport.
    pub(super) fn send_failed(slf: &Bound<'_, Self>, error: PyErr) -> PyResult<()> {
        let py = slf.py();
        if error.is_instance_of::<PyOSError>(py) {
            slf.get().tell_error(&error, py)
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

    /// Raises `ValueError` for an address that is not the endpoint's, and returns the one to send to.
    fn check_address<'py>(
        &self,
        py: Python<'py>,
        given: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(own) = &self.address else {
            return Ok(given);
        };
        let own = own.bind(py);
        if let Some(given) = given
            && !given.is(own)
            && !given.eq(own)?
        {
            let text = format!("Invalid address: must be None or {}", own.str()?);
            return Err(PyValueError::new_err(text));
        }
        Ok(Some(own.clone()))
    }

    /// What `sendto` does with a memoryview that has gaps or was released. asyncio leaves it to the socket, unless it puts
    /// a copy into the queue, or asks first whether it is empty.
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
            return me.lose_write(py);
        }
        Self::fail(slf, &error, "Fatal write error on datagram transport")
    }

    /// Whether what is given in this phase is counted instead of sent.
    fn is_lost(&self, phase: TransportPhase) -> bool {
        match phase {
            TransportPhase::Open | TransportPhase::Draining => false,
            TransportPhase::Lost => self.address.is_some(),
            TransportPhase::Closed => true,
        }
    }

    /// Takes note of a datagram that can no longer be sent.
    fn lose_write(&self, py: Python<'_>) -> PyResult<()> {
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
        // Python 3.13 was the first to send empty datagrams. Before, the object is asked whether it is one, which a memoryview
        // of no dimension cannot tell.
        if cfg!(not(Py_3_13)) && !data.is_truthy()? {
            return Ok(());
        }
        let address = me.check_address(py, addr)?;
        let (phase, waiting) = me.state.with(py, |state| {
            (state.connection.phase, !state.queue.is_empty())
        });
        if me.is_lost(phase) {
            return me.lose_write(py);
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
