//! Writing: from `write` to ciphertext.

use std::io::IoSlice;

use ferrio::engine::WriteBuffer;
use pyo3::exceptions::PyAssertionError;
use pyo3::prelude::*;

use super::TlsProtocol;
use super::state::{AppTransport, Stage, State};
use super::underlying::Underlying;
use crate::base::errors::leaves_the_loop;
use crate::base::imports;
use crate::io::outgoing::{Chunk, LOST_WRITES_LOG_THRESHOLD};
use crate::kernel::event_loop::{Loop, Unflushed};

/// A backlog of more bytes than this is encrypted before the end of the iteration.
const ENCRYPT_AT_ONCE: usize = 64 * 1024;

/// The number of bytes that one call of OpenSSL encrypts: four full records, which are still in the CPU's cache when they
/// are sent.
const ENCRYPTED_TOGETHER: usize = 64 * 1024;

/// The largest number of pieces of the backlog that are encrypted together.
const GATHERED: usize = 64;

/// The next step after data was put into the backlog.
enum AfterWrite {
    Nothing,
    /// Encrypt at the end of the iteration.
    Queue,
    /// Encrypt now.
    Encrypt,
    /// Nothing: the connection is closed. Holds the number of such writes before.
    Lost(u32),
}

impl State {
    /// Appends plaintext to the backlog.
    fn accept(&mut self, chunks: impl Iterator<Item = Chunk>) -> AfterWrite {
        if !matches!(self.stage, Stage::Handshake | Stage::Wrapped) {
            self.lost_writes += 1;
            return AfterWrite::Lost(self.lost_writes - 1);
        }
        let writing = &mut self.writing;
        chunks.for_each(|chunk| writing.backlog.push(chunk));
        if self.stage == Stage::Handshake {
            return AfterWrite::Nothing;
        }
        // A program cannot notice the delay: the transport is not congested, the application will not be paused, and the
        // underlying transport collects writes until the end of the iteration, too.
        let may_wait = !writing.ssl_paused
            && writing.backlog.len() <= ENCRYPT_AT_ONCE.min(writing.limits.high)
            && matches!(self.underlying, Some(Underlying::Socket(_)));
        match (may_wait, writing.queued) {
            (false, _) => AfterWrite::Encrypt,
            (true, true) => AfterWrite::Nothing,
            (true, false) => {
                writing.queued = true;
                AfterWrite::Queue
            }
        }
    }
}

/// Copies bytes from the front of the backlog, as many as fit into the buffer. Returns their number.
fn copy_front(backlog: &WriteBuffer<Chunk>, buffer: &mut [u8]) -> usize {
    let mut count = 0;
    for piece in backlog.gather(&mut [IoSlice::new(&[]); GATHERED]) {
        let room = &mut buffer[count..];
        let len = piece.len().min(room.len());
        room[..len].copy_from_slice(&piece[..len]);
        count += len;
    }
    count
}

impl TlsProtocol {
    /// Writes plaintext of the application.
    pub(super) fn write_appdata(
        slf: &Bound<'_, Self>,
        chunks: impl Iterator<Item = Chunk>,
    ) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        match me.state.with(py, |state| state.accept(chunks)) {
            AfterWrite::Nothing => Ok(()),
            AfterWrite::Queue => {
                let event_loop = me.event_loop.get();
                match event_loop.flush_later(
                    py,
                    Unflushed::new(slf, |protocol| Self::flush(protocol.cast()?)),
                ) {
                    None => Ok(()),
                    Some(_) => Self::flush(slf),
                }
            }
            AfterWrite::Encrypt => Self::encrypt(slf),
            AfterWrite::Lost(before) => {
                if before >= LOST_WRITES_LOG_THRESHOLD {
                    imports::logger(py)?.call_method1("warning", ("SSL connection is closed",))?;
                }
                Ok(())
            }
        }
    }

    /// Ends the connection because the application has written data that cannot be encrypted.
    pub(super) fn refuse(slf: &Bound<'_, Self>, error: PyErr) -> PyResult<()> {
        Self::flush(slf)?;
        let stage = slf.get().state.with(slf.py(), |state| state.stage);
        match stage {
            Stage::Handshake | Stage::Wrapped => Self::check(slf, Err(error)),
            _ => Self::write_appdata(slf, std::iter::empty()),
        }
    }

    /// Encrypts what was written in this iteration. The loop calls this at the end of the iteration; methods that could
    /// reveal the delay call it first.
    pub fn flush(slf: &Bound<'_, Self>) -> PyResult<()> {
        let queued = slf.get().state.with(slf.py(), |state| state.writing.queued);
        if queued { Self::encrypt(slf) } else { Ok(()) }
    }

    /// Encrypts the backlog. An exception ends the connection.
    fn encrypt(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let wrapped = slf.get().state.with(py, |state| {
            state.writing.queued = false;
            state.stage == Stage::Wrapped
        });
        if !wrapped {
            return Ok(());
        }
        let outcome = Self::do_write(slf);
        Self::check(slf, outcome)
    }

    /// Encrypts the backlog as far as OpenSSL takes it, and sends the ciphertext.
    pub(super) fn do_write(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        // A callback that OpenSSL has called writes: the call further up the stack encrypts that, too.
        if me
            .state
            .with(py, |state| std::mem::replace(&mut state.encrypting, true))
        {
            return Ok(());
        }
        let event_loop = me.event_loop.get();
        let mut buffer = event_loop.take_plaintext_buffer(py);
        let outcome = Self::encrypt_backlog(slf, &mut buffer[..ENCRYPTED_TOGETHER]);
        event_loop.return_plaintext_buffer(py, buffer);
        me.state.with(py, |state| state.encrypting = false);
        outcome?;
        Self::process_outgoing(slf)
    }

    /// Encrypts until the backlog is empty or OpenSSL needs ciphertext from the peer. Small pieces share records.
    fn encrypt_backlog(slf: &Bound<'_, Self>, buffer: &mut [u8]) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        // The backlog counts as one write: the underlying transport gets all of it, even if it pauses writing meanwhile.
        let sending = !me.state.with(py, |state| state.writing.ssl_paused);
        loop {
            // This is a copy, since the backlog must not be borrowed while OpenSSL runs. After `None`, OpenSSL requires the
            // same bytes again, and gets them.
            let count = me
                .state
                .with(py, |state| copy_front(&state.writing.backlog, buffer));
            if count == 0 {
                return Ok(());
            }
            let Some(taken) = me.session.write(py, &buffer[..count])? else {
                return Ok(());
            };
            // The connection may have been lost meanwhile.
            let left = me.state.with(py, |state| {
                let backlog = &mut state.writing.backlog;
                backlog.advance(taken.min(backlog.len()));
                backlog.len()
            });
            if left > 0 && sending {
                me.send_ciphertext(py)?;
            }
        }
    }

    /// Passes ciphertext from OpenSSL to the underlying transport, unless that has paused writing.
    pub(super) fn process_outgoing(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        if !me.state.with(py, |state| state.writing.ssl_paused) {
            me.send_ciphertext(py)?;
        }
        Self::control_app_writing(slf)
    }

    fn send_ciphertext(&self, py: Python<'_>) -> PyResult<()> {
        let Some(data) = self.session.drain(py)? else {
            return Ok(());
        };
        match self.underlying(py) {
            Some(underlying) => underlying.write(py, data),
            None => Ok(()),
        }
    }

    /// Returns the number of bytes that were written and not passed to the underlying transport.
    pub(super) fn write_buffer_size(&self, py: Python<'_>) -> PyResult<usize> {
        let outgoing = self.session.outgoing_len(py)?;
        Ok(outgoing + self.state.with(py, |state| state.writing.backlog.len()))
    }

    /// Calls `pause_writing` or `resume_writing` of the application's protocol, by the number of bytes and the limits.
    pub(super) fn control_app_writing(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let size = me.write_buffer_size(py)?;
        let method = me.state.with(py, |state| {
            let writing = &mut state.writing;
            if size >= writing.limits.high && !writing.app_paused {
                writing.app_paused = true;
                Some("pause_writing")
            } else if size <= writing.limits.low && writing.app_paused {
                writing.app_paused = false;
                Some("resume_writing")
            } else {
                None
            }
        });
        match method {
            Some(method) => Self::call_flow_control(slf, method),
            None => Ok(()),
        }
    }

    /// Calls a flow-control method of the application's protocol. An exception goes to the loop's exception handler.
    fn call_flow_control(slf: &Bound<'_, Self>, method: &str) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let Some(protocol) = me.app_protocol(py) else {
            return Ok(());
        };
        match protocol.call_method0(method) {
            Ok(_) => Ok(()),
            Err(error) if leaves_the_loop(py, &error) => Err(error),
            Err(error) => Loop::report(me.event_loop.bind(py), &error, |context| {
                let transport = me.state.get_ref(py, |state| match &state.app_transport {
                    AppTransport::Made(transport) => Some(transport),
                    AppTransport::Unmade | AppTransport::Gone => None,
                });
                context.set_item("message", format!("protocol.{method}() failed"))?;
                context.set_item("transport", transport)?;
                context.set_item("protocol", slf)
            }),
        }
    }

    /// Stops passing ciphertext to the underlying transport.
    pub(super) fn pause_ssl_writing(&self, py: Python<'_>) -> PyResult<()> {
        let before = self.state.with(py, |state| {
            std::mem::replace(&mut state.writing.ssl_paused, true)
        });
        if before {
            return Err(PyAssertionError::new_err(()));
        }
        Ok(())
    }

    /// Passes ciphertext to the underlying transport again.
    pub(super) fn resume_ssl_writing(slf: &Bound<'_, Self>) -> PyResult<()> {
        let (before, app_paused) = slf.get().state.with(slf.py(), |state| {
            let writing = &mut state.writing;
            (
                std::mem::replace(&mut writing.ssl_paused, false),
                writing.app_paused,
            )
        });
        if before {
            return Self::process_outgoing(slf);
        }
        // The transport was congested when `start_tls` put TLS over it. Then it was the application's protocol that was
        // paused, and it would wait forever if it were not resumed here (as with asyncio, which asserts that this is
        // impossible).
        if app_paused {
            return Ok(());
        }
        Self::call_flow_control(slf, "resume_writing")
    }
}
