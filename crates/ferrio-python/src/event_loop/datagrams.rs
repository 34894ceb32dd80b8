//! `sock_recvfrom`, `sock_recvfrom_into`, `sock_sendto`: datagram sockets without a transport.
//!
//! They wait as all of `sockets` do: the datagram is received when the coroutine goes on, so a cancelled call has
//! taken none.

use std::os::fd::RawFd;

use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use super::sockets::{attempt, check_socket, unless_blocked};
use super::watching::Direction;
use super::{Loop, READ_SIZE};
use crate::address::{Family, decode};
use crate::coroutine::Coroutine;
use crate::errors::is_would_block;
use crate::ffi::ByteView;
use crate::socket::{recv_from, send_to};

/// Calls a method of the Python socket; `None` if it has to be tried again.
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
    size: isize,
) -> PyResult<Option<Py<PyAny>>> {
    let py = sock.py();
    let native = usize::try_from(size).is_ok_and(|size| size <= READ_SIZE);
    if !native || Family::of(sock)? == Family::Other {
        return call_method(sock, "recvfrom", (size,));
    }
    let received = event_loop.with_read_buffer(py, |buffer| {
        let (received, sender) = recv_from(fd, &mut buffer[..size.unsigned_abs()])?;
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

fn receive_into(
    sock: &Bound<'_, PyAny>,
    fd: RawFd,
    buffer: &Bound<'_, PyAny>,
    size: isize,
) -> PyResult<Option<Py<PyAny>>> {
    let py = sock.py();
    if Family::of(sock)? == Family::Other {
        return call_method(sock, "recvfrom_into", (buffer, size));
    }
    let size = usize::try_from(size)
        .map_err(|_| PyValueError::new_err("negative buffersize in recvfrom_into"))?;
    let mut view = ByteView::writable(buffer)?;
    let Some(target) = view.bytes_mut(py).get_mut(..size) else {
        let text = "nbytes is greater than the length of the buffer";
        return Err(PyValueError::new_err(text));
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
        bufsize: isize,
    ) -> PyResult<Py<Coroutine>> {
        Coroutine::create(py, "Loop.sock_recvfrom", async move |co| {
            check_socket(&slf, &sock)?;
            attempt(&co, &slf, &sock, Direction::Read, |py, fd| {
                receive(slf.get(), sock.bind(py), fd, bufsize)
            })
            .await
        })
    }

    /// Receive a datagram of up to nbytes bytes, by default as many as buf has, into a writable buffer.
    ///
    /// Coroutine; returns (number of bytes, address) (recvfrom(2)).
    #[pyo3(signature = (sock, buf, nbytes = 0))]
    fn sock_recvfrom_into(
        slf: Py<Self>,
        py: Python<'_>,
        sock: Py<PyAny>,
        buf: Py<PyAny>,
        nbytes: isize,
    ) -> PyResult<Py<Coroutine>> {
        Coroutine::create(py, "Loop.sock_recvfrom_into", async move |co| {
            check_socket(&slf, &sock)?;
            let size = match nbytes {
                0 => Python::attach(|py| buf.bind(py).len())?.cast_signed(),
                _ => nbytes,
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
            check_socket(&slf, &sock)?;
            attempt(&co, &slf, &sock, Direction::Write, |py, fd| {
                send(sock.bind(py), fd, data.bind(py), address.bind(py))
            })
            .await
        })
    }
}
