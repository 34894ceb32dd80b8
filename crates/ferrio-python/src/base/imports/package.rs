//! The objects of the package `ferrio` that the bindings use.
//!
//! The package is above the bindings, so nothing here imports it. Instead the package calls [`hand_down`] once, while it is
//! imported, with a table of everything that the bindings use of it (`python/ferrio/_handed_down.py`).

use pyo3::exceptions::{PyImportError, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

/// The objects, in the order of [`KEYS`].
static TABLE: PyOnceLock<Vec<Py<PyAny>>> = PyOnceLock::new();

/// Declares the keys of the table, and for each a function that returns its object.
macro_rules! table {
    ($($(#[$doc:meta])* $key:ident;)*) => {
        #[allow(non_camel_case_types, reason = "the keys are the names of functions")]
        #[derive(Clone, Copy)]
        enum Key { $($key),* }

        /// The keys, in the order of [`Key`].
        const KEYS: &[&str] = &[$(stringify!($key)),*];

        $(
        $(#[$doc])*
        pub fn $key(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
            get(py, Key::$key)
        }
        )*
    };
}

table! {
    /// Calls `_run` of a handle as the handle's class in asyncio has it.
    bound_run;
    /// Does nothing, in Python code, so that another thread can have the GIL.
    give_way;
    /// Has `asyncio.all_tasks` see native tasks.
    include_in_all_tasks;
    /// The `current_task` that this module exports.
    native_current_task;
    /// The task factory whose tasks are native.
    native_task_factory;
    /// Has loops use the methods that a program has put into asyncio's classes.
    obey_patches;
    /// The exception `QueueShutDown`: asyncio's, or the package's where asyncio has none.
    queue_shut_down;
    /// Returns a callback that finishes a future unless it is done.
    release_waiter;
    /// Tells whether a program has replaced `_run` of asyncio's handles.
    run_is_replaced;
    /// The class of a loop's `_selector`.
    selector;
    /// The protocol between the pipes of a process and their native readers.
    subprocess_stream_protocol;
    /// The class of the list of timers that programs see.
    timer_list;
    /// Warns that a loop still has signal handlers when the interpreter ends.
    warn_of_loop_with_signal_handlers;
    /// Warns of a process whose transport nobody has closed.
    warn_of_process;
    /// Warns of the reading end of a pipe that nobody has closed.
    warn_of_read_pipe;
    /// Warns of a TLS transport that nobody has closed.
    warn_of_tls;
    /// Warns of a transport over a socket that nobody has closed.
    warn_of_transport;
    /// Warns of the writing end of a pipe that nobody has closed.
    warn_of_write_pipe;
    /// Warns of a `StreamWriter` that nobody has closed.
    warn_of_writer;
    /// Warns of a `StreamWriter` that nobody has closed, and whose loop is closed.
    warn_of_writer_of_closed_loop;
}

/// Returns the object at a key.
#[inline]
fn get(py: Python<'_>, key: Key) -> PyResult<&Bound<'_, PyAny>> {
    match TABLE.get(py) {
        Some(table) => Ok(table[key as usize].bind(py)),
        None => Err(nothing_handed_down(key)),
    }
}

#[cold]
fn nothing_handed_down(key: Key) -> PyErr {
    let key = KEYS[key as usize];
    PyRuntimeError::new_err(format!(
        "'{key}' is used before the package ferrio has handed it down"
    ))
}

/// Takes the package's table. If the package is imported a second time, the first table stays.
///
/// # Errors
///
/// `ImportError` if a key is missing or unknown.
pub fn hand_down(table: &Bound<'_, PyDict>) -> PyResult<()> {
    let py = table.py();
    let mut missing = Vec::new();
    let mut objects = Vec::with_capacity(KEYS.len());
    for &key in KEYS {
        match table.get_item(key)? {
            Some(object) => objects.push(object.unbind()),
            None => missing.push(key.to_owned()),
        }
    }
    if !missing.is_empty() {
        let missing = missing.join(", ");
        return Err(PyImportError::new_err(format!(
            "the package ferrio does not hand down: {missing}"
        )));
    }
    let mut unknown = Vec::new();
    for key in table.keys() {
        let key = key.extract::<String>()?;
        if !KEYS.contains(&key.as_str()) {
            unknown.push(key);
        }
    }
    if !unknown.is_empty() {
        let unknown = unknown.join(", ");
        return Err(PyImportError::new_err(format!(
            "the package ferrio hands down what its native half does not use: {unknown}"
        )));
    }
    TABLE.get_or_init(py, || objects);
    Ok(())
}
