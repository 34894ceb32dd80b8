//! The private attributes of `Server` that programs read and set.

use pyo3::prelude::*;

use super::Server;
use crate::base::attributes::{flag_attribute, object_attribute};
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
