//! The methods and attributes of transports that write: those of asyncio's `_FlowControlMixin`, and `_buffer`.

use pyo3::prelude::*;
use pyo3::types::PyByteArray;

use super::{Outgoing, deque_of};

impl Outgoing {
    /// Makes the `_buffer` of a socket: a `deque` of pieces, before Python 3.12 a `bytearray`.
    pub fn as_pieces(py: Python<'_>, pieces: Vec<Vec<u8>>) -> PyResult<Bound<'_, PyAny>> {
        if cfg!(not(Py_3_12)) {
            return Ok(Self::as_bytes(py, &pieces).into_any());
        }
        deque_of(py, &pieces)
    }

    /// Makes the `_buffer` of a pipe: a `bytearray`.
    pub fn as_bytes<'py>(py: Python<'py>, pieces: &[Vec<u8>]) -> Bound<'py, PyByteArray> {
        PyByteArray::new(py, &pieces.concat())
    }
}

/// The methods of asyncio's `_FlowControlMixin`, and those that go with them.
///
/// The class is a [`Transport`](crate::io::connection::Transport) with `maybe_pause_protocol` and `maybe_resume_protocol`;
/// its state has a method `flow` as [`Outgoing`] has.
macro_rules! flow_control_methods {
    ($class:ident) => {
        #[pymethods]
        impl $class {
            /// Return the number of bytes that have been written and not yet taken by the kernel.
            fn get_write_buffer_size(slf: &Bound<'_, Self>) -> PyResult<usize> {
                Self::send_collected(slf)?;
                Ok(slf.get().state.with(slf.py(), |state| state.flow().1))
            }

            /// Return the (low, high) limits of flow control in bytes.
            fn get_write_buffer_limits(&self, py: Python<'_>) -> (usize, usize) {
                self.state.with(py, |state| state.flow().0.limits())
            }

            /// Set the limits of flow control in bytes: pause_writing() above high, resume_writing() at low or below.
            ///
            /// Raises ValueError unless 0 <= low <= high.
            #[pyo3(signature = (high = None, low = None))]
            fn set_write_buffer_limits(
                slf: &Bound<'_, Self>,
                high: Option<isize>,
                low: Option<isize>,
            ) -> PyResult<()> {
                slf.get()
                    .set_write_buffer_limits_only(slf.py(), high, low)?;
                Self::send_collected(slf)?;
                Self::maybe_pause_protocol(slf)
            }

            #[getter(_high_water)]
            fn get_high_water(&self, py: Python<'_>) -> usize {
                self.get_write_buffer_limits(py).1
            }

            #[getter(_low_water)]
            fn get_low_water(&self, py: Python<'_>) -> usize {
                self.get_write_buffer_limits(py).0
            }

            #[getter(_protocol_paused)]
            fn get_protocol_paused(&self, py: Python<'_>) -> bool {
                self.state.with(py, |state| state.flow().0.is_paused())
            }

            #[pyo3(name = "_set_write_buffer_limits", signature = (high = None, low = None))]
            fn set_write_buffer_limits_only(
                &self,
                py: Python<'_>,
                high: Option<isize>,
                low: Option<isize>,
            ) -> PyResult<()> {
                self.state.with(py, |state| {
                    crate::io::outgoing::set_limits(state.flow().0, high, low)
                })
            }

            #[pyo3(name = "_maybe_pause_protocol")]
            fn maybe_pause_protocol_method(slf: &Bound<'_, Self>) -> PyResult<()> {
                Self::send_collected(slf)?;
                Self::maybe_pause_protocol(slf)
            }

            #[pyo3(name = "_maybe_resume_protocol")]
            fn maybe_resume_protocol_method(slf: &Bound<'_, Self>) -> PyResult<()> {
                Self::send_collected(slf)?;
                Self::maybe_resume_protocol(slf)
            }
        }
    };
}

/// The attributes of a [`Writer`](super::Writer) that keeps its [`Outgoing`] in the field `outgoing` of its state, and
/// [`flow_control_methods`]; `$as_object` makes the value of `_buffer`.
macro_rules! writer_attributes {
    ($class:ident, |$py:ident, $pieces:ident| $as_object:expr) => {
        crate::io::outgoing::flow_control_methods!($class);

        #[pymethods]
        impl $class {
            #[getter(_buffer)]
            fn get_buffer<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
                Self::flush(slf)?;
                let $py = slf.py();
                let $pieces = slf.get().state.with($py, |state| state.outgoing.pieces());
                $as_object
            }

            /// Send buffered data, as if the kernel had reported that it takes more.
            #[pyo3(name = "_write_ready")]
            fn write_ready(slf: &Bound<'_, Self>) -> PyResult<()> {
                Self::on_writable(slf)
            }
        }
    };
}

pub(crate) use {flow_control_methods, writer_attributes};
