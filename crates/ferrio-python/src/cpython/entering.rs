//! Entering Rust code from functions that the interpreter calls directly.

use pyo3::prelude::*;

/// Runs the body of a slot function as PyO3 runs its own: PyO3 has to know that the thread is attached. Otherwise it would
/// put references aside that the body drops, and release them at the next call of a function of PyO3's.
///
/// # Safety
/// The thread is attached to the interpreter.
#[inline]
pub unsafe fn in_slot<R>(body: impl FnOnce(Python<'_>) -> R) -> R {
    // SAFETY: the caller guarantees it.
    unsafe { Python::attach_unchecked(body) }
}

/// Sets the exception for a caught panic.
#[cold]
pub(in crate::cpython) fn panicked(py: Python<'_>) {
    pyo3::panic::PanicException::new_err("panic in ferrio").restore(py);
}
