//! The loop's methods for datagram sockets without a transport: `sock_recvfrom`, `sock_recvfrom_into`, `sock_sendto`.
//!
//! They wait like those of `crate::io::sock_methods`: the datagram is received when the coroutine resumes, so a cancelled
//! call has consumed none.

use std::os::fd::RawFd;

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::base::errors::is_would_block;
use crate::cpython::ByteView;
use crate::io::address::{Family, decode};
use crate::io::sock_methods::{attempt, check_socket, inherited, unless_blocked};
use crate::io::socket::{recv_from, send_to};
use crate::kernel::coroutine::Coroutine;
use crate::kernel::event_loop::{Direction, Loop, READ_SIZE};

/// Calls a method of the Python socket. Returns `None` if the call would block.
fn call_method<'py>(
    sock: &Bound<'py, PyAny>,
    method: &str,
    args: impl pyo3::call::PyCallArgs<'py>,
) -> PyResult<Option<Py<PyAny>>> {
    match sock.call_method1(method, args) {
        Ok(result) => Ok(Some(result.unbind())),
        Err(error) if is_would_block(sock.py(), &error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn receive(
    event_loop: &Loop,
    sock: &Bound<'_, PyAny>,
    fd: RawFd,
    size: usize,
) -> PyResult<Option<Py<PyAny>>> {
    let py = sock.py();
    if size > READ_SIZE || Family::of(sock)? == Family::Other {
        return call_method(sock, "recvfrom", (size,));
    }
    let received = event_loop.with_read_buffer(py, |buffer| {
        let (received, sender) = recv_from(fd, &mut buffer[..size])?;
        Ok((PyBytes::new(py, &buffer[..received]), sender))
    });
    match unless_blocked(py, received)? {
        Some((data, sender)) => {
            let pair = (data, decode(py, sender.as_ref())?);
            Ok(Some(pair.into_py_any(py)?))
        }
        None => Ok(None),
    }
}

/// Returns how many bytes `recvfrom_into` may receive: the size of the buffer if `nbytes` is 0.
///
/// Returns `None` for arguments that the Python socket has to refuse.
fn size_into(buffer: &Bound<'_, PyAny>, nbytes: &Bound<'_, PyAny>) -> PyResult<Option<usize>> {
    let Ok(view) = ByteView::writable(buffer) else {
        return Ok(None);
    };
    let size = match nbytes.extract::<usize>() {
        Ok(0) => buffer.len()?,
        Ok(size) => size,
        Err(_) => return Ok(None),
    };
    Ok((size <= view.len()).then_some(size))
}

fn receive_into(
    sock: &Bound<'_, PyAny>,
    fd: RawFd,
    buffer: &Bound<'_, PyAny>,
    size: usize,
) -> PyResult<Option<Py<PyAny>>> {
    let py = sock.py();
    if Family::of(sock)? == Family::Other {
        return call_method(sock, "recvfrom_into", (buffer, size));
    }
    let mut view = ByteView::writable(buffer)?;
    let Some(target) = view.bytes_mut(py).get_mut(..size) else {
        // The program has made the buffer smaller in the meantime.
        drop(view);
        return call_method(sock, "recvfrom_into", (buffer, size));
    };
    let received = recv_from(fd, target);
    drop(view);
    match unless_blocked(py, received)? {
        Some((received, sender)) => {
            let pair = (received, decode(py, sender.as_ref())?);
            Ok(Some(pair.into_py_any(py)?))
        }
        None => Ok(None),
    }
}

fn send(
    sock: &Bound<'_, PyAny>,
    fd: RawFd,
    data: &Bound<'_, PyAny>,
    address: &Bound<'_, PyAny>,
) -> PyResult<Option<Py<PyAny>>> {
    let py = sock.py();
    let Some(native) = Family::of(sock)?.encode(address) else {
        return call_method(sock, "sendto", PyTuple::new(py, [data, address])?);
    };
    let view = ByteView::readable(data)?;
    match unless_blocked(py, send_to(fd, view.bytes(py), Some(&native)))? {
        Some(sent) => Ok(Some(sent.into_py_any(py)?)),
        None => Ok(None),
    }
}

#[pymethods]
impl Loop {
    /// Receive a datagram of up to bufsize bytes. Coroutine; returns (data, address) (recvfrom(2)).
    fn sock_recvfrom(
        slf: Py<Self>,
        py: Python<'_>,
        sock: Py<PyAny>,
        bufsize: Py<PyAny>,
    ) -> PyResult<Py<Coroutine>> {
        Coroutine::create(py, "Loop.sock_recvfrom", async move |co| {
            let plain = check_socket(&slf, &sock)?;
            let size = Python::attach(|py| bufsize.extract::<usize>(py));
            let (true, Ok(size)) = (plain, size) else {
                return inherited(&co, "sock_recvfrom", (slf, sock, bufsize)).await;
            };
            attempt(&co, &slf, &sock, Direction::Read, |py, fd| {
                receive(slf.get(), sock.bind(py), fd, size)
            })
            .await
        })
    }

    /// Receive a datagram of up to nbytes bytes, by default as many as buf has, into a writable buffer.
    ///
    /// Coroutine; returns (number of bytes, address) (recvfrom(2)).
    #[pyo3(signature = (sock, buf, nbytes = None), text_signature = "($self, sock, buf, nbytes=0)")]
    fn sock_recvfrom_into(
        slf: Py<Self>,
        py: Python<'_>,
        sock: Py<PyAny>,
        buf: Py<PyAny>,
        nbytes: Option<Py<PyAny>>,
    ) -> PyResult<Py<Coroutine>> {
        let nbytes = match nbytes {
            Some(nbytes) => nbytes,
            None => 0.into_py_any(py)?,
        };
        Coroutine::create(py, "Loop.sock_recvfrom_into", async move |co| {
            let size = if check_socket(&slf, &sock)? {
                Python::attach(|py| size_into(buf.bind(py), nbytes.bind(py)))?
            } else {
                None
            };
            let Some(size) = size else {
                return inherited(&co, "sock_recvfrom_into", (slf, sock, buf, nbytes)).await;
            };
            attempt(&co, &slf, &sock, Direction::Read, |py, fd| {
                receive_into(sock.bind(py), fd, buf.bind(py), size)
            })
            .await
        })
    }

    /// Send a bytes-like object as one datagram to address. Coroutine; returns the number of bytes (sendto(2)).
    fn sock_sendto(
        slf: Py<Self>,
        py: Python<'_>,
        sock: Py<PyAny>,
        data: Py<PyAny>,
        address: Py<PyAny>,
    ) -> PyResult<Py<Coroutine>> {
        Coroutine::create(py, "Loop.sock_sendto", async move |co| {
            if !check_socket(&slf, &sock)? {
                return inherited(&co, "sock_sendto", (slf, sock, data, address)).await;
            }
            attempt(&co, &slf, &sock, Direction::Write, |py, fd| {
                send(sock.bind(py), fd, data.bind(py), address.bind(py))
            })
            .await
        })
    }
}
