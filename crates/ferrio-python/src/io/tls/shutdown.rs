//! The end of a connection: `close`, `abort`, fatal errors, `connection_lost`.

use std::sync::atomic::Ordering::Relaxed;

use pyo3::exceptions::{PyConnectionAbortedError, PyException, PyOSError, PyTimeoutError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::TlsProtocol;
use super::running_version::Release;
use super::session::Advance;
use super::state::{AppStage, AppTransport, Stage};
use crate::io::fatal_error::fail;
use crate::kernel::event_loop::Loop;
use crate::{base::imports, cpython};

impl TlsProtocol {
    /// Begins the shutdown, unless one is going on. During the handshake, aborts the connection.
    pub(super) fn start_shutdown(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        Self::flush(slf)?;
        let stage = me.stage(py);
        if !matches!(stage, Stage::Handshake | Stage::Wrapped) {
            return Ok(());
        }
        me.mark_closed(py);
        if stage == Stage::Handshake {
            return Self::abort(slf, None);
        }
        me.set_stage(py, Stage::Flushing)?;
        Self::start_shutdown_timer(slf)?;
        Self::do_flush(slf)
    }

    fn start_shutdown_timer(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let check = slf.getattr(intern!(py, "_check_shutdown_timeout"))?;
        let timer = me.call_later(py, &me.shutdown_timeout, check)?;
        let old = me
            .state
            .with(py, |state| state.shutdown_timer.replace(timer));
        drop(old);
        Ok(())
    }

    /// Delivers the data that has arrived, then exchanges `close_notify`.
    pub(super) fn do_flush(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::do_read(slf)?;
        slf.get().set_stage(slf.py(), Stage::Shutdown)?;
        Self::do_shutdown(slf)
    }

    /// Continues the exchange of `close_notify` as far as the received ciphertext allows.
    pub(super) fn do_shutdown(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let eof = me.state.with(py, |state| state.reading.eof);
        let outcome = if eof {
            Ok(Advance::Done)
        } else {
            me.session.advance(py, "unwrap")
        };
        match outcome {
            Ok(Advance::Done) => {
                Self::process_outgoing(slf)?;
                Self::call_eof_received(slf)?;
                Self::on_shutdown_complete(slf)
            }
            Ok(Advance::Again(error)) => {
                cpython::handling(py, &error, || Self::process_outgoing(slf))
            }
            Err(error) if error.is_instance(py, imports::ssl_error(py)?) => {
                cpython::handling(py, &error, || {
                    me.cancel_shutdown_timer(py)?;
                    Self::failed(slf, &error, "Fatal error on transport")
                })
            }
            Err(error) => Err(error),
        }
    }

    /// Closes the underlying transport in the next iteration, since both sides have sent `close_notify`.
    fn on_shutdown_complete(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if Release::get(py)?.shutdown_timeout_until_lost {
            // The transport sends its buffered data before it closes. A peer that does not read can delay this forever.
            if me.state.with(py, |state| state.shutdown_timer.is_none()) {
                Self::start_shutdown_timer(slf)?;
            }
        } else {
            me.cancel_shutdown_timer(py)?;
        }
        let Some(underlying) = me.underlying(py) else {
            return Ok(());
        };
        let event_loop = me.event_loop.bind(py);
        event_loop.get().check_open()?;
        let close = underlying.as_any(py).getattr(intern!(py, "close"))?;
        Loop::schedule(event_loop, close, PyTuple::empty(py), None)
    }

    /// Closes the connection without a shutdown.
    pub(super) fn abort(slf: &Bound<'_, Self>, exception: Option<&Py<PyAny>>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        Self::flush(slf)?;
        me.set_stage(py, Stage::Unwrapped)?;
        match me.underlying(py) {
            Some(underlying) => underlying.force_close(py, exception),
            None => Ok(()),
        }
    }

    /// Handles the end of the underlying stream. Returns whether the underlying transport has to stay open.
    pub(super) fn on_eof(slf: &Bound<'_, Self>) -> PyResult<bool> {
        let py = slf.py();
        let me = slf.get();
        Self::flush(slf)?;
        me.state.with(py, |state| state.reading.eof = true);
        let outcome = Self::end_at_eof(slf);
        if let Err(error) = &outcome
            && error.is_instance_of::<PyException>(py)
            && let Some(underlying) = me.underlying(py)
        {
            cpython::handling(py, error, || {
                let underlying = underlying.as_any(py);
                underlying.call_method0(intern!(py, "close"))
            })?;
        }
        outcome
    }

    /// Ends the connection at the end of the underlying stream, as its stage requires.
    fn end_at_eof(slf: &Bound<'_, Self>) -> PyResult<bool> {
        let py = slf.py();
        let me = slf.get();
        Self::log_debug(slf, "%r received EOF")?;
        match me.stage(py) {
            Stage::Unwrapped => (),
            Stage::Handshake => Self::on_handshake_eof(slf)?,
            Stage::Wrapped => {
                me.set_stage(py, Stage::Flushing)?;
                if me.state.with(py, |state| state.reading.app_paused) {
                    return Ok(true);
                }
                Self::do_flush(slf)?;
            }
            Stage::Flushing => {
                Self::do_write(slf)?;
                me.set_stage(py, Stage::Shutdown)?;
                Self::do_shutdown(slf)?;
            }
            Stage::Shutdown => Self::do_shutdown(slf)?,
        }
        Ok(false)
    }

    /// Schedules `connection_lost` of the application's protocol and drops all references.
    pub(super) fn on_connection_lost(
        slf: &Bound<'_, Self>,
        exception: Option<&Py<PyAny>>,
    ) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        me.mark_closed(py);
        drop(me.session.drain(py)?);
        let protocol = me.state.get_bound(py, |state| {
            state.writing.backlog.clear();
            state.writing.queued = false;
            state.lost_writes += 1;
            let is_connected = matches!(
                state.app_stage,
                AppStage::ConnectionMade | AppStage::EofReceived
            );
            if state.stage != Stage::Handshake && is_connected {
                state.app_stage = AppStage::ConnectionLost;
                state.app_protocol.as_ref()
            } else {
                None
            }
        });
        if let Some(protocol) = protocol {
            let event_loop = me.event_loop.bind(py);
            event_loop.get().check_open()?;
            let callback = protocol.getattr(intern!(py, "connection_lost"))?;
            Loop::schedule(event_loop, callback, PyTuple::new(py, [exception])?, None)?;
        }
        let references = me.state.with(py, |state| {
            state.stage = Stage::Unwrapped;
            (
                state.underlying.take(),
                std::mem::replace(&mut state.app_transport, AppTransport::Gone),
                state.app_protocol.take(),
                state.ssl_buffer.take(),
            )
        });
        drop(references);
        me.wake_waiter(py, exception)?;
        me.cancel_shutdown_timer(py)?;
        me.cancel_handshake_timer(py)
    }

    /// Ends the connection because of an exception, which is being handled meanwhile.
    pub(super) fn failed(slf: &Bound<'_, Self>, error: &PyErr, message: &str) -> PyResult<()> {
        fail(slf.py(), error, |exception| {
            Self::fatal_error(slf, Some(exception.as_unbound()), message)
        })
    }

    /// Ends the connection because of an exception. Reports it, unless it is an `OSError` or a cancellation.
    pub(super) fn fatal_error(
        slf: &Bound<'_, Self>,
        exception: Option<&Py<PyAny>>,
        message: &str,
    ) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let underlying = me.underlying(py);
        if let Some(underlying) = &underlying {
            underlying
                .as_any(py)
                .call_method1(intern!(py, "_force_close"), (exception,))?;
        }
        let error = exception.map(|exception| exception.bind(py));
        if error.is_some_and(PyAnyMethods::is_instance_of::<PyOSError>) {
            if me.debug() {
                let kwargs = PyDict::new(py);
                kwargs.set_item("exc_info", true)?;
                imports::logger(py)?.call_method(
                    "debug",
                    ("%r: %s", slf, message),
                    Some(&kwargs),
                )?;
            }
            return Ok(());
        }
        let cancelled = imports::cancelled_error(py)?;
        if error.is_some_and(|error| error.is_instance(cancelled).unwrap_or(false)) {
            return Ok(());
        }
        let context = PyDict::new(py);
        context.set_item("message", message)?;
        context.set_item("exception", error)?;
        context.set_item(
            "transport",
            underlying.as_ref().map(|underlying| underlying.as_any(py)),
        )?;
        context.set_item("protocol", slf)?;
        Loop::call_exception_handler(me.event_loop.bind(py), &context)
    }

    /// Ends the connection if the handshake is still going on.
    pub(super) fn on_handshake_timeout(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if me.stage(py) != Stage::Handshake {
            return Ok(());
        }
        let error = PyConnectionAbortedError::new_err(format!(
            "SSL handshake is taking longer than {} seconds: aborting the connection",
            me.handshake_timeout.bind(py).str()?
        ));
        let exception = error.into_value(py).into_any();
        Self::fatal_error(slf, Some(&exception), "Fatal error on transport")
    }

    /// Closes the underlying transport if the shutdown is still going on.
    pub(super) fn on_shutdown_timeout(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if !matches!(me.stage(py), Stage::Flushing | Stage::Shutdown) {
            return Ok(());
        }
        let error = PyTimeoutError::new_err("SSL shutdown timed out");
        let exception = error.into_value(py).into_any();
        match me.underlying(py) {
            Some(underlying) => underlying.force_close(py, Some(&exception)),
            None => Ok(()),
        }
    }

    fn cancel_shutdown_timer(&self, py: Python<'_>) -> PyResult<()> {
        match self.state.with(py, |state| state.shutdown_timer.take()) {
            Some(timer) => timer.call_method0(py, intern!(py, "cancel")).map(drop),
            None => Ok(()),
        }
    }

    /// Marks the application's transport as closed, so that it does not warn when it is collected.
    fn mark_closed(&self, py: Python<'_>) {
        self.state.with(py, |state| {
            if let AppTransport::Made(transport) = &state.app_transport {
                transport.get().closed.store(true, Relaxed);
            }
        });
    }
}
