//! Methods with a quick way for calls with nothing but positional arguments.
//!
//! What PyO3 does to take the arguments of a method that has `*args` and keywords costs more than the work of the smallest
//! ones. Such a method's function is replaced in its definition by one that looks at the arguments where the interpreter
//! has put them (`METH_FASTCALL`), and leaves every other call to PyO3's.

use std::ffi::c_int;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use pyo3::PyClass;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::cpython::panicked;
use crate::cpython::tricks::Trick;

/// A method of class `T`, as a type that stands for it.
pub trait FastMethod<T: PyClass> {
    /// The name.
    const NAME: &'static str;

    /// Where the function that PyO3 has made is kept.
    fn original() -> &'static OnceLock<ffi::PyCFunctionFastWithKeywords>;

    /// Does what a call without keywords comes to; `None` if it is for PyO3's function to do. It drops no `Py`: PyO3 has not
    /// been told that the thread is attached.
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

/// Gives a method its quick way.
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
        // A second interpreter's module has the same type object.
        if M::original().set(original).is_ok() {
            (*definition).ml_meth.PyCFunctionFastWithKeywords = quick::<T, M>;
        }
    }
    Ok(())
}

/// The method's function.
///
/// # Safety
/// The interpreter's: an instance of `T`, arguments as PEP 590 has them, the GIL held.
unsafe extern "C" fn quick<T: PyClass, M: FastMethod<T>>(
    slf: *mut ffi::PyObject,
    args: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the method's descriptor has checked the class; the arguments are as many references as is said, which are the caller's, laid
    // out as pointers are. The interpreter calls from attached threads.
    unsafe {
        if names.is_null() {
            let py = Python::assume_attached();
            let slf = Borrowed::from_ptr(py, slf).cast_unchecked::<T>();
            let args = arguments(args, count.cast_unsigned());
            if let Some(result) = quickly(py, || M::call(&slf, args)) {
                return result;
            }
        }
        match M::original().get() {
            Some(original) => original(slf, args, count, names),
            None => std::ptr::null_mut(),
        }
    }
}

/// The arguments of a call, which are as many references as is said. Where there are none, there need not be an address.
///
/// # Safety
/// The references are the caller's, live as long as `'a`, and `T` is laid out as a pointer.
#[inline]
pub(in crate::cpython) unsafe fn arguments<'a, T>(
    args: *const *mut ffi::PyObject,
    count: usize,
) -> &'a [T] {
    if count == 0 {
        return &[];
    }
    // SAFETY: the caller's.
    unsafe { std::slice::from_raw_parts(args.cast(), count) }
}

/// What a quick way has led to, as a function returns it to the interpreter; `None` if it is not the way to take.
#[inline]
pub(in crate::cpython) fn quickly<'py>(
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
