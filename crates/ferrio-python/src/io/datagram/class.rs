//! The class `DatagramTransport`: its state, and how it is made.

use super::receiving::Expectation;
use super::sending::Destination;
use crate::base::cell::AttachedCell;
use crate::io::address::Family;
use crate::io::connection::{
    Connection, SelectorTransport, Transport, describe_socket, selector_transport_methods,
};
use crate::io::outgoing::Chunk;
use crate::io::plain_sockets::is_plain;
use crate::kernel::event_loop::Loop;
use crate::{base::imports, cpython};
use ferrio::engine::{DatagramQueue, FlowControl};
use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use std::collections::VecDeque;
use std::os::fd::RawFd;

/// The bytes that a datagram adds to the size of the queue beside its data: asyncio's `_header_size`, since Python 3.13.
pub(super) const HEADER_SIZE: usize = if cfg!(Py_3_13) { 8 } else { 0 };

/// The peer to which datagrams without an address are sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    /// The socket is connected to an address. Any other is refused or ignored.
    Connected,
    /// The socket is connected to a socket without a name, as with `socketpair`.
    Nameless,
    /// The socket is not connected.
    None,
}

/// A datagram that was received and not yet delivered, and its sender's address.
pub(super) type Arrived = (Py<PyBytes>, Py<PyAny>);

pub(super) struct State {
    pub(super) connection: Connection,
    /// `pause_reading` was called.
    pub(super) paused: bool,
    /// The context in which datagrams are delivered.
    pub(super) receiving_context: Py<PyAny>,
    /// The context in which the queue is sent; `None` if nothing is queued.
    pub(super) sending_context: Option<Py<PyAny>>,
    pub(super) expectation: Expectation,
    pub(super) undelivered: VecDeque<Arrived>,
    pub(super) queue: DatagramQueue<Chunk, Destination>,
    pub(super) flow: FlowControl,
    /// The number of calls of `sendto` after the transport was closed.
    pub(super) lost_writes: u32,
}

impl State {
    /// Flow control, and the size of the queue in bytes.
    pub(super) fn flow(&mut self) -> (&mut FlowControl, usize) {
        (&mut self.flow, self.queue.size())
    }
}

/// A transport over a datagram socket.
#[pyclass(module = "ferrio", frozen, weakref, dict)]
pub struct DatagramTransport {
    pub(super) event_loop: Py<Loop>,
    pub(super) fd: RawFd,
    pub(super) family: Family,
    pub(super) peer: Peer,
    /// `remote_addr`: the only address that `sendto` accepts.
    pub(super) address: Option<Py<PyAny>>,
    pub(super) state: AttachedCell<State>,
}

impl DatagramTransport {
    /// Makes a transport over a non-blocking datagram socket and schedules `connection_made`, then the start of receiving,
    /// then the waiter's result.
    pub fn open<'py>(
        event_loop: &Bound<'py, Loop>,
        sock: Bound<'py, PyAny>,
        protocol: Bound<'py, PyAny>,
        address: Option<Bound<'py, PyAny>>,
        waiter: Option<Bound<'py, PyAny>>,
        extra: Option<Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = event_loop.py();
        if !is_plain(&sock)? {
            return imports::selector_event_loop(py)?
                .getattr(intern!(py, "_make_datagram_transport"))?
                .call1((event_loop, sock, protocol, address, waiter, extra));
        }
        let fd: RawFd = sock.call_method0(intern!(py, "fileno"))?.extract()?;
        Loop::ensure_no_transport(event_loop, fd, &sock)?;
        let extra = describe_socket(&sock, extra)?;
        let peer_name = extra.as_any().get_item(intern!(py, "peername"))?;
        let peer = if peer_name.is_truthy()? {
            Peer::Connected
        } else if peer_name.is_none() {
            Peer::None
        } else {
            Peer::Nameless
        };
        let address = match address {
            Some(address) if address.is_truthy()? => Some(address),
            _ => None,
        };
        let family = Family::of(&sock)?;
        let transport = Bound::new(
            py,
            Self {
                event_loop: event_loop.clone().unbind(),
                fd,
                family,
                peer,
                address: address.map(Bound::unbind),
                state: AttachedCell::new(State {
                    connection: Connection::new(sock, &protocol, extra),
                    paused: false,
                    receiving_context: cpython::copy_context(py)?,
                    sending_context: None,
                    expectation: Expectation::default(),
                    undelivered: VecDeque::new(),
                    queue: DatagramQueue::new(HEADER_SIZE),
                    flow: FlowControl::new(),
                    lost_writes: 0,
                }),
            },
        )?;
        event_loop.get().register_transport(fd, &transport)?;
        Self::begin(&transport, &protocol, Some("_start_reading"), waiter, None)?;
        Ok(transport.into_any())
    }

    /// Calls `error_received` for a caught error that does not end the transport.
    pub(super) fn report_to_protocol(&self, error: &PyErr, py: Python<'_>) -> PyResult<()> {
        let Some(protocol) = self.protocol(py) else {
            return Ok(());
        };
        cpython::handling(py, error, || {
            let name = intern!(py, "error_received");
            protocol.call_method1(name, (error.value(py),)).map(drop)
        })
    }
}

#[pymethods]
impl DatagramTransport {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.event_loop)?;
        visit.call(&self.address)?;
        self.state.visit(&visit, |state| {
            state.connection.traverse(visit)?;
            visit.call(&state.receiving_context)?;
            visit.call(&state.sending_context)?;
            for (data, sender) in &state.undelivered {
                visit.call(data)?;
                visit.call(sender)?;
            }
            for (_, destination) in state.queue.iter() {
                destination.traverse(visit)?;
            }
            Ok(())
        })
    }

    fn __clear__(&self) {
        Python::attach(|py| {
            let references = self.state.with(py, |state| {
                (
                    state.connection.take_references(),
                    std::mem::take(&mut state.undelivered),
                    state.queue.take_all(),
                )
            });
            drop(references);
        });
    }
}

selector_transport_methods!(DatagramTransport);
