//! What is asked of futures of any class: a native future answers directly, any other through its methods.

use pyo3::intern;
use pyo3::prelude::*;

use super::Outcome;
use crate::base::imports;
use crate::kernel::future::native_future;

/// How a future has ended, or that it has not.
pub enum Ended<'py> {
    Not,
    Cancelled,
    Raised(Bound<'py, PyAny>),
    Returned(Bound<'py, PyAny>),
}

/// Returns how a future of any class has ended. Its exception counts as retrieved.
#[inline]
pub fn ended<'py>(future: &Bound<'py, PyAny>) -> PyResult<Ended<'py>> {
    let py = future.py();
    if let Some(future) = native_future(future) {
        return Ok(future.get().with(py, |state| {
            state.log_traceback = false;
            match &state.outcome {
                Outcome::Pending => Ended::Not,
                Outcome::Cancelled => Ended::Cancelled,
                Outcome::Returned(result) => Ended::Returned(result.bind(py).clone()),
                Outcome::Raised(exception) => Ended::Raised(exception.bind(py).clone()),
            }
        }));
    }
    if !is_done(future)? {
        return Ok(Ended::Not);
    }
    if is_cancelled(future)? {
        return Ok(Ended::Cancelled);
    }
    let exception = future.call_method0(intern!(py, "exception"))?;
    if exception.is_none() {
        return future
            .call_method0(intern!(py, "result"))
            .map(Ended::Returned);
    }
    Ok(Ended::Raised(exception))
}

/// Whether a future of any class is done.
#[inline]
pub fn is_done(future: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = future.py();
    match native_future(future) {
        Some(future) => Ok(future.get().is_done(py)),
        None => future.call_method0(intern!(py, "done"))?.is_truthy(),
    }
}

/// Whether a future of any class was cancelled.
#[inline]
pub fn is_cancelled(future: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = future.py();
    match native_future(future) {
        Some(future) => Ok(future.get().is_cancelled(py)),
        None => future.call_method0(intern!(py, "cancelled"))?.is_truthy(),
    }
}

/// Marks the exception of a future of any class, if it has one, as retrieved.
pub fn retrieve_exception(future: &Bound<'_, PyAny>) -> PyResult<()> {
    ended(future).map(drop)
}

/// Calls `future.set_exception(exception)`, for a future of any class.
pub fn fail(future: &Bound<'_, PyAny>, exception: Bound<'_, PyAny>) -> PyResult<()> {
    let set_exception = intern!(future.py(), "set_exception");
    future.call_method1(set_exception, (exception,)).map(drop)
}

/// Returns the loop of a future of any class.
#[inline]
pub fn loop_of<'py>(future: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = future.py();
    match native_future(future) {
        Some(future) => Ok(future.get().initialized(py)?.as_any().bind(py).clone()),
        None => imports::get_loop_of(py)?.call1((future,)),
    }
}

/// Returns the `CancelledError` of a cancelled future of any class.
pub fn cancelled_error<'py>(future: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = future.py();
    match native_future(future) {
        Some(future) => future.get().cancelled_error(py),
        None => future.call_method0(intern!(py, "_make_cancelled_error")),
    }
}

/// Returns the argument with which a future of any class was cancelled.
pub fn cancel_message<'py>(future: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    future.getattr(intern!(future.py(), "_cancel_message"))
}

/// Whether the object is a future: `asyncio.isfuture`.
pub fn is_future(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    if native_future(object).is_some() {
        return Ok(true);
    }
    imports::is_future(object.py())?
        .call1((object,))?
        .is_truthy()
}
