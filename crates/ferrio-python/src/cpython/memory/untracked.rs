//! Objects that the garbage collector is shown late.
//!
//! A coroutine that need not wait, and the exception that takes its result to the interpreter, are made and gone again within
//! nanoseconds, and to enter them in the collector's list and to take them out costs 7 of these. So the latest one of a class is
//! not shown before the next is made, or it has to wait: at any time the collector is blind to one at most. What such an object
//! refers to counts as used meanwhile.

use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

use pyo3::ffi;

use crate::cpython::tricks::Trick;

/// The latest object of a class, if the garbage collector has not been shown it. Only attached threads come here.
pub struct Untracked(AtomicPtr<ffi::PyObject>);

impl Untracked {
    /// None yet.
    pub const fn new() -> Self {
        Self(AtomicPtr::new(null_mut()))
    }

    /// Remembers a new object in the place of the one before, which is shown.
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
            // SAFETY: an object that is remembered is as the caller says. One without references waits to be deallocated:
            // since Python 3.14 the interpreter puts that off when the stack is nearly full, in a list that goes through
            // the fields by which objects are tracked.
            unsafe {
                if cfg!(not(Py_3_14)) || ffi::Py_REFCNT(last) > 0 {
                    ffi::PyObject_GC_Track(last.cast());
                }
            }
        }
    }

    /// Shows the object that is remembered, if it is the one that is meant.
    #[inline]
    pub fn show_if(&self, is_meant: impl FnOnce(*mut ffi::PyObject) -> bool) {
        let object = self.0.load(Relaxed);
        if !object.is_null() && is_meant(object) {
            self.0.store(null_mut(), Relaxed);
            // SAFETY: as above.
            unsafe { ffi::PyObject_GC_Track(object.cast()) };
        }
    }

    /// Forgets an object that is going to be deallocated; returns whether it was remembered, so that it is not tracked.
    #[inline]
    pub fn forget(&self, object: *mut ffi::PyObject) -> bool {
        let is_latest = self.0.load(Relaxed) == object;
        if is_latest {
            self.0.store(null_mut(), Relaxed);
        }
        is_latest
    }
}
