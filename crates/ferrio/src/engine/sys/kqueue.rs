//! The poller of macOS and the BSDs: `kqueue(2)`, level-triggered.
//!
//! A kqueue watches filters, not descriptors: reading and writing are two
//! registrations of one number, and come back as two events. `EV_ADD` of a
//! filter that is there modifies it, so adding needs no recovery.
//!
//! Hang-up and error (`EV_EOF`) come with each filter that was asked for, so
//! nobody who waits misses them, and need not be copied to the other direction
//! as epoll's are; `selectors.KqueueSelector` does not either. Unlike epoll, a
//! kqueue accepts regular files.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::kqueue::{self, EventFilter, EventFlags, kevent};
use rustix::io::Errno;

use super::{Event, Interest, PollTimeout, Waker};

/// The user data of a waker's registration; all others have null.
const WAKER: usize = usize::MAX;

/// A kqueue. A clone is another reference to the same kqueue.
#[derive(Clone, Debug)]
pub struct Poller {
    kqueue: Arc<OwnedFd>,
}

impl Poller {
    /// Opens a kqueue, close-on-exec.
    ///
    /// Fails when the process or the system has no descriptors left (`kqueue(2)`).
    pub fn new() -> io::Result<Poller> {
        let kqueue = kqueue::kqueue()?;
        rustix::io::fcntl_setfd(&kqueue, rustix::io::FdFlags::CLOEXEC)?;
        Ok(Poller {
            kqueue: Arc::new(kqueue),
        })
    }

    /// The instance's own descriptor.
    pub fn fd(&self) -> RawFd {
        self.kqueue.as_raw_fd()
    }

    /// Replaces the interest `old` in `fd` by `new`; see the contract in [`sys`](super).
    pub fn change(&self, fd: RawFd, old: Interest, new: Interest) -> io::Result<()> {
        // Where nothing changes, everything is added again: the descriptor may
        // have been closed and reopened.
        let added = if old == new { new } else { new.minus(old) };
        let mut done = Interest::NONE;
        for direction in [Interest::READ, Interest::WRITE] {
            if !added.contains(direction) {
                continue;
            }
            if let Err(error) = self.control(EventFlags::ADD, fd, direction) {
                self.delete(fd, done.minus(old));
                return Err(error.into());
            }
            done = done | direction;
        }
        self.delete(fd, old.minus(new));
        Ok(())
    }

    /// Waits for events with one system call; see the contract in [`sys`](super).
    pub fn wait(&self, events: &mut Events, timeout: PollTimeout) -> io::Result<()> {
        let limit = match timeout {
            PollTimeout::Now => Some(Duration::ZERO),
            PollTimeout::After(duration) => Some(duration),
            PollTimeout::Forever => None,
        };
        events.make_room();
        // SAFETY: no descriptor is registered by this call, as the list of
        // changes is empty.
        unsafe { kevent(&*self.kqueue, &[], spare_capacity(&mut events.list), limit) }?;
        Ok(())
    }

    /// Makes a handle by which other threads interrupt a wait.
    ///
    /// `EV_CLEAR` makes it edge-triggered: every write to the pipe is an event
    /// of its own, though nobody reads it. It leaves the poller when it is
    /// dropped.
    pub fn waker(&self) -> io::Result<Waker> {
        use std::os::fd::AsRawFd;

        let waker = Waker::new()?;
        let filter = EventFilter::Read(waker.fd().as_raw_fd());
        let flags = EventFlags::ADD | EventFlags::CLEAR;
        self.submit(kqueue::Event::new(filter, flags, WAKER as *mut _))?;
        Ok(waker)
    }

    /// Deletes filters. It fails only for those that the kernel has forgotten by itself.
    fn delete(&self, fd: RawFd, directions: Interest) {
        for direction in [Interest::READ, Interest::WRITE] {
            if directions.contains(direction) {
                let _ = self.control(EventFlags::DELETE, fd, direction);
            }
        }
    }

    /// Adds or deletes one filter; `direction` is `READ` or `WRITE`.
    fn control(&self, flags: EventFlags, fd: RawFd, direction: Interest) -> Result<(), Errno> {
        if fd < 0 {
            return Err(Errno::BADF);
        }
        let filter = if direction == Interest::READ {
            EventFilter::Read(fd)
        } else {
            EventFilter::Write(fd)
        };
        self.submit(kqueue::Event::new(filter, flags, std::ptr::null_mut()))
    }

    fn submit(&self, change: kqueue::Event) -> Result<(), Errno> {
        let mut none: [kqueue::Event; 0] = [];
        // SAFETY: the number is one that the kernel checks. It drops the
        // registration by itself when the descriptor is closed, and a
        // registration gives access to nothing but readiness; so that the
        // descriptor outlives the kqueue is not needed for soundness.
        unsafe { kevent(&*self.kqueue, &[change], &mut none, Some(Duration::ZERO)) }?;
        Ok(())
    }
}

/// A reusable buffer for what a wait returned.
///
/// It holds 1024 events at first. One that came back full is doubled for the
/// next wait (to 64 Ki at most), so that a turn sees, like asyncio's, all that
/// was ready when it began.
pub struct Events {
    list: Vec<kqueue::Event>,
}

// SAFETY: the one field of an event that is not `Send` is its user data, a
// pointer; it is null or `WAKER` here, compared and never followed.
unsafe impl Send for Events {}

const FIRST_CAPACITY: usize = 1024;
const LAST_CAPACITY: usize = 64 * 1024;

impl Events {
    /// An empty buffer.
    pub fn new() -> Events {
        Events {
            list: Vec::with_capacity(FIRST_CAPACITY),
        }
    }

    /// Whether the last wait has ended without an event, not even a waker's.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The events of the last wait, in the kernel's order, without wakers'.
    pub fn iter(&self) -> impl Iterator<Item = Event> + '_ {
        self.list.iter().filter_map(|event| {
            if event.udata() as usize == WAKER {
                return None;
            }
            match event.filter() {
                EventFilter::Read(fd) => Some(Event {
                    fd,
                    readable: true,
                    writable: false,
                }),
                EventFilter::Write(fd) => Some(Event {
                    fd,
                    readable: false,
                    writable: true,
                }),
                _ => None,
            }
        })
    }

    fn make_room(&mut self) {
        let full = self.list.len() == self.list.capacity();
        self.list.clear();
        if full && self.list.capacity() < LAST_CAPACITY {
            self.list.reserve_exact(self.list.capacity() * 2);
        }
    }
}

impl Default for Events {
    fn default() -> Events {
        Events::new()
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
