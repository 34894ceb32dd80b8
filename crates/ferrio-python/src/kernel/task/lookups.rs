//! The running loop and the current task, found as asyncio's functions find them.
//!
//! asyncio's functions find them through other functions of asyncio, whose names programs may bind to something else, as
//! loops inside Trio do. The functions here call such a replacement, too. As long as there is none, they use what is
//! known natively, which costs less than a call.

use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;

use crate::{base::imports, cpython};

/// Begins to watch the names by which asyncio finds the running loop and the current task.
pub fn watch_names(py: Python<'_>) -> PyResult<()> {
    cpython::RUNNING_NAMES.watch(&py.import("asyncio.events")?.dict())?;
    cpython::RUNNING_NAMES.watch(&py.import("asyncio.tasks")?.dict())
}

/// A function through which asyncio finds the running loop or the current task, or sets the former.
#[derive(Copy, Clone, PartialEq, Eq)]
enum Function {
    GetRunningLoop,
    GetRunningLoopOrNone,
    SetRunningLoop,
    GetEventLoop,
    CurrentTask,
}

impl Function {
    const ALL: [Self; 5] = [
        Self::GetRunningLoop,
        Self::GetRunningLoopOrNone,
        Self::SetRunningLoop,
        Self::GetEventLoop,
        Self::CurrentTask,
    ];

    /// Returns the function that is bound to the name.
    fn bound(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        let (module, name) = match self {
            Self::GetRunningLoop => ("asyncio.events", intern!(py, "get_running_loop")),
            Self::GetRunningLoopOrNone => ("asyncio.events", intern!(py, "_get_running_loop")),
            Self::SetRunningLoop => ("asyncio.events", intern!(py, "_set_running_loop")),
            #[cfg(Py_3_12)]
            Self::GetEventLoop => ("asyncio.events", intern!(py, "get_event_loop")),
            #[cfg(not(Py_3_12))]
            Self::GetEventLoop => ("asyncio.events", intern!(py, "_get_event_loop")),
            Self::CurrentTask => ("asyncio.tasks", intern!(py, "current_task")),
        };
        py.import(module)?.getattr(name)
    }

    /// Returns asyncio's own function.
    fn own(self, py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
        match self {
            Self::GetRunningLoop => imports::get_running_loop_or_raise(py),
            Self::GetRunningLoopOrNone => imports::get_running_loop(py),
            Self::SetRunningLoop => imports::set_running_loop(py),
            Self::GetEventLoop => imports::get_event_loop(py),
            Self::CurrentTask => imports::current_task(py),
        }
    }

    /// Returns the function that a program has bound to the name, if one has.
    #[inline]
    fn replaced(self, py: Python<'_>) -> PyResult<Option<Bound<'_, PyAny>>> {
        if cpython::RUNNING_NAMES.unchanged() {
            return Ok(None);
        }
        self.look(py)
    }

    #[cold]
    fn look(self, py: Python<'_>) -> PyResult<Option<Bound<'_, PyAny>>> {
        let mut found = None;
        cpython::RUNNING_NAMES.look(|| {
            let mut replaced = false;
            for function in Self::ALL {
                let bound = function.bound(py)?;
                let is_ours =
                    function == Self::CurrentTask && bound.is(imports::native_current_task(py)?);
                if bound.is(function.own(py)?) || is_ours {
                    continue;
                }
                replaced = true;
                if function == self {
                    found = Some(bound);
                }
            }
            Ok(replaced)
        })?;
        Ok(found)
    }

    /// Returns the function to call: the program's or asyncio's own.
    fn get(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        let replaced = self.replaced(py)?;
        replaced.map_or_else(|| self.own(py).cloned(), Ok)
    }
}

/// Returns the thread's running loop, if it is known without a call and no program has replaced the functions.
#[inline]
pub fn known_running_loop(py: Python<'_>) -> Option<Bound<'_, PyAny>> {
    if cpython::RUNNING_NAMES.unchanged() {
        return cpython::running_loop(py);
    }
    None
}

/// Calls `asyncio.get_running_loop()`. Raises `RuntimeError` if no loop is running.
#[inline]
pub fn running_loop(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    match known_running_loop(py) {
        Some(event_loop) => Ok(event_loop),
        None => Function::GetRunningLoop.get(py)?.call0(),
    }
}

/// Calls `asyncio._get_running_loop()`.
#[inline]
pub fn running_loop_or_none(py: Python<'_>) -> PyResult<Option<Bound<'_, PyAny>>> {
    if let Some(event_loop) = known_running_loop(py) {
        return Ok(Some(event_loop));
    }
    let running = Function::GetRunningLoopOrNone.get(py)?.call0()?;
    Ok(Some(running).filter(|running| !running.is_none()))
}

/// Returns the running loop, to which a lock or a queue binds itself. Raises `RuntimeError` if no loop is running.
#[inline]
pub fn loop_of_waiter(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    match running_loop_or_none(py)? {
        Some(event_loop) => Ok(event_loop),
        None => Err(PyRuntimeError::new_err("no running event loop")),
    }
}

/// Calls `asyncio._set_running_loop(event_loop)`.
pub fn set_running_loop(event_loop: &Bound<'_, PyAny>) -> PyResult<()> {
    let set = Function::SetRunningLoop.get(event_loop.py())?;
    set.call1((event_loop,)).map(drop)
}

/// Calls `asyncio.get_event_loop()`.
#[inline]
pub fn current_loop(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    match known_running_loop(py) {
        Some(event_loop) => Ok(event_loop),
        None => Function::GetEventLoop.get(py)?.call0(),
    }
}

/// Calls `asyncio.current_task(event_loop)`.
#[inline]
pub fn current_task<'py>(
    py: Python<'py>,
    event_loop: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    match Function::CurrentTask.replaced(py)? {
        Some(current_task) => match event_loop {
            Some(event_loop) => current_task.call1((event_loop,)),
            None => current_task.call0(),
        },
        None => native_current_task(py, event_loop),
    }
}

/// Does what asyncio's own `current_task` does, without a look at its name.
#[inline]
fn native_current_task<'py>(
    py: Python<'py>,
    event_loop: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    if let Some(task) = cpython::running_task(py)
        && match &event_loop {
            Some(asked) => cpython::running_loop(py).is_some_and(|running| running.is(asked)),
            None => cpython::RUNNING_NAMES.unchanged(),
        }
    {
        return Ok(task);
    }
    let event_loop = match event_loop {
        Some(event_loop) => event_loop,
        None => running_loop(py)?,
    };
    let task = imports::current_task(py)?.call1((&event_loop,))?;
    // Since 3.14 the current tasks of asyncio's implementation in Python are in a table of their own.
    if cfg!(Py_3_14) && task.is_none() {
        return imports::py_current_task(py)?.call1((event_loop,));
    }
    Ok(task)
}

/// Return the task that runs in the loop, by default the running loop, or None.
///
/// Raises RuntimeError if no loop is given and none runs.
#[pyfunction]
#[pyo3(name = "current_task", signature = (r#loop = None))]
pub fn current_task_function<'py>(
    py: Python<'py>,
    r#loop: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    native_current_task(py, r#loop.filter(|event_loop| !event_loop.is_none()))
}
