//! `wait`: waiting until some or all futures are done.

use pyo3::PyTraverseError;
use pyo3::exceptions::{PyAssertionError, PyTypeError, PyValueError};
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::{PyList, PySet, PyTuple};

use super::distinct::distinct;
use crate::base::arguments::Omittable;
use crate::base::cell::AttachedCell;
use crate::base::imports;
use crate::cpython;
use crate::kernel::coroutine::{Coroutine, Step, Wait, is_known_coroutine};
use crate::kernel::done_callback::{DoneCallback, DoneCallbackKind};
use crate::kernel::event_loop::finish_with_none;
use crate::kernel::future::Home;
use crate::kernel::future::any::{Ended, ended, is_done, is_future};
use crate::kernel::future::native_future;
use crate::kernel::task::running_loop;
use crate::waiting::calling_task::{CallingTask, current_task_or_none, waiting_task};
use crate::waiting::timeouts::Timer;

static DONE: DoneCallbackKind = DoneCallbackKind::of_task(
    "_wait.<locals>._on_completion",
    |callback, future| WaitState::on_done(callback.object(future.py()).cast()?, future),
    waiting_task::<WaitState>,
);

/// The condition that ends a wait: the argument `return_when`.
#[derive(Copy, Clone, PartialEq, Eq)]
enum Until {
    FirstCompleted,
    FirstException,
    AllCompleted,
}

/// The interior state.
struct State {
    /// The number of futures that are not done.
    remaining: usize,
    /// The future that the coroutine awaits.
    waiter: Option<Py<PyAny>>,
    /// The task that called `wait`.
    caller: Option<Py<PyAny>>,
}

/// A wait that has begun: the object of the done-callbacks.
#[pyclass(module = "ferrio", frozen)]
pub struct WaitState {
    until: Until,
    state: AttachedCell<State>,
}

/// Wait for futures or tasks. By return_when, wait until the first is done, the first has raised, or all are done.
///
/// Return two sets: the futures that are done, and the others. The wait ends after timeout seconds without an exception,
/// and never cancels a future. Raises TypeError for coroutines, and ValueError if fs is empty.
#[pyfunction]
#[pyo3(
    signature = (fs, *, timeout = None, return_when = Omittable(None)),
    text_signature = "(fs, *, timeout=None, return_when='ALL_COMPLETED')"
)]
pub fn wait(
    py: Python<'_>,
    fs: Py<PyAny>,
    timeout: Option<Py<PyAny>>,
    return_when: Omittable,
) -> PyResult<Py<Coroutine>> {
    let arguments = Arguments {
        fs,
        timeout,
        return_when: return_when.0,
    };
    Coroutine::begin(py, "wait", Box::new(arguments))
}

/// A coroutine that has not begun.
struct Arguments {
    fs: Py<PyAny>,
    timeout: Option<Py<PyAny>>,
    return_when: Option<Py<PyAny>>,
}

impl Wait for Arguments {
    fn resume(self: Box<Self>, py: Python<'_>, _: PyResult<Py<PyAny>>) -> PyResult<Step> {
        let (futures, until) = check(self.fs.bind(py), self.return_when)?;
        WaitState::start(py, futures, self.timeout, until)
    }

    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.fs)?;
        visit.call(&self.timeout)?;
        visit.call(&self.return_when)
    }
}

/// Checks the arguments. Returns the futures and what to wait for.
fn check<'py>(
    fs: &Bound<'py, PyAny>,
    return_when: Option<Py<PyAny>>,
) -> PyResult<(Vec<Bound<'py, PyAny>>, Until)> {
    let py = fs.py();
    let is_coroutine = |object: &Bound<'_, PyAny>| -> PyResult<bool> {
        if native_future(object).is_some() {
            return Ok(false);
        }
        Ok(is_known_coroutine(object)
            || imports::is_coroutine(py)?.call1((object,))?.is_truthy()?)
    };
    // A check by asyncio costs two calls, and `fs` is nearly always a list or a set.
    let is_collection = fs.is_exact_instance_of::<PyList>() || fs.is_exact_instance_of::<PySet>();
    if !is_collection && (is_future(fs)? || is_coroutine(fs)?) {
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
    let futures = distinct(fs)?;
    if futures.is_empty() {
        return Err(PyAssertionError::new_err("Set of Futures is empty."));
    }
    for future in &futures {
        if is_coroutine(future)? {
            return Err(PyTypeError::new_err(
                "Passing coroutines is forbidden, use tasks explicitly.",
            ));
        }
    }
    Ok((futures, until))
}

/// The rest of the coroutine, once its future is done or cancelled.
struct WaitEnding {
    futures: Vec<Py<PyAny>>,
    waiting: Py<WaitState>,
    timer: Option<Timer>,
}

impl Wait for WaitEnding {
    fn resume(self: Box<Self>, py: Python<'_>, outcome: PyResult<Py<PyAny>>) -> PyResult<Step> {
        let (done, pending) = (PySet::empty(py)?, PySet::empty(py)?);
        cpython::finally(py, outcome, || {
            if let Some(timer) = self.timer {
                timer.cancel(py)?;
            }
            let rest = self
                .waiting
                .get()
                .state
                .with(py, |state| (state.waiter.take(), state.caller.take()));
            drop(rest);
            for future in self.futures {
                let future = future.into_bound(py);
                if is_done(&future)? {
                    done.add(future)?;
                } else {
                    DoneCallback::new(&DONE, self.waiting.bind(py)).detach(&future)?;
                    pending.add(future)?;
                }
            }
            Ok(())
        })?;
        let both = PyTuple::new(py, [done, pending])?;
        Ok(Step::Return(both.into_any().unbind()))
    }

    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        for future in &self.futures {
            visit.call(future)?;
        }
        visit.call(&self.waiting)?;
        self.timer
            .as_ref()
            .map_or(Ok(()), |timer| timer.traverse(visit))
    }
}

cpython::recycle!(WaitState);

impl CallingTask for WaitState {
    fn calling_task(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.state.get_ref(py, |state| state.caller.as_ref())
    }
}

impl WaitState {
    /// Adds the done-callbacks, starts the timer, and waits.
    fn start(
        py: Python<'_>,
        futures: Vec<Bound<'_, PyAny>>,
        timeout: Option<Py<PyAny>>,
        until: Until,
    ) -> PyResult<Step> {
        let event_loop = running_loop(py)?;
        let waiter = Home::of(&event_loop).create_future(py)?;
        let timer = match timeout {
            None => None,
            Some(timeout) => Some(Timer::release_after(
                &event_loop,
                &waiter,
                timeout.bind(py),
            )?),
        };
        let caller = current_task_or_none(py, Some(event_loop))?;
        let state = State {
            remaining: futures.len(),
            waiter: Some(waiter.clone().unbind()),
            caller,
        };
        let state = AttachedCell::new(state);
        let waiting = cpython::create(py, || Self { until, state })?;
        for future in &futures {
            DoneCallback::new(&DONE, &waiting).attach(future)?;
        }
        let ending = WaitEnding {
            futures: futures.into_iter().map(Bound::unbind).collect(),
            waiting: waiting.unbind(),
            timer,
        };
        Ok(Step::Wait(waiter.unbind(), Box::new(ending)))
    }

    /// Counts a future that is done. Ends the wait if its condition is fulfilled.
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
        let waiter = me.state.get_ref(py, |state| state.waiter.as_ref());
        waiter.map_or(Ok(()), |waiter| finish_with_none(waiter.bind(py)))
    }
}

#[pymethods]
impl WaitState {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.state.visit(&visit, |state| {
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
