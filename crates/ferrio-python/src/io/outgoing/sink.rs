//! Where bytes are written to.

use std::io::{self, IoSlice};
use std::os::fd::RawFd;

use crate::cpython::borrow_fd;
use crate::io::socket::{send, send_vectored};

/// A descriptor, by the system call that writes to it.
#[derive(Clone, Copy)]
pub enum Sink {
    /// A socket: `send(2)`, which neither blocks nor raises SIGPIPE, whatever mode the descriptor is in.
    Socket(RawFd),
    /// A pipe, a terminal, anything: `write(2)`, on a descriptor in non-blocking mode.
    File(RawFd),
}

impl Sink {
    /// The descriptor.
    pub fn fd(self) -> RawFd {
        match self {
            Self::Socket(fd) | Self::File(fd) => fd,
        }
    }

    /// Writes what the kernel takes; returns how many bytes that were.
    pub fn write(self, data: &[u8]) -> io::Result<usize> {
        match self {
            Self::Socket(fd) => send(fd, data),
            Self::File(fd) => Ok(rustix::io::write(borrow_fd(fd)?, data)?),
        }
    }

    /// Writes several pieces by one system call.
    pub fn write_vectored(self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Socket(fd) => send_vectored(fd, pieces),
            Self::File(fd) => Ok(rustix::io::writev(borrow_fd(fd)?, pieces)?),
        }
    }
}
