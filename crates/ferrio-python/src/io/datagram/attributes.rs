//! What asyncio's class has for users and for the standard library to read.

use std::os::fd::RawFd;

use pyo3::exceptions::PyNotImplementedError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple, PyType};

use super::{DatagramTransport, HEADER_SIZE};
use crate::io::outgoing::set_limits;
use crate::io::transport::{Portrait, TransportPhase};
use crate::kernel::event_loop::{Loop, READ_SIZE};
use crate::{base::imports, io::extra_info};

impl DatagramTransport {
    /// The representation, also for a transport that is being deallocated.
    pub(super) fn describe(&self, py: Python<'_>) -> String {
        let (phase, queued) = self
            .state
            .with(py, |state| (state.phase, state.queue.size()));
        let portrait = Portrait {
            class: "DatagramTransport",
            phase,
            fd: self.fd,
            paused: false,
            buffered: queued,
        };
        portrait.describe(py, self.event_loop.get())
    }
}

/// The class that `__class__` answers. asyncio's datagram transports are stream transports too, for `isinstance` (and
/// datagram transports only since Python 3.12), but no public class of its is both.
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
    /// Return the information called name ('socket', 'sockname', 'peername'), or default if there is none.
    #[pyo3(signature = (name, default = None))]
    fn get_extra_info<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyAny>,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let extra = slf.get().get_extra(slf.py());
        extra_info::look_up(slf, extra.bind(slf.py()), name, default)
    }

    /// Set the protocol that is told from now on.
    fn set_protocol(&self, protocol: Bound<'_, PyAny>) {
        let py = protocol.py();
        let protocol = protocol.unbind();
        let old = self
            .state
            .with(py, |state| state.protocol.replace(protocol));
        drop(old);
    }

    /// Return the protocol, or None once connection_lost() was called.
    fn get_protocol(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.protocol(py).map(Bound::unbind)
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        self.describe(py)
    }

    #[getter(__class__)]
    fn class(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        isinstance_class(slf.py())
    }

    /// What a transport of a stream has asyncio's has, too, and refuses.
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
    #[pyo3(name = "max_size")]
    const MAX_SIZE: usize = READ_SIZE;

    #[classattr]
    #[pyo3(name = "_header_size")]
    const HEADER_SIZE_ATTRIBUTE: usize = HEADER_SIZE;

    #[classattr]
    #[pyo3(name = "_buffer_factory")]
    fn buffer_factory(py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(imports::deque(py)?.clone().unbind())
    }

    /// What waits to leave: a `deque` of data and addresses.
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

    #[getter(_high_water)]
    fn get_high_water(&self, py: Python<'_>) -> usize {
        self.state.with(py, |state| state.flow.limits().1)
    }

    #[getter(_low_water)]
    fn get_low_water(&self, py: Python<'_>) -> usize {
        self.state.with(py, |state| state.flow.limits().0)
    }

    #[pyo3(name = "_set_write_buffer_limits", signature = (high = None, low = None))]
    fn set_write_buffer_limits_only(
        &self,
        py: Python<'_>,
        high: Option<isize>,
        low: Option<isize>,
    ) -> PyResult<()> {
        self.state
            .with(py, |state| set_limits(&mut state.flow, high, low))
    }

    #[pyo3(name = "_maybe_pause_protocol")]
    fn maybe_pause_protocol_method(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::maybe_pause_protocol(slf)
    }

    #[pyo3(name = "_maybe_resume_protocol")]
    fn maybe_resume_protocol_method(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::maybe_resume_protocol(slf)
    }

    /// A transport has a protocol from the beginning.
    #[getter(_protocol_connected)]
    fn get_protocol_connected(&self) -> bool {
        true
    }

    /// Receive once, as when something has arrived.
    #[pyo3(name = "_read_ready")]
    fn read_ready(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::on_readable(slf)
    }

    /// Send what waits, as when the kernel takes more.
    #[pyo3(name = "_sendto_ready")]
    fn sendto_ready(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::on_writable(slf)
    }

    /// Watch a descriptor while the transport reads.
    #[pyo3(name = "_add_reader", signature = (fd, callback, *args))]
    fn add_reader(
        &self,
        fd: Bound<'_, PyAny>,
        callback: Bound<'_, PyAny>,
        args: &Bound<'_, PyTuple>,
    ) -> PyResult<()> {
        let py = fd.py();
        if self.state.with(py, |state| {
            state.phase != TransportPhase::Open || state.paused
        }) {
            return Ok(());
        }
        let first = PyTuple::new(py, [fd, callback])?;
        let all = first.as_sequence().concat(args.as_sequence())?.to_tuple()?;
        self.event_loop.bind(py).call_method1("_add_reader", all)?;
        Ok(())
    }

    #[getter(_loop)]
    fn get_loop(&self, py: Python<'_>) -> Option<Py<Loop>> {
        (self.phase(py) != TransportPhase::Closed).then(|| self.event_loop.clone_ref(py))
    }

    #[getter(_sock)]
    fn get_sock(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.sock(py).map(Bound::unbind)
    }

    #[getter(_sock_fd)]
    fn get_sock_fd(&self) -> RawFd {
        self.fd
    }

    #[getter(_address)]
    fn get_address(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.address.as_ref().map(|address| address.clone_ref(py))
    }

    #[getter(_extra)]
    fn get_extra(&self, py: Python<'_>) -> Py<PyDict> {
        self.state.with(py, |state| state.extra.clone_ref(py))
    }

    #[setter(_extra)]
    fn set_extra(&self, py: Python<'_>, extra: Py<PyDict>) {
        let replace = |old: &mut _| std::mem::replace(old, extra);
        let old = self.state.with(py, |state| replace(&mut state.extra));
        drop(old);
    }

    #[getter(_protocol)]
    fn get_protocol_attribute(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.get_protocol(py)
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
