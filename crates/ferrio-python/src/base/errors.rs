//! Conversion of the engine's errors into Python exceptions, and questions about exceptions.

use std::io;

use pyo3::exceptions::{
    PyBlockingIOError, PyInterruptedError, PyKeyboardInterrupt, PyOSError, PySystemExit,
};
use pyo3::prelude::*;

use crate::base::imports;

/// Makes an `OSError` with `errno` and `strerror`, of the subclass that Python chooses for the number (PEP 3151).
pub fn os_error(py: Python<'_>, error: &io::Error) -> PyErr {
    match error.raw_os_error() {
        Some(errno) => from_errno(py, errno),
        None => PyOSError::new_err(error.to_string()),
    }
}

/// Makes the `OSError` for an error number.
pub fn from_errno(py: Python<'_>, errno: i32) -> PyErr {
    let text = imports::strerror(py).and_then(|strerror| strerror.call1((errno,)));
    match text {
        Ok(text) => PyOSError::new_err((errno, text.unbind())),
        Err(error) => error,
    }
}

/// Whether an error means that an operation on a non-blocking descriptor has to be tried again later.
pub fn would_block(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

/// Whether an exception of a Python socket's method means that the operation has to be tried again later.
pub fn is_would_block(py: Python<'_>, error: &PyErr) -> bool {
    error.is_instance_of::<PyBlockingIOError>(py) || error.is_instance_of::<PyInterruptedError>(py)
}

/// Whether an exception of a callback leaves `run_forever` instead of going to the exception handler.
pub fn leaves_the_loop(py: Python<'_>, error: &PyErr) -> bool {
    error.is_instance_of::<PySystemExit>(py) || error.is_instance_of::<PyKeyboardInterrupt>(py)
}
