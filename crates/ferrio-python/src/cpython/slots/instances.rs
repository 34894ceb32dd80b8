//! How a class makes instances.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyType;

/// Makes a class whose `__new__` was deleted, and the classes that derive from it, make instances as `object` does.
///
/// After `del cls.__new__` the slot still looks `__new__` up and finds `object.__new__`, which then takes no arguments:
/// `cls(1)` raises a `TypeError` that it did not raise before `__new__` was set (`update_one_slot` in CPython's
/// `typeobject.c`). Classes with a `__new__` of their own are left as they are.
pub fn make_as_object(class: &Bound<'_, PyType>) -> PyResult<()> {
    let py = class.py();
    let object = py.get_type::<PyAny>();
    if !class.getattr("__new__")?.is(&object.getattr("__new__")?) {
        return Ok(());
    }
    // SAFETY: live type objects. The class inherits `__new__` from `object`, and the interpreter gives a new class of this
    // kind the same slot.
    unsafe {
        (*class.as_type_ptr()).tp_new = (*object.as_type_ptr()).tp_new;
        ffi::PyType_Modified(class.as_type_ptr());
    }
    for subclass in class.call_method0("__subclasses__")?.try_iter()? {
        make_as_object(subclass?.cast()?)?;
    }
    Ok(())
}
