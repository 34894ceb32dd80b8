//! Sending: `write`, `writelines`, `write_eof`, and the future that `sendfile` awaits.

use std::io;

use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::intern;
use pyo3::prelude::*;

use super::SocketTransport;
use crate::base::errors::os_error;
use crate::cpython;
use crate::io::connection::{Transport, TransportPhase};
use crate::io::outgoing::{
    Data, Outgoing, Refusal, Sink, Writer, pieces, warn_of_lost_socket_write,
};
use crate::kernel::event_loop::{Action, Callback, Direction, Loop, Unflushed};

static WRITABLE: Action = Action::of("writing to", |object| {
    SocketTransport::on_writable(object.cast()?)
});

impl Writer for SocketTransport {
    fn outgoing<R>(&self, py: Python<'_>, f: impl FnOnce(&mut Outgoing) -> R) -> Option<R> {
        // An `f` that is not called is dropped after the borrow: it may own references.
        let mut f = Some(f);
        self.state.with(py, |state| {
            if state.connection.phase.is_lost() {
                return None;
            }
            f.take().map(|f| f(&mut state.outgoing))
        })
    }

    fn sink(&self) -> Sink {
        Sink::Socket(self.fd)
    }

    fn when_writable(slf: &Bound<'_, Self>) -> Callback {
        Callback::action(&WRITABLE, slf)
    }

    fn when_iteration_ends(slf: &Bound<'_, Self>) -> Unflushed {
        Unflushed::new(slf, |transport| Self::on_iteration_end(transport.cast()?))
    }

    fn write_failed(slf: &Bound<'_, Self>, error: &io::Error) -> PyResult<()> {
        let py = slf.py();
        let error = os_error(py, error);
        cpython::handling(py, &error, || {
            Self::fail(slf, &error, "Fatal write error on socket transport")?;
            slf.get().finish_empty_waiter(py, Err(error.clone_ref(py)))
        })
    }

    fn write_lost(&self, py: Python<'_>) -> PyResult<()> {
        let lost_writes = self.state.with(py, |state| {
            state.lost_writes += 1;
            state.lost_writes
        });
        warn_of_lost_socket_write(py, lost_writes)
    }
}

impl SocketTransport {
    /// Writes the output of TLS over this transport.
    pub fn write_ciphertext(slf: &Bound<'_, Self>, data: Data<'_>) -> PyResult<()> {
        slf.get().check_writable(slf.py(), "write")?;
        Self::write_data(slf, data)
    }

    /// Sends buffered data. The loop calls this when the socket is writable again.
    pub fn on_writable(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if me.phase(py).is_lost() {
            return Ok(());
        }
        let sink = me.sink();
        let sent = me.outgoing(py, |outgoing| outgoing.send(sink));
        me.in_context(py, || match sent {
            Some(Err(error)) => Self::write_failed(slf, &error),
            _ => Self::after_sending(slf),
        })
    }

    /// Sends what was written in an iteration. The loop calls this at the iteration's end.
    pub fn on_iteration_end(slf: &Bound<'_, Self>) -> PyResult<()> {
        slf.get().in_context(slf.py(), || Self::flush(slf))
    }

    /// Acts on the buffer having shrunk: resumes the protocol, and closes or shuts down if the buffer is empty and that was
    /// asked for.
    fn after_sending(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        // resume_writing may write again.
        Self::maybe_resume_protocol(slf)?;
        let drained = me.outgoing(py, Outgoing::unblock).unwrap_or(true);
        if !drained {
            return Ok(());
        }
        me.stop_watching(py, Direction::Write)?;
        me.finish_empty_waiter(py, Ok(()))?;
        let (phase, eof) = me
            .state
            .with(py, |state| (state.connection.phase, state.eof));
        match phase {
            TransportPhase::Draining => {
                me.set_phase(py, TransportPhase::Lost);
                Self::lose_connection(slf, None)
            }
            TransportPhase::Open if eof => me.shut_down_writing(py),
            _ => Ok(()),
        }
    }

    /// Raises the exception, or ends the connection because of a buffer with gaps, which the socket would refuse.
    #[cold]
    fn refuse(slf: &Bound<'_, Self>, refusal: Refusal) -> PyResult<()> {
        let error = match refusal {
            Refusal::Raised(error) => return Err(error),
            Refusal::Gaps(error) => error,
        };
        Self::flush(slf)?;
        let me = slf.get();
        match me.outgoing(slf.py(), |_| ()) {
            Some(()) => Self::fail(slf, &error, "Fatal write error on socket transport"),
            None => me.write_lost(slf.py()),
        }
    }

    /// Shuts down the writing side (`shutdown(2)`).
    fn shut_down_writing(&self, py: Python<'_>) -> PyResult<()> {
        if let Some(sock) = self.get_sock(py) {
            sock.call_method1(py, intern!(py, "shutdown"), (libc::SHUT_WR,))?;
        }
        Ok(())
    }

    /// Finishes the future that waits for the buffer to be empty, if there is one.
    pub(super) fn finish_empty_waiter(
        &self,
        py: Python<'_>,
        outcome: PyResult<()>,
    ) -> PyResult<()> {
        let waiter = self.state.get_ref(py, |state| state.empty_waiter.as_ref());
        let Some(waiter) = waiter else {
            return Ok(());
        };
        let waiter = waiter.bind(py);
        if waiter.call_method0(intern!(py, "done"))?.is_truthy()? {
            return Ok(());
        }
        match outcome {
            Ok(()) => waiter.call_method1(intern!(py, "set_result"), (py.None(),))?,
            Err(error) => waiter.call_method1(intern!(py, "set_exception"), (error,))?,
        };
        Ok(())
    }

    /// Raises `RuntimeError` if `method` may not be called: after `write_eof`, or while a file is being sent.
    fn check_writable(&self, py: Python<'_>, method: &str) -> PyResult<()> {
        let (eof, sending_file) = self
            .state
            .with(py, |state| (state.eof, state.empty_waiter.is_some()));
        if eof {
            return Err(PyRuntimeError::new_err(format!(
                "Cannot call {method}() after write_eof()"
            )));
        }
        if sending_file {
            return Err(PyRuntimeError::new_err(format!(
                "unable to {method}; sendfile is in progress"
            )));
        }
        Ok(())
    }
}

#[pymethods]
impl SocketTransport {
    /// Write bytes, a bytearray or a memoryview; does not block and may be called any number of times.
    ///
    /// Raises TypeError for other types, RuntimeError after write_eof() or while a file is being sent.
    pub fn write(slf: &Bound<'_, Self>, data: &Bound<'_, PyAny>) -> PyResult<()> {
        match Data::new(data) {
            Ok(data) => {
                slf.get().check_writable(slf.py(), "write")?;
                Self::write_data(slf, data)
            }
            Err(error) if error.is_instance_of::<PyTypeError>(slf.py()) => Err(error),
            Err(error) => {
                slf.get().check_writable(slf.py(), "write")?;
                Self::refuse(slf, Refusal::of(slf.py(), error))
            }
        }
    }

    /// Write an iterable of bytes-like objects.
    fn writelines(slf: &Bound<'_, Self>, list_of_data: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if cfg!(Py_3_12) {
            me.check_writable(py, "writelines")?;
            if !list_of_data.is_truthy()? {
                return Ok(());
            }
            if me.outgoing(py, |_| ()).is_none() {
                return me.write_lost(py);
            }
        }
        let pieces = match pieces(list_of_data) {
            Ok(pieces) => pieces,
            Err(refusal) => return Self::refuse(slf, refusal),
        };
        if cfg!(not(Py_3_12)) {
            me.check_writable(py, "write")?;
        }
        pieces
            .into_iter()
            .try_for_each(|data| Self::write_data(slf, data))
    }

    /// Close the writing side once everything written has been sent; data may still arrive.
    fn write_eof(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        Self::flush(slf)?;
        let now = me.state.with(py, |state| {
            let open = state.connection.phase == TransportPhase::Open;
            let first = open && !std::mem::replace(&mut state.eof, true);
            first && state.outgoing.is_empty()
        });
        if now {
            me.shut_down_writing(py)
        } else {
            Ok(())
        }
    }

    /// Return True: a stream socket can be closed one way.
    fn can_write_eof(&self) -> bool {
        true
    }

    #[pyo3(name = "_make_empty_waiter")]
    pub fn make_empty_waiter(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        let me = slf.get();
        if me.state.with(py, |state| state.empty_waiter.is_some()) {
            return Err(PyRuntimeError::new_err("Empty waiter is already set"));
        }
        Self::flush(slf)?;
        let waiter = Loop::create_future(me.event_loop(py))?.into_any().unbind();
        let empty = me.state.with(py, |state| {
            state.empty_waiter = Some(waiter.clone_ref(py));
            state.outgoing.is_empty()
        });
        if empty {
            me.finish_empty_waiter(py, Ok(()))?;
        }
        Ok(waiter)
    }

    #[pyo3(name = "_reset_empty_waiter")]
    pub fn reset_empty_waiter(&self, py: Python<'_>) {
        let waiter = self.state.with(py, |state| state.empty_waiter.take());
        drop(waiter);
    }

    #[getter(_eof)]
    fn get_eof(&self, py: Python<'_>) -> bool {
        self.state.with(py, |state| state.eof)
    }
}
