//! `WritePipeTransport`: the writing end of a pipe.

use std::io;
use std::os::fd::RawFd;

use ferrio::engine::{FlowControl, Interest};
use pyo3::PyTraverseError;
use pyo3::exceptions::{PyAssertionError, PyBrokenPipeError, PyBufferError, PyNotImplementedError};
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use rustix::fs::FileType;

use super::common::{Pipe, PipeArguments, describe, pipe_methods};
use crate::base::cell::AttachedCell;
use crate::base::errors::os_error;
use crate::io::connection::{Connection, Transport, TransportPhase, transport_accessors};
use crate::io::outgoing::{
    Data, LOST_WRITES_LOG_THRESHOLD, Outgoing, Sink, Writer, writer_attributes,
};
use crate::kernel::event_loop::{Action, Callback, Direction, Loop, Unflushed};
use crate::{base::imports, cpython};

const WRITE_ERROR: &str = "Fatal write error on pipe transport";

static PEER_CLOSED: Action = Action::of("losing the peer of", |object| {
    WritePipeTransport::on_peer_closed(object.cast()?)
});

static WRITABLE: Action = Action::of("writing to", |object| {
    WritePipeTransport::on_writable(object.cast()?)
});

struct State {
    connection: Connection,
    outgoing: Outgoing,
    /// asyncio's `_conn_lost`: the number of writes that have failed or came after the connection was lost.
    lost_writes: u32,
}

impl State {
    /// Flow control, and the size of the write buffer in bytes.
    fn flow(&mut self) -> (&mut FlowControl, usize) {
        self.outgoing.flow()
    }
}

/// A transport over the writing end of a pipe.
#[pyclass(module = "ferrio", frozen, weakref, dict)]
pub struct WritePipeTransport {
    event_loop: Py<Loop>,
    fd: RawFd,
    /// The context in which the protocol's callbacks run.
    context: Py<PyAny>,
    state: AttachedCell<State>,
}

impl Writer for WritePipeTransport {
    fn outgoing<R>(&self, py: Python<'_>, f: impl FnOnce(&mut Outgoing) -> R) -> Option<R> {
        if self.phase(py).is_lost() {
            return None;
        }
        Some(self.state.with(py, |state| f(&mut state.outgoing)))
    }

    fn sink(&self) -> Sink {
        Sink::File(self.fd)
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
        // The writes that were collected after the failed one count as writes to a lost connection.
        let collected = me.state.with(py, |state| {
            state.lost_writes += 1;
            let collected = state.outgoing.chunk_count();
            state.outgoing.clear();
            collected
        });
        for _ in 1..collected {
            me.write_lost(py)?;
        }
        Self::fail(slf, &os_error(py, error), WRITE_ERROR)
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
    /// Makes a transport and schedules `connection_made`, then the watch for the other end, then the waiter's result.
    pub fn open<'py>(
        event_loop: &Bound<'py, Loop>,
        arguments: PipeArguments<'py>,
    ) -> PyResult<Bound<'py, Self>> {
        let py = event_loop.py();
        let refusal = "Pipe transport is only for pipes, sockets and character devices";
        let pipe = Pipe::new(&arguments, refusal)?;
        let transport = Self {
            event_loop: event_loop.clone().unbind(),
            fd: pipe.fd,
            context: cpython::copy_context(py)?,
            state: AttachedCell::new(State {
                connection: pipe.connection,
                outgoing: Outgoing::default(),
                lost_writes: 0,
            }),
        };
        let transport = Bound::new(py, transport)?;
        // The writing end of a pipe becomes readable when the other end is closed. A terminal has input of its own.
        let start = (pipe.kind != FileType::CharacterDevice).then_some("_start_watching_peer");
        Self::begin(
            &transport,
            &arguments.protocol,
            start,
            arguments.waiter,
            None,
        )?;
        Ok(transport)
    }

    /// Sends buffered data. The loop calls this when the pipe is writable again.
    pub fn on_writable(slf: &Bound<'_, Self>) -> PyResult<()> {
        cpython::in_context(slf.get().context.bind(slf.py()), || Self::send_more(slf))
    }

    /// Sends what was written in an iteration. The loop calls this at the iteration's end.
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
                me.stop_watching(py, Direction::Write)?;
                // asyncio has accepted these writes before, so they do not count as lost.
                me.state.with(py, |state| state.outgoing.clear());
                return Self::write_failed(slf, &error);
            }
        }
        if me.outgoing(py, Outgoing::unblock) != Some(true) {
            return Ok(());
        }
        me.stop_watching(py, Direction::Write)?;
        // Unlike a socket's, the protocol of a pipe is resumed only when the buffer is empty. It may write again.
        Self::maybe_resume_protocol(slf)?;
        let drained = me.outgoing(py, |outgoing| outgoing.is_empty()) == Some(true);
        if drained && me.phase(py) == TransportPhase::Draining {
            me.set_phase(py, TransportPhase::Lost);
            me.stop_watching(py, Direction::Read)?;
            return Self::lose_connection(slf, None);
        }
        Ok(())
    }

    /// Ends the connection. The loop calls this when the writing end is readable: the other end is closed.
    pub fn on_peer_closed(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        Self::flush(slf)?;
        let Some(empty) = me.outgoing(py, |outgoing| outgoing.is_empty()) else {
            return Ok(());
        };
        Self::log(slf, "info", "%r was closed by peer")?;
        let exception = (!empty).then(|| PyBrokenPipeError::new_err(()).into_value(py).into_any());
        Self::force_close(slf, exception)
    }
}

impl Transport for WritePipeTransport {
    transport_accessors!();

    fn describe(&self, py: Python<'_>) -> String {
        describe(self, py, "WritePipeTransport", |interest| {
            let polling = if interest.contains(Interest::WRITE) {
                "polling"
            } else {
                "idle"
            };
            let buffered = self.state.with(py, |state| state.outgoing.len());
            format!("{polling} bufsize={buffered}")
        })
    }

    fn warning_function(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
        imports::warn_of_write_pipe(py)
    }

    fn send_collected(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::flush(slf)
    }

    fn discard(&self, py: Python<'_>) {
        self.state.with(py, |state| state.outgoing.clear());
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
            // Unlike a socket's, a pipe's writes count as lost from close() on.
            Some(Ok(data)) if slf.get().is_closing(py) && !data.bytes(py).is_empty() => {
                slf.get().write_lost(py)
            }
            Some(Ok(data)) => Self::write_data(slf, data),
            Some(Err(error)) if !error.is_instance_of::<PyBufferError>(py) => Err(error),
            Some(Err(error)) => {
                slf.get().state.with(py, |state| state.lost_writes += 1);
                Self::fail(slf, &error, WRITE_ERROR)
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
        if me.is_closing(py) {
            return Ok(());
        }
        Self::flush(slf)?;
        // Nothing is left to do if sending has failed and closed the transport.
        if me.is_closing(py) {
            return Ok(());
        }
        if me.state.with(py, |state| !state.outgoing.is_empty()) {
            me.set_phase(py, TransportPhase::Draining);
            return Ok(());
        }
        me.set_phase(py, TransportPhase::Lost);
        me.stop_watching(py, Direction::Read)?;
        Self::schedule_connection_lost(slf, None)
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
        Self::abort_with(slf, None)
    }

    /// asyncio.Transport: asyncio's own class derives from it, though it does not read.
    #[getter(__class__)]
    fn class(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        Ok(imports::transport_class(slf.py())?.clone().unbind())
    }

    // asyncio's class inherits the methods of a transport that reads without implementing them.

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
        if me.phase(py).is_lost() {
            return Ok(());
        }
        let callback = Callback::action(&PEER_CLOSED, slf);
        let event_loop = me.event_loop(py).get();
        event_loop.watch(py, me.fd, Direction::Read, callback)
    }

    #[pyo3(name = "_close", signature = (exc = None))]
    fn close_with(slf: &Bound<'_, Self>, exc: Option<Py<PyAny>>) -> PyResult<()> {
        Self::abort_with(slf, exc)
    }

    #[getter(_conn_lost)]
    fn get_conn_lost(&self, py: Python<'_>) -> u32 {
        self.state.with(py, |state| state.lost_writes)
    }

    /// Notice that the other end is closed, as if the kernel had reported it.
    #[pyo3(name = "_read_ready")]
    fn read_ready(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::on_peer_closed(slf)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.event_loop)?;
        visit.call(&self.context)?;
        self.state
            .visit(&visit, |state| state.connection.traverse(visit))
    }

    fn __clear__(&self) {
        Python::attach(|py| drop(self.connection(py, Connection::take_references)));
    }
}

pipe_methods!(WritePipeTransport);
writer_attributes!(WritePipeTransport, |py, pieces| Ok(Outgoing::as_bytes(
    py, &pieces
)
.into_any()));
