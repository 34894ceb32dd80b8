//! File descriptors that Python code passes as numbers.

use std::io;
use std::os::fd::{BorrowedFd, RawFd};

/// Returns the descriptor with this number, for one system call.
///
/// Fails with `EBADF` for a negative number, which is the `fileno()` of a closed Python socket.
pub fn borrow_fd<'fd>(fd: RawFd) -> io::Result<BorrowedFd<'fd>> {
    if fd < 0 {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    // SAFETY: the number is not -1. The kernel checks whether it is open, as for every descriptor that Python code hands
    // over; nothing here keeps it beyond the call.
    Ok(unsafe { BorrowedFd::borrow_raw(fd) })
}
