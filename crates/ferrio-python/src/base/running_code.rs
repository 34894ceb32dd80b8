//! Questions to the code of the asyncio that runs: patch releases differ, and the code itself is the only witness.

use pyo3::prelude::*;

/// Whether the code of a method of asyncio names `name`: a variable, an attribute or a function that the method uses.
///
/// Returns `None` if the method is missing or is no Python code, as may be in a release that is newer than all known ones.
pub fn code_names(class: &Bound<'_, PyAny>, method: &str, name: &str) -> Option<bool> {
    let code = class.getattr(method).ok()?.getattr("__code__").ok()?;
    code.getattr("co_names").ok()?.contains(name).ok()
}
