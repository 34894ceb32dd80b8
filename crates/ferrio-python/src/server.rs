//! `Server`: listening sockets and the connections that came through them (CPython: `asyncio.base_events.Server`).

use std::collections::HashMap;

use pyo3::PyTraverseError;
use pyo3::exceptions::PyRuntimeError;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyWeakrefMethods, PyWeakrefReference};

use crate::cell::AttachedCell;
use crate::coroutine::{Co, Coroutine};
use crate::event_loop::{Loop, wake};
use crate::transport::SocketTransport;
use crate::{ffi, imports};

/// Whether `serve_forever` runs.
#[derive(Default)]
enum Forever {
    #[default]
    No,
    /// It waits for this future, which closing the server cancels.
    Waiting(Py<PyAny>),
}

#[derive(Default)]
struct State {
    /// `None` once the server is closed.
    sockets: Option<Vec<Py<PyAny>>>,
    /// The connections by their identity, weakly, so that one that everybody has forgotten is found out.
    clients: HashMap<usize, Py<PyWeakrefReference>>,
    /// How many connections have not said which they are: those of asyncio's own transports before Python 3.13.
    unnamed_clients: usize,
    /// Those that wait for the end; `None` once it has come.
    waiters: Option<Vec<Py<PyAny>>>,
    serving: bool,
    forever: Forever,
}

impl State {
    fn is_idle(&self) -> bool {
        self.clients.is_empty() && self.unnamed_clients == 0
    }
}

/// A server returned by `create_server` and `create_unix_server`.
// Users may set attributes. Not on Python 3.11: making an object with a dictionary can start a garbage collection there
// before PyO3 has filled the object.
#[cfg_attr(Py_3_12, pyclass(module = "ferrio", frozen, weakref, dict))]
#[cfg_attr(not(Py_3_12), pyclass(module = "ferrio", frozen, weakref))]
pub struct Server {
    event_loop: Py<Loop>,
    /// The listening parameters, in the order in which the loop's `_start_serving` takes them.
    protocol_factory: Py<PyAny>,
    ssl_context: Py<PyAny>,
    backlog: Py<PyAny>,
    ssl_handshake_timeout: Py<PyAny>,
    ssl_shutdown_timeout: Py<PyAny>,
    /// Where connections run, since Python 3.15.
    context: Option<Py<PyAny>>,
    state: AttachedCell<State>,
}

/// Counts a connection at its server, which is asyncio's own if a stock loop method made it.
pub fn attach(server: &Bound<'_, PyAny>, transport: &Bound<'_, SocketTransport>) -> PyResult<()> {
    match server.cast::<Server>() {
        Ok(native) => native
            .get()
            .add_client(std::ptr::from_ref(transport.get()).addr(), transport),
        Err(_) => call_stock(server, "_attach", transport),
    }
}

/// Undoes [`attach`].
pub fn detach(server: &Bound<'_, PyAny>, transport: &Bound<'_, SocketTransport>) -> PyResult<()> {
    if server.is_instance_of::<Server>() {
        return forget(server, std::ptr::from_ref(transport.get()).addr());
    }
    call_stock(server, "_detach", transport)
}

/// Undoes [`attach`] for a transport that is no more.
pub fn forget(server: &Bound<'_, PyAny>, key: usize) -> PyResult<()> {
    let Ok(server) = server.cast::<Server>() else {
        return Ok(());
    };
    let (py, me) = (server.py(), server.get());
    drop(me.state.with(py, |state| state.clients.remove(&key)));
    me.wake_if_over(py)
}

/// asyncio's server takes the transport since 3.13.
fn call_stock(
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
    /// Takes over the sockets and the settings of a server that asyncio's own code has made and that does not serve.
    pub fn adopt<'py>(
        event_loop: &Bound<'py, Loop>,
        stock: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, Self>> {
        let py = event_loop.py();
        let get = |name: &str| stock.getattr(name).map(Bound::unbind);
        let server = Self {
            event_loop: event_loop.clone().unbind(),
            protocol_factory: get("_protocol_factory")?,
            ssl_context: get("_ssl_context")?,
            backlog: get("_backlog")?,
            ssl_handshake_timeout: get("_ssl_handshake_timeout")?,
            ssl_shutdown_timeout: get("_ssl_shutdown_timeout")?,
            context: stock.getattr_opt("_context")?.map(Bound::unbind),
            state: AttachedCell::new(State {
                sockets: Some(stock.getattr("_sockets")?.extract()?),
                waiters: Some(Vec::new()),
                ..State::default()
            }),
        };
        Bound::new(py, server)
    }

    /// Listens and accepts, unless it does already.
    pub fn serve(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let sockets = me.state.with(py, |state| {
            if std::mem::replace(&mut state.serving, true) {
                return Vec::new();
            }
            let sockets = state.sockets.iter().flatten();
            sockets.map(|sock| sock.clone_ref(py)).collect()
        });
        for sock in sockets {
            let sock = sock.bind(py);
            sock.call_method1("listen", (&me.backlog,))?;
            let kwargs = PyDict::new(py);
            if let Some(context) = &me.context {
                kwargs.set_item("context", context)?;
            }
            me.event_loop.bind(py).call_method(
                "_start_serving",
                (
                    &me.protocol_factory,
                    sock,
                    &me.ssl_context,
                    slf,
                    &me.backlog,
                    &me.ssl_handshake_timeout,
                    &me.ssl_shutdown_timeout,
                ),
                Some(&kwargs),
            )?;
        }
        Ok(())
    }

    fn add_client(&self, key: usize, transport: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = transport.py();
        let reference = PyWeakrefReference::new(transport)?.unbind();
        let old = self
            .state
            .with(py, |state| state.clients.insert(key, reference));
        drop(old);
        Ok(())
    }

    /// Wakes those that wait for the end if the server is closed and the last connection has gone.
    fn wake_if_over(&self, py: Python<'_>) -> PyResult<()> {
        let over = self
            .state
            .with(py, |state| state.is_idle() && state.sockets.is_none());
        if over { self.wake_waiters(py) } else { Ok(()) }
    }

    fn wake_waiters(&self, py: Python<'_>) -> PyResult<()> {
        let waiters = self.state.with(py, |state| state.waiters.take());
        waiters
            .into_iter()
            .flatten()
            .try_for_each(|waiter| wake(waiter.bind(py)))
    }

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

    /// The body of `wait_closed`.
    ///
    /// Until 3.11 it did not wait for the connections of a server that was closed already.
    async fn wait_until_closed(slf: &Py<Self>, co: &Co) -> PyResult<()> {
        let waiter = Python::attach(|py| {
            let me = slf.get();
            let ended = me.state.with(py, |state| {
                state.waiters.is_none() || (cfg!(not(Py_3_12)) && state.sockets.is_none())
            });
            if ended {
                return PyResult::Ok(None);
            }
            let waiter = Loop::create_future(me.event_loop.bind(py))?
                .into_any()
                .unbind();
            me.state.with(py, |state| {
                state
                    .waiters
                    .get_or_insert_default()
                    .push(waiter.clone_ref(py));
            });
            Ok(Some(waiter))
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
        let sockets: Vec<_> = self.state.with(py, |state| {
            let sockets = state.sockets.iter().flatten();
            sockets.map(|sock| sock.bind(py).clone()).collect()
        });
        let class = imports::transport_socket(py)?;
        let sockets = sockets.iter().map(|sock| class.call1((sock,)));
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
        for sock in sockets {
            outcome = outcome.and(event_loop.call_method1("_stop_serving", (sock,)).map(drop));
        }
        let (forever, idle) = me.state.with(py, |state| {
            state.serving = false;
            (std::mem::take(&mut state.forever), state.is_idle())
        });
        if let Forever::Waiting(future) = forever {
            future.call_method0(py, intern!(py, "cancel"))?;
        }
        if idle {
            me.wake_waiters(py)?;
        }
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
                    (
                        matches!(state.forever, Forever::Waiting(_)),
                        state.sockets.is_none(),
                    )
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
                let forever = Forever::Waiting(future.clone_ref(py));
                slf.get().state.with(py, |state| state.forever = forever);
                Ok(future)
            })?;
            let outcome = co.wait(future).await;
            let forever = Python::attach(|py| {
                slf.get()
                    .state
                    .with(py, |state| std::mem::take(&mut state.forever))
            });
            drop(forever);
            let Err(error) = outcome else {
                return outcome;
            };
            let cancelled = Python::attach(|py| {
                if !error.is_instance(py, imports::cancelled_error(py)?) {
                    return PyResult::Ok(false);
                }
                ffi::handling(py, &error, || {
                    Self::close(slf.bind(py))?;
                    if cfg!(Py_3_14) {
                        slf.get().close_clients(py)?;
                    }
                    Ok(true)
                })
            })?;
            if cancelled && let Err(another) = Self::wait_until_closed(&slf, &co).await {
                return Python::attach(|py| Err(ffi::raised_while(py, &error, another)));
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

    #[getter(_sockets)]
    fn get_sockets(&self, py: Python<'_>) -> Option<Vec<Py<PyAny>>> {
        self.state.with(py, |state| {
            let sockets = state.sockets.as_ref()?;
            Some(sockets.iter().map(|sock| sock.clone_ref(py)).collect())
        })
    }

    #[getter(_waiters)]
    fn get_waiters(&self, py: Python<'_>) -> Option<Vec<Py<PyAny>>> {
        self.state.with(py, |state| {
            let waiters = state.waiters.as_ref()?;
            Some(waiters.iter().map(|waiter| waiter.clone_ref(py)).collect())
        })
    }

    #[getter(_loop)]
    fn get_loop_attribute(&self, py: Python<'_>) -> Py<Loop> {
        self.event_loop.clone_ref(py)
    }

    /// asyncio's own transports count themselves. Since Python 3.13 they say which they are.
    #[pyo3(name = "_attach", signature = (transport = None))]
    fn attach_inherited(
        &self,
        py: Python<'_>,
        transport: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        match transport {
            Some(transport) => self.add_client(transport.as_ptr().addr(), transport),
            None => {
                self.state.with(py, |state| state.unnamed_clients += 1);
                Ok(())
            }
        }
    }

    /// Undoes `_attach`.
    #[pyo3(name = "_detach", signature = (transport = None))]
    fn detach_inherited(
        &self,
        py: Python<'_>,
        transport: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let key = transport.map(|transport| transport.as_ptr().addr());
        let old = self.state.with(py, |state| match key {
            Some(key) => state.clients.remove(&key),
            None => {
                state.unnamed_clients = state.unnamed_clients.saturating_sub(1);
                None
            }
        });
        drop(old);
        self.wake_if_over(py)
    }

    #[pyo3(name = "_start_serving")]
    fn start_serving_now(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::serve(slf)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.event_loop)?;
        visit.call(&self.protocol_factory)?;
        visit.call(&self.ssl_context)?;
        visit.call(&self.context)?;
        self.state.visit(|state| {
            state
                .sockets
                .iter()
                .flatten()
                .try_for_each(|sock| visit.call(sock))?;
            state
                .clients
                .values()
                .try_for_each(|client| visit.call(client))?;
            state
                .waiters
                .iter()
                .flatten()
                .try_for_each(|waiter| visit.call(waiter))?;
            match &state.forever {
                Forever::No => Ok(()),
                Forever::Waiting(future) => visit.call(future),
            }
        })
    }

    fn __clear__(&self) {
        Python::attach(|py| drop(self.state.take(py)));
    }
}
