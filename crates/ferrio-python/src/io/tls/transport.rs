//! [`TlsTransport`]: the transport of the application (CPython: `asyncio.sslproto._SSLProtocolTransport`).

use std::ffi::CStr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use pyo3::PyTraverseError;
use pyo3::exceptions::{PyNotImplementedError, PyTypeError};
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::{PyWeakrefMethods, PyWeakrefReference};

use super::TlsProtocol;
use super::running_version::Release;
use super::state::{Limits, READ_HIGH, State, WRITE_HIGH};
use crate::base::cell::AttachedCell;
use crate::cpython::ByteView;
use crate::io::outgoing::{Chunk, Data, Refusal};
use crate::kernel::event_loop::Loop;
use crate::{base::imports, base::warning, cpython};

/// A transport's reference to its protocol.
enum Link {
    Strong(Py<TlsProtocol>),
    /// After a second `close`: an application that keeps the transport does not keep the memory of the connection.
    Weak(Py<PyWeakrefReference>),
}

/// A transport whose data is encrypted.
#[pyclass(module = "ferrio", frozen, weakref, dict)]
pub struct TlsTransport {
    event_loop: Py<Loop>,
    link: AttachedCell<Link>,
    /// Whether the transport was closed, or has issued its warning.
    pub(super) closed: AtomicBool,
}

impl TlsTransport {
    pub fn new(event_loop: Py<Loop>, protocol: Py<TlsProtocol>) -> Self {
        Self {
            event_loop,
            link: AttachedCell::new(Link::Strong(protocol)),
            closed: AtomicBool::new(false),
        }
    }

    /// Returns the protocol, if it is alive.
    fn protocol<'py>(&self, py: Python<'py>) -> Option<Bound<'py, TlsProtocol>> {
        let weak = self.link.with(py, |link| match link {
            Link::Strong(protocol) => Ok(protocol.bind(py).clone()),
            Link::Weak(reference) => Err(reference.bind(py).clone()),
        });
        match weak {
            Ok(protocol) => Some(protocol),
            Err(reference) => reference.upgrade_as().ok().flatten(),
        }
    }

    /// Calls `f` with the protocol, if it is alive.
    fn with_protocol(
        &self,
        py: Python<'_>,
        f: impl FnOnce(&Bound<'_, TlsProtocol>) -> PyResult<()>,
    ) -> PyResult<()> {
        match self.protocol(py) {
            Some(protocol) => f(&protocol),
            None => Ok(()),
        }
    }

    /// Returns the value of `f` for the state of the connection, or `default` if the protocol is not alive.
    fn read_state<T>(&self, py: Python<'_>, default: T, f: impl FnOnce(&State) -> T) -> T {
        match self.protocol(py) {
            Some(protocol) => protocol.get().state.with(py, |state| f(state)),
            None => default,
        }
    }

    /// Raises the exception for data that cannot be written, or ends the connection, as asyncio does when OpenSSL refuses a
    /// buffer that is not contiguous.
    #[cold]
    fn refuse(&self, py: Python<'_>, refusal: Refusal) -> PyResult<()> {
        match refusal {
            Refusal::Raised(error) => Err(error),
            Refusal::Gaps(error) => self.with_protocol(py, |tls| TlsProtocol::refuse(tls, error)),
        }
    }

    /// Makes the reference to the protocol a weak one.
    fn weaken_link(&self, py: Python<'_>) -> PyResult<()> {
        let Some(protocol) = self.protocol(py) else {
            return Ok(());
        };
        let weak = Link::Weak(PyWeakrefReference::new(&protocol)?.unbind());
        drop(self.link.replace(py, weak));
        Ok(())
    }
}

/// Makes an immutable chunk of the data.
fn chunk(data: &Bound<'_, PyAny>) -> PyResult<Chunk> {
    let py = data.py();
    let data = match Data::of(data) {
        Some(data) => data?,
        None => Data::View(ByteView::readable(data)?),
    };
    Ok(data.into_chunk(py, 0))
}

#[pymethods]
impl TlsTransport {
    /// Return the information of this name ('ssl_object', 'peercert', 'cipher', 'peername', …), or default.
    #[pyo3(signature = (name, default = None))]
    fn get_extra_info<'py>(
        &self,
        py: Python<'py>,
        name: &Bound<'py, PyAny>,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self.protocol(py) {
            Some(protocol) => protocol.get().extra_info(py, name, default),
            None => Ok(default),
        }
    }

    /// Set the protocol whose methods are called from now on.
    fn set_protocol(&self, protocol: Bound<'_, PyAny>) -> PyResult<()> {
        self.with_protocol(protocol.py(), |tls| {
            tls.get().set_app_protocol(protocol.clone())
        })
    }

    /// Return the protocol, or None once the connection is lost.
    fn get_protocol<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.protocol(py)?.get().app_protocol(py)
    }

    /// Return whether the transport is closing or closed.
    fn is_closing(&self, py: Python<'_>) -> PyResult<bool> {
        if self.closed.load(Relaxed) {
            return Ok(true);
        }
        if !Release::get(py)?.closing_with_transport {
            return Ok(false);
        }
        let underlying = self
            .protocol(py)
            .and_then(|protocol| protocol.get().underlying(py));
        match underlying {
            Some(underlying) => underlying.is_closing(py),
            None => Ok(false),
        }
    }

    /// Close the connection once all data has been sent and the peer has answered the TLS shutdown, at the latest after the
    /// shutdown timeout; then connection_lost() is called.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        if self.closed.swap(true, Relaxed) {
            return self.weaken_link(py);
        }
        self.with_protocol(py, TlsProtocol::start_shutdown)
    }

    /// Close the connection at once; unsent data is lost. connection_lost(None) is called.
    fn abort(&self, py: Python<'_>) -> PyResult<()> {
        self.force_close(py, None)
    }

    #[pyo3(name = "_force_close")]
    fn force_close(&self, py: Python<'_>, exc: Option<Py<PyAny>>) -> PyResult<()> {
        self.closed.store(true, Relaxed);
        self.with_protocol(py, |protocol| TlsProtocol::abort(protocol, exc.as_ref()))
    }

    /// Return True if pause_reading() was not called.
    fn is_reading(&self, py: Python<'_>) -> bool {
        self.read_state(py, true, |state| !state.reading.app_paused)
    }

    /// Stop calling data_received() until resume_reading().
    fn pause_reading(&self, py: Python<'_>) -> PyResult<()> {
        self.with_protocol(py, |protocol| {
            protocol.get().pause_reading(py);
            Ok(())
        })
    }

    /// Call data_received() again.
    fn resume_reading(&self, py: Python<'_>) -> PyResult<()> {
        self.with_protocol(py, TlsProtocol::resume_reading)
    }

    /// Write bytes, a bytearray or a memoryview; does not block and may be called any number of times.
    ///
    /// Raises TypeError for other types.
    fn write(&self, data: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = data.py();
        let Some(data) = Data::of(data) else {
            return Err(PyTypeError::new_err(format!(
                "data: expecting a bytes-like instance, got {}",
                data.get_type().name()?
            )));
        };
        let data = match data {
            Ok(data) => data,
            Err(error) => return self.refuse(py, Refusal::of(py, error)),
        };
        if data.bytes(py).is_empty() {
            return Ok(());
        }
        let chunks = std::iter::once(data.into_chunk(py, 0));
        self.with_protocol(py, |protocol| TlsProtocol::write_appdata(protocol, chunks))
    }

    /// Write an iterable of bytes-like objects.
    fn writelines(&self, list_of_data: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = list_of_data.py();
        let chunks = list_of_data
            .try_iter()?
            .map(|data| chunk(&data?))
            .collect::<PyResult<Vec<_>>>();
        let chunks = match chunks {
            Ok(chunks) => chunks,
            Err(error) => return self.refuse(py, Refusal::of(py, error)),
        };
        self.with_protocol(py, |protocol| {
            TlsProtocol::write_appdata(protocol, chunks.into_iter())
        })
    }

    /// Raise NotImplementedError: the writing side of TLS cannot be closed alone.
    fn write_eof(&self) -> PyResult<()> {
        Err(PyNotImplementedError::new_err(()))
    }

    /// Return False.
    fn can_write_eof(&self) -> bool {
        false
    }

    /// Return the number of bytes that were written and not yet passed to the underlying transport.
    fn get_write_buffer_size(&self, py: Python<'_>) -> PyResult<usize> {
        let Some(protocol) = self.protocol(py) else {
            return Ok(0);
        };
        TlsProtocol::flush(&protocol)?;
        protocol.get().write_buffer_size(py)
    }

    /// Return the (low, high) limits of the flow control of writing, in bytes.
    fn get_write_buffer_limits(&self, py: Python<'_>) -> (usize, usize) {
        self.read_state(py, (0, 0), |state| {
            (state.writing.limits.low, state.writing.limits.high)
        })
    }

    /// Set the limits of the flow control of writing, in bytes. Raises ValueError unless 0 <= low <= high.
    #[pyo3(signature = (high = None, low = None))]
    fn set_write_buffer_limits(
        &self,
        py: Python<'_>,
        high: Option<i64>,
        low: Option<i64>,
    ) -> PyResult<()> {
        let limits = Limits::new(high, low, WRITE_HIGH)?;
        self.with_protocol(py, |protocol| {
            TlsProtocol::flush(protocol)?;
            let state = &protocol.get().state;
            state.with(py, |state| state.writing.limits = limits);
            TlsProtocol::control_app_writing(protocol)
        })
    }

    /// Return the number of bytes of ciphertext that were received and not decrypted.
    fn get_read_buffer_size(&self, py: Python<'_>) -> PyResult<usize> {
        match self.protocol(py) {
            Some(protocol) => protocol.get().session.incoming_len(py),
            None => Ok(0),
        }
    }

    /// Return the (low, high) limits of the flow control of reading, in bytes.
    fn get_read_buffer_limits(&self, py: Python<'_>) -> (usize, usize) {
        self.read_state(py, (0, 0), |state| {
            (state.reading.limits.low, state.reading.limits.high)
        })
    }

    /// Set the limits of the flow control of reading, in bytes: the underlying transport is paused at high and resumed
    /// at low. Raises ValueError unless 0 <= low <= high.
    #[pyo3(signature = (high = None, low = None))]
    fn set_read_buffer_limits(
        &self,
        py: Python<'_>,
        high: Option<i64>,
        low: Option<i64>,
    ) -> PyResult<()> {
        let limits = Limits::new(high, low, READ_HIGH)?;
        self.with_protocol(py, |protocol| {
            let state = &protocol.get().state;
            state.with(py, |state| state.reading.limits = limits);
            TlsProtocol::control_ssl_reading(protocol)
        })
    }

    /// Append data to the backlog without encrypting it, for CPython's own tests.
    #[pyo3(name = "_test__append_write_backlog")]
    fn append_write_backlog(&self, data: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = data.py();
        let chunk = chunk(data)?;
        self.with_protocol(py, |protocol| {
            let state = &protocol.get().state;
            state.with(py, |state| state.writing.backlog.push(chunk));
            Ok(())
        })
    }

    #[getter(_protocol_paused)]
    fn get_protocol_paused(&self, py: Python<'_>) -> bool {
        self.read_state(py, false, |state| state.writing.app_paused)
    }

    #[getter(_ssl_protocol)]
    fn get_ssl_protocol<'py>(&self, py: Python<'py>) -> Option<Bound<'py, TlsProtocol>> {
        self.protocol(py)
    }

    #[getter(_loop)]
    fn get_loop(&self, py: Python<'_>) -> Py<Loop> {
        self.event_loop.clone_ref(py)
    }

    #[getter(_closed)]
    fn get_closed(&self) -> bool {
        self.closed.load(Relaxed)
    }

    #[setter(_closed)]
    fn set_closed(&self, closed: bool) {
        self.closed.store(closed, Relaxed);
    }

    #[getter(_start_tls_compatible)]
    fn get_start_tls_compatible(&self) -> bool {
        true
    }

    #[getter(_sendfile_compatible)]
    fn get_sendfile_compatible<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        imports::sendfile_mode(py)?.getattr("FALLBACK")
    }

    #[getter(__class__)]
    fn class(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        Ok(imports::ssl_transport(slf.py())?.clone().unbind())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.event_loop)?;
        self.link.visit(&visit, |link| match link {
            Link::Strong(protocol) => visit.call(protocol),
            Link::Weak(reference) => visit.call(reference),
        })
    }
}

impl cpython::Finalize for TlsTransport {
    #[inline]
    fn is_settled(slf: &Bound<'_, Self>) -> bool {
        slf.get().closed.load(Relaxed)
    }

    const WARNER: Option<&'static CStr> = Some(c"_warnings");

    /// Issues a `ResourceWarning` for a transport that the program has not closed.
    fn finalize(slf: &Bound<'_, Self>, warner: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        if slf.get().closed.swap(true, Relaxed) {
            return Ok(());
        }
        let text = "unclosed transport <ferrio.TlsTransport object>";
        warning::warn(
            imports::warn_of_tls(slf.py()),
            text.to_owned(),
            None,
            warner,
        )
    }
}
