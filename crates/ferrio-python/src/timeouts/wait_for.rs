//! `wait_for`: an awaitable that may take so long and no longer.

use pyo3::exceptions::PyTimeoutError;
use pyo3::intern;
use pyo3::prelude::*;

use super::Timeout;
use super::timer::time;
use crate::coroutine::{Co, Coroutine};
use crate::future::any::is_done;
use crate::imports;
use crate::observer::Observer;
use crate::task::{cancel_any, ensure_future_on, running_loop};

/// Wait for an awaitable, at most timeout seconds; None means forever.
///
/// Return its result. Raises TimeoutError, after the awaitable was cancelled and has ended, if the time is up; what the
/// awaitable raises otherwise.
#[pyfunction]
#[pyo3(signature = (fut, timeout))]
pub fn wait_for<'py>(
    py: Python<'py>,
    fut: Bound<'py, PyAny>,
    timeout: Option<Py<PyAny>>,
) -> PyResult<Py<Coroutine>> {
    let fut = fut.unbind();
    Coroutine::create(py, "wait_for", async move |co| {
        let start = Python::attach(|py| match timeout {
            None => PyResult::Ok(Start::Timed(None)),
            Some(timeout) if timeout.bind(py).le(0)? => Ok(Start::Immediate),
            Some(timeout) => {
                let now = time(&running_loop(py)?)?.into_pyobject(py)?;
                Ok(Start::Timed(Some(now.add(timeout)?.unbind())))
            }
        })?;
        match start {
            Start::Immediate => immediate(co, fut).await,
            Start::Timed(when) => timed(co, fut, when).await,
        }
    })
}

enum Start {
    Immediate,
    Timed(Option<Py<PyAny>>),
}

/// `async with timeout_at(when): return await fut`.
async fn timed(co: Co, fut: Py<PyAny>, when: Option<Py<PyAny>>) -> PyResult<Py<PyAny>> {
    let timeout = Python::attach(|py| {
        let timeout = Bound::new(py, Timeout::new(when))?;
        Timeout::enter(&timeout)?;
        PyResult::Ok(timeout.unbind())
    });
    let timeout = timeout?;
    let outcome = co.wait(fut).await;
    Python::attach(|py| {
        let timeout = timeout.bind(py);
        match outcome {
            Ok(result) => {
                Timeout::exit(timeout, None)?;
                Ok(result)
            }
            Err(error) => {
                let raised = error.into_value(py).into_bound(py).into_any();
                Timeout::exit(timeout, Some(&raised))?;
                Err(PyErr::from_value(raised))
            }
        }
    })
}

/// With no time to wait: the result if there is one, else a cancellation.
async fn immediate(co: Co, fut: Py<PyAny>) -> PyResult<Py<PyAny>> {
    let (fut, waiter) = Python::attach(|py| {
        let fut = ensure_future_on(fut.bind(py), None)?;
        if is_done(&fut)? {
            return PyResult::Ok((fut.unbind(), None));
        }
        // Told when it has ended, so that its end is waited for without retrieving what it ends with.
        let event_loop = running_loop(py)?;
        let waiter = event_loop.call_method0(intern!(py, "create_future"))?;
        Observer::Release(waiter.clone().unbind()).attach(&fut)?;
        cancel_any(&fut, None)?;
        Ok((fut.unbind(), Some(waiter.unbind())))
    })?;
    let Some(waiter) = waiter else {
        return Python::attach(|py| fut.call_method0(py, intern!(py, "result")));
    };
    let release = Python::attach(|py| Observer::Release(waiter.clone_ref(py)));
    let outcome = co.wait(waiter).await;
    Python::attach(|py| {
        release.detach(fut.bind(py))?;
        outcome?;
        match fut.call_method0(py, intern!(py, "result")) {
            Err(error) if error.is_instance(py, imports::cancelled_error(py)?) => {
                let timeout = PyTimeoutError::new_err(());
                let raised = error.into_value(py);
                let value = timeout.value(py);
                value.setattr(intern!(py, "__cause__"), &raised)?;
                value.setattr(intern!(py, "__context__"), raised)?;
                Err(timeout)
            }
            outcome => outcome,
        }
    })
}
