//! Coroutines that are written in Rust: an `async` block that Python drives like any coroutine.
//!
//! ```ignore
//! Coroutine::create(py, "Loop.sock_accept", async move |co| {
//!     let result = co.wait(future).await?;   // a Python awaitable
//!     …
//! })
//! ```
//!
//! The block is polled by whoever drives the coroutine: `asyncio.Task`, or another coroutine that awaits it. When it
//! waits for a Python awaitable, what that yields is yielded to the driver and what the driver sends or throws reaches
//! the awaitable, as with `yield from` (PEP 380); so a cancellation arrives in the block as an `Err(CancelledError)` from
//! `wait`, to be passed on with `?` or dealt with. There is no waker: only a driver resumes a coroutine.

mod brief;
mod wait;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use pyo3::PyTraverseError;
use pyo3::exceptions::{
    PyBaseException, PyGeneratorExit, PyRuntimeError, PyTypeError, PyValueError,
};
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::{PyTuple, PyType};

pub use self::brief::Brief;
pub use self::brief::warn_never_awaited;
pub use self::wait::Co;
use self::wait::Exchange;
use crate::cell::AttachedCell;
use crate::ffi::{self, Sent};
use crate::timeouts::Sleep;

type BoxFuture = Pin<Box<dyn Future<Output = PyResult<Py<PyAny>>> + Send>>;

enum State {
    Created(BoxFuture),
    Suspended(BoxFuture),
    Running,
    Finished,
}

/// A coroutine object over a Rust future (CPython: `types.CoroutineType`).
#[pyclass(module = "ferrio", name = "coroutine", frozen, weakref)]
pub struct Coroutine {
    name: &'static str,
    exchange: Arc<AttachedCell<Exchange>>,
    state: AttachedCell<State>,
}

impl Coroutine {
    /// A coroutine that runs `body`. `name` is the qualified name that users see in representations and warnings.
    pub fn create<F>(
        py: Python<'_>,
        name: &'static str,
        body: impl FnOnce(Co) -> F,
    ) -> PyResult<Py<Self>>
    where
        F: Future<Output = PyResult<Py<PyAny>>> + Send + 'static,
    {
        let exchange = Arc::new(AttachedCell::new(Exchange::default()));
        let future = Box::pin(body(Co::new(exchange.clone())));
        let state = AttachedCell::new(State::Created(future));
        Py::new(
            py,
            Self {
                name,
                exchange,
                state,
            },
        )
    }

    /// Resumes the body with a value or an exception.
    fn resume(&self, py: Python<'_>, input: PyResult<Py<PyAny>>) -> PyResult<Sent> {
        let mut future = match self.state.replace(py, State::Running) {
            State::Suspended(future) => future,
            State::Created(future) => match input {
                // An exception thrown in before the first step never enters the body.
                Err(error) => {
                    self.state.replace(py, State::Finished);
                    drop(future);
                    return Err(error);
                }
                Ok(ref value) if !value.is_none(py) => {
                    self.state.replace(py, State::Created(future));
                    return Err(PyTypeError::new_err(
                        "can't send non-None value to a just-started coroutine",
                    ));
                }
                Ok(_) => future,
            },
            State::Running => return Err(PyValueError::new_err("coroutine already executing")),
            State::Finished => {
                self.state.replace(py, State::Finished);
                return Err(PyRuntimeError::new_err(
                    "cannot reuse already awaited coroutine",
                ));
            }
        };
        self.exchange
            .with(py, |exchange| exchange.input = Some(input));
        let polled = future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        match polled {
            Poll::Ready(result) => {
                self.state.replace(py, State::Finished);
                drop(future);
                result.map(Sent::Returned)
            }
            Poll::Pending => {
                self.state.replace(py, State::Suspended(future));
                let yielded = self.exchange.with(py, |exchange| exchange.yielded.take());
                yielded.map(Sent::Yielded).ok_or_else(|| {
                    PyRuntimeError::new_err("a ferrio coroutine suspended without an awaitable")
                })
            }
        }
    }
}

/// Whether the object is a coroutine of an `async def` or one of ferrio's: what is known to be one without asking.
#[inline]
pub fn is_known_coroutine(object: &Bound<'_, PyAny>) -> bool {
    ffi::is_exact_coroutine(object)
        || object.is_exact_instance_of::<Brief>()
        || object.is_exact_instance_of::<Sleep>()
        || object.is_exact_instance_of::<Coroutine>()
}

/// The outcome of a step as the methods `send`, `throw` and `__next__` give it.
pub fn as_method_result(py: Python<'_>, sent: Sent) -> PyResult<Py<PyAny>> {
    match sent {
        Sent::Yielded(value) => Ok(value),
        Sent::Returned(value) => Err(ffi::stop_iteration(py, value)),
    }
}

/// The arguments of `throw`, as an exception: an instance, a class, or the deprecated three.
pub fn as_thrown(
    py: Python<'_>,
    typ: Bound<'_, PyAny>,
    val: Option<Bound<'_, PyAny>>,
    tb: Option<Bound<'_, PyAny>>,
) -> PyResult<PyErr> {
    #[cfg(Py_3_12)]
    if val.is_some() || tb.is_some() {
        let category = py.get_type::<pyo3::exceptions::PyDeprecationWarning>();
        let text = c"the (type, exc, tb) signature of throw() is deprecated, use the single-arg signature instead.";
        PyErr::warn(py, &category, text, 1)?;
    }
    let val = val.filter(|val| !val.is_none());
    let tb = match tb.filter(|tb| !tb.is_none()).map(Bound::cast_into) {
        Some(Ok(tb)) => Some(tb),
        Some(Err(_)) => {
            let text = "throw() third argument must be a traceback";
            return Err(PyTypeError::new_err(text));
        }
        None => None,
    };
    let is_class = typ
        .cast::<PyType>()
        .is_ok_and(|class| class.is_subclass_of::<PyBaseException>().unwrap_or(false));
    let exception = match val {
        None if is_class || typ.is_instance_of::<PyBaseException>() => typ,
        Some(val) if is_class && val.is_instance(&typ)? => val,
        Some(val) if is_class => match val.cast::<PyTuple>() {
            Ok(args) => typ.call1(args)?,
            Err(_) => typ.call1((val,))?,
        },
        Some(_) if typ.is_instance_of::<PyBaseException>() => {
            let text = "instance exception may not have a separate value";
            return Err(PyTypeError::new_err(text));
        }
        _ => {
            let text = format!(
                "exceptions must be classes or instances deriving from BaseException, not {}",
                typ.get_type().name()?
            );
            return Err(PyTypeError::new_err(text));
        }
    };
    let error = PyErr::from_value(exception);
    if tb.is_some() {
        error.set_traceback(py, tb);
    }
    Ok(error)
}

impl ffi::Send for Coroutine {
    fn send(slf: &Bound<'_, Self>, value: &Bound<'_, PyAny>) -> PyResult<Sent> {
        slf.get().resume(slf.py(), Ok(value.clone().unbind()))
    }
}

#[pymethods]
impl Coroutine {
    /// Resume the coroutine with a value; raises StopIteration with its result when it returns.
    fn send(&self, py: Python<'_>, value: Py<PyAny>) -> PyResult<Py<PyAny>> {
        as_method_result(py, self.resume(py, Ok(value))?)
    }

    /// Resume the coroutine with an exception: an instance, a class, or the deprecated three arguments.
    #[pyo3(signature = (typ, val = None, tb = None))]
    fn throw(
        &self,
        py: Python<'_>,
        typ: Bound<'_, PyAny>,
        val: Option<Bound<'_, PyAny>>,
        tb: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let error = as_thrown(py, typ, val, tb)?;
        as_method_result(py, self.resume(py, Err(error))?)
    }

    /// Throw GeneratorExit in and have the coroutine finish.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let idle = self.state.with(py, |state| match state {
            State::Created(_) | State::Finished => Some(std::mem::replace(state, State::Finished)),
            State::Suspended(_) | State::Running => None,
        });
        if idle.is_some() {
            return Ok(());
        }
        match self.resume(py, Err(PyGeneratorExit::new_err(()))) {
            Ok(Sent::Yielded(_)) => Err(PyRuntimeError::new_err("coroutine ignored GeneratorExit")),
            Ok(Sent::Returned(_)) => Ok(()),
            Err(error) if error.is_instance_of::<PyGeneratorExit>(py) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.send(py, py.None())
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
    fn cr_running(&self, py: Python<'_>) -> bool {
        self.state.with(py, |state| matches!(state, State::Running))
    }

    #[getter]
    fn cr_suspended(&self, py: Python<'_>) -> bool {
        self.state
            .with(py, |state| matches!(state, State::Suspended(_)))
    }

    #[getter]
    fn cr_await(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.exchange.with(py, |exchange| {
            exchange.awaiting.as_ref().map(|iter| iter.clone_ref(py))
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
        self.exchange
            .visit(|exchange| visit.call(&exchange.awaiting))
    }

    fn __clear__(&self) {
        Python::attach(|py| {
            let state = self.state.replace(py, State::Finished);
            let exchange = self.exchange.take(py);
            drop((state, exchange));
        });
    }
}

impl Drop for Coroutine {
    fn drop(&mut self) {
        Python::attach(|py| {
            if self
                .state
                .with(py, |state| matches!(state, State::Created(_)))
            {
                warn_never_awaited(py, self.name);
            }
        });
    }
}
