//! The class `Server`: its state, and how it is made of a server of asyncio's own.

use std::collections::HashMap;

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple, PyWeakrefReference};

use crate::base::cell::AttachedCell;
use crate::base::imports;
use crate::kernel::event_loop::Loop;

#[derive(Default)]
pub(super) struct State {
    // The arguments of the loop's `_start_serving`.
    pub(super) protocol_factory: Option<Py<PyAny>>,
    pub(super) ssl_context: Option<Py<PyAny>>,
    pub(super) backlog: Option<Py<PyAny>>,
    pub(super) ssl_handshake_timeout: Option<Py<PyAny>>,
    pub(super) ssl_shutdown_timeout: Option<Py<PyAny>>,
    /// The context in which connections run, since Python 3.15.
    pub(super) context: Option<Py<PyAny>>,
    /// A list of listening sockets; `None` once the server is closed.
    pub(super) sockets: Option<Py<PyAny>>,
    /// Weak references to the transports by their address, so that a forgotten transport can be finalized.
    pub(super) clients: HashMap<usize, Py<PyWeakrefReference>>,
    /// The number of other connections: before Python 3.13, asyncio's transports attach without saying which they are.
    pub(super) anonymous_clients: usize,
    /// A list of the futures that `wait_closed` awaits; `None` once the server has ended.
    pub(super) waiters: Option<Py<PyAny>>,
    pub(super) serving: bool,
    /// The future that `serve_forever` awaits. Closing the server cancels it.
    pub(super) serving_forever: Option<Py<PyAny>>,
}

impl State {
    /// Returns whether no connection is left.
    pub(super) fn is_idle(&self) -> bool {
        self.clients.is_empty() && self.anonymous_clients == 0
    }
}

/// A server returned by `create_server` and `create_unix_server`.
#[pyclass(module = "ferrio", frozen, weakref, dict)]
pub struct Server {
    pub(super) event_loop: Py<Loop>,
    pub(super) state: AttachedCell<State>,
}

impl Server {
    /// Makes a server with the sockets and settings of `original`, a server of asyncio's own that does not serve yet.
    pub fn adopt<'py>(
        event_loop: &Bound<'py, Loop>,
        original: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, Self>> {
        let py = event_loop.py();
        let get = |name: &str| {
            let value = original.getattr(name)?;
            PyResult::Ok(Some(value.unbind()).filter(|value| !value.is_none(py)))
        };
        let server = Self {
            event_loop: event_loop.clone().unbind(),
            state: AttachedCell::new(State {
                protocol_factory: get("_protocol_factory")?,
                ssl_context: get("_ssl_context")?,
                backlog: get("_backlog")?,
                ssl_handshake_timeout: get("_ssl_handshake_timeout")?,
                ssl_shutdown_timeout: get("_ssl_shutdown_timeout")?,
                context: original.getattr_opt("_context")?.map(Bound::unbind),
                sockets: get("_sockets")?,
                waiters: Some(PyList::empty(py).into_any().unbind()),
                ..State::default()
            }),
        };
        Bound::new(py, server)
    }
}

#[pymethods]
impl Server {
    /// Return the loop that the server belongs to.
    fn get_loop(&self, py: Python<'_>) -> Py<Loop> {
        self.event_loop.clone_ref(py)
    }

    /// Return True if the server accepts connections.
    fn is_serving(&self, py: Python<'_>) -> bool {
        self.state.with(py, |state| state.serving)
    }

    /// The listening sockets; empty once the server is closed.
    #[getter]
    fn sockets<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let Some(sockets) = self.get_sockets(py) else {
            return Ok(PyTuple::empty(py));
        };
        let class = imports::transport_socket(py)?;
        let sockets = sockets
            .bind(py)
            .try_iter()?
            .map(|sock| class.call1((sock?,)));
        PyTuple::new(py, sockets.collect::<PyResult<Vec<_>>>()?)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        Ok(format!(
            "<Server sockets={}>",
            slf.get().sockets(slf.py())?.repr()?
        ))
    }

    #[getter(__class__)]
    fn class(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        Ok(imports::server_class(slf.py())?.clone().unbind())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.event_loop)?;
        self.state.visit(&visit, |state| {
            visit.call(&state.protocol_factory)?;
            visit.call(&state.ssl_context)?;
            visit.call(&state.backlog)?;
            visit.call(&state.ssl_handshake_timeout)?;
            visit.call(&state.ssl_shutdown_timeout)?;
            visit.call(&state.context)?;
            visit.call(&state.sockets)?;
            visit.call(&state.waiters)?;
            visit.call(&state.serving_forever)?;
            let mut clients = state.clients.values();
            clients.try_for_each(|client| visit.call(client))
        })
    }

    fn __clear__(&self) {
        Python::attach(|py| drop(self.state.take(py)));
    }
}
