//! Finalizers (PEP 442).
//!
//! Code that warns, reports or closes something when an object goes away belongs into a finalizer, never into a `Drop`. A
//! finalizer runs once, while the object is complete and before the garbage collector clears anything, and may keep the
//! object alive. A `Drop` runs when the object has no references any more, and may have lost its own.

use std::ffi::CStr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{null, null_mut};

use pyo3::ffi;
use pyo3::prelude::*;

use super::deallocators::{deallocate, replace_deallocator};
use crate::cpython::memory::in_turn::dispose_in_turn;
use crate::cpython::panicked;
use crate::cpython::{Keep, Untracked, in_slot, undisturbed};

/// A class with a finalizer (PEP 442).
pub trait Finalize: pyo3::PyClass + Sync {
    /// Whether the finalizer has nothing to do, so that it need not be called.
    #[inline]
    fn is_settled(slf: &Bound<'_, Self>) -> bool {
        let _ = slf;
        false
    }

    /// Whether the finalizer has nothing to do and the object has no references, so that its end cannot lead to that of
    /// another object.
    #[inline]
    fn is_spent(slf: &Bound<'_, Self>) -> bool {
        let _ = slf;
        false
    }

    /// The function that keeps the memory of instances for reuse, if there is one.
    const KEEP: Option<Keep> = None;

    /// Whether a program's call of `__del__` raises errors. For classes that CPython has in C it does not.
    const RAISES: bool = true;

    /// Returns the cell with the latest instance, for a class whose instances the garbage collector sees late.
    #[inline]
    fn untracked() -> Option<&'static Untracked> {
        None
    }

    /// The name of the parameter of `__del__` that replaces `warnings` or `warnings.warn`, if there is one.
    const WARNER: Option<&'static CStr> = None;

    /// Finalizes the object, which it may keep alive. The interpreter calls this once and reports errors as unraisable.
    /// Programs may call it as `__del__`, with a `warner`.
    fn finalize(slf: &Bound<'_, Self>, warner: Option<&Bound<'_, PyAny>>) -> PyResult<()>;
}

/// Installs the finalizer in `T`'s type object. Also makes chains of instances be deallocated one after the other, so that
/// a long chain needs no more stack than a short one.
pub fn install_finalizer<T: Finalize>(py: Python<'_>) -> PyResult<()> {
    let ty = py.get_type::<T>();
    // Subclasses find the finalizer by its name and may call it. Setting the name fills the slot with a function that looks
    // the name up, which is replaced below.
    ty.setattr("__del__", del_method::<T>(py)?)?;
    // SAFETY: `ty` is a heap type that PyO3 made, which is not shared with another thread while the module is initialised.
    unsafe {
        let ty = ty.as_type_ptr();
        (*ty).tp_finalize = Some(tp_finalize::<T>);
        replace_deallocator(ty, tp_dealloc::<T>);
    }
    Ok(())
}

/// Makes the finalizer's method, for a type object that lives as long as the process.
fn del_method<T: Finalize>(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    let definition = Box::new(ffi::PyMethodDef {
        ml_name: c"__del__".as_ptr(),
        ml_meth: ffi::PyMethodDefPointer {
            PyCFunctionWithKeywords: del::<T>,
        },
        ml_flags: ffi::METH_VARARGS | ffi::METH_KEYWORDS,
        ml_doc: c"Called when the object is about to go away.".as_ptr(),
    });
    let ty = py.get_type::<T>().as_type_ptr();
    // SAFETY: a type object, and a definition that is never freed. The result is a new reference, or null with an exception.
    unsafe {
        let method = ffi::PyDescr_NewMethod(ty, Box::into_raw(definition));
        Bound::from_owned_ptr_or_err(py, method)
    }
}

/// The function of the method `__del__`.
///
/// # Safety
/// As the interpreter calls it: with an instance of `T`, which the descriptor has checked, with a tuple of arguments, with
/// a dictionary or null, with the GIL held.
unsafe extern "C" fn del<T: Finalize>(
    object: *mut ffi::PyObject,
    args: *mut ffi::PyObject,
    options: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    let finalize = |py: Python<'_>| {
        // SAFETY: the caller guarantees the arguments.
        let warner = match unsafe { warner_in::<T>(py, args, options) } {
            Ok(warner) => warner,
            Err(error) => {
                error.restore(py);
                return null_mut();
            }
        };
        if !T::RAISES {
            // SAFETY: the caller guarantees an instance of `T`.
            unsafe { tp_finalize::<T>(object) };
            return py.None().into_ptr();
        }
        // SAFETY: the caller guarantees an instance of `T`.
        let slf = unsafe { Bound::from_borrowed_ptr(py, object).cast_into_unchecked::<T>() };
        match catch_unwind(AssertUnwindSafe(|| T::finalize(&slf, warner.as_ref()))) {
            Ok(Ok(())) => return py.None().into_ptr(),
            Ok(Err(error)) => error.restore(py),
            Err(_) => panicked(py),
        }
        null_mut()
    };
    // SAFETY: the interpreter calls methods only from attached threads.
    unsafe { in_slot(finalize) }
}

/// Returns the argument of `__del__`, if `__del__` has a parameter and an argument was passed.
///
/// # Safety
/// `args` is a tuple, and `options` a dictionary or null for none.
unsafe fn warner_in<T: Finalize>(
    py: Python<'_>,
    args: *mut ffi::PyObject,
    options: *mut ffi::PyObject,
) -> PyResult<Option<Bound<'_, PyAny>>> {
    let format = T::WARNER.map_or(c":__del__", |_| c"|O:__del__");
    let mut names = [T::WARNER.map_or(null(), CStr::as_ptr), null()];
    let mut warner: *mut ffi::PyObject = null_mut();
    // SAFETY: the caller guarantees the arguments. The format takes as many objects as there are names, and the object that
    // it finds is borrowed from the arguments.
    unsafe {
        #[cfg(Py_3_13)]
        let names = names.as_mut_ptr().cast_const();
        #[cfg(not(Py_3_13))]
        let names = names.as_mut_ptr().cast();
        let parsed = ffi::PyArg_ParseTupleAndKeywords(
            args,
            options,
            format.as_ptr(),
            names,
            &raw mut warner,
        );
        match parsed {
            0 => Err(PyErr::fetch(py)),
            _ => Ok(Bound::from_borrowed_ptr_or_opt(py, warner)),
        }
    }
}

/// The slot function `tp_finalize`.
///
/// # Safety
/// CPython calls it with the GIL held and an instance of `T`.
unsafe extern "C" fn tp_finalize<T: Finalize>(object: *mut ffi::PyObject) {
    let finalize = |py: Python<'_>| {
        // SAFETY: the slot is installed on T's type and inherited by its subclasses, so the object is a T.
        let slf = unsafe { Bound::from_borrowed_ptr(py, object).cast_into_unchecked::<T>() };
        let outcome = catch_unwind(AssertUnwindSafe(|| T::finalize(&slf, None)));
        let error = match outcome {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error,
            Err(_) => {
                panicked(py);
                PyErr::fetch(py)
            }
        };
        error.write_unraisable(py, Some(slf.as_any()));
    };
    // An exception that is on its way while the object goes away must be set again afterwards.
    // SAFETY: the interpreter calls slots only from attached threads.
    unsafe { in_slot(|py| undisturbed(py, || finalize(py))) };
}

/// The slot function `tp_dealloc`: calls the finalizer, then PyO3's deallocator.
///
/// # Safety
/// CPython calls it with the GIL held and an instance of `T` without references.
unsafe extern "C" fn tp_dealloc<T: Finalize>(object: *mut ffi::PyObject) {
    // SAFETY: the object is still complete, and the interpreter calls slots only from attached threads. A `Borrowed` does
    // not count as a reference.
    let (spent, settled) = unsafe {
        let slf = Borrowed::from_ptr(Python::assume_attached(), object);
        let slf = slf.cast_unchecked::<T>();
        (T::is_spent(&slf), T::is_settled(&slf))
    };
    if spent {
        // SAFETY: an object without references, which is disposed of once.
        return unsafe { dispose::<T>(object) };
    }
    if let Some(latest) = T::untracked() {
        // The finalizer may make the object visible to others, or its deallocation may be put off.
        latest.show_if(|latest| latest == object);
    }
    if settled {
        // SAFETY: as above.
        return unsafe { dispose_in_turn(object, dispose::<T>) };
    }
    // For a subclass that Python code made, `subtype_dealloc` has called the finalizer before this function.
    // SAFETY: called once, at the beginning of deallocation, as the function requires.
    unsafe {
        let exact = ffi::Py_TYPE(object) == T::type_object_raw(Python::assume_attached());
        if exact && ffi::PyObject_CallFinalizerFromDealloc(object) < 0 {
            return; // The finalizer has kept the object alive.
        }
    }
    // The end of what such an object refers to may run other code.
    // SAFETY: as above.
    unsafe {
        let py = Python::assume_attached();
        undisturbed(py, || dispose_in_turn(object, dispose::<T>));
    }
}

/// Keeps the object's memory for reuse, or frees it.
///
/// # Safety
/// The object is a `T` without references, and disposed of only once.
unsafe extern "C" fn dispose<T: Finalize>(object: *mut ffi::PyObject) {
    if let Some(keep) = T::KEEP {
        // SAFETY: the caller guarantees it.
        if unsafe { keep(object) } {
            return;
        }
    }
    // SAFETY: the caller guarantees it.
    unsafe { deallocate(object) };
}
