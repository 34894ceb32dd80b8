//! How a class makes instances.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyType;

/// Has a class out of which a `__new__` was taken, and the classes that derive from it, make instances as `object` does.
///
/// `del cls.__new__` alone leaves behind a slot that looks `__new__` up, for which `object.__new__` takes no arguments:
/// `cls(1)` would be a `TypeError` that it was not before there was a `__new__` (`update_one_slot` in CPython's
/// `typeobject.c`). Classes with a `__new__` of their own are left as they are.
pub fn make_as_object(class: &Bound<'_, PyType>) -> PyResult<()> {
    let py = class.py();
    let object = py.get_type::<PyAny>();
    if !class.getattr("__new__")?.is(&object.getattr("__new__")?) {
        return Ok(());
    }
    // SAFETY: type objects that are alive. The class inherits its `__new__` from `object`, and so may have its slot, which
    // is what the interpreter gives a class that is made so.
    unsafe {
        (*class.as_type_ptr()).tp_new = (*object.as_type_ptr()).tp_new;
        ffi::PyType_Modified(class.as_type_ptr());
    }
    for subclass in class.call_method0("__subclasses__")?.try_iter()? {
        make_as_object(subclass?.cast()?)?;
    }
    Ok(())
}
