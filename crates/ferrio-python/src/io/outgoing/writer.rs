//! [`Writer`]: `write` and flushing, for every transport that writes a stream.

use std::io;

use pyo3::intern;
use pyo3::prelude::*;

use super::chunk::Data;
use super::queue::{Flushed, NextWrite, SEND_AT_ONCE};
use super::{Outgoing, Sink};
use crate::base::errors::would_block;
use crate::base::imports;
use crate::io::connection::Transport;
use crate::kernel::event_loop::{Callback, Direction, Unflushed};

/// How many writes to a lost connection asyncio accepts before it warns: `constants.LOG_THRESHOLD_FOR_CONNLOST_WRITES`.
pub const LOST_WRITES_LOG_THRESHOLD: u32 = 5;

/// Logs a warning about a write to a lost connection of a socket, if it is not one of the first.
pub fn warn_of_lost_socket_write(py: Python<'_>, lost_writes: u32) -> PyResult<()> {
    if lost_writes >= LOST_WRITES_LOG_THRESHOLD {
        let message = "socket.send() raised exception.";
        imports::logger(py)?.call_method1(intern!(py, "warning"), (message,))?;
    }
    Ok(())
}

/// A transport that writes to a descriptor.
pub trait Writer: Transport {
    /// Runs `f` on the write buffer. Returns `None` if the connection is lost.
    fn outgoing<R>(&self, py: Python<'_>, f: impl FnOnce(&mut Outgoing) -> R) -> Option<R>;

    /// Returns the descriptor to write to.
    fn sink(&self) -> Sink;

    /// Returns the callback for when the descriptor is writable again.
    fn when_writable(slf: &Bound<'_, Self>) -> Callback;

    /// Returns the loop's entry for the flush at the end of the iteration.
    fn when_iteration_ends(slf: &Bound<'_, Self>) -> Unflushed;

    /// Ends the connection after sending has failed.
    fn write_failed(slf: &Bound<'_, Self>, error: &io::Error) -> PyResult<()>;

    /// Counts a write to a lost connection.
    fn write_lost(&self, py: Python<'_>) -> PyResult<()>;

    /// Sends the buffered data, unless it waits for the descriptor to be writable.
    ///
    /// The loop calls this at the end of the iteration, and every method that shows the state of the buffer calls it first.
    fn flush(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let sink = me.sink();
        match me.outgoing(py, |outgoing| outgoing.flush(sink)) {
            None | Some(Ok(Flushed::Nothing)) => Ok(()),
            Some(Ok(Flushed::Blocked)) => {
                let callback = Self::when_writable(slf);
                let event_loop = me.event_loop(py).get();
                match event_loop.watch(py, sink.fd(), Direction::Write, callback) {
                    Ok(()) => Self::maybe_pause_protocol(slf),
                    // What is buffered would never leave.
                    Err(error) => {
                        match error.value(py).getattr("errno").and_then(|it| it.extract()) {
                            Ok(errno) => {
                                Self::write_failed(slf, &io::Error::from_raw_os_error(errno))
                            }
                            Err(_) => Err(error),
                        }
                    }
                }
            }
            Some(Err(error)) => Self::write_failed(slf, &error),
        }
    }

    /// Buffers or sends data that was checked.
    fn write_data(slf: &Bound<'_, Self>, data: Data<'_>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let len = data.bytes(py).len();
        if len == 0 {
            return Ok(());
        }
        let mut sent = 0;
        if len > SEND_AT_ONCE && matches!(data, Data::View(_)) {
            // Keeping a view means to copy it. The bytes that the kernel takes now need no copy.
            Self::flush(slf)?;
            let sink = me.sink();
            let outcome = me.outgoing(py, |outgoing| {
                if outgoing.is_blocked() {
                    Ok(0)
                } else {
                    sink.write(data.bytes(py))
                }
            });
            match outcome {
                None => (),
                Some(Ok(n)) => sent = n,
                Some(Err(error)) if would_block(&error) => (),
                Some(Err(error)) => return Self::write_failed(slf, &error),
            }
            if sent == len {
                return Ok(());
            }
        }
        let chunk = data.into_chunk(py, sent);
        match me.outgoing(py, |outgoing| outgoing.push(chunk)) {
            Some(NextWrite::Nothing) => Ok(()),
            Some(NextWrite::Pause) => Self::call_flow_method(slf, "pause_writing"),
            Some(NextWrite::Send) => Self::flush(slf),
            Some(NextWrite::Queue) => {
                let event_loop = me.event_loop(py).get();
                match event_loop.flush_later(py, Self::when_iteration_ends(slf)) {
                    None => Ok(()),
                    Some(_) => Self::flush(slf),
                }
            }
            None => me.write_lost(py),
        }
    }

    /// Calls `pause_writing` if the buffer has grown past its limit.
    fn maybe_pause_protocol(slf: &Bound<'_, Self>) -> PyResult<()> {
        match slf.get().outgoing(slf.py(), Outgoing::grew) {
            Some(true) => Self::call_flow_method(slf, "pause_writing"),
            _ => Ok(()),
        }
    }

    /// Calls `resume_writing` if the buffer has shrunk below its limit.
    fn maybe_resume_protocol(slf: &Bound<'_, Self>) -> PyResult<()> {
        match slf.get().outgoing(slf.py(), Outgoing::shrank) {
            Some(true) => Self::call_flow_method(slf, "resume_writing"),
            _ => Ok(()),
        }
    }
}
