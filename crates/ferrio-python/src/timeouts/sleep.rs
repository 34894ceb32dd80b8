//! `sleep`: a coroutine that ends after a time.

use pyo3::PyTraverseError;
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;

use super::Timer;
use super::timer::{native_loop, time};
use crate::cell::AttachedCell;
use crate::coroutine::{Brief, as_method_result, as_thrown, warn_never_awaited};
use crate::event_loop::{Callback, Loop};
use crate::ffi::{self, Sent};
use crate::imports;
use crate::task::running_loop;

/// Where the coroutine stands.
enum State {
    Created,
    Waiting { future: Py<PyAny>, timer: Timer },
    Finished,
}

/// The coroutine of `sleep(delay)` (CPython: `types.CoroutineType`).
#[pyclass(module = "ferrio", name = "coroutine", frozen, weakref)]
pub struct Sleep {
    delay: Py<PyAny>,
    result: Py<PyAny>,
    state: AttachedCell<State>,
}

/// Return result after delay seconds; with a delay of 0 or less, after giving way to others once.
///
/// Raises ValueError if delay is NaN.
#[pyfunction]
#[pyo3(signature = (delay, result = None))]
pub fn sleep(delay: Bound<'_, PyAny>, result: Option<Py<PyAny>>) -> PyResult<Bound<'_, PyAny>> {
    let py = delay.py();
    let result = result.unwrap_or_else(|| py.None());
    if delay.extract::<f64>().is_ok_and(|delay| delay <= 0.0) {
        return Ok(Bound::new(py, Brief::yield_once("sleep", result))?.into_any());
    }
    let sleep = Sleep {
        delay: delay.unbind(),
        result,
        state: AttachedCell::new(State::Created),
    };
    Ok(Bound::new(py, sleep)?.into_any())
}

impl Sleep {
    /// Begins to wait: a future, and a timer that finishes it.
    fn start(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let delay = self.delay.bind(py);
        if delay.le(0)? {
            // Something that is no number to Rust, but to Python.
            return Err(PyTypeError::new_err("delay must be a real number"));
        }
        let seconds: f64 = delay.extract()?;
        if seconds.is_nan() {
            return Err(PyValueError::new_err("Invalid delay: NaN (not a number)"));
        }
        let event_loop = running_loop(py)?;
        let (future, timer) = if let Some(native) = native_loop(&event_loop) {
            let future = Loop::create_future(native)?.into_any();
            let payload = Callback::Wake(future.clone().unbind());
            let timer = Timer::native(native, time(&event_loop)? + seconds, payload)?;
            (future, timer)
        } else {
            let future = event_loop.call_method0(intern!(py, "create_future"))?;
            let args = (
                delay,
                imports::set_result_unless_cancelled(py)?,
                &future,
                &self.result,
            );
            let handle = event_loop.call_method1(intern!(py, "call_later"), args)?;
            (future, Timer::Handle(handle.unbind()))
        };
        let awaited = ffi::await_iterator(&future)?;
        let waiting = State::Waiting {
            future: awaited.clone_ref(py),
            timer,
        };
        drop(self.state.replace(py, waiting));
        Ok(awaited)
    }

    /// Ends the wait, whatever the reason.
    fn finish(&self, py: Python<'_>) -> PyResult<()> {
        match self.state.replace(py, State::Finished) {
            State::Waiting { timer, .. } => timer.cancel(py),
            State::Created | State::Finished => Ok(()),
        }
    }
}

impl ffi::SelfAwait for Sleep {
    fn resume(slf: &Bound<'_, Self>) -> PyResult<Sent> {
        enum Next {
            Start,
            Ask(Py<PyAny>),
            Wrong,
        }
        let py = slf.py();
        let me = slf.get();
        let next = me.state.with(py, |state| match state {
            State::Created => Next::Start,
            State::Waiting { future, .. } => Next::Ask(future.clone_ref(py)),
            State::Finished => Next::Wrong,
        });
        let future = match next {
            Next::Start => match me.start(py) {
                Ok(future) => future,
                Err(error) => {
                    me.finish(py)?;
                    return Err(error);
                }
            },
            Next::Ask(future) => future,
            Next::Wrong => {
                return Err(PyRuntimeError::new_err(
                    "cannot reuse already awaited coroutine",
                ));
            }
        };
        let sent = ffi::iter_send(py, &future, &py.None());
        match sent {
            Ok(Sent::Yielded(object)) => Ok(Sent::Yielded(object)),
            Ok(Sent::Returned(_)) => {
                me.finish(py)?;
                Ok(Sent::Returned(me.result.clone_ref(py)))
            }
            Err(error) => {
                me.finish(py)?;
                Err(error)
            }
        }
    }
}

#[pymethods]
impl Sleep {
    /// Resume the coroutine with a value; raises StopIteration with its result when it returns.
    fn send(slf: &Bound<'_, Self>, value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        let created = |state: &mut State| matches!(state, State::Created);
        if !value.is_none() && slf.get().state.with(py, created) {
            return Err(PyTypeError::new_err(
                "can't send non-None value to a just-started coroutine",
            ));
        }
        as_method_result(py, <Self as ffi::SelfAwait>::resume(slf)?)
    }

    /// Raise an exception in the coroutine: an instance, a class, or the deprecated three arguments.
    #[pyo3(signature = (typ, val = None, tb = None))]
    fn throw(
        &self,
        py: Python<'_>,
        typ: Bound<'_, PyAny>,
        val: Option<Bound<'_, PyAny>>,
        tb: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let error = as_thrown(py, typ, val, tb)?;
        self.finish(py)?;
        Err(error)
    }

    /// Have the coroutine finish.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.finish(py)
    }

    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __repr__(slf: &Bound<'_, Self>) -> String {
        format!("<coroutine object sleep at {:p}>", slf.as_ptr())
    }

    #[getter(__name__)]
    fn short_name(&self) -> &'static str {
        "sleep"
    }

    #[getter(__qualname__)]
    fn qualified_name(&self) -> &'static str {
        "sleep"
    }

    #[getter]
    fn cr_running(&self) -> bool {
        false
    }

    #[getter]
    fn cr_await(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.state.with(py, |state| match state {
            State::Waiting { future, .. } => Some(future.clone_ref(py)),
            _ => None,
        })
    }

    /// There is no Python frame.
    #[getter]
    fn cr_frame(&self) -> Option<Py<PyAny>> {
        None
    }

    /// There is no Python code.
    #[getter]
    fn cr_code(&self) -> Option<Py<PyAny>> {
        None
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.delay)?;
        visit.call(&self.result)?;
        self.state.visit(|state| match state {
            State::Waiting { future, timer } => {
                visit.call(future)?;
                timer.traverse(visit)
            }
            _ => Ok(()),
        })
    }

    fn __clear__(&self) {
        Python::attach(|py| drop(self.state.replace(py, State::Finished)));
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        Python::attach(|py| {
            if self.state.with(py, |state| matches!(state, State::Created)) {
                warn_never_awaited(py, "sleep");
            }
            // The timer has to go when nobody waits any more.
            if let Err(error) = self.finish(py) {
                error.write_unraisable(py, None);
            }
        });
    }
}
