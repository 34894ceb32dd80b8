//! Objects that are used again instead of being deallocated: for a class whose instances come and go with each `await`.
//!
//! To make an object of a class in Rust goes through `object.__new__`, the allocator and the garbage collector, and its end
//! through them again: 60 ns together. An object that is kept when its last reference goes costs 10.

use std::sync::OnceLock;

use pyo3::ffi;
use pyo3::prelude::*;

use crate::cell::AttachedCell;

/// How many objects without a use are kept.
const KEPT: usize = 64;

/// A class whose instances are used again. It has no subclasses.
pub trait Recycle: pyo3::PyClass + Sync {
    /// Where the deallocator that PyO3 made for the class is kept.
    fn deallocator() -> &'static OnceLock<ffi::destructor>;

    /// The objects without a use, each with this one reference.
    fn spares() -> &'static AttachedCell<Vec<Py<Self>>>;

    /// Whether the object refers to nothing, so that it need not be reset.
    fn is_reset(slf: &Bound<'_, Self>) -> bool;

    /// Ends the use of an object: afterwards it refers to nothing. Called when its last reference has gone.
    fn reset(slf: &Bound<'_, Self>);
}

/// Has `T`'s instances kept when their last reference goes.
pub fn install_recycling<T: Recycle>(py: Python<'_>) {
    let ty = py.get_type::<T>();
    // SAFETY: `ty` is a heap type that PyO3 made and not shared with another thread while the module is initialised.
    unsafe {
        let ty = ty.as_type_ptr();
        if let Some(original) = (*ty).tp_dealloc {
            // A second interpreter's module has the same function.
            let _ = T::deallocator().set(original);
            (*ty).tp_dealloc = Some(tp_dealloc::<T>);
        }
    }
}

/// An object that was reset, if one was kept.
#[inline]
pub fn reuse<T: Recycle>(py: Python<'_>) -> Option<Bound<'_, T>> {
    let spare = T::spares().with(py, Vec::pop)?.into_bound(py);
    // SAFETY: a live object of a class with garbage collection, which `tp_dealloc` has untracked.
    unsafe { ffi::PyObject_GC_Track(spare.as_ptr().cast()) };
    Some(spare)
}

/// The deallocator's slot function: keeps the object, or lets PyO3's own deallocate it.
///
/// # Safety
/// CPython calls it with the GIL held and an instance of `T` without references.
unsafe extern "C" fn tp_dealloc<T: Recycle>(object: *mut ffi::PyObject) {
    // SAFETY: the interpreter calls slots only from attached threads.
    let py = unsafe { Python::assume_attached() };
    if T::spares().with(py, |spares| spares.len() >= KEPT) {
        if let Some(&original) = T::deallocator().get() {
            // SAFETY: the deallocator of the object's own class, called once.
            unsafe { original(object) };
        }
        return;
    }
    // SAFETY: the object has no references, as the functions want; then it has the one that is made here.
    let slf = unsafe {
        ffi::PyObject_GC_UnTrack(object.cast());
        if has_weak_references(object) {
            ffi::PyObject_ClearWeakRefs(object);
        }
        ffi::Py_INCREF(object);
        Bound::from_owned_ptr(py, object).cast_into_unchecked::<T>()
    };
    if T::is_reset(&slf) || reset(&slf) {
        T::spares().with(py, |spares| spares.push(slf.unbind()));
    } else {
        // Nobody knows what it refers to: it is not used any more.
        std::mem::forget(slf);
    }
}

/// Whether there are weak references to the object.
///
/// # Safety
/// The object's class has a list of weak references in each instance.
#[inline]
unsafe fn has_weak_references(object: *mut ffi::PyObject) -> bool {
    // SAFETY: the offset is that of the instance's field, which is null or points to the first weak reference.
    unsafe {
        let offset = (*ffi::Py_TYPE(object)).tp_weaklistoffset;
        let list = object.byte_offset(offset).cast::<*mut ffi::PyObject>();
        !(*list).is_null()
    }
}

/// Resets the object; returns whether that was possible.
#[cold]
fn reset<T: Recycle>(slf: &Bound<'_, T>) -> bool {
    // An exception may be on its way while objects go away: it must be there afterwards.
    let pending = PyErr::take(slf.py());
    let reset = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| T::reset(slf)));
    if let Some(pending) = pending {
        pending.restore(slf.py());
    }
    reset.is_ok()
}
