//! An `asyncio.Handle._run` that a program has put into the class, to time or log callbacks: native handles run through it.
//!
//! To find out that no program has done so, an iteration compares one class version: that of `asyncio.TimerHandle`, which
//! also changes when its base class `Handle` does.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use pyo3::prelude::*;

use super::{Handle, TimerHandle};
use crate::base::imports;
use crate::cpython::WatchedClass;

/// `asyncio.TimerHandle` at the version at which `_run` was found to be asyncio's own.
static OWN: WatchedClass = WatchedClass::new();

/// Whether the last check has found a `_run` that is not asyncio's own.
static REPLACED: AtomicBool = AtomicBool::new(false);

/// Whether `_run` is known to be asyncio's own, without a check.
#[inline]
pub fn run_is_own(py: Python<'_>) -> bool {
    OWN.is_unchanged(py)
}

/// Whether `_run` was not asyncio's own when the current iteration began.
#[inline]
pub fn run_was_replaced() -> bool {
    REPLACED.load(Relaxed)
}

/// Checks whether `_run` is asyncio's own; returns whether a program has replaced it.
pub fn look_at_run(py: Python<'_>) -> PyResult<bool> {
    if run_is_own(py) {
        return Ok(false);
    }
    let replaced = imports::run_is_replaced(py)?.call0()?.is_truthy()?;
    if replaced {
        OWN.forget();
    } else {
        // Looking the attribute up has given the class a version.
        OWN.note(imports::timer_handle_class(py)?.cast()?)?;
    }
    REPLACED.store(replaced, Relaxed);
    Ok(replaced)
}

/// Runs a handle through the attribute `_run` of asyncio's class.
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
