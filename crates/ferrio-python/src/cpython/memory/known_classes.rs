//! Checks whether an object is of one of a few classes, by comparing addresses only.

use std::marker::PhantomData;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

use pyo3::PyClass;
use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyType;

/// Up to `N` classes that are `T` or extend it. Their subclasses do not count. They live as long as the process.
pub struct KnownClasses<T, const N: usize> {
    classes: [AtomicPtr<ffi::PyTypeObject>; N],
    base: PhantomData<fn() -> T>,
}

impl<T: PyClass, const N: usize> KnownClasses<T, N> {
    /// Makes an empty set.
    pub const fn new() -> Self {
        Self {
            classes: [const { AtomicPtr::new(null_mut()) }; N],
            base: PhantomData,
        }
    }

    /// Adds a class. Raises `TypeError` if it does not extend `T`, or if there are `N` already.
    pub fn add(&self, class: &Bound<'_, PyType>) -> PyResult<()> {
        let place = self.classes.iter().find(|place| {
            let known = place.load(Relaxed);
            known.is_null() || known == class.as_type_ptr()
        });
        match place {
            Some(place) if class.is_subclass_of::<T>()? => {
                place.store(class.clone().into_ptr().cast(), Relaxed); // The reference keeps the class alive.
                Ok(())
            }
            _ => Err(PyTypeError::new_err("not a class that can be known")),
        }
    }

    /// Returns the object as a `T` if it is exactly of one of the classes.
    #[inline]
    pub fn cast<'a, 'py>(&self, object: &'a Bound<'py, PyAny>) -> Option<&'a Bound<'py, T>> {
        let class = object.get_type_ptr();
        let is_known = self
            .classes
            .iter()
            .any(|known| known.load(Relaxed) == class);
        // SAFETY: each of the classes is `T` or extends it.
        is_known.then(|| unsafe { object.cast_unchecked() })
    }
}
