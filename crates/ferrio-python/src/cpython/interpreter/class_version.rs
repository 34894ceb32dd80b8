//! The version of a class: whether anything in the class has changed.

use std::num::NonZeroU32;

use pyo3::exceptions::PyAttributeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple, PyType};

/// The number under which the interpreter's method cache knows the class of an object; `None` while it has none.
///
/// Whatever sets or deletes an attribute of the class, or of one above it, takes the number away (`PyType_Modified`), and
/// the next look-up of an attribute in the class gives it a new one. The field (`tp_version_tag`) is not documented, so
/// [`versions_hold`] tries it.
#[inline]
pub fn class_version(object: &Bound<'_, PyAny>) -> Option<NonZeroU32> {
    // SAFETY: a live object has a type, which is a live type object; the thread is attached, so nobody writes meanwhile.
    NonZeroU32::new(unsafe { (*ffi::Py_TYPE(object.as_ptr())).tp_version_tag })
}

/// The same for a class itself.
#[inline]
pub fn version_of(class: &Bound<'_, PyAny>) -> Option<NonZeroU32> {
    let class = class.cast::<PyType>().ok()?;
    // SAFETY: a live type object; the thread is attached, so nobody writes meanwhile.
    NonZeroU32::new(unsafe { (*class.as_type_ptr()).tp_version_tag })
}

/// Whether [`class_version`] does what it says in this interpreter: tried once, with a class made for that.
pub fn versions_hold(py: Python<'_>) -> PyResult<bool> {
    static HOLD: PyOnceLock<bool> = PyOnceLock::new();
    HOLD.get_or_try_init(py, || try_versions(py)).copied()
}

fn make_class<'py>(bases: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
    let py = bases.py();
    py.get_type::<PyType>()
        .call1(("Tried", bases, PyDict::new(py)))
}

fn try_versions(py: Python<'_>) -> PyResult<bool> {
    let base = make_class(&PyTuple::empty(py))?;
    let object = make_class(&PyTuple::new(py, [&base])?)?.call0()?;
    let class = object.get_type();
    let look_up = || match class.getattr("tried") {
        Err(error) if !error.is_instance_of::<PyAttributeError>(py) => Err(error),
        _ => Ok(class_version(&object)),
    };
    let mut seen = vec![look_up()?];
    for changed in [class.as_any(), &base] {
        for value in [Some(1), None] {
            match value {
                Some(value) => changed.setattr("tried", value)?,
                None => changed.delattr("tried")?,
            }
            if class_version(&object).is_some() {
                return Ok(false);
            }
            seen.push(look_up()?);
        }
    }
    let all_known = seen.iter().all(Option::is_some);
    let count = seen.len();
    seen.sort_unstable();
    seen.dedup();
    Ok(all_known && seen.len() == count)
}
