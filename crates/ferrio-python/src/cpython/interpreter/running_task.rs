//! The current task, stored where the standard library's `current_task` looks for it.
//!
//! Up to Python 3.13 that is a dictionary of the module `_asyncio`. Since 3.14 it is a field of the interpreter's thread
//! state, which `_enter_task` and `_leave_task` write and for which there is no function in the C API. Its place is found
//! once, by watching what these two functions change. If it is not found, they are called each time.

use pyo3::ffi;
use pyo3::prelude::*;

#[cfg(Py_3_14)]
pub use self::field::{CurrentTask, running_loop, running_task};

/// A task that is the current one of its loop.
#[cfg(not(Py_3_14))]
pub struct CurrentTask<'a, 'py> {
    event_loop: &'a Bound<'py, PyAny>,
    task: &'a Bound<'py, PyAny>,
}

#[cfg(not(Py_3_14))]
impl<'a, 'py> CurrentTask<'a, 'py> {
    /// Makes `task` the current one of `event_loop`. Raises `RuntimeError` if another task is current.
    #[inline]
    pub fn enter(event_loop: &'a Bound<'py, PyAny>, task: &'a Bound<'py, PyAny>) -> PyResult<Self> {
        let py = task.py();
        let entered = Self { event_loop, task };
        let Some(tasks) = table::get_or_find(event_loop, task)? else {
            crate::base::imports::enter_task(py)?.call1((event_loop, task))?;
            return Ok(entered);
        };
        // SAFETY: live objects, the first of them a dictionary; the result is borrowed, or null with an exception set.
        let current =
            unsafe { ffi::PyDict_SetDefault(tasks.as_ptr(), event_loop.as_ptr(), task.as_ptr()) };
        if current.is_null() {
            return Err(PyErr::fetch(py));
        }
        if current != task.as_ptr() {
            // This raises the error, which names the other task.
            crate::base::imports::enter_task(py)?.call1((event_loop, task))?;
        }
        Ok(entered)
    }

    /// Makes `task` the current one of `event_loop` in place of a task that has stayed.
    #[inline]
    pub fn enter_after(
        event_loop: &'a Bound<'py, PyAny>,
        task: &'a Bound<'py, PyAny>,
    ) -> PyResult<Self> {
        let py = task.py();
        if let Some(tasks) = table::get(py) {
            // SAFETY: live objects, the first of them a dictionary.
            let outcome =
                unsafe { ffi::PyDict_SetItem(tasks.as_ptr(), event_loop.as_ptr(), task.as_ptr()) };
            if outcome != 0 {
                return Err(PyErr::fetch(py));
            }
        }
        Ok(Self { event_loop, task })
    }

    /// Undoes [`enter`](Self::enter). Raises `RuntimeError` if another task is the current one.
    #[inline]
    pub fn leave(self) -> PyResult<()> {
        let Self { event_loop, task } = self;
        if self.is_still_current() {
            return leave_last_task(event_loop);
        }
        crate::base::imports::leave_task(task.py())?
            .call1((event_loop, task))
            .map(drop)
    }

    /// Lets the task stay the current one, for the next task to replace it. Returns `false`, and leaves the task, if another
    /// one is current. Python code must not see a task that stays: before any runs, [`leave_last_task`] has to be called.
    #[inline]
    pub fn stay(self) -> PyResult<bool> {
        if self.is_still_current() {
            return Ok(true);
        }
        self.leave().map(|()| false)
    }

    /// Whether the dictionary is known and has the task.
    #[inline]
    fn is_still_current(&self) -> bool {
        let py = self.task.py();
        let Some(tasks) = table::get(py) else {
            return false;
        };
        // SAFETY: live objects, the first of them a dictionary; the result is borrowed, or null, with an exception set if
        // that is not what it means.
        let current =
            unsafe { ffi::PyDict_GetItemWithError(tasks.as_ptr(), self.event_loop.as_ptr()) };
        if current.is_null() {
            drop(PyErr::take(py));
        }
        current == self.task.as_ptr()
    }
}

/// Removes the current task of `event_loop`, which the last step has left.
#[cfg(not(Py_3_14))]
pub fn leave_last_task(event_loop: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = event_loop.py();
    let Some(tasks) = table::get(py) else {
        return Ok(());
    };
    // SAFETY: live objects, the first of them a dictionary.
    match unsafe { ffi::PyDict_DelItem(tasks.as_ptr(), event_loop.as_ptr()) } {
        0 => Ok(()),
        _ => Err(PyErr::fetch(py)),
    }
}

/// The dictionary with the current task of each loop.
#[cfg(not(Py_3_14))]
mod table {
    use pyo3::sync::PyOnceLock;
    use pyo3::types::PyDict;

    use super::{Bound, Py, PyAny, PyAnyMethods, PyDictMethods, PyResult, Python};
    use crate::base::imports;
    use crate::cpython::tricks::Trick;

    /// `None` inside if the dictionary is not what it seems to be.
    static TABLE: PyOnceLock<Option<Py<PyDict>>> = PyOnceLock::new();

    /// The dictionary, if it has proved to be the right one.
    #[inline]
    pub fn get(py: Python<'_>) -> Option<&Bound<'_, PyDict>> {
        Some(TABLE.get(py)?.as_ref()?.bind(py))
    }

    /// The same; the first call finds it out by entering and leaving the task. Raises what that raises.
    #[inline]
    pub fn get_or_find<'py>(
        event_loop: &Bound<'py, PyAny>,
        task: &Bound<'py, PyAny>,
    ) -> PyResult<Option<&'py Bound<'py, PyDict>>> {
        let py = task.py();
        if TABLE.get(py).is_none() {
            find(event_loop, task)?;
        }
        Ok(get(py))
    }

    #[cold]
    fn find(event_loop: &Bound<'_, PyAny>, task: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = task.py();
        let mut found = None;
        if Trick::CurrentTask.is_allowed() {
            imports::enter_task(py)?.call1((event_loop, task))?;
            found = table_with(event_loop, task);
            imports::leave_task(py)?.call1((event_loop, task))?;
            let has_left =
                |tasks: &Bound<'_, PyDict>| matches!(tasks.contains(event_loop), Ok(false));
            found = found.filter(has_left);
            if found.is_none() {
                Trick::CurrentTask.turn_off();
            }
        }
        let _ = TABLE.set(py, found.map(Bound::unbind));
        Ok(())
    }

    /// The dictionary, if the task is in it.
    fn table_with<'py>(
        event_loop: &Bound<'py, PyAny>,
        task: &Bound<'py, PyAny>,
    ) -> Option<Bound<'py, PyDict>> {
        let tasks = imports::current_tasks(task.py()).ok()?;
        let tasks = tasks.cast_exact::<PyDict>().ok()?;
        let entered = tasks.get_item(event_loop).ok()??;
        entered.is(task).then(|| tasks.clone())
    }
}

/// Returns the thread's running loop, if that is known without a call: never, before Python 3.14.
#[cfg(not(Py_3_14))]
#[inline]
pub fn running_loop(_py: Python<'_>) -> Option<Bound<'_, PyAny>> {
    None
}

/// Returns the current task of the thread's running loop, if that is known without a call: never, before Python 3.14.
#[cfg(not(Py_3_14))]
#[inline]
pub fn running_task(_py: Python<'_>) -> Option<Bound<'_, PyAny>> {
    None
}

#[cfg(Py_3_14)]
mod field {
    use std::os::fd::AsRawFd;
    use std::sync::OnceLock;

    use super::{Bound, PyAny, PyAnyMethods, PyResult, Python, ffi};
    use crate::base::imports;
    use crate::cpython::tricks::Trick;

    /// The offset in bytes of a thread state's field with the running loop; the field with the task follows.
    static OFFSET: OnceLock<Option<usize>> = OnceLock::new();

    /// The running loop and the current task of a thread.
    #[repr(C)]
    struct Running {
        event_loop: *mut ffi::PyObject,
        task: *mut ffi::PyObject,
    }

    /// Returns the calling thread's fields, if their place is known.
    #[inline]
    fn running() -> Option<*mut Running> {
        let offset = (*OFFSET.get()?)?;
        // SAFETY: called with the GIL held, so there is a thread state. The fields were found at this offset inside one.
        Some(unsafe { ffi::PyThreadState_Get().byte_add(offset).cast() })
    }

    /// Returns the thread's running loop, if that is known without a call.
    #[inline]
    pub fn running_loop(py: Python<'_>) -> Option<Bound<'_, PyAny>> {
        let running = running()?;
        // SAFETY: the field belongs to this thread, which holds the GIL; it is null or holds a reference.
        unsafe { Bound::from_borrowed_ptr_or_opt(py, (*running).event_loop) }
    }

    /// Returns the current task of the thread's running loop, if that is known without a call.
    #[inline]
    pub fn running_task(py: Python<'_>) -> Option<Bound<'_, PyAny>> {
        let running = running()?;
        // SAFETY: as above. A program can take the running loop away inside a task, and then there is no current one.
        unsafe {
            if (*running).event_loop.is_null() {
                return None;
            }
            Bound::from_borrowed_ptr_or_opt(py, (*running).task)
        }
    }

    /// A task that is the current one of its loop.
    pub struct CurrentTask<'a, 'py> {
        event_loop: &'a Bound<'py, PyAny>,
        task: &'a Bound<'py, PyAny>,
        running: Option<*mut Running>,
    }

    impl<'a, 'py> CurrentTask<'a, 'py> {
        /// Makes `task` the current one of `event_loop`. Raises `RuntimeError` if another task is current, or if the loop is
        /// not running.
        #[inline]
        pub fn enter(
            event_loop: &'a Bound<'py, PyAny>,
            task: &'a Bound<'py, PyAny>,
        ) -> PyResult<Self> {
            let running = running();
            let entered = Self {
                event_loop,
                task,
                running,
            };
            if let Some(running) = running {
                // SAFETY: the fields belong to this thread, which holds the GIL. The field owns the reference that is stored,
                // and held none before.
                unsafe {
                    if (*running).event_loop == event_loop.as_ptr() && (*running).task.is_null() {
                        (*running).task = ffi::Py_NewRef(task.as_ptr());
                        return Ok(entered);
                    }
                }
            }
            enter_by_call(event_loop, task)?;
            Ok(entered)
        }

        /// Undoes [`enter`](Self::enter). Raises `RuntimeError` if another task is the current one.
        #[inline]
        pub fn leave(self) -> PyResult<()> {
            let Self {
                event_loop,
                task,
                running,
            } = self;
            if let Some(running) = running {
                // SAFETY: as above. The thread is still the same, since this value cannot be sent to another one. The
                // reference is dropped after the field is cleared.
                unsafe {
                    if (*running).event_loop == event_loop.as_ptr()
                        && (*running).task == task.as_ptr()
                    {
                        (*running).task = std::ptr::null_mut();
                        ffi::Py_DECREF(task.as_ptr());
                        return Ok(());
                    }
                }
            }
            leave_by_call(event_loop, task)
        }
    }

    #[cold]
    fn leave_by_call(event_loop: &Bound<'_, PyAny>, task: &Bound<'_, PyAny>) -> PyResult<()> {
        let leave = imports::leave_task(task.py())?;
        leave.call1((event_loop, task)).map(drop)
    }

    #[cold]
    fn enter_by_call(event_loop: &Bound<'_, PyAny>, task: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = task.py();
        let enter = imports::enter_task(py)?;
        enter.call1((event_loop, task))?;
        if OFFSET.get().is_none() {
            let is_allowed = Trick::CurrentTask.is_allowed();
            let pair = (event_loop.as_ptr(), task.as_ptr());
            let entered = if is_allowed {
                find_pair(pair)
            } else {
                Vec::new()
            };
            imports::leave_task(py)?.call1((event_loop, task))?;
            // The task must be gone from the place, and the loop still be there.
            let left = find_pair((pair.0, std::ptr::null_mut()));
            let changed: Vec<_> = entered.into_iter().filter(|it| left.contains(it)).collect();
            let offset = match changed[..] {
                [offset] => Some(offset),
                _ => None,
            };
            if offset.is_none() {
                Trick::CurrentTask.turn_off();
            }
            let _ = OFFSET.set(offset);
            enter.call1((event_loop, task))?;
        }
        Ok(())
    }

    /// Returns all offsets in the beginning of the thread state at which these two pointers are adjacent.
    fn find_pair((first, second): (*mut ffi::PyObject, *mut ffi::PyObject)) -> Vec<usize> {
        const WORD: usize = size_of::<usize>();
        let words = thread_state().unwrap_or_default();
        let pairs = words.windows(2).enumerate();
        pairs
            .filter(|(_, pair)| pair[0] == first as usize && pair[1] == second as usize)
            .map(|(index, _)| index * WORD)
            .collect()
    }

    /// Returns a copy of the beginning of the calling thread's state. The size of the structure is not public, so the kernel
    /// copies it: it stops where there is no memory to read.
    fn thread_state() -> std::io::Result<Vec<usize>> {
        const LENGTH: usize = 4096;
        let (reader, writer) = rustix::pipe::pipe()?;
        // SAFETY: with the GIL held there is a thread state. write(2) only reads memory, and answers EFAULT or a short
        // count where there is none.
        let written = unsafe {
            let state = ffi::PyThreadState_Get();
            libc::write(writer.as_raw_fd(), state.cast(), LENGTH)
        };
        let length = usize::try_from(written).map_err(|_| std::io::Error::last_os_error())?;
        let mut bytes = vec![0; length];
        let length = rustix::io::read(&reader, &mut bytes)?;
        let words = bytes[..length].chunks_exact(size_of::<usize>());
        Ok(words
            .map(|word| usize::from_ne_bytes(word.try_into().unwrap_or_default()))
            .collect())
    }
}
