//! File descriptors that are numbers.

use std::io;
use std::os::fd::{BorrowedFd, RawFd};

/// The descriptor with this number, for one system call.
///
/// Fails with `EBADF` for a negative number, which is what a closed Python socket answers.
pub fn borrow_fd<'fd>(fd: RawFd) -> io::Result<BorrowedFd<'fd>> {
    if fd < 0 {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    // SAFETY: the number is not -1. Whether it is open is the kernel's to say, as for every descriptor that Python code
    // hands over; nothing here keeps it beyond the call.
    Ok(unsafe { BorrowedFd::borrow_raw(fd) })
}
