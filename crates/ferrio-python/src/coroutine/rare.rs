//! What few coroutines have: where they were created, or names that a program has given them.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use pyo3::exceptions::PyRuntimeWarning;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

use crate::imports;

#[derive(Default)]
pub struct Rare {
    pub origin: Option<Py<PyTuple>>,
    pub short_name: Option<Py<PyString>>,
    pub qualified_name: Option<Py<PyString>>,
}

/// Whether a loop has ever asked for the origins of coroutines: nobody else asks the interpreter for each of them.
static MAY_BE_TRACKED: AtomicBool = AtomicBool::new(false);

/// Says that a loop has had, or has, the interpreter remember where coroutines are created.
pub fn may_track_origins() {
    MAY_BE_TRACKED.store(true, Relaxed);
}

impl Rare {
    /// Where a coroutine is that is being created, if that is to be remembered.
    #[inline]
    pub fn here(py: Python<'_>) -> Option<Box<Self>> {
        if !MAY_BE_TRACKED.load(Relaxed) {
            return None;
        }
        // A coroutine without an origin is better than none.
        let origin = origin(py).unwrap_or_default()?;
        Some(Box::new(Self {
            origin: Some(origin.unbind()),
            ..Self::default()
        }))
    }
}

/// The frames that are running, the innermost first, as many as `sys.set_coroutine_origin_tracking_depth` was told (CPython:
/// `compute_cr_origin` in Objects/genobject.c).
#[cold]
fn origin(py: Python<'_>) -> PyResult<Option<Bound<'_, PyTuple>>> {
    let depth: usize = imports::get_coroutine_origin_tracking_depth(py)?
        .call0()?
        .extract()?;
    if depth == 0 {
        return Ok(None);
    }
    let mut places = Vec::new();
    let mut frame = imports::get_frame(py)?.call0()?;
    while places.len() < depth && !frame.is_none() {
        let code = frame.getattr(intern!(py, "f_code"))?;
        places.push((
            code.getattr(intern!(py, "co_filename"))?,
            frame.getattr(intern!(py, "f_lineno"))?,
            code.getattr(intern!(py, "co_name"))?,
        ));
        frame = frame.getattr(intern!(py, "f_back"))?;
    }
    PyTuple::new(py, places).map(Some)
}

/// Warns of a coroutine that nobody has awaited.
#[cold]
pub fn warn_never_awaited(py: Python<'_>, name: &str, rare: Option<Box<Rare>>) {
    let rare = rare.unwrap_or_default();
    let name = match &rare.qualified_name {
        Some(name) => name.to_string(),
        None => name.to_owned(),
    };
    let outcome = if let Some(origin) = rare.origin {
        let warn = imports::warn_never_awaited(py);
        warn.and_then(|warn| warn.call1((name, origin))).map(drop)
    } else {
        let text = format!("coroutine '{name}' was never awaited");
        let text = std::ffi::CString::new(text).unwrap_or_default();
        PyErr::warn(py, &py.get_type::<PyRuntimeWarning>(), &text, 1)
    };
    if let Err(error) = outcome {
        error.write_unraisable(py, None);
    }
}
