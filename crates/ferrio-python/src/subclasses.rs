//! Subclasses that Python code makes: what they override, and what they say they are.

use pyo3::PyTypeInfo;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};

/// Whether the class is a subclass of `T` that has its own of one of these attributes.
pub fn overrides<T: PyTypeInfo>(
    class: &Bound<'_, PyType>,
    names: &[&Bound<'_, PyString>],
) -> PyResult<bool> {
    let native = class.py().get_type::<T>();
    if class.is(&native) {
        return Ok(false);
    }
    for &name in names {
        if !class.getattr(name)?.is(&native.getattr(name)?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the class of an object is a subclass of `T` that has its own of this attribute.
#[inline]
pub fn has_own<T: PyTypeInfo>(
    object: &Bound<'_, PyAny>,
    name: &Bound<'_, PyString>,
) -> PyResult<bool> {
    Ok(!object.is_exact_instance_of::<T>() && overrides::<T>(&object.get_type(), &[name])?)
}

/// What `__class__` answers: asyncio's class, so that `isinstance` with it holds, but a subclass's own for its instances.
pub fn class_of<T: PyTypeInfo>(
    object: &Bound<'_, PyAny>,
    asyncio_s: &Bound<'_, PyAny>,
) -> Py<PyAny> {
    if object.is_exact_instance_of::<T>() {
        asyncio_s.clone().unbind()
    } else {
        object.get_type().into_any().unbind()
    }
}
