//! Functions of ours that the interpreter calls.

use pyo3::prelude::*;

/// Runs a slot function's body as PyO3 runs those that it makes: it has to be told that the thread is attached. Otherwise
/// it would put references that are dropped meanwhile aside, until it is called the next time.
///
/// # Safety
/// The thread is attached to the interpreter.
#[inline]
pub unsafe fn in_slot<R>(body: impl FnOnce(Python<'_>) -> R) -> R {
    // SAFETY: the caller's.
    unsafe { Python::attach_unchecked(body) }
}

/// Raises what says that there is a bug.
#[cold]
pub(in crate::cpython) fn panicked(py: Python<'_>) {
    pyo3::panic::PanicException::new_err("panic in ferrio").restore(py);
}
