//! Deallocation of chains. When an object goes away, what it refers to may go with it, and so on: before Python 3.14 the
//! interpreter does not look how deep that goes, and the stack would end. So deallocations that nest too deep are put off.

use std::cell::{Cell, RefCell};
use std::ptr::NonNull;
use std::sync::OnceLock;

use pyo3::ffi;
use pyo3::prelude::*;

use crate::cpython::undisturbed;

/// How deep deallocations may nest before they are put off.
const MAX_DEPTH: u32 = 50;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static PUT_OFF: RefCell<Vec<(NonNull<ffi::PyObject>, ffi::destructor)>> = const { RefCell::new(Vec::new()) };
}

/// A class without a finalizer whose instances can keep each other alive in a chain of any length.
pub trait InTurn: pyo3::PyClass + Sync {
    /// Where the deallocator that PyO3 made for the class is kept.
    fn deallocator() -> &'static OnceLock<ffi::destructor>;
}

/// Implements [`InTurn`] for classes.
macro_rules! in_turn {
    ($($class:ty),*) => {
        $(impl $crate::cpython::InTurn for $class {
            fn deallocator() -> &'static std::sync::OnceLock<pyo3::ffi::destructor> {
                static ORIGINAL: std::sync::OnceLock<pyo3::ffi::destructor> =
                    std::sync::OnceLock::new();
                &ORIGINAL
            }
        })*
    };
}
pub(crate) use in_turn;

/// Has `T`'s instances deallocated one after the other. Since Python 3.14 the interpreter sees to that.
pub fn install_in_turn<T: InTurn>(py: Python<'_>) {
    if cfg!(Py_3_14) {
        return;
    }
    // SAFETY: a heap type that PyO3 made and not shared with another thread while the module is initialised.
    unsafe {
        let ty = py.get_type::<T>().as_type_ptr();
        if let Some(original) = (*ty).tp_dealloc {
            // A second interpreter's module has the same function.
            let _ = T::deallocator().set(original);
            (*ty).tp_dealloc = Some(tp_dealloc_in_turn::<T>);
        }
    }
}

/// The deallocator's slot function of such a class.
///
/// # Safety
/// CPython calls it with the GIL held and an instance of `T` without references.
unsafe extern "C" fn tp_dealloc_in_turn<T: InTurn>(object: *mut ffi::PyObject) {
    if let Some(&original) = T::deallocator().get() {
        // SAFETY: an object without references, and the deallocator of its own class, called once.
        unsafe { dispose_in_turn(object, original) };
    }
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
