//! [`Brief`]: coroutines that suspend at most once and need no `async` block.

use pyo3::PyTraverseError;
use pyo3::exceptions::{PyRuntimeError, PyRuntimeWarning, PyTypeError};
use pyo3::gc::PyVisit;
use pyo3::prelude::*;

use super::{as_method_result, as_thrown};
use crate::cell::AttachedCell;
use crate::ffi::{self, Sent};

/// What a deferred call runs: a function on two objects.
pub type Deferred = fn(&Bound<'_, PyAny>, Option<Py<PyAny>>) -> PyResult<Py<PyAny>>;

/// Where the coroutine stands.
enum State {
    /// Not begun: it will call and return what comes of it.
    Call {
        function: Deferred,
        target: Py<PyAny>,
        argument: Option<Py<PyAny>>,
    },
    /// Not begun: it will yield `None`, then return this.
    Yield(Py<PyAny>),
    /// It has yielded, and will return this.
    Return(Py<PyAny>),
    Finished,
}

/// A short coroutine (CPython: `types.CoroutineType`): what `__aenter__` and `__aexit__` return, and `sleep(0)`.
#[pyclass(module = "ferrio", name = "coroutine", frozen, weakref)]
pub struct Brief {
    name: &'static str,
    state: AttachedCell<State>,
}

impl Brief {
    /// A coroutine that calls `function(target, argument)` when it is awaited.
    pub fn call(
        name: &'static str,
        function: Deferred,
        target: Py<PyAny>,
        argument: Option<Py<PyAny>>,
    ) -> Self {
        let state = State::Call {
            function,
            target,
            argument,
        };
        Self {
            name,
            state: AttachedCell::new(state),
        }
    }

    /// A coroutine that gives way once, then returns `result`.
    pub fn yield_once(name: &'static str, result: Py<PyAny>) -> Self {
        Self {
            name,
            state: AttachedCell::new(State::Yield(result)),
        }
    }
}

impl ffi::SelfAwait for Brief {
    #[inline]
    fn resume(slf: &Bound<'_, Self>) -> PyResult<Sent> {
        let py = slf.py();
        let me = slf.get();
        let state = me
            .state
            .with(py, |state| std::mem::replace(state, State::Finished));
        match state {
            State::Yield(result) => {
                drop(me.state.replace(py, State::Return(result)));
                Ok(Sent::Yielded(py.None()))
            }
            State::Return(result) => Ok(Sent::Returned(result)),
            State::Call {
                function,
                target,
                argument,
            } => function(&target.into_bound(py), argument).map(Sent::Returned),
            State::Finished => Err(PyRuntimeError::new_err(
                "cannot reuse already awaited coroutine",
            )),
        }
    }
}

#[pymethods]
impl Brief {
    /// Resume the coroutine with a value; raises StopIteration with its result when it returns.
    fn send(slf: &Bound<'_, Self>, value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        let begun = slf.get().state.with(py, |state| {
            !matches!(state, State::Call { .. } | State::Yield(_))
        });
        if !begun && !value.is_none() {
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
        match self.state.replace(py, State::Finished) {
            State::Finished => Err(PyRuntimeError::new_err(
                "cannot reuse already awaited coroutine",
            )),
            _ => Err(error),
        }
    }

    /// Have the coroutine finish.
    fn close(&self, py: Python<'_>) {
        drop(self.state.replace(py, State::Finished));
    }

    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __repr__(slf: &Bound<'_, Self>) -> String {
        format!(
            "<coroutine object {} at {:p}>",
            slf.get().name,
            slf.as_ptr()
        )
    }

    #[getter(__name__)]
    fn short_name(&self) -> &'static str {
        self.name.rsplit('.').next().unwrap_or(self.name)
    }

    #[getter(__qualname__)]
    fn qualified_name(&self) -> &'static str {
        self.name
    }

    #[getter]
    fn cr_running(&self) -> bool {
        false
    }

    #[getter]
    fn cr_await(&self) -> Option<Py<PyAny>> {
        None
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
        self.state.visit(|state| match state {
            State::Call {
                target, argument, ..
            } => {
                visit.call(target)?;
                visit.call(argument)
            }
            State::Yield(result) | State::Return(result) => visit.call(result),
            State::Finished => Ok(()),
        })
    }

    fn __clear__(&self) {
        Python::attach(|py| drop(self.state.replace(py, State::Finished)));
    }
}

impl Drop for Brief {
    fn drop(&mut self) {
        // Nobody else has a reference, so the state can be looked at without a token.
        let never_awaited = self
            .state
            .visit(|state| match state {
                State::Call { .. } | State::Yield(_) => Err(()),
                _ => Ok(()),
            })
            .is_err();
        if never_awaited {
            Python::attach(|py| {
                warn_never_awaited(py, self.name);
            });
        }
    }
}

/// Warns of a coroutine that nobody has awaited.
#[cold]
pub fn warn_never_awaited(py: Python<'_>, name: &str) {
    let category = py.get_type::<PyRuntimeWarning>();
    let text = format!("coroutine '{name}' was never awaited");
    let text = std::ffi::CString::new(text).unwrap_or_default();
    if let Err(error) = PyErr::warn(py, &category, &text, 1) {
        error.write_unraisable(py, None);
    }
}
