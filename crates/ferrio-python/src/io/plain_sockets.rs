//! Decides which sockets are read and written by system calls.
//!
//! A program may derive from `socket.socket`, patch its methods, or pass an object that only looks like a socket, and
//! asyncio calls the methods of all of them. So the system calls of [`crate::io::socket`] are used for plain sockets only:
//! instances of exactly `socket.socket`, while that class still has the methods of its C base class. All others are left to
//! asyncio's own code, which calls the methods as the running version does.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use pyo3::prelude::*;

use crate::base::imports;
use crate::cpython::{class_version, versions_hold};

/// The methods that the system calls replace, and the attributes that decide how methods are looked up.
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

/// The version (of its type object) at which `socket.socket` was found to be unpatched, or 0.
static PLAIN_VERSION: AtomicU32 = AtomicU32::new(0);

/// Returns whether system calls do the same as the socket's methods.
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

/// Answers [`is_plain`] for a socket of the right class by comparing each method.
#[cold]
fn has_plain_methods(sock: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = sock.py();
    let (class, c_class) = (sock.get_type(), imports::c_socket(py)?);
    for name in ATTRIBUTES {
        if !class.getattr(name)?.is(&c_class.getattr(name)?) {
            return Ok(false);
        }
    }
    // The look-ups have assigned a version to the class.
    if let Some(version) = class_version(sock)
        && versions_hold(py)?
    {
        PLAIN_VERSION.store(version.get(), Relaxed);
    }
    Ok(true)
}
