//! `shield`: waiting for a future without passing cancellations on to it.

use pyo3::intern;
use pyo3::prelude::*;

use crate::kernel::done_callback::{DoneCallback, DoneCallbackKind};
use crate::kernel::future::any::{Ended, ended, is_cancelled, is_done};
use crate::kernel::future::native_future;
use crate::kernel::future::{Future, Outcome};
use crate::kernel::task::{cancel_any, current_task, ensure_future_on};

/// Tells the outer future. Its second object is the task that called `shield`.
static INNER_DONE: DoneCallbackKind = DoneCallbackKind::of_task(
    "shield.<locals>._inner_done_callback",
    |callback, inner| on_inner_done(callback.object(inner.py()), inner),
    |callback, py| Some(callback.second()?.clone_ref(py)),
);

/// Takes `INNER_DONE` back.
static OUTER_DONE: DoneCallbackKind =
    DoneCallbackKind::of("shield.<locals>._outer_done_callback", |callback, outer| {
        on_outer_done(callback.object(outer.py()), outer)
    });

/// Return a future that ends as arg does, and whose cancellation does not reach arg.
///
/// A coroutine becomes a task. Keep a reference to the task: the loop has only a weak one. Raises TypeError if arg is
/// not an awaitable.
#[pyfunction]
pub fn shield<'py>(arg: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = arg.py();
    let inner = ensure_future_on(arg, None)?;
    if is_done(&inner)? {
        return Ok(inner);
    }
    let event_loop = crate::kernel::future::any::loop_of(&inner)?;
    let outer = event_loop.call_method0(intern!(py, "create_future"))?;
    let caller = if cfg!(Py_3_14) {
        Some(current_task(py, Some(event_loop))?.unbind()).filter(|caller| !caller.is_none(py))
    } else {
        None
    };
    DoneCallback::new(&INNER_DONE, &outer)
        .with(caller)
        .attach(&inner)?;
    DoneCallback::new(&OUTER_DONE, &inner).attach(&outer)?;
    Ok(outer)
}

/// The inner future has ended: so does the outer one.
fn on_inner_done(outer: &Bound<'_, PyAny>, inner: &Bound<'_, PyAny>) -> PyResult<()> {
    if is_cancelled(outer)? {
        // Before 3.14 the exception then counts as retrieved.
        if cfg!(not(Py_3_14)) {
            ended(inner)?;
        }
        return Ok(());
    }
    let py = outer.py();
    match (ended(inner)?, native_future(outer)) {
        (Ended::Not, _) => Ok(()),
        (Ended::Cancelled, _) => cancel_any(outer, None).map(drop),
        (Ended::Raised(error), Some(outer)) => {
            Future::check_pending(outer)?;
            Future::fail(outer, error)
        }
        (Ended::Raised(error), None) => {
            let name = intern!(py, "set_exception");
            outer.call_method1(name, (error,)).map(drop)
        }
        (Ended::Returned(result), Some(outer)) => {
            Future::check_pending(outer)?;
            Future::finish(outer, Outcome::Returned(result.unbind()))
        }
        (Ended::Returned(result), None) => {
            let name = intern!(py, "set_result");
            outer.call_method1(name, (result,)).map(drop)
        }
    }
}

/// The outer future has ended, perhaps by a cancellation: the inner one need not tell it any more.
fn on_outer_done(inner: &Bound<'_, PyAny>, outer: &Bound<'_, PyAny>) -> PyResult<()> {
    if is_done(inner)? {
        return Ok(());
    }
    DoneCallback::new(&INNER_DONE, outer).detach(inner)
}
