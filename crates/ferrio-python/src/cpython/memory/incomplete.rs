//! Incomplete objects in garbage collections, before Python 3.12.
//!
//! `object.__new__` of Python 3.11 tracks a new object for the garbage collector and then makes its dictionary, if the
//! class has one. That may start a collection (`_PyObject_InitializeDict` in CPython's `Objects/dictobject.c`), which visits
//! the object before PyO3 has put a value into it. Such an object is recognised by the zeros behind its head, and skipped.

use std::ffi::{c_int, c_void};
use std::ptr::from_ref;
use std::sync::OnceLock;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyType;

/// A class and PyO3's function that visits the references of its instances (`tp_traverse`).
struct Visited(*mut ffi::PyTypeObject, ffi::traverseproc);

// SAFETY: the type objects live as long as the process, and only attached threads use their addresses.
unsafe impl Send for Visited {}
// SAFETY: as above.
unsafe impl Sync for Visited {}

static CLASSES: OnceLock<Vec<Visited>> = OnceLock::new();

/// Makes the garbage collector skip incomplete instances of the module's classes.
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
    // The module of a second interpreter has the same classes.
    let _ = CLASSES.set(classes);
}

/// The slot function `tp_traverse`. PyO3's functions find the one of the base class through their own address in the slot,
/// where they no longer are. So this function calls each of them, and visits the class itself.
///
/// # Safety
/// As the garbage collector calls it: with an instance of one of the classes or of a subclass.
unsafe extern "C" fn tp_traverse(
    object: *mut ffi::PyObject,
    visit: ffi::visitproc,
    arg: *mut c_void,
) -> c_int {
    let known = CLASSES.get().map_or(&[][..], Vec::as_slice);
    // SAFETY: a live object, its class and the base classes. The caller guarantees what the original functions need.
    unsafe {
        let own = ffi::Py_TYPE(object);
        let base =
            |&class: &*mut ffi::PyTypeObject| Some((*class).tp_base).filter(|base| !base.is_null());
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

/// Whether there are only zeros behind the object's head.
///
/// # Safety
/// The object is live and has at least `size` bytes.
unsafe fn is_blank(object: *mut ffi::PyObject, size: ffi::Py_ssize_t) -> bool {
    let head = size_of::<ffi::PyObject>();
    let length = usize::try_from(size).unwrap_or(head) - head;
    // SAFETY: the caller guarantees the size. Objects are allocated with zeros, so the gaps between fields are initialised.
    let bytes =
        unsafe { std::slice::from_raw_parts(from_ref(&*object).cast::<u8>().add(head), length) };
    bytes.iter().all(|&byte| byte == 0)
}
