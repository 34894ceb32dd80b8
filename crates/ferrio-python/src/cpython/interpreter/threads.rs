//! The calling thread: its identity and its Python frame.

use pyo3::ffi;
use pyo3::prelude::*;

/// Returns `threading.get_ident()` of the calling thread.
#[inline]
pub fn thread_ident() -> u64 {
    // SAFETY: PyThread_get_thread_ident only reads thread-local data of the C library.
    #[allow(clippy::useless_conversion, reason = "c_ulong has 32 bits elsewhere")]
    u64::from(unsafe { ffi::PyThread_get_thread_ident() })
}

/// Returns the frame of the running Python code, if there is any.
///
/// `sys._getframe` cannot be used for this: since Python 3.12, a call from native code while a coroutine's frame is being
/// cleared takes arbitrary memory of the C stack for a frame.
pub fn current_frame(py: Python<'_>) -> Option<Bound<'_, PyAny>> {
    // SAFETY: the thread is attached; the result is a borrowed reference, or null for none.
    unsafe { Bound::from_borrowed_ptr_or_opt(py, ffi::PyEval_GetFrame().cast()) }
}
