//! The `ResourceWarning` about an object that was not closed.

use pyo3::prelude::*;

/// Calls one of the package's functions `warn_of_…`, which warns in the module and on the line where asyncio does.
///
/// `warner` is what a program has passed to the finalizer to be called in place of `warnings.warn`.
#[cold]
pub fn warn(
    function: PyResult<&Bound<'_, PyAny>>,
    text: String,
    source: Option<&Bound<'_, PyAny>>,
    warner: Option<&Bound<'_, PyAny>>,
) -> PyResult<()> {
    let function = function?;
    match warner {
        Some(warner) => function.call1((text, source, warner)),
        None => function.call1((text, source)),
    }
    .map(drop)
}
