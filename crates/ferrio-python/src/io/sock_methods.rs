//! The loop's methods for sockets without a transport: `sock_recv`, `sock_recv_into`, `sock_sendall`, `sock_accept`,
//! `sock_connect`.
//!
//! Each tries its system call at once, and waits for the descriptor only if the call would block. The data is read when
//! the coroutine resumes, not when the descriptor becomes ready, so a cancelled call has consumed nothing.
//!
//! Sockets that are not plain (`crate::io::plain_sockets`) and invalid arguments are left to asyncio's own coroutines
//! ([`inherited`]).

use std::io;
use std::os::fd::RawFd;

use pyo3::call::PyCallArgs;
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};

use crate::base::errors::{is_would_block, os_error, would_block};
use crate::base::imports;
use crate::cpython::{self, ByteView};
use crate::io::plain_sockets::is_plain;
use crate::io::socket::{recv, send};
use crate::kernel::coroutine::{Co, Coroutine};
use crate::kernel::event_loop::{Callback, Direction, Loop, READ_SIZE};

/// A descriptor that is watched for a coroutine. Dropping it, as the coroutine resumes or is cancelled, ends that.
struct Watch {
    event_loop: Py<Loop>,
    fd: RawFd,
    direction: Direction,
    future: Py<PyAny>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        Python::attach(|py| {
            let me = self.event_loop.get();
            let mine = me.core(py, |core| {
                let callback = match self.direction {
                    Direction::Read => core.reader(self.fd),
                    Direction::Write => core.writer(self.fd),
                };
                matches!(callback, Some(Callback::Finish(future)) if future.is(&self.future))
            });
            if mine && let Err(error) = me.unwatch(py, self.fd, self.direction) {
                error.write_unraisable(py, None);
            }
        });
    }
}

impl Watch {
    fn begin(
        event_loop: &Bound<'_, Loop>,
        fd: RawFd,
        direction: Direction,
        sock: &Bound<'_, PyAny>,
    ) -> PyResult<Self> {
        let py = sock.py();
        Loop::ensure_no_transport(event_loop, fd, sock)?;
        let future = Loop::create_future(event_loop)?.into_any().unbind();
        event_loop
            .get()
            .watch(py, fd, direction, Callback::Finish(future.clone_ref(py)))?;
        Ok(Self {
            event_loop: event_loop.clone().unbind(),
            fd,
            direction,
            future,
        })
    }

    /// Begins to watch after a method of the socket has raised `error` because it would block.
    fn after(
        error: &PyErr,
        event_loop: &Bound<'_, Loop>,
        direction: Direction,
        sock: &Bound<'_, PyAny>,
    ) -> PyResult<Self> {
        let py = sock.py();
        let fd = sock.call_method0(intern!(py, "fileno"))?.extract()?;
        cpython::handling(py, error, || Self::begin(event_loop, fd, direction, sock))
    }

    /// Waits until the descriptor is ready.
    async fn ready(self, co: &Co) -> PyResult<()> {
        let future = Python::attach(|py| self.future.clone_ref(py));
        co.wait(future).await?;
        Ok(())
    }
}

/// Repeats a non-blocking system call, waiting for the descriptor, until the call does not block.
async fn retry<R>(
    co: &Co,
    event_loop: &Py<Loop>,
    sock: &Py<PyAny>,
    direction: Direction,
    mut operation: impl FnMut(Python<'_>, RawFd) -> io::Result<R>,
) -> PyResult<R> {
    attempt(co, event_loop, sock, direction, |py, fd| {
        unless_blocked(py, operation(py, fd))
    })
    .await
}

/// Returns the result of a system call, `None` if the call would block.
pub(super) fn unless_blocked<R>(py: Python<'_>, outcome: io::Result<R>) -> PyResult<Option<R>> {
    match outcome {
        Ok(result) => Ok(Some(result)),
        Err(error) if would_block(&error) => Ok(None),
        Err(error) => Err(os_error(py, &error)),
    }
}

/// Repeats a non-blocking operation, waiting for the descriptor while it returns `None`.
pub(super) async fn attempt<R>(
    co: &Co,
    event_loop: &Py<Loop>,
    sock: &Py<PyAny>,
    direction: Direction,
    mut operation: impl FnMut(Python<'_>, RawFd) -> PyResult<Option<R>>,
) -> PyResult<R> {
    loop {
        let fd = Python::attach(|py| {
            sock.bind(py)
                .call_method0(intern!(py, "fileno"))?
                .extract::<RawFd>()
        })?;
        match Python::attach(|py| operation(py, fd))? {
            Some(result) => return Ok(result),
            None => {
                Python::attach(|py| {
                    Watch::begin(event_loop.bind(py), fd, direction, sock.bind(py))
                })?
                .ready(co)
                .await?;
            }
        }
    }
}

/// Returns whether a socket is plain, so that system calls are used. Raises `ValueError` for a blocking socket in debug
/// mode. Every operation begins with this check.
pub(super) fn check_socket(event_loop: &Py<Loop>, sock: &Py<PyAny>) -> PyResult<bool> {
    Python::attach(|py| {
        let sock = sock.bind(py);
        let plain = is_plain(sock)?;
        if plain
            && event_loop.get().debug()
            && !sock.call_method0(intern!(py, "gettimeout"))?.eq(0.0)?
        {
            return Err(PyValueError::new_err("the socket must be non-blocking"));
        }
        Ok(plain)
    })
}

/// Awaits asyncio's own method `name`.
pub(super) async fn inherited(
    co: &Co,
    name: &str,
    args: impl for<'py> PyCallArgs<'py>,
) -> PyResult<Py<PyAny>> {
    let coroutine = Python::attach(|py| {
        let method = imports::selector_event_loop(py)?.getattr(name)?;
        method.call1(args).map(Bound::unbind)
    })?;
    co.wait(coroutine).await
}

#[pymethods]
impl Loop {
    /// Receive up to n bytes from a non-blocking socket. Coroutine; returns bytes, empty at the end (recv(2)).
    fn sock_recv(
        slf: Py<Self>,
        py: Python<'_>,
        sock: Py<PyAny>,
        n: Py<PyAny>,
    ) -> PyResult<Py<Coroutine>> {
        Coroutine::create(py, "Loop.sock_recv", async move |co| {
            let plain = check_socket(&slf, &sock)?;
            let size = Python::attach(|py| n.extract::<usize>(py));
            // Python's own method receives 0 bytes without a system call.
            let (true, Ok(size @ 1..)) = (plain, size) else {
                return inherited(&co, "sock_recv", (slf, sock, n)).await;
            };
            let size = size.min(READ_SIZE);
            let data = retry(&co, &slf, &sock, Direction::Read, |py, fd| {
                slf.get().with_read_buffer(py, |buffer| {
                    let received = recv(fd, &mut buffer[..size])?;
                    Ok(PyBytes::new(py, &buffer[..received]).unbind())
                })
            });
            Ok(data.await?.into_any())
        })
    }

    /// Receive into a writable buffer. Coroutine; returns the number of bytes, 0 at the end (recv(2)).
    fn sock_recv_into(
        slf: Py<Self>,
        py: Python<'_>,
        sock: Py<PyAny>,
        buf: Py<PyAny>,
    ) -> PyResult<Py<Coroutine>> {
        Coroutine::create(py, "Loop.sock_recv_into", async move |co| {
            let plain = check_socket(&slf, &sock)?;
            let view = Python::attach(|py| ByteView::writable(buf.bind(py)));
            let mut view = match view {
                Ok(view) if plain && view.len() > 0 => view,
                _ => return inherited(&co, "sock_recv_into", (slf, sock, buf)).await,
            };
            let received = retry(&co, &slf, &sock, Direction::Read, |py, fd| {
                recv(fd, view.bytes_mut(py))
            })
            .await?;
            Python::attach(|py| Ok(received.into_pyobject(py)?.into_any().unbind()))
        })
    }

    /// Send all bytes of a bytes-like object. Coroutine; returns None (send(2)).
    fn sock_sendall(
        slf: Py<Self>,
        py: Python<'_>,
        sock: Py<PyAny>,
        data: Py<PyAny>,
    ) -> PyResult<Py<Coroutine>> {
        Coroutine::create(py, "Loop.sock_sendall", async move |co| {
            let plain = check_socket(&slf, &sock)?;
            let view = Python::attach(|py| ByteView::readable(data.bind(py)));
            let (true, Ok(view)) = (plain, view) else {
                return inherited(&co, "sock_sendall", (slf, sock, data)).await;
            };
            let mut sent = 0;
            while sent < view.len() {
                sent += retry(&co, &slf, &sock, Direction::Write, |py, fd| {
                    send(fd, &view.bytes(py)[sent..])
                })
                .await?;
            }
            Python::attach(|py| Ok(py.None()))
        })
    }

    /// Accept a connection on a listening socket. Coroutine; returns (conn, address), conn non-blocking.
    fn sock_accept(slf: Py<Self>, py: Python<'_>, sock: Py<PyAny>) -> PyResult<Py<Coroutine>> {
        Coroutine::create(py, "Loop.sock_accept", async move |co| {
            if !check_socket(&slf, &sock)? {
                return inherited(&co, "sock_accept", (slf, sock)).await;
            }
            loop {
                let accepted =
                    Python::attach(|py| match sock.call_method0(py, intern!(py, "accept")) {
                        Ok(pair) => {
                            pair.bind(py)
                                .get_item(0)?
                                .call_method1("setblocking", (false,))?;
                            Ok(Ok(pair))
                        }
                        Err(error) if is_would_block(py, &error) => {
                            let (event_loop, sock) = (slf.bind(py), sock.bind(py));
                            let watch = Watch::after(&error, event_loop, Direction::Read, sock)?;
                            Ok(Err(watch))
                        }
                        Err(error) => Err(error),
                    })?;
                match accepted {
                    Ok(pair) => return Ok(pair),
                    Err(watch) => watch.ready(&co).await?,
                }
            }
        })
    }

    /// Connect a non-blocking socket; a host name in the address is resolved first. Coroutine; returns None.
    fn sock_connect(
        slf: Py<Self>,
        py: Python<'_>,
        sock: Py<PyAny>,
        address: Py<PyAny>,
    ) -> PyResult<Py<Coroutine>> {
        Coroutine::create(py, "Loop.sock_connect", async move |co| {
            if !check_socket(&slf, &sock)? {
                return inherited(&co, "sock_connect", (slf, sock, address)).await;
            }
            let resolution = Python::attach(|py| resolve(slf.bind(py), sock.bind(py), &address))?;
            let address = match resolution {
                Some(resolving) => {
                    let infos = co.wait(resolving).await?;
                    Python::attach(|py| infos.bind(py).get_item(0)?.get_item(4).map(Bound::unbind))?
                }
                None => address,
            };
            let waiting = Python::attach(|py| {
                match sock.call_method1(py, intern!(py, "connect"), (&address,)) {
                    Ok(_) => Ok(None),
                    Err(error) if is_would_block(py, &error) => {
                        let (event_loop, sock) = (slf.bind(py), sock.bind(py));
                        Watch::after(&error, event_loop, Direction::Write, sock).map(Some)
                    }
                    Err(error) => Err(error),
                }
            })?;
            if let Some(watch) = waiting {
                watch.ready(&co).await?;
                Python::attach(|py| check_connected(sock.bind(py), address.bind(py)))?;
            }
            Python::attach(|py| Ok(py.None()))
        })
    }
}

/// Returns a coroutine that resolves the host of an Internet address, `None` for another family.
fn resolve(
    event_loop: &Bound<'_, Loop>,
    sock: &Bound<'_, PyAny>,
    address: &Py<PyAny>,
) -> PyResult<Option<Py<PyAny>>> {
    let py = sock.py();
    let family = sock.getattr(intern!(py, "family"))?;
    if !family.eq(libc::AF_INET)? && !family.eq(libc::AF_INET6)? {
        return Ok(None);
    }
    let kwargs = PyDict::new(py);
    kwargs.set_item("family", family)?;
    kwargs.set_item("type", sock.getattr(intern!(py, "type"))?)?;
    kwargs.set_item("proto", sock.getattr(intern!(py, "proto"))?)?;
    kwargs.set_item("loop", event_loop)?;
    let resolving = event_loop.call_method("_ensure_resolved", (address,), Some(&kwargs))?;
    Ok(Some(resolving.unbind()))
}

/// Raises the error with which the connection attempt has failed, if it has.
fn check_connected(sock: &Bound<'_, PyAny>, address: &Bound<'_, PyAny>) -> PyResult<()> {
    let errno: i32 = sock
        .call_method1("getsockopt", (libc::SOL_SOCKET, libc::SO_ERROR))?
        .extract()?;
    if errno == 0 {
        return Ok(());
    }
    let text = format!("Connect call failed {}", address.str()?);
    let args = PyTuple::new(
        sock.py(),
        [
            errno.into_pyobject(sock.py())?.into_any(),
            text.into_pyobject(sock.py())?.into_any(),
        ],
    )?;
    Err(PyOSError::new_err(args.unbind()))
}
