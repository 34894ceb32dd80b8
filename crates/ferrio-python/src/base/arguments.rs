//! Arguments that can be left out, and such as are asked for their truth.

use pyo3::prelude::*;

/// An argument that can be left out, which is something else than to be `None`.
pub struct Omittable(pub Option<Py<PyAny>>);

impl Omittable {
    /// What was given, or this number.
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

/// An argument that counts as true or false, whatever it is.
pub struct Truth(pub bool);

impl<'a, 'py> FromPyObject<'a, 'py> for Truth {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        object.is_truthy().map(Self)
    }
}
