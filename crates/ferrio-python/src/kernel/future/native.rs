//! Which objects are native futures whose methods are not overridden.

use pyo3::prelude::*;
use pyo3::types::PyType;

use super::Future;
use crate::cpython::KnownClasses;

/// `Future`, `Task` and `_GatheringFuture`.
static NATIVE: KnownClasses<Future, 3> = KnownClasses::new();

/// Adds a class whose instances are native futures, when the module is initialised.
pub fn know_native_future(class: &Bound<'_, PyType>) -> PyResult<()> {
    NATIVE.add(class)
}

/// Returns the object as a native future, if it is one and its methods are not overridden.
#[inline]
pub fn native_future<'a, 'py>(object: &'a Bound<'py, PyAny>) -> Option<&'a Bound<'py, Future>> {
    NATIVE.cast(object)
}
