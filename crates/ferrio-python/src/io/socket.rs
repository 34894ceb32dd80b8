//! The system calls that move data through sockets.
//!
//! None of them blocks, even if the descriptor is in blocking mode, and none raises SIGPIPE.

use std::io::{self, IoSlice};
use std::os::fd::RawFd;

use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags, SocketAddrAny};

use crate::cpython::borrow_fd;

/// Calls `recv(2)`. Returns the number of bytes, 0 at the end of the stream.
pub fn recv(fd: RawFd, buffer: &mut [u8]) -> io::Result<usize> {
    let (received, _) = rustix::net::recv(borrow_fd(fd)?, buffer, RecvFlags::DONTWAIT)?;
    Ok(received)
}

/// Calls `recvfrom(2)`. Returns the size of the datagram and the sender's address, `None` for a sender without a name.
pub fn recv_from(fd: RawFd, buffer: &mut [u8]) -> io::Result<(usize, Option<SocketAddrAny>)> {
    let (received, _, sender) = rustix::net::recvfrom(borrow_fd(fd)?, buffer, RecvFlags::DONTWAIT)?;
    Ok((received, sender))
}

/// Calls `sendto(2)`. Returns the number of bytes taken. Without an address, they go to the connected peer.
pub fn send_to(fd: RawFd, data: &[u8], address: Option<&SocketAddrAny>) -> io::Result<usize> {
    match address {
        Some(address) => Ok(rustix::net::sendto(
            borrow_fd(fd)?,
            data,
            SEND_FLAGS,
            address,
        )?),
        None => send(fd, data),
    }
}

/// Calls `send(2)`. Returns the number of bytes taken.
pub fn send(fd: RawFd, data: &[u8]) -> io::Result<usize> {
    Ok(rustix::net::send(borrow_fd(fd)?, data, SEND_FLAGS)?)
}

/// Calls `sendmsg(2)` with several pieces. Returns the number of bytes taken.
pub fn send_vectored(fd: RawFd, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
    let mut control = SendAncillaryBuffer::default();
    Ok(rustix::net::sendmsg(
        borrow_fd(fd)?,
        pieces,
        &mut control,
        SEND_FLAGS,
    )?)
}

const SEND_FLAGS: SendFlags = SendFlags::DONTWAIT.union(SendFlags::NOSIGNAL);
