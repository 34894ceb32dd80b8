//! Class versions: finding out whether anything in a class has changed, at the price of a comparison.

use std::num::NonZeroU32;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering::Relaxed};

use pyo3::exceptions::PyAttributeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple, PyType};

use crate::cpython::tricks::Trick;

/// Returns the version that the interpreter's method cache has for the class of an object; `None` while it has none.
///
/// Setting or deleting an attribute of the class or of a base class removes the version (`PyType_Modified`), and the next
/// look-up of an attribute in the class gives it a new one. The field (`tp_version_tag`) is not documented, so
/// [`versions_hold`] tests this.
#[inline]
pub fn class_version(object: &Bound<'_, PyAny>) -> Option<NonZeroU32> {
    // SAFETY: a live object has a live type object. The thread is attached, so no other thread writes to it.
    NonZeroU32::new(unsafe { (*ffi::Py_TYPE(object.as_ptr())).tp_version_tag })
}

/// A class with the version at which something was found out about it. Asking whether it still holds costs two loads and a
/// comparison.
pub struct WatchedClass {
    /// The class; null while nothing is known.
    class: AtomicPtr<ffi::PyTypeObject>,
    version: AtomicU32,
}

impl WatchedClass {
    /// Makes one about which nothing is known.
    pub const fn new() -> Self {
        Self {
            class: AtomicPtr::new(null_mut()),
            version: AtomicU32::new(0),
        }
    }

    /// Whether nothing in the class and its base classes has changed since `note`.
    #[inline]
    pub fn is_unchanged(&self, _py: Python<'_>) -> bool {
        let class = self.class.load(Relaxed);
        // SAFETY: `note` keeps the type object alive. The thread is attached, so no other thread writes to it.
        !class.is_null() && unsafe { (*class).tp_version_tag } == self.version.load(Relaxed)
    }

    /// Remembers the version that a look-up has just given the class, if versions can be relied on.
    pub fn note(&self, class: &Bound<'_, PyType>) -> PyResult<()> {
        let type_object = class.as_type_ptr();
        // SAFETY: a live type object. The thread is attached, so no other thread writes to it.
        let version = unsafe { (*type_object).tp_version_tag };
        if version != 0 && versions_hold(class.py())? {
            self.version.store(version, Relaxed);
            if self.class.swap(type_object, Relaxed) != type_object {
                std::mem::forget(class.clone()); // The reference keeps the class alive.
            }
        }
        Ok(())
    }

    /// Forgets the class.
    pub fn forget(&self) {
        self.class.store(null_mut(), Relaxed);
    }
}

/// Whether [`class_version`] works as described in this interpreter. This is tested once, with a class made for the test.
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
