//! [`Outgoing`]: what a transport has accepted and the kernel has not.

use std::io::{self, IoSlice};

use ferrio::{FlowControl, WriteBuffer};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::Sink;
use super::chunk::Chunk;
use crate::base::errors::would_block;

/// From this many buffered bytes on a write does not wait for the end of the iteration.
pub const SEND_AT_ONCE: usize = 64 * 1024;

/// Pieces that one system call sends: more are rare, and the array for them is on the stack.
const MAX_PIECES: usize = 64;

/// How what is buffered is going to leave.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Sending {
    /// Nothing is buffered.
    #[default]
    Idle,
    /// At the end of the iteration.
    Queued,
    /// When the kernel takes more: the loop watches for that.
    Blocked,
}

/// What is to be done after data was buffered, when the state is no longer borrowed.
pub enum NextWrite {
    Nothing,
    /// Send at the end of the iteration.
    Queue,
    /// Send now.
    Send,
    /// Tell the protocol to pause.
    Pause,
}

/// What flushing has led to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Flushed {
    /// Nothing is left, or the kernel was known to take nothing.
    Nothing,
    /// The kernel takes no more: it has to be watched for that from now on.
    Blocked,
}

/// Outgoing data, its limits, and how it is going to leave.
#[derive(Default)]
pub struct Outgoing {
    buffer: WriteBuffer<Chunk>,
    flow: FlowControl,
    sending: Sending,
}

impl Outgoing {
    /// Bytes that are left.
    pub fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Whether everything has left.
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// In how many pieces they are.
    pub fn chunk_count(&self) -> usize {
        self.buffer.chunk_count()
    }

    /// Copies of what is buffered.
    pub fn pieces(&self) -> Vec<Vec<u8>> {
        let mut slices = vec![IoSlice::new(&[]); self.chunk_count()];
        let pieces = self.buffer.gather(&mut slices);
        pieces.iter().map(|piece| piece.to_vec()).collect()
    }

    /// Whether the kernel is known to take nothing.
    pub fn is_blocked(&self) -> bool {
        self.sending == Sending::Blocked
    }

    /// Buffers a chunk.
    pub fn push(&mut self, chunk: Chunk) -> NextWrite {
        self.buffer.push(chunk);
        let (_, high) = self.flow.limits();
        match self.sending {
            Sending::Blocked if self.flow.grew(self.buffer.len()) => NextWrite::Pause,
            Sending::Blocked => NextWrite::Nothing,
            _ if self.buffer.len() > high.min(SEND_AT_ONCE) => NextWrite::Send,
            Sending::Queued => NextWrite::Nothing,
            Sending::Idle => {
                self.sending = Sending::Queued;
                NextWrite::Queue
            }
        }
    }

    /// Sends what is buffered, unless the kernel is known to take nothing.
    pub fn flush(&mut self, sink: Sink) -> io::Result<Flushed> {
        if self.is_blocked() {
            return Ok(Flushed::Nothing);
        }
        self.sending = Sending::Idle;
        self.send(sink)?;
        if self.is_empty() {
            return Ok(Flushed::Nothing);
        }
        self.sending = Sending::Blocked;
        Ok(Flushed::Blocked)
    }

    /// Sends what is buffered until nothing is left or the kernel takes no more.
    ///
    /// A system call that takes only a part has filled the kernel's buffer. Another one would most often fail; if it did
    /// not, because somebody reads at the same time, the loop would be held up for as long as the data lasts.
    pub fn send(&mut self, sink: Sink) -> io::Result<()> {
        while !self.buffer.is_empty() {
            let mut slices = [IoSlice::new(&[]); MAX_PIECES];
            let pieces = self.buffer.gather(&mut slices);
            let offered: usize = pieces.iter().map(|piece| piece.len()).sum();
            let sent = match pieces {
                [piece] => sink.write(piece),
                pieces => sink.write_vectored(pieces),
            };
            match sent {
                Ok(sent) => {
                    self.buffer.advance(sent);
                    if sent < offered {
                        return Ok(());
                    }
                }
                Err(error) if would_block(&error) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// After [`Outgoing::send`]: whether everything has left, so that the kernel need not be watched any more.
    pub fn unblock(&mut self) -> bool {
        let drained = self.is_empty();
        if drained {
            self.sending = Sending::Idle;
        }
        drained
    }

    /// Drops what is left.
    pub fn clear(&mut self) {
        self.buffer.clear();
        self.sending = Sending::Idle;
    }

    /// Whether the protocol is to be told to pause, now that the buffer has grown.
    #[must_use]
    pub fn grew(&mut self) -> bool {
        self.flow.grew(self.buffer.len())
    }

    /// Whether the protocol is to be told to resume, now that the buffer has shrunk.
    #[must_use]
    pub fn shrank(&mut self) -> bool {
        self.flow.shrank(self.buffer.len())
    }

    /// Flow control, and the size of the buffer in bytes.
    pub fn flow(&mut self) -> (&mut FlowControl, usize) {
        (&mut self.flow, self.buffer.len())
    }
}

/// Sets the limits of flow control. Raises `ValueError` unless 0 <= low <= high.
pub fn set_limits(flow: &mut FlowControl, high: Option<isize>, low: Option<isize>) -> PyResult<()> {
    let (high, low) = limits(high, low)?;
    flow.set_limits(high, low)
        .map_err(|error| PyValueError::new_err(error.to_string()))
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
