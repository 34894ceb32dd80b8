//! The class [`Coroutine`].

use super::block::Co;
use super::driving::Wait;
use super::driving::{Input, State};
use super::iterator::CoroutineIterator;
use super::name::Name;
use super::throwing::as_thrown;
use crate::base::cell::AttachedCell;
use crate::base::imports;
use crate::cpython::{self, Resumed, Sent};
use pyo3::PyTraverseError;
use pyo3::exceptions::{PyGeneratorExit, PyRuntimeError, PyTypeError};
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::future::Future;

/// A coroutine object over Rust code (CPython: `types.CoroutineType`).
#[pyclass(module = "ferrio", name = "coroutine", frozen, weakref)]
pub struct Coroutine {
    pub(super) name: Name,
    pub(super) state: AttachedCell<State>,
}

impl Coroutine {
    /// Makes a coroutine; `state` runs when its place in memory is there, so that the state need not be moved.
    #[inline(always)]
    pub(super) fn make<'py>(
        py: Python<'py>,
        name: &'static str,
        state: impl FnOnce() -> State,
    ) -> PyResult<Bound<'py, Self>> {
        cpython::create(py, || Self {
            name: Name::new(py, name),
            state: AttachedCell::new(state()),
        })
    }

    /// Makes a coroutine whose pieces are all in `wait`: for a first piece that needs more than two objects.
    pub fn begin(py: Python<'_>, name: &'static str, wait: Box<dyn Wait>) -> PyResult<Py<Self>> {
        let coroutine = Self::make(py, name, || State::Begin(wait))?;
        Ok(coroutine.unbind())
    }

    /// Makes a coroutine that runs an `async` block.
    pub fn create<F>(
        py: Python<'_>,
        name: &'static str,
        body: impl FnOnce(Co) -> F,
    ) -> PyResult<Py<Self>>
    where
        F: Future<Output = PyResult<Py<PyAny>>> + Send + 'static,
    {
        Self::begin(py, name, super::block::begin(body))
    }

    /// Whether the coroutine is finished.
    #[inline]
    fn is_finished(&self, py: Python<'_>) -> bool {
        self.state
            .with(py, |state| matches!(state, State::Finished))
    }

    /// Closes the coroutine: `Coroutine.close`.
    fn close_body(&self, py: Python<'_>) -> PyResult<()> {
        let unused = self.state.with(py, |state| {
            (state.is_new() || matches!(state, State::Finished))
                .then(|| std::mem::replace(state, State::Finished))
        });
        if unused.is_some() {
            return Ok(());
        }
        match self.resume(py, Input::Throw(super::throwing::generator_exit(py))) {
            Ok(Sent::Yielded(_)) => Err(PyRuntimeError::new_err("coroutine ignored GeneratorExit")),
            Ok(Sent::Returned(_)) => Ok(()),
            Err(raised) => match PyErr::from(raised) {
                error if error.is_instance_of::<PyGeneratorExit>(py) => Ok(()),
                error => Err(error),
            },
        }
    }
}

/// Whether the object is a coroutine of an `async def` or a native one, which needs no call of `asyncio.iscoroutine`.
#[inline]
pub fn is_known_coroutine(object: &Bound<'_, PyAny>) -> bool {
    cpython::is_exact_coroutine(object) || object.is_exact_instance_of::<Coroutine>()
}

/// Turns the outcome of a resumption into that of the methods `send`, `throw` and `__next__`.
pub fn as_method_result(py: Python<'_>, resumed: Resumed) -> PyResult<Py<PyAny>> {
    match resumed? {
        Sent::Yielded(value) => Ok(value),
        Sent::Returned(value) => Err(cpython::stop_iteration(py, value)),
    }
}

impl cpython::SelfAwait for Coroutine {
    #[inline]
    fn resume(slf: &Bound<'_, Self>) -> Resumed {
        slf.get().resume(slf.py(), Input::None)
    }

    #[inline]
    fn is_awaited(&self, py: Python<'_>) -> bool {
        self.state.with(py, |state| state.is_suspended())
    }
}

#[pymethods]
impl Coroutine {
    /// Resume the coroutine with a value; raises StopIteration with its result when it returns.
    pub(super) fn send(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        if value.is_none() {
            return as_method_result(py, self.resume(py, Input::None));
        }
        if self.state.with(py, |state| state.is_new()) {
            return Err(PyTypeError::new_err(
                "can't send non-None value to a just-started coroutine",
            ));
        }
        as_method_result(py, self.resume(py, Input::Send(value.clone().unbind())))
    }

    /// Resume the coroutine with an exception: an instance, a class, or the deprecated three arguments.
    #[pyo3(signature = (typ, val = None, tb = None))]
    pub(super) fn throw(
        &self,
        py: Python<'_>,
        typ: Bound<'_, PyAny>,
        val: Option<Bound<'_, PyAny>>,
        tb: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let error = as_thrown(py, typ, val, tb)?;
        as_method_result(py, self.resume(py, Input::Throw(error)))
    }

    /// Throw GeneratorExit in and have the coroutine finish.
    pub(super) fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.close_body(py)
    }

    fn __await__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, PyAny>> {
        CoroutineIterator::of(slf)
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __repr__(slf: &Bound<'_, Self>) -> String {
        let name = slf.get().name.as_str();
        format!("<coroutine object {name} at {:p}>", slf.as_ptr())
    }

    /// The class of an `async def`'s coroutines, for `isinstance` and so for `inspect.iscoroutine`.
    #[getter(__class__)]
    fn class(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        Ok(imports::coroutine_type(slf.py())?.clone().unbind())
    }

    #[getter(__name__)]
    fn short_name(&self) -> &'static str {
        let name = self.name.as_str();
        name.rsplit('.').next().unwrap_or(name)
    }

    #[getter(__qualname__)]
    fn qualified_name(&self) -> &'static str {
        self.name.as_str()
    }

    #[getter]
    fn cr_running(&self, py: Python<'_>) -> bool {
        self.state.with(py, |state| matches!(state, State::Running))
    }

    #[getter]
    fn cr_suspended(&self, py: Python<'_>) -> bool {
        self.state.with(py, |state| state.is_suspended())
    }

    /// The state as `inspect.getcoroutinestate` returns it since Python 3.15.
    #[cfg(Py_3_15)]
    #[getter]
    fn cr_state(&self, py: Python<'_>) -> &'static str {
        self.state.with(py, |state| match state {
            State::Call { .. } | State::Begin(_) => "CORO_CREATED",
            State::Waiting { .. } | State::Yielded(_) | State::Yielding(_) => "CORO_SUSPENDED",
            State::Running => "CORO_RUNNING",
            State::Finished => "CORO_CLOSED",
        })
    }

    #[getter]
    fn cr_await(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.state.get_ref(py, |state| match state {
            State::Waiting { awaiting, .. } => Some(awaiting),
            _ => None,
        })
    }

    /// None: there is no Python frame.
    #[getter]
    fn cr_frame(&self) -> Option<Py<PyAny>> {
        None
    }

    /// None: there is no Python code.
    #[getter]
    fn cr_code(&self) -> Option<Py<PyAny>> {
        None
    }

    /// The place where the coroutine was created, if the interpreter records it.
    #[getter]
    fn cr_origin<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyTuple>> {
        Some(self.name.origin()?.bind(py).clone())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.state.visit(&visit, |state| state.traverse(visit))
    }

    fn __clear__(&self) {
        Python::attach(|py| {
            let is_running = |state: &mut State| matches!(state, State::Running);
            if !self.state.with(py, is_running) {
                drop(self.state.replace(py, State::Finished));
            }
        });
    }
}

cpython::recycle!(Coroutine, {
    #[inline]
    fn untracked() -> Option<&'static cpython::Untracked> {
        static LATEST: cpython::Untracked = cpython::Untracked::new();
        Some(&LATEST)
    }

    #[inline]
    fn is_spent(&self, py: Python<'_>) -> bool {
        self.is_finished(py) && matches!(self.name, Name::Plain(_))
    }
});

impl cpython::Finalize for Coroutine {
    const KEEP: Option<cpython::Keep> = Some(cpython::keep::<Self>);
    const RAISES: bool = false;

    #[inline]
    fn untracked() -> Option<&'static cpython::Untracked> {
        <Self as cpython::Recycle>::untracked()
    }

    #[inline]
    fn is_settled(slf: &Bound<'_, Self>) -> bool {
        slf.get().is_finished(slf.py())
    }

    #[inline]
    fn is_spent(slf: &Bound<'_, Self>) -> bool {
        cpython::Recycle::is_spent(slf.get(), slf.py())
    }

    /// Closes a suspended coroutine; warns of one that was never awaited (CPython: `_PyGen_Finalize`).
    fn finalize(slf: &Bound<'_, Self>, _: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let py = slf.py();
        let me = slf.get();
        let (is_new, is_suspended) = me
            .state
            .with(py, |state| (state.is_new(), state.is_suspended()));
        if is_new {
            super::name::warn_never_awaited(slf)
        } else if is_suspended {
            me.close_body(py)
        } else {
            Ok(())
        }
    }
}
