//! One system call for each datagram, where there is none for several.

use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;

use rustix::net::{SendAncillaryBuffer, SocketAddrAny, sendmsg, sendmsg_addr};

use super::{Received, SEND_FLAGS, receive_one};

pub(super) fn receive<'a>(
    fd: BorrowedFd<'_>,
    slots: impl Iterator<Item = &'a mut [u8]>,
    received: &mut Vec<Received>,
) -> io::Result<Option<io::Error>> {
    for slot in slots {
        match receive_one(fd, slot) {
            Ok(datagram) => received.push(datagram),
            Err(error) if received.is_empty() => return Err(error),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            // The kernel reports an error only once.
            Err(error) => return Ok(Some(error)),
        }
    }
    Ok(None)
}

pub(super) fn send<'a>(
    fd: BorrowedFd<'_>,
    datagrams: impl Iterator<Item = (&'a [u8], Option<&'a SocketAddrAny>)>,
) -> io::Result<usize> {
    let mut sent = 0;
    for (data, address) in datagrams {
        let pieces = [IoSlice::new(data)];
        let mut control = SendAncillaryBuffer::default();
        let outcome = match address {
            Some(address) => sendmsg_addr(fd, address, &pieces, &mut control, SEND_FLAGS),
            None => sendmsg(fd, &pieces, &mut control, SEND_FLAGS),
        };
        match outcome {
            Ok(_) => sent += 1,
            Err(error) if sent == 0 => return Err(error.into()),
            // The next call begins with this datagram and reports the error.
            Err(_) => break,
        }
    }
    Ok(sent)
}
