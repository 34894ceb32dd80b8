//! [`Writer`]: writing and flushing, for every transport that writes.

use std::io;

use pyo3::intern;
use pyo3::prelude::*;

use super::chunk::Data;
use super::queue::{Flushed, NextWrite, SEND_AT_ONCE};
use super::{Outgoing, Sink};
use crate::base::errors::would_block;
use crate::base::imports;
use crate::io::connection::Transport;
use crate::io::protocol::call_flow_method;
use crate::kernel::event_loop::{Callback, Direction, Unflushed};

/// Writes on a lost connection before asyncio warns: `constants.LOG_THRESHOLD_FOR_CONNLOST_WRITES`.
pub const LOST_WRITES_LOG_THRESHOLD: u32 = 5;

/// Warns about a write to a lost socket, which is the `lost_writes`th, if there have been many.
pub fn warn_of_lost_socket_write(py: Python<'_>, lost_writes: u32) -> PyResult<()> {
    if lost_writes >= LOST_WRITES_LOG_THRESHOLD {
        let message = "socket.send() raised exception.";
        imports::logger(py)?.call_method1(intern!(py, "warning"), (message,))?;
    }
    Ok(())
}

/// A transport that writes to a descriptor.
pub trait Writer: Transport {
    /// Runs `f` on what is to leave; `None` when nothing can leave any more.
    fn outgoing<R>(&self, py: Python<'_>, f: impl FnOnce(&mut Outgoing) -> R) -> Option<R>;

    /// Where it leaves to.
    fn sink(&self) -> Sink;

    /// What the loop is to call when the kernel takes more.
    fn when_writable(slf: &Bound<'_, Self>) -> Callback;

    /// What the loop is to flush at the end of the iteration.
    fn when_iteration_ends(slf: &Bound<'_, Self>) -> Unflushed;

    /// Ends the connection, since sending has failed.
    fn write_failed(slf: &Bound<'_, Self>, error: &io::Error) -> PyResult<()>;

    /// Takes note of data that can no longer be sent.
    fn write_lost(&self, py: Python<'_>) -> PyResult<()>;

    /// Sends what is buffered, unless the kernel is known to take nothing. The loop calls this at the end of the
    /// iteration; whoever asks what is buffered calls it first.
    fn flush(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let sink = me.sink();
        match me.outgoing(py, |outgoing| outgoing.flush(sink)) {
            None | Some(Ok(Flushed::Nothing)) => Ok(()),
            Some(Ok(Flushed::Blocked)) => {
                let callback = Self::when_writable(slf);
                me.event_loop(py)
                    .get()
                    .watch(py, sink.fd(), Direction::Write, callback)?;
                Self::maybe_pause_protocol(slf)
            }
            Some(Err(error)) => Self::write_failed(slf, &error),
        }
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
            Some(NextWrite::Pause) => Self::tell_protocol(slf, "pause_writing"),
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

    /// Tells the protocol to pause writing if the buffer has grown past its limit.
    fn maybe_pause_protocol(slf: &Bound<'_, Self>) -> PyResult<()> {
        match slf.get().outgoing(slf.py(), Outgoing::grew) {
            Some(true) => Self::tell_protocol(slf, "pause_writing"),
            _ => Ok(()),
        }
    }

    /// Tells the protocol to resume writing if the buffer has shrunk below its limit.
    fn maybe_resume_protocol(slf: &Bound<'_, Self>) -> PyResult<()> {
        match slf.get().outgoing(slf.py(), Outgoing::shrank) {
            Some(true) => Self::tell_protocol(slf, "resume_writing"),
            _ => Ok(()),
        }
    }

    /// Calls a flow-control method of the protocol; an exception goes to the loop's exception handler.
    fn tell_protocol(slf: &Bound<'_, Self>, method: &str) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let protocol = me.protocol(py);
        call_flow_method(me.event_loop(py), slf.as_any(), protocol.as_ref(), method)
    }
}
