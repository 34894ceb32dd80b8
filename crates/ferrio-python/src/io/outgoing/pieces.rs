//! What `writelines` of a socket's transport takes, in pieces.
//!
//! Since Python 3.12 asyncio makes a memoryview of each piece; before, `bytes.join` makes one piece of all. Both take any
//! buffer, and say in their own words what is none.

use pyo3::exceptions::{PyBufferError, PyTypeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyList};

use super::Data;
use crate::base::imports;
use crate::cpython::ByteView;

/// Why something is not written.
pub enum Refusal {
    /// The exception is the caller's.
    Raised(PyErr),
    /// It is a buffer with gaps, which asyncio gives to the socket: that ends the connection.
    Gaps(PyErr),
}

impl Refusal {
    /// Of what [`Data::of`] has made an error.
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

/// All pieces, none of which is written before the last was looked at.
pub fn pieces<'py>(list_of_data: &Bound<'py, PyAny>) -> Result<Vec<Data<'py>>, Refusal> {
    if cfg!(Py_3_12) {
        views(list_of_data)
    } else {
        joined(list_of_data).map_err(Refusal::Raised)
    }
}

/// A view of each. What is no buffer at all comes first.
fn views<'py>(list_of_data: &Bound<'py, PyAny>) -> Result<Vec<Data<'py>>, Refusal> {
    let py = list_of_data.py();
    let mut pieces = Vec::new();
    let mut gaps = None;
    for data in list_of_data.try_iter()? {
        let data = data?;
        let piece = match Data::of(&data) {
            Some(piece) => piece,
            None if !data.is_truthy()? && leaves_out_false(py)? => continue,
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

/// Pieces as they are if all are of the usual types, otherwise what `bytes.join` makes of them.
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

/// Whether the running asyncio leaves out what is false before it asks what it is, as patch releases do since gh-155888:
/// found out from what its own method does with a stand-in for a transport.
fn leaves_out_false(py: Python<'_>) -> PyResult<bool> {
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
