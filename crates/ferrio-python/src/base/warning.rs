//! The `ResourceWarning` of an object that nobody has closed.

use pyo3::prelude::*;

/// Has a function of `ferrio._warnings` warn, which does it where asyncio does. A program may have given what warns to the
/// finalizer, as it can there.
#[cold]
pub fn warn(
    place: PyResult<&Bound<'_, PyAny>>,
    text: String,
    source: Option<&Bound<'_, PyAny>>,
    warner: Option<&Bound<'_, PyAny>>,
) -> PyResult<()> {
    let place = place?;
    match warner {
        Some(warner) => place.call1((text, source, warner)),
        None => place.call1((text, source)),
    }
    .map(drop)
}
