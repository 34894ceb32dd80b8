//! The system calls of the data path. None of them blocks, whatever mode the descriptor is in, and none raises SIGPIPE.

use std::io::{self, IoSlice};
use std::os::fd::RawFd;

use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags, SocketAddrAny};

use crate::cpython::borrow_fd;

/// `recv(2)`: the number of bytes, 0 at the end of the stream.
pub fn recv(fd: RawFd, buffer: &mut [u8]) -> io::Result<usize> {
    let (received, _) = rustix::net::recv(borrow_fd(fd)?, buffer, RecvFlags::DONTWAIT)?;
    Ok(received)
}

/// `recvfrom(2)`: the number of bytes of a datagram and its sender's address, `None` if it has no name.
pub fn recv_from(fd: RawFd, buffer: &mut [u8]) -> io::Result<(usize, Option<SocketAddrAny>)> {
    let (received, _, sender) = rustix::net::recvfrom(borrow_fd(fd)?, buffer, RecvFlags::DONTWAIT)?;
    Ok((received, sender))
}

/// `sendto(2)`: how many of the bytes were taken. Without an address they go where the socket is connected to.
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

/// `send(2)`: how many of the bytes were taken.
pub fn send(fd: RawFd, data: &[u8]) -> io::Result<usize> {
    Ok(rustix::net::send(borrow_fd(fd)?, data, SEND_FLAGS)?)
}

/// `sendmsg(2)` of several pieces: how many of the bytes were taken.
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
