//! Deallocation of chains without deep recursion.
//!
//! When an object is deallocated, the objects that it refers to may be, too, and so on. Before Python 3.14 the interpreter
//! does not limit this depth for classes like PyO3's, and a long chain overflows the stack. So deallocations that nest too
//! deep are put off until the outer ones are finished.

use std::cell::{Cell, RefCell};
use std::ptr::NonNull;

use pyo3::prelude::*;
use pyo3::{PyTypeInfo, ffi};

use super::deallocators::{deallocate, replace_deallocator};
use crate::cpython::undisturbed;

/// The number of nested deallocations from which further ones are put off.
const MAX_DEPTH: u32 = 50;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static PUT_OFF: RefCell<Vec<(NonNull<ffi::PyObject>, ffi::destructor)>> = const { RefCell::new(Vec::new()) };
}

/// Makes the instances of a class without a finalizer be deallocated one after the other when they form a chain. Since
/// Python 3.14 the interpreter does so itself.
pub fn install_in_turn<T: PyTypeInfo>(py: Python<'_>) {
    if cfg!(not(Py_3_14)) {
        // SAFETY: a heap type that PyO3 made, which is not shared with another thread while the module is initialised.
        unsafe { replace_deallocator(py.get_type::<T>().as_type_ptr(), tp_dealloc_in_turn) };
    }
}

/// The slot function `tp_dealloc` of such a class.
///
/// # Safety
/// CPython calls it with the GIL held and an instance of such a class without references.
unsafe extern "C" fn tp_dealloc_in_turn(object: *mut ffi::PyObject) {
    // SAFETY: an object without references, whose deallocator is called once.
    unsafe { dispose_in_turn(object, dispose) };
}

/// Deallocates an object.
///
/// # Safety
/// As for [`deallocate`].
unsafe extern "C" fn dispose(object: *mut ffi::PyObject) {
    // SAFETY: the caller guarantees it.
    unsafe { deallocate(object) };
}

/// Calls `dispose` on an object: at once or, if deallocations are nested too deep, after the outer ones.
///
/// # Safety
/// The object is without references, of a class that `dispose` is for, and disposed of only here.
pub(in crate::cpython) unsafe fn dispose_in_turn(
    object: *mut ffi::PyObject,
    dispose: ffi::destructor,
) {
    let depth = DEPTH.get();
    if depth >= MAX_DEPTH {
        // The garbage collector must not see an object without references in the meantime.
        // SAFETY: the object is complete.
        unsafe { ffi::PyObject_GC_UnTrack(object.cast()) };
        if let Some(object) = NonNull::new(object) {
            PUT_OFF.with_borrow_mut(|objects| objects.push((object, dispose)));
        }
        return;
    }
    DEPTH.set(depth + 1);
    // SAFETY: the caller guarantees it.
    unsafe { dispose(object) };
    if depth == 0 {
        // Each of these deallocations may put off more.
        while let Some((object, dispose)) = PUT_OFF.with_borrow_mut(Vec::pop) {
            // SAFETY: this thread, which is attached, has put the object off above, without references and not deallocated.
            unsafe { undisturbed(Python::assume_attached(), || dispose(object.as_ptr())) };
        }
    }
    DEPTH.set(depth);
}
