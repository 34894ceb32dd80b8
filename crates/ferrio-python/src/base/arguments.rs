//! Types for the arguments of Python's methods: those that may be left out, and those that are tested for truth.

use pyo3::prelude::*;

/// An argument that may be left out, which is not the same as being `None`.
pub struct Omittable(pub Option<Py<PyAny>>);

impl Omittable {
    /// Returns the argument or, if it was left out, the number.
    pub fn or_number(self, py: Python<'_>, number: u32) -> PyResult<Bound<'_, PyAny>> {
        match self.0 {
            Some(object) => Ok(object.into_bound(py)),
            None => Ok(number.into_pyobject(py)?.into_any()),
        }
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Omittable {
    type Error = std::convert::Infallible;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> Result<Self, Self::Error> {
        Ok(Self(Some(object.to_owned().unbind())))
    }
}

/// An argument of any class that is tested for truth.
pub struct Truth(pub bool);

impl<'a, 'py> FromPyObject<'a, 'py> for Truth {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        object.is_truthy().map(Self)
    }
}
