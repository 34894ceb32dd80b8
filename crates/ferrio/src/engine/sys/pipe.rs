//! The waker where there is no eventfd: a pipe that the poller watches.
//!
//! The reading end is registered edge-triggered, so each byte that is written
//! is an event though nobody reads it. When the pipe has filled up (once in
//! some ten thousand wakes) the writer empties it and writes again.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::{Errno, FdFlags, fcntl_setfd, ioctl_fionbio, read, write};

/// Interrupts the poller that made it, from any thread.
#[derive(Debug)]
pub struct Waker {
    reader: OwnedFd,
    writer: OwnedFd,
}

impl Waker {
    pub(super) fn new() -> io::Result<Waker> {
        // Apple systems have no pipe2: the flags are set one by one.
        let (reader, writer) = rustix::pipe::pipe()?;
        for end in [&reader, &writer] {
            fcntl_setfd(end, FdFlags::CLOEXEC)?;
            ioctl_fionbio(end, true)?;
        }
        Ok(Waker { reader, writer })
    }

    /// What the poller watches, edge-triggered.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }

    /// Makes the wait that is under way return, or else the next one.
    pub fn wake(&self) -> io::Result<()> {
        loop {
            match write(&self.writer, &[0]) {
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => self.empty(),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn empty(&self) {
        let mut bytes = [0; 4096];
        while read(&self.reader, &mut bytes).is_ok_and(|count| count == bytes.len()) {}
    }
}

#[cfg(all(test, any(target_os = "linux", target_os = "android")))]
mod tests {
    use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};

    use super::*;

    /// An epoll instance that watches the waker as a poller would.
    fn watch(waker: &Waker) -> OwnedFd {
        let epoll = epoll::create(CreateFlags::CLOEXEC).unwrap();
        let flags = EventFlags::IN | EventFlags::ET;
        epoll::add(&epoll, waker.fd(), EventData::new_u64(0), flags).unwrap();
        epoll
    }

    fn events(epoll: &OwnedFd) -> usize {
        let mut list = Vec::with_capacity(8);
        let room = rustix::buffer::spare_capacity(&mut list);
        epoll::wait(epoll, room, Some(&rustix::event::Timespec::default())).unwrap()
    }

    #[test]
    fn each_wake_is_one_event_though_nobody_reads() {
        let waker = Waker::new().unwrap();
        let epoll = watch(&waker);
        assert_eq!(events(&epoll), 0);
        for _ in 0..3 {
            waker.wake().unwrap();
            assert_eq!(events(&epoll), 1);
            assert_eq!(events(&epoll), 0);
        }
    }

    #[test]
    fn a_full_pipe_still_wakes() {
        let waker = Waker::new().unwrap();
        let epoll = watch(&waker);
        while write(&waker.writer, &[0; 4096]).is_ok() {}
        while write(&waker.writer, &[0]).is_ok() {}
        assert_eq!(events(&epoll), 1);
        waker.wake().unwrap();
        assert_eq!(events(&epoll), 1);
    }

    #[test]
    fn both_ends_are_closed_on_exec() {
        let waker = Waker::new().unwrap();
        for end in [&waker.reader, &waker.writer] {
            let flags = rustix::io::fcntl_getfd(end).unwrap();
            assert!(flags.contains(FdFlags::CLOEXEC));
        }
    }
}
