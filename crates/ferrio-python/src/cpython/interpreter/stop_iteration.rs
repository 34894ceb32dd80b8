//! `StopIteration` as the carrier of a result out of `tp_iternext`.
//!
//! Since Python 3.12 `await` resumes objects that are not coroutines of Python code through `tp_iternext`, not `am_send`
//! (`SEND` in Python/bytecodes.c). Their results arrive in an exception, which the interpreter takes apart at once. Making
//! one by calling the class costs 100 ns. Here it is an instance of a subclass whose memory is reused, which costs 15 ns.

#[cfg(Py_3_12)]
pub use self::recycled::set_stop_iteration;

use pyo3::exceptions::PyStopIteration;
use pyo3::prelude::*;

/// Makes `StopIteration(result)` by a call of the class: PyO3 would take a tuple for the arguments of the exception.
pub fn stop_iteration(py: Python<'_>, result: Py<PyAny>) -> PyErr {
    match py.get_type::<PyStopIteration>().call1((result,)) {
        Ok(stop) => PyErr::from_value(stop),
        Err(error) => error,
    }
}

/// Sets `StopIteration(result)` as the current exception.
#[cfg(not(Py_3_12))]
pub fn set_stop_iteration(py: Python<'_>, result: Py<PyAny>) {
    stop_iteration(py, result).restore(py);
}

#[cfg(Py_3_12)]
mod recycled {
    use std::ptr::null_mut;

    use pyo3::ffi;
    use pyo3::prelude::*;
    use pyo3::sync::PyOnceLock;
    use pyo3::types::PyType;

    use crate::base::cell::AttachedCell;
    use crate::cpython::Untracked;
    use crate::cpython::memory::in_turn::dispose_in_turn;
    use crate::cpython::tricks::Trick;

    /// An unused instance: it has no other references, and of its fields only `args` is set.
    static SPARE: AttachedCell<Option<Py<PyAny>>> = AttachedCell::new(None);

    static LATEST: Untracked = Untracked::new();

    /// Sets `StopIteration(result)` as the current exception.
    #[inline]
    pub fn set_stop_iteration(py: Python<'_>, result: Py<PyAny>) {
        if !Trick::Recycling.is_allowed() {
            return super::stop_iteration(py, result).restore(py);
        }
        let stop = match SPARE.take(py) {
            Some(spare) => spare,
            None => match make(py) {
                Ok(stop) => stop,
                Err(error) => return error.restore(py),
            },
        };
        // SAFETY: an instance of a subclass of StopIteration, which nobody else has. Its field `value` is null and takes over
        // the reference to the result. The interpreter takes over the reference to the exception.
        unsafe {
            let stop = stop.into_ptr().cast::<ffi::PyStopIterationObject>();
            (*stop).value = result.into_ptr();
            LATEST.put(stop.cast());
            ffi::PyErr_SetRaisedException(stop.cast());
        }
    }

    /// Makes a new instance like the spare one: not tracked, with `args` only.
    #[cold]
    fn make(py: Python<'_>) -> PyResult<Py<PyAny>> {
        static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
        let class = CLASS.get_or_try_init(py, || make_class(py))?.bind(py);
        // SAFETY: the class is a type object. `PyType_GenericAlloc` returns a new instance with all fields null, or null with
        // an exception set. Until it is untracked here, the garbage collector may see its fields, which are valid when null.
        unsafe {
            let class = class.as_ptr().cast::<ffi::PyTypeObject>();
            let stop = ffi::PyType_GenericAlloc(class, 0);
            let stop = Bound::from_owned_ptr_or_err(py, stop)?;
            ffi::PyObject_GC_UnTrack(stop.as_ptr().cast());
            let args = ffi::PyTuple_New(0);
            (*stop.as_ptr().cast::<ffi::PyStopIterationObject>()).args = args;
            Ok(stop.unbind())
        }
    }

    fn make_class(py: Python<'_>) -> PyResult<Py<PyType>> {
        let mut slots = [
            ffi::PyType_Slot {
                slot: ffi::Py_tp_dealloc,
                pfunc: dealloc as *mut std::ffi::c_void,
            },
            ffi::PyType_Slot {
                slot: 0,
                pfunc: null_mut(),
            },
        ];
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the flags are 32 bits wide"
        )]
        let mut spec = ffi::PyType_Spec {
            name: c"ferrio.StopIteration".as_ptr(),
            basicsize: 0,
            itemsize: 0,
            flags: ffi::Py_TPFLAGS_DEFAULT as u32,
            slots: slots.as_mut_ptr(),
        };
        // SAFETY: the specification is complete, ends with a slot of number 0 and is copied. The size, the traversal and the
        // other slots are inherited from the base class.
        unsafe {
            let class = ffi::PyType_FromSpecWithBases(&raw mut spec, ffi::PyExc_StopIteration);
            Ok(Bound::from_owned_ptr_or_err(py, class)?
                .cast_into::<PyType>()?
                .unbind())
        }
    }

    /// The slot function `tp_dealloc`.
    ///
    /// # Safety
    /// CPython calls it with the GIL held and an instance of the class without references.
    unsafe extern "C" fn dealloc(object: *mut ffi::PyObject) {
        let stop = object.cast::<ffi::PyStopIterationObject>();
        // SAFETY: the object is of this layout; each field is null or a live object.
        unsafe {
            let is_another = |field: *mut ffi::PyObject| {
                !field.is_null() && ffi::Py_TYPE(field) == ffi::Py_TYPE(object)
            };
            // Before Python 3.14 the interpreter does not limit the recursion for a chain of exceptions.
            let may_be_chain =
                is_another((*stop).value) || !(*stop).context.is_null() || !(*stop).cause.is_null();
            if may_be_chain && cfg!(not(Py_3_14)) {
                LATEST.show_if(|latest| latest == object);
                dispose_in_turn(object, dispose);
            } else {
                dispose(object);
            }
        }
    }

    /// Empties the object and keeps it, if no other one is kept.
    ///
    /// # Safety
    /// The object is an instance of the class without references.
    unsafe extern "C" fn dispose(object: *mut ffi::PyObject) {
        // SAFETY: the interpreter calls slots only from attached threads.
        let py = unsafe { Python::assume_attached() };
        let stop = object.cast::<ffi::PyStopIterationObject>();
        // SAFETY: the object is of this layout, and nobody has a reference to it. Each field is null or owns a reference,
        // which is dropped after the field was cleared. Code that runs then cannot reach the object, which is not tracked any
        // more. `args` is always a tuple, or null if the garbage collector has cleared it.
        unsafe {
            if !LATEST.forget(object) {
                ffi::PyObject_GC_UnTrack(object.cast());
            }
            for field in [
                &raw mut (*stop).value,
                &raw mut (*stop).dict,
                &raw mut (*stop).notes,
                &raw mut (*stop).traceback,
                &raw mut (*stop).context,
                &raw mut (*stop).cause,
            ] {
                let old = std::mem::replace(&mut *field, null_mut());
                ffi::Py_XDECREF(old);
            }
            (*stop).suppress_context = '\0';
            if (*stop).args.is_null() || ffi::PyTuple_GET_SIZE((*stop).args) > 0 {
                ffi::Py_XDECREF(std::mem::replace(&mut (*stop).args, ffi::PyTuple_New(0)));
            }
        }
        if SPARE.with(py, |spare| spare.is_none()) {
            // SAFETY: the object is complete, so it may have a reference again.
            let spare = unsafe { Bound::from_borrowed_ptr(py, object) }.unbind();
            SPARE.with(py, |slot| *slot = Some(spare));
            return;
        }
        // SAFETY: as above. An instance of a heap type owns a reference to its type, which is dropped here, too.
        unsafe {
            let class = ffi::Py_TYPE(object);
            ffi::Py_XDECREF((*stop).args);
            ffi::PyObject_GC_Del(object.cast());
            ffi::Py_DECREF(class.cast());
        }
    }
}
