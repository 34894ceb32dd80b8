//! The `ResourceWarning` about an object that was not closed.

use pyo3::prelude::*;

/// Warns through a function of `ferrio._warnings`, which attributes the warning to the same place as asyncio does. `warner`
/// is what a program has passed to the finalizer in place of `warnings` or `warnings.warn`.
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
