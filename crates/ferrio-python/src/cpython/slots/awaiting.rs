//! Slots for `await` that need no iterator object, and what `await` finds in other objects.

use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::pyclass::boolean_struct::True;

use crate::cpython::memory::recycling::place;
use crate::cpython::slots::resuming::layout_holds;
use crate::cpython::tricks::Trick;
use crate::cpython::{Resumed, Send, Sent, am_send};

/// A class whose instances are their own iterators when they are awaited: `await object` resumes `object` itself.
///
/// To Python code the instances are no iterators: the class has no `__next__`, and its `__await__` is not changed. A
/// subclass that Python code makes has none of these slots and is awaited through `__await__`.
pub trait SelfAwait: pyo3::PyClass<Frozen = True> + Sync {
    /// Resumes the object, which yields in order to wait, or ends.
    fn resume(slf: &Bound<'_, Self>) -> Resumed;

    /// Whether the object is being awaited, so that nobody else may await it.
    #[inline]
    fn is_awaited(&self, _py: Python<'_>) -> bool {
        false
    }
}

impl<T: SelfAwait> Send for T {
    fn send(slf: &Bound<'_, Self>, _value: &Bound<'_, PyAny>) -> Resumed {
        T::resume(slf)
    }
}

/// Fills the slots of `T`'s type object that make `await` use the object itself.
pub fn install_self_await<T: SelfAwait>(py: Python<'_>) {
    if !Trick::Slots.is_allowed() {
        return;
    }
    let ty = py.get_type::<T>();
    // SAFETY: `ty` is a heap type that PyO3 made, so it is a PyTypeObject whose `tp_as_async`, if not null, points
    // into that same object; it is not shared with another thread while the module is being initialised.
    unsafe {
        let ty = ty.as_type_ptr();
        let slots = (*ty).tp_as_async;
        if slots.is_null() || !layout_holds(ty) {
            return Trick::Slots.turn_off();
        }
        (*slots).am_await = Some(am_await::<T>);
        (*slots).am_send = Some(am_send::<T>);
        (*ty).tp_iternext = Some(iternext::<T>);
    }
}

/// The slot function `am_await`: returns the object itself.
///
/// # Safety
/// CPython calls it with the GIL held and an instance of `T`.
unsafe extern "C" fn am_await<T: SelfAwait>(slf: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: the slot is installed on T's type only, and the interpreter calls slots only from attached threads.
    unsafe {
        let py = Python::assume_attached();
        let me = &*place::<T>(slf);
        match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| me.is_awaited(py))) {
            Ok(false) => return ffi::Py_NewRef(slf),
            Ok(true) => PyRuntimeError::new_err("coroutine is being awaited already").restore(py),
            Err(_) => crate::cpython::panicked(py),
        }
        std::ptr::null_mut()
    }
}

/// The slot function `tp_iternext`: resumes the object. Ends with a `StopIteration`, or with no exception for the result
/// `None`, as this slot may.
///
/// # Safety
/// CPython calls it with the GIL held and an instance of `T`.
unsafe extern "C" fn iternext<T: SelfAwait>(slf: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // The result is dealt with inside the closure: returning it from there would cost as much as the resumption.
    let resume = |py: Python<'_>| {
        // SAFETY: the slot is installed on T's type only, so `slf` is a T, borrowed for the call.
        let slf = unsafe { Borrowed::from_ptr(py, slf).cast_unchecked::<T>() };
        match T::resume(&slf) {
            Ok(Sent::Yielded(object)) => object.into_ptr(),
            Ok(Sent::Returned(result)) => {
                if !result.is_none(py) {
                    crate::cpython::set_stop_iteration(py, result);
                }
                std::ptr::null_mut()
            }
            Err(error) => {
                PyErr::from(error).restore(py);
                std::ptr::null_mut()
            }
        }
    };
    // SAFETY: the interpreter calls slots only from attached threads.
    unsafe {
        crate::cpython::in_slot(|py| {
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| resume(py)));
            outcome.unwrap_or_else(|_| {
                crate::cpython::panicked(py);
                std::ptr::null_mut()
            })
        })
    }
}

/// Returns the iterator that `await object` would drive; a coroutine is its own. Raises `TypeError` as `await` does.
pub fn await_iterator(object: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
    let py = object.py();
    if is_exact_coroutine(object) {
        return Ok(object.clone().unbind());
    }
    // SAFETY: the slots of a live object's type; `am_await` returns a new reference, or null with an exception set.
    unsafe {
        let slots = (*ffi::Py_TYPE(object.as_ptr())).tp_as_async;
        if !slots.is_null()
            && let Some(am_await) = (*slots).am_await
        {
            let iterator = Bound::from_owned_ptr_or_err(py, am_await(object.as_ptr()))?;
            return check_iterator(object, iterator).map(Bound::unbind);
        }
    }
    // A generator-based coroutine (`types.coroutine`) has no such slot.
    if object.is_instance(crate::base::imports::generator_type(py)?)? {
        return Ok(object.clone().unbind());
    }
    let class = object.get_type();
    let text = if cfg!(Py_3_14) {
        format!("'{}' object can't be awaited", class.name()?)
    } else {
        format!(
            "object {} can't be used in 'await' expression",
            class.name()?
        )
    };
    Err(PyTypeError::new_err(text))
}

/// Raises `TypeError` unless the object's `__await__` has returned an iterator that is no coroutine.
fn check_iterator<'py>(
    object: &Bound<'py, PyAny>,
    iterator: Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let is_coroutine = is_exact_coroutine(&iterator);
    // SAFETY: a live object.
    if !is_coroutine && unsafe { ffi::PyIter_Check(iterator.as_ptr()) } != 0 {
        return Ok(iterator);
    }
    let class = iterator.get_type();
    let text = if cfg!(Py_3_15) {
        let awaited = object.get_type().fully_qualified_name()?;
        let returned = class.fully_qualified_name()?;
        format!("{awaited}.__await__() must return an iterator, not {returned}")
    } else if is_coroutine {
        "__await__() returned a coroutine".to_owned()
    } else {
        format!(
            "__await__() returned non-iterator of type '{}'",
            class.name()?
        )
    };
    Err(PyTypeError::new_err(text))
}

/// Whether the object is a coroutine of an `async def`.
#[inline]
pub fn is_exact_coroutine(object: &Bound<'_, PyAny>) -> bool {
    // SAFETY: both are live objects; the comparison is of their addresses.
    unsafe { std::ptr::eq(ffi::Py_TYPE(object.as_ptr()), &raw const ffi::PyCoro_Type) }
}
