//! Converts socket addresses between Python's form and the kernel's, as `getsockaddrarg` and `makesockaddr` do in
//! CPython's `socketmodule.c`, for the families whose datagrams are sent and received natively.
//!
//! An address is converted to the kernel's form only if that needs no name resolution and cannot fail. Every other one
//! (a host name, a port out of range, a wrong type) is left to the Python socket, which resolves it or raises.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyInt, PyString, PyTuple};
use pyo3::{IntoPyObjectExt, intern};
use rustix::net::{SocketAddrAny, SocketAddrUnix};

use crate::base::imports;
use crate::cpython::descriptor_get;

/// An address family whose addresses are converted here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    /// `(host, port)`.
    Inet,
    /// `(host, port, flowinfo, scope_id)`.
    Inet6,
    /// A path, or an abstract name: bytes that begin with a zero.
    Unix,
    /// Any other family, for which the Python socket's own methods are called.
    Other,
}

impl Family {
    /// Returns the family of a `socket.socket`, and `Other` for any other object.
    ///
    /// The Python class has a property `family` that makes an enum member (0.5 µs). Its C base class has the number.
    pub fn of(sock: &Bound<'_, PyAny>) -> PyResult<Self> {
        static MEMBER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let py = sock.py();
        let member = MEMBER.get_or_try_init(py, || {
            imports::c_socket(py)?
                .getattr(intern!(py, "family"))
                .map(Bound::unbind)
        })?;
        let number: i32 = match descriptor_get(member.bind(py), sock) {
            Ok(number) => number.extract()?,
            Err(_) => return Ok(Self::Other),
        };
        Ok(match number {
            libc::AF_INET => Self::Inet,
            libc::AF_INET6 => Self::Inet6,
            libc::AF_UNIX => Self::Unix,
            _ => Self::Other,
        })
    }

    /// Converts an address to the kernel's form. Returns `None` if the Python socket has to convert or refuse it.
    pub fn encode(self, address: &Bound<'_, PyAny>) -> Option<SocketAddrAny> {
        match self {
            Self::Inet => inet(address),
            Self::Inet6 => inet6(address),
            Self::Unix => unix(address),
            Self::Other => None,
        }
    }
}

fn inet(address: &Bound<'_, PyAny>) -> Option<SocketAddrAny> {
    let address = address.cast::<PyTuple>().ok()?;
    if address.len() != 2 {
        return None;
    }
    let host: Ipv4Addr = host(address)?;
    Some(SocketAddrV4::new(host, number(address, 1)?).into())
}

fn inet6(address: &Bound<'_, PyAny>) -> Option<SocketAddrAny> {
    const MAX_FLOW_INFO: u32 = 0xf_ffff;
    let address = address.cast::<PyTuple>().ok()?;
    let (flow_info, scope_id) = match address.len() {
        2 => (0, 0),
        3 => (number(address, 2)?, 0),
        4 => (number(address, 2)?, number(address, 3)?),
        _ => return None,
    };
    if flow_info > MAX_FLOW_INFO {
        return None;
    }
    let host: Ipv6Addr = host(address)?;
    Some(SocketAddrV6::new(host, number(address, 1)?, flow_info, scope_id).into())
}

/// Parses a numeric host. Rust accepts fewer notations than `inet_pton(3)`, and gives those the same meaning.
fn host<T: std::str::FromStr>(address: &Bound<'_, PyTuple>) -> Option<T> {
    let host = address.get_item(0).ok()?;
    let text = host.cast_exact::<PyString>().ok()?.to_str().ok()?;
    text.parse().ok()
}

/// Returns an item that is exactly an `int` and in range: no `bool`, no object with `__index__`.
fn number<'py, T>(address: &Bound<'py, PyTuple>, index: usize) -> Option<T>
where
    T: for<'a> FromPyObject<'a, 'py>,
{
    let item = address.get_item(index).ok()?;
    item.cast_exact::<PyInt>().ok()?.extract().ok()
}

fn unix(address: &Bound<'_, PyAny>) -> Option<SocketAddrAny> {
    let name = if let Ok(path) = address.cast_exact::<PyString>() {
        // Only CPython knows the encoding of file names.
        path.to_str()
            .ok()
            .filter(|path| path.is_ascii())?
            .as_bytes()
    } else {
        address.cast_exact::<PyBytes>().ok()?.as_bytes()
    };
    let address = match name {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        [0, name @ ..] => SocketAddrUnix::new_abstract_name(name),
        // CPython requires room for the zero that ends a path, and raises an exception of its own otherwise.
        path if !path.is_empty() && !path.contains(&0) && path.len() < SUN_PATH_SIZE => {
            SocketAddrUnix::new(path)
        }
        _ => return None,
    };
    address.ok().map(Into::into)
}

const SUN_PATH_SIZE: usize =
    size_of::<libc::sockaddr_un>() - std::mem::offset_of!(libc::sockaddr_un, sun_path);

/// Converts the kernel's form of an address to Python's. A sender without a name (`None`) becomes Python's `None`.
pub fn decode<'py>(
    py: Python<'py>,
    address: Option<&SocketAddrAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let Some(address) = address else {
        return Ok(py.None().into_bound(py));
    };
    match SocketAddr::try_from(address.clone()) {
        Ok(SocketAddr::V4(address)) => {
            let host = address.ip().to_string();
            (host, address.port()).into_bound_py_any(py)
        }
        Ok(SocketAddr::V6(address)) => {
            let host = inet6_text(*address.ip());
            (host, address.port(), address.flowinfo(), address.scope_id()).into_bound_py_any(py)
        }
        // Only the three families of `Family` are received natively.
        Err(_) => decode_unix(py, ferrio::engine::unix_name(address)),
    }
}

/// Formats an address as `inet_ntop(3)` does, which ends an IPv4-compatible address with the IPv4 notation.
fn inet6_text(host: Ipv6Addr) -> String {
    match (host.segments(), host.to_ipv4()) {
        ([0, 0, 0, 0, 0, 0, high, _], Some(compatible)) if high != 0 => format!("::{compatible}"),
        _ => host.to_string(),
    }
}

fn decode_unix<'py>(py: Python<'py>, name: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    if cfg!(target_os = "linux") && name.first() == Some(&0) {
        return Ok(PyBytes::new(py, name).into_any());
    }
    let end = name
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(name.len());
    match std::str::from_utf8(&name[..end]) {
        Ok(path) if path.is_ascii() => Ok(PyString::new(py, path).into_any()),
        _ => imports::fsdecode(py)?.call1((PyBytes::new(py, &name[..end]),)),
    }
}
