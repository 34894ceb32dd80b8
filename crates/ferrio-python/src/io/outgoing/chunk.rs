//! One piece of outgoing data.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyByteArray, PyBytes, PyMemoryView};

use crate::cpython::ByteView;

/// Bytes that cannot change any more.
pub enum Chunk {
    /// A `bytes` object, by reference.
    Bytes(PyBackedBytes),
    /// A copy of a buffer that its owner may change after the call.
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

/// What `write` takes.
pub enum Data<'py> {
    /// Immutable: may be kept.
    Bytes(Bound<'py, PyBytes>),
    /// Has to be sent or copied before the call returns.
    View(ByteView),
    /// Ours.
    Owned(Box<[u8]>),
}

/// Whether asyncio's transports take it.
fn is_bytes_like(data: &Bound<'_, PyAny>) -> bool {
    data.is_instance_of::<PyBytes>()
        || data.is_instance_of::<PyByteArray>()
        || data.is_instance_of::<PyMemoryView>()
}

impl<'py> Data<'py> {
    /// Raises `TypeError` for what is neither `bytes`, `bytearray` nor `memoryview`, in the words of this version.
    pub fn new(data: &Bound<'py, PyAny>) -> PyResult<Self> {
        let expected = if cfg!(Py_3_14) {
            "bytes, bytearray, or memoryview"
        } else {
            "bytes-like"
        };
        Self::expect(data, expected)
    }

    /// The same, where asyncio calls what it `expected` something else.
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

    /// `None` for what is neither `bytes`, `bytearray` nor `memoryview`. Raises `BufferError` for a view with gaps.
    pub fn of(data: &Bound<'py, PyAny>) -> Option<PyResult<Self>> {
        // Not those of a subclass, which may run code of the user's when they are dropped.
        if let Ok(bytes) = data.cast_exact::<PyBytes>() {
            return Some(Ok(Self::Bytes(bytes.clone())));
        }
        is_bytes_like(data).then(|| ByteView::readable(data).map(Self::View))
    }

    /// The bytes.
    pub fn bytes<'a>(&'a self, py: Python<'a>) -> &'a [u8] {
        match self {
            Self::Bytes(bytes) => bytes.as_bytes(),
            Self::View(view) => view.bytes(py),
            Self::Owned(bytes) => bytes,
        }
    }

    /// What is left after `sent` bytes, to be kept.
    pub fn into_chunk(self, py: Python<'_>, sent: usize) -> Chunk {
        match self {
            Self::Bytes(bytes) if sent == 0 => Chunk::Bytes(bytes.into()),
            Self::Owned(bytes) if sent == 0 => Chunk::Copy(bytes),
            data => Chunk::Copy(data.bytes(py)[sent..].into()),
        }
    }
}
