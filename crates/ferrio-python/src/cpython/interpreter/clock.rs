//! Whether `time.monotonic()`, as asyncio's loops find it, is the system's clock.
//!
//! Clocks for tests replace the function in the module `time`, or the module in `asyncio.base_events`, or the code that the
//! function runs (`ml_meth`), which leaves the object as it was. To find out that nobody has costs a few loads.

use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyDict, PyModule};

use crate::cpython::interpreter::names::CLOCK_NAMES;

/// The code that `time.monotonic` runs while nobody has replaced it; null before the function was seen.
static ORIGINAL: AtomicPtr<c_void> = AtomicPtr::new(null_mut());

/// What stands for the code of a function that was not seen yet.
static UNKNOWN: AtomicPtr<c_void> = AtomicPtr::new(std::ptr::dangling_mut());

/// The place where `time.monotonic` has its code.
static PLACE: AtomicPtr<AtomicPtr<c_void>> = AtomicPtr::new((&raw const UNKNOWN).cast_mut());

/// Remembers the code of `time.monotonic`, and has changes of the names by which asyncio finds it be noticed.
pub fn watch_clock(py: Python<'_>) -> PyResult<()> {
    CLOCK_NAMES.watch(&py.import("time")?.dict())?;
    CLOCK_NAMES.watch(&py.import("asyncio.base_events")?.dict())?;
    clock_is_replaced(py).map(drop)
}

/// Whether surely nobody has replaced the clock.
#[inline]
pub fn clock_is_untouched() -> bool {
    // SAFETY: one of two places that stay for good.
    let code = unsafe { &*PLACE.load(Relaxed) }.load(Relaxed);
    CLOCK_NAMES.unchanged() && code == ORIGINAL.load(Relaxed)
}

/// Whether somebody has replaced the clock.
#[inline]
pub fn clock_is_replaced(py: Python<'_>) -> PyResult<bool> {
    if clock_is_untouched() {
        return Ok(false);
    }
    CLOCK_NAMES.look(|| finds_system_clock(py).map(|finds| !finds))
}

#[cold]
fn finds_system_clock(py: Python<'_>) -> PyResult<bool> {
    let time = py.import("time")?;
    let names: Bound<'_, PyDict> = py.import("asyncio.base_events")?.dict();
    let module = names.get_item(intern!(py, "time"))?;
    if !module.is_some_and(|module| module.is(&time)) {
        return Ok(false);
    }
    let function = time.dict().get_item(intern!(py, "monotonic"))?;
    let Some(place) = function.and_then(|function| place_of_code(&time, &function)) else {
        return Ok(false);
    };
    if ORIGINAL.load(Relaxed).is_null() {
        ORIGINAL.store(place.load(Relaxed), Relaxed);
        PLACE.store((&raw const *place).cast_mut(), Relaxed);
    }
    Ok(place.load(Relaxed) == ORIGINAL.load(Relaxed))
}

/// The place where the built-in function `time.monotonic` has its code; `None` if it is another function.
fn place_of_code(
    module: &Bound<'_, PyModule>,
    function: &Bound<'_, PyAny>,
) -> Option<&'static AtomicPtr<c_void>> {
    let function = function.cast_exact::<PyCFunction>().ok()?;
    let name = function.getattr(intern!(function.py(), "__name__")).ok()?;
    if !name.eq("monotonic").ok()? {
        return None;
    }
    let function = function.as_ptr().cast::<ffi::PyCFunctionObject>();
    // SAFETY: a live object of the very type that has this layout. The definition of a built-in module's function is static, and what
    // it has for the code is laid out as a pointer, which is read and written by attached threads only.
    unsafe {
        if (*function).m_self != module.as_ptr() {
            return None;
        }
        let code = (*(*function).m_ml).ml_meth.PyCFunction as usize;
        if ffi::PyCFunction_GetFunction(function.cast()).is_none_or(|it| it as usize != code) {
            return None;
        }
        Some(AtomicPtr::from_ptr(
            (&raw mut (*(*function).m_ml).ml_meth).cast(),
        ))
    }
}
