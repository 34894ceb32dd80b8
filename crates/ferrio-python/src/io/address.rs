//! Socket addresses, the kernel's and Python's: CPython's `makesockaddr` and `getsockaddrarg` (`socketmodule.c`) for the
//! families whose datagrams are native.
//!
//! Only what needs no name resolution and cannot fail is converted to the kernel's form here. All else (names of hosts,
//! what is out of range or of the wrong type) is left to the Python socket, which resolves it or raises.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyInt, PyString, PyTuple};
use pyo3::{IntoPyObjectExt, intern};
use rustix::net::{SocketAddrAny, SocketAddrUnix};

use crate::base::imports;
use crate::cpython::descriptor_get;

/// An address family, as far as its addresses are converted here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    /// `(host, port)`.
    Inet,
    /// `(host, port, flowinfo, scope_id)`.
    Inet6,
    /// A path, or bytes that begin with a zero: an abstract name.
    Unix,
    /// Any other: the Python socket's own methods are called.
    Other,
}

impl Family {
    /// The family of a `socket.socket`; `Other` for any other object.
    ///
    /// The `family` attribute of the Python class is a property that makes an enum member (0.5 µs); the C class below
    /// it has the number.
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

    /// The kernel's form of an address; `None` for what is the Python socket's to convert or to refuse.
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

/// A host in figures. Rust reads fewer notations than `inet_pton(3)`; those that it reads mean the same.
fn host<T: std::str::FromStr>(address: &Bound<'_, PyTuple>) -> Option<T> {
    let host = address.get_item(0).ok()?;
    let text = host.cast_exact::<PyString>().ok()?.to_str().ok()?;
    text.parse().ok()
}

/// A number in range, given as just that: no `__index__`, no `bool`.
fn number<'py, T>(address: &Bound<'py, PyTuple>, index: usize) -> Option<T>
where
    T: for<'a> FromPyObject<'a, 'py>,
{
    let item = address.get_item(index).ok()?;
    item.cast_exact::<PyInt>().ok()?.extract().ok()
}

fn unix(address: &Bound<'_, PyAny>) -> Option<SocketAddrAny> {
    let name = if let Ok(path) = address.cast_exact::<PyString>() {
        // The encoding of file names is CPython's to know.
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
        // CPython wants room for the zero that ends a path, and has an exception of its own for a path without it.
        path if !path.is_empty() && !path.contains(&0) && path.len() < SUN_PATH_SIZE => {
            SocketAddrUnix::new(path)
        }
        _ => return None,
    };
    address.ok().map(Into::into)
}

const SUN_PATH_SIZE: usize =
    size_of::<libc::sockaddr_un>() - std::mem::offset_of!(libc::sockaddr_un, sun_path);

/// Python's form of an address that the kernel has given; `None` is a sender without a name.
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
        // No other family is received natively.
        Err(_) => decode_unix(py, ferrio::unix_name(address)),
    }
}

/// As `inet_ntop(3)` writes it, which has an IPv4 address at the end of one that is compatible with it.
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
