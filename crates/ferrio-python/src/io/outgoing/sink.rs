//! [`Sink`]: a descriptor with the system calls that write to it.

use std::io::{self, IoSlice};
use std::os::fd::RawFd;

use crate::cpython::borrow_fd;
use crate::io::socket::{send, send_vectored};

/// A descriptor to write to.
#[derive(Clone, Copy)]
pub enum Sink {
    /// A socket, by `send(2)`, which neither blocks nor raises SIGPIPE, even in blocking mode.
    Socket(RawFd),
    /// A pipe, a terminal or another file in non-blocking mode, by `write(2)`.
    File(RawFd),
}

impl Sink {
    /// Returns the descriptor.
    pub fn fd(self) -> RawFd {
        match self {
            Self::Socket(fd) | Self::File(fd) => fd,
        }
    }

    /// Writes as much as the kernel takes. Returns the number of bytes.
    pub fn write(self, data: &[u8]) -> io::Result<usize> {
        match self {
            Self::Socket(fd) => send(fd, data),
            Self::File(fd) => Ok(rustix::io::write(borrow_fd(fd)?, data)?),
        }
    }

    /// Writes several pieces by one system call. Returns the number of bytes.
    pub fn write_vectored(self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Socket(fd) => send_vectored(fd, pieces),
            Self::File(fd) => Ok(rustix::io::writev(borrow_fd(fd)?, pieces)?),
        }
    }
}
