//! The cell that holds the interior state of every Python-visible type.
//!
//! On a build with a GIL only one thread has a [`Python`] token at a time, so a borrow needs no lock. It needs a check
//! that it is not nested: code inside [`AttachedCell::with`] must not reach Python (by a call, by dropping a reference, by
//! an allocation that may collect garbage), because Python code can call anything again. A nested borrow panics, which
//! reaches the caller as an exception.
//!
//! A free-threaded build would need a lock in this cell, and nowhere else.
#![allow(unsafe_code)]

use std::cell::{Cell, UnsafeCell};

use pyo3::gc::PyVisit;
use pyo3::prelude::*;

#[cfg(Py_GIL_DISABLED)]
compile_error!("the cell needs its lock before ferrio can be built for free-threaded Python");

/// A value that only a thread attached to the interpreter can access, inside a closure.
#[derive(Debug, Default)]
pub struct AttachedCell<T> {
    borrowed: Cell<bool>,
    value: UnsafeCell<T>,
}

// SAFETY: `with` and `visit` are the only shared accesses to the value. `with` needs a `Python` token, which on a build with
// a GIL (the only one that compiles, see above) exactly one thread has at a time. A closure that released the
// GIL would let another thread come as far as the flag, and panic. `visit` runs inside a garbage collection, which holds the GIL.
unsafe impl<T: Send> Sync for AttachedCell<T> {}

/// A guard that clears the borrow flag, also when the closure unwinds.
struct Borrow<'a>(&'a Cell<bool>);

impl Drop for Borrow<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

impl<T> AttachedCell<T> {
    /// Wraps `value`.
    pub const fn new(value: T) -> Self {
        Self {
            borrowed: Cell::new(false),
            value: UnsafeCell::new(value),
        }
    }

    /// Runs `f` on the value. `f` must not reach Python.
    ///
    /// # Panics
    /// When the value is already borrowed further up the stack.
    #[inline]
    pub fn with<R>(&self, _py: Python<'_>, f: impl FnOnce(&mut T) -> R) -> R {
        assert!(
            !self.borrowed.replace(true),
            "interior state borrowed twice"
        );
        let _borrow = Borrow(&self.borrowed);
        // SAFETY: the token proves that no other thread is here, and the flag that no caller further up the stack is.
        f(unsafe { &mut *self.value.get() })
    }

    /// Returns the value of a cell that nobody else has.
    #[inline]
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }

    /// Returns a new reference to the object that `f` finds in the value, if it finds one. `f` must not reach Python.
    #[inline]
    pub fn get_ref<O>(
        &self,
        py: Python<'_>,
        f: impl for<'a> FnOnce(&'a mut T) -> Option<&'a Py<O>>,
    ) -> Option<Py<O>> {
        self.with(py, |value| Some(f(value)?.clone_ref(py)))
    }

    /// Returns the same as [`get_ref`](Self::get_ref), bound to the token.
    #[inline]
    pub fn get_bound<'py, O>(
        &self,
        py: Python<'py>,
        f: impl for<'a> FnOnce(&'a mut T) -> Option<&'a Py<O>>,
    ) -> Option<Bound<'py, O>> {
        self.with(py, |value| Some(f(value)?.bind(py).clone()))
    }

    /// Takes the value out and leaves its default, so that the caller can drop or use the value without a borrow.
    pub fn take(&self, py: Python<'_>) -> T
    where
        T: Default,
    {
        self.with(py, std::mem::take)
    }

    /// Replaces the value and returns the old one, for the caller to drop without a borrow.
    pub fn replace(&self, py: Python<'_>, value: T) -> T {
        self.with(py, |current| std::mem::replace(current, value))
    }

    /// Runs `f` on the value for the garbage collector. Does nothing while the value is borrowed.
    ///
    /// `__traverse__` must not use the interpreter and so has no token. Its `visit` takes the token's place.
    pub fn visit<E>(
        &self,
        _visit: &PyVisit<'_>,
        f: impl FnOnce(&T) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.borrowed.get() {
            return Ok(());
        }
        // SAFETY: a collection, which alone has a `PyVisit`, runs with the GIL held, the flag says that nobody has a borrow, and `f` cannot come here again:
        // a traversal calls no other code that uses the cell.
        f(unsafe { &*self.value.get() })
    }
}

/// A proof that the thread is attached to the interpreter.
///
/// # Safety
/// A value of the type exists only while that is so, and cannot be sent to another thread.
pub unsafe trait Attached {}
// SAFETY: that is what the token means.
unsafe impl Attached for Python<'_> {}
// SAFETY: only `__traverse__` gets one, for the length of the call, from a collection that holds the GIL.
unsafe impl Attached for &PyVisit<'_> {}

/// A value that is set once and never changes: references to it live as long as the cell.
#[derive(Debug)]
pub struct AttachedOnce<T>(UnsafeCell<Option<T>>);

// SAFETY: `set` needs a `Python` token, which one thread has at a time (see above), and never changes an existing value.
// `get` needs a token or the garbage collector's `PyVisit`, which also exists only while the GIL is held.
unsafe impl<T: Send + Sync> Sync for AttachedOnce<T> {}

impl<T> Default for AttachedOnce<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> AttachedOnce<T> {
    /// Makes an empty cell.
    pub const fn new() -> Self {
        Self(UnsafeCell::new(None))
    }

    /// Makes a cell with its value.
    pub const fn with_value(value: T) -> Self {
        Self(UnsafeCell::new(Some(value)))
    }

    /// Returns the value, if it was set.
    #[inline]
    pub fn get(&self, _attached: impl Attached) -> Option<&T> {
        // SAFETY: an existing value never changes. The thread holds the GIL, so no other thread is setting one.
        unsafe { &*self.0.get() }.as_ref()
    }

    /// Sets the value. Returns `value` as an error if there is one already.
    pub fn set(&self, py: Python<'_>, value: T) -> Result<(), T> {
        if self.get(py).is_some() {
            return Err(value);
        }
        // SAFETY: the cell is empty, so nobody has a reference to its value, and the token proves that no other thread is
        // here.
        unsafe { *self.0.get() = Some(value) };
        Ok(())
    }
}
