//! Attributes: read through a descriptor's slot, set past `__setattr__`, and the dictionaries of instances.

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Calls `descriptor.__get__(object)` through the type's slot, which costs a tenth of the method.
///
/// Raises `TypeError` if `descriptor` is no descriptor, or not one for objects of this class.
pub fn descriptor_get<'py>(
    descriptor: &Bound<'py, PyAny>,
    object: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: a live object has a type, which is a live type object; `tp_descr_get` is null or a function.
    let slot = unsafe { (*ffi::Py_TYPE(descriptor.as_ptr())).tp_descr_get };
    let Some(get) = slot else {
        return Err(PyTypeError::new_err("not a descriptor"));
    };
    // SAFETY: both are live objects, a null type is what `__get__` with one argument passes. The result is a new
    // reference, or null with an exception set.
    unsafe {
        Bound::from_owned_ptr_or_err(
            object.py(),
            get(descriptor.as_ptr(), object.as_ptr(), std::ptr::null_mut()),
        )
    }
}

/// Returns the dictionary of an object, which holds its attributes that are not native. Raises `AttributeError` if its
/// class gives it none.
pub fn own_dictionary<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    // SAFETY: a live object; the result is a new reference, or null with an exception set.
    let dictionary = unsafe {
        let dictionary = ffi::PyObject_GenericGetDict(object.as_ptr(), std::ptr::null_mut());
        Bound::from_owned_ptr_or_err(object.py(), dictionary)?
    };
    Ok(dictionary.cast_into()?)
}

/// Calls `object.__setattr__(object, name, value)` or, without a value, `object.__delattr__(object, name)`.
pub fn generic_set_attribute(
    object: &Bound<'_, PyAny>,
    name: &Bound<'_, PyAny>,
    value: Option<&Bound<'_, PyAny>>,
) -> PyResult<()> {
    let value = value.map_or(std::ptr::null_mut(), Bound::as_ptr);
    // SAFETY: live objects; a null value deletes.
    match unsafe { ffi::PyObject_GenericSetAttr(object.as_ptr(), name.as_ptr(), value) } {
        0 => Ok(()),
        _ => Err(PyErr::fetch(object.py())),
    }
}
