//! The class of a native class.

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyType;

/// Makes `metaclass` the class of `class`, which PyO3 has made with `type` as its class, and which no program has seen.
///
/// Raises `TypeError` unless `metaclass` derives from `type` and adds nothing to the layout of its instances.
pub fn set_metaclass(class: &Bound<'_, PyType>, metaclass: &Bound<'_, PyType>) -> PyResult<()> {
    let py = class.py();
    let plain = py.get_type::<PyType>();
    // SAFETY: type objects that are alive; their sizes are set when they are made and never change.
    let same_layout = unsafe {
        (*metaclass.as_type_ptr()).tp_basicsize == (*plain.as_type_ptr()).tp_basicsize
            && (*metaclass.as_type_ptr()).tp_itemsize == (*plain.as_type_ptr()).tp_itemsize
    };
    if !same_layout || !metaclass.is_subclass(&plain)? || !class.get_type().is(&plain) {
        return Err(PyTypeError::new_err("not a class of native classes"));
    }
    // SAFETY: the class's class is `type`, an immortal object or one that never goes away, and becomes a subclass of the
    // same layout, to which an instance has a reference of its own. What the interpreter has cached is invalidated.
    unsafe {
        (*class.as_ptr()).ob_type = metaclass.clone().into_ptr().cast();
        ffi::PyType_Modified(class.as_type_ptr());
    }
    Ok(())
}
