//! Calls of Python objects.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

/// Calls `callable(*args)`.
#[inline]
pub fn call<'py>(
    callable: &Bound<'py, PyAny>,
    args: &Bound<'py, PyTuple>,
) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: both are live objects. The second is a tuple, whose items are contiguous and do not change. The result is a new
    // reference, or null with an exception set.
    unsafe {
        let tuple = args.as_ptr().cast::<ffi::PyTupleObject>();
        let items = (&raw const (*tuple).ob_item).cast();
        let count = ffi::PyTuple_GET_SIZE(args.as_ptr()).cast_unsigned();
        Bound::from_owned_ptr_or_err(
            callable.py(),
            ffi::PyObject_Vectorcall(callable.as_ptr(), items, count, std::ptr::null_mut()),
        )
    }
}

/// Calls `callable(argument)`.
#[inline]
pub fn call_one<'py>(
    callable: &Bound<'py, PyAny>,
    argument: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: both are live objects. The result is a new reference, or null with an exception set.
    unsafe {
        Bound::from_owned_ptr_or_err(
            callable.py(),
            ffi::PyObject_CallOneArg(callable.as_ptr(), argument.as_ptr()),
        )
    }
}

/// Calls `object.name(*args)` with one or two arguments, and drops the result.
#[inline]
pub fn call_method<'py, const N: usize>(
    object: &Bound<'py, PyAny>,
    name: &Bound<'py, PyString>,
    args: [&Bound<'py, PyAny>; N],
) -> PyResult<()> {
    const { assert!(N == 1 || N == 2) };
    let all = [object.as_ptr(), args[0].as_ptr(), args[N - 1].as_ptr()];
    // SAFETY: all are live objects. The result is a new reference, or null with an exception set.
    let result = unsafe {
        let result = ffi::PyObject_VectorcallMethod(
            name.as_ptr(),
            all.as_ptr(),
            N + 1,
            std::ptr::null_mut(),
        );
        Bound::from_owned_ptr_or_err(object.py(), result)
    };
    result.map(drop)
}

/// Calls `f` one level deeper in the interpreter's count of recursion. Raises `RecursionError` if that is too deep.
#[inline]
pub fn deeper<R>(py: Python<'_>, f: impl FnOnce() -> R) -> PyResult<R> {
    struct Level;

    impl Level {
        fn enter(py: Python<'_>) -> PyResult<Self> {
            // SAFETY: the thread is attached, and the text ends with a zero.
            match unsafe { ffi::Py_EnterRecursiveCall(c" in native code".as_ptr()) } {
                0 => Ok(Self),
                _ => Err(PyErr::fetch(py)),
            }
        }
    }

    impl Drop for Level {
        fn drop(&mut self) {
            // SAFETY: entered above, by the same thread.
            unsafe { ffi::Py_LeaveRecursiveCall() };
        }
    }

    // Python 3.13 allows 10,000 levels in C code, which overflow a stack of 8 MB if each of them is a native coroutine.
    const LEVELS: usize = if cfg!(all(Py_3_13, not(Py_3_14))) {
        3
    } else {
        1
    };
    let mut levels = [const { None }; LEVELS];
    for level in &mut levels {
        *level = Some(Level::enter(py)?);
    }
    Ok(f())
}
