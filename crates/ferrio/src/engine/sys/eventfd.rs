//! The Linux waker: an `eventfd(2)`, a counter that can be waited for.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{EventfdFlags, eventfd};
use rustix::io::{Errno, read, write};

/// Interrupts the poller that made it, from any thread.
#[derive(Debug)]
pub struct Waker {
    eventfd: OwnedFd,
}

impl Waker {
    pub(super) fn new() -> io::Result<Waker> {
        let eventfd = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Waker { eventfd })
    }

    /// What the poller watches, edge-triggered.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.eventfd.as_fd()
    }

    /// Makes the wait that is under way return, or else the next one.
    pub fn wake(&self) -> io::Result<()> {
        loop {
            match write(&self.eventfd, &1_u64.to_ne_bytes()) {
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => {}
                // The counter is at its maximum after 2^64 - 2 wakes. A write
                // that is refused is no edge, so empty it and write again.
                Err(Errno::AGAIN) => {
                    let _ = read(&self.eventfd, &mut [0; 8]);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::sys::{Events, PollTimeout, Poller};

    #[test]
    fn a_counter_at_its_maximum_still_wakes() {
        let poller = Poller::new().unwrap();
        let waker = poller.waker().unwrap();
        write(&waker.eventfd, &(u64::MAX - 1).to_ne_bytes()).unwrap();
        let mut events = Events::new();
        // The edge of the write above.
        poller.wait(&mut events, PollTimeout::Forever).unwrap();
        waker.wake().unwrap();
        poller.wait(&mut events, PollTimeout::Forever).unwrap();
    }
}
