//! The deallocators that PyO3 has made for classes, which those that stand in their place call in the end.

use std::ptr::null_mut;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

use pyo3::ffi;

/// A class, and PyO3's deallocator for it.
struct Original {
    class: AtomicPtr<ffi::PyTypeObject>,
    deallocator: OnceLock<ffi::destructor>,
}

/// In the order in which they were replaced: the classes whose objects come and go most are the first.
static ORIGINALS: [Original; 32] = [const {
    Original {
        class: AtomicPtr::new(null_mut()),
        deallocator: OnceLock::new(),
    }
}; 32];

/// Puts a deallocator in the place of PyO3's. A class that has been given one before only gets the new one.
///
/// # Safety
/// The class is a heap type that PyO3 made, stays as long as the process, and is not shared with another thread now.
pub(super) unsafe fn replace_deallocator(class: *mut ffi::PyTypeObject, new: ffi::destructor) {
    // SAFETY: the caller's.
    let Some(original) = (unsafe { (*class).tp_dealloc }) else {
        return;
    };
    let free = ORIGINALS.iter().find(|it| {
        let known = it.class.load(Relaxed);
        known.is_null() || known == class
    });
    // Without a place the class keeps its own.
    if let Some(place) = free {
        let _ = place.deallocator.set(original);
        place.class.store(class, Relaxed);
        // SAFETY: the caller's.
        unsafe { (*class).tp_dealloc = Some(new) };
    }
}

/// Has PyO3 deallocate an object of a class that has another deallocator, or of a subclass.
///
/// # Safety
/// The object is without references, and given to this once.
pub(super) unsafe fn deallocate(object: *mut ffi::PyObject) {
    // SAFETY: the caller's; the classes of a live object.
    unsafe {
        let mut class = ffi::Py_TYPE(object);
        while !class.is_null() {
            let known = ORIGINALS.iter().find(|it| it.class.load(Relaxed) == class);
            if let Some(deallocator) = known.and_then(|it| it.deallocator.get()) {
                return deallocator(object);
            }
            class = (*class).tp_base;
        }
    }
}
