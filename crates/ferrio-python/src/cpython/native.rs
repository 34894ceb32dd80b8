//! Which objects are native futures, found out without asking the interpreter: three comparisons of addresses.

use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

use pyo3::ffi;
use pyo3::prelude::*;

use crate::kernel::future::Future;
use crate::kernel::task::Task;
use crate::waiting::combinators::GatheringFuture;

/// The classes whose methods are known: `Task`, `Future` and `_GatheringFuture`, not their subclasses.
static CLASSES: [AtomicPtr<ffi::PyTypeObject>; 3] = [const { AtomicPtr::new(null_mut()) }; 3];

/// Notes where the classes are. To be called when the module is initialised.
pub fn know_native_futures(py: Python<'_>) {
    let classes = [
        py.get_type::<Task>(),
        py.get_type::<Future>(),
        py.get_type::<GatheringFuture>(),
    ];
    for (place, class) in CLASSES.iter().zip(classes) {
        place.store(class.as_type_ptr(), Relaxed);
    }
}

/// The object as a native future whose methods are not overridden.
#[inline]
pub fn native<'a, 'py>(object: &'a Bound<'py, PyAny>) -> Option<&'a Bound<'py, Future>> {
    let class = object.get_type_ptr();
    let known = CLASSES.iter().any(|known| known.load(Relaxed) == class);
    // SAFETY: each of the classes is `Future` or extends it.
    known.then(|| unsafe { object.cast_unchecked() })
}
