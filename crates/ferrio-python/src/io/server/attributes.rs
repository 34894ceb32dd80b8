//! The private attributes and methods of `Server` that programs and asyncio's transports use.

use pyo3::exceptions::PyAssertionError;
use pyo3::prelude::*;

use super::Server;
use super::class::{forget, key};
use crate::base::attributes::{flag_attribute, object_attribute};
use crate::base::imports;
use crate::kernel::event_loop::Loop;

#[pymethods]
impl Server {
    #[getter(_loop)]
    fn get_loop_attribute(&self, py: Python<'_>) -> Py<Loop> {
        self.event_loop.clone_ref(py)
    }

    #[pyo3(name = "_start_serving")]
    fn start_serving_now(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::serve(slf)
    }

    /// Attach a connection. Before Python 3.13, asyncio's transports do not pass themselves.
    #[pyo3(name = "_attach", signature = (transport = None))]
    fn attach(&self, py: Python<'_>, transport: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        match transport {
            Some(transport) => return self.add_client(key(transport), transport),
            None => self.state.with(py, |state| state.anonymous_clients += 1),
        }
        Ok(())
    }

    /// Detach a connection.
    #[pyo3(name = "_detach", signature = (transport = None))]
    fn detach(slf: &Bound<'_, Self>, transport: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let py = slf.py();
        if let Some(transport) = transport {
            return forget(slf, key(transport));
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

flag_attribute!(Server, serving, _serving, get_serving, set_serving);
object_attribute!(Server, sockets, _sockets, get_sockets, set_sockets);
object_attribute!(Server, waiters, _waiters, get_waiters, set_waiters);
object_attribute!(
    Server,
    protocol_factory,
    _protocol_factory,
    get_protocol_factory,
    set_protocol_factory
);
object_attribute!(
    Server,
    ssl_context,
    _ssl_context,
    get_ssl_context,
    set_ssl_context
);
object_attribute!(Server, backlog, _backlog, get_backlog, set_backlog);
object_attribute!(
    Server,
    ssl_handshake_timeout,
    _ssl_handshake_timeout,
    get_ssl_handshake_timeout,
    set_ssl_handshake_timeout
);
object_attribute!(
    Server,
    ssl_shutdown_timeout,
    _ssl_shutdown_timeout,
    get_ssl_shutdown_timeout,
    set_ssl_shutdown_timeout
);
object_attribute!(Server, context, _context, get_context, set_context);
object_attribute!(
    Server,
    serving_forever,
    _serving_forever_fut,
    get_serving_forever,
    set_serving_forever
);
