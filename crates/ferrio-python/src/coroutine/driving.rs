//! What a coroutine is between two resumptions, and what a resumption does.

use pyo3::PyTraverseError;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::gc::PyVisit;
use pyo3::prelude::*;

use super::{Coroutine, throwing};
use crate::ffi::{self, SelfAwait, Sent};
use crate::future::Future;
use crate::task::native;

/// What a coroutine begins with: a function on its target and an argument.
pub type Function = fn(&Bound<'_, PyAny>, Option<Py<PyAny>>) -> PyResult<Step>;

/// What a piece of a coroutine ends with.
pub enum Step {
    /// The coroutine is over, with this result.
    Return(Py<PyAny>),
    /// It gives way once, by a bare `yield`, and then returns this.
    YieldOnce(Py<PyAny>),
    /// It awaits something, and then goes on.
    Wait(Py<PyAny>, Box<dyn Wait>),
}

impl Step {
    /// The coroutine is over, and returns `None`.
    #[inline]
    pub fn none(py: Python<'_>) -> Self {
        Self::Return(py.None())
    }
}

/// The rest of a coroutine that awaits something.
pub trait Wait: Send + 'static {
    /// Goes on with what the awaitable has returned or raised. If it is thrown away meanwhile, that is a `GeneratorExit`.
    fn resume(self: Box<Self>, py: Python<'_>, outcome: PyResult<Py<PyAny>>) -> PyResult<Step>;

    /// Shows its references to the garbage collector.
    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError>;
}

/// Where a coroutine stands.
pub(super) enum State {
    /// Not begun: it will call this.
    Call {
        function: Function,
        target: Py<PyAny>,
        argument: Option<Py<PyAny>>,
    },
    /// Not begun: it will resume this.
    Begin(Box<dyn Wait>),
    /// It has given way, and will return this.
    Yielded(Py<PyAny>),
    /// It awaits what this iterator belongs to.
    Waiting {
        awaiting: Py<PyAny>,
        wait: Box<dyn Wait>,
    },
    Running,
    Finished,
}

impl State {
    /// Whether it has not begun.
    pub(super) const fn is_new(&self) -> bool {
        matches!(self, Self::Call { .. } | Self::Begin(_))
    }

    pub(super) fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self {
            Self::Call {
                target, argument, ..
            } => {
                visit.call(target)?;
                visit.call(argument)
            }
            Self::Begin(wait) => wait.traverse(visit),
            Self::Yielded(result) => visit.call(result),
            Self::Waiting { awaiting, wait } => {
                visit.call(awaiting)?;
                wait.traverse(visit)
            }
            Self::Running | Self::Finished => Ok(()),
        }
    }
}

/// What a driver resumes a coroutine with.
pub(super) enum Input {
    /// `None`, as nearly always.
    None,
    Send(Py<PyAny>),
    Throw(PyErr),
}

/// How far a resumption came.
enum Progress {
    /// The coroutine waits, and this is what it yields.
    Suspended(State, Py<PyAny>),
    Returned(Py<PyAny>),
}

impl Coroutine {
    /// Resumes it until it waits or ends.
    #[inline]
    pub(super) fn resume(&self, py: Python<'_>, input: Input) -> PyResult<Sent> {
        let state = self.state.replace(py, State::Running);
        if matches!(state, State::Running) {
            return Err(PyValueError::new_err("coroutine already executing"));
        }
        let (next, outcome) = match advance(py, state, input) {
            Ok(Progress::Suspended(state, yielded)) => (state, Ok(Sent::Yielded(yielded))),
            Ok(Progress::Returned(result)) => (State::Finished, Ok(Sent::Returned(result))),
            Err(error) => (State::Finished, Err(error)),
        };
        drop(self.state.replace(py, next));
        outcome
    }
}

/// Goes on from a state.
#[inline]
fn advance(py: Python<'_>, state: State, input: Input) -> PyResult<Progress> {
    let mut step = match (state, input) {
        (State::Waiting { awaiting, wait }, input) => match give(py, &awaiting, input) {
            Ok(Sent::Yielded(object)) => {
                return Ok(Progress::Suspended(
                    State::Waiting { awaiting, wait },
                    object,
                ));
            }
            Ok(Sent::Returned(result)) => wait.resume(py, Ok(result)),
            Err(error) => wait.resume(py, Err(error)),
        },
        (State::Running | State::Finished, _) => Err(PyRuntimeError::new_err(
            "cannot reuse already awaited coroutine",
        )),
        // Thrown in before the first step it never enters the body, and a bare yield raises it.
        (_, Input::Throw(error)) => Err(error),
        (
            State::Call {
                function,
                target,
                argument,
            },
            _,
        ) => function(&target.into_bound(py), argument),
        (State::Begin(wait), _) => wait.resume(py, Ok(py.None())),
        (State::Yielded(result), _) => Ok(Step::Return(result)),
    };
    loop {
        let (awaitable, wait) = match step? {
            Step::Return(result) => return Ok(Progress::Returned(result)),
            Step::YieldOnce(result) => {
                return Ok(Progress::Suspended(State::Yielded(result), py.None()));
            }
            Step::Wait(awaitable, wait) => (awaitable, wait),
        };
        let awaiting = if native(awaitable.bind(py)).is_some() {
            Ok(awaitable)
        } else {
            // The awaitable may be a temporary that only its iterator is to keep.
            ffi::await_iterator(&awaitable.into_bound(py))
        };
        let sent = awaiting.and_then(|awaiting| {
            let sent = give(py, &awaiting, Input::None)?;
            Ok((awaiting, sent))
        });
        step = match sent {
            Ok((awaiting, Sent::Yielded(object))) => {
                return Ok(Progress::Suspended(
                    State::Waiting { awaiting, wait },
                    object,
                ));
            }
            Ok((_, Sent::Returned(result))) => wait.resume(py, Ok(result)),
            Err(error) => wait.resume(py, Err(error)),
        };
    }
}

/// Gives an iterator that is awaited what the driver has given.
#[inline]
fn give(py: Python<'_>, awaiting: &Py<PyAny>, input: Input) -> PyResult<Sent> {
    match (native(awaiting.bind(py)), input) {
        (Some(future), Input::None | Input::Send(_)) => Future::resume(future),
        // Whoever awaits a future has nothing to be told.
        (Some(_), Input::Throw(error)) => Err(error),
        (None, Input::None) => ffi::iter_send(py, awaiting, &py.None()),
        (None, Input::Send(value)) => ffi::iter_send(py, awaiting, &value),
        (None, Input::Throw(error)) => throwing::throw_into(awaiting.bind(py), error),
    }
}
