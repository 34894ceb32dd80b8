//! Several datagrams in one system call.
//!
//! [`ReceiveBatch`] receives and [`send_batch`] sends. Linux has `recvmmsg(2)` and `sendmmsg(2)` for this; elsewhere one
//! call for each datagram meets the same contract. Nothing here blocks, whatever mode the descriptor is in.
//!
//! For a single datagram `recvmmsg` costs more than `recvfrom` (1.0 instead of 0.8 µs, Linux 6.18 on a machine where a
//! system call costs 0.2 µs); from sixteen datagrams on the two are even. `recvmmsg` saves the entry into the kernel,
//! which costs several times as much where the kernel must defend against speculation. So the caller says how many
//! datagrams it expects, and a single one is received by `recvfrom`.

use std::io;
use std::os::fd::BorrowedFd;

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketAddrAny, recvfrom};

#[cfg(any(target_os = "linux", target_os = "android"))]
mod mmsg;
#[cfg(any(target_os = "linux", target_os = "android"))]
use self::mmsg as os;

// Its own tests run on Linux too.
#[cfg(any(test, not(any(target_os = "linux", target_os = "android"))))]
#[cfg_attr(any(target_os = "linux", target_os = "android"), allow(dead_code))]
mod one_by_one;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
use self::one_by_one as os;

#[cfg(test)]
mod tests;

/// The most datagrams that one call receives or sends.
pub const MAX_BATCH: usize = 16;

const SEND_FLAGS: SendFlags = SendFlags::DONTWAIT.union(SendFlags::NOSIGNAL);

/// One datagram of a batch.
#[derive(Debug)]
struct Received {
    len: usize,
    sender: Option<SocketAddrAny>,
}

/// Room for [`MAX_BATCH`] datagrams, and the ones that were received last.
///
/// Pages of the buffer that no datagram has touched take no memory.
#[derive(Debug)]
pub struct ReceiveBatch {
    buffer: Box<[u8]>,
    /// Bytes for each datagram; the kernel cuts a longer one.
    size: usize,
    received: Vec<Received>,
    /// The error that has ended the last call after its datagrams.
    error: Option<io::Error>,
}

impl ReceiveBatch {
    /// Room for datagrams of up to `size` bytes each.
    pub fn new(size: usize) -> ReceiveBatch {
        ReceiveBatch {
            buffer: vec![0; size * MAX_BATCH].into_boxed_slice(),
            size,
            received: Vec::with_capacity(MAX_BATCH),
            error: None,
        }
    }

    /// Receives up to `limit` datagrams and returns their number. Those of the last call are dropped, whatever the outcome.
    ///
    /// `WouldBlock` means that there is none. An error that comes after a datagram is not returned: the next call
    /// returns it, or [`take_error`](Self::take_error) has it, as the system has it.
    pub fn receive(&mut self, fd: BorrowedFd<'_>, limit: usize) -> io::Result<usize> {
        self.received.clear();
        self.error = None;
        if limit == 1 {
            let slot = &mut self.buffer[..self.size];
            self.received.push(receive_one(fd, slot)?);
        } else {
            let slots = self
                .buffer
                .chunks_exact_mut(self.size)
                .take(limit.min(MAX_BATCH));
            self.error = os::receive(fd, slots, &mut self.received)?;
        }
        Ok(self.received.len())
    }

    /// The error that has ended the last call after its datagrams, if the kernel has told it and will not again.
    pub fn take_error(&mut self) -> Option<io::Error> {
        self.error.take()
    }

    /// The datagrams that the last call has received, in order, each with its sender's address if it has one.
    pub fn datagrams(&self) -> impl Iterator<Item = (&[u8], Option<&SocketAddrAny>)> {
        self.buffer
            .chunks_exact(self.size)
            .zip(&self.received)
            .map(|(slot, received)| (&slot[..received.len], received.sender.as_ref()))
    }
}

fn receive_one(fd: BorrowedFd<'_>, slot: &mut [u8]) -> io::Result<Received> {
    let (len, _, sender) = recvfrom(fd, slot, RecvFlags::DONTWAIT)?;
    Ok(Received { len, sender })
}

/// Sends datagrams in order, the first [`MAX_BATCH`] at most, and returns how many the kernel has taken.
///
/// `None` for an address means the one that the socket is connected to. An error is returned only if it concerns the
/// first datagram; otherwise the next call meets it again.
pub fn send_batch<'a>(
    fd: BorrowedFd<'_>,
    datagrams: impl Iterator<Item = (&'a [u8], Option<&'a SocketAddrAny>)>,
) -> io::Result<usize> {
    os::send(fd, datagrams.take(MAX_BATCH))
}

/// The name in an address of the Unix family, as the kernel has it: a path, possibly with zeros after it, or an abstract
/// name that begins with one. Empty for other families.
pub fn unix_name(address: &SocketAddrAny) -> &[u8] {
    if address.address_family() != AddressFamily::UNIX {
        return &[];
    }
    let len = address.addr_len() as usize;
    // SAFETY: a SocketAddrAny has its first `addr_len` bytes initialised, and it is borrowed as long as the slice.
    let bytes = unsafe { std::slice::from_raw_parts(address.as_ptr().cast::<u8>(), len) };
    bytes
        .get(std::mem::offset_of!(libc::sockaddr_un, sun_path)..)
        .unwrap_or_default()
}
