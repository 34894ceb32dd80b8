//! The one cell that holds the interior state of every Python-visible type.
//!
//! Whoever holds a [`Python`] token on a build with a GIL is alone, so a borrow needs no lock, only a check that it
//! is not nested: no code may be called from inside [`AttachedCell::with`] that can reach Python (a call, the drop of
//! a reference, an allocation that may collect garbage), because Python code can re-enter anything. A nested borrow
//! panics, which reaches the caller as an exception, instead of aliasing.
//!
//! On free-threaded builds the same cell takes a lock, so that free-threading stays a property of this file.
#![allow(unsafe_code)]

use std::cell::{Cell, UnsafeCell};

use pyo3::prelude::*;

#[cfg(Py_GIL_DISABLED)]
compile_error!("the cell needs its lock before ferrio can be built for free-threaded Python");

/// A value that only a thread attached to the interpreter can reach, for the length of a closure.
#[derive(Debug, Default)]
pub struct AttachedCell<T> {
    borrowed: Cell<bool>,
    value: UnsafeCell<T>,
}

// SAFETY: `with` and `visit` are the only ways to the value. `with` needs a `Python` token, which on a build with a GIL
// (the only one that compiles, see above) exactly one thread has at a time, and the closure cannot give it away: it
// does not receive it. `visit` runs inside a garbage collection, which holds the GIL.
unsafe impl<T: Send> Sync for AttachedCell<T> {}

/// Clears the borrow flag even when the closure unwinds.
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
        // SAFETY: the token proves that no other thread is here, the flag that no caller of ours is.
        f(unsafe { &mut *self.value.get() })
    }

    /// The value of a cell that nobody else has.
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

    /// Takes the value out and leaves its default, so that the caller may drop or use it unborrowed.
    pub fn take(&self, py: Python<'_>) -> T
    where
        T: Default,
    {
        self.with(py, std::mem::take)
    }

    /// Puts `value` in and returns the old one, which the caller drops unborrowed.
    pub fn replace(&self, py: Python<'_>, value: T) -> T {
        self.with(py, |current| std::mem::replace(current, value))
    }

    /// Runs `f` on the value for the garbage collector; does nothing when the value is borrowed.
    ///
    /// Only for `__traverse__`, which must not touch the interpreter and has no token to show.
    pub fn visit<E>(&self, f: impl FnOnce(&T) -> Result<(), E>) -> Result<(), E> {
        if self.borrowed.get() {
            return Ok(());
        }
        // SAFETY: a collection runs with the GIL held, the flag says that nobody is inside, and `f` cannot get here
        // again because a traversal calls no code of ours but this.
        f(unsafe { &*self.value.get() })
    }
}

/// A value that is put in once and then stays: what is found may be kept as long as the cell.
#[derive(Debug)]
pub struct AttachedOnce<T>(UnsafeCell<Option<T>>);

// SAFETY: `set` needs a `Python` token, which one thread has at a time (see above), and never changes a value that
// somebody may have a reference to. `get` may be called without a token only by whoever has the GIL held for them: the
// garbage collector and the owner of the object that the cell is in.
unsafe impl<T: Send + Sync> Sync for AttachedOnce<T> {}

impl<T> Default for AttachedOnce<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> AttachedOnce<T> {
    /// An empty cell.
    pub const fn new() -> Self {
        Self(UnsafeCell::new(None))
    }

    /// A cell with its value.
    pub const fn with_value(value: T) -> Self {
        Self(UnsafeCell::new(Some(value)))
    }

    /// The value, if it was put in.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        // SAFETY: a value that is there never changes; the thread holds the GIL, so nobody is putting one in.
        unsafe { &*self.0.get() }.as_ref()
    }

    /// Puts the value in; gives it back if there is one.
    pub fn set(&self, _py: Python<'_>, value: T) -> Result<(), T> {
        if self.get().is_some() {
            return Err(value);
        }
        // SAFETY: the cell is empty, so there are no references to what is in it, and the token says that no other
        // thread is here.
        unsafe { *self.0.get() = Some(value) };
        Ok(())
    }
}
