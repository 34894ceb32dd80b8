//! `asyncio.Handle._run` that a program has replaced in the class, to time callbacks or to log them: handles run through it.
//!
//! An iteration compares one version of a class to find out that nobody has: that of `asyncio.TimerHandle`, which changes
//! with the class above it, too.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

use pyo3::prelude::*;

use super::{Handle, TimerHandle};
use crate::{base::imports, cpython};

/// The version of `asyncio.TimerHandle` at which `_run` was found to be asyncio's own, or 0.
static OWN_VERSION: AtomicU32 = AtomicU32::new(0);

/// Whether `_run` was another at the last look.
static REPLACED: AtomicBool = AtomicBool::new(false);

/// Whether `_run` surely is asyncio's own.
#[inline]
pub fn run_is_own(py: Python<'_>) -> PyResult<bool> {
    let version = cpython::version_of(imports::timer_handle_class(py)?);
    Ok(version.is_some_and(|version| version.get() == OWN_VERSION.load(Relaxed)))
}

/// Whether `_run` was not asyncio's own when the iteration began.
#[inline]
pub fn run_was_replaced() -> bool {
    REPLACED.load(Relaxed)
}

/// Looks whether `_run` is another than asyncio's own.
pub fn look_at_run(py: Python<'_>) -> PyResult<bool> {
    if run_is_own(py)? {
        return Ok(false);
    }
    let replaced = imports::run_is_replaced(py)?.call0()?.is_truthy()?;
    // The look has given the class a version.
    let version = cpython::version_of(imports::timer_handle_class(py)?).map_or(0, NonZeroU32::get);
    let holds = !replaced && cpython::versions_hold(py)?;
    OWN_VERSION.store(if holds { version } else { 0 }, Relaxed);
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
