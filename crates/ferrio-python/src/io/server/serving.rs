//! The life of a server: listening, `serve_forever`, `close`, `wait_closed`.

use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::Server;
use crate::kernel::coroutine::{Co, Coroutine};
use crate::kernel::event_loop::Loop;
use crate::{base::imports, cpython};

impl Server {
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
}
