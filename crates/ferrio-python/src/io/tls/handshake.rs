//! The handshake: from the new connection to `connection_made`.

use pyo3::exceptions::{PyConnectionResetError, PyException};
use pyo3::intern;
use pyo3::prelude::*;

use super::TlsProtocol;
use super::session::Advance;
use super::state::{AppStage, Stage};
use crate::kernel::event_loop::Loop;
use crate::{base::imports, cpython};

impl TlsProtocol {
    /// Begins the handshake and starts its timer.
    pub(super) fn start_handshake(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        Self::log_debug(slf, "%r starts SSL handshake")?;
        let start = if me.debug() {
            Some(Loop::now(me.event_loop.bind(py))?)
        } else {
            None
        };
        me.state.with(py, |state| state.handshake_start = start);
        me.set_stage(py, Stage::Handshake)?;
        let check = slf.getattr(intern!(py, "_check_handshake_timeout"))?;
        let timer = me.call_later(py, &me.handshake_timeout, check)?;
        me.state
            .with(py, |state| state.handshake_timer = Some(timer));
        Self::do_handshake(slf)
    }

    /// Continues the handshake as far as the received ciphertext allows.
    pub(super) fn do_handshake(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        match slf.get().session.advance(py, "do_handshake") {
            Ok(Advance::Done) => Self::on_handshake_complete(slf, Ok(())),
            Ok(Advance::Again(error)) => {
                cpython::handling(py, &error, || Self::process_outgoing(slf))
            }
            Err(error) if error.is_instance(py, imports::ssl_error(py)?) => {
                cpython::handling(py, &error, || {
                    Self::on_handshake_complete(slf, Err(error.clone_ref(py)))
                })
            }
            Err(error) => Err(error),
        }
    }

    /// Fails the handshake, since the peer has closed the connection.
    pub(super) fn on_handshake_eof(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::on_handshake_complete(slf, Err(PyConnectionResetError::new_err(())))
    }

    fn on_handshake_complete(slf: &Bound<'_, Self>, outcome: PyResult<()>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        me.cancel_handshake_timer(py)?;
        match outcome.and_then(|()| me.finish_handshake(py)) {
            Ok(()) => (),
            Err(error) if error.is_instance_of::<PyException>(py) => {
                return cpython::handling(py, &error, || Self::on_handshake_failed(slf, &error));
            }
            Err(error) => return Err(error),
        }
        if let Some(start) = me.state.with(py, |state| state.handshake_start)
            && me.debug()
        {
            let milliseconds = (Loop::now(me.event_loop.bind(py))? - start) * 1e3;
            imports::logger(py)?.call_method1(
                "debug",
                ("%r: SSL handshake took %.1f ms", slf, milliseconds),
            )?;
        }
        me.describe_session(py)?;
        let first = me.state.with(py, |state| {
            let first = state.app_stage == AppStage::Init;
            if first {
                state.app_stage = AppStage::ConnectionMade;
            }
            first
        });
        if first && let Some(protocol) = me.app_protocol(py) {
            let transport = Self::app_transport(slf)?;
            protocol.call_method1(intern!(py, "connection_made"), (transport,))?;
        }
        me.wake_waiter(py, None)?;
        Self::do_read(slf)
    }

    /// Completes a handshake that OpenSSL has finished. Raises an exception if the certificate is not acceptable.
    fn finish_handshake(&self, py: Python<'_>) -> PyResult<()> {
        self.set_stage(py, Stage::Wrapped)?;
        let certificate = self
            .session
            .object(py)
            .call_method0(intern!(py, "getpeercert"))?;
        let extra = self.extra(py);
        extra
            .bind(py)
            .set_item(intern!(py, "peercert"), certificate)
    }

    /// Adds the extra information that exists only after the handshake.
    fn describe_session(&self, py: Python<'_>) -> PyResult<()> {
        let object = self.session.object(py);
        let cipher = object.call_method0(intern!(py, "cipher"))?;
        let compression = object.call_method0(intern!(py, "compression"))?;
        let extra = self.extra(py);
        let extra = extra.bind(py);
        extra.set_item(intern!(py, "cipher"), cipher)?;
        extra.set_item(intern!(py, "compression"), compression)?;
        extra.set_item(intern!(py, "ssl_object"), object)
    }

    fn on_handshake_failed(slf: &Bound<'_, Self>, error: &PyErr) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        me.set_stage(py, Stage::Unwrapped)?;
        let message = if error.is_instance(py, imports::certificate_error(py)?) {
            "SSL handshake failed on verifying the certificate"
        } else {
            "SSL handshake failed"
        };
        let exception = error.value(py).clone().into_any().unbind();
        Self::fatal_error(slf, Some(&exception), message)?;
        me.wake_waiter(py, Some(&exception))
    }

    /// Finishes the future of the handshake, once, unless it was cancelled.
    pub(super) fn wake_waiter(
        &self,
        py: Python<'_>,
        exception: Option<&Py<PyAny>>,
    ) -> PyResult<()> {
        let Some(waiter) = self.state.with(py, |state| state.waiter.take()) else {
            return Ok(());
        };
        let waiter = waiter.bind(py);
        if waiter.call_method0(intern!(py, "cancelled"))?.is_truthy()? {
            return Ok(());
        }
        match exception {
            Some(exception) => waiter.call_method1(intern!(py, "set_exception"), (exception,))?,
            None => waiter.call_method1(intern!(py, "set_result"), (py.None(),))?,
        };
        Ok(())
    }

    pub(super) fn cancel_handshake_timer(&self, py: Python<'_>) -> PyResult<()> {
        match self.state.with(py, |state| state.handshake_timer.take()) {
            Some(timer) => timer.call_method0(py, intern!(py, "cancel")).map(drop),
            None => Ok(()),
        }
    }
}
