//! Deallocation of chains. When an object goes away, what it refers to may go with it, and so on: before Python 3.14 the
//! interpreter does not look how deep that goes, and the stack would end. So deallocations that nest too deep are put off.

use std::cell::{Cell, RefCell};
use std::ptr::NonNull;

use pyo3::prelude::*;
use pyo3::{PyTypeInfo, ffi};

use super::deallocators::{deallocate, replace_deallocator};
use crate::cpython::undisturbed;

/// How deep deallocations may nest before they are put off.
const MAX_DEPTH: u32 = 50;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static PUT_OFF: RefCell<Vec<(NonNull<ffi::PyObject>, ffi::destructor)>> = const { RefCell::new(Vec::new()) };
}

/// Has the instances of a class without a finalizer, which can keep each other alive in a chain of any length, deallocated one
/// after the other. Since Python 3.14 the interpreter sees to that.
pub fn install_in_turn<T: PyTypeInfo>(py: Python<'_>) {
    if cfg!(not(Py_3_14)) {
        // SAFETY: a heap type that PyO3 made and not shared with another thread while the module is initialised.
        unsafe { replace_deallocator(py.get_type::<T>().as_type_ptr(), tp_dealloc_in_turn) };
    }
}

/// The deallocator's slot function of such a class.
///
/// # Safety
/// CPython calls it with the GIL held and an instance of such a class without references.
unsafe extern "C" fn tp_dealloc_in_turn(object: *mut ffi::PyObject) {
    // SAFETY: an object without references, called once.
    unsafe { dispose_in_turn(object, dispose) };
}

/// # Safety
/// As above.
unsafe extern "C" fn dispose(object: *mut ffi::PyObject) {
    // SAFETY: the caller's.
    unsafe { deallocate(object) };
}

/// Has `dispose` deallocate an object: now, or if deallocations are nested too deep, after those.
///
/// # Safety
/// The object is without references, of a class that `dispose` is for, and given to it only here.
pub(in crate::cpython) unsafe fn dispose_in_turn(
    object: *mut ffi::PyObject,
    dispose: ffi::destructor,
) {
    let depth = DEPTH.get();
    if depth >= MAX_DEPTH {
        // SAFETY: as below; an object without references must not be seen by a garbage collection meanwhile.
        unsafe { ffi::PyObject_GC_UnTrack(object.cast()) };
        if let Some(object) = NonNull::new(object) {
            PUT_OFF.with_borrow_mut(|objects| objects.push((object, dispose)));
        }
        return;
    }
    DEPTH.set(depth + 1);
    // SAFETY: the caller's.
    unsafe { dispose(object) };
    if depth == 0 {
        // Each may put off more.
        while let Some((object, dispose)) = PUT_OFF.with_borrow_mut(Vec::pop) {
            // SAFETY: it was put off above, without references and not yet deallocated, by this thread, which is attached.
            unsafe { undisturbed(Python::assume_attached(), || dispose(object.as_ptr())) };
        }
    }
    DEPTH.set(depth);
}
