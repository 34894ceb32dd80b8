//! The Linux poller: `epoll(7)`, level-triggered.
//!
//! `epoll_ctl` and the waits are called through `libc` and not through rustix.
//! rustix asks for a `BorrowedFd`, a promise that the descriptor is open, and
//! descriptors that users register are mere numbers that may well be closed:
//! the kernel's `EBADF` is then the right answer. And rustix chooses between
//! `epoll_pwait` and `epoll_pwait2` when it is compiled, while the choice has to
//! be made on the kernel that runs.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use libc::{EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, c_int, c_long};
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};

use super::{Event, Interest, PollTimeout, Waker};

/// The user data of a waker's registration. A descriptor's is its number, which
/// has 32 bits.
const WAKER: u64 = u64::MAX;

/// The readiness flags, in the type of the event's field.
const IN: u32 = libc::EPOLLIN.cast_unsigned();
const OUT: u32 = libc::EPOLLOUT.cast_unsigned();

/// Set once the kernel has said that it has no `epoll_pwait2` (before 5.11).
static NO_PWAIT2: AtomicBool = AtomicBool::new(false);

/// An epoll instance. A clone is another reference to the same instance.
#[derive(Clone, Debug)]
pub struct Poller {
    epoll: Arc<OwnedFd>,
}

impl Poller {
    /// Opens an epoll instance, close-on-exec.
    ///
    /// Fails when the process or the system has no descriptors left
    /// (`epoll_create1(2)`).
    pub fn new() -> io::Result<Poller> {
        let epoll = Arc::new(epoll::create(CreateFlags::CLOEXEC)?);
        Ok(Poller { epoll })
    }

    /// The instance's own descriptor.
    pub fn fd(&self) -> RawFd {
        self.epoll.as_raw_fd()
    }

    /// Replaces the interest `old` in `fd` by `new`; see the contract in [`sys`](super).
    pub fn change(&self, fd: RawFd, old: Interest, new: Interest) -> io::Result<()> {
        if new.is_none() {
            if old.is_none() {
                return Ok(());
            }
            // It fails only for a descriptor that epoll has forgotten by itself: ENOENT, EBADF,
            // or EPERM if the number belongs to a regular file now.
            let _ = self.control(EPOLL_CTL_DEL, fd, new);
            return Ok(());
        }
        let (first, stale, second) = if old.is_none() {
            (EPOLL_CTL_ADD, libc::EEXIST, EPOLL_CTL_MOD)
        } else {
            (EPOLL_CTL_MOD, libc::ENOENT, EPOLL_CTL_ADD)
        };
        match self.control(first, fd, new) {
            Err(error) if is(&error, stale) => self.control(second, fd, new),
            result => result,
        }
    }

    /// Waits for events with one system call; see the contract in [`sys`](super).
    ///
    /// Timeouts are exact to the nanosecond through `epoll_pwait2`. On kernels
    /// without it they are rounded up to milliseconds, and one of more than 24
    /// days ends after 24 days.
    pub fn wait(&self, events: &mut Events, timeout: PollTimeout) -> io::Result<()> {
        if !NO_PWAIT2.load(Ordering::Relaxed) {
            match self.wait_nanos(events, timeout) {
                // Container sandboxes that do not know the call refuse it with
                // EPERM, which it does not return by itself.
                Err(error) if is(&error, libc::ENOSYS) || is(&error, libc::EPERM) => {
                    NO_PWAIT2.store(true, Ordering::Relaxed);
                }
                result => return result,
            }
        }
        self.wait_millis(events, timeout)
    }

    /// Makes a handle by which other threads interrupt a wait.
    ///
    /// It is registered edge-triggered: every write to the eventfd is an event
    /// of its own, though nobody ever reads it, so being woken costs the loop
    /// no further system call. It leaves the poller when it is dropped.
    pub fn waker(&self) -> io::Result<Waker> {
        let waker = Waker::new()?;
        let data = EventData::new_u64(WAKER);
        epoll::add(
            &self.epoll,
            waker.fd(),
            data,
            EventFlags::IN | EventFlags::ET,
        )?;
        Ok(waker)
    }

    fn control(&self, operation: c_int, fd: RawFd, interest: Interest) -> io::Result<()> {
        let mut events = 0;
        if interest.contains(Interest::READ) {
            events |= IN;
        }
        if interest.contains(Interest::WRITE) {
            events |= OUT;
        }
        let mut event = libc::epoll_event {
            events,
            // A negative number is refused with EBADF before this is looked at.
            u64: u64::from(fd.cast_unsigned()),
        };
        // SAFETY: `event` lives through the call, which only reads it. `fd` is a
        // number that the kernel checks, and registering it gives access to
        // nothing but its readiness.
        let result =
            unsafe { libc::epoll_ctl(self.epoll.as_raw_fd(), operation, fd, &raw mut event) };
        if result == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }

    fn wait_nanos(&self, events: &mut Events, timeout: PollTimeout) -> io::Result<()> {
        let limit = match timeout {
            PollTimeout::Now => Some(KernelTimespec::new(Duration::ZERO)),
            PollTimeout::After(duration) => Some(KernelTimespec::new(duration)),
            PollTimeout::Forever => None,
        };
        let limit = limit.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        events.fill(|list, capacity| {
            // SAFETY: `list` has room for `capacity` events and the kernel
            // writes no more than that. `limit` is null (no limit) or points to
            // a timespec of the kernel's layout that outlives the call. The
            // signal mask is null, so its size is not looked at.
            unsafe {
                libc::syscall(
                    libc::SYS_epoll_pwait2,
                    self.epoll.as_raw_fd(),
                    list,
                    capacity,
                    limit,
                    std::ptr::null::<libc::sigset_t>(),
                    0_usize,
                )
            }
        })
    }

    fn wait_millis(&self, events: &mut Events, timeout: PollTimeout) -> io::Result<()> {
        let limit = match timeout {
            PollTimeout::Now => 0,
            PollTimeout::After(duration) => millis_rounded_up(duration),
            PollTimeout::Forever => -1,
        };
        events.fill(|list, capacity| {
            // SAFETY: `list` has room for `capacity` events and the kernel
            // writes no more than that.
            unsafe { libc::epoll_wait(self.epoll.as_raw_fd(), list, capacity, limit).into() }
        })
    }
}

/// Whether `error` is this errno.
fn is(error: &io::Error, errno: c_int) -> bool {
    error.raw_os_error() == Some(errno)
}

fn millis_rounded_up(duration: Duration) -> c_int {
    c_int::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(c_int::MAX)
}

/// `struct __kernel_timespec`: 64 bits wide even where C's `time_t` is not.
#[repr(C)]
struct KernelTimespec {
    secs: i64,
    nanos: i64,
}

impl KernelTimespec {
    fn new(duration: Duration) -> KernelTimespec {
        KernelTimespec {
            secs: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
            nanos: i64::from(duration.subsec_nanos()),
        }
    }
}

/// A reusable buffer for what a wait returned.
///
/// It holds 1024 events at first, 12 KiB. One that came back full is doubled
/// for the next wait (to 64 Ki at most), so that a turn sees, like asyncio's,
/// all that was ready when it began.
pub struct Events {
    list: Vec<libc::epoll_event>,
}

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
            let (flags, data) = (event.events, event.u64);
            let fd = u32::try_from(data).ok()?.cast_signed();
            Some(Event {
                fd,
                // As in `selectors`: all but the other direction, so that
                // EPOLLHUP and EPOLLERR count for both.
                readable: flags & !OUT != 0,
                writable: flags & !IN != 0,
            })
        })
    }

    /// Clears the buffer and lets `wait` write events to it; `wait` gets the
    /// place and the room, and returns how many it wrote, or -1 and errno.
    fn fill(
        &mut self,
        wait: impl FnOnce(*mut libc::epoll_event, c_int) -> c_long,
    ) -> io::Result<()> {
        let full = self.list.len() == self.list.capacity();
        self.list.clear();
        if full && self.list.capacity() < LAST_CAPACITY {
            self.list.reserve_exact(self.list.capacity() * 2);
        }
        let capacity = self.list.capacity();
        let room = c_int::try_from(capacity).unwrap_or(c_int::MAX);
        let count = usize::try_from(wait(self.list.as_mut_ptr(), room))
            .map_err(|_| io::Error::last_os_error())?;
        debug_assert!(count <= capacity);
        // SAFETY: the callers are the two functions above, in which the kernel
        // has written the first `count` events, and at most `capacity`.
        unsafe { self.list.set_len(count) };
        Ok(())
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

#[cfg(test)]
mod tests;
