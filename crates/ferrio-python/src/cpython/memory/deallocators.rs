//! Replacing PyO3's deallocators: the table of the original ones, which the replacements call in the end.

use std::ptr::null_mut;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

use pyo3::ffi;

/// A class, and PyO3's deallocator for it.
struct Original {
    class: AtomicPtr<ffi::PyTypeObject>,
    deallocator: OnceLock<ffi::destructor>,
}

/// The originals in the order in which they were replaced. The classes with the most frequent deallocations come first.
static ORIGINALS: [Original; 32] = [const {
    Original {
        class: AtomicPtr::new(null_mut()),
        deallocator: OnceLock::new(),
    }
}; 32];

/// Replaces PyO3's deallocator of a class, or an earlier replacement of it.
///
/// # Safety
/// The class is a heap type that PyO3 made, stays as long as the process, and is not shared with another thread now.
pub(super) unsafe fn replace_deallocator(class: *mut ffi::PyTypeObject, new: ffi::destructor) {
    // SAFETY: the caller guarantees a type object.
    let Some(original) = (unsafe { (*class).tp_dealloc }) else {
        return;
    };
    let entry = ORIGINALS.iter().find(|entry| {
        let known = entry.class.load(Relaxed);
        known.is_null() || known == class
    });
    // If the table is full, the class keeps its deallocator.
    if let Some(entry) = entry {
        let _ = entry.deallocator.set(original);
        entry.class.store(class, Relaxed);
        // SAFETY: the caller guarantees that nobody else uses the type object now.
        unsafe { (*class).tp_dealloc = Some(new) };
    }
}

/// Calls PyO3's own deallocator on an object of a class whose deallocator was replaced, or of a subclass.
///
/// # Safety
/// The object is without references and is deallocated only once.
pub(super) unsafe fn deallocate(object: *mut ffi::PyObject) {
    // SAFETY: the object still has its class. The caller guarantees what the deallocator needs.
    unsafe {
        let mut class = ffi::Py_TYPE(object);
        while !class.is_null() {
            let known = ORIGINALS
                .iter()
                .find(|entry| entry.class.load(Relaxed) == class);
            if let Some(deallocator) = known.and_then(|entry| entry.deallocator.get()) {
                return deallocator(object);
            }
            class = (*class).tp_base;
        }
    }
}
