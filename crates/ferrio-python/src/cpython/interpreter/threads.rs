//! What is known of the calling thread.

use pyo3::ffi;
use pyo3::prelude::*;

/// `threading.get_ident()` of the calling thread.
#[inline]
pub fn thread_ident() -> u64 {
    // SAFETY: PyThread_get_thread_ident only reads thread-local data of the C library.
    #[allow(clippy::useless_conversion, reason = "c_ulong has 32 bits elsewhere")]
    u64::from(unsafe { ffi::PyThread_get_thread_ident() })
}

/// The frame of the Python code that runs, if there is any. Not by `sys._getframe`: called without a frame of its own while a
/// coroutine's is being cleared, since Python 3.12 it takes what lies on the C stack for one.
pub fn current_frame(py: Python<'_>) -> Option<Bound<'_, PyAny>> {
    // SAFETY: the thread is attached; the result is a borrowed reference, or null for none.
    unsafe { Bound::from_borrowed_ptr_or_opt(py, ffi::PyEval_GetFrame().cast()) }
}
