//! The attributes that only datagram transports have.

use pyo3::exceptions::PyNotImplementedError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyList, PyType};

use super::{DatagramTransport, HEADER_SIZE};
use crate::base::imports;

/// Returns the value of `__class__`: a class that is both a `Transport` and a `DatagramTransport`.
///
/// For `isinstance`, asyncio's datagram transports are stream transports too (and `DatagramTransport`s only since Python
/// 3.12), but asyncio has no public class that is both.
fn isinstance_class(py: Python<'_>) -> PyResult<Py<PyAny>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let class = CLASS.get_or_try_init(py, || {
        let bases = (
            imports::transport_class(py)?,
            imports::datagram_transport_class(py)?,
        );
        let namespace = PyDict::new(py);
        namespace.set_item("__module__", "ferrio")?;
        namespace.set_item("__slots__", ())?;
        let class = py
            .get_type::<PyType>()
            .call1(("DatagramTransport", bases, namespace))?;
        PyResult::Ok(class.unbind())
    })?;
    Ok(class.clone_ref(py))
}

#[pymethods]
impl DatagramTransport {
    #[getter(__class__)]
    fn class(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        isinstance_class(slf.py())
    }

    // asyncio's class inherits the methods of a stream's transport without implementing them.

    #[staticmethod]
    fn write(_data: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(PyNotImplementedError::new_err(()))
    }

    #[staticmethod]
    fn writelines(_list_of_data: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(PyNotImplementedError::new_err(()))
    }

    #[staticmethod]
    fn write_eof() -> PyResult<()> {
        Err(PyNotImplementedError::new_err(()))
    }

    #[staticmethod]
    fn can_write_eof() -> PyResult<bool> {
        Err(PyNotImplementedError::new_err(()))
    }

    #[classattr]
    #[pyo3(name = "_header_size")]
    const HEADER_SIZE_ATTRIBUTE: usize = HEADER_SIZE;

    #[classattr]
    #[pyo3(name = "_buffer_factory")]
    fn buffer_factory(py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(imports::deque(py)?.clone().unbind())
    }

    /// The queue, as a `deque` of pairs (data, address).
    #[getter(_buffer)]
    fn get_buffer<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let queue: Vec<_> = self.state.with(py, |state| {
            let queue = state.queue.iter();
            queue
                .map(|(data, to)| (data.as_ref().to_vec(), to.clone_ref(py)))
                .collect()
        });
        let datagrams = PyList::empty(py);
        for (data, to) in queue {
            datagrams.append((PyBytes::new(py, &data), to.as_object(py)?))?;
        }
        imports::deque(py)?.call1((datagrams,))
    }

    /// Send queued datagrams, as if the kernel had reported that it takes more.
    #[pyo3(name = "_sendto_ready")]
    fn sendto_ready(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::on_writable(slf)
    }

    #[getter(_address)]
    fn get_address(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.address.as_ref().map(|address| address.clone_ref(py))
    }

    #[getter(_buffer_size)]
    fn get_buffer_size(&self, py: Python<'_>) -> usize {
        self.state.with(py, |state| state.queue.size())
    }

    #[cfg(Py_3_15)]
    #[getter(_context)]
    fn get_context(&self) -> Option<Py<PyAny>> {
        None
    }

    #[getter(_server)]
    fn get_server(&self) -> Option<Py<PyAny>> {
        None
    }
}
