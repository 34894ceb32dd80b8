//! [`TlsProtocol`]: the protocol of the underlying transport (CPython: `asyncio.sslproto.SSLProtocol`).

use pyo3::PyTraverseError;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyDict};

use super::TlsTransport;
use super::session::{self, Session};
use super::state::{AppStage, AppTransport, Delivery, Stage, State};
use super::underlying::Underlying;
use crate::base::cell::AttachedCell;
use crate::base::imports;
use crate::cpython::ByteView;
use crate::kernel::event_loop::{Loop, READ_SIZE};

/// A protocol for any transport, which decrypts received data for another protocol.
#[pyclass(module = "ferrio", frozen, weakref, dict)]
pub struct TlsProtocol {
    pub(super) event_loop: Py<Loop>,
    pub(super) session: Session,
    pub(super) context: Py<PyAny>,
    /// The timeouts in seconds, as the program has passed them: an error message shows them.
    pub(super) handshake_timeout: Py<PyAny>,
    pub(super) shutdown_timeout: Py<PyAny>,
    pub(super) state: AttachedCell<State>,
}

/// Ciphertext on its way from a buffer into OpenSSL.
pub enum Accepted {
    /// It is in the memory BIO, unless there was no memory.
    Fed(PyResult<()>),
    /// It has to be written to the memory BIO by a Python method.
    Unfed(Box<[u8]>),
}

impl TlsProtocol {
    /// Accepts ciphertext from a buffer that is borrowed, without running Python code. [`TlsProtocol::on_accepted`] has to
    /// follow with the result.
    pub fn accept(&self, py: Python<'_>, data: &[u8]) -> Accepted {
        match self.session.unshared() {
            Some(connection) => Accepted::Fed(connection.feed(py, data)),
            None => Accepted::Unfed(data.into()),
        }
    }

    /// Decrypts and delivers what [`TlsProtocol::accept`] has accepted.
    pub fn on_accepted(slf: &Bound<'_, Self>, accepted: Accepted) -> PyResult<()> {
        match accepted {
            Accepted::Fed(outcome) => outcome?,
            Accepted::Unfed(data) => slf.get().session.feed(slf.py(), &data)?,
        }
        Self::on_fed(slf)
    }

    pub(super) fn stage(&self, py: Python<'_>) -> Stage {
        self.state.with(py, |state| state.stage)
    }

    pub(super) fn set_stage(&self, py: Python<'_>, next: Stage) -> PyResult<()> {
        self.state.with(py, |state| {
            state.stage.check(next)?;
            state.stage = next;
            Ok(())
        })
    }

    pub(super) fn app_protocol<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.state
            .get_bound(py, |state| state.app_protocol.as_ref())
    }

    pub(super) fn underlying(&self, py: Python<'_>) -> Option<Underlying> {
        self.state.with(py, |state| {
            let underlying = state.underlying.as_ref()?;
            Some(underlying.clone_ref(py))
        })
    }

    pub(super) fn extra(&self, py: Python<'_>) -> Py<PyDict> {
        self.state.with(py, |state| state.extra.clone_ref(py))
    }

    pub(super) fn debug(&self) -> bool {
        self.event_loop.get().debug()
    }

    pub(super) fn log_debug(slf: &Bound<'_, Self>, message: &str) -> PyResult<()> {
        if slf.get().debug() {
            imports::logger(slf.py())?.call_method1("debug", (message, slf))?;
        }
        Ok(())
    }

    pub(super) fn call_later(
        &self,
        py: Python<'_>,
        delay: &Py<PyAny>,
        callback: Bound<'_, PyAny>,
    ) -> PyResult<Py<PyAny>> {
        let timer = self
            .event_loop
            .bind(py)
            .call_method1(intern!(py, "call_later"), (delay, callback))?;
        Ok(timer.unbind())
    }

    pub(super) fn set_app_protocol(&self, protocol: Bound<'_, PyAny>) -> PyResult<()> {
        let py = protocol.py();
        let delivery = if protocol.is_instance(imports::buffered_protocol(py)?)? {
            Delivery::Buffer
        } else {
            Delivery::Bytes
        };
        let old = self.state.with(py, |state| {
            state.delivery = delivery;
            state.app_protocol.replace(protocol.unbind())
        });
        drop(old);
        Ok(())
    }

    /// Returns the application's transport, and makes it if it does not exist. Returns `None` once the connection is lost.
    pub(super) fn app_transport(slf: &Bound<'_, Self>) -> PyResult<Option<Py<TlsTransport>>> {
        let py = slf.py();
        let state = &slf.get().state;
        let made = state.with(py, |state| match &state.app_transport {
            AppTransport::Unmade => None,
            AppTransport::Made(transport) => Some(Some(transport.clone_ref(py))),
            AppTransport::Gone => Some(None),
        });
        if let Some(transport) = made {
            return Ok(transport);
        }
        let transport = Py::new(
            py,
            TlsTransport::new(slf.get().event_loop.clone_ref(py), slf.clone().unbind()),
        )?;
        let made = AppTransport::Made(transport.clone_ref(py));
        let old = state.with(py, |state| {
            std::mem::replace(&mut state.app_transport, made)
        });
        drop(old);
        Ok(Some(transport))
    }

    /// Returns the extra information about TLS of this name, or that of the underlying transport.
    pub(super) fn extra_info<'py>(
        &self,
        py: Python<'py>,
        name: &Bound<'py, PyAny>,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        if let Some(value) = self.extra(py).bind(py).get_item(name)? {
            if value.is(self.session.object(py)) {
                self.session.share(py)?;
            }
            return Ok(Some(value));
        }
        match self.underlying(py) {
            Some(underlying) => underlying
                .as_any(py)
                .call_method1(intern!(py, "get_extra_info"), (name, default))
                .map(Some),
            None => Ok(default),
        }
    }
}

/// Checks a timeout in seconds, or returns asyncio's default.
fn timeout(
    py: Python<'_>,
    seconds: Option<Bound<'_, PyAny>>,
    name: &str,
    default: &str,
) -> PyResult<Py<PyAny>> {
    let Some(seconds) = seconds else {
        let constants = py.import("asyncio.constants")?;
        return Ok(constants.getattr(default)?.unbind());
    };
    if seconds.le(0)? {
        return Err(PyValueError::new_err(format!(
            "{name} should be a positive number, got {}",
            seconds.str()?
        )));
    }
    Ok(seconds.unbind())
}

#[pymethods]
impl TlsProtocol {
    #[new]
    #[pyo3(signature = (r#loop, app_protocol, sslcontext, waiter = None, server_side = false, server_hostname = None,
        call_connection_made = true, ssl_handshake_timeout = None, ssl_shutdown_timeout = None))]
    #[allow(
        clippy::too_many_arguments,
        clippy::fn_params_excessive_bools,
        reason = "asyncio's signature"
    )]
    fn new<'py>(
        r#loop: Bound<'py, Loop>,
        app_protocol: Bound<'py, PyAny>,
        sslcontext: Option<Bound<'py, PyAny>>,
        waiter: Option<Bound<'py, PyAny>>,
        server_side: bool,
        server_hostname: Option<Bound<'py, PyAny>>,
        call_connection_made: bool,
        ssl_handshake_timeout: Option<Bound<'py, PyAny>>,
        ssl_shutdown_timeout: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Self> {
        let py = r#loop.py();
        let handshake_timeout = timeout(
            py,
            ssl_handshake_timeout,
            "ssl_handshake_timeout",
            "SSL_HANDSHAKE_TIMEOUT",
        )?;
        let shutdown_timeout = timeout(
            py,
            ssl_shutdown_timeout,
            "ssl_shutdown_timeout",
            "SSL_SHUTDOWN_TIMEOUT",
        )?;
        let hostname = match server_hostname {
            Some(name) if name.is_truthy()? => Some(name),
            _ => None,
        };
        let context = match sslcontext {
            Some(context) if context.is_truthy()? => context,
            _ => imports::create_transport_context(py)?.call1((server_side, &hostname))?,
        };
        let hostname = hostname.filter(|_| !server_side);
        let session = Session::new(&context, server_side, hostname.as_ref())?;
        let extra = PyDict::new(py);
        extra.set_item(intern!(py, "sslcontext"), &context)?;
        let app_stage = if call_connection_made {
            AppStage::Init
        } else {
            AppStage::ConnectionMade
        };
        let protocol = Self {
            event_loop: r#loop.unbind(),
            session,
            context: context.unbind(),
            handshake_timeout,
            shutdown_timeout,
            state: AttachedCell::new(State::new(
                app_stage,
                waiter.map(Bound::unbind),
                extra.unbind(),
            )),
        };
        protocol.set_app_protocol(app_protocol)?;
        Ok(protocol)
    }

    /// Start the handshake.
    fn connection_made(slf: &Bound<'_, Self>, transport: Bound<'_, PyAny>) -> PyResult<()> {
        let underlying = Underlying::new(transport);
        let old = slf
            .get()
            .state
            .with(slf.py(), |state| state.underlying.replace(underlying));
        drop(old);
        Self::start_handshake(slf)
    }

    fn connection_lost(slf: &Bound<'_, Self>, exc: Option<Py<PyAny>>) -> PyResult<()> {
        Self::on_connection_lost(slf, exc.as_ref())
    }

    /// Return a buffer for ciphertext. Transports of ferrio do not need it.
    pub(super) fn get_buffer<'py>(
        &self,
        py: Python<'py>,
        sizehint: isize,
    ) -> PyResult<Bound<'py, PyAny>> {
        let _ = sizehint;
        let buffer = self.state.get_bound(py, |state| state.ssl_buffer.as_ref());
        if let Some(buffer) = buffer {
            return Ok(buffer);
        }
        let buffer = PyByteArray::new_with(py, READ_SIZE, |_| Ok(()))?;
        let view = imports::memory_view(py)?.call1((buffer,))?;
        let kept = view.clone().unbind();
        let old = self.state.with(py, |state| state.ssl_buffer.replace(kept));
        drop(old);
        Ok(view)
    }

    fn buffer_updated(slf: &Bound<'_, Self>, nbytes: usize) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let view = ByteView::readable(&me.get_buffer(py, -1)?)?;
        let data = view.bytes(py);
        me.session.feed(py, &data[..nbytes.min(data.len())])?;
        drop(view);
        Self::on_fed(slf)
    }

    fn eof_received(slf: &Bound<'_, Self>) -> PyResult<bool> {
        Self::on_eof(slf)
    }

    fn pause_writing(&self, py: Python<'_>) -> PyResult<()> {
        self.pause_ssl_writing(py)
    }

    fn resume_writing(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::resume_ssl_writing(slf)
    }

    #[pyo3(name = "_get_app_transport", signature = (context = None))]
    fn get_app_transport_method(
        slf: &Bound<'_, Self>,
        context: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<TlsTransport>> {
        drop(context);
        Self::app_transport(slf)?
            .ok_or_else(|| PyRuntimeError::new_err("Creating _SSLProtocolTransport twice"))
    }

    #[getter(_app_transport)]
    fn get_app_transport(slf: &Bound<'_, Self>) -> PyResult<Option<Py<TlsTransport>>> {
        Self::app_transport(slf)
    }

    #[pyo3(name = "_wakeup_waiter", signature = (exc = None))]
    fn wakeup_waiter(&self, py: Python<'_>, exc: Option<Py<PyAny>>) -> PyResult<()> {
        self.wake_waiter(py, exc.as_ref())
    }

    #[pyo3(name = "_set_app_protocol")]
    fn set_app_protocol_method(&self, app_protocol: Bound<'_, PyAny>) -> PyResult<()> {
        self.set_app_protocol(app_protocol)
    }

    #[pyo3(name = "_get_extra_info", signature = (name, default = None))]
    fn get_extra_info<'py>(
        &self,
        py: Python<'py>,
        name: &Bound<'py, PyAny>,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.extra_info(py, name, default)
    }

    #[pyo3(name = "_start_handshake")]
    fn start_handshake_method(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::start_handshake(slf)
    }

    #[pyo3(name = "_start_shutdown")]
    fn start_shutdown_method(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::start_shutdown(slf)
    }

    #[pyo3(name = "_abort", signature = (exc = None))]
    fn abort_method(slf: &Bound<'_, Self>, exc: Option<Py<PyAny>>) -> PyResult<()> {
        Self::abort(slf, exc.as_ref())
    }

    #[pyo3(name = "_fatal_error", signature = (exc, message = "Fatal error on transport"))]
    fn fatal_error_method(
        slf: &Bound<'_, Self>,
        exc: Option<Py<PyAny>>,
        message: &str,
    ) -> PyResult<()> {
        Self::fatal_error(slf, exc.as_ref(), message)
    }

    #[pyo3(name = "_check_handshake_timeout")]
    fn check_handshake_timeout(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::on_handshake_timeout(slf)
    }

    #[pyo3(name = "_check_shutdown_timeout")]
    fn check_shutdown_timeout(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::on_shutdown_timeout(slf)
    }

    #[pyo3(name = "_do_read")]
    fn do_read_method(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::do_read(slf)
    }

    #[pyo3(name = "_on_resumed")]
    fn on_resumed_method(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::on_resumed(slf)
    }

    /// Whether data bypasses the methods of the SSLObject.
    #[getter(_direct)]
    fn get_direct(&self) -> bool {
        self.session.is_direct()
    }

    /// Set whether data of new connections may bypass the methods of the SSLObject. For tests.
    #[staticmethod]
    #[pyo3(name = "_allow_direct")]
    fn allow_direct(allowed: bool) {
        session::allow_direct(allowed);
    }

    #[getter(__class__)]
    fn class(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        Ok(imports::ssl_protocol(slf.py())?.clone().unbind())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.event_loop)?;
        visit.call(&self.context)?;
        self.session.traverse(visit)?;
        self.state.visit(&visit, |state| {
            if let Some(underlying) = &state.underlying {
                underlying.traverse(visit)?;
            }
            if let AppTransport::Made(transport) = &state.app_transport {
                visit.call(transport)?;
            }
            visit.call(&state.app_protocol)?;
            visit.call(&state.waiter)?;
            visit.call(&state.extra)?;
            visit.call(&state.handshake_timer)?;
            visit.call(&state.shutdown_timer)?;
            visit.call(&state.ssl_buffer)
        })
    }

    /// Breaks the reference cycles through the application and the transports.
    fn __clear__(&self) {
        Python::attach(|py| {
            let references = self.state.with(py, |state| {
                (
                    state.underlying.take(),
                    std::mem::replace(&mut state.app_transport, AppTransport::Gone),
                    state.app_protocol.take(),
                    state.waiter.take(),
                    state.handshake_timer.take(),
                    state.shutdown_timer.take(),
                    state.ssl_buffer.take(),
                )
            });
            drop(references);
        });
    }
}
