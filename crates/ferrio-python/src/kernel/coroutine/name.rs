//! The name of a coroutine, and where it was created, if the interpreter has been told to remember that.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use pyo3::exceptions::PyRuntimeWarning;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::Coroutine;
use crate::{base::imports, cpython};

/// A coroutine's name. Its origin is here because it takes no room if there is none.
pub enum Name {
    Plain(&'static str),
    Traced(Box<Traced>),
}

pub struct Traced {
    name: &'static str,
    origin: Py<PyTuple>,
}

const _: () = assert!(size_of::<Name>() == size_of::<&str>());

/// Whether a loop has ever asked for the origins of coroutines: nobody else asks the interpreter for each of them.
static MAY_BE_TRACED: AtomicBool = AtomicBool::new(false);

/// Says that a loop has had, or has, the interpreter remember where coroutines are created.
pub fn may_trace_origins() {
    MAY_BE_TRACED.store(true, Relaxed);
}

impl Name {
    /// The name of a coroutine that is being created.
    #[inline]
    pub fn new(py: Python<'_>, name: &'static str) -> Self {
        if !MAY_BE_TRACED.load(Relaxed) {
            return Self::Plain(name);
        }
        // A coroutine without an origin is better than none.
        match origin(py).unwrap_or_default() {
            None => Self::Plain(name),
            Some(origin) => Self::Traced(Box::new(Traced {
                name,
                origin: origin.unbind(),
            })),
        }
    }

    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Plain(name) => name,
            Self::Traced(traced) => traced.name,
        }
    }

    pub fn origin(&self) -> Option<&Py<PyTuple>> {
        match self {
            Self::Plain(_) => None,
            Self::Traced(traced) => Some(&traced.origin),
        }
    }
}

/// Warns of a coroutine that nobody has awaited, as the interpreter does: by a function that programs may replace (CPython:
/// `_PyErr_WarnUnawaitedCoroutine`).
#[cold]
pub fn warn_never_awaited(coroutine: &Bound<'_, Coroutine>) -> PyResult<()> {
    let py = coroutine.py();
    let names = imports::warnings_names(py)?;
    // When the interpreter ends, the module may have been emptied.
    let warn = names.get_item(intern!(py, "_warn_unawaited_coroutine"));
    if let Some(warn) = warn.ok().filter(|warn| !warn.is_none()) {
        match warn.call1((coroutine,)) {
            Ok(_) => return Ok(()),
            Err(error) if error.is_instance_of::<PyRuntimeWarning>(py) => return Err(error),
            Err(error) => error.write_unraisable(py, Some(coroutine)),
        }
    }
    let name = coroutine.get().name.as_str();
    let text = std::ffi::CString::new(format!("coroutine '{name}' was never awaited"))?;
    PyErr::warn(py, &py.get_type::<PyRuntimeWarning>(), &text, 1)
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
    let mut next = cpython::current_frame(py);
    while let Some(frame) = next.filter(|frame| !frame.is_none() && places.len() < depth) {
        let code = frame.getattr(intern!(py, "f_code"))?;
        places.push((
            code.getattr(intern!(py, "co_filename"))?,
            frame.getattr(intern!(py, "f_lineno"))?,
            code.getattr(intern!(py, "co_name"))?,
        ));
        next = Some(frame.getattr(intern!(py, "f_back"))?);
    }
    PyTuple::new(py, places).map(Some)
}
