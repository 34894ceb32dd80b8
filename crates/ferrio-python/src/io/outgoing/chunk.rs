//! One piece of outgoing data: [`Data`] as `write` gets it, [`Chunk`] as the buffer keeps it.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyByteArray, PyBytes, PyMemoryView};

use crate::cpython::ByteView;

/// Bytes that cannot change.
pub enum Chunk {
    /// A reference to a `bytes` object.
    Bytes(PyBackedBytes),
    /// A copy of a buffer whose owner may change it after the call.
    Copy(Box<[u8]>),
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Copy(bytes) => bytes,
        }
    }
}

/// The argument of `write`.
pub enum Data<'py> {
    /// An immutable object, which may be kept.
    Bytes(Bound<'py, PyBytes>),
    /// A view of a mutable buffer, which has to be sent or copied before the call returns.
    View(ByteView),
    /// Bytes that ferrio itself has made.
    Owned(Box<[u8]>),
}

/// Returns whether `data` has one of the types that asyncio's transports accept.
fn is_bytes_like(data: &Bound<'_, PyAny>) -> bool {
    data.is_instance_of::<PyBytes>()
        || data.is_instance_of::<PyByteArray>()
        || data.is_instance_of::<PyMemoryView>()
}

impl<'py> Data<'py> {
    /// Converts an argument. Raises `TypeError`, in the words of the running version, for anything but `bytes`, `bytearray`
    /// and `memoryview`.
    pub fn new(data: &Bound<'py, PyAny>) -> PyResult<Self> {
        let expected = if cfg!(Py_3_14) {
            "bytes, bytearray, or memoryview"
        } else {
            "bytes-like"
        };
        Self::expect(data, expected)
    }

    /// Converts an argument like [`Data::new`], with `expected` as the name of the types in the `TypeError`.
    pub fn expect(data: &Bound<'py, PyAny>, expected: &str) -> PyResult<Self> {
        if let Some(data) = Self::of(data) {
            return data;
        }
        let name = data.get_type().name()?;
        Err(PyTypeError::new_err(format!(
            "data argument must be a {expected} object, not {}",
            name.repr()?
        )))
    }

    /// Converts an argument. Returns `None` for anything but `bytes`, `bytearray` and `memoryview`. Raises `BufferError` for
    /// a view with gaps.
    pub fn of(data: &Bound<'py, PyAny>) -> Option<PyResult<Self>> {
        // An instance of a subclass is not kept: dropping it may run code of the program.
        if let Ok(bytes) = data.cast_exact::<PyBytes>() {
            return Some(Ok(Self::Bytes(bytes.clone())));
        }
        is_bytes_like(data).then(|| ByteView::readable(data).map(Self::View))
    }

    /// Returns the bytes.
    pub fn bytes<'a>(&'a self, py: Python<'a>) -> &'a [u8] {
        match self {
            Self::Bytes(bytes) => bytes.as_bytes(),
            Self::View(view) => view.bytes(py),
            Self::Owned(bytes) => bytes,
        }
    }

    /// Makes a chunk of the bytes after the first `sent`.
    pub fn into_chunk(self, py: Python<'_>, sent: usize) -> Chunk {
        match self {
            Self::Bytes(bytes) if sent == 0 => Chunk::Bytes(bytes.into()),
            Self::Owned(bytes) if sent == 0 => Chunk::Copy(bytes),
            data => Chunk::Copy(data.bytes(py)[sent..].into()),
        }
    }
}
