//! The attribute `_loop` of a reader or a protocol.

use pyo3::exceptions::PyAttributeError;
use pyo3::prelude::*;

use crate::base::cell::AttachedOnce;
use crate::kernel::future::Home;

/// Sets the loop of a reader or a protocol. A subclass may do so before it calls `__init__`; afterwards the loop is fixed.
pub(super) fn set_loop_attribute(
    home: &AttachedOnce<Home>,
    event_loop: &Bound<'_, PyAny>,
) -> PyResult<()> {
    let _ = home.set(event_loop.py(), Home::of(event_loop));
    match home.get(event_loop.py()) {
        Some(home) if home.as_any().is(event_loop) => Ok(()),
        _ => Err(PyAttributeError::new_err("the loop cannot be changed")),
    }
}
