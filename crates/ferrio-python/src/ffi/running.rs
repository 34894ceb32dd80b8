//! Calls that run Python code, made so that the interpreter may end in the middle of them.
//!
//! Before 3.14, a thread that wants the GIL back while the interpreter is being finalized is ended by `pthread_exit`,
//! which unwinds its stack (`take_gil` in `Python/ceval_gil.c`). That happens to daemon threads, anywhere inside Python
//! code; if it reaches a Rust frame that does not expect to be unwound, the process aborts. So these functions are
//! declared as ones that unwind, and each call is under a guard whose destructor does not return: the thread hangs
//! without the GIL, which is what CPython has it do since 3.14. PyO3 does the same where it takes the GIL itself.

use std::hint::black_box;

use pyo3::ffi::{PyObject, PySendResult};

unsafe extern "C-unwind" {
    fn PyObject_Vectorcall(
        callable: *mut PyObject,
        args: *const *mut PyObject,
        count: usize,
        names: *mut PyObject,
    ) -> *mut PyObject;
    fn PyObject_CallOneArg(callable: *mut PyObject, arg: *mut PyObject) -> *mut PyObject;
    fn PyObject_VectorcallMethod(
        name: *mut PyObject,
        args: *const *mut PyObject,
        count: usize,
        names: *mut PyObject,
    ) -> *mut PyObject;
    fn PyIter_Send(
        iter: *mut PyObject,
        value: *mut PyObject,
        result: *mut *mut PyObject,
    ) -> PySendResult;
}

/// Hangs the thread when it is dropped.
struct Hang;

impl Drop for Hang {
    fn drop(&mut self) {
        loop {
            std::thread::park();
        }
    }
}

/// Runs `call`, and hangs if it unwinds instead of returning.
///
/// The functions are called by pointers that the optimizer cannot see through: PyO3 declares the same ones as not
/// unwinding, and when all crates are optimized together, what is known of one declaration holds for the other.
#[inline]
fn guarded<R>(call: impl FnOnce() -> R) -> R {
    let guard = Hang;
    let result = call();
    std::mem::forget(guard);
    result
}

/// `PyObject_Vectorcall` without keyword arguments.
///
/// # Safety
/// `callable` is a live object, and `args` points to `count` others.
#[inline]
pub unsafe fn object_vectorcall(
    callable: *mut PyObject,
    args: *const *mut PyObject,
    count: usize,
) -> *mut PyObject {
    // SAFETY: the caller's; no names mean no keyword arguments.
    guarded(|| unsafe {
        black_box(PyObject_Vectorcall as unsafe extern "C-unwind" fn(_, _, _, _) -> _)(
            callable,
            args,
            count,
            std::ptr::null_mut(),
        )
    })
}

/// `PyObject_CallOneArg`.
///
/// # Safety
/// Both are live objects.
#[inline]
pub unsafe fn object_call_one(callable: *mut PyObject, arg: *mut PyObject) -> *mut PyObject {
    // SAFETY: the caller's.
    guarded(|| unsafe {
        black_box(PyObject_CallOneArg as unsafe extern "C-unwind" fn(_, _) -> _)(callable, arg)
    })
}

/// `PyObject_VectorcallMethod` without keyword arguments.
///
/// # Safety
/// `name` is a live string, `args` are live objects, of which the first is the one whose method it is.
#[inline]
pub unsafe fn method_call(name: *mut PyObject, args: &[*mut PyObject]) -> *mut PyObject {
    // SAFETY: the caller's; no names mean no keyword arguments.
    guarded(|| unsafe {
        black_box(PyObject_VectorcallMethod as unsafe extern "C-unwind" fn(_, _, _, _) -> _)(
            name,
            args.as_ptr(),
            args.len(),
            std::ptr::null_mut(),
        )
    })
}

/// `PyIter_Send`.
///
/// # Safety
/// The first two are live objects, and `result` is a place for a reference.
#[inline]
pub unsafe fn iter_send(
    iter: *mut PyObject,
    value: *mut PyObject,
    result: *mut *mut PyObject,
) -> PySendResult {
    // SAFETY: the caller's.
    guarded(|| unsafe {
        black_box(PyIter_Send as unsafe extern "C-unwind" fn(_, _, _) -> _)(iter, value, result)
    })
}
