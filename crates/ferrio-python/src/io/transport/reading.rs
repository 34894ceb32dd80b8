//! Receiving: from the socket to the protocol, by one system call for each time the loop finds it readable.
//!
//! The four ways ([`Delivery`]) differ in who owns the buffer and whether Python objects are made. The protocol's callbacks
//! run in the transport's context.

use std::io;

use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;

use super::{Delivery, SocketTransport};
use crate::base::errors::{leaves_the_loop, os_error, would_block};
use crate::cpython::{self, ByteView};
use crate::io::connection::{Transport, TransportPhase};
use crate::io::incoming::Arrival;
use crate::io::socket::recv;
use crate::io::streams::{StreamReader, StreamReaderProtocol};
use crate::io::tls::TlsProtocol;
use crate::kernel::event_loop::{Action, Callback, Direction};

static READABLE: Action = Action::of("reading from", |object| {
    SocketTransport::on_readable(object.cast()?)
});

impl SocketTransport {
    /// Receives once. The loop calls this when the socket is readable.
    pub fn on_readable(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let target = me.state.with(py, |state| {
            if state.connection.phase != TransportPhase::Open || state.paused {
                return None;
            }
            let protocol = state.connection.protocol.as_ref()?;
            Some((protocol.bind(py).clone(), state.delivery))
        });
        let Some((protocol, delivery)) = target else {
            // The transport is closing, or paused: pause_reading leaves the descriptor watched, since most pauses end
            // before anything arrives, and do not deserve two system calls.
            return me.stop_watching(py, Direction::Read);
        };
        match delivery {
            Delivery::Bytes => me.in_context(py, || Self::receive(slf, &protocol)),
            Delivery::Buffer => me.in_context(py, || Self::receive_into_buffer(slf, &protocol)),
            Delivery::Tls => me.in_context(py, || Self::receive_ciphertext(slf, protocol.cast()?)),
            Delivery::Stream => Self::receive_stream(slf, protocol.cast()?),
        }
    }

    /// Runs `f` in the context of the protocol's callbacks.
    pub(super) fn in_context(
        &self,
        py: Python<'_>,
        f: impl FnOnce() -> PyResult<()>,
    ) -> PyResult<()> {
        cpython::in_context(self.context.bind(py), f)
    }

    /// Reads into the loop's buffer and calls `data_received`.
    fn receive(slf: &Bound<'_, Self>, protocol: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        match Arrival::read(me.event_loop(py), |buffer| recv(me.fd, buffer)) {
            Ok(Arrival::Data(data)) => {
                let delivered =
                    cpython::call_method(protocol, intern!(py, "data_received"), [&data]);
                Self::check_delivery(
                    slf,
                    delivered,
                    "Fatal error: protocol.data_received() call failed.",
                )
            }
            Ok(Arrival::Eof) => Self::receive_eof(slf, protocol),
            Ok(Arrival::Nothing) => Ok(()),
            Err(error) => Self::read_failed(slf, &error),
        }
    }

    /// Reads into the loop's buffer and feeds a stream's reader, without Python objects if possible.
    ///
    /// This runs no code of the program, so it need not enter the context.
    fn receive_stream(
        slf: &Bound<'_, Self>,
        protocol: &Bound<'_, StreamReaderProtocol>,
    ) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let Some(reader) = StreamReaderProtocol::native_reader(protocol) else {
            return me.in_context(py, || Self::receive(slf, protocol.as_any()));
        };
        let arrival = Arrival::read_with(
            me.event_loop(py),
            |buffer| recv(me.fd, buffer),
            |bytes| reader.get().feed(py, bytes),
        );
        match arrival {
            Ok(Arrival::Data(fed)) => Self::check_delivery(
                slf,
                StreamReader::delivered(&reader, fed),
                "Fatal error: protocol.data_received() call failed.",
            ),
            Ok(Arrival::Nothing) => Ok(()),
            Ok(Arrival::Eof) => me.in_context(py, || Self::receive_eof(slf, protocol.as_any())),
            Err(error) => me.in_context(py, || Self::read_failed(slf, &error)),
        }
    }

    /// Reads into the loop's buffer and passes the bytes to TLS, without Python objects if possible.
    fn receive_ciphertext(slf: &Bound<'_, Self>, tls: &Bound<'_, TlsProtocol>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let arrival = Arrival::read_with(
            me.event_loop(py),
            |buffer| recv(me.fd, buffer),
            |bytes| tls.get().accept(py, bytes),
        );
        match arrival {
            Ok(Arrival::Data(accepted)) => Self::check_delivery(
                slf,
                TlsProtocol::on_accepted(tls, accepted),
                "Fatal error: protocol.buffer_updated() call failed.",
            ),
            Ok(Arrival::Eof) => Self::receive_eof(slf, tls.as_any()),
            Ok(Arrival::Nothing) => Ok(()),
            Err(error) => Self::read_failed(slf, &error),
        }
    }

    /// Reads into the protocol's own buffer.
    fn receive_into_buffer(slf: &Bound<'_, Self>, protocol: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let buffer = match lent_buffer(protocol) {
            Ok(buffer) => buffer,
            Err(error) => {
                return Self::check_delivery(
                    slf,
                    Err(error),
                    "Fatal error: protocol.get_buffer() call failed.",
                );
            }
        };
        let mut view = match ByteView::writable(&buffer) {
            Ok(view) => view,
            Err(error) => {
                return Self::fail(slf, &error, "Fatal read error on socket transport");
            }
        };
        let received = recv(me.fd, view.bytes_mut(py));
        // The view must not outlive this: the protocol may resize its buffer in buffer_updated.
        drop(view);
        match received {
            Ok(0) => Self::receive_eof(slf, protocol),
            Ok(received) => {
                let received = received.into_pyobject(py)?.into_any();
                let delivered =
                    cpython::call_method(protocol, intern!(py, "buffer_updated"), [&received]);
                Self::check_delivery(
                    slf,
                    delivered,
                    "Fatal error: protocol.buffer_updated() call failed.",
                )
            }
            Err(error) if would_block(&error) => Ok(()),
            Err(error) => Self::read_failed(slf, &error),
        }
    }

    fn receive_eof(slf: &Bound<'_, Self>, protocol: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        Self::log(slf, "debug", "%r received EOF")?;
        let answer = protocol.call_method0(intern!(py, "eof_received"));
        match answer.and_then(|answer| answer.is_truthy()) {
            // The protocol may still write; there is nothing more to read.
            Ok(true) => me.stop_watching(py, Direction::Read),
            Ok(false) => Self::close(slf),
            Err(error) => Self::check_delivery(
                slf,
                Err(error),
                "Fatal error: protocol.eof_received() call failed.",
            ),
        }
    }

    /// Ends the connection after receiving has failed.
    fn read_failed(slf: &Bound<'_, Self>, error: &io::Error) -> PyResult<()> {
        let error = os_error(slf.py(), error);
        Self::fail(slf, &error, "Fatal read error on socket transport")
    }

    /// Ends the connection if a callback of the protocol has raised.
    fn check_delivery(slf: &Bound<'_, Self>, outcome: PyResult<()>, message: &str) -> PyResult<()> {
        match outcome {
            Ok(()) => Ok(()),
            Err(error) if leaves_the_loop(slf.py(), &error) => Err(error),
            Err(error) => Self::fail(slf, &error, message),
        }
    }

    /// Has the loop watch for data, unless it does already, or the transport is paused or closing.
    pub(super) fn watch_reading(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let event_loop = me.event_loop.get();
        let watched = event_loop.core(py, |core| core.reader(me.fd).is_some());
        if watched || !me.is_reading(py) {
            return Ok(());
        }
        event_loop.watch(py, me.fd, Direction::Read, Callback::action(&READABLE, slf))
    }
}

/// Asks the protocol for the buffer to receive into. Raises `RuntimeError` for an empty one.
fn lent_buffer<'py>(protocol: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let buffer = protocol.call_method1(intern!(protocol.py(), "get_buffer"), (-1,))?;
    if buffer.len()? == 0 {
        let text = "get_buffer() returned an empty buffer";
        return Err(PyRuntimeError::new_err(text));
    }
    Ok(buffer)
}

#[pymethods]
impl SocketTransport {
    /// Stop calling data_received() until resume_reading(). Does nothing if paused or closing.
    pub fn pause_reading(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if !me.is_reading(py) {
            return Ok(());
        }
        me.state.with(py, |state| state.paused = true);
        Self::log(slf, "debug", "%r pauses reading")
    }

    /// Go on after pause_reading(). Does nothing if not paused or if closing.
    pub fn resume_reading(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let resumed = me.state.with(py, |state| {
            state.connection.phase == TransportPhase::Open && std::mem::take(&mut state.paused)
        });
        if !resumed {
            return Ok(());
        }
        Self::watch_reading(slf)?;
        Self::log(slf, "debug", "%r resumes reading")
    }
}
