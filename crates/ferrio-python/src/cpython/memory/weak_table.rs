//! A table that does not keep its objects alive.

use std::ptr::NonNull;

use pyo3::ffi;
use pyo3::prelude::*;

/// A table of objects that does not keep them alive. An object has to be removed before it is freed.
pub struct WeakTable {
    places: Vec<Place>,
    /// The first of the free places, which form a list.
    free: Option<u32>,
}

enum Place {
    Taken(NonNull<ffi::PyObject>),
    Free { next: Option<u32> },
}

// SAFETY: only attached threads follow the pointers (`living` takes a token), as with any reference.
unsafe impl Send for WeakTable {}

impl WeakTable {
    /// An empty table.
    pub const fn new() -> Self {
        Self {
            places: Vec::new(),
            free: None,
        }
    }

    /// Adds an object and returns its place.
    #[inline]
    pub fn insert(&mut self, object: &Bound<'_, PyAny>) -> u32 {
        // SAFETY: a reference is never null.
        let taken = Place::Taken(unsafe { NonNull::new_unchecked(object.as_ptr()) });
        if let Some(key) = self.free {
            let place = &mut self.places[key as usize];
            if let Place::Free { next } = *place {
                self.free = next;
            }
            *place = taken;
            return key;
        }
        self.places.push(taken);
        u32::try_from(self.places.len() - 1).expect("more tasks than memory")
    }

    /// Frees a place.
    #[inline]
    pub fn remove(&mut self, key: u32) {
        self.places[key as usize] = Place::Free { next: self.free };
        self.free = Some(key);
    }

    /// Returns references to the objects that are not being deallocated at this moment.
    pub fn living(&self, py: Python<'_>) -> Vec<Py<PyAny>> {
        let taken = self.places.iter().filter_map(|place| match place {
            Place::Taken(object) => Some(object.as_ptr()),
            Place::Free { .. } => None,
        });
        // SAFETY: the objects in the table are not freed. One without references is being deallocated.
        taken
            .filter(|&object| unsafe { ffi::Py_REFCNT(object) } > 0)
            .map(|object| unsafe { Bound::from_borrowed_ptr(py, object) }.unbind())
            .collect()
    }
}
