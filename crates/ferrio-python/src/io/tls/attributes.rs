//! The private attributes of `TlsProtocol`, under asyncio's names.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::TlsProtocol;
use super::state::{AppStage, AppTransport, Delivery, Limits, READ_HIGH, State, WRITE_HIGH};
use crate::base::attributes::object_attribute;
use crate::base::imports;
use crate::io::outgoing::{copy_pieces, deque_of};
use crate::kernel::event_loop::{Loop, READ_SIZE};

#[pymethods]
impl TlsProtocol {
    #[classattr]
    #[pyo3(name = "max_size")]
    const MAX_SIZE: usize = READ_SIZE;

    #[getter(_loop)]
    fn get_loop(&self, py: Python<'_>) -> Py<Loop> {
        self.event_loop.clone_ref(py)
    }

    #[getter(_app_protocol)]
    fn get_app_protocol<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.app_protocol(py)
    }

    #[getter(_app_protocol_is_buffer)]
    fn get_app_protocol_is_buffer(&self, py: Python<'_>) -> bool {
        self.state
            .with(py, |state| state.delivery == Delivery::Buffer)
    }

    #[getter(_app_transport_created)]
    fn get_app_transport_created(&self, py: Python<'_>) -> bool {
        self.state.with(py, |state| {
            !matches!(state.app_transport, AppTransport::Unmade)
        })
    }

    #[getter(_transport)]
    fn get_transport<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        let underlying = self.underlying(py)?;
        Some(underlying.as_any(py).clone())
    }

    #[getter(_sslcontext)]
    fn get_sslcontext(&self, py: Python<'_>) -> Py<PyAny> {
        self.context.clone_ref(py)
    }

    #[getter(_sslobj)]
    fn get_sslobj<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.session.share(py)?;
        Ok(self.session.object(py).clone())
    }

    #[getter(_server_side)]
    fn get_server_side<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.session.object(py).getattr(intern!(py, "server_side"))
    }

    #[getter(_server_hostname)]
    fn get_server_hostname<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let name = intern!(py, "server_hostname");
        self.session.object(py).getattr(name)
    }

    #[getter(_incoming)]
    fn get_incoming(&self, py: Python<'_>) -> Py<PyAny> {
        self.session.incoming().clone_ref(py)
    }

    #[getter(_outgoing)]
    fn get_outgoing(&self, py: Python<'_>) -> Py<PyAny> {
        self.session.outgoing().clone_ref(py)
    }

    #[getter(_extra)]
    fn get_extra(&self, py: Python<'_>) -> Py<PyDict> {
        self.extra(py)
    }

    #[setter(_extra)]
    fn set_extra(&self, py: Python<'_>, extra: Py<PyDict>) {
        let replace = |old: &mut _| std::mem::replace(old, extra);
        let old = self.state.with(py, |state| replace(&mut state.extra));
        drop(old);
    }

    #[getter(_ssl_handshake_timeout)]
    fn get_handshake_timeout(&self, py: Python<'_>) -> Py<PyAny> {
        self.handshake_timeout.clone_ref(py)
    }

    #[getter(_ssl_shutdown_timeout)]
    fn get_shutdown_timeout(&self, py: Python<'_>) -> Py<PyAny> {
        self.shutdown_timeout.clone_ref(py)
    }

    #[getter(_handshake_start_time)]
    fn get_handshake_start(&self, py: Python<'_>) -> Option<f64> {
        self.state.with(py, |state| state.handshake_start)
    }

    /// The state of the connection, as a member of asyncio's enumeration.
    #[getter(_state)]
    fn get_state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        imports::ssl_protocol_module(py)?
            .getattr("SSLProtocolState")?
            .getattr(self.stage(py).name())
    }

    /// The state of the application's protocol, as a member of asyncio's enumeration.
    #[getter(_app_state)]
    fn get_app_state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let name = match self.state.with(py, |state| state.app_stage) {
            AppStage::Init => "STATE_INIT",
            AppStage::ConnectionMade => "STATE_CON_MADE",
            AppStage::EofReceived => "STATE_EOF",
            AppStage::ConnectionLost => "STATE_CON_LOST",
        };
        imports::ssl_protocol_module(py)?
            .getattr("AppProtocolState")?
            .getattr(name)
    }

    #[getter(_conn_lost)]
    fn get_conn_lost(&self, py: Python<'_>) -> u32 {
        self.state.with(py, |state| state.lost_writes)
    }

    #[getter(_eof_received)]
    fn get_eof_received(&self, py: Python<'_>) -> bool {
        self.state.with(py, |state| state.reading.eof)
    }

    #[getter(_app_reading_paused)]
    fn get_app_reading_paused(&self, py: Python<'_>) -> bool {
        self.state.with(py, |state| state.reading.app_paused)
    }

    #[getter(_ssl_reading_paused)]
    fn get_ssl_reading_paused(&self, py: Python<'_>) -> bool {
        self.state.with(py, |state| state.reading.ssl_paused)
    }

    #[getter(_app_writing_paused)]
    fn get_app_writing_paused(&self, py: Python<'_>) -> bool {
        self.state.with(py, |state| state.writing.app_paused)
    }

    #[getter(_ssl_writing_paused)]
    fn get_ssl_writing_paused(&self, py: Python<'_>) -> bool {
        self.state.with(py, |state| state.writing.ssl_paused)
    }

    #[getter(_incoming_high_water)]
    fn get_incoming_high_water(&self, py: Python<'_>) -> usize {
        self.state.with(py, |state| state.reading.limits.high)
    }

    #[getter(_incoming_low_water)]
    fn get_incoming_low_water(&self, py: Python<'_>) -> usize {
        self.state.with(py, |state| state.reading.limits.low)
    }

    #[getter(_outgoing_high_water)]
    fn get_outgoing_high_water(&self, py: Python<'_>) -> usize {
        self.state.with(py, |state| state.writing.limits.high)
    }

    #[getter(_outgoing_low_water)]
    fn get_outgoing_low_water(&self, py: Python<'_>) -> usize {
        self.state.with(py, |state| state.writing.limits.low)
    }

    /// Plaintext that waits to be encrypted.
    #[getter(_write_backlog)]
    fn get_write_backlog<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        Self::flush(slf)?;
        let py = slf.py();
        let copy = |state: &mut State| copy_pieces(&state.writing.backlog);
        let pieces = slf.get().state.with(py, copy);
        deque_of(py, &pieces)
    }

    /// The number of bytes of plaintext that wait to be encrypted.
    #[getter(_write_buffer_size)]
    fn get_backlog_size(slf: &Bound<'_, Self>) -> PyResult<usize> {
        Self::flush(slf)?;
        let size = |state: &mut State| state.writing.backlog.len();
        Ok(slf.get().state.with(slf.py(), size))
    }

    /// The buffer that a foreign transport reads into.
    #[getter(_ssl_buffer)]
    fn get_ssl_buffer<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.get_buffer(py, -1)?.getattr(intern!(py, "obj"))
    }

    #[getter(_ssl_buffer_view)]
    fn get_ssl_buffer_view<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.get_buffer(py, -1)
    }

    #[pyo3(name = "_get_read_buffer_size")]
    fn get_read_buffer_size(&self, py: Python<'_>) -> PyResult<usize> {
        self.session.incoming_len(py)
    }

    #[pyo3(name = "_get_write_buffer_size")]
    fn get_write_buffer_size(slf: &Bound<'_, Self>) -> PyResult<usize> {
        Self::flush(slf)?;
        slf.get().write_buffer_size(slf.py())
    }

    #[pyo3(name = "_set_read_buffer_limits", signature = (high = None, low = None))]
    fn set_read_buffer_limits(
        &self,
        py: Python<'_>,
        high: Option<i64>,
        low: Option<i64>,
    ) -> PyResult<()> {
        let limits = Limits::new(high, low, READ_HIGH)?;
        self.state.with(py, |state| state.reading.limits = limits);
        Ok(())
    }

    #[pyo3(name = "_set_write_buffer_limits", signature = (high = None, low = None))]
    fn set_write_buffer_limits(
        &self,
        py: Python<'_>,
        high: Option<i64>,
        low: Option<i64>,
    ) -> PyResult<()> {
        let limits = Limits::new(high, low, WRITE_HIGH)?;
        self.state.with(py, |state| state.writing.limits = limits);
        Ok(())
    }

    #[pyo3(name = "_pause_reading")]
    fn pause_reading_method(&self, py: Python<'_>) {
        self.pause_reading(py);
    }

    #[pyo3(name = "_resume_reading")]
    fn resume_reading_method(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::resume_reading(slf)
    }

    #[pyo3(name = "_control_ssl_reading")]
    fn control_ssl_reading_method(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::control_ssl_reading(slf)
    }

    #[pyo3(name = "_control_app_writing")]
    fn control_app_writing_method(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::control_app_writing(slf)
    }

    #[pyo3(name = "_do_handshake")]
    fn do_handshake_method(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::do_handshake(slf)
    }

    #[pyo3(name = "_do_write")]
    fn do_write_method(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::do_write(slf)
    }

    #[pyo3(name = "_do_flush")]
    fn do_flush_method(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::do_flush(slf)
    }

    #[pyo3(name = "_do_shutdown")]
    fn do_shutdown_method(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::do_shutdown(slf)
    }

    #[pyo3(name = "_process_outgoing")]
    fn process_outgoing_method(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::process_outgoing(slf)
    }

    #[pyo3(name = "_call_eof_received")]
    fn call_eof_received_method(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::call_eof_received(slf)
    }
}

object_attribute!(TlsProtocol, waiter, _waiter, get_waiter, set_waiter);
object_attribute!(
    TlsProtocol,
    handshake_timer,
    _handshake_timeout_handle,
    get_handshake_timer,
    set_handshake_timer
);
object_attribute!(
    TlsProtocol,
    shutdown_timer,
    _shutdown_timeout_handle,
    get_shutdown_timer,
    set_shutdown_timer
);
