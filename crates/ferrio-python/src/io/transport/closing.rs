//! The end of a connection.

use std::ffi::CStr;

use pyo3::exceptions::PyConnectionError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::{SocketTransport, TransportPhase};
use crate::io::outgoing::Writer;
use crate::io::protocol::{fail, report_fatal_error};
use crate::kernel::event_loop::{Direction, Loop};
use crate::{base::imports, base::warning, cpython};

impl SocketTransport {
    /// Ends the connection because of an error that was caught. What is not the network's fault is reported.
    pub(super) fn fatal_error(slf: &Bound<'_, Self>, error: &PyErr, message: &str) -> PyResult<()> {
        fail(slf.py(), error, |exc| Self::end(slf, exc, message))
    }

    fn end(slf: &Bound<'_, Self>, exc: &Bound<'_, PyAny>, message: &str) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let protocol = me.protocol(py);
        report_fatal_error(me.event_loop(py), slf, protocol.as_ref(), exc, message)?;
        Self::force_close(slf, Some(exc.clone().unbind()))
    }

    /// Drops what is buffered and schedules `connection_lost`, once.
    fn force_close(slf: &Bound<'_, Self>, exception: Option<Py<PyAny>>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let before = me.state.with(py, |state| {
            let phase = state.phase;
            if matches!(phase, TransportPhase::Open | TransportPhase::Draining) {
                state.outgoing.clear();
                state.phase = TransportPhase::Lost;
            }
            phase
        });
        if matches!(before, TransportPhase::Lost | TransportPhase::Closed) {
            return Ok(());
        }
        me.stop_watching(py, Direction::Write)?;
        me.stop_watching(py, Direction::Read)?;
        Self::schedule_connection_lost(slf, exception)
    }

    fn schedule_connection_lost(
        slf: &Bound<'_, Self>,
        exception: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        let py = slf.py();
        let event_loop = slf.get().event_loop(py);
        event_loop.get().check_open()?;
        let callback = slf.getattr(intern!(py, "_call_connection_lost"))?;
        // Since Python 3.15 all callbacks of a connection share one context.
        let context = cfg!(Py_3_15).then(|| slf.get().context.bind(py).clone());
        let args = PyTuple::new(py, [exception])?;
        Loop::schedule(event_loop, callback, args, context)
    }

    /// Tells the protocol that the connection is lost and closes the socket.
    pub(super) fn lose_connection(
        slf: &Bound<'_, Self>,
        exception: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let told = match me.protocol(py) {
            Some(protocol) => protocol
                .call_method1(intern!(py, "connection_lost"), (exception,))
                .map(drop),
            None => Ok(()),
        };
        let lost = cpython::finally(py, told, || Self::let_go(slf));
        cpython::finally(py, lost, || {
            let error = PyConnectionError::new_err("Connection is closed by peer");
            me.finish_empty_waiter(py, Err(error))
        })
    }

    /// Closes the socket and forgets everybody.
    fn let_go(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let (sock, protocol, server) = me.state.with(py, |state| {
            state.phase = TransportPhase::Closed;
            (
                state.sock.take(),
                state.protocol.take(),
                state.server.take(),
            )
        });
        me.event_loop.get().unregister_transport(py, me.fd);
        let closed = match sock {
            Some(sock) => sock.call_method0(py, intern!(py, "close")).map(drop),
            None => Ok(()),
        };
        drop(protocol);
        let detached = match server {
            Some(server) => crate::io::server::detach(server.bind(py), slf),
            None => Ok(()),
        };
        closed.and(detached)
    }

    /// Logs a line about the transport in debug mode.
    pub(super) fn log_debug(slf: &Bound<'_, Self>, message: &str) -> PyResult<()> {
        if slf.get().event_loop.get().debug() {
            imports::logger(slf.py())?.call_method1("debug", (message, slf))?;
        }
        Ok(())
    }
}

#[pymethods]
impl SocketTransport {
    /// Close the connection once everything written has been sent; then connection_lost(None) is called.
    pub fn close(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if me.is_closing(py) {
            return Ok(());
        }
        Self::flush(slf)?;
        let empty = me.state.with(py, |state| {
            if state.phase != TransportPhase::Open {
                return None;
            }
            let empty = state.outgoing.is_empty();
            state.phase = if empty {
                TransportPhase::Lost
            } else {
                TransportPhase::Draining
            };
            Some(empty)
        });
        // Nothing is left to do if sending has failed and closed the transport.
        let Some(empty) = empty else {
            return Ok(());
        };
        me.stop_watching(py, Direction::Read)?;
        if empty {
            me.stop_watching(py, Direction::Write)?;
            Self::schedule_connection_lost(slf, None)?;
        }
        Ok(())
    }

    /// Close the connection at once; what the kernel has not taken is lost. connection_lost(None) is called.
    fn abort(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::flush(slf)?;
        Self::force_close(slf, None)
    }

    /// Return True if the transport is closing or closed.
    pub fn is_closing(&self, py: Python<'_>) -> bool {
        self.phase(py) != TransportPhase::Open
    }

    #[pyo3(name = "_force_close")]
    fn force_close_method(slf: &Bound<'_, Self>, exc: Option<Py<PyAny>>) -> PyResult<()> {
        Self::flush(slf)?;
        Self::force_close(slf, exc)
    }

    #[pyo3(name = "_fatal_error", signature = (exc, message = "Fatal error on transport"))]
    fn fatal_error_method(
        slf: &Bound<'_, Self>,
        exc: &Bound<'_, PyAny>,
        message: &str,
    ) -> PyResult<()> {
        Self::end(slf, exc, message)
    }

    #[pyo3(name = "_call_connection_lost")]
    fn call_connection_lost(slf: &Bound<'_, Self>, exc: Option<Py<PyAny>>) -> PyResult<()> {
        Self::lose_connection(slf, exc)
    }

    #[getter(_closing)]
    fn get_closing(&self, py: Python<'_>) -> bool {
        self.is_closing(py)
    }

    #[getter(_conn_lost)]
    fn get_conn_lost(&self, py: Python<'_>) -> u32 {
        self.state.with(py, |state| match state.phase {
            TransportPhase::Open | TransportPhase::Draining => 0,
            TransportPhase::Lost | TransportPhase::Closed => 1 + state.lost_writes,
        })
    }
}

impl cpython::Finalize for SocketTransport {
    #[inline]
    fn is_settled(slf: &Bound<'_, Self>) -> bool {
        let state = &slf.get().state;
        state.with(slf.py(), |state| state.sock.is_none())
    }

    const WARNER: Option<&'static CStr> = Some(c"_warn");

    /// A transport that nobody has closed: whoever forgot it is told, and the socket is closed.
    fn finalize(slf: &Bound<'_, Self>, warner: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let (sock, server) = me.state.with(py, |state| {
            let server = state.server.as_ref();
            let sock = state.sock.as_ref().map(|sock| sock.clone_ref(py));
            (sock, server.map(|server| server.clone_ref(py)))
        });
        let Some(sock) = sock else {
            return Ok(());
        };
        let text = format!("unclosed transport {}", me.describe(py));
        warning::warn(imports::warn_of_transport(py), text, Some(slf), warner)?;
        sock.call_method0(py, intern!(py, "close"))?;
        me.event_loop.get().forget_transport(me.fd, slf);
        match server {
            Some(server) => crate::io::server::detach(server.bind(py), slf),
            None => Ok(()),
        }
    }
}
