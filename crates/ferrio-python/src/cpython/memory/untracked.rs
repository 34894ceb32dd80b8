//! Short-lived objects that the garbage collector need not see.
//!
//! A coroutine that ends without waiting, and the exception that takes its result to the interpreter, exist for a few
//! nanoseconds. Adding an object to the collector's list and removing it costs 7 ns. So the latest object of such a class
//! is added only when the next one is made or when the object has to wait: at any time the collector misses at most one
//! object of each class. It treats what this object refers to as referenced from outside.

use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

use pyo3::ffi;

use crate::cpython::tricks::Trick;

/// The latest object of a class, while the garbage collector does not see it. Only attached threads use this.
pub struct Untracked(AtomicPtr<ffi::PyObject>);

impl Untracked {
    /// Makes an empty cell.
    pub const fn new() -> Self {
        Self(AtomicPtr::new(null_mut()))
    }

    /// Remembers a new object, and shows the previous one to the garbage collector.
    ///
    /// # Safety
    /// The object is complete, not tracked, and will be forgotten before it is deallocated.
    #[inline]
    pub unsafe fn put(&self, object: *mut ffi::PyObject) {
        if !Trick::Recycling.is_allowed() {
            // SAFETY: a complete object that is not tracked.
            return unsafe { ffi::PyObject_GC_Track(object.cast()) };
        }
        let last = self.0.load(Relaxed);
        self.0.store(object, Relaxed);
        if !last.is_null() {
            // SAFETY: a remembered object is as its caller has guaranteed. One without references waits for its
            // deallocation: since Python 3.14 the interpreter puts that off when the stack is nearly full, and links such
            // objects through the fields by which the garbage collector tracks them, so it must not be tracked.
            unsafe {
                if cfg!(not(Py_3_14)) || ffi::Py_REFCNT(last) > 0 {
                    ffi::PyObject_GC_Track(last.cast());
                }
            }
        }
    }

    /// Shows the remembered object to the garbage collector, if `is_meant` accepts it.
    #[inline]
    pub fn show_if(&self, is_meant: impl FnOnce(*mut ffi::PyObject) -> bool) {
        let object = self.0.load(Relaxed);
        if !object.is_null() && is_meant(object) {
            self.0.store(null_mut(), Relaxed);
            // SAFETY: as above.
            unsafe { ffi::PyObject_GC_Track(object.cast()) };
        }
    }

    /// Forgets an object that is going to be deallocated. Returns whether it was remembered: then it is not tracked.
    #[inline]
    pub fn forget(&self, object: *mut ffi::PyObject) -> bool {
        let is_latest = self.0.load(Relaxed) == object;
        if is_latest {
            self.0.store(null_mut(), Relaxed);
        }
        is_latest
    }
}
