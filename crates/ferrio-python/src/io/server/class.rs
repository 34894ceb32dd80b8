//! The class `Server`: the listening sockets, the connections that keep a server alive, and its methods.

use std::collections::HashMap;

use pyo3::PyTraverseError;
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple, PyWeakrefMethods, PyWeakrefReference};

use crate::base::cell::AttachedCell;
use crate::io::transport::SocketTransport;
use crate::kernel::coroutine::{Co, Coroutine};
use crate::kernel::event_loop::{Loop, wake};
use crate::{base::imports, cpython};

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
    /// Weak references to the transports by their identity, so that a forgotten transport can be finalized.
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
    fn is_idle(&self) -> bool {
        self.clients.is_empty() && self.anonymous_clients == 0
    }
}

/// A server returned by `create_server` and `create_unix_server`.
#[pyclass(module = "ferrio", frozen, weakref, dict)]
pub struct Server {
    pub(super) event_loop: Py<Loop>,
    pub(super) state: AttachedCell<State>,
}

/// Attaches a connection to its server, which is asyncio's own class if a method of asyncio's loop has made it.
pub fn attach(server: &Bound<'_, PyAny>, transport: &Bound<'_, SocketTransport>) -> PyResult<()> {
    if let Ok(native) = server.cast::<Server>() {
        let key = std::ptr::from_ref(transport.get()).addr();
        return native.get().add_client(key, transport.as_any());
    }
    call_foreign(server, "_attach", transport)
}

/// Detaches a connection from its server.
pub fn detach(server: &Bound<'_, PyAny>, transport: &Bound<'_, SocketTransport>) -> PyResult<()> {
    if server.is_instance_of::<Server>() {
        return forget(server, std::ptr::from_ref(transport.get()).addr());
    }
    call_foreign(server, "_detach", transport)
}

/// Detaches the connection with this key.
pub fn forget(server: &Bound<'_, PyAny>, key: usize) -> PyResult<()> {
    let Ok(server) = server.cast::<Server>() else {
        return Ok(());
    };
    let py = server.py();
    let old = server
        .get()
        .state
        .with(py, |state| state.clients.remove(&key));
    drop(old);
    server.get().wake_if_over(py)
}

/// Returns the key of a transport in [`State::clients`].
pub(super) fn key(transport: &Bound<'_, PyAny>) -> usize {
    match transport.cast::<SocketTransport>() {
        Ok(transport) => std::ptr::from_ref(transport.get()).addr(),
        Err(_) => transport.as_ptr().addr(),
    }
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

    /// Starts to listen and to accept, unless the server does already.
    pub fn serve(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if me
            .state
            .with(py, |state| std::mem::replace(&mut state.serving, true))
        {
            return Ok(());
        }
        let Some(sockets) = me.get_sockets(py) else {
            return Err(PyTypeError::new_err("'NoneType' object is not iterable"));
        };
        for sock in sockets.bind(py).try_iter()? {
            let (sock, backlog) = (sock?, me.get_backlog(py));
            sock.call_method1("listen", (&backlog,))?;
            let kwargs = PyDict::new(py);
            if let Some(context) = me.get_context(py) {
                kwargs.set_item("context", context)?;
            }
            me.event_loop.bind(py).call_method(
                "_start_serving",
                (
                    me.get_protocol_factory(py),
                    sock,
                    me.get_ssl_context(py),
                    slf,
                    backlog,
                    me.get_ssl_handshake_timeout(py),
                    me.get_ssl_shutdown_timeout(py),
                ),
                Some(&kwargs),
            )?;
        }
        Ok(())
    }

    pub(super) fn add_client(&self, key: usize, transport: &Bound<'_, PyAny>) -> PyResult<()> {
        let reference = PyWeakrefReference::new(transport)?.unbind();
        let old = self
            .state
            .with(transport.py(), |state| state.clients.insert(key, reference));
        drop(old);
        Ok(())
    }

    pub(super) fn wake_waiters(&self, py: Python<'_>) -> PyResult<()> {
        let Some(waiters) = self.state.with(py, |state| state.waiters.take()) else {
            return Ok(());
        };
        for waiter in waiters.bind(py).try_iter()? {
            wake(&waiter?)?;
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

    pub(super) fn clients<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, PyAny>> {
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

    /// Waits as `wait_closed` does.
    ///
    /// In Python 3.11, it does not wait for the connections of a server that is closed already.
    async fn wait_until_closed(slf: &Py<Self>, co: &Co) -> PyResult<()> {
        let waiter = Python::attach(|py| {
            let me = slf.get();
            let ended = me.state.with(py, |state| {
                state.waiters.is_none() || (cfg!(not(Py_3_12)) && state.sockets.is_none())
            });
            if ended {
                return PyResult::Ok(None);
            }
            let waiter = Loop::create_future(me.event_loop.bind(py))?.into_any();
            if let Some(waiters) = me.get_waiters(py) {
                waiters.call_method1(py, intern!(py, "append"), (&waiter,))?;
            }
            Ok(Some(waiter.unbind()))
        })?;
        if let Some(waiter) = waiter {
            co.wait(waiter).await?;
        }
        Ok(())
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

    /// Stop listening and close the listening sockets. Connections stay open. Does nothing the second time.
    fn close(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let Some(sockets) = me.state.with(py, |state| state.sockets.take()) else {
            return Ok(());
        };
        let event_loop = me.event_loop.bind(py);
        let mut outcome = Ok(());
        for sock in sockets.bind(py).try_iter()? {
            let sock = sock?;
            outcome = outcome.and(event_loop.call_method1("_stop_serving", (sock,)).map(drop));
        }
        let forever = me.state.with(py, |state| {
            state.serving = false;
            state.serving_forever.take()
        });
        if let Some(future) = forever {
            future.call_method0(py, intern!(py, "cancel"))?;
        }
        me.wake_if_over(py)?;
        outcome
    }

    /// Close every connection, each once what was written to it has been sent.
    fn close_clients(&self, py: Python<'_>) -> PyResult<()> {
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

    /// Start accepting connections. Coroutine; does nothing if the server accepts them already.
    fn start_serving(slf: Py<Self>, py: Python<'_>) -> PyResult<Py<Coroutine>> {
        Coroutine::create(py, "Server.start_serving", async move |co| {
            let pause = Python::attach(|py| {
                Self::serve(slf.bind(py))?;
                imports::sleep(py)?.call1((0,)).map(Bound::unbind)
            })?;
            co.wait(pause).await
        })
    }

    /// Accept connections until the coroutine is cancelled or the server closed.
    ///
    /// Raises RuntimeError if the server is closed or already served forever.
    fn serve_forever(slf: Py<Self>, py: Python<'_>) -> PyResult<Py<Coroutine>> {
        Coroutine::create(py, "Server.serve_forever", async move |co| {
            let future = Python::attach(|py| {
                let server = slf.bind(py);
                let (busy, closed) = slf.get().state.with(py, |state| {
                    (state.serving_forever.is_some(), state.sockets.is_none())
                });
                if busy {
                    let text = format!(
                        "server {} is already being awaited on serve_forever()",
                        server.repr()?
                    );
                    return Err(PyRuntimeError::new_err(text));
                }
                if closed {
                    return Err(PyRuntimeError::new_err(format!(
                        "server {} is closed",
                        server.repr()?
                    )));
                }
                Self::serve(server)?;
                let future = Loop::create_future(slf.get().event_loop.bind(py))?
                    .into_any()
                    .unbind();
                let kept = Some(future.clone_ref(py));
                slf.get().set_serving_forever(py, kept);
                Ok(future)
            })?;
            let outcome = co.wait(future).await;
            Python::attach(|py| slf.get().set_serving_forever(py, None));
            let Err(error) = outcome else {
                return outcome;
            };
            let cancelled = Python::attach(|py| {
                if !error.is_instance(py, imports::cancelled_error(py)?) {
                    return PyResult::Ok(false);
                }
                cpython::handling(py, &error, || {
                    Self::close(slf.bind(py))?;
                    if cfg!(Py_3_14) {
                        slf.get().close_clients(py)?;
                    }
                    Ok(true)
                })
            })?;
            if cancelled && let Err(another) = Self::wait_until_closed(&slf, &co).await {
                return Python::attach(|py| Err(cpython::raised_while(py, &error, another)));
            }
            Err(error)
        })
    }

    /// Wait until the server is closed and, since Python 3.12, all its connections are. Coroutine.
    fn wait_closed(slf: Py<Self>, py: Python<'_>) -> PyResult<Py<Coroutine>> {
        Coroutine::create(py, "Server.wait_closed", async move |co| {
            Self::wait_until_closed(&slf, &co).await?;
            Python::attach(|py| Ok(py.None()))
        })
    }

    fn __aenter__(slf: Py<Self>, py: Python<'_>) -> PyResult<Py<Coroutine>> {
        Coroutine::create(py, "Server.__aenter__", async move |_| Ok(slf.into_any()))
    }

    #[pyo3(signature = (*_exc))]
    fn __aexit__(
        slf: Py<Self>,
        py: Python<'_>,
        _exc: &Bound<'_, PyTuple>,
    ) -> PyResult<Py<Coroutine>> {
        Coroutine::create(py, "Server.__aexit__", async move |co| {
            Python::attach(|py| Self::close(slf.bind(py)))?;
            Self::wait_until_closed(&slf, &co).await?;
            Python::attach(|py| Ok(py.None()))
        })
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
        self.state.visit(|state| {
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
