//! Objects that are not complete yet, before Python 3.12.
//!
//! `object.__new__` of Python 3.11 shows the garbage collector a new object, and then makes its dictionary, if it can have one.
//! That may start a collection (`_PyObject_InitializeDict` in CPython's `Objects/dictobject.c`), which visits an object that
//! has no value yet. It consists of zeros behind its head, by which it is known here.

use std::ffi::{c_int, c_void};
use std::ptr::from_ref;
use std::sync::OnceLock;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyType;

/// A class and the function by which PyO3 visits what its instances refer to.
struct Visited(*mut ffi::PyTypeObject, ffi::traverseproc);

// SAFETY: the addresses of type objects that stay as long as the process; only attached threads follow them.
unsafe impl Send for Visited {}
// SAFETY: as above.
unsafe impl Sync for Visited {}

static CLASSES: OnceLock<Vec<Visited>> = OnceLock::new();

/// Has the garbage collector leave incomplete instances of the module's classes alone.
pub fn skip_incomplete(module: &Bound<'_, PyModule>) {
    let mut classes = Vec::new();
    for object in module.dict().values() {
        let Ok(class) = object.cast::<PyType>() else {
            continue;
        };
        let class = class.as_type_ptr();
        // SAFETY: a type object of this module, which is not shared with another thread while the module is initialised.
        unsafe {
            let original = (*class).tp_traverse;
            if let Some(original) = original.filter(|_| (*class).tp_dictoffset > 0) {
                classes.push(Visited(class, original));
                (*class).tp_traverse = Some(tp_traverse);
            }
        }
    }
    // A second interpreter's module has the same classes.
    let _ = CLASSES.set(classes);
}

/// The slot's function. PyO3's functions find the class above by their own address in the slot, where it is no longer: so
/// each of them is called, and the class visited, here.
///
/// # Safety
/// The garbage collector's: an instance of one of the classes or of a subclass.
unsafe extern "C" fn tp_traverse(
    object: *mut ffi::PyObject,
    visit: ffi::visitproc,
    arg: *mut c_void,
) -> c_int {
    let known = CLASSES.get().map_or(&[][..], Vec::as_slice);
    // SAFETY: the caller's: a live object, its class and the classes above it.
    unsafe {
        let own = ffi::Py_TYPE(object);
        let base =
            |&class: &*mut ffi::PyTypeObject| Some((*class).tp_base).filter(|it| !it.is_null());
        let mut visited = std::iter::successors(Some(own), base)
            .filter_map(|class| known.iter().find(|known| known.0 == class))
            .peekable();
        if visited
            .peek()
            .is_none_or(|lowest| is_blank(object, (*lowest.0).tp_basicsize))
        {
            return 0;
        }
        let outcome = visit(own.cast(), arg);
        visited.fold(outcome, |outcome, Visited(_, original)| match outcome {
            0 => original(object, visit, arg),
            stop => stop,
        })
    }
}

/// Whether there is nothing behind the object's head.
///
/// # Safety
/// A live object of this size (bytes).
unsafe fn is_blank(object: *mut ffi::PyObject, size: ffi::Py_ssize_t) -> bool {
    let head = size_of::<ffi::PyObject>();
    let length = usize::try_from(size).unwrap_or(head) - head;
    // SAFETY: the caller's. Objects are made of zeros, so that the gaps between fields are initialised, too.
    let bytes =
        unsafe { std::slice::from_raw_parts(from_ref(&*object).cast::<u8>().add(head), length) };
    bytes.iter().all(|&byte| byte == 0)
}
