//! The loop of a reader or a protocol.

use crate::base::cell::AttachedOnce;
use crate::kernel::future::Home;
use pyo3::exceptions::PyAttributeError;
use pyo3::prelude::*;

/// Sets the loop of a reader or protocol, which a subclass may do before it calls `__init__`; afterwards it stays.
pub(super) fn set_home(home: &AttachedOnce<Home>, event_loop: &Bound<'_, PyAny>) -> PyResult<()> {
    let _ = home.set(event_loop.py(), Home::of(event_loop));
    match home.get() {
        Some(home) if home.as_any().is(event_loop) => Ok(()),
        _ => Err(PyAttributeError::new_err("the loop cannot be changed")),
    }
}
