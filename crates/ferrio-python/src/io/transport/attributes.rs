//! The private attributes and methods that only stream sockets' transports have.

use pyo3::intern;
use pyo3::prelude::*;

use super::SocketTransport;
use crate::base::attributes::object_attribute;
use crate::base::imports;
use crate::io::connection::Transport;
use crate::io::outgoing::{Outgoing, Writer, writer_attributes};

#[pymethods]
impl SocketTransport {
    /// The class of `_buffer`, before Python 3.12.
    #[cfg(not(Py_3_12))]
    #[classattr]
    #[pyo3(name = "_buffer_factory")]
    fn buffer_factory(py: Python<'_>) -> Py<PyAny> {
        py.get_type::<pyo3::types::PyByteArray>()
            .into_any()
            .unbind()
    }

    #[setter(_protocol)]
    fn set_protocol_attribute(
        &self,
        py: Python<'_>,
        protocol: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        if let Some(protocol) = protocol {
            return self.replace_protocol(protocol);
        }
        let old = self.connection(py, |connection| connection.protocol.take());
        drop(old);
        Ok(())
    }

    #[getter(_start_tls_compatible)]
    fn get_start_tls_compatible(&self) -> bool {
        true
    }

    #[getter(_sendfile_compatible)]
    fn get_sendfile_compatible<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        imports::sendfile_mode(py)?.getattr("TRY_NATIVE")
    }

    /// The context in which the protocol's callbacks run. asyncio's transports have it since Python 3.15.
    #[cfg(Py_3_15)]
    #[getter(_context)]
    fn get_context(&self, py: Python<'_>) -> Py<PyAny> {
        self.context.clone_ref(py)
    }

    #[cfg(Py_3_15)]
    #[getter(_buffer_size)]
    fn get_buffer_size(&self, py: Python<'_>) -> usize {
        self.state.with(py, |state| state.outgoing.len())
    }

    /// The method that receives, which is `_read_ready` for every protocol. Since Python 3.12, None once the transport is
    /// closed.
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
