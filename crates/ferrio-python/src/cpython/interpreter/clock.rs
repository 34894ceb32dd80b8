//! Whether `time.monotonic()`, as asyncio's loops find it, is the system's clock.
//!
//! Clocks for tests replace the function in the module `time`, or the module in `asyncio.base_events`, or the C function in
//! the function object (`ml_meth`). Finding out that nothing was replaced costs a few loads.

use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyDict, PyModule};

use crate::cpython::interpreter::names::CLOCK_NAMES;

/// The original C function of `time.monotonic`; null before the function object was found.
static ORIGINAL: AtomicPtr<c_void> = AtomicPtr::new(null_mut());

/// The value that [`PLACE`] refers to before the function object was found: unequal to [`ORIGINAL`].
static UNKNOWN: AtomicPtr<c_void> = AtomicPtr::new(std::ptr::dangling_mut());

/// The address of the field in which `time.monotonic` has its C function.
static PLACE: AtomicPtr<AtomicPtr<c_void>> = AtomicPtr::new((&raw const UNKNOWN).cast_mut());

/// Remembers the C function of `time.monotonic`, and begins to watch the names by which asyncio finds it.
pub fn watch_clock(py: Python<'_>) -> PyResult<()> {
    CLOCK_NAMES.watch(&py.import("time")?.dict())?;
    CLOCK_NAMES.watch(&py.import("asyncio.base_events")?.dict())?;
    clock_is_replaced(py).map(drop)
}

/// Whether the clock is known not to be replaced, without a look.
#[inline]
pub fn clock_is_untouched() -> bool {
    // SAFETY: the address of one of two fields that live as long as the process.
    let function = unsafe { &*PLACE.load(Relaxed) }.load(Relaxed);
    CLOCK_NAMES.unchanged() && function == ORIGINAL.load(Relaxed)
}

/// Whether a program has replaced the clock.
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
    let Some(place) = function.and_then(|function| c_function_field(&time, &function)) else {
        return Ok(false);
    };
    if ORIGINAL.load(Relaxed).is_null() {
        ORIGINAL.store(place.load(Relaxed), Relaxed);
        PLACE.store((&raw const *place).cast_mut(), Relaxed);
    }
    Ok(place.load(Relaxed) == ORIGINAL.load(Relaxed))
}

/// Returns the field in which the built-in function `time.monotonic` has its C function; `None` for any other object.
fn c_function_field(
    module: &Bound<'_, PyModule>,
    function: &Bound<'_, PyAny>,
) -> Option<&'static AtomicPtr<c_void>> {
    let function = function.cast_exact::<PyCFunction>().ok()?;
    let name = function.getattr(intern!(function.py(), "__name__")).ok()?;
    if !name.eq("monotonic").ok()? {
        return None;
    }
    let function = function.as_ptr().cast::<ffi::PyCFunctionObject>();
    // SAFETY: a live object of exactly the type that has this layout. The definition of a built-in module's function is
    // static, and its field for the C function is laid out as a pointer, which only attached threads read and write.
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
