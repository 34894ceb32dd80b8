//! The raw C-API calls that PyO3 has no safe form of. All of the bindings' `unsafe` but the cell's is here.
#![allow(unsafe_code)]

mod awaiting;
mod class_version;
mod clock;
mod descriptor;
mod forwarding;
mod handling;
mod in_turn;
#[cfg(not(Py_3_12))]
mod incomplete;
mod instances;
mod known_classes;
mod latest;
mod lifetime;
mod metaclass;
mod names;
pub mod openssl;
mod quick_method;
mod raising;
mod recycling;
mod resuming;
mod running_task;
mod stop_iteration;
pub mod subclasses;
mod thread_exit;
mod weak_table;

pub use self::awaiting::{
    SelfAwait, await_iterator, generic_set_attribute, install_self_await, is_context,
    is_exact_coroutine,
};
pub use self::class_version::{class_version, version_of, versions_hold};
pub use self::clock::{clock_is_replaced, clock_is_untouched, watch_clock};
pub use self::descriptor::{descriptor_get, own_dictionary};
pub use self::forwarding::{Callee, Forward, bind, install_forwarding, replace_in_class};
pub use self::handling::{finally, handling, raised_while};
pub(crate) use self::in_turn::in_turn;
pub use self::in_turn::{InTurn, install_in_turn};
#[cfg(not(Py_3_12))]
pub use self::incomplete::skip_incomplete;
pub use self::instances::make_as_object;
pub use self::known_classes::KnownClasses;
pub use self::latest::Latest;
pub use self::lifetime::{Finalize, install_finalizer};
pub use self::metaclass::set_metaclass;
pub use self::names::RUNNING_NAMES;
pub(crate) use self::quick_method::quick_method;
pub use self::quick_method::{QuickMethod, install_quick_method};
pub use self::raising::{ensure_traceback, made, raise, raise_from, raise_new, undisturbed};
pub(crate) use self::recycling::recycle;
pub use self::recycling::{
    Keep, Recycle, Shell, create, create_extended, install_recycling, keep, keep_extended, show,
};
pub use self::resuming::{Resumed, Send, Sent, install_am_send, iter_send, resume};
use self::resuming::{am_send, panicked};
#[cfg(not(Py_3_14))]
pub use self::running_task::leave_last_task;
pub use self::running_task::{CurrentTask, running_loop, running_task};
use self::stop_iteration::set_stop_iteration;
pub use self::stop_iteration::stop_iteration;
pub use self::thread_exit::guard as guard_thread_exit;
pub use self::weak_table::WeakTable;

use std::io;
use std::os::fd::{BorrowedFd, RawFd};
use std::os::raw::c_int;

use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

/// Runs a slot function's body as PyO3 runs those that it makes: it has to be told that the thread is attached. Otherwise
/// it would put references that are dropped meanwhile aside, until it is called the next time.
///
/// # Safety
/// The thread is attached to the interpreter.
#[inline]
unsafe fn in_slot<R>(body: impl FnOnce(Python<'_>) -> R) -> R {
    // SAFETY: the caller's.
    unsafe { Python::attach_unchecked(body) }
}

/// Calls `f` deeper in what the interpreter counts. Raises `RecursionError` if that is too deep.
#[inline]
pub fn deeper<R>(py: Python<'_>, f: impl FnOnce() -> R) -> PyResult<R> {
    struct Level;

    impl Level {
        fn enter(py: Python<'_>) -> PyResult<Self> {
            // SAFETY: called by an attached thread, with a text that ends with a zero.
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

    // Python 3.13 allows 10,000 levels, for which a stack of 8 MB is too small if each is a coroutine.
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

/// The frame of the Python code that runs, if there is any. Not by `sys._getframe`: called without a frame of its own while a
/// coroutine's is being cleared, since Python 3.12 it takes what lies on the C stack for one.
pub fn current_frame(py: Python<'_>) -> Option<Bound<'_, PyAny>> {
    // SAFETY: the thread is attached; the result is a borrowed reference, or null for none.
    unsafe { Bound::from_borrowed_ptr_or_opt(py, ffi::PyEval_GetFrame().cast()) }
}

/// Whether nobody else has a reference to the object.
pub fn is_only_reference<T>(_py: Python<'_>, object: &Py<T>) -> bool {
    // SAFETY: a live object, and the thread is attached.
    unsafe { ffi::Py_REFCNT(object.as_ptr()) == 1 }
}

/// `contextvars.copy_context()`.
#[inline]
pub fn copy_context(py: Python<'_>) -> PyResult<Py<PyAny>> {
    // SAFETY: PyContext_CopyCurrent returns a new reference, or null with an exception set.
    unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyContext_CopyCurrent()) }.map(Bound::unbind)
}

/// Leaves a context when it goes out of scope, whatever happened inside.
pub struct Entered<'a, 'py>(&'a Bound<'py, PyAny>);

impl Drop for Entered<'_, '_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: this value exists only after PyContext_Enter of this context succeeded. PyContext_Exit fails only if
        // another context is on top, which enter/exit pairs on one stack exclude.
        unsafe { ffi::PyContext_Exit(self.0.as_ptr()) };
    }
}

/// Enters a `contextvars.Context`, until what is returned is dropped.
///
/// Raises `RuntimeError` if the context is already entered and `TypeError` if `context` is not a `contextvars.Context`.
#[inline]
pub fn enter_context<'a, 'py>(context: &'a Bound<'py, PyAny>) -> PyResult<Entered<'a, 'py>> {
    // SAFETY: the argument is a live object; PyContext_Enter checks its type itself.
    if unsafe { ffi::PyContext_Enter(context.as_ptr()) } != 0 {
        return Err(PyErr::fetch(context.py()));
    }
    Ok(Entered(context))
}

/// Runs `f` inside a `contextvars.Context`, as `context.run` does, without the call.
///
/// `f` must return its error and not leave it set in the interpreter. Raises what [`enter_context`] raises.
#[inline]
pub fn in_context<R>(context: &Bound<'_, PyAny>, f: impl FnOnce() -> PyResult<R>) -> PyResult<R> {
    let _entered = enter_context(context)?;
    f()
}

/// `callable(*args)`.
#[inline]
pub fn call<'py>(
    callable: &Bound<'py, PyAny>,
    args: &Bound<'py, PyTuple>,
) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: both are live objects and the second is a tuple, whose items lie one behind the other and do not change.
    // The result is a new reference, or null with an exception set.
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

/// `callable(argument)`.
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

/// `object.name(*args)` with one argument or two.
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

/// `threading.get_ident()` of the calling thread.
#[inline]
pub fn thread_ident() -> u64 {
    // SAFETY: PyThread_get_thread_ident only reads thread-local data of the C library.
    #[allow(clippy::useless_conversion, reason = "c_ulong has 32 bits elsewhere")]
    u64::from(unsafe { ffi::PyThread_get_thread_ident() })
}

/// A contiguous view of an object's bytes, released when dropped.
pub struct ByteView(Box<ffi::Py_buffer>);

// SAFETY: the view is a counted reference to an exporter; it is read and released only by attached threads (`bytes`
// and `bytes_mut` take a token, `drop` attaches).
unsafe impl std::marker::Send for ByteView {}
// SAFETY: as above; there is nothing to see without a token but the length, which never changes.
unsafe impl Sync for ByteView {}

impl ByteView {
    /// Views `object` for reading. Raises `TypeError` or `BufferError` as `memoryview` does.
    pub fn readable(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        Self::get(object, ffi::PyBUF_SIMPLE)
    }

    /// Views `object` for writing. Raises `TypeError` or `BufferError`, also for a read-only object.
    pub fn writable(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        Self::get(object, ffi::PyBUF_WRITABLE)
    }

    fn get(object: &Bound<'_, PyAny>, flags: c_int) -> PyResult<Self> {
        let mut view = Box::new(ffi::Py_buffer::new());
        // SAFETY: `view` outlives the call and stays at its address until released, as exporters may require.
        if unsafe { ffi::PyObject_GetBuffer(object.as_ptr(), &raw mut *view, flags) } != 0 {
            return Err(
                PyErr::take(object.py()).unwrap_or_else(|| PyBufferError::new_err("no buffer"))
            );
        }
        Ok(Self(view))
    }

    /// Its length in bytes.
    pub fn len(&self) -> usize {
        usize::try_from(self.0.len).unwrap_or(0)
    }

    /// The bytes. The token keeps Python code from changing them meanwhile.
    pub fn bytes<'a>(&'a self, _py: Python<'a>) -> &'a [u8] {
        if self.0.buf.is_null() {
            return &[];
        }
        // SAFETY: the exporter guarantees `len` readable bytes at `buf` until the view is released.
        unsafe { std::slice::from_raw_parts(self.0.buf.cast::<u8>(), self.len()) }
    }

    /// The bytes of a view made by [`ByteView::writable`].
    pub fn bytes_mut<'a>(&'a mut self, _py: Python<'a>) -> &'a mut [u8] {
        if self.0.buf.is_null() || self.0.readonly != 0 {
            return &mut [];
        }
        // SAFETY: the exporter guarantees `len` writable bytes at `buf` until the view is released, and the token
        // keeps Python code from touching them during the borrow.
        unsafe { std::slice::from_raw_parts_mut(self.0.buf.cast::<u8>(), self.len()) }
    }
}

impl Drop for ByteView {
    fn drop(&mut self) {
        // SAFETY: the view was filled by PyObject_GetBuffer and is released once, by an attached thread.
        Python::attach(|_| unsafe { ffi::PyBuffer_Release(&raw mut *self.0) });
    }
}

/// The descriptor with this number, for one system call.
///
/// Fails with `EBADF` for a negative number, which is what a closed Python socket answers.
pub fn borrow_fd<'fd>(fd: RawFd) -> io::Result<BorrowedFd<'fd>> {
    if fd < 0 {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    // SAFETY: the number is not -1. Whether it is open is the kernel's to say, as for every descriptor that Python code
    // hands over; nothing here keeps it beyond the call.
    Ok(unsafe { BorrowedFd::borrow_raw(fd) })
}
