//! The argument of `writelines` of a socket's transport, as a list of [`Data`].
//!
//! Since Python 3.12, asyncio makes a memoryview of each item; before, it joins all by `bytes.join`. Both accept any
//! buffer, and each raises its own error for other objects.

use pyo3::exceptions::{PyBufferError, PyTypeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyList};

use super::Data;
use crate::base::imports;
use crate::cpython::ByteView;

/// The reason why something is not written.
pub enum Refusal {
    /// An exception that the caller gets.
    Raised(PyErr),
    /// A buffer with gaps. asyncio passes it to the socket, whose error ends the connection.
    Gaps(PyErr),
}

impl Refusal {
    /// Classifies an error of [`Data::of`].
    pub fn of(py: Python<'_>, error: PyErr) -> Self {
        if error.is_instance_of::<PyBufferError>(py) {
            Self::Gaps(error)
        } else {
            Self::Raised(error)
        }
    }
}

impl From<PyErr> for Refusal {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

/// Converts all items, so that none is written before the last was checked.
pub fn pieces<'py>(list_of_data: &Bound<'py, PyAny>) -> Result<Vec<Data<'py>>, Refusal> {
    if cfg!(Py_3_12) {
        views(list_of_data)
    } else {
        joined(list_of_data).map_err(Refusal::Raised)
    }
}

/// Makes a view of each item. The exception for an object that is no buffer has precedence over that for gaps.
fn views<'py>(list_of_data: &Bound<'py, PyAny>) -> Result<Vec<Data<'py>>, Refusal> {
    let py = list_of_data.py();
    let mut pieces = Vec::new();
    let mut gaps = None;
    for data in list_of_data.try_iter()? {
        let data = data?;
        let piece = match Data::of(&data) {
            Some(piece) => piece,
            None if !data.is_truthy()? && skips_false(py)? => continue,
            None => {
                let view = imports::memory_view(py)?.call1((data,))?;
                ByteView::readable(&view).map(Data::View)
            }
        };
        match piece.map_err(|error| Refusal::of(py, error)) {
            Ok(piece) => pieces.push(piece),
            Err(Refusal::Gaps(error)) => gaps = gaps.or(Some(error)),
            Err(refusal) => return Err(refusal),
        }
    }
    gaps.map_or(Ok(pieces), |error| Err(Refusal::Gaps(error)))
}

/// Converts items of the usual types one by one. If there is any other, passes all of them to `bytes.join`.
fn joined<'py>(list_of_data: &Bound<'py, PyAny>) -> PyResult<Vec<Data<'py>>> {
    let py = list_of_data.py();
    let join = |all: &Bound<'py, PyAny>| {
        let joined = PyBytes::new(py, b"").call_method1(intern!(py, "join"), (all,))?;
        Ok(vec![Data::new(&joined)?])
    };
    let Ok(iterator) = list_of_data.try_iter() else {
        return join(list_of_data);
    };
    let all = iterator.collect::<PyResult<Vec<_>>>()?;
    let usual = all
        .iter()
        .map(|data| Data::of(data)?.ok())
        .collect::<Option<Vec<_>>>();
    match usual {
        Some(pieces) => Ok(pieces),
        None => join(PyList::new(py, all)?.as_any()),
    }
}

/// Returns whether the running asyncio skips false items without checking their type, as patch releases do since gh-155888.
///
/// This is found out by calling asyncio's own method with a stand-in for a transport.
fn skips_false(py: Python<'_>) -> PyResult<bool> {
    static ANSWER: PyOnceLock<bool> = PyOnceLock::new();
    ANSWER
        .get_or_try_init(py, || {
            let attributes = PyDict::new(py);
            attributes.set_item("_eof", false)?;
            attributes.set_item("_empty_waiter", py.None())?;
            attributes.set_item("_conn_lost", 0)?;
            attributes.set_item("_buffer", imports::deque(py)?.call0()?)?;
            let transport = imports::simple_namespace(py)?.call((), Some(&attributes))?;
            let writelines = imports::transport_class(py)?.getattr("writelines")?;
            match writelines.call1((transport, [py.None()])) {
                Ok(_) => Ok(true),
                Err(error) if error.is_instance_of::<PyTypeError>(py) => Ok(false),
                Err(error) => Err(error),
            }
        })
        .copied()
}
