//! The descriptor to which the interpreter's C-level signal handler writes the number of each signal.

use std::ffi::c_int;
use std::os::fd::RawFd;

use pyo3::prelude::*;

unsafe extern "C" {
    /// Sets the descriptor and returns the one before, each -1 for none (CPython: `Doc/c-api/exceptions.rst`). Exported
    /// since Python 3.13; PyO3 does not declare it.
    fn PySignal_SetWakeupFd(fd: c_int) -> c_int;
}

/// Sets the wake-up descriptor, and returns the one before; each is -1 for none.
///
/// `fd` has to be non-blocking, and the calling thread the main thread. The Python function, `signal.set_wakeup_fd`, checks
/// both, which costs three system calls.
pub fn replace_wakeup_fd(_: Python<'_>, fd: RawFd) -> RawFd {
    // SAFETY: the thread is attached; the function only exchanges an integer.
    unsafe { PySignal_SetWakeupFd(fd) }
}
