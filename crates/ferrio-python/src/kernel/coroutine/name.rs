//! A coroutine's name, and the place where it was created (`sys.set_coroutine_origin_tracking_depth`).

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use pyo3::exceptions::PyRuntimeWarning;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::Coroutine;
use crate::{base::imports, cpython};

/// A coroutine's name, and its origin if that was recorded: a coroutine without one needs no room for it.
pub enum Name {
    Plain(&'static str),
    Traced(Box<Traced>),
}

pub struct Traced {
    name: &'static str,
    origin: Py<PyTuple>,
}

const _: () = assert!(size_of::<Name>() == size_of::<&str>());

/// Whether a loop has ever turned the recording of origins on. Before that, no coroutine asks the interpreter about it.
static MAY_BE_TRACED: AtomicBool = AtomicBool::new(false);

/// Notes that a loop turns the recording of origins on, or has done so.
pub fn may_trace_origins() {
    MAY_BE_TRACED.store(true, Relaxed);
}

impl Name {
    /// Returns the name of a coroutine that is being created, with its origin if that is to be recorded.
    #[inline]
    pub fn new(py: Python<'_>, name: &'static str) -> Self {
        if !MAY_BE_TRACED.load(Relaxed) {
            return Self::Plain(name);
        }
        // If the origin cannot be found out, the coroutine is made without it.
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

/// Warns that a coroutine was never awaited. Like the interpreter, this calls a function of the module `warnings` that
/// programs may replace (CPython: `_PyErr_WarnUnawaitedCoroutine`).
#[cold]
pub fn warn_never_awaited(coroutine: &Bound<'_, Coroutine>) -> PyResult<()> {
    let py = coroutine.py();
    let names = imports::warnings_names(py)?;
    // The module may have been emptied already while the interpreter ends.
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

/// Returns the running frames, innermost first and as many as `sys.set_coroutine_origin_tracking_depth` asks for
/// (CPython: `compute_cr_origin` in Objects/genobject.c).
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
