//! Accepting connections and making transports for them.
//!
//! asyncio's own code checks the arguments of `create_server`, resolves names and binds the sockets. From there on, the
//! server is native: its sockets call a [`Listener`] when connections wait.

use std::os::fd::RawFd;

use pyo3::PyTraverseError;
use pyo3::exceptions::{
    PyBlockingIOError, PyConnectionAbortedError, PyInterruptedError, PyOSError,
};
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::base::errors::leaves_the_loop;
use crate::io::transport::ConnectionArguments;
use crate::kernel::event_loop::{Action, Callback, Direction, Loop};
use crate::{base::imports, cpython, io::tls};

static ACCEPTABLE: Action = Action::of("accepting from", |object| {
    Listener::on_readable(object.cast()?)
});

/// Seconds for which a listening socket rests when the system is out of resources: `constants.ACCEPT_RETRY_DELAY`.
const ACCEPT_RETRY_DELAY: f64 = 1.0;

/// A listening socket, and how to make transports for its connections.
#[pyclass(module = "ferrio._ferrio", frozen)]
pub struct Listener {
    event_loop: Py<Loop>,
    protocol_factory: Py<PyAny>,
    sock: Py<PyAny>,
    fd: RawFd,
    ssl_context: Option<Py<PyAny>>,
    server: Option<Py<PyAny>>,
    /// The most connections that are accepted in one iteration of the loop.
    backlog: usize,
    /// `ssl_handshake_timeout` and `ssl_shutdown_timeout`, in seconds.
    ssl_timeouts: Py<PyDict>,
    /// The context of which each connection gets a copy.
    context: Py<PyAny>,
    context_kind: ContextKind,
}

/// The contexts in which the callbacks of one connection run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ContextKind {
    /// One context for all of them, as in asyncio since Python 3.15.
    OnePerConnection,
    /// Copies of the context in which the connection was accepted.
    Copies,
}

impl Listener {
    /// Accepts connections. The loop calls this when some wait.
    pub fn on_readable(slf: &Bound<'_, Self>) -> PyResult<()> {
        for _ in 0..slf.get().backlog {
            // The protocol of a connection may have closed the server.
            if !Self::is_watched(slf) {
                break;
            }
            let accepted = slf.get().accept(slf.py());
            match accepted {
                Ok(Some((sock, address))) => Self::connect(slf, sock, &address)?,
                Ok(None) => break,
                Err(error) => return Self::accept_failed(slf, error),
            }
        }
        Ok(())
    }

    /// Returns whether the loop watches this socket.
    fn is_watched(slf: &Bound<'_, Self>) -> bool {
        let me = slf.get();
        me.event_loop.get().core(slf.py(), |core| {
            core.reader(me.fd)
                .is_some_and(|callback| callback.is_action(&ACCEPTABLE, slf))
        })
    }

    /// Accepts one connection if there is one.
    fn accept<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<Option<(Bound<'py, PyAny>, Bound<'py, PyAny>)>> {
        let pair = match self.sock.bind(py).call_method0(intern!(py, "accept")) {
            Ok(pair) => pair,
            Err(error)
                if error.is_instance_of::<PyBlockingIOError>(py)
                    || error.is_instance_of::<PyInterruptedError>(py)
                    || error.is_instance_of::<PyConnectionAbortedError>(py) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let (sock, address) = (pair.get_item(0)?, pair.get_item(1)?);
        if self.event_loop.get().debug() {
            let message = "%r got a new connection from %r: %r";
            imports::logger(py)?.call_method1("debug", (message, &self.server, &address, &sock))?;
        }
        sock.call_method1(intern!(py, "setblocking"), (false,))?;
        Ok(Some((sock, address)))
    }

    /// Stops watching for a second if the system is out of descriptors or memory, since the kernel would go on to report
    /// the socket as ready. Raises any other error.
    fn accept_failed(slf: &Bound<'_, Self>, error: PyErr) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let exhausted = error.is_instance_of::<PyOSError>(py)
            && matches!(
                error.value(py).getattr("errno")?.extract::<i32>(),
                Ok(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM)
            );
        if !exhausted {
            return Err(error);
        }
        let event_loop = me.event_loop.bind(py);
        cpython::handling(py, &error, || {
            Loop::report(event_loop, &error, |context| {
                context.set_item("message", "socket.accept() out of system resource")?;
                let sock = imports::transport_socket(py)?.call1((&me.sock,))?;
                context.set_item("socket", sock)
            })?;
            event_loop.get().unwatch(py, me.fd, Direction::Read)?;
            let resume = slf.getattr(intern!(py, "_resume"))?;
            event_loop.call_method1("call_later", (ACCEPT_RETRY_DELAY, resume))?;
            Ok(())
        })
    }

    /// Makes the protocol and the transport. If that raises, reports the exception and closes the connection.
    fn connect(
        slf: &Bound<'_, Self>,
        sock: Bound<'_, PyAny>,
        address: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let context = me.context.bind(py).call_method0(intern!(py, "copy"))?;
        let outcome = cpython::in_context(&context, || {
            me.make_transport(sock.clone(), address, &context)
        });
        match outcome {
            Ok(()) => Ok(()),
            Err(error) if leaves_the_loop(py, &error) => Err(error),
            Err(error) => Loop::report(me.event_loop.bind(py), &error, |context| {
                sock.call_method0("close")?;
                let message = "Error on transport creation for incoming connection";
                context.set_item("message", message)
            }),
        }
    }

    fn make_transport<'py>(
        &self,
        sock: Bound<'py, PyAny>,
        address: &Bound<'py, PyAny>,
        context: &Bound<'py, PyAny>,
    ) -> PyResult<()> {
        let py = sock.py();
        let event_loop = self.event_loop.bind(py);
        let protocol = self.protocol_factory.bind(py).call0()?;
        let extra = PyDict::new(py);
        extra.set_item(intern!(py, "peername"), address)?;
        let server = self.server.as_ref().map(|server| server.bind(py).clone());
        let context = (self.context_kind == ContextKind::OnePerConnection).then(|| context.clone());
        let protocol = match &self.ssl_context {
            None => protocol,
            Some(ssl_context) => {
                let kwargs = self.ssl_timeouts.bind(py).copy()?;
                kwargs.set_item("server_side", true)?;
                tls_protocol(event_loop, &protocol, ssl_context.bind(py), None, &kwargs)?
            }
        };
        let connection = ConnectionArguments {
            sock,
            protocol,
            waiter: None,
            extra: Some(extra),
            server,
            context,
        };
        connection.open(event_loop).map(drop)
    }
}

/// Makes the TLS protocol between a transport and the application's `protocol`.
pub(super) fn tls_protocol<'py>(
    event_loop: &Bound<'py, Loop>,
    protocol: &Bound<'py, PyAny>,
    ssl_context: &Bound<'py, PyAny>,
    waiter: Option<&Bound<'py, PyAny>>,
    kwargs: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyAny>> {
    tls::protocol_class(event_loop.py())?
        .call((event_loop, protocol, ssl_context, waiter), Some(kwargs))
}

#[pymethods]
impl Listener {
    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.sock.bind(py).repr()?.to_string())
    }

    #[pyo3(name = "_resume")]
    fn resume(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        // The server may have been closed while the socket was resting.
        let fd: RawFd = me
            .sock
            .call_method0(py, intern!(py, "fileno"))?
            .extract(py)?;
        if fd != me.fd {
            return Ok(());
        }
        me.event_loop
            .get()
            .watch(py, fd, Direction::Read, Callback::action(&ACCEPTABLE, slf))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.event_loop)?;
        visit.call(&self.protocol_factory)?;
        visit.call(&self.sock)?;
        visit.call(&self.ssl_context)?;
        visit.call(&self.server)?;
        visit.call(&self.context)
    }
}

#[pymethods]
impl Loop {
    #[pyo3(name = "_start_serving", signature = (protocol_factory, sock, sslcontext = None, server = None, backlog = 100, ssl_handshake_timeout = None, ssl_shutdown_timeout = None, context = None))]
    #[allow(clippy::too_many_arguments, reason = "asyncio's signature")]
    fn start_serving<'py>(
        slf: &Bound<'py, Self>,
        protocol_factory: Bound<'py, PyAny>,
        sock: Bound<'py, PyAny>,
        sslcontext: Option<Bound<'py, PyAny>>,
        server: Option<Bound<'py, PyAny>>,
        backlog: isize,
        ssl_handshake_timeout: Option<Bound<'py, PyAny>>,
        ssl_shutdown_timeout: Option<Bound<'py, PyAny>>,
        context: Option<Bound<'py, PyAny>>,
    ) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        me.check_open()?;
        let fd: RawFd = sock.call_method0(intern!(py, "fileno"))?.extract()?;
        let ssl_timeouts = PyDict::new(py);
        ssl_timeouts.set_item("ssl_handshake_timeout", ssl_handshake_timeout)?;
        ssl_timeouts.set_item("ssl_shutdown_timeout", ssl_shutdown_timeout)?;
        let (context, context_kind) = match context {
            Some(context) => (context.unbind(), ContextKind::OnePerConnection),
            None => (cpython::copy_context(py)?, ContextKind::Copies),
        };
        let listener = Listener {
            event_loop: slf.clone().unbind(),
            protocol_factory: protocol_factory.unbind(),
            sock: sock.unbind(),
            fd,
            ssl_context: sslcontext.map(Bound::unbind),
            server: server.map(Bound::unbind),
            backlog: usize::try_from(backlog).unwrap_or(0).max(1),
            ssl_timeouts: ssl_timeouts.unbind(),
            context,
            context_kind,
        };
        me.watch(
            py,
            fd,
            Direction::Read,
            Callback::action(&ACCEPTABLE, &Bound::new(py, listener)?),
        )
    }
}
