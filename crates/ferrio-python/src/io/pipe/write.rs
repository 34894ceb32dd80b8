//! `WritePipeTransport`: the writing end of a pipe.

use std::ffi::CStr;
use std::io;

use ferrio::Interest;
use pyo3::PyTraverseError;
use pyo3::exceptions::{PyAssertionError, PyBrokenPipeError, PyBufferError, PyNotImplementedError};
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use rustix::fs::FileType;

use super::end::{End, Ends, PipePhase};
use crate::base::cell::AttachedCell;
use crate::base::errors::os_error;
use crate::io::outgoing::{
    Data, LOST_WRITES_LOG_THRESHOLD, Outgoing, Sink, Writer, writer_attributes,
};
use crate::io::protocol::{fail, report_fatal_error};
use crate::kernel::event_loop::{Action, Callback, Direction, Loop, Unflushed};
use crate::{base::imports, cpython};

static PEER_CLOSED: Action = Action::of("losing the peer of", |object| {
    WritePipeTransport::on_peer_closed(object.cast()?)
});

static WRITABLE: Action = Action::of("writing to", |object| {
    WritePipeTransport::on_writable(object.cast()?)
});

#[derive(Default)]
struct State {
    outgoing: Outgoing,
    /// asyncio's `_conn_lost`: how often writing has failed or data was written that could not be sent any more.
    lost_writes: u32,
}

/// A transport over the writing end of a pipe.
#[pyclass(module = "ferrio", frozen, weakref, dict)]
pub struct WritePipeTransport {
    end: End,
    /// The context in which the protocol's callbacks run.
    context: Py<PyAny>,
    state: AttachedCell<State>,
}

impl Writer for WritePipeTransport {
    fn outgoing<R>(&self, py: Python<'_>, f: impl FnOnce(&mut Outgoing) -> R) -> Option<R> {
        match self.end.phase(py) {
            PipePhase::Open | PipePhase::Draining => {
                Some(self.state.with(py, |state| f(&mut state.outgoing)))
            }
            PipePhase::Lost | PipePhase::Closed => None,
        }
    }

    fn sink(&self) -> Sink {
        Sink::File(self.end.fd())
    }

    fn event_loop<'py>(&self, py: Python<'py>) -> &Bound<'py, Loop> {
        self.end.event_loop(py)
    }

    fn protocol<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.end.protocol(py)
    }

    fn when_writable(slf: &Bound<'_, Self>) -> Callback {
        Callback::action(&WRITABLE, slf)
    }

    fn when_iteration_ends(slf: &Bound<'_, Self>) -> Unflushed {
        Unflushed::new(slf, |transport| Self::on_iteration_end(transport.cast()?))
    }

    fn write_failed(slf: &Bound<'_, Self>, error: &io::Error) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        // Writes that were collected behind the one that has failed are writes to a lost connection.
        let collected = me.state.with(py, |state| {
            state.lost_writes += 1;
            let collected = state.outgoing.chunk_count();
            state.outgoing.clear();
            collected
        });
        for _ in 1..collected {
            me.write_lost(py)?;
        }
        Self::failed(slf, &os_error(py, error))
    }

    fn write_lost(&self, py: Python<'_>) -> PyResult<()> {
        let lost_writes = self.state.with(py, |state| {
            state.lost_writes += 1;
            state.lost_writes
        });
        if lost_writes > LOST_WRITES_LOG_THRESHOLD {
            let message = "pipe closed by peer or os.write(pipe, data) raised exception.";
            imports::logger(py)?.call_method1(intern!(py, "warning"), (message,))?;
        }
        Ok(())
    }
}

impl WritePipeTransport {
    /// Makes a transport and schedules `connection_made`, then watching the other end, then the waiter.
    pub fn open<'py>(event_loop: &Bound<'py, Loop>, ends: Ends<'py>) -> PyResult<Bound<'py, Self>> {
        let py = event_loop.py();
        let refusal = "Pipe transport is only for pipes, sockets and character devices";
        let transport = Bound::new(
            py,
            Self {
                end: End::new(event_loop, &ends, refusal)?,
                context: cpython::copy_context(py)?,
                state: AttachedCell::default(),
            },
        )?;
        let me = transport.get();
        // The writing end of a pipe becomes readable when the other end is closed. A terminal has input of its own.
        let start = (me.end.kind() != FileType::CharacterDevice).then_some("_start_watching_peer");
        me.end.begin(&transport, start, ends)?;
        Ok(transport)
    }

    /// The loop calls this when the pipe can be written again.
    pub fn on_writable(slf: &Bound<'_, Self>) -> PyResult<()> {
        cpython::in_context(slf.get().context.bind(slf.py()), || Self::send_more(slf))
    }

    /// What was written in an iteration leaves at its end.
    pub fn on_iteration_end(slf: &Bound<'_, Self>) -> PyResult<()> {
        cpython::in_context(slf.get().context.bind(slf.py()), || Self::flush(slf))
    }

    fn send_more(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let sink = me.sink();
        match me.outgoing(py, |outgoing| outgoing.send(sink)) {
            None => return Ok(()),
            Some(Ok(())) => (),
            Some(Err(error)) => {
                me.end.stop_watching(py, Direction::Write)?;
                // These were not collected but accepted, so that they do not count as lost writes.
                me.state.with(py, |state| state.outgoing.clear());
                return Self::write_failed(slf, &error);
            }
        }
        if me.outgoing(py, Outgoing::unblock) != Some(true) {
            return Ok(());
        }
        me.end.stop_watching(py, Direction::Write)?;
        // Unlike a socket's, a pipe's protocol is told to resume when everything has left. It may write again.
        Self::maybe_resume_protocol(slf)?;
        let drained = me.outgoing(py, |outgoing| outgoing.is_empty()) == Some(true);
        if drained && me.end.phase(py) == PipePhase::Draining {
            me.end.set_phase(py, PipePhase::Lost);
            me.end.stop_watching(py, Direction::Read)?;
            return me.end.lose_connection(py, None);
        }
        Ok(())
    }

    /// The loop calls this when the writing end can be read: the other end is closed.
    pub fn on_peer_closed(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        Self::flush(slf)?;
        let Some(empty) = me.outgoing(py, |outgoing| outgoing.is_empty()) else {
            return Ok(());
        };
        me.end.log(slf, "info", "%r was closed by peer")?;
        let exception = (!empty).then(|| PyBrokenPipeError::new_err(()).into_value(py).into_any());
        Self::force_close(slf, exception)
    }

    /// Writing has raised an error.
    fn failed(slf: &Bound<'_, Self>, error: &PyErr) -> PyResult<()> {
        fail(slf.py(), error, |exc| {
            Self::fatal_error(slf, exc, "Fatal write error on pipe transport")
        })
    }

    /// Ends the connection because of an error.
    fn fatal_error(slf: &Bound<'_, Self>, exc: &Bound<'_, PyAny>, message: &str) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let event_loop = me.end.event_loop(py);
        let protocol = me.end.protocol(py);
        report_fatal_error(event_loop, slf, protocol.as_ref(), exc, message)?;
        Self::force_close(slf, Some(exc.clone().unbind()))
    }

    /// Drops what is buffered and schedules `connection_lost`, once.
    fn force_close(slf: &Bound<'_, Self>, exception: Option<Py<PyAny>>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if matches!(me.end.phase(py), PipePhase::Lost | PipePhase::Closed) {
            return Ok(());
        }
        me.state.with(py, |state| state.outgoing.clear());
        me.end.set_phase(py, PipePhase::Lost);
        me.end.stop_watching(py, Direction::Write)?;
        me.end.stop_watching(py, Direction::Read)?;
        me.end.schedule_connection_lost(slf, exception)
    }

    fn describe(&self, py: Python<'_>) -> String {
        self.end.describe(py, "WritePipeTransport", |event_loop| {
            let interest = event_loop.core(py, |core| core.interest(self.end.fd()));
            let polling = if interest.contains(Interest::WRITE) {
                "polling"
            } else {
                "idle"
            };
            let buffered = self.state.with(py, |state| state.outgoing.len());
            format!("{polling} bufsize={buffered}")
        })
    }
}

#[pymethods]
impl WritePipeTransport {
    /// Write bytes, a bytearray or a memoryview; does not block and may be called any number of times.
    ///
    /// Raises AssertionError for other types, as asyncio's transport does.
    fn write(slf: &Bound<'_, Self>, data: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = slf.py();
        match Data::of(data) {
            // Unlike a socket's, a pipe's data counts as lost from close() on.
            Some(Ok(data)) if !slf.get().end.is_open(py) && !data.bytes(py).is_empty() => {
                slf.get().write_lost(py)
            }
            Some(Ok(data)) => Self::write_data(slf, data),
            Some(Err(error)) if !error.is_instance_of::<PyBufferError>(py) => Err(error),
            Some(Err(error)) => {
                slf.get().state.with(py, |state| state.lost_writes += 1);
                Self::failed(slf, &error)
            }
            None => Err(PyAssertionError::new_err(data.repr()?.unbind())),
        }
    }

    /// Write an iterable of bytes-like objects.
    fn writelines(slf: &Bound<'_, Self>, list_of_data: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = slf.py();
        let joined = PyBytes::new(py, b"").call_method1(intern!(py, "join"), (list_of_data,))?;
        Self::write(slf, &joined)
    }

    /// Close the pipe once everything written has been sent; then connection_lost(None) is called.
    fn write_eof(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if !me.end.is_open(py) {
            return Ok(());
        }
        Self::flush(slf)?;
        // Nothing is left to do if sending has failed and closed the transport.
        if !me.end.is_open(py) {
            return Ok(());
        }
        if me.state.with(py, |state| !state.outgoing.is_empty()) {
            me.end.set_phase(py, PipePhase::Draining);
            return Ok(());
        }
        me.end.set_phase(py, PipePhase::Lost);
        me.end.stop_watching(py, Direction::Read)?;
        me.end.schedule_connection_lost(slf, None)
    }

    /// Return True: closing the pipe is the end of the stream.
    fn can_write_eof(&self) -> bool {
        true
    }

    /// Close the pipe once everything written has been sent; then connection_lost(None) is called.
    fn close(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::write_eof(slf)
    }

    /// Close the pipe at once; what the kernel has not taken is lost. connection_lost(None) is called.
    fn abort(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::flush(slf)?;
        Self::force_close(slf, None)
    }

    /// Return True if the transport is closing or closed.
    fn is_closing(&self, py: Python<'_>) -> bool {
        !self.end.is_open(py)
    }

    /// Return the number of bytes that have been written and not yet taken by the kernel.
    fn get_write_buffer_size(slf: &Bound<'_, Self>) -> PyResult<usize> {
        Self::flush(slf)?;
        Ok(slf.get().state.with(slf.py(), |state| state.outgoing.len()))
    }

    /// Return the (low, high) limits of flow control in bytes.
    fn get_write_buffer_limits(&self, py: Python<'_>) -> (usize, usize) {
        self.state.with(py, |state| state.outgoing.limits())
    }

    /// Set the limits of flow control in bytes: pause_writing() above high, resume_writing() when all has left.
    ///
    /// Raises ValueError unless 0 <= low <= high.
    #[pyo3(signature = (high = None, low = None))]
    fn set_write_buffer_limits(
        slf: &Bound<'_, Self>,
        high: Option<isize>,
        low: Option<isize>,
    ) -> PyResult<()> {
        slf.get()
            .state
            .with(slf.py(), |state| state.outgoing.set_limits(high, low))?;
        Self::flush(slf)?;
        Self::maybe_pause_protocol(slf)
    }

    /// Return the information called name ('pipe'), or default if there is none.
    #[pyo3(signature = (name, default = None))]
    fn get_extra_info<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyAny>,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        slf.get().end.extra_info(slf, name, default)
    }

    /// Set the protocol that is told from now on.
    fn set_protocol(&self, protocol: Bound<'_, PyAny>) {
        self.end.set_protocol(protocol);
    }

    /// Return the protocol, or None once the connection is lost.
    fn get_protocol(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.end.protocol(py).map(Bound::unbind)
    }

    #[getter(_protocol)]
    fn get_protocol_attribute(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.get_protocol(py)
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        self.describe(py)
    }

    /// asyncio.Transport, since asyncio's own is one too, though it does not read.
    #[getter(__class__)]
    fn class(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        Ok(imports::transport_class(slf.py())?.clone().unbind())
    }

    /// What a transport has that reads, too, asyncio's has and refuses.
    #[staticmethod]
    fn is_reading() -> PyResult<bool> {
        Err(PyNotImplementedError::new_err(()))
    }

    #[staticmethod]
    fn pause_reading() -> PyResult<()> {
        Err(PyNotImplementedError::new_err(()))
    }

    #[staticmethod]
    fn resume_reading() -> PyResult<()> {
        Err(PyNotImplementedError::new_err(()))
    }

    #[pyo3(name = "_start_watching_peer")]
    fn start_watching_peer(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if matches!(me.end.phase(py), PipePhase::Lost | PipePhase::Closed) {
            return Ok(());
        }
        let callback = Callback::action(&PEER_CLOSED, slf);
        let event_loop = me.end.event_loop(py).get();
        event_loop.watch(py, me.end.fd(), Direction::Read, callback)
    }

    #[pyo3(name = "_call_connection_lost")]
    fn call_connection_lost(&self, py: Python<'_>, exc: Option<Py<PyAny>>) -> PyResult<()> {
        self.end.lose_connection(py, exc)
    }

    #[pyo3(name = "_close", signature = (exc = None))]
    fn close_with(slf: &Bound<'_, Self>, exc: Option<Py<PyAny>>) -> PyResult<()> {
        Self::flush(slf)?;
        Self::force_close(slf, exc)
    }

    #[pyo3(name = "_fatal_error", signature = (exc, message = "Fatal error on pipe transport"))]
    fn fatal_error_method(
        slf: &Bound<'_, Self>,
        exc: &Bound<'_, PyAny>,
        message: &str,
    ) -> PyResult<()> {
        Self::fatal_error(slf, exc, message)
    }

    #[getter(_loop)]
    fn get_loop(&self, py: Python<'_>) -> Option<Py<Loop>> {
        (self.end.phase(py) != PipePhase::Closed).then(|| self.end.event_loop(py).clone().unbind())
    }

    #[getter(_pipe)]
    fn get_pipe(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.end.file(py)
    }

    #[setter(_pipe)]
    fn set_pipe(&self, py: Python<'_>, pipe: Option<Py<PyAny>>) {
        self.end.set_file(py, pipe);
    }

    #[getter(_fileno)]
    fn get_fileno(&self) -> i32 {
        self.end.fd()
    }

    #[getter(_extra)]
    fn get_extra(&self, py: Python<'_>) -> Py<PyDict> {
        self.end.extra(py)
    }

    #[getter(_closing)]
    fn get_closing(&self, py: Python<'_>) -> bool {
        self.is_closing(py)
    }

    #[getter(_conn_lost)]
    fn get_conn_lost(&self, py: Python<'_>) -> u32 {
        self.state.with(py, |state| state.lost_writes)
    }

    /// The other end is watched: it can be read when it is closed.
    #[pyo3(name = "_read_ready")]
    fn read_ready(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::on_peer_closed(slf)
    }

    #[getter(_protocol_paused)]
    fn get_protocol_paused(&self, py: Python<'_>) -> bool {
        self.state.with(py, |state| state.outgoing.is_paused())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.end.traverse(visit)?;
        visit.call(&self.context)
    }

    fn __clear__(&self) {
        Python::attach(|py| self.end.clear(py));
    }
}

impl cpython::Finalize for WritePipeTransport {
    #[inline]
    fn is_settled(slf: &Bound<'_, Self>) -> bool {
        slf.get().end.is_disposed(slf.py())
    }

    const WARNER: Option<&'static CStr> = Some(c"_warn");

    fn finalize(slf: &Bound<'_, Self>, warner: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        slf.get()
            .end
            .forget(slf, imports::warn_of_write_pipe(slf.py()), warner)
    }
}

writer_attributes!(WritePipeTransport, |py, pieces| Ok(Outgoing::as_bytes(
    py, &pieces
)
.into_any()));
