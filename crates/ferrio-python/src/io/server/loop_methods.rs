//! The loop's methods that make servers, and the hooks by which asyncio's own methods make transports.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::Server;
use super::accepting::tls_protocol;
use crate::base::arguments::Truth;
use crate::io::transport::ConnectionArguments;
use crate::kernel::coroutine::Coroutine;
use crate::kernel::event_loop::Loop;
use crate::{base::imports, io::tls};

#[pymethods]
impl Loop {
    /// Create a TCP server and return it, as a Server.
    ///
    /// protocol_factory is called for each connection and returns its protocol. host is a name or an address, several of them,
    /// or None for all interfaces; port is a number, 0 for a free one. family, flags: as for socket.getaddrinfo(). sock is
    /// a bound socket in place of host and port. backlog: the connections that may wait to be accepted. ssl is an
    /// ssl.SSLContext; ssl_handshake_timeout (60 by default) and ssl_shutdown_timeout (30) are in seconds. reuse_address,
    /// reuse_port and keep_alive set SO_REUSEADDR, SO_REUSEPORT and SO_KEEPALIVE. With start_serving false, the server waits
    /// for Server.start_serving(). Raises OSError if an address cannot be bound, ValueError if arguments exclude each other.
    /// Parameters and defaults are those of the running Python's asyncio.
    #[pyo3(
        signature = (*args, start_serving = Truth(true), **kwargs),
        text_signature = "($self, *args, start_serving=True, **kwargs)"
    )]
    fn create_server(
        slf: Py<Self>,
        py: Python<'_>,
        args: Py<PyTuple>,
        start_serving: Truth,
        kwargs: Option<Py<PyDict>>,
    ) -> PyResult<Py<Coroutine>> {
        make_server(py, slf, "create_server", args, start_serving.0, kwargs)
    }

    /// Create a server on a Unix socket and return it, as a Server.
    ///
    /// path is where the socket is made (a str or a path; one that starts with a null byte is abstract, see unix(7)), or
    /// None with sock, a bound socket. cleanup_socket: whether the file is removed when the server is closed, since Python
    /// 3.13. The other arguments are those of create_server(). Raises OSError if the path cannot be bound, ValueError if
    /// arguments exclude each other. Parameters and defaults are those of the running Python's asyncio.
    #[pyo3(
        signature = (*args, start_serving = Truth(true), **kwargs),
        text_signature = "($self, *args, start_serving=True, **kwargs)"
    )]
    fn create_unix_server(
        slf: Py<Self>,
        py: Python<'_>,
        args: Py<PyTuple>,
        start_serving: Truth,
        kwargs: Option<Py<PyDict>>,
    ) -> PyResult<Py<Coroutine>> {
        make_server(py, slf, "create_unix_server", args, start_serving.0, kwargs)
    }

    #[pyo3(name = "_make_socket_transport", signature = (sock, protocol, waiter = None, *, extra = None, server = None, context = None))]
    fn make_socket_transport<'py>(
        slf: &Bound<'py, Self>,
        sock: Bound<'py, PyAny>,
        protocol: Bound<'py, PyAny>,
        waiter: Option<Bound<'py, PyAny>>,
        extra: Option<Bound<'py, PyDict>>,
        server: Option<Bound<'py, PyAny>>,
        context: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let connection = ConnectionArguments {
            sock,
            protocol,
            waiter,
            extra,
            server,
            context,
        };
        connection.open(slf)
    }

    /// Put TLS over a transport and return the transport that takes its place.
    ///
    /// transport and protocol are those of the connection, which must not use the old transport any more. sslcontext is an
    /// ssl.SSLContext. server_side: whether to wait for the peer's hello. server_hostname is compared with the peer's
    /// certificate. ssl_handshake_timeout (60 by default) and ssl_shutdown_timeout (30) are in seconds. Raises ssl.SSLError
    /// if the handshake fails, ConnectionAbortedError if it takes too long, TypeError if the transport cannot be upgraded.
    /// Parameters and defaults are those of the running Python's asyncio.
    #[pyo3(signature = (*args, **kwargs))]
    fn start_tls<'py>(
        slf: &Bound<'py, Self>,
        args: Bound<'py, PyTuple>,
        kwargs: Option<Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        tls::start_tls(slf, &args, kwargs.as_ref())
    }

    /// Make a TLS transport. Other keyword arguments (sides, names, timeouts) are passed to asyncio's TLS protocol.
    #[pyo3(name = "_make_ssl_transport", signature = (rawsock, protocol, sslcontext, waiter = None, *, extra = None, server = None, context = None, **kwargs))]
    #[allow(clippy::too_many_arguments, reason = "asyncio's signature")]
    fn make_ssl_transport<'py>(
        slf: &Bound<'py, Self>,
        rawsock: Bound<'py, PyAny>,
        protocol: Bound<'py, PyAny>,
        sslcontext: Bound<'py, PyAny>,
        waiter: Option<Bound<'py, PyAny>>,
        extra: Option<Bound<'py, PyDict>>,
        server: Option<Bound<'py, PyAny>>,
        context: Option<Bound<'py, PyAny>>,
        kwargs: Option<Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let kwargs = kwargs.unwrap_or_else(|| PyDict::new(py));
        let tls = tls_protocol(slf, &protocol, &sslcontext, waiter.as_ref(), &kwargs)?;
        let connection = ConnectionArguments {
            sock: rawsock,
            protocol: tls.clone(),
            waiter: None,
            extra,
            server,
            context,
        };
        connection.open(slf)?;
        tls.getattr("_app_transport")
    }
}

/// Has asyncio's own `method` check the arguments and bind the sockets, then makes a native server of the result.
fn make_server(
    py: Python<'_>,
    event_loop: Py<Loop>,
    method: &'static str,
    args: Py<PyTuple>,
    start_serving: bool,
    kwargs: Option<Py<PyDict>>,
) -> PyResult<Py<Coroutine>> {
    Coroutine::create(py, method, async move |co| {
        let making = Python::attach(|py| {
            let kwargs = match &kwargs {
                Some(kwargs) => kwargs.bind(py).copy()?,
                None => PyDict::new(py),
            };
            kwargs.set_item("start_serving", false)?;
            let function = imports::selector_event_loop(py)?.getattr(method)?;
            let args = args.bind(py).as_sequence();
            let args = PyTuple::new(py, [&event_loop])?
                .as_sequence()
                .concat(args)?
                .to_tuple()?;
            function.call(args, Some(&kwargs)).map(Bound::unbind)
        })?;
        let original = co.wait(making).await?;
        let (server, pause) = Python::attach(|py| {
            let server = Server::adopt(event_loop.bind(py), original.bind(py))?;
            if !start_serving {
                return PyResult::Ok((server.unbind(), None));
            }
            Server::serve(&server)?;
            let pause = imports::sleep(py)?.call1((0,))?;
            Ok((server.unbind(), Some(pause.unbind())))
        })?;
        if let Some(pause) = pause {
            co.wait(pause).await?;
        }
        Ok(server.into_any())
    })
}
