//! From ciphertext to `data_received`, `buffer_updated` and `eof_received`.

use std::cell::Cell;

use pyo3::exceptions::PyException;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use super::TlsProtocol;
use super::session::Received;
use super::state::{AppStage, Delivery, Stage};
use crate::base::errors::leaves_the_loop;
use crate::base::imports;
use crate::cpython;
use crate::cpython::ByteView;
use crate::io::streams::{Fed, StreamReader, StreamReaderProtocol};
use crate::kernel::event_loop::Loop;

/// The plaintext of one read.
enum Plain<'a, 'py> {
    Nothing,
    /// The plaintext was fed to a reader.
    Fed(&'a Bound<'py, StreamReader>, Fed),
    /// The plaintext for `data_received`.
    Data(Bound<'py, PyBytes>),
}

impl TlsProtocol {
    /// Continues with what the stage of the connection requires, after ciphertext was fed to OpenSSL.
    pub fn on_fed(slf: &Bound<'_, Self>) -> PyResult<()> {
        match slf.get().stage(slf.py()) {
            Stage::Unwrapped => Ok(()),
            Stage::Handshake => Self::do_handshake(slf),
            Stage::Wrapped => Self::do_read(slf),
            Stage::Flushing => Self::do_flush(slf),
            Stage::Shutdown => Self::do_shutdown(slf),
        }
    }

    /// Decrypts and delivers data, then sends the ciphertext that this has produced. An exception ends the connection.
    pub(super) fn do_read(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        if !matches!(slf.get().stage(py), Stage::Wrapped | Stage::Flushing) {
            return Ok(());
        }
        let outcome = Self::read(slf);
        Self::check(slf, outcome)
    }

    /// Ends the connection if `outcome` is an `Exception`. Other exceptions are returned.
    pub(super) fn check(slf: &Bound<'_, Self>, outcome: PyResult<()>) -> PyResult<()> {
        let py = slf.py();
        match outcome {
            Err(error) if error.is_instance_of::<PyException>(py) => {
                Self::failed(slf, &error, "Fatal error on SSL protocol")
            }
            outcome => outcome,
        }
    }

    fn read(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let (paused, delivery) = me
            .state
            .with(py, |state| (state.reading.app_paused, state.delivery));
        if !paused {
            match delivery {
                Delivery::Bytes => Self::read_bytes(slf)?,
                Delivery::Buffer => Self::read_into_buffer(slf)?,
            }
            let unwritten = me.state.with(py, |state| {
                !state.writing.queued && !state.writing.backlog.is_empty()
            });
            if unwritten {
                Self::do_write(slf)?;
            } else {
                Self::process_outgoing(slf)?;
            }
        }
        Self::control_ssl_reading(slf)
    }

    /// Decrypts all ciphertext and delivers the plaintext in one piece.
    fn read_bytes(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let event_loop = me.event_loop.get();
        // The buffer is taken, not borrowed, since Python code may run while OpenSSL decrypts.
        let mut buffer = event_loop.take_plaintext_buffer(py);
        let protocol = me.app_protocol(py);
        let reader = protocol
            .as_ref()
            .and_then(StreamReaderProtocol::reader_behind);
        let outcome = me.decrypt(py, &mut buffer).map(|(count, closed)| {
            let bytes = &buffer[..count];
            let plain = match &reader {
                _ if count == 0 => Plain::Nothing,
                Some(reader) => Plain::Fed(reader, reader.get().feed(py, bytes)),
                None => Plain::Data(PyBytes::new(py, bytes)),
            };
            (plain, closed)
        });
        event_loop.return_plaintext_buffer(py, buffer);
        let (plain, closed) = outcome?;
        match (plain, protocol) {
            (Plain::Nothing, _) | (Plain::Data(_), None) => {}
            (Plain::Fed(reader, fed), _) => StreamReader::delivered(reader, fed)?,
            (Plain::Data(data), Some(protocol)) => {
                cpython::call_method(&protocol, intern!(py, "data_received"), [&data])?;
            }
        }
        if closed {
            Self::on_close_notify(slf)?;
        }
        Ok(())
    }

    /// Decrypts until nothing is left. Returns the number of bytes, and whether the peer has closed its side.
    fn decrypt(&self, py: Python<'_>, buffer: &mut Vec<u8>) -> PyResult<(usize, bool)> {
        let mut count = 0;
        loop {
            if count == buffer.len() {
                buffer.resize(buffer.len() * 2, 0);
            }
            match self
                .session
                .read(py, Cell::from_mut(&mut buffer[count..]).as_slice_of_cells())?
            {
                Received::Data(more) => count += more,
                Received::Again => return Ok((count, false)),
                Received::Closed => return Ok((count, true)),
            }
            // Skipping a last call of OpenSSL, whose answer is known, saves a tenth of the time of a small record.
            if count < buffer.len() && self.session.is_exhausted(py) {
                return Ok((count, false));
            }
        }
    }

    /// Decrypts into the buffer of the application's protocol. If it is full, the rest is read in the next iteration.
    fn read_into_buffer(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let Some(protocol) = me.app_protocol(py) else {
            return Ok(());
        };
        let hint = me.session.incoming_len(py)?;
        let buffer = protocol.call_method1(intern!(py, "get_buffer"), (hint,))?;
        let view = ByteView::writable(&buffer)?;
        let wanted = view.len();
        let mut count = 0;
        let mut closed = wanted == 0;
        while count < wanted {
            match me.session.read(py, &view.cells(py)[count..])? {
                Received::Data(more) => count += more,
                Received::Again => break,
                Received::Closed => {
                    closed = true;
                    break;
                }
            }
        }
        // The protocol may resize its buffer in `buffer_updated`.
        drop((view, buffer));
        if count > 0 {
            if count == wanted {
                Self::call_soon(slf, "_do_read")?;
            }
            let count = count.into_pyobject(py)?.into_any();
            cpython::call_method(&protocol, intern!(py, "buffer_updated"), [&count])?;
        }
        if closed {
            Self::on_close_notify(slf)?;
        }
        Ok(())
    }

    /// Begins the shutdown, since the peer has closed its side.
    fn on_close_notify(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::call_eof_received(slf)?;
        Self::start_shutdown(slf)
    }

    /// Calls `eof_received` of the application's protocol, once.
    pub(super) fn call_eof_received(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let first = me.state.with(py, |state| {
            let first = state.app_stage == AppStage::ConnectionMade;
            if first {
                state.app_stage = AppStage::EofReceived;
            }
            first
        });
        if !first {
            return Ok(());
        }
        let Some(protocol) = me.app_protocol(py) else {
            return Ok(());
        };
        let answer = protocol
            .call_method0(intern!(py, "eof_received"))
            .and_then(|answer| answer.is_truthy());
        match answer {
            Ok(false) => Ok(()),
            Ok(true) => {
                let message = "returning true from eof_received() has no effect when using ssl";
                imports::logger(py)?.call_method1("warning", (message,))?;
                Ok(())
            }
            Err(error) if leaves_the_loop(py, &error) => Err(error),
            Err(error) => Self::failed(slf, &error, "Error calling eof_received()"),
        }
    }

    /// Pauses or resumes the underlying transport, by the amount of ciphertext that waits and the limits.
    pub(super) fn control_ssl_reading(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let size = me.session.incoming_len(py)?;
        let change = me.state.with(py, |state| {
            let reading = &mut state.reading;
            if size >= reading.limits.high && !reading.ssl_paused {
                reading.ssl_paused = true;
            } else if size <= reading.limits.low && reading.ssl_paused {
                reading.ssl_paused = false;
            } else {
                return None;
            }
            let underlying = state.underlying.as_ref()?;
            Some((reading.ssl_paused, underlying.clone_ref(py)))
        });
        match change {
            None => Ok(()),
            Some((true, underlying)) => underlying.pause_reading(py),
            Some((false, underlying)) => underlying.resume_reading(py),
        }
    }

    /// Stops delivering data to the application.
    pub(super) fn pause_reading(&self, py: Python<'_>) {
        self.state.with(py, |state| state.reading.app_paused = true);
    }

    /// Delivers data to the application again, from the next iteration on.
    pub(super) fn resume_reading(slf: &Bound<'_, Self>) -> PyResult<()> {
        let resumed = slf.get().state.with(slf.py(), |state| {
            std::mem::take(&mut state.reading.app_paused)
        });
        if resumed {
            Self::call_soon(slf, "_on_resumed")
        } else {
            Ok(())
        }
    }

    /// Continues what was stopped by `pause_reading`.
    pub(super) fn on_resumed(slf: &Bound<'_, Self>) -> PyResult<()> {
        match slf.get().stage(slf.py()) {
            Stage::Wrapped => Self::do_read(slf),
            Stage::Flushing => Self::do_flush(slf),
            Stage::Shutdown => Self::do_shutdown(slf),
            Stage::Unwrapped | Stage::Handshake => Ok(()),
        }
    }

    /// Schedules a call of one of this protocol's methods for the next iteration.
    pub(super) fn call_soon(slf: &Bound<'_, Self>, method: &str) -> PyResult<()> {
        let py = slf.py();
        let event_loop = slf.get().event_loop.bind(py);
        event_loop.get().check_open()?;
        let callback = slf.getattr(method)?;
        Loop::schedule(event_loop, callback, PyTuple::empty(py), None)
    }
}
