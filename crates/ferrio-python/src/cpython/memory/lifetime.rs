//! The end of objects: finalizers.
//!
//! Whatever warns of an object's end, closes what it has or reports what it knows is a finalizer (PEP 442), never a `Drop`: a
//! finalizer runs once, while the object is complete, before the garbage collector clears anything, and may keep the object
//! alive. A `Drop` runs when the object has no references any more and may have lost what it referred to.

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
    /// Whether there is nothing to finalize, so that the finalizer need not be called.
    #[inline]
    fn is_settled(slf: &Bound<'_, Self>) -> bool {
        let _ = slf;
        false
    }

    /// Whether there is nothing to finalize, and nothing in the object whose end could lead to that of another.
    #[inline]
    fn is_spent(slf: &Bound<'_, Self>) -> bool {
        let _ = slf;
        false
    }

    /// How instances are kept to be used again, if they are.
    const KEEP: Option<Keep> = None;

    /// Whether errors are raised if a program calls the finalizer. Those of classes that CPython has in C are not.
    const RAISES: bool = true;

    /// For a class whose latest instance the garbage collector has not been shown.
    #[inline]
    fn untracked() -> Option<&'static Untracked> {
        None
    }

    /// The parameter of `__del__` for what warns, if there is one.
    const WARNER: Option<&'static CStr> = None;

    /// Called once, before the object goes away; it may be kept alive. Errors are reported as unraisable. Programs call it,
    /// too, as `__del__`, and may say what is to warn.
    fn finalize(slf: &Bound<'_, Self>, warner: Option<&Bound<'_, PyAny>>) -> PyResult<()>;
}

/// Gives `T`'s type object a finalizer, and has its instances deallocated one after the other when one keeps the next
/// alive: a chain of any length needs no more stack than a short one.
pub fn install_finalizer<T: Finalize>(py: Python<'_>) -> PyResult<()> {
    let ty = py.get_type::<T>();
    // Subclasses get the finalizer by its name, and may call it. To set the name fills the slot with a function that
    // looks the name up, which the class itself does not need.
    ty.setattr("__del__", del_method::<T>(py)?)?;
    // SAFETY: `ty` is a heap type that PyO3 made and not shared with another thread while the module is initialised.
    unsafe {
        let ty = ty.as_type_ptr();
        (*ty).tp_finalize = Some(tp_finalize::<T>);
        replace_deallocator(ty, tp_dealloc::<T>);
    }
    Ok(())
}

/// The finalizer as a method, for a type object that stays as long as the process.
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

/// The function behind `__del__`.
///
/// # Safety
/// The interpreter's: an instance of `T`, which the descriptor has checked, a tuple of arguments, a dictionary or null, and
/// the GIL held.
unsafe extern "C" fn del<T: Finalize>(
    object: *mut ffi::PyObject,
    args: *mut ffi::PyObject,
    options: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    let finalize = |py: Python<'_>| {
        // SAFETY: the caller's.
        let warner = match unsafe { warner_in::<T>(py, args, options) } {
            Ok(warner) => warner,
            Err(error) => {
                error.restore(py);
                return null_mut();
            }
        };
        if !T::RAISES {
            // SAFETY: the caller's.
            unsafe { tp_finalize::<T>(object) };
            return py.None().into_ptr();
        }
        // SAFETY: the caller's.
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

/// The argument of `__del__`, if it has one and it was given.
///
/// # Safety
/// A tuple of arguments, and a dictionary or null for none.
unsafe fn warner_in<T: Finalize>(
    py: Python<'_>,
    args: *mut ffi::PyObject,
    options: *mut ffi::PyObject,
) -> PyResult<Option<Bound<'_, PyAny>>> {
    let format = T::WARNER.map_or(c":__del__", |_| c"|O:__del__");
    let mut names = [T::WARNER.map_or(null(), CStr::as_ptr), null()];
    let mut warner: *mut ffi::PyObject = null_mut();
    // SAFETY: the caller's; the format takes as many objects as there are names. What it gives is borrowed from the arguments.
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

/// The finalizer's slot function.
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
    // An exception may be on its way while objects go away: it must be there afterwards.
    // SAFETY: the interpreter calls slots only from attached threads.
    unsafe { in_slot(|py| undisturbed(py, || finalize(py))) };
}

/// The deallocator's slot function: finalizer, then PyO3's own.
///
/// # Safety
/// CPython calls it with the GIL held and an instance of `T` without references.
unsafe extern "C" fn tp_dealloc<T: Finalize>(object: *mut ffi::PyObject) {
    // SAFETY: the object is still complete, and the interpreter calls slots only from attached threads. Borrowing it does
    // not count a reference.
    let (spent, settled) = unsafe {
        let slf = Borrowed::from_ptr(Python::assume_attached(), object);
        let slf = slf.cast_unchecked::<T>();
        (T::is_spent(&slf), T::is_settled(&slf))
    };
    if spent {
        // SAFETY: an object without references, once.
        return unsafe { dispose::<T>(object) };
    }
    if let Some(latest) = T::untracked() {
        // From now on others may see it, or it may have to wait.
        latest.show_if(|latest| latest == object);
    }
    if settled {
        // SAFETY: as above.
        return unsafe { dispose_in_turn(object, dispose::<T>) };
    }
    // For a subclass that Python code made, `subtype_dealloc` has called the finalizer and then this.
    // SAFETY: called once, at the beginning of deallocation, as the function wants.
    unsafe {
        let exact = ffi::Py_TYPE(object) == T::type_object_raw(Python::assume_attached());
        if exact && ffi::PyObject_CallFinalizerFromDealloc(object) < 0 {
            return; // It lives on.
        }
    }
    // What such an object still has may be in use, and its end run other code.
    // SAFETY: as above.
    unsafe {
        let py = Python::assume_attached();
        undisturbed(py, || dispose_in_turn(object, dispose::<T>));
    }
}

/// Keeps the object's memory, or gives it back.
///
/// # Safety
/// The object is one of `T`, without references.
unsafe extern "C" fn dispose<T: Finalize>(object: *mut ffi::PyObject) {
    if let Some(keep) = T::KEEP {
        // SAFETY: the caller's.
        if unsafe { keep(object) } {
            return;
        }
    }
    // SAFETY: the caller's, once.
    unsafe { deallocate(object) };
}
