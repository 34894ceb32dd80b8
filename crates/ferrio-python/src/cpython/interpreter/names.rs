//! Whether a name in a module may have been bound to something else, at the price of a load and a branch.
//!
//! Since Python 3.12 the interpreter calls back when a watched dictionary changes (`PyDict_Watch`). Before that, each
//! dictionary has a version that is unique among all states of all dictionaries (`ma_version_tag`, PEP 509).

use std::sync::atomic::Ordering::Relaxed;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyDict;

pub use self::interpreter::Names;

/// The names by which asyncio's loops find the clock.
pub static CLOCK_NAMES: Names = Names::new();

/// The names by which asyncio's functions find the running loop and the current task.
pub static RUNNING_NAMES: Names = Names::new();

impl Names {
    /// Returns what `is_replaced` finds out: whether a program has replaced something. If it has, or on an error, the names
    /// count as changed, and the next caller looks again.
    pub fn look(&self, is_replaced: impl FnOnce() -> PyResult<bool>) -> PyResult<bool> {
        self.mark_seen();
        let outcome = is_replaced();
        if !matches!(outcome, Ok(false)) {
            self.mark_changed();
        }
        outcome
    }
}

#[cfg(Py_3_12)]
mod interpreter {
    use std::ffi::c_int;
    use std::sync::atomic::AtomicBool;

    use pyo3::sync::PyOnceLock;

    use super::{Bound, CLOCK_NAMES, PyDict, PyErr, PyResult, RUNNING_NAMES, Relaxed, ffi};

    /// `PyDict_WatchCallback`: the event, the dictionary, the key, the new value.
    type Callback = unsafe extern "C" fn(
        c_int,
        *mut ffi::PyObject,
        *mut ffi::PyObject,
        *mut ffi::PyObject,
    ) -> c_int;

    unsafe extern "C" {
        fn PyDict_AddWatcher(callback: Callback) -> c_int;
        fn PyDict_Watch(watcher: c_int, dict: *mut ffi::PyObject) -> c_int;
    }

    /// Names in modules that native code looks at only after the modules have changed.
    pub struct Names {
        changed: AtomicBool,
    }

    impl Names {
        /// Makes a set of names, which count as changed.
        pub const fn new() -> Self {
            Self {
                changed: AtomicBool::new(true),
            }
        }

        /// Watches a module's dictionary. Raises `RuntimeError` if the interpreter has no watcher left.
        pub fn watch(&self, dict: &Bound<'_, PyDict>) -> PyResult<()> {
            static WATCHER: PyOnceLock<c_int> = PyOnceLock::new();
            let py = dict.py();
            // SAFETY: the thread is attached, and the callback is a function.
            let add = || match unsafe { PyDict_AddWatcher(on_change) } {
                -1 => Err(PyErr::fetch(py)),
                watcher => Ok(watcher),
            };
            let watcher = *WATCHER.get_or_try_init(py, add)?;
            // SAFETY: a live dictionary, and a watcher that was added above.
            match unsafe { PyDict_Watch(watcher, dict.as_ptr()) } {
                0 => Ok(()),
                _ => Err(PyErr::fetch(py)),
            }
        }

        /// Whether no module has changed since the last look, which has found nothing replaced.
        #[inline]
        pub fn unchanged(&self) -> bool {
            !self.changed.load(Relaxed)
        }

        pub(in crate::cpython) fn mark_seen(&self) {
            self.changed.store(false, Relaxed);
        }

        pub(in crate::cpython) fn mark_changed(&self) {
            self.changed.store(true, Relaxed);
        }
    }

    /// Called by the interpreter just before a watched dictionary changes.
    unsafe extern "C" fn on_change(
        _event: c_int,
        _dict: *mut ffi::PyObject,
        _key: *mut ffi::PyObject,
        _value: *mut ffi::PyObject,
    ) -> c_int {
        CLOCK_NAMES.mark_changed();
        RUNNING_NAMES.mark_changed();
        0
    }
}

#[cfg(not(Py_3_12))]
mod interpreter {
    use std::ptr::null_mut;
    use std::sync::atomic::{AtomicPtr, AtomicU64};

    use pyo3::exceptions::PyRuntimeError;

    use super::{Bound, PyDict, PyResult, Relaxed, ffi};

    /// The maximal number of modules in a set of names.
    const MODULES: usize = 2;

    /// A version that no dictionary has.
    const NEVER: u64 = u64::MAX;

    /// Names in modules that native code looks at only after the modules have changed.
    pub struct Names {
        /// The addresses of the versions of the modules' dictionaries.
        versions: [AtomicPtr<u64>; MODULES],
        /// The versions at the last look.
        seen: [AtomicU64; MODULES],
    }

    impl Names {
        /// Makes a set of names, which count as changed.
        pub const fn new() -> Self {
            Self {
                versions: [const { AtomicPtr::new(null_mut()) }; MODULES],
                seen: [const { AtomicU64::new(NEVER) }; MODULES],
            }
        }

        /// Watches a module's dictionary, which is kept alive. Raises `RuntimeError` if there are too many.
        pub fn watch(&self, dict: &Bound<'_, PyDict>) -> PyResult<()> {
            let mut places = self.versions.iter();
            let free = places.find(|place| place.load(Relaxed).is_null());
            let free = free.ok_or_else(|| PyRuntimeError::new_err("too many modules"))?;
            let dict = dict.clone().into_ptr().cast::<ffi::PyDictObject>();
            // SAFETY: a live object of this layout. The reference is never dropped, so the address stays valid.
            free.store(unsafe { &raw mut (*dict).ma_version_tag }, Relaxed);
            Ok(())
        }

        /// Whether no module has changed since the last look, which has found nothing replaced.
        #[inline]
        pub fn unchanged(&self) -> bool {
            let mut both = self.seen.iter().zip(self.versions());
            both.all(|(seen, version)| seen.load(Relaxed) == version)
        }

        pub(in crate::cpython) fn mark_seen(&self) {
            for (seen, version) in self.seen.iter().zip(self.versions()) {
                seen.store(version, Relaxed);
            }
        }

        pub(in crate::cpython) fn mark_changed(&self) {
            self.seen.iter().for_each(|seen| seen.store(NEVER, Relaxed));
        }

        /// Returns the current versions of the dictionaries.
        #[inline]
        fn versions(&self) -> impl Iterator<Item = u64> {
            self.versions.iter().map(|version| {
                // SAFETY: null, or a field of a dictionary that is kept alive, read by an attached thread.
                let version = unsafe { version.load(Relaxed).as_ref() };
                version.copied().unwrap_or(0)
            })
        }
    }
}
