//! A coroutine's state between two resumptions, and what a resumption does. The module's page walks through it.

use pyo3::PyTraverseError;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::gc::PyVisit;
use pyo3::prelude::*;

use super::body::Begin;
use super::{Coroutine, throwing};
use crate::cpython::{self, Resumed, SelfAwait, Sent};
use crate::kernel::future::Future;
use crate::kernel::future::native_future;

/// What a piece of a coroutine ends with.
pub enum Step {
    /// The end of the coroutine, with its result.
    Return(Py<PyAny>),
    /// A bare `yield`, after which the coroutine returns this result.
    YieldOnce(Py<PyAny>),
    /// A bare `yield`, and the rest of the coroutine.
    Yield(Box<dyn Wait>),
    /// An awaitable, and the rest of the coroutine.
    Wait(Py<PyAny>, Box<dyn Wait>),
}

impl Step {
    /// Ends the coroutine with `None` as its result.
    #[inline]
    pub fn none(py: Python<'_>) -> Self {
        Self::Return(py.None())
    }
}

/// The rest of a coroutine that awaits something.
pub trait Wait: Send + 'static {
    /// Goes on with what the awaitable has returned or raised: a `GeneratorExit` if the coroutine is closed meanwhile.
    fn resume(self: Box<Self>, py: Python<'_>, outcome: PyResult<Py<PyAny>>) -> PyResult<Step>;

    /// Shows the references to the garbage collector.
    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError>;
}

/// What a coroutine is doing.
pub(super) enum State {
    /// Not begun: the first piece is a function.
    Call {
        begin: Begin,
        /// `None` only while it is being taken out.
        target: Option<Py<PyAny>>,
        argument: Option<Py<PyAny>>,
    },
    /// Not begun: all pieces are in a [`Wait`].
    Begin(Box<dyn Wait>),
    /// Suspended at a bare `yield`, with the result to return next.
    Yielded(Py<PyAny>),
    /// Suspended at a bare `yield`, with the rest.
    Yielding(Box<dyn Wait>),
    /// Suspended at an `await`, with the awaitable's iterator and the rest.
    Waiting {
        awaiting: Py<PyAny>,
        wait: Box<dyn Wait>,
    },
    Running,
    Finished,
}

impl State {
    /// Whether the coroutine has not begun.
    pub(super) const fn is_new(&self) -> bool {
        matches!(self, Self::Call { .. } | Self::Begin(_))
    }

    /// Whether the coroutine is suspended at an `await` or a bare `yield`.
    pub(super) const fn is_suspended(&self) -> bool {
        matches!(
            self,
            Self::Waiting { .. } | Self::Yielded(_) | Self::Yielding(_)
        )
    }

    /// Takes the first piece out of a coroutine that has not begun, and marks the coroutine as running.
    ///
    /// This happens word by word: the object was written word by word just before, and a wider read would make the
    /// processor wait for these writes. The state that is left needs no drop.
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
    /// `None`, the input of nearly all resumptions.
    None,
    Send(Py<PyAny>),
    Throw(PyErr),
}

impl Coroutine {
    /// Resumes the coroutine until it yields or ends.
    #[inline]
    pub(super) fn resume(&self, py: Python<'_>, input: Input) -> Resumed {
        if matches!(input, Input::None)
            && let Some((begin, target, argument)) = self.state.with(py, State::begin)
        {
            return begin(self, &target.into_bound(py), argument);
        }
        self.resume_any(py, input)
    }

    /// Resumes a coroutine in any state, with any input.
    fn resume_any(&self, py: Python<'_>, input: Input) -> Resumed {
        let step = match (self.state.replace(py, State::Running), input) {
            (State::Waiting { awaiting, wait }, input) => {
                return self.go_on(py, resume_awaited(py, &awaiting, input), awaiting, wait);
            }
            (State::Yielding(wait), Input::Throw(error)) => wait.resume(py, Err(error)),
            (State::Running, _) => {
                return Err(PyValueError::new_err("coroutine already executing").into());
            }
            (State::Finished, _) => Err(PyRuntimeError::new_err(
                "cannot reuse already awaited coroutine",
            )),
            // Since Python 3.12 an exception that is thrown in before the first step never reaches the body.
            (State::Call { .. } | State::Begin(_), Input::Throw(error)) if cfg!(Py_3_12) => {
                self.finished(py);
                return Err(error.into());
            }
            // The last bare `yield` raises it.
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

    /// Does what the step says that a piece has ended with. The usual step, `Return`, is inlined into the piece.
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
                self.suspend(py, State::Yielded(result));
                Ok(Sent::Yielded(py.None()))
            }
            Ok(Step::Yield(wait)) => {
                self.suspend(py, State::Yielding(wait));
                Ok(Sent::Yielded(py.None()))
            }
            Ok(Step::Wait(awaitable, wait)) => self.wait(py, awaitable, wait),
            Err(error) => {
                self.finished(py);
                Err(throwing::leaving(py, error).into())
            }
        }
    }

    /// Suspends the running coroutine in this state. From now on the garbage collector has to see it.
    #[inline]
    fn suspend(&self, py: Python<'_>, state: State) {
        cpython::show(self);
        self.state.with(py, |running| *running = state);
    }

    /// Marks the running coroutine as finished. Only the state's tag is written.
    #[inline]
    fn finished(&self, py: Python<'_>) {
        self.state.with(py, |state| {
            let running = std::mem::replace(state, State::Finished);
            debug_assert!(matches!(running, State::Running));
            std::mem::forget(running);
        });
    }

    /// Begins to await an object, with `wait` as the rest of the coroutine.
    fn wait(&self, py: Python<'_>, awaitable: Py<PyAny>, wait: Box<dyn Wait>) -> Resumed {
        let awaiting = if native_future(awaitable.bind(py)).is_some() {
            awaitable
        } else {
            // The awaitable may be a temporary object, which only its iterator is to keep alive.
            match cpython::await_iterator(&awaitable.into_bound(py)) {
                Ok(iterator) => iterator,
                Err(error) => return self.follow(py, wait.resume(py, Err(error))),
            }
        };
        self.go_on(
            py,
            resume_awaited(py, &awaiting, Input::None),
            awaiting,
            wait,
        )
    }

    /// Goes on waiting if the awaitable has yielded, or with the rest if the awaitable has ended.
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
                self.suspend(py, State::Waiting { awaiting, wait });
                return Ok(Sent::Yielded(object));
            }
            Ok(Sent::Returned(result)) => Ok(result),
            Err(error) => Err(error.into()),
        };
        drop(awaiting);
        self.follow(py, wait.resume(py, outcome))
    }
}

/// Passes the driver's input on to the iterator that is awaited.
#[inline]
fn resume_awaited(py: Python<'_>, awaiting: &Py<PyAny>, input: Input) -> Resumed {
    match (native_future(awaiting.bind(py)), input) {
        (Some(future), Input::None | Input::Send(_)) => Future::resume(future),
        // A future has nothing to do when an exception is thrown into the `await` of it.
        (Some(_), Input::Throw(error)) => Err(error.into()),
        (None, input) => cpython::deeper(py, || match input {
            Input::None => cpython::iter_send(py, awaiting, None),
            Input::Send(value) => cpython::iter_send(py, awaiting, Some(&value)),
            Input::Throw(error) => throwing::throw_into(awaiting.bind(py), error),
        })?,
    }
}
