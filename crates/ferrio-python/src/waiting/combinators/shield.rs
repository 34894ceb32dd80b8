//! `shield`: waiting for a future without cancelling it.

use pyo3::intern;
use pyo3::prelude::*;

use crate::kernel::done_callback::{DoneCallback, DoneCallbackKind};
use crate::kernel::future::any::{Ended, ended, is_cancelled, is_done, loop_of};
use crate::kernel::future::native_future;
use crate::kernel::future::{Future, Outcome};
use crate::kernel::task::{cancel_any, ensure_future_on};
use crate::waiting::calling_task::current_task_or_none;

/// Finishes the outer future. The second object of the callback is the task that called `shield`.
static INNER_DONE: DoneCallbackKind = DoneCallbackKind::of_task(
    "shield.<locals>._inner_done_callback",
    |callback, inner| on_inner_done(callback.object(inner.py()), inner),
    |callback, py| Some(callback.second()?.clone_ref(py)),
);

/// Removes `INNER_DONE` from the inner future.
static OUTER_DONE: DoneCallbackKind =
    DoneCallbackKind::of("shield.<locals>._outer_done_callback", |callback, outer| {
        on_outer_done(callback.object(outer.py()), outer)
    });

/// Return a future that ends as arg does. Cancelling it does not cancel arg.
///
/// A coroutine becomes a task: keep a reference to it, since the loop has only a weak one. Raises TypeError if arg is not
/// an awaitable.
#[pyfunction]
pub fn shield<'py>(arg: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = arg.py();
    let inner = ensure_future_on(arg, None)?;
    if is_done(&inner)? {
        return Ok(inner);
    }
    let event_loop = loop_of(&inner)?;
    let outer = event_loop.call_method0(intern!(py, "create_future"))?;
    let caller = if cfg!(Py_3_14) {
        current_task_or_none(py, Some(event_loop))?
    } else {
        None
    };
    DoneCallback::new(&INNER_DONE, &outer)
        .with(caller)
        .attach(&inner)?;
    DoneCallback::new(&OUTER_DONE, &inner).attach(&outer)?;
    Ok(outer)
}

/// Finishes the outer future as the inner one has ended.
fn on_inner_done(outer: &Bound<'_, PyAny>, inner: &Bound<'_, PyAny>) -> PyResult<()> {
    if is_cancelled(outer)? {
        // Before Python 3.14 this marks the exception as retrieved.
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

/// Detaches the outer future, which has ended, from the inner one.
fn on_outer_done(inner: &Bound<'_, PyAny>, outer: &Bound<'_, PyAny>) -> PyResult<()> {
    if is_done(inner)? {
        return Ok(());
    }
    DoneCallback::new(&INNER_DONE, outer).detach(inner)
}
