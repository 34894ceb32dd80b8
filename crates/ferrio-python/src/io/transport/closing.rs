//! How a socket's transport closes, where that differs from other transports (`crate::io::connection`).

use pyo3::exceptions::PyConnectionError;
use pyo3::prelude::*;

use super::SocketTransport;
use super::class::delivery_of;
use crate::io::connection::{SelectorTransport, Transport, TransportRepr, transport_accessors};
use crate::io::outgoing::Writer;
use crate::{base::imports, cpython};

impl Transport for SocketTransport {
    transport_accessors!();

    fn describe(&self, py: Python<'_>) -> String {
        let (phase, paused, buffered) = self.state.with(py, |state| {
            (state.connection.phase, state.paused, state.outgoing.len())
        });
        let repr = TransportRepr {
            class: "SocketTransport",
            phase,
            fd: self.fd,
            paused,
            buffered,
        };
        repr.describe(py, self.event_loop.get())
    }

    fn warning_function(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
        imports::warn_of_transport(py)
    }

    fn send_collected(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::flush(slf)
    }

    fn discard(&self, py: Python<'_>) {
        self.state.with(py, |state| state.outgoing.clear());
    }

    /// Since Python 3.15, all callbacks of a connection share one context.
    fn closing_context<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        cfg!(Py_3_15).then(|| self.context.bind(py).clone())
    }

    fn unregister(slf: &Bound<'_, Self>) {
        let me = slf.get();
        me.event_loop.get().forget_transport(me.fd, slf);
    }

    fn detach_server(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        match slf.get().state.with(py, |state| state.server.take()) {
            Some(server) => crate::io::server::detach(server.bind(py), slf),
            None => Ok(()),
        }
    }

    fn replace_protocol(&self, protocol: Bound<'_, PyAny>) -> PyResult<()> {
        let py = protocol.py();
        let delivery = delivery_of(&protocol)?;
        let old = self.state.with(py, |state| {
            state.delivery = delivery;
            state.connection.protocol.replace(protocol.unbind())
        });
        drop(old);
        Ok(())
    }

    /// Ends the connection, and has `sendfile` fail if it still waits for the buffer to be sent.
    fn lose_connection(slf: &Bound<'_, Self>, exception: Option<Py<PyAny>>) -> PyResult<()> {
        let py = slf.py();
        let ended = Self::end_connection(slf, exception);
        cpython::finally(py, ended, || {
            let error = PyConnectionError::new_err("Connection is closed by peer");
            slf.get().finish_empty_waiter(py, Err(error))
        })
    }
}

impl SelectorTransport for SocketTransport {
    fn is_paused(&self, py: Python<'_>) -> bool {
        self.state.with(py, |state| state.paused)
    }

    fn has_unsent(&self, py: Python<'_>) -> bool {
        self.state.with(py, |state| !state.outgoing.is_empty())
    }

    fn lost_writes(&self, py: Python<'_>) -> u32 {
        self.state.with(py, |state| state.lost_writes)
    }
}
