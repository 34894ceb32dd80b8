//! The class `SocketTransport`: its state, and how it is made.

use crate::base::cell::AttachedCell;
use crate::io::connection::{
    Connection, SelectorTransport, Transport, describe_socket, selector_transport_methods,
};
use crate::io::outgoing::Outgoing;
use crate::io::plain_sockets::is_plain;
use crate::io::streams::StreamReaderProtocol;
use crate::io::tls::TlsProtocol;
use crate::kernel::event_loop::Loop;
use crate::{base::imports, cpython};
use ferrio::engine::FlowControl;
use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::os::fd::RawFd;

/// How received bytes get to the protocol.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    /// `asyncio.Protocol.data_received`.
    Bytes,
    /// `asyncio.BufferedProtocol.get_buffer` and `buffer_updated`.
    Buffer,
    /// As ciphertext, straight to ferrio's own TLS.
    Tls,
    /// Straight into the buffer of a stream's reader.
    Stream,
}

pub(super) struct State {
    pub(super) connection: Connection,
    pub(super) delivery: Delivery,
    pub(super) server: Option<Py<PyAny>>,
    /// `pause_reading` was called.
    pub(super) paused: bool,
    pub(super) outgoing: Outgoing,
    /// `write_eof` was called.
    pub(super) eof: bool,
    /// The number of writes after the connection was lost.
    pub(super) lost_writes: u32,
    /// The future that `sendfile` awaits: done when the write buffer is empty.
    pub(super) empty_waiter: Option<Py<PyAny>>,
}

impl State {
    /// Flow control, and the size of the write buffer in bytes.
    pub(super) fn flow(&mut self) -> (&mut FlowControl, usize) {
        self.outgoing.flow()
    }
}

/// A transport over a connected stream socket.
#[pyclass(module = "ferrio", frozen, weakref, dict)]
pub struct SocketTransport {
    pub(super) event_loop: Py<Loop>,
    pub(super) fd: RawFd,
    /// The context in which the protocol's callbacks run.
    pub(super) context: Py<PyAny>,
    pub(super) state: AttachedCell<State>,
}

/// The arguments that a transport is made from.
pub struct ConnectionArguments<'py> {
    /// A connected, non-blocking socket.
    pub sock: Bound<'py, PyAny>,
    /// The protocol, whose callbacks the transport calls.
    pub protocol: Bound<'py, PyAny>,
    /// A future to finish once `connection_made` was called.
    pub waiter: Option<Bound<'py, PyAny>>,
    /// Extra information to begin with.
    pub extra: Option<Bound<'py, PyDict>>,
    /// The server that counts the connection.
    pub server: Option<Bound<'py, PyAny>>,
    /// The context in which the callbacks run, instead of copies of the current one.
    pub context: Option<Bound<'py, PyAny>>,
}

impl<'py> ConnectionArguments<'py> {
    /// Makes a transport and schedules `connection_made`, then the start of reading, then the waiter's result.
    pub fn open(self, event_loop: &Bound<'py, Loop>) -> PyResult<Bound<'py, PyAny>> {
        if is_plain(&self.sock)? {
            Ok(SocketTransport::open(event_loop, self)?.into_any())
        } else {
            self.open_inherited(event_loop)
        }
    }

    /// Makes asyncio's own transport.
    fn open_inherited(self, event_loop: &Bound<'py, Loop>) -> PyResult<Bound<'py, PyAny>> {
        let py = event_loop.py();
        let options = PyDict::new(py);
        options.set_item(intern!(py, "extra"), self.extra)?;
        options.set_item(intern!(py, "server"), self.server)?;
        if let Some(context) = self.context {
            options.set_item(intern!(py, "context"), context)?;
        }
        let args = (event_loop, self.sock, self.protocol, self.waiter);
        imports::selector_event_loop(py)?
            .getattr(intern!(py, "_make_socket_transport"))?
            .call(args, Some(&options))
    }
}

impl SocketTransport {
    fn open<'py>(
        event_loop: &Bound<'py, Loop>,
        arguments: ConnectionArguments<'py>,
    ) -> PyResult<Bound<'py, Self>> {
        let py = event_loop.py();
        let ConnectionArguments {
            sock,
            protocol,
            waiter,
            extra,
            server,
            context,
        } = arguments;
        let fd: RawFd = sock.call_method0(intern!(py, "fileno"))?.extract()?;
        Loop::ensure_no_transport(event_loop, fd, &sock)?;
        let extra = describe_socket(&sock, extra)?;
        imports::set_nodelay(py)?.call1((&sock,))?;
        let delivery = delivery_of(&protocol)?;
        let own_context = match &context {
            Some(context) => context.clone().unbind(),
            None => cpython::copy_context(py)?,
        };
        let transport = Bound::new(
            py,
            Self {
                event_loop: event_loop.clone().unbind(),
                fd,
                context: own_context,
                state: AttachedCell::new(State {
                    connection: Connection::new(sock, &protocol, extra),
                    delivery,
                    server: server.as_ref().map(|server| server.clone().unbind()),
                    paused: false,
                    outgoing: Outgoing::default(),
                    eof: false,
                    lost_writes: 0,
                    empty_waiter: None,
                }),
            },
        )?;
        if let Some(server) = server {
            crate::io::server::attach(&server, &transport)?;
        }
        event_loop.get().register_transport(fd, &transport)?;
        let start = Some("_start_reading");
        Self::begin(&transport, &protocol, start, waiter, context.as_ref())?;
        Ok(transport)
    }
}

/// Chooses how received bytes get to `protocol`.
pub(super) fn delivery_of(protocol: &Bound<'_, PyAny>) -> PyResult<Delivery> {
    if protocol.is_instance_of::<TlsProtocol>() {
        Ok(Delivery::Tls)
    } else if StreamReaderProtocol::takes_bytes(protocol)? {
        Ok(Delivery::Stream)
    } else if protocol.is_instance(imports::buffered_protocol(protocol.py())?)? {
        Ok(Delivery::Buffer)
    } else {
        Ok(Delivery::Bytes)
    }
}

#[pymethods]
impl SocketTransport {
    #[getter(__class__)]
    fn class(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        Ok(imports::transport_class(slf.py())?.clone().unbind())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.event_loop)?;
        visit.call(&self.context)?;
        self.state.visit(&visit, |state| {
            state.connection.traverse(visit)?;
            visit.call(&state.server)?;
            visit.call(&state.empty_waiter)
        })
    }

    fn __clear__(&self) {
        Python::attach(|py| {
            let references = self.state.with(py, |state| {
                (
                    state.connection.take_references(),
                    state.server.take(),
                    state.empty_waiter.take(),
                )
            });
            drop(references);
        });
    }
}

selector_transport_methods!(SocketTransport);
