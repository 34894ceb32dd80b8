//! Arguments that can be left out.

use pyo3::prelude::*;

/// An argument that can be left out, which is something else than to be `None`.
pub struct Given(pub Option<Py<PyAny>>);

impl<'a, 'py> FromPyObject<'a, 'py> for Given {
    type Error = std::convert::Infallible;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> Result<Self, Self::Error> {
        Ok(Self(Some(object.to_owned().unbind())))
    }
}
