//! What stream and datagram sockets have in common.

use std::os::fd::RawFd;

use ferrio::Interest;
use pyo3::exceptions::PyOSError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::base::imports;
use crate::kernel::event_loop::Loop;

/// How far a transport is on its way from open to closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TransportPhase {
    /// Neither side has closed it.
    Open,
    /// `close` was called: what is buffered still leaves.
    Draining,
    /// `connection_lost` is scheduled.
    Lost,
    /// `connection_lost` was called, the socket is closed.
    Closed,
}

/// What the representation of a socket's transport shows.
pub struct Portrait<'a> {
    pub class: &'a str,
    pub phase: TransportPhase,
    pub fd: RawFd,
    /// A paused transport does not count as polling though it may still be watched.
    pub paused: bool,
    pub buffered: usize,
}

impl Portrait<'_> {
    /// The representation.
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

/// The extra information that every socket's transport has.
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
