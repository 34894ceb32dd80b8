//! What is to leave.

use std::io::{self, IoSlice};

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::chunk::{Chunk, Data};
use super::{Phase, Sending, SocketTransport, State};
use crate::errors::{leaves_the_loop, os_error, would_block};
use crate::event_loop::{Callback, Direction, Loop};
use crate::imports;
use crate::socket::{send, send_vectored};

/// From this many buffered bytes on a write does not wait for the end of the iteration.
const SEND_AT_ONCE: usize = 64 * 1024;

/// Writes on a lost connection before asyncio warns: `constants.LOG_THRESHOLD_FOR_CONNLOST_WRITES`.
const LOST_WRITES_LOG_THRESHOLD: u32 = 5;

/// Pieces that one system call sends: more are rare, and the array for them is on the stack.
const MAX_PIECES: usize = 64;

/// What is to be done after data was buffered, when the state is no longer borrowed.
enum Next {
    Nothing,
    /// Send at the end of the iteration.
    Queue,
    /// Send now.
    Send,
    /// Tell the protocol to pause.
    Pause,
}

impl State {
    /// Buffers a chunk.
    fn buffer(&mut self, chunk: Chunk) -> Next {
        self.buffer.push(chunk);
        let (_, high) = self.flow.limits();
        match self.sending {
            Sending::Blocked if self.flow.grew(self.buffer.len()) => Next::Pause,
            Sending::Blocked => Next::Nothing,
            _ if self.buffer.len() > high.min(SEND_AT_ONCE) => Next::Send,
            Sending::Queued => Next::Nothing,
            Sending::Idle => {
                self.sending = Sending::Queued;
                Next::Queue
            }
        }
    }

    /// Sends what is buffered until nothing is left or the kernel takes no more.
    fn send_buffered(&mut self, fd: i32) -> io::Result<()> {
        while !self.buffer.is_empty() {
            let sent = match self.buffer.gather(&mut [IoSlice::new(&[]); MAX_PIECES]) {
                [piece] => send(fd, piece),
                pieces => send_vectored(fd, pieces),
            };
            match sent {
                Ok(sent) => self.buffer.advance(sent),
                Err(error) if would_block(&error) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl SocketTransport {
    /// Sends what is buffered, unless the kernel is known to take nothing. The loop calls this at the end of the
    /// iteration; whoever asks what is buffered calls it first.
    pub fn flush(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let outcome = me.state.with(py, |state| {
            if state.sending == Sending::Blocked {
                return Ok(false);
            }
            state.sending = Sending::Idle;
            state.send_buffered(me.fd)?;
            if state.buffer.is_empty() {
                return Ok(false);
            }
            state.sending = Sending::Blocked;
            Ok(true)
        });
        match outcome {
            Ok(false) => Ok(()),
            Ok(true) => {
                let callback = Callback::Writable(slf.clone().unbind());
                me.event_loop
                    .get()
                    .watch(py, me.fd, Direction::Write, callback)?;
                Self::maybe_pause_protocol(slf)
            }
            Err(error) => Self::fatal_write_error(slf, &error),
        }
    }

    /// The loop calls this when the socket can be written again.
    pub fn on_writable(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if matches!(me.phase(py), Phase::Lost | Phase::Closed) {
            return Ok(());
        }
        if let Err(error) = me.state.with(py, |state| state.send_buffered(me.fd)) {
            return Self::fatal_write_error(slf, &error);
        }
        // resume_writing may write again.
        Self::maybe_resume_protocol(slf)?;
        let drained = me.state.with(py, |state| {
            let drained = state.buffer.is_empty();
            if drained {
                state.sending = Sending::Idle;
            }
            drained
        });
        if !drained {
            return Ok(());
        }
        me.stop_watching(py, Direction::Write)?;
        me.finish_empty_waiter(py, Ok(()))?;
        let (phase, eof) = me.state.with(py, |state| (state.phase, state.eof));
        match phase {
            Phase::Draining => {
                me.state.with(py, |state| state.phase = Phase::Lost);
                Self::lose_connection(slf, None)
            }
            Phase::Open if eof => me.shut_down_writing(py),
            _ => Ok(()),
        }
    }

    fn fatal_write_error(slf: &Bound<'_, Self>, error: &io::Error) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let error = os_error(py, error);
        Self::fatal_error(
            slf,
            error.clone_ref(py),
            "Fatal write error on socket transport",
        )?;
        me.finish_empty_waiter(py, Err(error))
    }

    /// Tells the protocol to pause writing if the buffer has grown past its limit.
    fn maybe_pause_protocol(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let grew = slf
            .get()
            .state
            .with(py, |state| state.flow.grew(state.buffer.len()));
        if grew {
            Self::tell_protocol(slf, "pause_writing")
        } else {
            Ok(())
        }
    }

    /// Tells the protocol to resume writing if the buffer has shrunk below its limit.
    fn maybe_resume_protocol(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let shrank = slf
            .get()
            .state
            .with(py, |state| state.flow.shrank(state.buffer.len()));
        if shrank {
            Self::tell_protocol(slf, "resume_writing")
        } else {
            Ok(())
        }
    }

    /// Calls a flow-control method of the protocol; an exception goes to the loop's exception handler.
    fn tell_protocol(slf: &Bound<'_, Self>, method: &str) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let Some(protocol) = me.protocol(py) else {
            return Ok(());
        };
        match protocol.call_method0(method) {
            Ok(_) => Ok(()),
            Err(error) if leaves_the_loop(py, &error) => Err(error),
            Err(error) => {
                let context = PyDict::new(py);
                context.set_item("message", format!("protocol.{method}() failed"))?;
                context.set_item("exception", error)?;
                context.set_item("transport", slf)?;
                context.set_item("protocol", protocol)?;
                Loop::call_exception_handler(me.event_loop(py), &context)
            }
        }
    }

    /// `shutdown(2)` of the writing side.
    fn shut_down_writing(&self, py: Python<'_>) -> PyResult<()> {
        if let Some(sock) = self.get_sock(py) {
            sock.call_method1(py, intern!(py, "shutdown"), (libc::SHUT_WR,))?;
        }
        Ok(())
    }

    /// Tells who waits for the buffer to be empty.
    pub(super) fn finish_empty_waiter(
        &self,
        py: Python<'_>,
        outcome: PyResult<()>,
    ) -> PyResult<()> {
        let waiter = self.state.with(py, |state| {
            state
                .empty_waiter
                .as_ref()
                .map(|waiter| waiter.clone_ref(py))
        });
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

    /// Raises `RuntimeError` if `method` may no longer be called.
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

    /// Buffers or sends data that has passed the checks.
    fn write_data(slf: &Bound<'_, Self>, data: Data<'_>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let len = data.bytes(py).len();
        if len == 0 {
            return Ok(());
        }
        let mut sent = 0;
        if len > SEND_AT_ONCE && matches!(data, Data::View(_)) {
            // Large and not ours to keep: what the kernel takes now need not be copied.
            Self::flush(slf)?;
            let outcome = me.state.with(py, |state| match state.phase {
                Phase::Open | Phase::Draining if state.sending != Sending::Blocked => {
                    send(me.fd, data.bytes(py))
                }
                _ => Ok(0),
            });
            match outcome {
                Ok(n) => sent = n,
                Err(error) if would_block(&error) => (),
                Err(error) => return Self::fatal_write_error(slf, &error),
            }
            if sent == len {
                return Ok(());
            }
        }
        let chunk = data.into_chunk(py, sent);
        let next = me.state.with(py, |state| match state.phase {
            Phase::Open | Phase::Draining => Ok(state.buffer(chunk)),
            Phase::Lost | Phase::Closed => {
                state.lost_writes += 1;
                Err(state.lost_writes)
            }
        });
        match next {
            Ok(Next::Pause) => Self::tell_protocol(slf, "pause_writing"),
            Ok(Next::Send) => Self::flush(slf),
            Ok(Next::Queue) => match me.event_loop.get().flush_later(py, slf.clone().unbind()) {
                None => Ok(()),
                Some(_) => Self::flush(slf),
            },
            Err(lost_writes) if lost_writes >= LOST_WRITES_LOG_THRESHOLD => {
                let message = "socket.send() raised exception.";
                imports::logger(py)?.call_method1(intern!(py, "warning"), (message,))?;
                Ok(())
            }
            Ok(Next::Nothing) | Err(_) => Ok(()),
        }
    }
}

#[pymethods]
impl SocketTransport {
    /// Write bytes, a bytearray or a memoryview; does not block and may be called any number of times.
    ///
    /// Raises TypeError for other types, RuntimeError after write_eof() or while a file is being sent.
    fn write(slf: &Bound<'_, Self>, data: &Bound<'_, PyAny>) -> PyResult<()> {
        let data = Data::new(data)?;
        slf.get().check_writable(slf.py(), "write")?;
        Self::write_data(slf, data)
    }

    /// Write an iterable of bytes-like objects.
    fn writelines(slf: &Bound<'_, Self>, list_of_data: &Bound<'_, PyAny>) -> PyResult<()> {
        slf.get().check_writable(slf.py(), "writelines")?;
        // All are looked at before any is written.
        let pieces = list_of_data
            .try_iter()?
            .map(|data| Data::new(&data?))
            .collect::<PyResult<Vec<_>>>()?;
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
            let first = state.phase == Phase::Open && !std::mem::replace(&mut state.eof, true);
            first && state.buffer.is_empty()
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

    /// Return the number of bytes that have been written and not yet taken by the kernel.
    fn get_write_buffer_size(slf: &Bound<'_, Self>) -> PyResult<usize> {
        Self::flush(slf)?;
        Ok(slf.get().state.with(slf.py(), |state| state.buffer.len()))
    }

    /// Return the (low, high) limits of flow control in bytes.
    fn get_write_buffer_limits(&self, py: Python<'_>) -> (usize, usize) {
        self.state.with(py, |state| state.flow.limits())
    }

    /// Set the limits of flow control in bytes: pause_writing() above high, resume_writing() at low or below.
    ///
    /// Raises ValueError unless 0 <= low <= high.
    #[pyo3(signature = (high = None, low = None))]
    fn set_write_buffer_limits(
        slf: &Bound<'_, Self>,
        high: Option<isize>,
        low: Option<isize>,
    ) -> PyResult<()> {
        let py = slf.py();
        let limits = limits(high, low)?;
        slf.get()
            .state
            .with(py, |state| state.flow.set_limits(limits.0, limits.1))
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        Self::flush(slf)?;
        Self::maybe_pause_protocol(slf)
    }

    #[pyo3(name = "_make_empty_waiter")]
    pub fn make_empty_waiter(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        let me = slf.get();
        if me.state.with(py, |state| state.empty_waiter.is_some()) {
            return Err(PyRuntimeError::new_err("Empty waiter is already set"));
        }
        Self::flush(slf)?;
        let waiter = Loop::create_future(me.event_loop(py))?.unbind();
        let empty = me.state.with(py, |state| {
            state.empty_waiter = Some(waiter.clone_ref(py));
            state.buffer.is_empty()
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

    #[getter(_protocol_paused)]
    fn get_protocol_paused(&self, py: Python<'_>) -> bool {
        self.state.with(py, |state| state.flow.is_paused())
    }
}

/// Limits as the engine takes them: Python's may be negative.
fn limits(high: Option<isize>, low: Option<isize>) -> PyResult<(Option<usize>, Option<usize>)> {
    let unsigned = |limit: Option<isize>| limit.map(usize::try_from).transpose();
    if let (Ok(high), Ok(low)) = (unsigned(high), unsigned(low)) {
        return Ok((high, low));
    }
    let high = high.unwrap_or_else(|| low.map_or(64 * 1024, |low| 4 * low));
    let low = low.unwrap_or(high.div_euclid(4));
    Err(PyValueError::new_err(format!(
        "high ({high}) must be >= low ({low}) must be >= 0"
    )))
}
