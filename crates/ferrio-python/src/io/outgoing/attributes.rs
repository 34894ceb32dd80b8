//! The private attributes of transports that write, as asyncio's `_FlowControlMixin` and its transports have them.

use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyList};

use super::Outgoing;
use crate::base::imports;

impl Outgoing {
    /// What is buffered as asyncio's stream sockets have it: a `deque` of pieces, before Python 3.12 a `bytearray`.
    pub fn as_pieces(py: Python<'_>, pieces: Vec<Vec<u8>>) -> PyResult<Bound<'_, PyAny>> {
        if cfg!(not(Py_3_12)) {
            return Ok(Self::as_bytes(py, &pieces).into_any());
        }
        let pieces = pieces.iter().map(|piece| PyBytes::new(py, piece));
        imports::deque(py)?.call1((PyList::new(py, pieces.collect::<Vec<_>>())?,))
    }

    /// What is buffered in one piece, as asyncio's pipes have it.
    pub fn as_bytes<'py>(py: Python<'py>, pieces: &[Vec<u8>]) -> Bound<'py, PyByteArray> {
        PyByteArray::new(py, &pieces.concat())
    }
}

/// Water marks, flow control and the empty methods around it, for a class that is a [`Writer`](super::Writer) and has
/// its [`Outgoing`] in a field of its state; `as_object` makes the value of `_buffer`.
macro_rules! writer_attributes {
    ($class:ident, |$py:ident, $pieces:ident| $as_object:expr) => {
        #[pymethods]
        impl $class {
            #[getter(_buffer)]
            fn get_buffer<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
                Self::flush(slf)?;
                let $py = slf.py();
                let $pieces = slf.get().state.with($py, |state| state.outgoing.pieces());
                $as_object
            }

            #[getter(_high_water)]
            fn get_high_water(&self, py: Python<'_>) -> usize {
                self.state.with(py, |state| state.outgoing.limits().1)
            }

            #[getter(_low_water)]
            fn get_low_water(&self, py: Python<'_>) -> usize {
                self.state.with(py, |state| state.outgoing.limits().0)
            }

            #[pyo3(name = "_set_write_buffer_limits", signature = (high = None, low = None))]
            fn set_write_buffer_limits_only(
                &self,
                py: Python<'_>,
                high: Option<isize>,
                low: Option<isize>,
            ) -> PyResult<()> {
                self.state
                    .with(py, |state| state.outgoing.set_limits(high, low))
            }

            #[pyo3(name = "_maybe_pause_protocol")]
            fn maybe_pause_protocol_method(slf: &Bound<'_, Self>) -> PyResult<()> {
                Self::flush(slf)?;
                Self::maybe_pause_protocol(slf)
            }

            #[pyo3(name = "_maybe_resume_protocol")]
            fn maybe_resume_protocol_method(slf: &Bound<'_, Self>) -> PyResult<()> {
                Self::flush(slf)?;
                Self::maybe_resume_protocol(slf)
            }

            /// Send what is buffered, as when the kernel takes more.
            #[pyo3(name = "_write_ready")]
            fn write_ready(slf: &Bound<'_, Self>) -> PyResult<()> {
                Self::on_writable(slf)
            }
        }
    };
}

pub(crate) use writer_attributes;
