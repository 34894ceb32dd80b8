//! `recvmmsg(2)` and `sendmmsg(2)`, of Linux.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use rustix::net::{MMsgHdr, SendAncillaryBuffer, SocketAddrAny, sendmmsg};

use super::{MAX_BATCH, Received, SEND_FLAGS};

/// The kernel keeps an error that it meets after a datagram for the next call.
pub(super) fn receive<'a>(
    fd: BorrowedFd<'_>,
    slots: impl Iterator<Item = &'a mut [u8]>,
    received: &mut Vec<Received>,
) -> io::Result<Option<io::Error>> {
    let mut names = [const { MaybeUninit::<libc::sockaddr_storage>::uninit() }; MAX_BATCH];
    let mut pieces = [libc::iovec {
        iov_base: ptr::null_mut(),
        iov_len: 0,
    }; MAX_BATCH];
    // SAFETY: an mmsghdr is integers and pointers, for which zero is a value.
    let mut headers: [libc::mmsghdr; MAX_BATCH] = unsafe { std::mem::zeroed() };
    let mut count = 0;
    for (((slot, name), piece), header) in slots.zip(&mut names).zip(&mut pieces).zip(&mut headers)
    {
        piece.iov_base = slot.as_mut_ptr().cast();
        piece.iov_len = slot.len();
        header.msg_hdr.msg_name = name.as_mut_ptr().cast();
        header.msg_hdr.msg_namelen = NAME_SIZE;
        header.msg_hdr.msg_iov = piece;
        header.msg_hdr.msg_iovlen = 1;
        count += 1;
    }
    // SAFETY: the first `count` headers point to a name of the size they say and to one piece, which points to a slot of
    // the size it says. All of them are live, distinct and ours alone during the call; no timeout is given. The
    // kernel writes no more than those sizes.
    let outcome = unsafe {
        libc::recvmmsg(
            fd.as_raw_fd(),
            headers.as_mut_ptr(),
            count,
            libc::MSG_DONTWAIT as _, // unsigned with some C libraries
            ptr::null_mut(),
        )
    };
    let Ok(filled) = usize::try_from(outcome) else {
        return Err(io::Error::last_os_error());
    };
    received.extend(headers[..filled].iter().zip(&names).map(|(header, name)| {
        let len = header.msg_hdr.msg_namelen;
        Received {
            len: header.msg_len as usize,
            // An unnamed sender has an address of length 0.
            // SAFETY: the kernel has written an address of `len` bytes, which SocketAddrAny checks to be at most the
            // size of a sockaddr_storage and at least that of an address family.
            sender: (len != 0).then(|| unsafe { SocketAddrAny::read(name.as_ptr().cast(), len) }),
        }
    }));
    Ok(None)
}

#[allow(clippy::cast_possible_truncation, reason = "128")]
const NAME_SIZE: libc::socklen_t = size_of::<libc::sockaddr_storage>() as libc::socklen_t;

pub(super) fn send<'a>(
    fd: BorrowedFd<'_>,
    datagrams: impl Iterator<Item = (&'a [u8], Option<&'a SocketAddrAny>)>,
) -> io::Result<usize> {
    let mut pieces = [[IoSlice::new(&[])]; MAX_BATCH];
    let mut addresses = [None; MAX_BATCH];
    let mut count = 0;
    for ((data, address), (piece, to)) in datagrams.zip(pieces.iter_mut().zip(&mut addresses)) {
        *piece = [IoSlice::new(data)];
        *to = address;
        count += 1;
    }
    let mut controls: [SendAncillaryBuffer<'_, '_, '_>; MAX_BATCH] = Default::default();
    let mut headers: Vec<_> = pieces
        .iter()
        .zip(addresses)
        .zip(&mut controls)
        .take(count)
        .map(|((piece, to), control)| match to {
            Some(address) => MMsgHdr::new_with_addr(address, piece, control),
            None => MMsgHdr::new(piece, control),
        })
        .collect();
    Ok(sendmmsg(fd, &mut headers, SEND_FLAGS)?)
}
