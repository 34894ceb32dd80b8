//! Reference counts.

use pyo3::ffi;
use pyo3::prelude::*;

/// Whether nobody else has a reference to the object.
pub fn is_only_reference<T>(_py: Python<'_>, object: &Py<T>) -> bool {
    // SAFETY: a live object, and the thread is attached.
    unsafe { ffi::Py_REFCNT(object.as_ptr()) == 1 }
}
