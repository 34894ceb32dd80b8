//! Raising existing exception objects.
//!
//! An exception that is raised while another one is handled (`handling`) has that one as its `__context__`. The interpreter
//! sets it, also for errors that PyO3 makes of a type and arguments, but not for errors that PyO3 makes of an exception
//! object. The functions here raise such an object as Python's `raise` does.

use std::ffi::{c_char, c_int, c_void};
#[cfg(not(Py_3_12))]
use std::ptr::null_mut;
use std::sync::OnceLock;

use pyo3::call::PyCallArgs;
use pyo3::exceptions::PyBaseException;
use pyo3::ffi;
use pyo3::prelude::*;

/// Returns what `raise exception` raises: the exception, with the exception that is being handled as its context.
#[cold]
pub fn raise(exception: Bound<'_, PyAny>) -> PyErr {
    let py = exception.py();
    if !exception.is_instance_of::<PyBaseException>() {
        return PyErr::from_value(exception); // This makes a TypeError.
    }
    // SAFETY: a live exception and its class; the thread is attached.
    unsafe { ffi::PyErr_SetObject(exception.get_type().as_ptr(), exception.as_ptr()) };
    PyErr::fetch(py)
}

/// Returns what `raise exception from cause` raises.
#[cold]
pub fn raise_from(exception: Bound<'_, PyAny>, cause: &PyErr) -> PyErr {
    let py = exception.py();
    let error = raise(exception);
    error.set_cause(py, Some(cause.clone_ref(py)));
    error
}

/// Returns the error with its exception object created. PyO3 creates it at the first access, which fails while the
/// interpreter ends.
#[cold]
pub fn normalized(py: Python<'_>, error: PyErr) -> PyErr {
    error.restore(py);
    PyErr::fetch(py)
}

/// Returns what `raise class(*args)` raises.
#[cold]
pub fn raise_new<'py>(class: PyResult<&Bound<'py, PyAny>>, args: impl PyCallArgs<'py>) -> PyErr {
    let exception = class.and_then(|class| class.call1(args));
    exception.map_or_else(|error| error, raise)
}

/// Gives a caught error a traceback with one entry if it has none. Python code that catches an error adds an entry, which
/// reporters of errors look for; an error of a function that is not Python code has none.
#[cold]
pub fn ensure_traceback(py: Python<'_>, error: &PyErr) {
    type Add = unsafe extern "C" fn(*const c_char, *const c_char, c_int);
    static ADD: OnceLock<Option<Add>> = OnceLock::new();
    if error.traceback(py).is_some() {
        return;
    }
    // `_PyTraceback_Add` is not documented, but exported for the standard library's extension modules
    // (`Python/traceback.c`).
    // SAFETY: the name ends with a zero, and the function of this name has this type in all supported versions.
    let add = ADD.get_or_init(|| unsafe {
        let address = libc::dlsym(libc::RTLD_DEFAULT, c"_PyTraceback_Add".as_ptr());
        std::mem::transmute::<*mut c_void, Option<Add>>(address)
    });
    let Some(add) = add else {
        return;
    };
    let entry = undisturbed(py, || {
        error.clone_ref(py).restore(py);
        // SAFETY: the thread is attached, an exception is set, and the texts end with a zero.
        unsafe { add(c"_run".as_ptr(), c"<ferrio>".as_ptr(), 1) };
        PyErr::fetch(py).traceback(py)
    });
    // Before Python 3.12 PyO3 keeps the traceback apart from the exception.
    if let Some(entry) = &entry {
        // SAFETY: a live exception and a traceback; the exception takes a reference of its own.
        unsafe { ffi::PyException_SetTraceback(error.value(py).as_ptr(), entry.as_ptr()) };
    }
    error.set_traceback(py, entry);
}

/// Runs `f` while no exception is set. An exception that is set before is set again afterwards. `PyErr::take` cannot be used
/// for this: it resumes a panic that is on its way as an exception.
pub fn undisturbed<R>(_py: Python<'_>, f: impl FnOnce() -> R) -> R {
    // SAFETY: the thread is attached. The fetched exception is owned, or null for none, and handed back as it is.
    #[cfg(Py_3_12)]
    unsafe {
        let pending = ffi::PyErr_GetRaisedException();
        let result = f();
        if !pending.is_null() {
            ffi::PyErr_SetRaisedException(pending);
        }
        result
    }
    // SAFETY: as above.
    #[cfg(not(Py_3_12))]
    unsafe {
        let (mut class, mut value, mut traceback) = (null_mut(), null_mut(), null_mut());
        ffi::PyErr_Fetch(&raw mut class, &raw mut value, &raw mut traceback);
        let result = f();
        if !class.is_null() {
            ffi::PyErr_Restore(class, value, traceback);
        }
        result
    }
}
