//! Objects whose memory is reused, for classes whose instances come and go all the time.
//!
//! Making an object of a PyO3 class involves `object.__new__`, the allocator and the garbage collector, and so does its
//! end: 60 ns together. An object whose memory is kept when its last reference goes, and refilled later, costs 10 ns.

use std::cell::UnsafeCell;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::PyClass;
use pyo3::ffi;
use pyo3::impl_::pyclass::{PyClassBaseType, PyClassImpl};
use pyo3::prelude::*;
use pyo3::pyclass::boolean_struct::True;

use super::deallocators::{deallocate, replace_deallocator};
use crate::base::cell::AttachedCell;
use crate::cpython::memory::in_turn::dispose_in_turn;
use crate::cpython::memory::untracked::Untracked;
use crate::cpython::tricks::Trick;

/// The number of objects of a class that are kept.
const KEPT: usize = 128;

/// An empty object: its memory and its class are left, but no value.
pub struct Shell(std::ptr::NonNull<ffi::PyObject>);

// SAFETY: nobody else knows the object, and only an attached thread gets it out of its cell.
unsafe impl Send for Shell {}

/// A class whose instances are reused.
pub trait Recycle: PyClass<Frozen = True> + Sync {
    /// Returns the empty objects that are kept.
    fn shells() -> &'static AttachedCell<Vec<Shell>>;

    /// Whether the value holds nothing that needs a drop.
    #[inline]
    fn is_spent(&self, _py: Python<'_>) -> bool {
        false
    }

    /// Drops the value. PyO3 has not been told that the thread is attached, so a class with its own implementation must
    /// bind each `Py` to the token and drop it so.
    #[inline]
    fn dispose(self, _py: Python<'_>) {
        // SAFETY: the thread is attached, which the token proves.
        unsafe { crate::cpython::in_slot(|_| drop(self)) };
    }

    /// The function that keeps an object of the class.
    const KEEP: Keep = keep::<Self>;

    /// Returns the cell with the latest instance, for a class whose instances the garbage collector sees late.
    #[inline]
    fn untracked() -> Option<&'static Untracked> {
        None
    }
}

/// Implements [`Recycle`] for a class, with the items in braces in place of the defaults.
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

/// Makes an object, from an empty one if there is one. `make` constructs the value in its place: copying a value that was
/// just written in pieces costs 10 ns, since the processor waits for all of them.
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

/// Makes an object of a class that extends another, `B`.
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

/// Returns an empty object: a kept one if there is one.
#[inline(always)]
fn shell<T: Recycle>(py: Python<'_>) -> PyResult<Shell> {
    match T::shells().with(py, Vec::pop) {
        Some(shell) => Ok(shell),
        None => new_shell(py, T::type_object_raw(py)),
    }
}

/// Makes a new empty object. Unlike `object.__new__` before Python 3.13, this does not make the object's dictionary.
fn new_shell(py: Python<'_>, class: *mut ffi::PyTypeObject) -> PyResult<Shell> {
    // SAFETY: a class that PyO3 made. The object is all zeros behind its head, which is how PyO3's fields for weak references
    // and the dictionary are when there are none. The garbage collector does not see the object before it has a value.
    unsafe {
        let object = std::ptr::NonNull::new(ffi::PyType_GenericAlloc(class, 0))
            .ok_or_else(|| PyErr::fetch(py))?;
        ffi::PyObject_GC_UnTrack(object.as_ptr().cast());
        Ok(Shell(object))
    }
}

/// Constructs a value in its place.
///
/// # Safety
/// The object is of the class or of one that extends it, and the place is empty.
#[inline(always)]
unsafe fn fill<T: PyClass<Frozen = True> + Sync>(shell: &Shell, make: impl FnOnce() -> T) {
    // SAFETY: the caller guarantees the place. The value lies in an `UnsafeCell`, and nobody else has the object.
    unsafe { std::ptr::write(place::<T>(shell.0.as_ptr()), make()) };
}

/// The beginning of PyO3's `PyStaticClassObject`, whose fields are private.
#[repr(C)]
struct Head<T: PyClass> {
    base: <<T as PyClassImpl>::BaseType as PyClassBaseType>::LayoutAsBase,
    value: ManuallyDrop<UnsafeCell<T>>,
}

/// Returns the place of the value of class `T` in an object.
///
/// # Safety
/// The object is of the class or of one that extends it.
#[inline]
pub(in crate::cpython) unsafe fn place<T: PyClass<Frozen = True> + Sync>(
    object: *mut ffi::PyObject,
) -> *mut T {
    // A reference, which PyO3's `get` would return, must not exist while the place is empty.
    // SAFETY: the caller guarantees the class, whose objects begin as `Head` does.
    unsafe { object.byte_add(std::mem::offset_of!(Head<T>, value)).cast() }
}

/// Turns a filled object into a reference.
///
/// # Safety
/// The object is of class `T` and complete.
#[inline]
unsafe fn revive<T: Recycle>(py: Python<'_>, shell: Shell) -> Bound<'_, T> {
    // SAFETY: the caller guarantees the object, which is not tracked, and whose only reference is the shell's.
    unsafe {
        let object = shell.0.as_ptr();
        match T::untracked() {
            Some(latest) => latest.put(object),
            None => ffi::PyObject_GC_Track(object.cast()),
        }
        let object: Bound<'_, T> = Bound::from_owned_ptr(py, object).cast_into_unchecked();
        debug_assert!(std::ptr::eq(object.get(), place::<T>(object.as_ptr())));
        object
    }
}

/// Shows the object that has this value to the garbage collector, if the collector does not see it yet: it will live for
/// a while.
#[inline]
pub fn show<T: Recycle>(value: &T) {
    if let Some(latest) = T::untracked() {
        // SAFETY: what is remembered is a live object of the class.
        latest.show_if(|object| unsafe { place::<T>(object) }.cast_const() == value);
    }
}

/// Makes `T`'s instances be kept when their last reference goes. For a class with a finalizer, `install_finalizer` does so.
pub fn install_recycling<T: Recycle>(py: Python<'_>) {
    // SAFETY: a heap type that PyO3 made, which is not shared with another thread while the module is initialised.
    unsafe { replace_deallocator(py.get_type::<T>().as_type_ptr(), tp_dealloc::<T>) };
}

/// The slot function `tp_dealloc`. Before Python 3.14, chains of objects are deallocated one after the other (`in_turn`).
///
/// # Safety
/// CPython calls it with the GIL held and an instance of `T` without references.
unsafe extern "C" fn tp_dealloc<T: Recycle>(object: *mut ffi::PyObject) {
    // SAFETY: the caller guarantees the object. It is forgotten before its deallocation may be put off.
    unsafe {
        if cfg!(Py_3_14) || (*place::<T>(object)).is_spent(Python::assume_attached()) {
            return dispose::<T>(object);
        }
        if let Some(latest) = T::untracked() {
            latest.forget(object);
        }
        dispose_in_turn(object, dispose::<T>);
    }
}

/// Keeps the object, or calls PyO3's deallocator.
///
/// # Safety
/// The object is a `T` without references, and disposed of only once.
unsafe extern "C" fn dispose<T: Recycle>(object: *mut ffi::PyObject) {
    // SAFETY: the caller guarantees it.
    if unsafe { T::KEEP(object) } {
        return;
    }
    // SAFETY: the caller guarantees it.
    unsafe { deallocate(object) };
}

/// A function that empties and keeps an object without references, if possible. Returns whether it has done so.
pub type Keep = unsafe fn(*mut ffi::PyObject) -> bool;

/// Drops the value of an object of `T` and keeps the object. Returns whether it has done so: not if the object is of a
/// subclass, if its finalizer has run, or if enough objects are kept.
///
/// # Safety
/// The object is of `T` or a subclass, without references.
pub unsafe fn keep<T: Recycle>(object: *mut ffi::PyObject) -> bool {
    // SAFETY: the caller guarantees it.
    unsafe { keep_emptied::<T>(object, |py| drop_value::<T>(py, object)) }
}

/// Does the same as [`keep`] for a class that extends another, `B`.
///
/// # Safety
/// As for [`keep`].
pub unsafe fn keep_extended<T, B>(object: *mut ffi::PyObject) -> bool
where
    T: Recycle + PyClass<BaseType = B>,
    B: Recycle,
{
    // SAFETY: the caller guarantees it.
    unsafe {
        keep_emptied::<T>(object, |py| {
            drop_value::<T>(py, object);
            drop_value::<B>(py, object);
        })
    }
}

/// Does the work of [`keep`]; `empty` drops the values of the object's classes.
///
/// # Safety
/// As for [`keep`].
#[inline]
unsafe fn keep_emptied<T: Recycle>(
    object: *mut ffi::PyObject,
    empty: impl FnOnce(Python<'_>),
) -> bool {
    // SAFETY: the interpreter calls deallocators only from attached threads. The object is complete. Afterwards it is not
    // tracked, has no weak references, no dictionary and no value, and one reference.
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
        if (*place::<T>(object)).is_spent(py)
            || catch_unwind(AssertUnwindSafe(|| empty(py))).is_ok()
        {
            // The whole field is written, and not incremented: the interpreter has just written half of it, and a read of
            // all of it would wait for that write.
            (*object).ob_refcnt = ffi::PyObject_HEAD_INIT.ob_refcnt;
            let shell = Shell(std::ptr::NonNull::new_unchecked(object));
            T::shells().with(py, |shells| shells.push(shell));
        }
        true // After a panic in `empty` the object's content is unknown, and its memory is never used again.
    }
}

/// Whether the object's finalizer has run, if it has one.
///
/// # Safety
/// The object is live.
#[inline]
unsafe fn is_finalized(object: *mut ffi::PyObject) -> bool {
    // SAFETY: the caller guarantees a live object.
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
    // SAFETY: the caller guarantees the class, and that the value is not used afterwards.
    unsafe { std::ptr::read(place::<T>(object)) }.dispose(py);
}

/// Clears the object's weak references and its dictionary.
///
/// # Safety
/// The object is live, of a class that PyO3 made.
#[inline]
unsafe fn clear_attributes(object: *mut ffi::PyObject) {
    // SAFETY: a positive offset is that of a field of the instance. The field is null, or points to the first weak reference
    // or to the dictionary, which the instance owns.
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
