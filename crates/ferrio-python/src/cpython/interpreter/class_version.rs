//! The version of a class: whether anything in the class has changed.

use std::num::NonZeroU32;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering::Relaxed};

use pyo3::exceptions::PyAttributeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple, PyType};

use crate::cpython::tricks::Trick;

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

/// A class, with the version at which something was found out about it. To ask whether it is still so costs two loads and a
/// comparison.
pub struct WatchedClass {
    /// Null as long as nothing is known.
    class: AtomicPtr<ffi::PyTypeObject>,
    version: AtomicU32,
}

impl WatchedClass {
    /// Nothing is known.
    pub const fn new() -> Self {
        Self {
            class: AtomicPtr::new(null_mut()),
            version: AtomicU32::new(0),
        }
    }

    /// Whether nothing in the class, or above it, has changed since `note`.
    #[inline]
    pub fn is_unchanged(&self, _py: Python<'_>) -> bool {
        let class = self.class.load(Relaxed);
        // SAFETY: a type object that `note` keeps alive; the thread is attached, so nobody writes meanwhile.
        !class.is_null() && unsafe { (*class).tp_version_tag } == self.version.load(Relaxed)
    }

    /// Takes note of the version that a look-up has just given the class, if versions can be relied on.
    pub fn note(&self, class: &Bound<'_, PyType>) -> PyResult<()> {
        let type_object = class.as_type_ptr();
        // SAFETY: a live type object; the thread is attached, so nobody writes meanwhile.
        let version = unsafe { (*type_object).tp_version_tag };
        if version != 0 && versions_hold(class.py())? {
            self.version.store(version, Relaxed);
            if self.class.swap(type_object, Relaxed) != type_object {
                std::mem::forget(class.clone()); // It has to stay.
            }
        }
        Ok(())
    }

    /// Takes note that nothing is known.
    pub fn forget(&self) {
        self.class.store(null_mut(), Relaxed);
    }
}

/// Whether [`class_version`] does what it says in this interpreter: tried once, with a class made for that.
pub fn versions_hold(py: Python<'_>) -> PyResult<bool> {
    static HOLD: PyOnceLock<bool> = PyOnceLock::new();
    if !Trick::ClassVersions.is_allowed() {
        return Ok(false);
    }
    let hold = *HOLD.get_or_try_init(py, || try_versions(py))?;
    if !hold {
        Trick::ClassVersions.turn_off();
    }
    Ok(hold)
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
