//! What an iteration needs while it waits, and nothing that others need meanwhile.

use std::io;

use crate::engine::sys::{Events, PollTimeout, Poller};

/// An iteration between its two halves: all that the wait needs, and nothing that others need meanwhile.
#[derive(Debug)]
pub struct Parked {
    /// `None` when the loop was closed before.
    pub(super) poller: Option<Poller>,
    pub(super) events: Events,
    pub(super) timeout: PollTimeout,
    /// Whether the injector was told that the loop blocks.
    pub(super) announced: bool,
    /// Whether the injector has refused to let the loop block.
    pub(super) refused: bool,
    /// The number of iterations since the last poll.
    pub(super) unpolled: u32,
}

impl Parked {
    /// Waits: the one system call of an iteration, if it needs one.
    ///
    /// Fails with [`Interrupted`](io::ErrorKind::Interrupted) when a signal
    /// arrives, and with `EBADF` when the loop is closed.
    pub fn wait(&mut self) -> io::Result<()> {
        self.poll(self.timeout)
    }

    /// Looks for events without waiting.
    ///
    /// Returns whether there are any: then the iteration goes on with [`unpark`](crate::engine::LoopCore::unpark), since
    /// [`wait`](Self::wait) would lose them. Fails as `wait` does.
    pub fn look(&mut self) -> io::Result<bool> {
        self.poll(PollTimeout::Now)?;
        Ok(!self.events.is_empty())
    }

    /// Whether the wait may block. If not, releasing a lock around it is not worth what that costs.
    #[inline]
    pub fn blocks(&self) -> bool {
        self.timeout != PollTimeout::Now
    }

    /// Returns the number of iterations that [`LoopCore::turn_without_poll`](crate::engine::LoopCore::turn_without_poll) has made since the last poll.
    #[inline]
    pub const fn unpolled(&self) -> u32 {
        self.unpolled
    }

    fn poll(&mut self, timeout: PollTimeout) -> io::Result<()> {
        let poller = self.poller.as_ref().ok_or_else(closed)?;
        poller.wait(&mut self.events, timeout)
    }
}

/// The error of a closed descriptor.
pub(super) fn closed() -> io::Error {
    rustix::io::Errno::BADF.into()
}
