//! From `write` to ciphertext.

use std::io::IoSlice;

use ferrio::WriteBuffer;
use pyo3::exceptions::PyAssertionError;
use pyo3::prelude::*;

use super::TlsProtocol;
use super::state::{AppTransport, Stage, State};
use super::underlying::Underlying;
use crate::base::errors::leaves_the_loop;
use crate::base::imports;
use crate::io::outgoing::{Chunk, LOST_WRITES_LOG_THRESHOLD};
use crate::kernel::event_loop::{Loop, Unflushed};

/// From this many bytes of plaintext on a write does not wait for the end of the iteration.
const ENCRYPT_AT_ONCE: usize = 64 * 1024;

/// Bytes that one call of OpenSSL encrypts: four full records, which are still in the cache when they are sent.
const ENCRYPTED_TOGETHER: usize = 64 * 1024;

/// Pieces of the backlog that are encrypted together.
const GATHERED: usize = 64;

/// What is to be done after data was put into the backlog.
enum AfterWrite {
    Nothing,
    /// Encrypt at the end of the iteration.
    Queue,
    /// Encrypt now.
    Encrypt,
    /// The connection takes nothing any more, for this many times now.
    Lost(u32),
}

impl State {
    /// Takes plaintext in.
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
        // Nobody can tell the difference: nothing is congested, the application will not be told to pause, and the
        // transport underneath collects what it is given until the end of the iteration itself.
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

/// Copies the first bytes of the backlog, as many as fit; returns how many.
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
    /// Takes plaintext of the application's.
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

    /// Ends the connection because of plaintext that cannot be encrypted.
    pub(super) fn refuse(slf: &Bound<'_, Self>, error: PyErr) -> PyResult<()> {
        Self::flush(slf)?;
        let stage = slf.get().state.with(slf.py(), |state| state.stage);
        match stage {
            Stage::Handshake | Stage::Wrapped => Self::check(slf, Err(error)),
            _ => Self::write_appdata(slf, std::iter::empty()),
        }
    }

    /// Encrypts what was written in this iteration. The loop calls this at its end; whoever could see that it was not
    /// done yet calls it first.
    pub fn flush(slf: &Bound<'_, Self>) -> PyResult<()> {
        let queued = slf.get().state.with(slf.py(), |state| state.writing.queued);
        if queued { Self::encrypt(slf) } else { Ok(()) }
    }

    /// Encrypts the backlog. Whatever is raised ends the connection.
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
        // A callback inside OpenSSL that writes: the call further up the stack takes that too.
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

    /// Encrypts until the backlog is empty or OpenSSL waits for ciphertext. Small pieces share records.
    fn encrypt_backlog(slf: &Bound<'_, Self>, buffer: &mut [u8]) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        // As one write, which the underlying transport gets as a whole even if it asks to pause half-way.
        let sending = !me.state.with(py, |state| state.writing.ssl_paused);
        loop {
            // A copy, since the backlog may not be borrowed while OpenSSL runs. After `None` it is the same bytes
            // again, which is what OpenSSL asks for.
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

    /// Gives the underlying transport what OpenSSL has to say, unless that is paused.
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

    /// Bytes that the application has written and the underlying transport was not given.
    pub(super) fn write_buffer_size(&self, py: Python<'_>) -> PyResult<usize> {
        let outgoing = self.session.outgoing_len(py)?;
        Ok(outgoing + self.state.with(py, |state| state.writing.backlog.len()))
    }

    /// Tells the application to pause or to resume, as the limits say.
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
            Some(method) => Self::tell_app(slf, method),
            None => Ok(()),
        }
    }

    /// Calls a flow-control method of the application's; an exception goes to the loop's exception handler.
    fn tell_app(slf: &Bound<'_, Self>, method: &str) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let Some(protocol) = me.app_protocol(py) else {
            return Ok(());
        };
        match protocol.call_method0(method) {
            Ok(_) => Ok(()),
            Err(error) if leaves_the_loop(py, &error) => Err(error),
            Err(error) => Loop::report(me.event_loop.bind(py), &error, |context| {
                let transport = me.state.with(py, |state| match &state.app_transport {
                    AppTransport::Made(transport) => Some(transport.clone_ref(py)),
                    AppTransport::Unmade | AppTransport::Gone => None,
                });
                context.set_item("message", format!("protocol.{method}() failed"))?;
                context.set_item("transport", transport)?;
                context.set_item("protocol", slf)
            }),
        }
    }

    /// The underlying transport is congested.
    pub(super) fn pause_ssl_writing(&self, py: Python<'_>) -> PyResult<()> {
        let before = self.state.with(py, |state| {
            std::mem::replace(&mut state.writing.ssl_paused, true)
        });
        if before {
            return Err(PyAssertionError::new_err(()));
        }
        Ok(())
    }

    /// The underlying transport takes more.
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
        // It was congested when `start_tls` put TLS over it. Who was told to pause is the application, which would
        // wait for ever (asyncio's does: it asserts that this cannot be).
        if app_paused {
            return Ok(());
        }
        Self::tell_app(slf, "resume_writing")
    }
}
