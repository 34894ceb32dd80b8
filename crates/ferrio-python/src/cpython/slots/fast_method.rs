//! Methods with a fast path for calls that have only positional arguments.
//!
//! For a method with `*args` and keywords, PyO3's handling of the arguments costs more than a small method's work. In such
//! a method's definition, PyO3's function is replaced by one that reads the positional arguments where the interpreter has
//! put them (`METH_FASTCALL`), and leaves every other call to PyO3's function.

use std::ffi::c_int;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use pyo3::PyClass;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::cpython::panicked;
use crate::cpython::tricks::Trick;

/// The fast path of a method of class `T`, as a type that stands for the method.
pub trait FastMethod<T: PyClass> {
    /// The method's name.
    const NAME: &'static str;

    /// Returns the place where PyO3's function is kept.
    fn original() -> &'static OnceLock<ffi::PyCFunctionFastWithKeywords>;

    /// Does the work of a call without keywords; returns `None` to leave the call to PyO3's function. It must not drop a
    /// `Py`, since PyO3 has not been told that the thread is attached.
    fn call<'py>(
        slf: &Bound<'py, T>,
        args: &[Bound<'py, PyAny>],
    ) -> Option<PyResult<Bound<'py, PyAny>>>;
}

/// Implements [`FastMethod`]: `fast_method!(CallSoon: Loop, "call_soon", |slf, args| ...)`.
macro_rules! fast_method {
    ($(#[$doc:meta])* $method:ident: $class:ty, $name:literal, |$slf:ident, $args:ident| $body:expr) => {
        $(#[$doc])*
        pub struct $method;

        impl $crate::cpython::FastMethod<$class> for $method {
            const NAME: &'static str = $name;

            fn original()
            -> &'static std::sync::OnceLock<pyo3::ffi::PyCFunctionFastWithKeywords> {
                static ORIGINAL: std::sync::OnceLock<pyo3::ffi::PyCFunctionFastWithKeywords> =
                    std::sync::OnceLock::new();
                &ORIGINAL
            }

            #[inline]
            fn call<'py>(
                $slf: &Bound<'py, $class>,
                $args: &[Bound<'py, PyAny>],
            ) -> Option<PyResult<Bound<'py, PyAny>>> {
                $body
            }
        }
    };
}
pub(crate) use fast_method;

/// Installs the fast path of a method.
pub fn install_fast_method<T: PyClass, M: FastMethod<T>>(py: Python<'_>) -> PyResult<()> {
    if !Trick::Calls.is_allowed() {
        return Ok(());
    }
    let class = py.get_type::<T>();
    let dict: Bound<'_, PyDict> = class
        .getattr("__dict__")?
        .call_method0("copy")?
        .cast_into()?;
    let descriptor = dict.as_any().get_item(M::NAME)?;
    // SAFETY: a live object of the very type that has this layout. PyO3 made the definition on the heap for this type object,
    // which is not shared with another thread while the module is initialised; the function's signature is what the flags say.
    unsafe {
        if ffi::Py_TYPE(descriptor.as_ptr()) != &raw mut ffi::PyMethodDescr_Type {
            Trick::Calls.turn_off();
            return Ok(());
        }
        let definition = (*descriptor.as_ptr().cast::<ffi::PyMethodDescrObject>()).d_method;
        if (*definition).ml_flags != ffi::METH_FASTCALL | ffi::METH_KEYWORDS as c_int {
            Trick::Calls.turn_off();
            return Ok(());
        }
        let original = (*definition).ml_meth.PyCFunctionFastWithKeywords;
        // The module of a second interpreter has the same type object, which needs this only once.
        if M::original().set(original).is_ok() {
            (*definition).ml_meth.PyCFunctionFastWithKeywords = try_fast_path::<T, M>;
        }
    }
    Ok(())
}

/// The function that takes the place of PyO3's in the method's definition.
///
/// # Safety
/// As the interpreter calls it: with an instance of `T`, with arguments as in PEP 590, with the GIL held.
unsafe extern "C" fn try_fast_path<T: PyClass, M: FastMethod<T>>(
    slf: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the method's descriptor has checked the class. There are `count` arguments, borrowed from the caller, and a
    // `Bound` is laid out as a pointer. The interpreter calls from attached threads.
    unsafe {
        if names.is_null() {
            let py = Python::assume_attached();
            let slf = Borrowed::from_ptr(py, slf).cast_unchecked::<T>();
            let args = arguments(args, count.cast_unsigned());
            if let Some(result) = run_fast_path(py, || M::call(&slf, args)) {
                return result;
            }
        }
        match M::original().get() {
            Some(original) => original(slf, args, count, names),
            None => std::ptr::null_mut(),
        }
    }
}

/// Returns the arguments of a call as a slice. The address need not be valid if there are none.
///
/// # Safety
/// There are `count` references, which are borrowed for `'a`, and `T` is laid out as a pointer.
#[inline]
pub(in crate::cpython) unsafe fn arguments<'a, T>(
    args: *const *mut ffi::PyObject,
    count: usize,
) -> &'a [T] {
    if count == 0 {
        return &[];
    }
    // SAFETY: the caller guarantees it.
    unsafe { std::slice::from_raw_parts(args.cast(), count) }
}

/// Runs a fast path and returns its outcome as a function returns it to the interpreter; `None` if it was not taken.
#[inline]
pub(in crate::cpython) fn run_fast_path<'py>(
    py: Python<'py>,
    call: impl FnOnce() -> Option<PyResult<Bound<'py, PyAny>>>,
) -> Option<*mut ffi::PyObject> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(None) => return None,
        Ok(Some(Ok(result))) => return Some(result.into_ptr()),
        Ok(Some(Err(error))) => error.restore(py),
        Err(_) => panicked(py),
    }
    Some(std::ptr::null_mut())
}
