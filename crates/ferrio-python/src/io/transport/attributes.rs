//! The private attributes and methods that programs and the standard library read, set and call.

use std::os::fd::RawFd;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::{SocketTransport, TransportPhase};
use crate::base::attributes::object_attribute;
use crate::base::imports;
use crate::io::outgoing::{Outgoing, Writer, writer_attributes};
use crate::kernel::event_loop::{Loop, READ_SIZE};

#[pymethods]
impl SocketTransport {
    #[classattr]
    #[pyo3(name = "max_size")]
    const MAX_SIZE: usize = READ_SIZE;

    /// What makes `_buffer`, before Python 3.12.
    #[cfg(not(Py_3_12))]
    #[classattr]
    #[pyo3(name = "_buffer_factory")]
    fn buffer_factory(py: Python<'_>) -> Py<PyAny> {
        py.get_type::<pyo3::types::PyByteArray>()
            .into_any()
            .unbind()
    }

    #[getter(_loop)]
    fn get_loop(&self, py: Python<'_>) -> Option<Py<Loop>> {
        (self.phase(py) != TransportPhase::Closed).then(|| self.event_loop.clone_ref(py))
    }

    #[getter(_sock)]
    pub fn get_sock(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.state.with(py, |state| {
            state.sock.as_ref().map(|sock| sock.clone_ref(py))
        })
    }

    #[getter(_sock_fd)]
    fn get_sock_fd(&self) -> RawFd {
        self.fd
    }

    #[getter(_extra)]
    pub(super) fn get_extra(&self, py: Python<'_>) -> Py<PyDict> {
        self.state.with(py, |state| state.extra.clone_ref(py))
    }

    #[setter(_extra)]
    fn set_extra(&self, py: Python<'_>, extra: Py<PyDict>) {
        let replace = |old: &mut _| std::mem::replace(old, extra);
        let old = self.state.with(py, |state| replace(&mut state.extra));
        drop(old);
    }

    #[getter(_protocol)]
    fn get_protocol_attribute(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.get_protocol(py)
    }

    #[setter(_protocol)]
    fn set_protocol_attribute(
        &self,
        py: Python<'_>,
        protocol: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        if let Some(protocol) = protocol {
            return self.set_protocol(protocol);
        }
        let old = self.state.with(py, |state| state.protocol.take());
        drop(old);
        Ok(())
    }

    /// A transport has a protocol from the beginning.
    #[getter(_protocol_connected)]
    fn get_protocol_connected(&self) -> bool {
        true
    }

    #[getter(_start_tls_compatible)]
    fn get_start_tls_compatible(&self) -> bool {
        true
    }

    #[getter(_sendfile_compatible)]
    fn get_sendfile_compatible<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        imports::sendfile_mode(py)?.getattr("TRY_NATIVE")
    }

    /// The context in which the protocol's callbacks run, which asyncio keeps since Python 3.15.
    #[cfg(Py_3_15)]
    #[getter(_context)]
    fn get_context(&self, py: Python<'_>) -> Py<PyAny> {
        self.context.clone_ref(py)
    }

    /// Watch a descriptor while the transport reads.
    #[pyo3(name = "_add_reader", signature = (fd, callback, *args))]
    fn add_reader(
        &self,
        fd: Bound<'_, PyAny>,
        callback: Bound<'_, PyAny>,
        args: &Bound<'_, PyTuple>,
    ) -> PyResult<()> {
        let py = fd.py();
        if !self.is_reading(py) {
            return Ok(());
        }
        let first = PyTuple::new(py, [fd, callback])?;
        let all = first.as_sequence().concat(args.as_sequence())?.to_tuple()?;
        let event_loop = self.event_loop.bind(py);
        event_loop.call_method1(intern!(py, "_add_reader"), all)?;
        Ok(())
    }

    /// Receive once, as when something has arrived.
    #[pyo3(name = "_read_ready")]
    fn read_ready(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::on_readable(slf)
    }

    #[cfg(Py_3_15)]
    #[getter(_buffer_size)]
    fn get_buffer_size(&self, py: Python<'_>) -> usize {
        self.state.with(py, |state| state.outgoing.len())
    }

    /// What receives: there is one way for all protocols. Since Python 3.12 it goes when the transport is closed.
    #[getter(_read_ready_cb)]
    fn get_read_ready_cb<'py>(slf: &Bound<'py, Self>) -> PyResult<Option<Bound<'py, PyAny>>> {
        if cfg!(Py_3_12) && slf.get().is_closing(slf.py()) {
            return Ok(None);
        }
        slf.getattr(intern!(slf.py(), "_read_ready")).map(Some)
    }
}

object_attribute!(SocketTransport, server, _server, get_server, set_server);
object_attribute!(
    SocketTransport,
    empty_waiter,
    _empty_waiter,
    get_empty_waiter,
    set_empty_waiter
);
writer_attributes!(SocketTransport, |py, pieces| Outgoing::as_pieces(
    py, pieces
));
