//! Which sockets are read and written by system calls.
//!
//! A program may derive from `socket.socket`, patch its methods, or hand over an object that only looks like a socket.
//! asyncio calls the methods of all of them. So the system calls of [`crate::io::socket`] are for a plain socket only: one of
//! exactly that class, while the class has the methods that the C class below it has. All others are given to asyncio's
//! own code, which calls the methods where and as the running version does.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use pyo3::prelude::*;

use crate::base::imports;
use crate::cpython::{class_version, versions_hold};

/// The methods that system calls take the place of, and what decides how a method of a socket is found.
const ATTRIBUTES: [&str; 10] = [
    "recv",
    "recv_into",
    "recvfrom",
    "recvfrom_into",
    "send",
    "sendto",
    "sendmsg",
    "fileno",
    "__getattribute__",
    "__dictoffset__",
];

/// The version of `socket.socket` at which its methods were found to be the C class's, or 0.
static PLAIN_VERSION: AtomicU32 = AtomicU32::new(0);

/// Whether system calls do what the socket's methods would.
#[inline]
pub fn is_plain(sock: &Bound<'_, PyAny>) -> PyResult<bool> {
    let class = imports::socket(sock.py())?;
    if !std::ptr::addr_eq(sock.get_type_ptr(), class.as_ptr()) {
        return Ok(false);
    }
    match class_version(sock) {
        Some(version) if version.get() == PLAIN_VERSION.load(Relaxed) => Ok(true),
        _ => has_plain_methods(sock),
    }
}

/// The same by a look at each method.
#[cold]
fn has_plain_methods(sock: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = sock.py();
    let (class, c_class) = (sock.get_type(), imports::c_socket(py)?);
    for name in ATTRIBUTES {
        if !class.getattr(name)?.is(&c_class.getattr(name)?) {
            return Ok(false);
        }
    }
    // The look-ups have given the class a version.
    if let Some(version) = class_version(sock)
        && versions_hold(py)?
    {
        PLAIN_VERSION.store(version.get(), Relaxed);
    }
    Ok(true)
}
