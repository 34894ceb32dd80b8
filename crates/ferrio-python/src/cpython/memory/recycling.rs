//! Objects whose memory is used again: for classes whose instances come and go all the time.
//!
//! To make an object of a class in Rust goes through `object.__new__`, the allocator and the garbage collector, and its end
//! through them again: 60 ns together. An object that is kept when its last reference goes, without what was in it, costs
//! 10.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::PyClass;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::pyclass::boolean_struct::True;

use super::deallocators::{deallocate, replace_deallocator};
use crate::base::cell::AttachedCell;
use crate::cpython::memory::in_turn::dispose_in_turn;
use crate::cpython::memory::untracked::Untracked;
use crate::cpython::tricks::Trick;

/// How many objects of a class are kept.
const KEPT: usize = 128;

/// An object without anything in it: of what it was, it has the class and the memory.
pub struct Shell(std::ptr::NonNull<ffi::PyObject>);

// SAFETY: nobody else knows the object, and only an attached thread gets it out of its cell.
unsafe impl Send for Shell {}

/// A class whose instances are used again.
pub trait Recycle: PyClass<Frozen = True> + Sync {
    /// The objects without a use.
    fn shells() -> &'static AttachedCell<Vec<Shell>>;

    /// Whether there is nothing left in the value that would have to be dropped.
    #[inline]
    fn is_spent(&self) -> bool {
        false
    }

    /// Drops the value. A class that says how does it without a `Py` that drops itself: PyO3, which would ask for each
    /// whether the thread is attached, is not told.
    #[inline]
    fn dispose(self, _py: Python<'_>) {
        // SAFETY: the thread is attached, which the token proves.
        unsafe { crate::cpython::in_slot(|_| drop(self)) };
    }

    /// Keeps an object of the class if that is possible; returns whether it is.
    const KEEP: Keep = keep::<Self>;

    /// For a class whose instances are mostly gone at once, where the latest is remembered that the garbage collector has not
    /// been shown.
    #[inline]
    fn untracked() -> Option<&'static Untracked> {
        None
    }
}

/// Implements [`Recycle`] for a class; what is not as usual stands in braces.
macro_rules! recycle {
    ($class:ty $(, { $($item:tt)* })?) => {
        impl $crate::cpython::Recycle for $class {
            fn shells() -> &'static $crate::base::cell::AttachedCell<Vec<$crate::cpython::Shell>> {
                static SHELLS: $crate::base::cell::AttachedCell<Vec<$crate::cpython::Shell>> =
                    $crate::base::cell::AttachedCell::new(Vec::new());
                &SHELLS
            }

            $($($item)*)?
        }
    };
}
pub(crate) use recycle;

/// Makes an object, of an old one if there is one. Its value is made where it stays: to copy one that has just been written
/// in pieces costs 10 ns, for the processor waits until all of them have arrived.
#[inline(always)]
pub fn create<T>(py: Python<'_>, make: impl FnOnce() -> T) -> PyResult<Bound<'_, T>>
where
    T: Recycle + PyClass<BaseType = PyAny>,
{
    let shell = shell::<T>(py)?;
    // SAFETY: a shell of the class, whose place for the value is empty.
    unsafe {
        fill(&shell, make);
        Ok(revive(py, shell))
    }
}

/// The same for a class that extends another, `B`.
#[inline(always)]
pub fn create_extended<T, B>(
    py: Python<'_>,
    make_base: impl FnOnce() -> B,
    make: impl FnOnce() -> T,
) -> PyResult<Bound<'_, T>>
where
    T: Recycle + PyClass<BaseType = B>,
    B: PyClass<BaseType = PyAny, Frozen = True> + Sync,
{
    let shell = shell::<T>(py)?;
    // SAFETY: a shell of the class, whose places for the values of both classes are empty.
    unsafe {
        fill(&shell, make_base);
        fill(&shell, make);
        Ok(revive(py, shell))
    }
}

/// An object without anything in it: an old one if there is one.
#[inline(always)]
fn shell<T: Recycle>(py: Python<'_>) -> PyResult<Shell> {
    match T::shells().with(py, Vec::pop) {
        Some(shell) => Ok(shell),
        None => new_shell(py, T::type_object_raw(py)),
    }
}

/// A new object without anything in it. `object.__new__` would make a dictionary for it before Python 3.13, if it can have
/// one.
fn new_shell(py: Python<'_>, class: *mut ffi::PyTypeObject) -> PyResult<Shell> {
    // SAFETY: a class that PyO3 made. The object is all zeros but for its head, as PyO3's fields for weak references and the
    // dictionary are when there are none; the garbage collector does not see it before there is a value in it.
    unsafe {
        let object = std::ptr::NonNull::new(ffi::PyType_GenericAlloc(class, 0))
            .ok_or_else(|| PyErr::fetch(py))?;
        ffi::PyObject_GC_UnTrack(object.as_ptr().cast());
        Ok(Shell(object))
    }
}

/// Makes a value in its place.
///
/// # Safety
/// The object is of the class or of one that extends it, and the place is empty.
#[inline(always)]
unsafe fn fill<T: PyClass<Frozen = True> + Sync>(shell: &Shell, make: impl FnOnce() -> T) {
    // SAFETY: the caller's. The value lies in an `UnsafeCell`, and nobody else has the object.
    unsafe { std::ptr::write(place::<T>(shell.0.as_ptr()), make()) };
}

/// Where the value of class `T` is in an object.
///
/// # Safety
/// The object is of the class or of one that extends it.
#[inline]
pub(in crate::cpython) unsafe fn place<T: PyClass<Frozen = True> + Sync>(
    object: *mut ffi::PyObject,
) -> *mut T {
    // SAFETY: the caller's; the token is only needed for the type.
    unsafe {
        let object = Borrowed::from_ptr(Python::assume_attached(), object);
        std::ptr::from_ref(object.cast_unchecked::<T>().get()).cast_mut()
    }
}

/// Gives an object back to the world.
///
/// # Safety
/// It is of class `T`, and complete.
#[inline]
unsafe fn revive<T: Recycle>(py: Python<'_>, shell: Shell) -> Bound<'_, T> {
    // SAFETY: the caller's; the object is not tracked, and its only reference is the shell's.
    unsafe {
        let object = shell.0.as_ptr();
        match T::untracked() {
            Some(latest) => latest.put(object),
            None => ffi::PyObject_GC_Track(object.cast()),
        }
        Bound::from_owned_ptr(py, object).cast_into_unchecked()
    }
}

/// Shows the garbage collector the object that has this value, if it has not been shown yet: it is not going to be gone at once.
#[inline]
pub fn show<T: Recycle>(value: &T) {
    if let Some(latest) = T::untracked() {
        // SAFETY: what is remembered is a live object of the class.
        latest.show_if(|object| unsafe { place::<T>(object) }.cast_const() == value);
    }
}

/// Has `T`'s instances kept when their last reference goes. For a class with a finalizer, `install_finalizer` does it.
pub fn install_recycling<T: Recycle>(py: Python<'_>) {
    // SAFETY: a heap type that PyO3 made and not shared with another thread while the module is initialised.
    unsafe { replace_deallocator(py.get_type::<T>().as_type_ptr(), tp_dealloc::<T>) };
}

/// The deallocator's slot function. What an object refers to may go away with it, and so on: before Python 3.14 the
/// interpreter does not look how deep that goes.
///
/// # Safety
/// CPython calls it with the GIL held and an instance of `T` without references.
unsafe extern "C" fn tp_dealloc<T: Recycle>(object: *mut ffi::PyObject) {
    // SAFETY: the caller's; the object is forgotten before it may have to wait.
    unsafe {
        if cfg!(Py_3_14) || (*place::<T>(object)).is_spent() {
            return dispose::<T>(object);
        }
        if let Some(latest) = T::untracked() {
            latest.forget(object);
        }
        dispose_in_turn(object, dispose::<T>);
    }
}

/// Keeps the object, or lets PyO3's own deallocator have it.
///
/// # Safety
/// The object is one of `T`, without references.
unsafe extern "C" fn dispose<T: Recycle>(object: *mut ffi::PyObject) {
    // SAFETY: the caller's.
    if unsafe { T::KEEP(object) } {
        return;
    }
    // SAFETY: the caller's, once.
    unsafe { deallocate(object) };
}

/// Keeps an object if that is possible; returns whether it is. The object must be without references.
pub type Keep = unsafe fn(*mut ffi::PyObject) -> bool;

/// Keeps an object of `T`, but not what is in it. Returns whether it does: not if it is of a subclass, if its finalizer has
/// run, or if enough are kept.
///
/// # Safety
/// The object is one of `T` or a subclass, without references.
pub unsafe fn keep<T: Recycle>(object: *mut ffi::PyObject) -> bool {
    // SAFETY: the caller's.
    unsafe { keep_if_empty::<T>(object, |py| drop_value::<T>(py, object)) }
}

/// The same for a class that extends another, `B`.
///
/// # Safety
/// As above.
pub unsafe fn keep_extended<T, B>(object: *mut ffi::PyObject) -> bool
where
    T: Recycle + PyClass<BaseType = B>,
    B: Recycle,
{
    // SAFETY: the caller's.
    unsafe {
        keep_if_empty::<T>(object, |py| {
            drop_value::<T>(py, object);
            drop_value::<B>(py, object);
        })
    }
}

/// # Safety
/// As above, and `empty` drops the values of the object's classes.
#[inline]
unsafe fn keep_if_empty<T: Recycle>(
    object: *mut ffi::PyObject,
    empty: impl FnOnce(Python<'_>),
) -> bool {
    // SAFETY: the interpreter calls deallocators only from attached threads. The object is complete; afterwards it is not
    // tracked, has no weak references, no dictionary and nothing in it, and one reference.
    unsafe {
        let py = Python::assume_attached();
        let is_tracked = !T::untracked().is_some_and(|latest| latest.forget(object));
        if ffi::Py_TYPE(object) != T::type_object_raw(py)
            || is_finalized(object)
            || !Trick::Recycling.is_allowed()
            || T::shells().with(py, |shells| shells.len() >= KEPT)
        {
            return false;
        }
        if is_tracked {
            ffi::PyObject_GC_UnTrack(object.cast());
        }
        clear_attributes(object);
        if (*place::<T>(object)).is_spent() || catch_unwind(AssertUnwindSafe(|| empty(py))).is_ok()
        {
            // Not counted up from 0: the interpreter has just written half of the field, which could not be read before
            // that has arrived.
            (*object).ob_refcnt = ffi::PyObject_HEAD_INIT.ob_refcnt;
            let shell = Shell(std::ptr::NonNull::new_unchecked(object));
            T::shells().with(py, |shells| shells.push(shell));
        }
        true // Otherwise nobody knows what is in it: it is not used any more.
    }
}

/// Whether the object's finalizer has run, if it has one.
///
/// # Safety
/// The object is live.
#[inline]
unsafe fn is_finalized(object: *mut ffi::PyObject) -> bool {
    // SAFETY: the caller's.
    unsafe {
        (*ffi::Py_TYPE(object)).tp_finalize.is_some() && ffi::PyObject_GC_IsFinalized(object) != 0
    }
}

/// Drops the value of class `T` in an object.
///
/// # Safety
/// The object is of the class or of one that extends it, and the value is dropped only once.
#[inline]
unsafe fn drop_value<T: Recycle>(py: Python<'_>, object: *mut ffi::PyObject) {
    // SAFETY: the caller's.
    unsafe { std::ptr::read(place::<T>(object)) }.dispose(py);
}

/// Clears weak references and the dictionary.
///
/// # Safety
/// The object is live, of a class that PyO3 made.
#[inline]
unsafe fn clear_attributes(object: *mut ffi::PyObject) {
    // SAFETY: an offset that is not 0 is that of a field of the instance, which is null or points to the first weak
    // reference, or to the dictionary, which is owned.
    unsafe {
        let ty = ffi::Py_TYPE(object);
        let field = |offset| object.byte_offset(offset).cast::<*mut ffi::PyObject>();
        let (weak, dict) = ((*ty).tp_weaklistoffset, (*ty).tp_dictoffset);
        if weak > 0 && !(*field(weak)).is_null() {
            ffi::PyObject_ClearWeakRefs(object);
        }
        if dict > 0 && !(*field(dict)).is_null() {
            ffi::Py_DECREF(std::mem::replace(&mut *field(dict), std::ptr::null_mut()));
        }
    }
}
