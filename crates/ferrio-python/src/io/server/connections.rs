//! The connections of a server, which keep `wait_closed` waiting and which `close_clients` closes.
//!
//! A transport attaches itself to its server when it is made, and detaches itself when it is closed or finalized.

use pyo3::exceptions::PyAssertionError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyWeakrefMethods, PyWeakrefReference};

use super::Server;
use crate::base::imports;
use crate::io::transport::SocketTransport;
use crate::kernel::event_loop::finish_with_none;

/// Attaches a connection to its server, which is asyncio's own class if a method of asyncio's loop has made it.
pub fn attach(server: &Bound<'_, PyAny>, transport: &Bound<'_, SocketTransport>) -> PyResult<()> {
    if let Ok(native) = server.cast::<Server>() {
        return native.get().add_client(transport);
    }
    call_foreign(server, "_attach", transport)
}

/// Detaches a connection from its server.
pub fn detach(server: &Bound<'_, PyAny>, transport: &Bound<'_, SocketTransport>) -> PyResult<()> {
    if let Ok(native) = server.cast::<Server>() {
        return native.get().remove_client(transport);
    }
    call_foreign(server, "_detach", transport)
}

/// Calls `_attach` or `_detach` of asyncio's own server, which has the transport as an argument since Python 3.13.
fn call_foreign(
    server: &Bound<'_, PyAny>,
    method: &str,
    transport: &Bound<'_, SocketTransport>,
) -> PyResult<()> {
    if cfg!(Py_3_13) {
        server.call_method1(method, (transport,))?;
    } else {
        server.call_method0(method)?;
    }
    Ok(())
}

impl Server {
    fn add_client(&self, transport: &Bound<'_, PyAny>) -> PyResult<()> {
        let key = transport.as_ptr().addr();
        let reference = PyWeakrefReference::new(transport)?.unbind();
        let old = self
            .state
            .with(transport.py(), |state| state.clients.insert(key, reference));
        drop(old);
        Ok(())
    }

    fn remove_client(&self, transport: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = transport.py();
        let key = transport.as_ptr().addr();
        let old = self.state.with(py, |state| state.clients.remove(&key));
        drop(old);
        self.wake_if_over(py)
    }

    /// Finishes the futures of `wait_closed`.
    fn wake_waiters(&self, py: Python<'_>) -> PyResult<()> {
        let Some(waiters) = self.state.with(py, |state| state.waiters.take()) else {
            return Ok(());
        };
        for waiter in waiters.bind(py).try_iter()? {
            finish_with_none(&waiter?)?;
        }
        Ok(())
    }

    /// Finishes the futures of `wait_closed` if the server is closed and has no connections.
    pub(super) fn wake_if_over(&self, py: Python<'_>) -> PyResult<()> {
        let over = self
            .state
            .with(py, |state| state.is_idle() && state.sockets.is_none());
        if over { self.wake_waiters(py) } else { Ok(()) }
    }

    /// Returns the transports that are still alive.
    fn clients<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, PyAny>> {
        let references: Vec<_> = self.state.with(py, |state| {
            let references = state.clients.values();
            references
                .map(|reference| reference.bind(py).clone())
                .collect()
        });
        references
            .iter()
            .filter_map(PyWeakrefMethods::upgrade)
            .collect()
    }
}

#[pymethods]
impl Server {
    /// Close every connection, each once what was written to it has been sent.
    pub(super) fn close_clients(&self, py: Python<'_>) -> PyResult<()> {
        for transport in self.clients(py) {
            transport.call_method0(intern!(py, "close"))?;
        }
        Ok(())
    }

    /// Close every connection at once.
    fn abort_clients(&self, py: Python<'_>) -> PyResult<()> {
        for transport in self.clients(py) {
            transport.call_method0(intern!(py, "abort"))?;
        }
        Ok(())
    }

    /// Attach a connection. Before Python 3.13, asyncio's transports do not pass themselves.
    #[pyo3(name = "_attach", signature = (transport = None))]
    fn attach(&self, py: Python<'_>, transport: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        match transport {
            Some(transport) => return self.add_client(transport),
            None => self.state.with(py, |state| state.anonymous_clients += 1),
        }
        Ok(())
    }

    /// Detach a connection.
    #[pyo3(name = "_detach", signature = (transport = None))]
    fn detach(slf: &Bound<'_, Self>, transport: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let py = slf.py();
        if let Some(transport) = transport {
            return slf.get().remove_client(transport);
        }
        let me = slf.get();
        let left = me.state.with(py, |state| {
            let left = state.anonymous_clients.checked_sub(1);
            state.anonymous_clients = left.unwrap_or(0);
            left
        });
        match left {
            None => Err(PyAssertionError::new_err(())),
            Some(_) => me.wake_if_over(py),
        }
    }

    #[pyo3(name = "_wakeup")]
    fn wakeup(&self, py: Python<'_>) -> PyResult<()> {
        self.wake_waiters(py)
    }

    /// The transports, which asyncio keeps since Python 3.13: a new `WeakSet` each time.
    #[getter(_clients)]
    fn get_clients<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        imports::weak_set(py)?.call1((self.clients(py),))
    }

    /// The number of connections, which asyncio keeps before Python 3.13.
    #[getter(_active_count)]
    fn get_active_count(&self, py: Python<'_>) -> usize {
        self.state
            .with(py, |state| state.clients.len() + state.anonymous_clients)
    }
}
