//! The operating system's readiness poller, and the way to interrupt it; and,
//! in [`datagrams`], its calls for several datagrams at once.
//!
//! One mechanism a file; this file is the contract that they are written to and
//! the choice between them. Nothing here knows of callbacks, timers or queues.
//!
//! # The contract of a back end
//!
//! A back end is three types, `Poller`, `Events` and `Waker`:
//!
//! - **`Poller::new`** opens the kernel's object, close-on-exec.
//! - **`Poller` is cheap to clone**, and all clones are the same kernel object.
//!   One thread may wait on a clone while another changes registrations.
//! - **`Poller::change(fd, old, new)`** replaces the interest `old` in a
//!   descriptor by `new`. Registrations are *level-triggered*: an event comes
//!   back at each wait while its cause lasts. `NONE` to something adds the
//!   descriptor, something to `NONE` deletes it, all else modifies it (`old ==
//!   new` too: that repairs a registration, see below).
//!
//!   The kernel forgets a descriptor when its last duplicate is closed, and the
//!   number is soon given to another file; users do close descriptors first and
//!   unregister them later. So the kernel's opinion, not `old`, is the truth:
//!   modifying a descriptor that is not there adds it, adding one that is there
//!   modifies it, and deleting always succeeds. What remains is reported, and then nothing has changed: `EBADF` for a number that is not
//!   open, and on Linux `EPERM` ([`PermissionDenied`]) for a regular file or a
//!   directory, which are always ready.
//! - **`Poller::wait`** makes one system call and fills the buffer with what it
//!   returned; the buffer is cleared first, whatever the outcome. It is never
//!   early: when it returns without an event and without having been woken,
//!   the timeout has passed. A signal that arrives makes it return
//!   [`Interrupted`], because the caller has handlers to run.
//! - **`Poller::waker`** returns a handle that is `Send + Sync`; `Waker::wake`
//!   makes a wait that is under way, or else the next one, return. It needs
//!   neither reading nor re-arming in between, its event is never shown, and
//!   wakes that come before the wait returns may be merged into one.
//! - **An `Event` says what is worth trying**, not what will succeed. Hang-up
//!   and error count as readable and as writable for whoever waits for either,
//!   as in Python's `selectors`: the next `read` or `write` tells what happened.
//!   epoll reports them once, with both flags set; kqueue once for each filter.
//!
//! [`PermissionDenied`]: std::io::ErrorKind::PermissionDenied
//! [`Interrupted`]: std::io::ErrorKind::Interrupted

use std::ops::BitOr;
use std::os::fd::RawFd;
use std::time::Duration;

pub(crate) mod clock;
pub mod datagrams;

#[cfg(any(target_os = "linux", target_os = "android"))]
mod epoll;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod eventfd;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub use self::{
    epoll::{Events, Poller},
    eventfd::Waker,
};

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod kqueue;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub use self::{
    kqueue::{Events, Poller},
    pipe::Waker,
};

// Its own tests run on Linux too.
#[cfg(any(test, not(any(target_os = "linux", target_os = "android"))))]
mod pipe;

/// What is to be watched on a file descriptor: a set of reading and writing.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default, Hash)]
pub struct Interest(u8);

impl Interest {
    /// Nothing: the descriptor is not registered.
    pub const NONE: Interest = Interest(0);
    /// The descriptor becoming readable.
    pub const READ: Interest = Interest(1);
    /// The descriptor becoming writable.
    pub const WRITE: Interest = Interest(2);
    /// Both directions.
    pub const BOTH: Interest = Interest(3);

    /// Whether all of `other` is in this set.
    #[inline]
    pub const fn contains(self, other: Interest) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether nothing is watched.
    #[inline]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// What is in this set and not in `other`.
    #[inline]
    #[must_use]
    pub const fn minus(self, other: Interest) -> Interest {
        Interest(self.0 & !other.0)
    }
}

impl BitOr for Interest {
    type Output = Interest;

    #[inline]
    fn bitor(self, other: Interest) -> Interest {
        Interest(self.0 | other.0)
    }
}

/// What the poller reports about one file descriptor.
///
/// A flag may be set that was not asked for: epoll sets both for hang-up and error.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// The descriptor's number at the time when it was registered.
    pub fd: RawFd,
    /// A read would not block.
    pub readable: bool,
    /// A write would not block.
    pub writable: bool,
}

/// How long [`Poller::wait`] may wait for an event.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum PollTimeout {
    /// Look, and return at once.
    Now,
    /// At most this long; never less, unless something happens.
    After(Duration),
    /// Until something happens.
    Forever,
}
