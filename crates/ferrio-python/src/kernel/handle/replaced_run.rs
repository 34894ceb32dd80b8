//! `asyncio.Handle._run` that a program has replaced in the class, to time callbacks or to log them: handles run through it.
//!
//! An iteration compares one version of a class to find out that nobody has: that of `asyncio.TimerHandle`, which changes
//! with the class above it, too.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use pyo3::prelude::*;

use super::{Handle, TimerHandle};
use crate::base::imports;
use crate::cpython::WatchedClass;

/// `asyncio.TimerHandle`, since `_run` was found to be asyncio's own.
static OWN: WatchedClass = WatchedClass::new();

/// Whether `_run` was another at the last look.
static REPLACED: AtomicBool = AtomicBool::new(false);

/// Whether `_run` surely is asyncio's own.
#[inline]
pub fn run_is_own(py: Python<'_>) -> bool {
    OWN.is_unchanged(py)
}

/// Whether `_run` was not asyncio's own when the iteration began.
#[inline]
pub fn run_was_replaced() -> bool {
    REPLACED.load(Relaxed)
}

/// Looks whether `_run` is another than asyncio's own.
pub fn look_at_run(py: Python<'_>) -> PyResult<bool> {
    if run_is_own(py) {
        return Ok(false);
    }
    let replaced = imports::run_is_replaced(py)?.call0()?.is_truthy()?;
    if replaced {
        OWN.forget();
    } else {
        // The look has given the class a version.
        OWN.note(imports::timer_handle_class(py)?.cast()?)?;
    }
    REPLACED.store(replaced, Relaxed);
    Ok(replaced)
}

/// Runs a handle through what stands at the name `_run` in its class of asyncio's.
pub fn run_replaced<'py>(handle: &Bound<'py, Handle>) -> PyResult<Bound<'py, PyAny>> {
    let py = handle.py();
    let me = handle.get();
    let _locked = me.lock.lock(py)?;
    if me.lock.is_shared() && me.is_cancelled(py) {
        return Ok(py.None().into_bound(py));
    }
    let class = if handle.is_instance_of::<TimerHandle>() {
        imports::timer_handle_class(py)?
    } else {
        imports::handle_class(py)?
    };
    imports::bound_run(py)?.call1((handle, class))?.call0()
}
