//! What a coroutine is between two resumptions, and what a resumption does.

use pyo3::PyTraverseError;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::gc::PyVisit;
use pyo3::prelude::*;

use super::body::Begin;
use super::{Coroutine, throwing};
use crate::cpython::{self, Resumed, SelfAwait, Sent};
use crate::kernel::future::Future;
use crate::kernel::future::native;

/// What a piece of a coroutine ends with.
pub enum Step {
    /// The coroutine is over, with this result.
    Return(Py<PyAny>),
    /// It gives way once, by a bare `yield`, and then returns this.
    YieldOnce(Py<PyAny>),
    /// It gives way once, and then goes on.
    Yield(Box<dyn Wait>),
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
        begin: Begin,
        /// `None` only while it is being taken out.
        target: Option<Py<PyAny>>,
        argument: Option<Py<PyAny>>,
    },
    /// Not begun: it will resume this.
    Begin(Box<dyn Wait>),
    /// It has given way, and will return this.
    Yielded(Py<PyAny>),
    /// It has given way, and will resume this.
    Yielding(Box<dyn Wait>),
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

    /// Whether it waits for something, or has given way.
    pub(super) const fn is_suspended(&self) -> bool {
        matches!(
            self,
            Self::Waiting { .. } | Self::Yielded(_) | Self::Yielding(_)
        )
    }

    /// Takes out what a coroutine that has not begun will call, and has it run. Word by word: the object was written word
    /// by word just before, and the processor would wait for that if more were read at once. What is left needs no drop.
    #[inline]
    fn begin(&mut self) -> Option<(Begin, Py<PyAny>, Option<Py<PyAny>>)> {
        let Self::Call {
            begin,
            target,
            argument,
        } = self
        else {
            return None;
        };
        let call = (*begin, target.take()?, argument.take());
        std::mem::forget(std::mem::replace(self, Self::Running));
        Some(call)
    }

    pub(super) fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self {
            Self::Call {
                target, argument, ..
            } => {
                visit.call(target)?;
                visit.call(argument)
            }
            Self::Begin(wait) | Self::Yielding(wait) => wait.traverse(visit),
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

impl Coroutine {
    /// Resumes it until it waits or ends.
    #[inline]
    pub(super) fn resume(&self, py: Python<'_>, input: Input) -> Resumed {
        if matches!(input, Input::None)
            && let Some((begin, target, argument)) = self.state.with(py, State::begin)
        {
            return begin(self, &target.into_bound(py), argument);
        }
        self.resume_any(py, input)
    }

    fn resume_any(&self, py: Python<'_>, input: Input) -> Resumed {
        let step = match (self.state.replace(py, State::Running), input) {
            (State::Waiting { awaiting, wait }, input) => {
                return self.go_on(py, give(py, &awaiting, input), awaiting, wait);
            }
            (State::Yielding(wait), Input::Throw(error)) => wait.resume(py, Err(error)),
            (State::Running, _) => {
                return Err(PyValueError::new_err("coroutine already executing").into());
            }
            (State::Finished, _) => Err(PyRuntimeError::new_err(
                "cannot reuse already awaited coroutine",
            )),
            // Thrown in before the first step it never enters the body, whatever it is (since Python 3.12).
            (State::Call { .. } | State::Begin(_), Input::Throw(error)) if cfg!(Py_3_12) => {
                self.finished(py);
                return Err(error.into());
            }
            // The last bare yield raises it.
            (_, Input::Throw(error)) => Err(error),
            (
                State::Call {
                    begin,
                    target: Some(target),
                    argument,
                },
                _,
            ) => return begin(self, &target.into_bound(py), argument),
            (State::Call { target: None, .. }, _) => Ok(Step::none(py)),
            (State::Yielded(result), _) => Ok(Step::Return(result)),
            (State::Begin(wait) | State::Yielding(wait), _) => wait.resume(py, Ok(py.None())),
        };
        self.follow(py, step)
    }

    /// Does what a piece of the coroutine has ended with. What nearly all end with becomes one with the piece.
    #[inline(always)]
    pub fn follow(&self, py: Python<'_>, step: PyResult<Step>) -> Resumed {
        match step {
            Ok(Step::Return(result)) => {
                self.finished(py);
                Ok(Sent::Returned(result))
            }
            step => self.follow_any(py, step),
        }
    }

    fn follow_any(&self, py: Python<'_>, step: PyResult<Step>) -> Resumed {
        match step {
            Ok(Step::Return(result)) => {
                self.finished(py);
                Ok(Sent::Returned(result))
            }
            Ok(Step::YieldOnce(result)) => {
                self.set(py, State::Yielded(result));
                Ok(Sent::Yielded(py.None()))
            }
            Ok(Step::Yield(wait)) => {
                self.set(py, State::Yielding(wait));
                Ok(Sent::Yielded(py.None()))
            }
            Ok(Step::Wait(awaitable, wait)) => self.wait(py, awaitable, wait),
            Err(error) => {
                self.finished(py);
                Err(throwing::leaving(py, error).into())
            }
        }
    }

    /// Puts down where the coroutine, which runs, waits now.
    #[inline]
    fn set(&self, py: Python<'_>, state: State) {
        cpython::show(self);
        self.state.with(py, |running| *running = state);
    }

    /// Puts down that the coroutine, which runs, is over: of the state, only what says so is written.
    #[inline]
    fn finished(&self, py: Python<'_>) {
        self.state.with(py, |state| {
            let running = std::mem::replace(state, State::Finished);
            debug_assert!(matches!(running, State::Running));
            std::mem::forget(running);
        });
    }

    /// Begins to await something.
    fn wait(&self, py: Python<'_>, awaitable: Py<PyAny>, wait: Box<dyn Wait>) -> Resumed {
        let awaiting = if native(awaitable.bind(py)).is_some() {
            awaitable
        } else {
            // The awaitable may be a temporary that only its iterator is to keep.
            match cpython::await_iterator(&awaitable.into_bound(py)) {
                Ok(iterator) => iterator,
                Err(error) => return self.follow(py, wait.resume(py, Err(error))),
            }
        };
        self.go_on(py, give(py, &awaiting, Input::None), awaiting, wait)
    }

    /// Goes on waiting, or with what has come of it.
    #[inline]
    fn go_on(
        &self,
        py: Python<'_>,
        resumed: Resumed,
        awaiting: Py<PyAny>,
        wait: Box<dyn Wait>,
    ) -> Resumed {
        let outcome = match resumed {
            Ok(Sent::Yielded(object)) => {
                self.set(py, State::Waiting { awaiting, wait });
                return Ok(Sent::Yielded(object));
            }
            Ok(Sent::Returned(result)) => Ok(result),
            Err(error) => Err(error.into()),
        };
        drop(awaiting);
        self.follow(py, wait.resume(py, outcome))
    }
}

/// Gives an iterator that is awaited what the driver has given.
#[inline]
fn give(py: Python<'_>, awaiting: &Py<PyAny>, input: Input) -> Resumed {
    match (native(awaiting.bind(py)), input) {
        (Some(future), Input::None | Input::Send(_)) => Future::resume(future),
        // Whoever awaits a future has nothing to be told.
        (Some(_), Input::Throw(error)) => Err(error.into()),
        (None, input) => cpython::deeper(py, || match input {
            Input::None => cpython::iter_send(py, awaiting, None),
            Input::Send(value) => cpython::iter_send(py, awaiting, Some(&value)),
            Input::Throw(error) => throwing::throw_into(awaiting.bind(py), error),
        })?,
    }
}
