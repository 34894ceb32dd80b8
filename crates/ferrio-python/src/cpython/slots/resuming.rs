//! Resuming coroutines, and being resumed, without `StopIteration`.

use pyo3::exceptions::PyStopIteration;
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;

use crate::cpython::tricks::Trick;
use crate::cpython::{in_slot, panicked};

/// What a resumed coroutine has yielded or returned.
pub enum Sent {
    /// The object that the coroutine has yielded to its driver.
    Yielded(Py<PyAny>),
    /// The coroutine's result.
    Returned(Py<PyAny>),
}

/// The outcome of resuming a coroutine. It is two words, which a function returns in registers. A `PyResult` goes through
/// memory, and waiting for that was a good part of the cost of an `await`.
pub type Resumed = Result<Sent, Raised>;

const _: () = assert!(size_of::<Resumed>() == 2 * size_of::<usize>());

/// An exception on its way to the driver of a coroutine.
pub struct Raised(Box<PyErr>);

impl From<PyErr> for Raised {
    #[cold]
    fn from(error: PyErr) -> Self {
        Self(Box::new(error))
    }
}

impl From<Raised> for PyErr {
    fn from(Raised(error): Raised) -> Self {
        *error
    }
}

/// Resumes a generator-like object with a value, by default `None`, without making a `StopIteration` (`PyIter_Send`).
#[inline]
pub fn iter_send(py: Python<'_>, iter: &Py<PyAny>, value: Option<&Py<PyAny>>) -> Resumed {
    let mut result = std::ptr::null_mut();
    // SAFETY: `iter` and `value` are live objects, `result` is written with a new reference unless an exception is set.
    let status = unsafe {
        let value = value.map_or_else(|| ffi::Py_None(), Py::as_ptr);
        ffi::PyIter_Send(iter.as_ptr(), value, &raw mut result)
    };
    match status {
        ffi::PySendResult::PYGEN_ERROR => Err(PyErr::fetch(py).into()),
        // SAFETY: for both outcomes PyIter_Send has stored a new reference.
        ffi::PySendResult::PYGEN_NEXT => Ok(Sent::Yielded(
            unsafe { Bound::from_owned_ptr(py, result) }.unbind(),
        )),
        // SAFETY: as above.
        ffi::PySendResult::PYGEN_RETURN => Ok(Sent::Returned(
            unsafe { Bound::from_owned_ptr(py, result) }.unbind(),
        )),
    }
}

/// Resumes a coroutine with `None`.
#[inline]
pub fn resume(coroutine: &Bound<'_, PyAny>) -> Resumed {
    let py = coroutine.py();
    // SAFETY: a live object's type and its slots.
    let has_send = unsafe {
        let slots = (*ffi::Py_TYPE(coroutine.as_ptr())).tp_as_async;
        !slots.is_null() && (*slots).am_send.is_some()
    };
    if has_send {
        return iter_send(py, coroutine.as_unbound(), None);
    }
    // A class written in Python may implement the coroutine protocol with a method `send` and without being an iterator.
    from_method_result(
        py,
        coroutine.call_method1(intern!(py, "send"), (py.None(),)),
    )
}

/// Turns what a method `send` or `throw` of a coroutine has returned or raised into the outcome of the resumption.
pub fn from_method_result(py: Python<'_>, outcome: PyResult<Bound<'_, PyAny>>) -> Resumed {
    match outcome {
        Ok(object) => Ok(Sent::Yielded(object.unbind())),
        Err(stop) if stop.is_instance_of::<PyStopIteration>(py) => {
            let value = stop.value(py).getattr(intern!(py, "value"))?;
            Ok(Sent::Returned(value.unbind()))
        }
        Err(error) => Err(error.into()),
    }
}

/// A class whose instances can be resumed by `PyIter_Send`.
pub trait Send: pyo3::PyClass + Sync {
    /// Resumes the object with `value`.
    fn send(slf: &Bound<'_, Self>, value: &Bound<'_, PyAny>) -> Resumed;
}

/// Whether the fields of a type object are where this module expects them: a proof by the documented `PyType_GetSlot`.
///
/// # Safety
/// A heap type whose `tp_as_async` is not null.
pub(super) unsafe fn layout_holds(ty: *mut ffi::PyTypeObject) -> bool {
    let has = |slot, function: Option<usize>| {
        // SAFETY: the caller's; the result is null for a slot that is empty.
        function.unwrap_or(0) == unsafe { ffi::PyType_GetSlot(ty, slot) }.addr()
    };
    // SAFETY: the caller's. The fields are compared, and not called.
    unsafe {
        has(
            ffi::Py_am_await,
            (*(*ty).tp_as_async).am_await.map(|it| it as usize),
        ) && has(ffi::Py_tp_iter, (*ty).tp_iter.map(|it| it as usize))
            && has(ffi::Py_tp_dealloc, (*ty).tp_dealloc.map(|it| it as usize))
    }
}

/// Fills the `am_send` slot of `T`'s type object, which PyO3's macros have no way to name, so that whoever drives an
/// instance gets its result without a `StopIteration`.
pub fn install_am_send<T: Send>(py: Python<'_>) {
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
        (*slots).am_send = Some(am_send::<T>);
    }
}

/// The slot function behind [`install_am_send`].
///
/// # Safety
/// CPython calls it with the GIL held, an instance of `T` (or of a subclass) and a place for the result.
pub(in crate::cpython) unsafe extern "C" fn am_send<T: Send>(
    slf: *mut ffi::PyObject,
    value: *mut ffi::PyObject,
    result: *mut *mut ffi::PyObject,
) -> ffi::PySendResult {
    // The result is dealt with inside the closure: returning it from there would cost as much as the resumption.
    let send = |py: Python<'_>| {
        // SAFETY: the slot is installed on T's type only, so `slf` is a T; both are borrowed for the call.
        let (slf, value) = unsafe {
            (
                Borrowed::from_ptr(py, slf).cast_unchecked::<T>(),
                Borrowed::from_ptr(py, value),
            )
        };
        match T::send(&slf, &value) {
            Ok(Sent::Yielded(object)) => (ffi::PySendResult::PYGEN_NEXT, object.into_ptr()),
            Ok(Sent::Returned(object)) => (ffi::PySendResult::PYGEN_RETURN, object.into_ptr()),
            Err(error) => {
                PyErr::from(error).restore(py);
                (ffi::PySendResult::PYGEN_ERROR, std::ptr::null_mut())
            }
        }
    };
    // SAFETY: the interpreter calls slots only from attached threads.
    let (status, object) = unsafe {
        in_slot(|py| {
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| send(py)));
            outcome.unwrap_or_else(|_| {
                panicked(py);
                (ffi::PySendResult::PYGEN_ERROR, std::ptr::null_mut())
            })
        })
    };
    // SAFETY: `result` is the caller's place for it.
    unsafe { *result = object };
    status
}
