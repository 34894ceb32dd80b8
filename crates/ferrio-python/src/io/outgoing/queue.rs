//! [`Outgoing`]: the data that a transport has accepted and the kernel has not.

use std::io::{self, IoSlice};

use ferrio::engine::{FlowControl, WriteBuffer};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::chunk::Chunk;
use super::{Sink, copy_pieces};
use crate::base::errors::would_block;

/// More buffered bytes than this are sent before the end of the iteration.
pub const SEND_AT_ONCE: usize = 64 * 1024;

/// How many pieces one system call sends. More are rare, and their array is on the stack.
const MAX_PIECES: usize = 64;

/// When the buffered data is going to be sent.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Sending {
    /// Nothing is buffered.
    #[default]
    Idle,
    /// At the end of the loop's iteration.
    Queued,
    /// When the descriptor is writable again, for which the loop watches it.
    Blocked,
}

/// What the transport has to do after data was buffered, once the state is not borrowed.
pub enum NextWrite {
    /// Nothing: the data is sent later, as was decided before.
    Nothing,
    /// Have the loop flush at the end of the iteration.
    Queue,
    /// Flush now.
    Send,
    /// Call the protocol's `pause_writing`.
    Pause,
}

/// The outcome of a flush.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Flushed {
    /// The buffer is empty, or was blocked before.
    Nothing,
    /// The kernel takes no more: from now on, the descriptor has to be watched.
    Blocked,
}

/// The write buffer of a transport, its flow control, and when it is going to be sent.
#[derive(Default)]
pub struct Outgoing {
    buffer: WriteBuffer<Chunk>,
    flow: FlowControl,
    sending: Sending,
}

impl Outgoing {
    /// Returns the number of buffered bytes.
    pub fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Returns whether nothing is buffered.
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Returns the number of buffered pieces.
    pub fn chunk_count(&self) -> usize {
        self.buffer.chunk_count()
    }

    /// Copies the buffered pieces.
    pub fn pieces(&self) -> Vec<Vec<u8>> {
        copy_pieces(&self.buffer)
    }

    /// Returns whether the buffer waits for the descriptor to be writable.
    pub fn is_blocked(&self) -> bool {
        self.sending == Sending::Blocked
    }

    /// Buffers a chunk, and returns what to do about it.
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

    /// Sends the buffered data, unless it waits for the descriptor to be writable.
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

    /// Sends the buffered data until nothing is left or the kernel takes no more.
    ///
    /// A system call that takes only a part has filled the kernel's buffer, so another would usually fail. If it succeeded,
    /// because the peer reads at the same time, the loop would be held up for as long as the data lasts.
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

    /// Ends the wait for the descriptor if [`Outgoing::send`] has sent everything. Returns whether it has.
    pub fn unblock(&mut self) -> bool {
        let drained = self.is_empty();
        if drained {
            self.sending = Sending::Idle;
        }
        drained
    }

    /// Drops the buffered data.
    pub fn clear(&mut self) {
        self.buffer.clear();
        self.sending = Sending::Idle;
    }

    /// Returns whether to call `pause_writing`, after the buffer has grown.
    #[must_use]
    pub fn grew(&mut self) -> bool {
        self.flow.grew(self.buffer.len())
    }

    /// Returns whether to call `resume_writing`, after the buffer has shrunk.
    #[must_use]
    pub fn shrank(&mut self) -> bool {
        self.flow.shrank(self.buffer.len())
    }

    /// Returns flow control and the size of the buffer in bytes.
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

/// Converts limits to the engine's. Raises `ValueError` for negative ones.
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
