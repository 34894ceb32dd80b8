//! What the transports of stream and datagram sockets have in common (CPython: `selector_events._SelectorTransport`).

use std::os::fd::RawFd;

use ferrio::engine::Interest;
use pyo3::exceptions::PyOSError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::{Transport, TransportPhase};
use crate::base::imports;
use crate::kernel::event_loop::{Direction, Loop};

/// A transport over a socket.
pub trait SelectorTransport: Transport {
    /// Returns whether `pause_reading` was called.
    fn is_paused(&self, py: Python<'_>) -> bool;

    /// Returns whether there is data that the kernel has not taken yet.
    fn has_unsent(&self, py: Python<'_>) -> bool;

    /// Returns the number of writes after the connection was lost.
    fn lost_writes(&self, py: Python<'_>) -> u32;

    /// Drops data that was received and not yet delivered; by default there is none.
    fn discard_received(&self, _py: Python<'_>) {}

    /// Closes the connection once everything is sent.
    fn close_when_sent(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if me.phase(py) != TransportPhase::Open {
            return Ok(());
        }
        Self::send_collected(slf)?;
        // Nothing is left to do if sending has failed and closed the transport.
        if me.phase(py) != TransportPhase::Open {
            return Ok(());
        }
        let unsent = me.has_unsent(py);
        me.set_phase(
            py,
            if unsent {
                TransportPhase::Draining
            } else {
                TransportPhase::Lost
            },
        );
        me.discard_received(py);
        me.stop_watching(py, Direction::Read)?;
        if unsent {
            return Ok(());
        }
        me.stop_watching(py, Direction::Write)?;
        Self::schedule_connection_lost(slf, None)
    }

    /// Returns the value of asyncio's `_conn_lost`: the number of writes after the connection was lost, plus one if it is lost.
    fn losses(&self, py: Python<'_>) -> u32 {
        if self.phase(py).is_lost() {
            1 + self.lost_writes(py)
        } else {
            0
        }
    }

    /// Has the loop watch a descriptor if the transport is reading: asyncio's `_add_reader`.
    fn add_reader_if_reading(
        &self,
        fd: Bound<'_, PyAny>,
        callback: Bound<'_, PyAny>,
        args: &Bound<'_, PyTuple>,
    ) -> PyResult<()> {
        let py = fd.py();
        if self.phase(py) != TransportPhase::Open || self.is_paused(py) {
            return Ok(());
        }
        let first = PyTuple::new(py, [fd, callback])?;
        let all = first.as_sequence().concat(args.as_sequence())?.to_tuple()?;
        let event_loop = self.event_loop(py);
        event_loop.call_method1(intern!(py, "_add_reader"), all)?;
        Ok(())
    }
}

/// The values that the representation of a socket's transport shows.
pub struct TransportRepr<'a> {
    pub class: &'a str,
    pub phase: TransportPhase,
    pub fd: RawFd,
    /// A paused transport does not count as polling though it may still be watched.
    pub paused: bool,
    /// The size of the write buffer in bytes.
    pub buffered: usize,
}

impl TransportRepr<'_> {
    /// Returns the representation.
    pub fn describe(&self, py: Python<'_>, event_loop: &Loop) -> String {
        let Self {
            class,
            phase,
            fd,
            paused,
            buffered,
        } = *self;
        let mark = match phase {
            TransportPhase::Open => "",
            TransportPhase::Draining | TransportPhase::Lost => " closing",
            TransportPhase::Closed => " closed",
        };
        let polling = if phase == TransportPhase::Closed || event_loop.closed() {
            String::new()
        } else {
            let interest = event_loop.core(py, |core| core.interest(fd));
            let state = |polling| if polling { "polling" } else { "idle" };
            let reading = state(!paused && interest.contains(Interest::READ));
            let writing = state(interest.contains(Interest::WRITE));
            format!(" read={reading} write=<{writing}, bufsize={buffered}>")
        };
        format!("<{class}{mark} fd={fd}{polling}>")
    }
}

/// Adds the extra information that every socket has to a copy of `extra`: the socket, its address and its peer's.
pub fn describe_socket<'py>(
    sock: &Bound<'py, PyAny>,
    extra: Option<Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let py = sock.py();
    let name = |method| match sock.call_method0(method) {
        Ok(name) => Ok(Some(name)),
        Err(error) if error.is_instance_of::<PyOSError>(py) => Ok(None),
        Err(error) => Err(error),
    };
    let extra = match extra {
        Some(extra) => extra.copy()?,
        None => PyDict::new(py),
    };
    extra.set_item(
        intern!(py, "socket"),
        imports::transport_socket(py)?.call1((sock,))?,
    )?;
    extra.set_item(intern!(py, "sockname"), name(intern!(py, "getsockname"))?)?;
    if !extra.contains(intern!(py, "peername"))? {
        extra.set_item(intern!(py, "peername"), name(intern!(py, "getpeername"))?)?;
    }
    Ok(extra)
}
