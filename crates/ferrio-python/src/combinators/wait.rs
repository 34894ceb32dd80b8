//! `wait`: until some or all futures are done.

use pyo3::PyTraverseError;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PySet, PyTuple};

use crate::cell::AttachedCell;
use crate::coroutine::{Co, Coroutine, is_known_coroutine};
use crate::event_loop::{Callback, wake};
use crate::future::any::{Ended, ended, is_done, is_future};
use crate::imports;
use crate::observer::Observer;
use crate::task::{current_task, native, running_loop};
use crate::timeouts::{Timer, native_loop, time};

/// What ends a wait.
#[derive(Copy, Clone, PartialEq, Eq)]
enum Until {
    FirstCompleted,
    FirstException,
    AllCompleted,
}

/// The interior state.
struct State {
    remaining: usize,
    waiter: Option<Py<PyAny>>,
    caller: Option<Py<PyAny>>,
}

/// A wait that is going on.
#[pyclass(module = "ferrio", frozen)]
pub struct Waiting {
    until: Until,
    state: AttachedCell<State>,
}

/// Wait for futures or tasks until, by return_when, the first is done, the first has raised, or all are done.
///
/// Return two sets: those that are done, and the others; the others are not cancelled, also not when timeout seconds
/// are over, which raises nothing. Raises TypeError for coroutines, ValueError if there is nothing to wait for.
#[pyfunction]
#[pyo3(signature = (fs, *, timeout = None, return_when = None))]
pub fn wait(
    py: Python<'_>,
    fs: Py<PyAny>,
    timeout: Option<Py<PyAny>>,
    return_when: Option<Py<PyAny>>,
) -> PyResult<Py<Coroutine>> {
    Coroutine::create(py, "wait", async move |co| {
        let (futures, until) = Python::attach(|py| check(fs.bind(py), return_when))?;
        drop(fs);
        wait_for_all(co, futures, timeout, until).await
    })
}

/// The set of futures, and what to wait for.
fn check(fs: &Bound<'_, PyAny>, return_when: Option<Py<PyAny>>) -> PyResult<(Py<PySet>, Until)> {
    let py = fs.py();
    let is_coroutine = |object: &Bound<'_, PyAny>| -> PyResult<bool> {
        if native(object).is_some() {
            return Ok(false);
        }
        Ok(is_known_coroutine(object)
            || imports::is_coroutine(py)?.call1((object,))?.is_truthy()?)
    };
    if is_future(fs)? || is_coroutine(fs)? {
        let text = format!("expect a list of futures, not {}", fs.get_type().name()?);
        return Err(PyTypeError::new_err(text));
    }
    if !fs.is_truthy()? {
        return Err(PyValueError::new_err("Set of Tasks/Futures is empty."));
    }
    let until = match return_when.as_ref().map(|when| when.bind(py)) {
        None => Until::AllCompleted,
        Some(when) => match when.extract::<&str>() {
            Ok("FIRST_COMPLETED") => Until::FirstCompleted,
            Ok("FIRST_EXCEPTION") => Until::FirstException,
            Ok("ALL_COMPLETED") => Until::AllCompleted,
            _ => {
                let text = format!("Invalid return_when value: {}", when.str()?);
                return Err(PyValueError::new_err(text));
            }
        },
    };
    let set = PySet::empty(py)?;
    for future in fs.try_iter()? {
        set.add(future?)?;
    }
    for future in &set {
        if is_coroutine(&future)? {
            return Err(PyTypeError::new_err(
                "Passing coroutines is forbidden, use tasks explicitly.",
            ));
        }
    }
    Ok((set.unbind(), until))
}

async fn wait_for_all(
    co: Co,
    futures: Py<PySet>,
    timeout: Option<Py<PyAny>>,
    until: Until,
) -> PyResult<Py<PyAny>> {
    let (waiting, waiter, timer) =
        Python::attach(|py| Waiting::start(futures.bind(py), timeout, until))?;
    let outcome = co.wait(waiter).await;
    Python::attach(|py| {
        if let Some(timer) = timer {
            timer.cancel(py)?;
        }
        let rest = waiting
            .get()
            .state
            .with(py, |state| (state.waiter.take(), state.caller.take()));
        drop(rest);
        let (done, pending) = (PySet::empty(py)?, PySet::empty(py)?);
        for future in futures.bind(py) {
            if is_done(&future)? {
                done.add(future)?;
            } else {
                Observer::Wait(waiting.clone_ref(py)).detach(&future)?;
                pending.add(future)?;
            }
        }
        outcome?;
        Ok(PyTuple::new(py, [done, pending])?.into_any().unbind())
    })
}

impl Waiting {
    fn start(
        futures: &Bound<'_, PySet>,
        timeout: Option<Py<PyAny>>,
        until: Until,
    ) -> PyResult<(Py<Self>, Py<PyAny>, Option<Timer>)> {
        let py = futures.py();
        let event_loop = running_loop(py)?;
        let waiter = event_loop.call_method0(intern!(py, "create_future"))?;
        let timer = match timeout {
            None => None,
            Some(timeout) => Some(Self::start_timer(&event_loop, &waiter, timeout.bind(py))?),
        };
        let caller = current_task(py, Some(event_loop))?;
        let state = State {
            remaining: futures.len(),
            waiter: Some(waiter.clone().unbind()),
            caller: Some(caller.unbind()).filter(|caller| !caller.is_none(py)),
        };
        let waiting = Bound::new(
            py,
            Self {
                until,
                state: AttachedCell::new(state),
            },
        )?;
        for future in futures {
            Observer::Wait(waiting.clone().unbind()).attach(&future)?;
        }
        Ok((waiting.unbind(), waiter.unbind(), timer))
    }

    fn start_timer(
        event_loop: &Bound<'_, PyAny>,
        waiter: &Bound<'_, PyAny>,
        timeout: &Bound<'_, PyAny>,
    ) -> PyResult<Timer> {
        let py = waiter.py();
        if let Some(native) = native_loop(event_loop) {
            let seconds = time(event_loop)? + timeout.extract::<f64>()?;
            return Timer::native(native, seconds, Callback::Wake(waiter.clone().unbind()));
        }
        let release = imports::release_waiter(py)?.call1((waiter,))?;
        let handle = event_loop.call_method1(intern!(py, "call_later"), (timeout, release))?;
        Ok(Timer::Handle(handle.unbind()))
    }

    /// The task that waits.
    pub fn caller(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.state.with(py, |state| {
            let caller = state.caller.as_ref()?;
            Some(caller.clone_ref(py))
        })
    }

    /// One of the futures is done.
    pub fn on_done(slf: &Bound<'_, Self>, future: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let remaining = me.state.with(py, |state| {
            state.remaining -= 1;
            state.remaining
        });
        let over = remaining == 0
            || me.until == Until::FirstCompleted
            || me.until == Until::FirstException && matches!(ended(future)?, Ended::Raised(_));
        if !over {
            return Ok(());
        }
        let waiter = me.state.with(py, |state| {
            let waiter = state.waiter.as_ref();
            waiter.map(|waiter| waiter.clone_ref(py))
        });
        waiter.map_or(Ok(()), |waiter| wake(waiter.bind(py)))
    }
}

#[pymethods]
impl Waiting {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.state.visit(|state| {
            visit.call(&state.waiter)?;
            visit.call(&state.caller)
        })
    }

    fn __clear__(&self) {
        Python::attach(|py| {
            let old = self
                .state
                .with(py, |state| (state.waiter.take(), state.caller.take()));
            drop(old);
        });
    }
}
